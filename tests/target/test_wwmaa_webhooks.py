"""WWMAA takes Stripe's webhooks: signed, each applied once, in whatever order they come."""

import json
import time
import uuid
from typing import Any

import pytest
from target_platform import Client, Platform
from target_wwmaa import bearer, log_in

from swell_target.base.webhooks import sign

SECRET = "whsec_test_secret"


@pytest.fixture
def wwmaa(target: Platform) -> Client:
    """The service."""
    return target["wwmaa"]


def stripe_event(kind: str, event_id: str = "", **subject: Any) -> bytes:
    """An event as the script builds it."""
    now = int(time.time())
    event = {
        "id": event_id or f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "api_version": "2023-10-16",
        "created": now,
        "type": kind,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": f"req_{uuid.uuid4().hex}", "idempotency_key": str(uuid.uuid4())},
        "data": {"object": {"id": f"pi_{uuid.uuid4().hex}", "customer": "cus_1"} | subject},
    }
    return json.dumps(event).encode()


def deliver(client: Client, body: bytes, signature: str | None = None) -> Any:
    """Send a webhook, rightly signed unless a signature is given; "" sends none."""
    header = sign(SECRET, body, int(time.time())) if signature is None else signature
    return client.post(
        "/api/webhooks/stripe", data=body, headers={"Stripe-Signature": header} if header else {}
    )


@pytest.mark.parametrize(
    ("kind", "subject", "field"),
    [
        (
            "payment_intent.succeeded",
            {
                "amount": 9900,
                "currency": "usd",
                "status": "succeeded",
                "metadata": {"membership_tier": "premium", "user_id": "user_999"},
            },
            "payment_recorded",
        ),
        (
            "customer.subscription.updated",
            {
                "status": "active",
                "current_period_end": int(time.time()) + 2_592_000,
                "items": {"data": [{"price": {"unit_amount": 9900}}]},
            },
            "subscription_updated",
        ),
        (
            "invoice.payment_succeeded",
            {"amount_paid": 9900, "paid": True, "subscription": "sub_1"},
            "payment_recorded",
        ),
        (
            "payment_intent.payment_failed",
            {"amount": 9900, "last_payment_error": {"code": "card_declined"}},
            "payment_recorded",
        ),
        (
            "customer.subscription.deleted",
            {"status": "canceled", "canceled_at": int(time.time())},
            "subscription_updated",
        ),
    ],
)
def test_every_type_of_the_script_is_applied_once(
    wwmaa: Client, kind: str, subject: dict[str, Any], field: str
) -> None:
    """W7: 200, received; the second delivery is answered 200 too, and says so."""
    event_id = f"evt_{uuid.uuid4().hex}"
    body = stripe_event(kind, event_id, **subject)
    for duplicate in (False, True):
        response = deliver(wwmaa, body)
        answer = response.json()
        assert (response.status_code, answer["received"], answer["status"]) == (200, True, "success")
        assert answer[field] is True
        assert answer.get("duplicate", False) is duplicate
    seen = wwmaa.admin("GET", f"/admin/webhooks/{event_id}").json()
    assert (seen["processed"], seen["payments"]) == (1, 1 if field == "payment_recorded" else 0)


def test_the_scripts_constant_id_is_taken(wwmaa: Client) -> None:
    """Section 6: all its events have one id, ``evt_[object ArrayBuffer]``; each gets 200."""
    for kind in ("payment_intent.succeeded", "customer.subscription.updated", "invoice.payment_succeeded"):
        response = deliver(
            wwmaa, stripe_event(kind, "evt_[object ArrayBuffer]", id="pi_[object ArrayBuffer]")
        )
        assert (response.status_code, response.json()["received"]) == (200, True)


def test_a_payment_gives_its_tier(wwmaa: Client) -> None:
    """The member who paid has it at once."""
    headers = bearer(log_in(wwmaa, email="loadtest_user_600@wwmaa.com")["access_token"])
    metadata = {"membership_tier": "elite", "user_id": "user_600"}
    deliver(wwmaa, stripe_event("payment_intent.succeeded", amount=19900, metadata=metadata))
    assert wwmaa.get("/api/auth/me", headers=headers).json()["tier"] == "elite"


def test_an_older_event_does_not_undo_a_newer_one(wwmaa: Client) -> None:
    """Stripe's events overtake each other; the one that was made last wins."""
    headers = bearer(log_in(wwmaa, email="loadtest_user_601@wwmaa.com")["access_token"])
    subject = {"id": f"sub_{uuid.uuid4().hex}", "metadata": {"user_id": "user_601"}}
    newer = json.loads(stripe_event("customer.subscription.deleted", **subject))
    older = json.loads(stripe_event("customer.subscription.updated", status="active", **subject))
    older["created"] = newer["created"] - 60
    for event in (newer, older):
        assert deliver(wwmaa, json.dumps(event).encode()).status_code == 200
    own = wwmaa.get("/api/subscriptions/my-subscription", headers=headers).json()
    assert (own["id"], own["status"]) == (subject["id"], "canceled")


def test_an_unknown_type_is_received(wwmaa: Client) -> None:
    """Stripe must not send again what nobody wants."""
    assert deliver(wwmaa, stripe_event("charge.dispute.created")).json()["received"] is True


BODY = stripe_event("payment_intent.succeeded", amount=1)


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (BODY, ""),
        (BODY, "nonsense"),
        (BODY, "t=,v1="),
        (BODY, "t=1,v1=00"),
        (BODY, sign("whsec_other", BODY, int(time.time()))),
        (BODY + b" ", sign(SECRET, BODY, int(time.time()))),
        (BODY, sign(SECRET, BODY, int(time.time()) - 3_600)),
        (BODY, sign(SECRET, BODY, int(time.time()) + 3_600)),
        (b"{not json", None),
        (b"[]", None),
        (b'{"id": "evt_1"}', None),
        (b'{"id": "", "type": "x", "data": {"object": {}}}', None),
    ],
    # Signatures hold the time: as names they would differ from one test process to the other.
    ids=map(str, range(12)),
)
def test_a_wrong_webhook_is_refused_in_json(wwmaa: Client, body: bytes, signature: str | None) -> None:
    """W7: 400 for a missing, wrong, old or future signature, and for no event."""
    response = deliver(wwmaa, body, signature)
    assert response.status_code == 400
    assert isinstance(response.json()["error"], str)


def test_a_second_signature_will_do(wwmaa: Client) -> None:
    """While a secret is replaced, Stripe signs with both."""
    body = stripe_event("payment_intent.succeeded", amount=1)
    seconds = int(time.time())
    good = sign(SECRET, body, seconds).partition("v1=")[2]
    assert deliver(wwmaa, body, f"t={seconds},v1={'0' * 64},v0=x,v1={good}").status_code == 200


def test_a_repeated_webhook_is_a_fault_on_demand(target: Platform, wwmaa: Client) -> None:
    """Under it the first delivery is answered as a duplicate, and was applied once all the same."""
    body = stripe_event("invoice.payment_succeeded", amount_paid=9900)
    event = json.loads(body)["id"]
    with target.faults("wwmaa", [{"type": "repeat_webhooks"}]):
        assert deliver(wwmaa, body).json()["duplicate"] is True
    page = wwmaa.admin("GET", "/admin/writes/webhooks", params={"after": event[:-1], "limit": 1}).json()
    assert page["writes"] == [[event, 1]]
