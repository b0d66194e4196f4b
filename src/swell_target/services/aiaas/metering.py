"""Usage is counted where it is limited: one statement adds to a month's row, unless the plan forbids it."""

import time
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, case, or_, select

from swell_target.base.errors import Problem
from swell_target.base.sql import insert
from swell_target.services.aiaas.models import Counters
from swell_target.services.aiaas.schema import USAGE

COUNTERS = ("messages", "tokens_in", "tokens_out", "tool_calls", "upload_bytes")
MINUTE_S = 60


class Amount(NamedTuple):
    """What is used by one request."""

    messages: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tool_calls: int = 0
    upload_bytes: int = 0


def this_period() -> str:
    """The current month, UTC: usage, quotas and invoices are by the month."""
    return time.strftime("%Y-%m", time.gmtime())


def read_usage(tx: Connection, tenant_id: str, period: str) -> Counters:
    """What was used in a period; all zero when nothing was."""
    columns = [USAGE.c[name] for name in COUNTERS]
    row = tx.execute(select(*columns).where(USAGE.c.tenant_id == tenant_id, USAGE.c.period == period)).first()
    return Counters(*row) if row is not None else Counters()


def meter(tx: Connection, tenant: Row[Any], amount: Amount, *, limits: bool) -> int:
    """Add to the usage, and say how many messages that makes; Problem 429 when the plan does not allow them.

    Of any number at once exactly the quota gets through, as the row's lock orders them. ``limits`` adds the
    plan's rate: messages in one minute of the clock.
    """
    minute = int(time.time()) // MINUTE_S
    first = {"tenant_id": tenant.id, "period": this_period(), "minute": minute}
    if amount.messages > tenant.quota:
        raise _refusal(tenant, "quota_exceeded")
    if limits and amount.messages > tenant.per_minute:
        raise _refusal(tenant, "rate_limited")
    new = insert(tx, USAGE).values(**first, **amount._asdict(), minute_messages=amount.messages)
    old = USAGE.c
    in_minute = case((old.minute == minute, old.minute_messages), else_=0)
    added: dict[str, Any] = {name: old[name] + getattr(amount, name) for name in COUNTERS}
    added |= {"minute": minute, "minute_messages": in_minute + amount.messages}
    conditions = [old.messages + amount.messages <= tenant.quota]
    if limits:
        conditions.append(
            or_(old.minute != minute, old.minute_messages + amount.messages <= tenant.per_minute)
        )
    # What costs no messages is never refused.
    allowed = and_(*conditions) if amount.messages else None
    total = tx.execute(
        new.on_conflict_do_update(
            index_elements=["tenant_id", "period"], set_=added, where=allowed
        ).returning(old.messages)
    ).scalar_one_or_none()
    if total is not None:
        return int(total)
    used = read_usage(tx, tenant.id, this_period()).messages
    raise _refusal(
        tenant, "quota_exceeded" if used + amount.messages > tenant.quota else "rate_limited", used
    )


def _refusal(tenant: Row[Any], code: str, used: int = 0) -> Problem:
    if code == "rate_limited":
        sentence = f"the plan {tenant.plan_id} allows {tenant.per_minute} messages a minute"
    else:
        sentence = f"the plan {tenant.plan_id} allows {tenant.quota} messages a month"
    left = MINUTE_S - int(time.time()) % MINUTE_S
    headers = (("retry-after", str(left)),) if code == "rate_limited" else ()
    return Problem(429, sentence, headers=headers, code=code, limit=tenant.quota, used=used)
