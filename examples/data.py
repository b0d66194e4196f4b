"""Test data from a file: each account signs in once, then the run is over."""

from swell import check, env, feeder, http, random

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")

# No two virtual users get the same row, over all workers; who finds none left stops.
accounts = feeder.csv("users.csv", order="unique", on_exhausted="stop-vu")
searches = feeder.of(["wave", "tide", "surf"], order="circular")

options = {"vus": 3, "duration": "10s", "thresholds": {"checks": ["rate==1"]}}


def default() -> None:
    """Sign in as somebody new, and look for something."""
    account = accounts.next()
    login = http.post(
        f"{BASE_URL}/post", data={"user": account["name"], "password": account["password"]}, name="login"
    )
    check(login, {"signed in": lambda r: r.json()["form"]["user"] == account["name"]})
    # The same numbers again with the same --seed, for any number of workers.
    page = random.randint(1, 5)
    http.get(f"{BASE_URL}/get", params={"q": searches.next(), "page": page}, name="search")
