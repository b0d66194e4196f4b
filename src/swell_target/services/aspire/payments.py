"""What the payment provider tells (its webhooks), and how the providers are."""

import time

from sqlalchemy import Connection, delete, func, select, update

from swell_target.base.call import Call
from swell_target.base.clock import now_ms, pause
from swell_target.base.errors import Problem
from swell_target.base.faults import DropWebhooks, DuplicateWebhooks
from swell_target.base.service import Failure
from swell_target.base.sql import insert_once
from swell_target.base.standard import ADMIN
from swell_target.base.webhooks import check_signature
from swell_target.services.aspire.models import Dependencies, Dependency, Event, EventTotals, Received
from swell_target.services.aspire.schema import ENROLLMENTS, EVENTS, PAYMENTS
from swell_target.services.aspire.service import SERVICE

REFUNDS = ("charge.refunded", "charge.dispute.created", "payment_intent.canceled")
PROVIDERS = ("stripe", "sendgrid", "discord")


def take_event(tx: Connection, event: Event, *, again: bool) -> bool:
    """Act on an event, once; whether it was known. ``again`` is the fault that acts on a known one, too."""
    values = {"id": event.id, "type": event.type, "times": 1, "created": now_ms()}
    known = not insert_once(tx, EVENTS, values)
    if known and not again:
        return True
    if known:
        tx.execute(update(EVENTS).where(EVENTS.c.id == event.id).values(times=EVENTS.c.times + 1))
    if event.type in REFUNDS:
        payment = event.data.object.id
        tx.execute(update(PAYMENTS).where(PAYMENTS.c.id == payment).values(state="refunded"))
        tx.execute(delete(ENROLLMENTS).where(ENROLLMENTS.c.payment_id == payment))
    return known and not again


def count_events(tx: Connection) -> EventTotals:
    """How many events there were, and how often they were acted on."""
    events, processed = tx.execute(
        select(func.count(), func.coalesce(func.sum(EVENTS.c.times), 0)).select_from(EVENTS)
    ).one()
    return EventTotals(events=events, processed=int(processed))


@SERVICE.post("/api/webhooks/stripe", name="webhook", answers={200: Received, 400: Failure})
async def webhook(call: Call, body: Event) -> Received:
    """An event of the payment provider: a refund takes the place in the course away."""
    check_signature(call)
    again = False
    if call.faults.active:
        if call.faults.strikes(DropWebhooks) is not None:
            return Received(received=True, duplicate=False)
        again = call.faults.strikes(DuplicateWebhooks) is not None
    duplicate = await call.db.write(take_event, body, again=again)
    return Received(received=True, duplicate=duplicate)


@SERVICE.get("/admin/events", name="events", auth=ADMIN, answers={200: EventTotals}, hidden=True)
async def events(call: Call) -> EventTotals:
    """How many webhooks were taken, and acted on: both are the same, but for the faults."""
    return await call.db.read(count_events)


@SERVICE.get("/api/health/dependencies", name="dependencies", answers={200: Dependencies})
async def dependencies(call: Call) -> Dependencies:
    """The database, measured, and the mocks of the providers outside."""
    start = time.perf_counter()
    status = "healthy"
    try:
        await call.db.read(lambda tx: tx.execute(select(1)).scalar_one())
    except Problem:
        status = "unhealthy"
    found = [Dependency("database", status, round((time.perf_counter() - start) * 1000))]
    latency_ms = call.runtime.settings.mock_latency_ms
    await pause(latency_ms)
    found += [Dependency(name, "healthy", latency_ms) for name in PROVIDERS]
    return Dependencies(status, found)
