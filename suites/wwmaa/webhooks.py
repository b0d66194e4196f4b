"""WWMAA, test 3: a burst of Stripe's webhooks, a hundred a second.

    swell run suites/wwmaa/webhooks.py

Where document and script differ: the script's events all have one id, so that all but the first are
duplicates; here each has its own. Stripe delivers some events twice: every twentieth is sent again, and must
be answered like the first and processed once. The document's "no dropped webhooks, no duplicate processing"
is an invariant.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from suites.common import audit, critical, new_id, require_webhooks, send_webhook, written
from suites.wwmaa.api import API_URL, BASE_URL, WEBHOOK_P95, require_site
from swell import Counter, Rate, Response, Trend, abort, check, env, http, ledger, random, scenario, weighted

WEBHOOKS = f"{API_URL}/webhooks/stripe"
SECRET = env.get("STRIPE_WEBHOOK_SECRET", "whsec_test_secret")
DELIVERED_TWICE = 0.05
MONTH_S = 30 * 86_400

options = {
    "thresholds": {
        "webhook_processing_latency": [*WEBHOOK_P95, "p(99)<1000"],
        "http_req_duration{endpoint:webhook}": [*WEBHOOK_P95, "p(99)<1000"],
        "webhook_processing_success": ["rate>0.999", critical("rate>0.99")],
        "webhook_signature_valid": ["rate>0.999"],
        "webhook_duplicates": ["count==0"],
        "http_req_failed": ["rate<0.01"],
        "dropped_iterations": ["count==0"],
    },
}

latency = Trend("webhook_processing_latency", is_time=True)
success = Rate("webhook_processing_success")
signature_valid = Rate("webhook_signature_valid")
duplicates = Counter("webhook_duplicates")
events = ledger("webhooks")


def setup() -> None:
    """See that the site is up, takes our signature, and refuses another."""
    require_site()
    require_webhooks(WEBHOOKS, SECRET)
    forged = event_about("ping", {})
    either = http.expected_statuses(200, 400)
    answer = events.write(forged["id"], lambda: deliver(forged, "whsec_forged", expected=either))
    if answer.ok:
        abort("the site takes webhooks with a wrong signature")


def deliver(event: dict[str, Any], secret: str = SECRET, **options: Any) -> Response:
    """Send an event, signed with ``secret``."""
    tags = {"endpoint": "webhook", "type": event["type"]}
    return send_webhook(WEBHOOKS, event, secret, name="webhook", tags=tags, **options)


def event_about(kind: str, subject: dict[str, Any]) -> dict[str, Any]:
    """An event as Stripe sends it, under an id of its own."""
    return {
        "id": new_id("evt_"),
        "object": "event",
        "api_version": "2023-10-16",
        "created": int(time.time()),
        "type": kind,
        "livemode": False,
        "data": {"object": {"customer": new_id("cus_"), **subject}},
    }


def payment(status: str) -> dict[str, Any]:
    """A charge for a membership."""
    whose = {"membership_tier": "premium", "user_id": f"user_{random.randrange(1000)}"}
    return {"id": new_id("pi_"), "amount": 9900, "currency": "usd", "status": status, "metadata": whose}


def subscription(status: str) -> dict[str, Any]:
    """A membership that goes on, or ends."""
    items = {"data": [{"price": {"unit_amount": 9900}}]}
    end = int(time.time()) + MONTH_S
    return {"id": new_id("sub_"), "status": status, "current_period_end": end, "items": items}


def invoice(status: str) -> dict[str, Any]:
    """An invoice for a membership."""
    return {"id": new_id("in_"), "amount_paid": 9900, "currency": "usd", "status": status}


def happen(kind: str, subject: Callable[[str], dict[str, Any]], status: str) -> None:
    """Deliver an event of that kind; some twice, as Stripe does."""
    event = event_about(kind, subject(status))
    answer = events.write(event["id"], lambda: deliver(event))
    latency.add(answer.timings.duration)
    signature_valid.add(answer.status_code != 400)
    conditions = {
        "status is 200": lambda r: r.status_code == 200,
        "says that it was received": lambda r: r.ok and r.json()["received"] is True,
    }
    success.add(check(answer, conditions))
    # This was the first delivery: who calls it a duplicate has confused it with another.
    duplicates.add(answer.ok and bool(answer.json().get("duplicate")))
    if random.random() < DELIVERED_TWICE:
        again = events.write(event["id"], lambda: deliver(event))
        check(again, {"second delivery is received too": lambda r: r.ok and r.json()["received"]})


mix = weighted(
    {
        partial(happen, "payment_intent.succeeded", payment, "succeeded"): 40,
        partial(happen, "customer.subscription.updated", subscription, "active"): 30,
        partial(happen, "invoice.payment_succeeded", invoice, "paid"): 15,
        partial(happen, "payment_intent.payment_failed", payment, "requires_payment_method"): 10,
        partial(happen, "customer.subscription.deleted", subscription, "canceled"): 5,
    }
)


@scenario(
    executor="constant-arrival-rate",
    rate=100,
    time_unit="1s",
    duration="5m",
    pre_allocated_vus=50,
    max_vus=200,
)
def webhooks() -> None:
    """One event."""
    mix()


@audit("every webhook was processed once")
def processed_once() -> None:
    """None was forgotten, none applied twice, and the forged one not at all."""
    events.compare(written(BASE_URL, "webhooks"))
