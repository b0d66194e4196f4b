"""What WWMAA's tests share: where it is, and the document's table of targets and critical levels."""

from typing import Any

from suites.common import critical, number, require, require_target
from swell import Response, env, http, random

BASE_URL = env.get("BASE_URL", "http://localhost:8001").rstrip("/")
API_URL = env.get("API_URL", f"{BASE_URL}/api").rstrip("/")
WS_URL = env.get("WS_URL", f"{BASE_URL.replace('http', 'ws', 1)}/ws").rstrip("/")

# The document's targets and critical levels.
API_P95: list[Any] = ["p(95)<300", critical("p(95)<500")]
SEARCH_P95: list[Any] = ["p(95)<1200", critical("p(95)<2000")]
PAGE_P95: list[Any] = ["p(95)<2500", critical("p(95)<4000")]
WEBHOOK_P95: list[Any] = ["p(95)<500", critical("p(95)<1000")]
ERROR_RATE: list[Any] = ["rate<0.001", critical("rate<0.01")]
DROP_RATE: list[Any] = ["rate<0.01", critical("rate<0.05")]

MEMBERS = int(number("MEMBERS", 1000, least=1))
MEMBER_PASSWORD = "test_password_123"


def require_site() -> None:
    """See that the site is up."""
    require_target(BASE_URL, "wwmaa")


def require_seeded(what: str, path: str, variable: str) -> None:
    """End the run before anything starts, in one line, unless the site has ``what`` at ``path``."""
    found = http.get(f"{API_URL}{path}", name="seed data")
    require(found, f"there is no {what}", "wwmaa", f"set {variable}")


def log_in(number: int) -> Response:
    """Log in as one of the seeded members."""
    account = {"email": f"loadtest_user_{number % MEMBERS}@wwmaa.com", "password": MEMBER_PASSWORD}
    return http.post(f"{API_URL}/auth/login", json=account, name="login", tags={"endpoint": "auth"})


def require_members() -> None:
    """End the run before anything starts, in one line, unless the site has members who can log in."""
    remedy = "set MEMBERS to how many there are"
    require(log_in(MEMBERS - 1), f"member {MEMBERS - 1} cannot log in", "wwmaa", remedy)


def any_member() -> int:
    """The number of one of them."""
    return random.randrange(MEMBERS)


def bearer(token: str) -> dict[str, str]:
    """The headers of a member's requests."""
    return {"Authorization": f"Bearer {token}"}
