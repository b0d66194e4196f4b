"""What all suites share: objectives, the look at the target before the start, and what was written there."""

import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from uuid import uuid4

from swell import Ledger, Response, abort, env, http, invariant, sleep

# The operator's token of the reference platform. Without it nobody can ask the target what it holds.
ADMIN_TOKEN = env.get("SWELL_TARGET_ADMIN_TOKEN", "")
WRITES_PER_PAGE = 5_000

F = TypeVar("F", bound=Callable[..., object])


def number(name: str, default: float, least: float = 0) -> float:
    """What a variable says, or ``default``; where that is no such number the run does not start."""
    text = env.get(name, "")
    try:
        value = float(text or default)
    except ValueError:
        value = float("nan")
    if not least <= value < float("inf"):
        abort(f"{name} is {text!r}: it must be a number, {least:g} or more")
    return value


PACE = number("PACE", 1)


def critical(rule: str) -> dict[str, Any]:
    """An objective's critical level: beyond it the target is unstable, and the run ends (after 10 s).

    It stands behind the target level, which only decides whether the run has passed:
    ``["p(95)<300", critical("p(95)<500")]``. With ``ABORT=no``, as in stress, the run goes on: what comes
    then is the question.
    """
    return {"threshold": rule, "abortOnFail": env.get("ABORT") != "no", "delayAbortEval": "10s"}


def require_target(url: str, service: str, variable: str = "BASE_URL") -> None:
    """End the run before anything starts, in one line, unless ``url`` is up."""
    answer = http.get(f"{url}/health", timeout="5s", name="health")
    if not answer.ok:
        reason = answer.error or f"it answers {answer.status_code}"
        abort(
            f"no target at {url} ({reason}): start one with"
            f" `swell target serve --services {service}`, or set {variable}"
        )
    if ADMIN_TOKEN:
        headers = {"X-Admin-Token": ADMIN_TOKEN}
        told = http.get(f"{url}/admin/faults", headers=headers, name="admin", expected=lambda _: True)
        if told.status_code in {401, 403}:
            abort("SWELL_TARGET_ADMIN_TOKEN is not the target's: set it to what `swell target serve` printed")


def require(response: Response, what: str, service: str, remedy: str = "") -> Response:
    """End the run before anything starts, in one line, unless ``response`` is a success."""
    if not response.ok:
        reason = response.error or f"status {response.status_code}"
        seed = f"seed it with `{seed_command(service)}`"
        abort(f"{what}: {reason}; {f'{remedy}, or {seed}' if remedy else seed}")
    return response


def seed_command(service: str) -> str:
    """The command that fills the reference platform with what the tests need."""
    return f"swell target seed --services {service}"


def pause(seconds: float, up_to: float | None = None) -> None:
    """Think as a user does, at the pace of the profile: with ``PACE=0.1`` ten times as fast."""
    sleep(seconds * PACE, None if up_to is None else up_to * PACE)


def new_id(prefix: str) -> str:
    """An id that nothing else has, in this run or another, whatever the seed."""
    return f"{prefix}{uuid4().hex}"


def send_webhook(url: str, event: dict[str, Any], secret: str, **options: Any) -> Response:
    """Deliver an event as Stripe does, signed by HMAC-SHA256 (https://docs.stripe.com/webhooks)."""
    body, now = json.dumps(event).encode(), int(time.time())
    signature = hmac.digest(secret.encode(), f"{now}.".encode() + body, "sha256").hex()
    headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={now},v1={signature}"}
    return http.post(url, content=body, headers=headers, **options)


def require_webhooks(url: str, secret: str) -> None:
    """End the run before anything starts, in one line, unless webhooks signed with ``secret`` are taken."""
    event = {"id": new_id("evt_"), "type": "ping", "data": {"object": {"id": "none"}}}
    answer = send_webhook(url, event, secret, name="webhook", expected=http.expected_statuses(200, 400))
    if answer.status_code == 400:
        abort("webhooks are refused: set STRIPE_WEBHOOK_SECRET to the target's webhook secret")


# What the target was told, and what it holds


def create(book: Ledger, send: Callable[[], Response], key: Callable[[Response], str]) -> Response:
    """Make a write that gets its id from the target, and record it under what ``key`` finds in the answer.

    A write whose answer never came has no id: it is counted as unknown.
    """
    try:
        answer = send()
    except BaseException:
        book.unknown(None)
        raise
    book.record(key(answer) if answer.ok else None, answer)
    return answer


def settle(limit: str = "10s") -> str:
    """How long the target may take until its books are in order, unless ``SETTLE`` says otherwise."""
    return env.get("SETTLE", limit)


def audit(name: str, within: str = "") -> Callable[[F], F]:
    """An invariant that asks the operator's endpoints; there is none without the operator's token."""
    return invariant(name, within=within or settle()) if ADMIN_TOKEN else lambda function: function


def written(url: str, kind: str) -> Iterator[str]:
    """The ids of all writes of a kind at the target, each as often as it took place."""
    after = ""
    while True:
        page = ask(f"{url}/admin/writes/{kind}", {"after": after, "limit": WRITES_PER_PAGE})
        for key, times in page["writes"]:
            for _ in range(times):
                yield key
        if page["next"] is None:
            return
        after = page["next"]


def ask(url: str, params: dict[str, Any] | None = None) -> Any:
    """What the operator is told at ``url``; raises what the target answered instead."""
    answer = http.get(url, params=params, headers={"X-Admin-Token": ADMIN_TOKEN}, name="admin")
    if not answer.ok:
        raise RuntimeError(f"{url} answers {answer.status_code}: {answer.error or answer.text[:200]}")
    return answer.json()
