"""Usage is counted where it is limited: one statement adds to a month's row, unless the plan forbids it."""

import time
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Row, and_, bindparam, case, or_, select

from swell_target.base.errors import Problem
from swell_target.base.sql import Insert, by_dialect
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


READ_USAGE = select(*(USAGE.c[name] for name in COUNTERS)).where(
    USAGE.c.tenant_id == bindparam("tenant_id"), USAGE.c.period == bindparam("period")
)


def _add(statement: Insert, *conditions: Any) -> Any:
    """Add to a month's row, if it is there and the conditions allow it; how many messages that makes."""
    old, sent = USAGE.c, statement.excluded
    added: dict[str, Any] = {name: old[name] + sent[name] for name in COUNTERS}
    in_minute = case((old.minute == sent.minute, old.minute_messages), else_=0)
    added |= {"minute": sent.minute, "minute_messages": in_minute + sent.minute_messages}
    allowed = and_(*conditions) if conditions else None
    return statement.on_conflict_do_update(
        index_elements=["tenant_id", "period"], set_=added, where=allowed
    ).returning(old.messages)


def _within_quota(statement: Insert) -> Any:
    most = bindparam("plan_quota", type_=BigInteger)
    return USAGE.c.messages + statement.excluded.messages <= most


def _within_rate(statement: Insert) -> Any:
    old, sent = USAGE.c, statement.excluded
    most = bindparam("plan_rate", type_=BigInteger)
    return or_(old.minute != sent.minute, old.minute_messages + sent.minute_messages <= most)


# What costs no messages is never refused.
ADD = by_dialect(_add)
ADD_WITHIN_QUOTA = by_dialect(lambda new: _add(new, _within_quota(new)))
ADD_WITHIN_RATE = by_dialect(lambda new: _add(new, _within_quota(new), _within_rate(new)))


def this_period() -> str:
    """The current month, UTC: usage, quotas and invoices are by the month."""
    return time.strftime("%Y-%m", time.gmtime())


def read_usage(tx: Connection, tenant_id: str, period: str) -> Counters:
    """What was used in a period; all zero when nothing was."""
    row = tx.execute(READ_USAGE, {"tenant_id": tenant_id, "period": period}).first()
    return Counters(*row) if row is not None else Counters()


def meter(tx: Connection, tenant: Row[Any], amount: Amount, *, limits: bool) -> int:
    """Add to the usage, and say how many messages that makes; Problem 429 when the plan does not allow them.

    Of any number at once exactly the quota gets through, as the row's lock orders them. ``limits`` adds the
    plan's rate: messages in one minute of the clock.
    """
    minute = int(time.time()) // MINUTE_S
    first: dict[str, Any] = {"tenant_id": tenant.id, "period": this_period(), "minute": minute}
    if amount.messages > tenant.quota:
        raise _refusal(tenant, "quota_exceeded")
    if limits and amount.messages > tenant.per_minute:
        raise _refusal(tenant, "rate_limited")
    values = first | amount._asdict() | {"minute_messages": amount.messages}
    add = ADD
    if amount.messages:
        add = ADD_WITHIN_RATE if limits else ADD_WITHIN_QUOTA
        values |= {"plan_quota": tenant.quota, "plan_rate": tenant.per_minute}
    total = tx.execute(add(tx, USAGE), values).scalar_one_or_none()
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
