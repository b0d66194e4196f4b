"""Objectives that decide the exit code: overall, per endpoint, and one that ends a hopeless run early."""

from swell import check, env, group, http, sleep

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")

options = {
    "vus": 5,
    "duration": "10s",
    "thresholds": {
        "http_req_failed": [{"threshold": "rate<0.05", "abortOnFail": True, "delayAbortEval": "2s"}],
        "http_req_duration": ["p(95)<400", "p(99)<1000"],
        "http_req_duration{name:health}": ["p(95)<200"],
        "http_req_duration{kind:report}": ["avg<800"],
        "checks{check:report is complete}": ["rate>0.99"],
        "group_duration{group:::dashboard}": ["p(90)<900"],
    },
}


def default() -> None:
    """A fast page and a slow one, each with its own objective."""
    http.get(f"{BASE_URL}/health", name="health")
    with group("dashboard"):
        report = http.get(f"{BASE_URL}/delay/20", name="report", tags={"kind": "report"})
        check(report, {"report is complete": lambda r: r.ok and len(r.content) > 0})
    sleep(0.2)
