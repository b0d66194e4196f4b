"""What only the extra scripts ask for: the gateway's smoke test, stage 2, the synthetic generator."""

import asyncio
import base64
import binascii
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from swell_target.base import tokens
from swell_target.base.call import Call, Reply
from swell_target.base.errors import Problem
from swell_target.base.service import Auth, Failure
from swell_target.services.aivo import llm, search
from swell_target.services.aivo.service import SERVICE

JWT_PARTS = 3
SLOW_S = 2.0
USERS = 1_000
Name = Annotated[str, Meta(max_length=200)]


class AnyBody(Struct):
    """A JSON object of any fields."""


class Free(Struct):
    """An object of which only the named fields matter."""

    id: str
    name: str
    role: str = "learner"


def check_jwt(call: Call) -> dict[str, Any]:
    """The claims of a well-formed token, whoever signed it: nothing real stands behind these paths."""
    parts = (call.bearer or "").split(".")
    if len(parts) != JWT_PARTS:
        raise Problem(401, "a token is needed")
    try:
        raw = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise Problem(401, "the token is malformed") from None


JWT = Auth("jwt", check_jwt)


class LearnerQuery(Struct, rename={"learner_id": "learnerId"}):
    """About whom."""

    learner_id: Name = ""


def own(call: Call, learner: str) -> str:
    """The learner, if the caller may see it; Problem 403."""
    if learner and learner != call.identity.get("learner_uid", call.identity.get("sub")):
        raise Problem(403, "another learner's data needs consent")
    return learner


@SERVICE.get("/api/v1/users/profile", name="profile", auth=JWT, answers={200: Free})
async def profile(call: Call) -> Free:
    """The own profile."""
    name = str(call.identity.get("learner_uid", "learner"))
    return Free(name, name, str(call.identity.get("role", "learner")))


@SERVICE.get("/api/v1/assessments", name="assessments", auth=JWT, answers={200: None, 403: Failure})
async def own_assessments(call: Call, query: LearnerQuery) -> Reply:
    """The assessments of a learner: the own ones only."""
    return Reply({"learnerId": own(call, query.learner_id), "assessments": []})


@SERVICE.get("/api/v1/learners", name="learners", auth=JWT, answers={200: None})
async def learners(call: Call) -> Reply:  # noqa: ARG001 - every handler takes it
    """Nobody but the caller."""
    return Reply({"learners": []})


@SERVICE.get(
    "/api/v1/learners/{learner_id}/profile",
    name="learner_profile",
    auth=JWT,
    answers={200: Free, 403: Failure},
)
async def learner_profile(call: Call, learner_id: str) -> Free:
    """A learner's profile: the own one only."""
    return Free(own(call, learner_id), learner_id)


@SERVICE.get("/api/v1/notifications", name="notifications", auth=JWT, answers={200: None, 403: Failure})
async def notifications(call: Call, query: LearnerQuery) -> Reply:
    """What a learner is told: the own news only."""
    return Reply({"learnerId": own(call, query.learner_id), "notifications": []})


@SERVICE.get("/api/v1/orchestrator/status", name="orchestrator", answers={200: None})
async def orchestrator(call: Call) -> Reply:  # noqa: ARG001 - every handler takes it
    """Whether workflows run."""
    return Reply({"status": "running", "workflows": 0})


class WorkflowBody(Struct, rename="camel"):
    """A workflow to start."""

    workflow_type: Name
    learner_id: Name = ""


@SERVICE.post("/api/v1/orchestrator/workflows", name="workflow", auth=JWT, answers={200: None, 403: Failure})
async def workflow(call: Call, body: WorkflowBody) -> Reply:
    """Start one; a dashboard of an unknown context may not."""
    if call.headers.get("x-dashboard-context", "").startswith("invalid"):
        raise Problem(403, "the dashboard's context is not valid")
    return Reply({"workflowType": body.workflow_type, "state": "started"})


class GraphqlBody(Struct):
    """A query, which is not looked at."""

    query: Annotated[str, Meta(max_length=20_000)]


@SERVICE.post("/graphql", name="graphql", answers={200: None})
async def graphql(call: Call, body: GraphqlBody) -> Reply:  # noqa: ARG001 - every handler takes it
    """The type's name, whatever was asked."""
    return Reply({"data": {"__typename": "Query"}})


class UsernameBody(Struct):
    """Who, and the proof."""

    username: Annotated[str, Meta(min_length=1, max_length=200)]
    password: Annotated[str, Meta(max_length=200)]


class Token(Struct):
    """A token."""

    token: str


@SERVICE.post("/api/v1/auth/login", name="gateway_login", answers={200: Token})
async def gateway_login(call: Call, body: UsernameBody) -> Token:
    """A token for anybody: test accounts need no proof here."""
    secret = call.runtime.settings.secret
    return Token(tokens.issue(secret, body.username, "access", 3600, learner_uid=body.username))


# --- Stage 2 ----------------------------------------------------------------------------------------------


