"""A mix of journeys: most users look around, some search, few buy."""

from swell import check, context, env, group, http, sleep, weighted

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")

options = {"vus": 10, "duration": "10s", "thresholds": {"checks": ["rate>0.99"]}}


@group("browse")
def browse() -> None:
    """Look at three products."""
    for product in (1, 2, 3):
        # One name for all products: a row per product would hide the pattern.
        http.get(f"{BASE_URL}/anything/products/{product}", name="/products/:id")
        sleep(0.1, 0.3)


@group("search")
def search() -> None:
    """Search once."""
    response = http.get(f"{BASE_URL}/get", params={"q": "board"}, name="/search")
    check(response, {"found": lambda r: r.json()["args"]["q"] == "board"})


@group("buy")
def buy() -> None:
    """Put something into the basket and pay."""
    context.vu.tags["journey"] = "buy"
    http.post(f"{BASE_URL}/post", json={"product": 2}, name="/basket")
    paid = http.post(
        f"{BASE_URL}/post", json={"card": "test"}, name="/payment", expected=http.expected_statuses(200, 402)
    )
    check(paid, {"paid": lambda r: r.status_code == 200})


default = weighted({browse: 60, search: 30, buy: 10})
