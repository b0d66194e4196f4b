"""Cooly: somebody logs in, orders an image for a credit, and waits until it is there.

    swell run suites/cooly/generation.py

Where document and script differ: error and success rates count both outcomes (the script's success rate is
100 % or has no samples, so that a run in which everything fails passes). The script measures the acceptance
of an order only; here the order is followed to its end, by the server's events. Each order has a client key,
by which it is found again even when its answer never came. Credits must add up to what was ordered.
"""

import json

from suites.common import ask, audit, new_id, pause, require, require_target, settle, written
from swell import (
    Counter,
    Rate,
    Response,
    Trend,
    abort,
    check,
    env,
    expect,
    feeder,
    group,
    http,
    invariant,
    ledger,
    scenario,
)

API_BASE = env.get("API_BASE", "http://localhost:5001").rstrip("/")
ACCOUNT = {
    "email": env.get("TEST_EMAIL", "test@example.com"),
    "password": env.get("TEST_PASSWORD", "testpassword123"),
}
IMAGES = f"{API_BASE}/api/images/seedream4"
MODEL = "seedream-4-0-t2i-250415"
CREDITS_NEEDED = 1000

options = {
    "thresholds": {
        "errors": ["rate<0.10"],
        "generation_success": ["rate>0.80"],
        "response_time": ["p(95)<30000"],
        "http_req_duration": ["p(99)<60000"],
        "http_req_failed": ["rate<0.10"],
        "generation_finished": ["rate>0.80"],
        "generation_time": ["p(95)<32000"],
        "credit_errors": ["count==0"],
        "provider_errors": ["count==0"],
    },
}

errors = Rate("errors")
accepted = Rate("generation_success")
finished = Rate("generation_finished")
response_time = Trend("response_time", is_time=True)
generation_time = Trend("generation_time", is_time=True)
credit_errors = Counter("credit_errors")
provider_errors = Counter("provider_errors")
orders = ledger("orders")
prompts = feeder.csv("prompts.csv")


def setup() -> int:
    """See that the account is there and has credits; how many."""
    require_target(API_BASE, "cooly", "API_BASE")
    remedy = "set TEST_EMAIL and TEST_PASSWORD"
    login = require(log_in(), f"cannot log in as {ACCOUNT['email']}", "cooly", remedy)
    balance: int = login.json()["credits"]
    if balance < CREDITS_NEEDED:
        abort(
            f"{ACCOUNT['email']} has {balance} credits, not {CREDITS_NEEDED}: POST /admin/credits gives more"
        )
    return balance


@scenario(executor="ramping-vus", start_vus=0, stages=[("10s", 5), ("20s", 10), ("30s", 10), ("10s", 0)])
def generate() -> None:
    """One image, from the login to the picture."""
    login = log_in()
    if check(login, {"login successful": lambda r: r.status_code == 200, "login returned token": token_of}):
        cookies = {"token": token_of(login)}
        session_id = order(cookies)
        if session_id:
            follow(session_id, cookies)
    else:
        errors.add(True)
    pause(1, 3)


def log_in() -> Response:
    """Log in with the test's account."""
    return http.post(f"{API_BASE}/api/auth/login", json=ACCOUNT, timeout="10s", name="login")


def token_of(login: Response) -> str:
    """The session's token; empty where there is none."""
    token: str = login.json().get("token", "") if login.ok else ""
    return token


def order(cookies: dict[str, str]) -> str:
    """Order an image; the id to follow it by, empty where the order was not taken."""
    key = new_id("order-")
    body = {"prompt": prompts.next()["prompt"], "model": MODEL, "outputs": 1, "clientKey": key}
    labels = {"endpoint": "seedream4"}
    answer = orders.write(
        key,
        lambda: http.post(
            f"{IMAGES}/generate", json=body, cookies=cookies, timeout="60s", name="generate", tags=labels
        ),
        amount=1,
    )
    response_time.add(answer.timings.duration)
    conditions = {
        "status is 202": lambda r: r.status_code == 202,
        "has session_id": lambda r: r.ok and "session_id" in r.json(),
        "has client_key": lambda r: r.ok and r.json()["clientKey"] == key,
    }
    succeeded = check(answer, conditions)
    accepted.add(succeeded)
    errors.add(not succeeded)
    credit_errors.add(answer.status_code == 402 or (answer.status_code == 400 and "credit" in answer.text))
    provider_errors.add(answer.status_code >= 500)
    return answer.json()["session_id"] if succeeded else ""


@group("image")
def follow(session_id: str, cookies: dict[str, str]) -> None:
    """Listen to the server's events until the image is there, or cannot be made."""
    state = ""
    url = f"{IMAGES}/progress/stream?session_id={session_id}"
    for event in http.events(url, cookies=cookies, chunk_timeout="60s", name="progress"):
        state = json.loads(event.data)["state"]
        if state in ("done", "failed"):
            generation_time.add(event.latency)
            break
    finished.add(state == "done")


@invariant("credits spent are images ordered", within=settle("30s"))
def credits_balance(before: int) -> None:
    """The account has less by what was ordered, and by nothing else."""
    orders.balance("credits spent in this run", before - log_in().json()["credits"])


@audit("every order exists once")
def orders_exist() -> None:
    """An order that was taken is kept, one that was refused is not, and none is made twice."""
    orders.compare(written(API_BASE, "generations"))


@audit("the books agree", within=settle("30s"))
def books_agree() -> None:
    """Balances, ledger, lots and reservations say the same, and the queue is worked off."""
    books = ask(f"{API_BASE}/admin/consistency")
    expect.none("faults in the books", books["faults"])
    expect.equal("orders that still wait", books["outbox"], 0)
