"""WWMAA, test 5: ten thousand visitors on all pages.

    swell run suites/wwmaa/pages.py --workers 2

Three visitors in ten are members, who log in when they come; views are 30 % homepage, 25 % events, 20 %
instructors, 15 % search and 10 % dashboard. Where document and script differ: in the script a member is
drawn anew for each page, and a visitor who draws the dashboard without a login loses it for good. Here a
visitor is a member or not, and only members see dashboards: a third of their views, a tenth of all. The
document's LCP needs a browser; here it is the page and its largest picture, loaded as a browser would.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from suites.common import critical, pause
from suites.wwmaa.api import (
    API_P95,
    API_URL,
    BASE_URL,
    ERROR_RATE,
    PAGE_P95,
    SEARCH_P95,
    bearer,
    log_in,
    require_members,
    require_site,
)
from swell import Counter, Rate, Trend, check, context, group, http, random, scenario


class Page(NamedTuple):
    """A page, its share of the views, the call to the API that it makes, and what that is named."""

    path: str
    share: float
    call: str
    endpoint: str
    p95: int


PAGES = {
    "homepage": Page("/", 30, "/events?limit=20", "events_api", 2000),
    "events": Page("/events", 25, "/events?limit=20&page=1", "events_api", 2500),
    "instructors": Page("/instructors", 20, "/instructors?limit=20", "instructors_api", 2000),
    "search": Page("/search?q=karate", 15, "/search?q=karate", "search_api", 2500),
    "dashboard": Page("/dashboard", 10, "/users/me/dashboard", "dashboard_api", 2500),
}
PUBLIC = [name for name in PAGES if name != "dashboard"]
ASSETS = ["/static/css/main.css", "/static/js/main.js", "/static/images/logo.png"]
BROWSER = {
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "en-US,en;q=0.9",
    "Accept-Encoding": "gzip, deflate, br",
}
MEMBERS_IN_TEN = 3

options = {
    "thresholds": {
        "page_load_time": PAGE_P95,
        "lcp_estimate": PAGE_P95,
        **{f"http_req_duration{{page:{name}}}": [f"p(95)<{page.p95}"] for name, page in PAGES.items()},
        "http_req_duration{type:api}": [*API_P95, "p(99)<500"],
        "http_req_duration{endpoint:search_api}": SEARCH_P95,
        "page_load_success": ["rate>0.999", critical("rate>0.99")],
        "auth_success": ["rate>0.99"],
        "http_req_failed": ERROR_RATE,
        "server_errors": ["count==0"],
    },
}

page_load_time = Trend("page_load_time", is_time=True)
lcp = Trend("lcp_estimate", is_time=True)
page_success = Rate("page_load_success")
auth_success = Rate("auth_success")
server_errors = Counter("server_errors")
# The members' tokens, by the number of the virtual user: somebody logs in once, and stays.
tokens: dict[int, str] = {}


def setup() -> None:
    """See that the site is up and knows its members."""
    require_site()
    require_members()


@scenario(
    executor="ramping-vus",
    start_vus=0,
    stages=[("3m", 1000), ("2m", 5000), ("2m", 10_000), ("5m", 10_000), ("3m", 0)],
)
def visit() -> None:
    """A visitor looks at one page, and reads it."""
    number = context.vu.id
    is_member = number % 10 < MEMBERS_IN_TEN
    token = token_of(number) if is_member else ""
    load(choose(with_dashboard=bool(token)), bearer(token) if token else {})
    pause(5, 10)


def token_of(number: int) -> str:
    """A member's token, from the first visit on; empty where the login fails."""
    if number not in tokens:
        login = log_in(number)
        succeeded = check(login, {"received access token": lambda r: r.ok and bool(r.json()["access_token"])})
        auth_success.add(succeeded)
        if not succeeded:
            return ""
        tokens[number] = login.json()["access_token"]
        pause(0.5)
    return tokens[number]


def choose(*, with_dashboard: bool) -> str:
    """The next page: of a member's views a third are dashboards."""
    if with_dashboard and random.random() < PAGES["dashboard"].share / (10 * MEMBERS_IN_TEN):
        return "dashboard"
    return random.choices(PUBLIC, [PAGES[name].share for name in PUBLIC])[0]


def load(name: str, headers: Mapping[str, str]) -> None:
    """Load a page as a browser does: HTML, then its files side by side, then its data."""
    page = PAGES[name]
    with group(name):
        html = http.get(
            f"{BASE_URL}{page.path}",
            headers={**BROWSER, **headers},
            name=name,
            tags={"page": name, "type": "page"},
        )
        page_load_time.add(html.timings.duration)
        conditions = {
            "page status 200": lambda r: r.status_code == 200,
            "content-type is html": lambda r: "text/html" in r.headers.get("Content-Type", ""),
            "page has content": lambda r: len(r.content) > 0,
        }
        page_success.add(check(html, conditions))
        files = http.batch([("GET", f"{BASE_URL}{path}", file_options(path)) for path in ASSETS])
        check(files, {"static assets loaded": lambda all_: all(one.status_code == 200 for one in all_)})
        lcp.add(html.timings.duration + files[-1].timings.duration)
        labels = {"type": "api", "endpoint": page.endpoint}
        data = http.get(f"{API_URL}{page.call}", headers=headers, name=page.endpoint, tags=labels)
        check(data, {"api status 200": lambda r: r.status_code == 200})
        server_errors.add(sum(one.status_code >= 500 for one in (html, *files, data)))


def file_options(path: str) -> Any:
    """How a file of a page is asked for."""
    return {"headers": BROWSER, "name": path, "tags": {"type": "static"}}
