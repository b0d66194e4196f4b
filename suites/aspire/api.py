"""What Aspire's tests share: where it is, who calls, and how a step is judged."""

from collections.abc import Mapping
from typing import Any

from suites.common import critical, number, require, require_target
from swell import Rate, Response, check, env, http

BASE_URL = env.get("BASE_URL", "http://localhost:3000").rstrip("/")
AUTH_TOKEN = env.get("AUTH_TOKEN", "mock-token")


def as_learner(token: str = AUTH_TOKEN) -> dict[str, str]:
    """The headers of a learner's requests."""
    return {"Authorization": f"Bearer {token}"}


def objectives(steps: Mapping[str, int], share: float) -> dict[str, list[Any]]:
    """The document's objectives for a test, and the milliseconds that each of its ``steps`` may take (p95).

    ``share`` is the most that may fail: the target is 0.1 % for the platform, the critical level the test's.
    The document's peak has a limit for all requests together, which its profile sets: ``P95_MS``.
    """
    reads_and_writes = {
        "http_req_duration{method:GET}": ["p(95)<300", critical("p(95)<500")],
        "http_req_duration{method:POST}": ["p(95)<1000", critical("p(95)<2000")],
        "http_req_failed": ["rate<0.001", critical(f"rate<{share}")],
        "errors": ["rate<0.001", critical(f"rate<{share}")],
    }
    overall = number("P95_MS", 0)
    limits = {"http_req_duration": [f"p(95)<{overall:g}"]} if overall else {}
    return (
        reads_and_writes
        | limits
        | {f"http_req_duration{{name:{name}}}": [f"p(95)<{limit}"] for name, limit in steps.items()}
    )


def judge(errors: Rate, response: Response, what: str, status: int = 200) -> bool:
    """Whether a step succeeded. ``errors`` gets successes too, so that its rate is a share of all steps."""
    succeeded = check(response, {what: lambda r: r.status_code == status})
    errors.add(not succeeded)
    return succeeded


def require_learner() -> str:
    """See that the platform is up and takes the token; whose it is."""
    require_target(BASE_URL, "aspire")
    me = http.get(f"{BASE_URL}/api/auth/me", headers=as_learner(), name="me")
    learner = require(me, "AUTH_TOKEN is not accepted", "aspire", "set it to a learner's token")
    number: str = learner.json()["id"]
    return number