class LessonBody(Struct, rename="camel"):
    """What the lesson is to be."""

    subject: Annotated[str, Meta(min_length=1, max_length=200)]
    topic: Name = ""
    grade: Annotated[int, Meta(ge=1, le=13)] = 8
    learning_objectives: Annotated[list[Name], Meta(max_length=20)] = []
    student_profile: dict[str, str] = {}


class Lesson(Struct):
    """A lesson's text."""

    content: str
    metadata: dict[str, str]


@SERVICE.post("/api/generate/lesson", name="lesson", answers={200: Lesson})
async def lesson(call: Call, body: LessonBody) -> Lesson:
    """A lesson by the mock model."""
    prompt = f"a lesson about {body.topic or body.subject} in {body.subject} for grade {body.grade}"
    text, _ = llm.answer(call.runtime.settings.seed, "gpt-4", prompt, 400)
    return Lesson(f"{prompt}. {text} {' '.join(body.learning_objectives)}", {"model": "gpt-4"})


class SearchQuery(Struct):
    """What to look for."""

    q: Annotated[str, Meta(max_length=500)]
    subject: Annotated[str, Meta(max_length=64)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


@SERVICE.get("/api/search", name="stage2_search", answers={200: None})
async def stage2_search(call: Call, query: SearchQuery) -> Reply:
    """The search without a tenant; without a match, any document of the subject."""
    filters = search.Filters(subject=query.subject or None)
    rows, total = await call.db.read(search.search, search.QueryBody(query.q, filters, query.limit))
    if not rows:
        # Every seeded document calls itself a lesson.
        wider = search.QueryBody("lesson", filters, query.limit)
        rows, total = await call.db.read(search.search, wider)
    results = [{"id": row.id, "title": row.title, "score": row.score} for row in rows]
    return Reply({"results": results, "total": total})


class QuickBody(Struct, rename="camel"):
    """What the assessment is to be."""

    subject: Annotated[str, Meta(min_length=1, max_length=200)]
    grade: Annotated[int, Meta(ge=1, le=13)] = 8
    assessment_type: Name = "adaptive"
    question_count: Annotated[int, Meta(ge=1, le=50)] = 10
    difficulty: Name = "medium"
    time_limit: Annotated[int, Meta(ge=1, le=86_400)] = 1800


class Quick(Struct):
    """Questions, made up."""

    questions: list[dict[str, Any]]


@SERVICE.post("/api/assessments", name="quick_assessment", answers={200: Quick})
@SERVICE.post("/api/assessments/quick", name="quicker_assessment", answers={200: Quick})
async def quick_assessment(call: Call, body: QuickBody) -> Quick:
    """Questions by the mock model."""
    seed = call.runtime.settings.seed
    made = []
    for number in range(1, body.question_count + 1):
        prompt = f"question {number} about {body.subject} for grade {body.grade}"
        text, _ = llm.answer(seed, "gpt-4", prompt, 24)
        made.append(
            {"id": number, "question": text, "options": ["A", "B", "C", "D"], "difficulty": body.difficulty}
        )
    return Quick(made)


@SERVICE.get("/api/users/{user_id}/profile", name="user_profile", answers={200: Free, 404: Failure})
async def user_profile(call: Call, user_id: str) -> Free:  # noqa: ARG001 - every handler takes it
    """One of user-0 to user-999."""
    number = user_id.removeprefix("user-")
    if not number.isascii() or not number.isdigit() or int(number[:9]) >= USERS:
        raise Problem(404, "no such user")
    return Free(user_id, f"User {number}")


# --- The synthetic generator ------------------------------------------------------------------------------


async def synthetic(call: Call) -> Reply:
    """What the headers ask for: success, an error, or slowness."""
    scenario = call.headers.get("x-scenario", "success")
    if call.headers.get("x-force-error", "").startswith("5") or scenario == "error_5xx":
        raise Problem(500, "forced by header")
    if scenario == "error_4xx":
        raise Problem(400, "forced by header")
    if scenario == "slow":
        await asyncio.sleep(SLOW_S)
    return Reply({"status": "ok", "service": call.headers.get("x-service", "")})


def _synthetic_at(depth: int) -> Any:
    """The same so many steps below: handlers name the parameters of their path."""

    async def one(call: Call, first: str) -> Reply:  # noqa: ARG001 - any will do
        return await synthetic(call)

    async def two(call: Call, first: str, second: str) -> Reply:  # noqa: ARG001 - any will do
        return await synthetic(call)

    async def three(call: Call, first: str, second: str, third: str) -> Reply:  # noqa: ARG001 - any will do
        return await synthetic(call)

    return (synthetic, one, two, three)[depth]


TAILS = ("", "/{first}", "/{first}/{second}", "/{first}/{second}/{third}")
for _service in ("auth", "user", "learner", "payment", "assessment", "iep"):
    for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        for _depth, _tail in enumerate(TAILS):
            SERVICE.route(
                _method,
                f"/{_service}{_tail}",
                name=f"synthetic_{_service}_{_method.lower()}_{_depth}",
                answers={200: None, 400: Failure},
                hidden=True,
            )(_synthetic_at(_depth))
