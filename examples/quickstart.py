"""The smallest load test: ten users ask for a page once a second (swell run examples/quickstart.py)."""

from swell import check, env, http, sleep

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")

options = {
    "vus": 10,
    "duration": "10s",
    "thresholds": {"http_req_duration": ["p(95)<300"], "checks": ["rate>0.99"]},
}


def default() -> None:
    """One iteration: what each virtual user does again and again."""
    response = http.get(f"{BASE_URL}/health")
    check(
        response,
        {
            "status is 200": lambda r: r.status_code == 200,
            "service is up": lambda r: r.json()["status"] == "ok",
        },
    )
    sleep(1)
