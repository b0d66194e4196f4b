"""A first load test. Run it with: swell run FILE."""

from swell import check, http, sleep

options = {
    "vus": 10,
    "duration": "10s",
    "thresholds": {
        "http_req_failed": ["rate<0.01"],
        "http_req_duration": ["p(95)<300"],
    },
}


def default():
    """Run once per iteration, by every VU."""
    response = http.get("http://127.0.0.1:8080/")
    check(response, {"status is 200": lambda r: r.status_code == 200})
    sleep(1)
