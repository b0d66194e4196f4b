"""Metrics of your own: what the business counts, beside what the network does."""

import json
from typing import Any

from swell import Counter, Gauge, Rate, Trend, check, env, http, sleep

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")

orders = Counter("orders")
basket = Gauge("basket_size")
accepted = Rate("orders_accepted")
# is_time: the values are milliseconds, and the summary writes them so.
time_to_accept = Trend("time_to_accept", is_time=True)

options = {
    "vus": 4,
    "duration": "5s",
    "thresholds": {"orders_accepted": ["rate>0.99"], "time_to_accept{size:large}": ["p(95)<500"]},
}


def default() -> None:
    """Order a small basket and a large one."""
    for size, count in (("small", 1), ("large", 12)):
        response = http.post(f"{BASE_URL}/post", json={"items": list(range(count))}, name="order")
        was_accepted = check(response, {"accepted": lambda r: r.status_code == 200})
        orders.add(1, {"size": size})
        basket.add(count)
        accepted.add(was_accepted)
        time_to_accept.add(response.timings.duration, {"size": size})
    sleep(0.5)


def handle_summary(data: dict[str, Any]) -> dict[str, str]:
    """Replace the summary by two lines of your own; return None to keep it."""
    metrics = data["metrics"]
    lines = {name: metrics[name]["values"] for name in ("orders", "orders_accepted") if name in metrics}
    return {"stdout": json.dumps(lines, indent=2) + "\n"}
