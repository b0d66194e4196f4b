"""KPIs over a window, summed from minutes (contract: M3)."""

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from swell_target.base.call import Call, Reply
from swell_target.base.clock import now_ms
from swell_target.services.aiaas.chat import MINUTE_MS, REFUSED
from swell_target.services.aiaas.identity import find_tenant, require_tenant
from swell_target.services.aiaas.models import Kpi, KpiQuery
from swell_target.services.aiaas.schema import MINUTES, SESSIONS
from swell_target.services.aiaas.service import SERVICE

MINUTES_OF = {"15m": 15, "1h": 60, "6h": 360, "24h": 1_440, "7d": 10_080, "30d": 43_200}
# A dashboard's figures may be this old.
CACHE_S = 2.0


def read_kpi(tx: Connection, tenant_id: str, window: str, now: int) -> Kpi:
    """The figures of a tenant over the window that ends at ``now``."""
    find_tenant(tx, tenant_id, suspended=True)
    since = now - MINUTES_OF[window] * MINUTE_MS
    names = ("messages", "response_ms", "resolved", "escalated")
    rows = tx.execute(
        select(MINUTES.c.intent, *(func.sum(MINUTES.c[name]).label(name) for name in names))
        .where(MINUTES.c.tenant_id == tenant_id, MINUTES.c.minute > since // MINUTE_MS)
        .group_by(MINUTES.c.intent)
        .order_by(MINUTES.c.intent)
    ).all()
    total = {name: sum(int(getattr(row, name)) for row in rows) for name in names}
    count = total["messages"]
    sessions = tx.execute(
        select(func.count())
        .select_from(SESSIONS)
        .where(SESSIONS.c.tenant_id == tenant_id, SESSIONS.c.updated >= since)
    ).scalar_one()
    return Kpi(
        tenant_id=tenant_id,
        time_window=window,
        messages=count,
        sessions=sessions,
        messages_per_minute=round(count / MINUTES_OF[window], 3),
        average_response_ms=_share(total["response_ms"], count),
        resolution_rate=_share(total["resolved"], count),
        escalation_rate=_share(total["escalated"], count),
        intents={row.intent: int(row.messages) for row in rows},
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


@SERVICE.get("/analytics/kpi", name="kpi", answers={200: Kpi, **REFUSED})
async def kpi(call: Call, query: KpiQuery) -> Reply:
    """The tenant's figures, from the cache for two seconds."""
    tenant_id = require_tenant(call)
    key = f"kpi:{query.time_window}:{tenant_id}"
    found: Any = await call.runtime.cache.get(key)
    if found is None:
        found = msgspec.json.encode(await call.db.read(read_kpi, tenant_id, query.time_window, now_ms()))
        await call.runtime.cache.put(key, found, CACHE_S)
    return Reply(found)
