"""Two scenarios side by side: users who browse, and orders that arrive at a rate."""

from swell import Rate, check, env, group, http, scenario, sleep

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")

options = {
    "thresholds": {
        "http_req_failed": ["rate<0.01"],
        "http_req_duration{scenario:browse}": ["p(95)<300"],
        "http_req_duration{scenario:orders}": ["p(95)<500", "p(99)<1500"],
        "ordered": ["rate>0.99"],
    },
}
ordered = Rate("ordered")


def setup():
    """Run once, before any VU; every VU gets its own copy of the value."""
    return {"token": "from a login, for example"}


@scenario(executor="ramping-vus", stages=[("10s", 20), ("20s", 20), ("10s", 0)])
def browse(data):
    """Closed model: each VU waits for the answer before it goes on."""
    with group("front page"):
        response = http.get(f"{BASE_URL}/")
        check(response, {"status is 200": lambda r: r.status_code == 200})
    sleep(1)


@scenario(executor="constant-arrival-rate", rate=10, time_unit="1s", duration="40s", pre_allocated_vus=20)
def orders(data):
    """Open model: iterations start at the rate, however long the answers take."""
    response = http.post(
        f"{BASE_URL}/orders",
        json={"item": 1},
        headers={"Authorization": f"Bearer {data['token']}"},
        name="/orders",
    )
    ordered.add(response.status_code == 201)


def teardown(data):
    """Run once, after all scenarios."""
