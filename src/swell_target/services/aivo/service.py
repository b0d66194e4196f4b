"""AIVO's declaration; its routes hang themselves on it."""

from msgspec import Struct

from swell_target.base.clock import new_id
from swell_target.base.service import HEALTH_PATHS, Cors, Failure, Service
from swell_target.base.writes import Written
from swell_target.services.aivo import edge_rules, seed
from swell_target.services.aivo.schema import ASSESSMENTS, DOCUMENTS, GRADES, SCHEMA


def correlate(headers: dict[str, str]) -> list[tuple[str, str]]:
    """The gateway's headers: the correlation id back, or a new one; the origin: credentials forbid ``*``."""
    given = headers.get("x-correlation-id") or headers.get("x-request-id")
    made = [("x-correlation-id", given or new_id())]
    origin = headers.get("origin")
    made.append(("access-control-allow-origin", origin or "*"))
    return [*made, ("vary", "Origin")] if origin else made


def openai_errors(status: int, error: str, fields: dict[str, object], path: str) -> object:
    """Errors in the form of the API that the path belongs to; always with a sentence."""
    if not path.startswith("/v1/"):
        return {"error": error} | fields
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")  # noqa: PLR2004
    return {"error": {"message": error, "type": kind, "param": None, "code": None} | fields}


class OpenAIError(Struct):
    """What went wrong, in the form that OpenAI's clients read."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIFailure(Struct):
    """An error of a path under /v1/."""

    error: OpenAIError


def failure_type(path: str) -> type[Struct]:
    """The type of an error's body."""
    return OpenAIFailure if path.startswith("/v1/") else Failure


# A submission is graded within its assessment.
GRADE_KEY = GRADES.c.assessment_id + "/" + GRADES.c.submission_id

SERVICE = Service(
    name="aivo",
    title="AIVO: AI gateway, assessment and search",
    port=8080,
    schema=SCHEMA,
    seed=seed.fill,
    clean=seed.clean,
    writes={
        "assessments": Written(ASSESSMENTS.c.id, ASSESSMENTS.c.id),
        "documents": Written(DOCUMENTS.c.id, DOCUMENTS.c.id),
        "grades": Written(GRADE_KEY, GRADE_KEY),
    },
    cors=Cors(origin="", credentials=True, expose=("X-Correlation-ID",)),
    health_paths=(
        *HEALTH_PATHS,
        "/gateway/health",
        "/api/health",
        "/api/v1/health",
        "/api/v1/gateway/health",
        "/api/v1/assessment/health",
        "/api/v1/search/health",
    ),
    problem_body=openai_errors,
    problem_type=failure_type,
    extra_headers=correlate,
    guard=edge_rules.guard,
)
