"""Registrations for events: capacity, one place per address, payment and confirmation in one transaction."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection, Row, bindparam, select, update

from swell_target.base.clock import new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.sql import insert_once
from swell_target.services.wwmaa.schema import EVENTS, MAILS, PAYMENTS, REGISTRATIONS
from swell_target.services.wwmaa.text import WITHOUT_NUL

# Stripe's test methods that are declined (https://docs.stripe.com/testing#declined-payments).
DECLINED = ("declined", "insufficient", "expired", "fail", "incorrect", "stolen", "lost")
# Statements that every request runs are built once: building one costs as much as running it.
ACTIVE_EVENT = select(EVENTS).where(EVENTS.c.id == bindparam("event"), EVENTS.c.status == "active")
TAKE_ANY_PLACE = (
    update(EVENTS)
    .where(EVENTS.c.id == bindparam("event"))
    .values(registered=EVENTS.c.registered + 1)
    .returning(EVENTS.c.registered)
)
TAKE_PLACE = TAKE_ANY_PLACE.where(EVENTS.c.registered < EVENTS.c.capacity)
ADD_PAYMENT, ADD_MAIL = PAYMENTS.insert(), MAILS.insert()
Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=WITHOUT_NUL)]


class Participant(Struct):
    """Who comes."""

    email: Annotated[str, Meta(min_length=3, max_length=255, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]
    first_name: Name
    last_name: Name
    phone: Annotated[str, Meta(max_length=64, pattern=WITHOUT_NUL)] = ""


class BillingDetails(Struct):
    """Who pays; the mock provider asks no more."""

    name: Annotated[str, Meta(max_length=255)] = ""
    email: Annotated[str, Meta(max_length=255)] = ""
    address: dict[str, Any] | None = None


class Payment(Struct):
    """How it is paid: a Stripe payment method; those whose name says so are declined."""

    payment_method: Annotated[str, Meta(min_length=1, max_length=255)]
    billing_details: BillingDetails | None = None


class RsvpBody(Struct):
    """A registration; the event in the path counts."""

    participant: Participant
    event_id: str = ""
    payment: Payment | UnsetType | None = UNSET


class Booked(Struct, omit_defaults=True):
    """The place is taken; ``payment_status`` is there when a payment was sent."""

    booking_id: str
    registration_id: str
    event_id: str
    status: str
    email: str
    current_registrations: int
    payment_status: str | UnsetType = UNSET


def find_event(tx: Connection, event_id: str) -> Row[Any]:
    """A published event; Problem 404."""
    row = tx.execute(ACTIVE_EVENT, {"event": event_id}).first()
    if row is None:
        raise Problem(404, "no such event")
    return row


def full(event: Row[Any]) -> Problem:
    """The answer when there is no place left."""
    return Problem(
        400,
        f"the event is full: its capacity of {event.capacity} is reached",
        code="event_full",
        capacity=event.capacity,
    )


def check_payment(payment: Payment | UnsetType | None) -> bool:
    """Charge with the mock provider: whether there was a payment; Problem 402 when it is declined."""
    if not isinstance(payment, Payment):
        return False
    if any(word in payment.payment_method.lower() for word in DECLINED):
        raise Problem(402, "the payment was declined", code="card_declined", payment_status="failed")
    return True


def book(tx: Connection, event_id: str, body: RsvpBody, *, paid: bool, enforce: bool) -> Booked:
    """Take a place, or roll back: Problem 404, 409 for a second one, 400 when it is full or over.

    Registrations for one address come one after another by the unique key, those for one event by the
    event's row, always in this order: there is no deadlock. Without ``enforce`` (the fault) capacity does
    not matter.
    """
    event = find_event(tx, event_id)
    now = now_ms()
    if event.ends < now:
        raise Problem(400, "the event is over", code="event_over")
    who = body.participant
    registration_id = f"reg_{new_id()}"
    row = {
        "id": registration_id,
        "event_id": event_id,
        "email": who.email,
        "email_key": who.email.lower(),
        "first_name": who.first_name,
        "last_name": who.last_name,
        "phone": who.phone,
        "payment": "paid" if paid else "none",
        "created": now,
    }
    if not insert_once(tx, REGISTRATIONS, row):
        raise Problem(409, "this e-mail address is registered already", code="already_registered")
    count = tx.execute(TAKE_PLACE if enforce else TAKE_ANY_PLACE, {"event": event_id}).scalar()
    if count is None:
        raise full(event)
    _add_payment_and_mail(tx, row, event, paid=paid)
    return Booked(
        booking_id=registration_id,
        registration_id=registration_id,
        event_id=event_id,
        status="confirmed",
        email=who.email,
        current_registrations=count,
        payment_status="succeeded" if paid else UNSET,
    )


def _add_payment_and_mail(tx: Connection, row: dict[str, Any], event: Row[Any], *, paid: bool) -> None:
    if paid:
        payment = {
            "id": f"pay_{new_id()}",
            "kind": "rsvp",
            "source": row["id"],
            "user_id": None,
            "amount_cents": event.price_cents,
            "currency": "usd",
            "status": "succeeded",
            "created": row["created"],
        }
        tx.execute(ADD_PAYMENT, payment)
    mail = {
        "id": f"mail_{new_id()}",
        "registration_id": row["id"],
        "email": row["email"],
        "subject": f"You are registered: {event.title}",
        "created": row["created"],
        "sent": 0,
    }
    tx.execute(ADD_MAIL, mail)


def has_place(tx: Connection, event_id: str) -> None:
    """Look whether there is a place, as the fault does before its transaction; Problem 404 or 400."""
    event = find_event(tx, event_id)
    if event.registered >= event.capacity:
        raise full(event)


def unsent_mails(tx: Connection) -> int:
    """How many confirmations wait."""
    waiting = tx.execute(select(MAILS.c.id).where(MAILS.c.sent == 0).limit(1_000)).all()
    return len(waiting)


def send_mails(tx: Connection, limit: int) -> int:
    """Claim and send confirmations, the oldest first; of two processes each gets its own."""
    waiting = (
        select(MAILS.c.id)
        .where(MAILS.c.sent == 0)
        .order_by(MAILS.c.created)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = tx.execute(
        update(MAILS).where(MAILS.c.id.in_(waiting)).values(sent=now_ms()).returning(MAILS.c.id)
    )
    return len(claimed.all())
