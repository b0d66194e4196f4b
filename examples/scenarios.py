"""Two kinds of users side by side, with a login before them, and a clean-up that waits for both."""

from typing import Any

from swell import check, env, fail, group, http, scenario, sleep

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")
DURATION = env.get("DURATION", "10s")


def setup() -> dict[str, Any]:
    """Run once, before any user; every user gets its own copy of the value."""
    response = http.post(f"{BASE_URL}/post", json={"user": "load-test"}, name="login")
    if not response.ok:
        fail(f"cannot log in: {response.error or response.status_code}")
    return {"token": response.json()["json"]["user"]}


@scenario(executor="ramping-vus", start_vus=0, stages=[(DURATION, 20)], graceful_stop="5s")
def browse(data: dict[str, Any]) -> None:
    """Visitors: more and more of them, who think between two pages."""
    headers = {"Authorization": f"Bearer {data['token']}"}
    with group("catalogue"):
        pages = http.batch(
            [("GET", f"{BASE_URL}/get?page={page}", {"headers": headers, "name": "page"}) for page in (1, 2)]
        )
        for page in pages:
            check(page, {"page is there": lambda r: r.status_code == 200})
    sleep(0.5, 1.5)


@scenario(executor="constant-vus", vus=2, duration=DURATION, tags={"kind": "write"})
def order() -> None:
    """Buyers: few, and they write."""
    response = http.post(f"{BASE_URL}/post", json={"item": 7, "count": 1}, name="order")
    check(response, {"order was taken": lambda r: r.json()["json"]["item"] == 7})
    sleep(1)


@scenario(executor="per-vu-iterations", vus=1, iterations=1, after="browse")
def clean_up() -> None:
    """Starts when the visitors are gone."""
    http.delete(f"{BASE_URL}/delete", name="clean up")
