"""WWMAA, test 1: members search for martial-arts content, a thousand times a minute.

    swell run suites/wwmaa/search.py

Where document and script differ: "1,000 queries per minute" is an arrival rate here. The script's 100 users
with pauses of 0.6 s make some nine thousand, and fewer the slower the target gets. 100 is the most that may
wait at once. Each search is another member's, on a connection of its own: over connections that are kept the
objective on connecting would hold whatever happens, as nearly all of its samples are 0. The document's mix is
40 % simple, 30 % filtered, 20 % semantic and 10 % complex.
"""

from functools import partial

from suites.common import seed_command
from suites.wwmaa.api import API_URL, ERROR_RATE, SEARCH_P95, require_site
from swell import Rate, Trend, abort, check, feeder, group, http, scenario, weighted

SHARES = {"simple": 40, "filtered": 30, "semantic": 20, "complex": 10}

options = {
    "no_vu_connection_reuse": True,
    "thresholds": {
        "http_req_duration{endpoint:search}": [*SEARCH_P95, "p(99)<2000"],
        "search_latency": [*SEARCH_P95, "p(99)<2000"],
        "search_latency{type:semantic}": ["p(95)<1500", "p(99)<2500"],
        "search_latency{type:filtered}": ["p(95)<800", "p(99)<1200"],
        "search_errors": ERROR_RATE,
        "http_req_failed": ERROR_RATE,
        "http_req_connecting": ["p(95)<100"],
        "http_req_waiting": ["p(95)<1000"],
        "dropped_iterations": ["count==0"],
    },
}

latency = Trend("search_latency", is_time=True)
errors = Rate("search_errors")
queries = {kind: feeder.json(f"searches/{kind}.json") for kind in SHARES}


def setup() -> None:
    """See that the site is up and has something to find."""
    require_site()
    found = http.get(f"{API_URL}/search", params={"q": "karate"}, name="seed data")
    if not (found.ok and found.json()["results"]):
        abort(f"there is nothing to find: seed it with `{seed_command('wwmaa')}`")


@group("Search Request")
def look_for(kind: str) -> None:
    """Send a search of that kind, and judge its answer."""
    tags = {"endpoint": "search", "type": kind}
    found = http.get(f"{API_URL}/search", params=queries[kind].next(), name="search", tags=tags)
    latency.add(found.timings.duration, {"type": kind})
    conditions = {
        "status is 200": lambda r: r.status_code == 200,
        "content-type is json": lambda r: "application/json" in r.headers.get("Content-Type", ""),
        "has results": lambda r: r.ok and "results" in r.json(),
    }
    if kind == "semantic":
        conditions["results have relevance scores"] = lambda r: (
            r.ok and any("relevance_score" in one for one in r.json()["results"])
        )
    errors.add(not check(found, conditions))


mix = weighted({partial(look_for, kind): share for kind, share in SHARES.items()})


@scenario(
    executor="ramping-arrival-rate",
    start_rate=0,
    time_unit="1m",
    stages=[("2m", 1000), ("5m", 1000), ("2m", 0)],
    pre_allocated_vus=50,
    max_vus=100,
)
def search() -> None:
    """One search."""
    mix()
