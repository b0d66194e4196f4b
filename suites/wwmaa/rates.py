"""WWMAA, API test: logins, events and memberships, each at a rate of its own.

    swell run suites/wwmaa/rates.py --profile smoke

The document has no such test, its script collection has. Where this differs from the script: its login
journeys last two seconds and more, so that 100 a second need more than its 100 virtual users, and it drops
what it cannot start without a word. Here there are enough, and nothing may be dropped.
"""

from suites.common import critical, pause
from suites.wwmaa.api import (
    API_P95,
    API_URL,
    ERROR_RATE,
    any_member,
    bearer,
    log_in,
    require_members,
    require_site,
)
from swell import Rate, Response, Trend, check, feeder, group, http, scenario

PARTS = ("auth", "events", "subscriptions")

options = {
    "thresholds": {
        "api_latency": [*API_P95, "p(99)<500"],
        **{f"http_req_duration{{endpoint:{part}}}": ["p(95)<300", "p(99)<500"] for part in PARTS},
        "api_success": ["rate>0.99", critical("rate>0.95")],
        "http_req_failed": ERROR_RATE,
        "dropped_iterations": ["count==0"],
    },
}

latency = Trend("api_latency", is_time=True)
success = Rate("api_success")
searches = feeder.of(["karate", "seminar", "tournament", "judo class", "belt test"])


def setup() -> None:
    """See that the site is up and knows its members."""
    require_site()
    require_members()


@scenario(executor="constant-arrival-rate", rate=100, duration="5m", pre_allocated_vus=250, max_vus=400)
@group("Authentication Flow")
def auth() -> None:
    """Log in, look who one is, and renew the token."""
    tokens = enter(any_member())
    if not tokens:
        return
    judge(get("/auth/me", "auth", tokens["access_token"]), "knows the member")
    pause(0.5)
    body = {"refresh_token": tokens["refresh_token"]}
    renewed = http.post(f"{API_URL}/auth/refresh", json=body, name="refresh", tags={"endpoint": "auth"})
    judge(renewed, "token renewed")
    is_new = {"token is another": lambda r: r.ok and r.json()["access_token"] != tokens["access_token"]}
    check(renewed, is_new)
    pause(1)


@scenario(
    executor="constant-arrival-rate",
    rate=200,
    duration="5m",
    start_time="30s",
    pre_allocated_vus=500,
    max_vus=800,
)
@group("Events Flow")
def events() -> None:
    """List, open the first, search."""
    listed = get("/events?limit=20", "events")
    if not judge(listed, "events listed") or not listed.json()["events"]:
        return
    pause(0.5)
    judge(get(f"/events/{listed.json()['events'][0]['id']}", "events", name="/events/{id}"), "event opened")
    pause(0.5)
    judge(get(f"/events/search?q={searches.next()}", "events", name="/events/search"), "events found")
    pause(1)


@scenario(
    executor="constant-arrival-rate",
    rate=50,
    duration="5m",
    start_time="1m",
    pre_allocated_vus=120,
    max_vus=200,
)
@group("Subscriptions Flow")
def subscriptions() -> None:
    """Log in, see the plans, and one's own; the first hundred members have one."""
    tokens = enter(any_member() % 100)
    if not tokens:
        return
    token = tokens["access_token"]
    plans = get("/subscriptions/plans", "subscriptions", token)
    judge(plans, "plans listed")
    pause(0.5)
    judge(get("/subscriptions/my-subscription", "subscriptions", token), "own membership seen")
    pause(1)


def enter(member: int) -> dict[str, str]:
    """Log a member in; both tokens, or nothing."""
    login = log_in(member)
    if not judge(login, "logged in"):
        return {}
    pause(0.5)
    tokens: dict[str, str] = login.json()
    return tokens


def get(path: str, endpoint: str, token: str = "", name: str = "") -> Response:
    """Ask the API for something."""
    headers = bearer(token) if token else {}
    return http.get(f"{API_URL}{path}", headers=headers, name=name or path, tags={"endpoint": endpoint})


def judge(response: Response, what: str) -> bool:
    """Check for a success, and keep its time."""
    succeeded = check(response, {what: lambda r: r.ok})
    success.add(succeeded)
    latency.add(response.timings.duration)
    return succeeded
