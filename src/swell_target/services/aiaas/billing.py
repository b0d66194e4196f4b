"""Usage, plans and their enforcement, invoices, the payment provider's webhooks (contract: M4)."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, update

from swell_target.base.call import Call, Reply
from swell_target.base.clock import iso, new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.faults import DropWebhooks, DuplicateWebhooks
from swell_target.base.service import Failure
from swell_target.base.sql import insert_once
from swell_target.base.standard import ADMIN
from swell_target.base.webhooks import check_signature
from swell_target.services.aiaas.chat import REFUSED
from swell_target.services.aiaas.identity import change_plan, find_tenant, require_tenant
from swell_target.services.aiaas.metering import Amount, meter, read_usage, this_period
from swell_target.services.aiaas.models import (
    Check,
    CheckBody,
    Event,
    EventTotals,
    Invoice,
    InvoiceBody,
    Invoices,
    Limits,
    Line,
    Plan,
    PlanBody,
    Plans,
    Received,
    Remaining,
    Usage,
    UsageBody,
)
from swell_target.services.aiaas.schema import EVENTS, INVOICES, PLANS, TENANTS
from swell_target.services.aiaas.service import SERVICE

# What an event makes of its invoice, and of the tenant that it belongs to.
EFFECTS = {
    "invoice.paid": ("paid", "active"),
    "invoice.payment_failed": ("uncollectible", "suspended"),
}


# --- Usage and plans --------------------------------------------------------------------------------------


def read_billing(tx: Connection, tenant_id: str) -> Usage:
    """The usage of the current month, with what the plan allows."""
    tenant = find_tenant(tx, tenant_id, suspended=True)
    period = this_period()
    used = read_usage(tx, tenant_id, period)
    return Usage(
        tenant_id=tenant_id,
        plan=tenant.plan_id,
        state=tenant.state,
        period=period,
        usage=used,
        limits=Limits(tenant.quota, tenant.per_minute),
        remaining=Remaining(max(0, tenant.quota - used.messages)),
    )


def add_usage(tx: Connection, tenant_id: str, body: UsageBody, *, limits: bool) -> Usage:
    """Meter what was used elsewhere; Problem 402, 404 or 429."""
    meter(tx, find_tenant(tx, tenant_id), Amount(**{body.metric: body.quantity}), limits=limits)
    return read_billing(tx, tenant_id)


def _plan(row: Row[Any]) -> Plan:
    return Plan(
        id=row.id,
        name=row.name,
        price_cents=row.price_cents,
        messages=row.quota,
        included=row.included,
        extra_cents_per_1000=row.extra_cents,
        messages_per_minute=row.per_minute,
    )


@SERVICE.get("/billing/usage", name="usage", answers={200: Usage, **REFUSED})
async def usage(call: Call) -> Usage:
    """The tenant's usage of the current month."""
    return await call.db.read(read_billing, require_tenant(call))


@SERVICE.post("/billing/usage", name="usage_track", answers={201: Usage, **REFUSED})
async def usage_track(call: Call, body: UsageBody) -> Usage:
    """Add to the usage, within the plan."""
    limits = call.runtime.settings.limits
    return await call.db.write(add_usage, require_tenant(call), body, limits=limits)


@SERVICE.post("/billing/check", name="plan_check", answers={200: Check, **REFUSED})
async def plan_check(call: Call, body: CheckBody) -> Check:
    """Whether the plan allows so many messages more; nothing is counted."""
    found = await call.db.read(read_billing, require_tenant(call))
    allowed = found.state == "active" and body.quantity <= found.remaining.messages
    return Check(found.tenant_id, allowed, found.remaining.messages, found.plan)


@SERVICE.get("/billing/plans", name="plans", answers={200: Plans})
async def plans(call: Call) -> Plans:
    """All plans, cheapest first."""
    rows = await call.db.read(lambda tx: tx.execute(select(PLANS).order_by(PLANS.c.price_cents)).all())
    return Plans([_plan(row) for row in rows])


@SERVICE.put("/billing/plan", name="plan_change", answers={200: Usage, **REFUSED})
async def plan_change(call: Call, body: PlanBody) -> Usage:
    """Put the tenant on another plan, at once."""

    def change(tx: Connection, tenant_id: str) -> Usage:
        find_tenant(tx, tenant_id)
        change_plan(tx, tenant_id, body.plan)
        return read_billing(tx, tenant_id)

    return await call.db.write(change, require_tenant(call))


# --- Invoices ---------------------------------------------------------------------------------------------


