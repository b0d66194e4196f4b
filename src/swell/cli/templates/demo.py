"""What 'swell demo' runs: four kinds of traffic at once, against the target that comes with swell."""

from swell import Rate, check, env, group, http, random, scenario, sleep, weighted

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")
DURATION = env.get("DURATION", "12s")

options = {
    "thresholds": {
        "http_req_failed": ["rate<0.05"],
        "http_req_duration{scenario:shoppers}": ["p(95)<500"],
        "http_req_duration{scenario:orders}": ["p(95)<250", "p(99)<1000"],
        "checks": ["rate>0.9"],
        "ordered": ["rate>0.99"],
    },
}
ordered = Rate("ordered")


def setup():
    """Run once, before any virtual user."""
    return {"token": http.get(f"{BASE_URL}/json", name="/json").json()["service"]}


def front_page():
    """Most people look at the front page."""
    with group("front page"):
        response = http.get(f"{BASE_URL}/html", name="/html")
        check(response, {"has a title": lambda r: "<title>" in r.text})


def search():
    """Some of them search: 20 ms on average, sometimes much more."""
    with group("search"):
        response = http.get(f"{BASE_URL}/latency/exponential/20", name="/search")
        check(response, {"found something": lambda r: r.status_code == 200})


def download():
    """Few of them download something larger."""
    response = http.get(f"{BASE_URL}/bytes/{random.randint(10_000, 40_000)}", name="/download/{size}")
    check(response, {"is complete": lambda r: len(r.content) >= 10_000})


visit = weighted({front_page: 60, search: 30, download: 10})


@scenario(executor="ramping-vus", start_vus=0, stages=[("1s", 20), (DURATION, 40), ("1s", 0)])
def shoppers():
    """Closed model: people wait for an answer, then think."""
    visit()
    sleep(random.uniform(0.1, 0.5))


@scenario(
    executor="constant-arrival-rate",
    rate=50,
    time_unit="1s",
    duration=DURATION,
    pre_allocated_vus=10,
    max_vus=50,
    distribution="poisson",
)
def orders(data):
    """Open model: orders arrive at their rate, however long the answers take."""
    headers = {"Authorization": f"Bearer {data['token']}"}
    order = {"item": random.randint(1, 9)}
    response = http.post(f"{BASE_URL}/post", json=order, headers=headers, name="/orders")
    ordered.add(response.status_code == 200)


@scenario(executor="constant-vus", vus=2, duration=DURATION)
def unlucky():
    """Everything that goes wrong in a real network, in small doses."""
    misfortune = random.choice(["errors/40?status=503", "reset", "truncate", "delay/400"])
    response = http.get(f"{BASE_URL}/{misfortune}", name=f"/{misfortune.partition('?')[0]}", timeout=0.2)
    check(response, {"was lucky": lambda r: r.status_code == 200})
    sleep(0.4)


@scenario(executor="per-vu-iterations", vus=1, iterations=3, max_duration="5s", after="unlucky")
def closing_time():
    """Start when the unlucky ones have gone home."""
    http.get(f"{BASE_URL}/gzip", name="/report")
