"""What AIVO's tests share: where it is, the tenant's key, and how an endpoint is measured."""

from collections.abc import Callable, Mapping
from typing import Any

from suites.common import critical, require, require_target
from swell import Rate, Response, Trend, check, env, http

BASE_URL = env.get("BASE_URL", "http://localhost:8080").rstrip("/")
HEADERS = {
    "Authorization": f"Bearer {env.get('API_KEY', 'test-api-key')}",
    "X-Tenant-ID": env.get("TENANT_ID", "test-tenant"),
}


class Endpoint:
    """A kind of call under one name, with a trend of its own, and its share of the test's errors."""

    def __init__(self, name: str, trend: str, errors: Rate) -> None:
        self.name = name
        self.duration = Trend(trend, is_time=True)
        self.errors = errors

    def send(self, method: str, path: str, tags: Mapping[str, str] | None = None, **options: Any) -> Response:
        """Send a request as the tenant, with the tag ``endpoint``."""
        options.setdefault("headers", HEADERS)
        labels = {"endpoint": self.name, **(tags or {})}
        response = http.request(method, f"{BASE_URL}{path}", name=self.name, tags=labels, **options)
        self.duration.add(response.timings.duration)
        return response

    def judge(self, response: Response, conditions: Mapping[str, Callable[[Response], object]]) -> None:
        """Check the answer. The error rate gets successes too: it is a share of all calls."""
        named = {f"{self.name} {what}": holds for what, holds in conditions.items()}
        self.errors.add(not check(response, named))


def status_is(*statuses: int) -> Callable[[Response], bool]:
    """A condition: the answer has one of these statuses."""
    return lambda response: response.status_code in statuses


def has(key: str, kind: type = list) -> Callable[[Response], bool]:
    """A condition: the answer has something of that kind under ``key``."""
    return lambda response: response.ok and isinstance(response.json().get(key), kind)


def objectives(errors: str, endpoints: Mapping[str, tuple[str, int, int]]) -> dict[str, list[Any]]:
    """The document's objectives; ``endpoints``: name -> (trend, p95 and p99 in milliseconds).

    Of all calls 0.5 % may fail (the document's load tests); 1 % (its smoke tests) is critical.
    """
    rules: dict[str, list[Any]] = {
        errors: ["rate<0.005", critical("rate<0.01")],
        "http_req_failed": ["rate<0.001", critical("rate<0.01")],
    }
    for name, (trend, p95, p99) in endpoints.items():
        rules[f"http_req_duration{{endpoint:{name}}}"] = [f"p(95)<{p95}"]
        rules[trend] = [f"p(95)<{p95}", f"p(99)<{p99}"]
    return rules


def require_service() -> None:
    """See that the platform is up and takes the key."""
    require_target(BASE_URL, "aivo")
    usage = http.get(f"{BASE_URL}/api/v1/usage", headers=HEADERS, name="usage")
    require(usage, "API_KEY or TENANT_ID is not accepted", "aivo", "set both to those of one tenant")
