"""For the operator and for tests: what became of an event of Stripe's, and whether the books agree."""

from msgspec import Struct
from sqlalchemy import Connection, func, select

from swell_target.base.call import Call
from swell_target.base.clock import iso
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.base.standard import ADMIN
from swell_target.services.wwmaa.schema import EVENTS, MAILS, PAYMENTS, REGISTRATIONS, STRIPE_EVENTS
from swell_target.services.wwmaa.service import SERVICE

SHOWN_FAULTS = 20


class Processed(Struct):
    """An event of Stripe's: how often it was applied, and the payments that it led to."""

    id: str
    type: str
    processed: int
    payments: int
    received_at: str


class Consistency(Struct):
    """Whether the books agree; ``faults`` says where they do not (the first twenty)."""

    consistent: bool
    faults: list[str]
    registrations: int
    mails_sent: int
    mails_waiting: int
    webhooks: int
    payments: int


def _processed(tx: Connection, event_id: str) -> Processed:
    row = tx.execute(select(STRIPE_EVENTS).where(STRIPE_EVENTS.c.id == event_id)).first()
    if row is None:
        raise Problem(404, "no such event was processed")
    count = select(func.count()).select_from(PAYMENTS).where(PAYMENTS.c.source == event_id)
    return Processed(row.id, row.type, row.processed, tx.execute(count).scalar_one(), iso(row.received))


@SERVICE.get(
    "/admin/webhooks/{event_id}", name="processed_webhook", auth=ADMIN, answers={200: Processed, 404: Failure}
)
async def processed_webhook(call: Call, event_id: str) -> Processed:
    """What became of an event."""
    return await call.db.snapshot(_processed, event_id)


def check_books(tx: Connection) -> Consistency:
    """Compare what is kept twice."""

    def count(table: object, *where: object) -> int:
        return tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()  # type: ignore[arg-type]

    faults = [
        f"event {row.id} is overbooked: {row.registered} of {row.capacity}"
        for row in tx.execute(
            select(EVENTS).where(EVENTS.c.registered > EVENTS.c.capacity).order_by(EVENTS.c.id)
        )
    ]
    listed = (
        select(REGISTRATIONS.c.event_id, func.count().label("number"))
        .group_by(REGISTRATIONS.c.event_id)
        .subquery("listed")
    )
    number = func.coalesce(listed.c.number, 0)
    differing = (
        select(EVENTS.c.id, EVENTS.c.registered, number.label("number"))
        .outerjoin(listed, listed.c.event_id == EVENTS.c.id)
        .where(EVENTS.c.registered != number)
        .order_by(EVENTS.c.id)
    )
    faults += [
        f"event {row.id} counts {row.registered} registrations and has {row.number}"
        for row in tx.execute(differing)
    ]
    twice = select(STRIPE_EVENTS).where(STRIPE_EVENTS.c.processed > 1).order_by(STRIPE_EVENTS.c.id)
    faults += [f"webhook {row.id} was processed {row.processed} times" for row in tx.execute(twice)]
    return Consistency(
        consistent=not faults,
        faults=faults[:SHOWN_FAULTS],
        registrations=count(REGISTRATIONS),
        mails_sent=count(MAILS, MAILS.c.sent > 0),
        mails_waiting=count(MAILS, MAILS.c.sent == 0),
        webhooks=count(STRIPE_EVENTS),
        payments=count(PAYMENTS),
    )


@SERVICE.get("/admin/consistency", name="consistency", auth=ADMIN, answers={200: Consistency})
async def consistency(call: Call) -> Consistency:
    """Whether capacities, registrations and webhooks agree."""
    return await call.db.snapshot(check_books)
