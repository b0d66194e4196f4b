"""Stripe's webhooks: signed, applied once however often they are delivered, in whatever order they arrive."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection, bindparam, select, update

from swell_target.base.call import Call
from swell_target.base.clock import new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.faults import DropWebhooks, DuplicateWebhooks, RepeatWebhooks
from swell_target.base.service import Failure
from swell_target.base.sql import insert, insert_once
from swell_target.base.webhooks import check_signature
from swell_target.services.wwmaa.schema import PAYMENTS, STRIPE_EVENTS, SUBSCRIPTIONS, USERS
from swell_target.services.wwmaa.service import SERVICE
from swell_target.services.wwmaa.text import WITHOUT_NUL

MAX_BODY = 256 * 1024
DEFAULT_TIER = "premium"
PERIOD_S = 30 * 86_400
# PostgreSQL's integers: an amount beyond is nobody's payment.
Cents = Annotated[int, Meta(ge=0, le=2_147_483_647)]
# Until the year 9999.
Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
Key = Annotated[str, Meta(max_length=255, pattern=WITHOUT_NUL)]


class Price(Struct):
    """What an item costs."""

    unit_amount: Cents | None = 0


class Item(Struct):
    """What is subscribed to."""

    price: Price | None = None


class Items(Struct):
    """A Stripe list."""

    data: list[Item] = []


class Subject(Struct):
    """The object of an event, of any type: what is looked at of it."""

    id: Key = ""
    customer: Key | None = ""
    amount: Cents | None = 0
    amount_paid: Cents | None = 0
    currency: Annotated[str, Meta(max_length=8, pattern=WITHOUT_NUL)] | None = "usd"
    status: Annotated[str, Meta(max_length=32, pattern=WITHOUT_NUL)] | None = ""
    metadata: dict[str, Any] | None = None
    current_period_end: Seconds | None = None
    items: Items | None = None


class Data(Struct):
    """Where an event keeps its object."""

    object: Subject


class StripeEvent(Struct):
    """An event as Stripe sends it."""

    id: Annotated[str, Meta(min_length=1, max_length=255, pattern=WITHOUT_NUL)]
    type: Annotated[str, Meta(min_length=1, max_length=120, pattern=WITHOUT_NUL)]
    data: Data
    created: Seconds = 0


class Received(Struct, omit_defaults=True):
    """The event is taken, nobody has to send it again; with what it led to, by its type."""

    received: bool
    status: str
    event_id: str
    duplicate: bool = False
    payment_recorded: bool | UnsetType = UNSET
    subscription_updated: bool | UnsetType = UNSET


DECODER = msgspec.json.Decoder(StripeEvent)
# Statements that every event runs are built once: building one costs as much as running it.
KNOWN_EVENT = select(STRIPE_EVENTS.c.id).where(STRIPE_EVENTS.c.id == bindparam("event"))
KNOWN_USER = select(USERS.c.id).where(USERS.c.id == bindparam("user"))
GIVE_TIER = update(USERS).where(USERS.c.id == bindparam("user")).values(tier=bindparam("new_tier"))
ADD_PAYMENT = PAYMENTS.insert()
PAYMENT_TYPES = ("payment_intent.succeeded", "invoice.payment_succeeded", "payment_intent.payment_failed")
SUBSCRIPTION_TYPES = (
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.created",
)


def _answer(event: StripeEvent, *, duplicate: bool) -> Received:
    # Of a duplicate it was recorded before: it is, in either case.
    return Received(
        received=True,
        status="success",
        event_id=event.id,
        duplicate=duplicate,
        payment_recorded=True if event.type in PAYMENT_TYPES else UNSET,
        subscription_updated=True if event.type in SUBSCRIPTION_TYPES else UNSET,
    )


@SERVICE.post(
    "/api/webhooks/stripe",
    name="webhook",
    answers={200: Received, 400: Failure},
    max_body=MAX_BODY,
    takes_raw=True,
)
async def webhook(call: Call) -> Received:
    """Apply an event of Stripe's once; a second delivery is answered like the first."""
    check_signature(call)
    try:
        event = DECODER.decode(call.raw_body)
    except msgspec.ValidationError as error:
        raise Problem(400, f"not an event: {error}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(400, f"the body is not valid JSON: {error}") from None
    again = False
    if call.faults.active:
        if call.faults.strikes(DropWebhooks) is not None:
            return _answer(event, duplicate=False)
        again = call.faults.strikes(DuplicateWebhooks) is not None
        if call.faults.strikes(RepeatWebhooks) is not None:
            await call.db.write(process, event, again=again)
    if not again and await call.db.read(_is_known, event.id):
        return _answer(event, duplicate=True)
    new = await call.db.write(process, event, again=again)
    return _answer(event, duplicate=not new)


def _is_known(tx: Connection, event_id: str) -> bool:
    """Whether it was applied: most duplicates need no write."""
    return tx.execute(KNOWN_EVENT, {"event": event_id}).first() is not None


def process(tx: Connection, event: StripeEvent, *, again: bool = False) -> bool:
    """Apply an event and remember it, both or neither; False when it was applied before.

    The event's key decides between deliveries at the same time: the second waits for the first's transaction.
    ``again`` (the fault) applies a known event once more.
    """
    values = {
        "id": event.id,
        "type": event.type,
        "created": event.created,
        "received": now_ms(),
        "processed": 1,
    }
    new = insert_once(tx, STRIPE_EVENTS, values)
    if not new:
        if not again:
            return False
        table = STRIPE_EVENTS
        tx.execute(update(table).where(table.c.id == event.id).values(processed=table.c.processed + 1))
    match event.type:
        case "payment_intent.succeeded":
            _record_payment(tx, event, "charge", "succeeded", event.data.object.amount)
            _give_tier(tx, event.data.object)
        case "payment_intent.payment_failed":
            _record_payment(tx, event, "charge", "failed", event.data.object.amount)
        case "invoice.payment_succeeded":
            _record_payment(tx, event, "invoice", "succeeded", event.data.object.amount_paid)
        case "customer.subscription.created" | "customer.subscription.updated":
            _set_subscription(tx, event, event.data.object.status or "active")
        case "customer.subscription.deleted":
            _set_subscription(tx, event, "canceled")
        case _:
            pass  # Stripe sends what one did not ask for, too; it is received and remembered.
    return True


def _text(subject: Subject, key: str) -> str:
    """A text of the metadata, "" when there is none that can be kept."""
    value = (subject.metadata or {}).get(key)
    return value if isinstance(value, str) and len(value) <= 64 and "\0" not in value else ""  # noqa: PLR2004


def _find_user(tx: Connection, subject: Subject) -> str | None:
    """The member that the event names; None for a stranger."""
    user_id = _text(subject, "user_id")
    found: str | None = tx.execute(KNOWN_USER, {"user": user_id}).scalar() if user_id else None
    return found


def _record_payment(tx: Connection, event: StripeEvent, kind: str, status: str, cents: int | None) -> None:
    payment = {
        "id": f"pay_{new_id()}",
        "kind": kind,
        "source": event.id,
        "user_id": _find_user(tx, event.data.object),
        "amount_cents": cents or 0,
        "currency": event.data.object.currency or "usd",
        "status": status,
        "created": now_ms(),
    }
    tx.execute(ADD_PAYMENT, payment)


def _give_tier(tx: Connection, subject: Subject) -> None:
    """Who pays for a tier has it."""
    tier, user_id = _text(subject, "membership_tier"), _text(subject, "user_id")
    if tier and user_id:
        tx.execute(GIVE_TIER, {"user": user_id, "new_tier": tier[:16]})


def _set_subscription(tx: Connection, event: StripeEvent, status: str) -> None:
    """What Stripe says of a subscription, unless something newer was said already."""
    subject = event.data.object
    prices = [item.price.unit_amount or 0 for item in (subject.items or Items()).data if item.price]
    end_s = subject.current_period_end or event.created + PERIOD_S
    changed = {"status": status, "period_end": end_s * 1_000, "changed": event.created}
    values: dict[str, Any] = changed | {
        "id": subject.id,
        "user_id": _find_user(tx, subject),
        "customer": subject.customer or "",
        "tier": _text(subject, "membership_tier")[:16] or DEFAULT_TIER,
        "price_cents": min(sum(prices), 2_147_483_647),
    }
    statement = insert(tx, SUBSCRIPTIONS).values(**values)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_=changed, where=SUBSCRIPTIONS.c.changed <= event.created
        )
    )