def draw_up(tx: Connection, tenant_id: str, period: str) -> tuple[Invoice, bool]:
    """The month's invoice, and whether it is new; an open one is brought up to date."""
    tenant = find_tenant(tx, tenant_id, suspended=True)
    used = read_usage(tx, tenant_id, period)
    plan = tenant.plan_id.capitalize()
    lines = [Line(f"Plan {plan}, {period}", 1, tenant.price_cents)]
    extra = max(0, used.messages - tenant.included)
    if extra:
        lines.append(Line("Messages beyond the plan", extra, -(-extra * tenant.extra_cents // 1000)))
    content = {
        "total_cents": sum(line.amount_cents for line in lines),
        "lines": msgspec.json.encode(lines).decode(),
    }
    values = {"id": f"in_{new_id().replace('-', '')}", "tenant_id": tenant_id, "period": period}
    new = insert_once(tx, INVOICES, values | content | {"state": "open", "created": now_ms()})
    mine = (INVOICES.c.tenant_id == tenant_id) & (INVOICES.c.period == period)
    if not new:
        tx.execute(update(INVOICES).where(mine, INVOICES.c.state == "open").values(**content))
    return _invoice(tx.execute(select(INVOICES).where(mine)).one()), new


def _invoice(row: Row[Any]) -> Invoice:
    return Invoice(
        id=row.id,
        tenant_id=row.tenant_id,
        period=row.period,
        state=row.state,
        total_cents=row.total_cents,
        lines=msgspec.json.decode(row.lines, type=list[Line]),
        created_at=iso(row.created),
    )


def list_invoices(tx: Connection, tenant_id: str) -> Invoices:
    """All of a tenant's invoices, newest first."""
    find_tenant(tx, tenant_id, suspended=True)
    rows = tx.execute(
        select(INVOICES).where(INVOICES.c.tenant_id == tenant_id).order_by(INVOICES.c.period.desc())
    )
    return Invoices(tenant_id, [_invoice(row) for row in rows])


def find_invoice(tx: Connection, tenant_id: str, invoice_id: str) -> Invoice:
    """One of a tenant's invoices; Problem 404."""
    row = tx.execute(
        select(INVOICES).where(INVOICES.c.id == invoice_id, INVOICES.c.tenant_id == tenant_id)
    ).first()
    if row is None:
        raise Problem(404, "no such invoice")
    return _invoice(row)


@SERVICE.post("/billing/invoices", name="invoice_create", answers={201: Invoice, 200: Invoice, **REFUSED})
async def invoice_create(call: Call, body: InvoiceBody) -> Reply:
    """Draw up the month's invoice: 201, or 200 when there was one."""
    invoice, new = await call.db.write(draw_up, require_tenant(call), body.period or this_period())
    return Reply(invoice, 201 if new else 200)


@SERVICE.get("/billing/invoices", name="invoices", answers={200: Invoices, **REFUSED})
async def invoices(call: Call) -> Invoices:
    """The tenant's invoices."""
    return await call.db.read(list_invoices, require_tenant(call))


@SERVICE.get("/billing/invoices/{id}", name="invoice", answers={200: Invoice, **REFUSED})
async def invoice(call: Call, id: str) -> Invoice:  # noqa: A002 - the path's parameter
    """One of the tenant's invoices."""
    return await call.db.read(find_invoice, require_tenant(call), id)


# --- The payment provider ---------------------------------------------------------------------------------


def take_event(tx: Connection, event: Event, *, again: bool) -> bool:
    """Act on an event, once; whether it was known. ``again`` is the fault that acts on a known one, too."""
    values = {"id": event.id, "type": event.type, "times": 1, "created": now_ms()}
    known = not insert_once(tx, EVENTS, values)
    if known and not again:
        return True
    if known:
        tx.execute(update(EVENTS).where(EVENTS.c.id == event.id).values(times=EVENTS.c.times + 1))
    effect = EFFECTS.get(event.type)
    if effect is not None:
        paid = tx.execute(
            update(INVOICES)
            .where(INVOICES.c.id == event.data.object.id)
            .values(state=effect[0])
            .returning(INVOICES.c.tenant_id)
        ).scalar_one_or_none()
        tx.execute(update(TENANTS).where(TENANTS.c.id == paid).values(state=effect[1]))
    return known and not again


def count_events(tx: Connection) -> EventTotals:
    """How many events there were, and how often they were acted on."""
    events, processed = tx.execute(
        select(func.count(), func.coalesce(func.sum(EVENTS.c.times), 0)).select_from(EVENTS)
    ).one()
    return EventTotals(events=events, processed=int(processed))


@SERVICE.post("/billing/webhooks", name="webhook", answers={200: Received, 400: Failure})
async def webhook(call: Call, body: Event) -> Received:
    """An event of the payment provider: a paid invoice, or a payment that failed and suspends the tenant."""
    check_signature(call)
    again = False
    if call.faults.active:
        if call.faults.strikes(DropWebhooks) is not None:
            return Received(received=True, duplicate=False)
        again = call.faults.strikes(DuplicateWebhooks) is not None
    return Received(received=True, duplicate=await call.db.write(take_event, body, again=again))


@SERVICE.get("/admin/events", name="events", auth=ADMIN, answers={200: EventTotals}, hidden=True)
async def events(call: Call) -> EventTotals:
    """How many webhooks were taken, and acted on: both are the same, but for the faults."""
    return await call.db.read(count_events)
