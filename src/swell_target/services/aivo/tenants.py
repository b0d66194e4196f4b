"""Who calls: an API key, the tenant that it belongs to, and what that tenant has used."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, select

from swell_target.base.call import Call
from swell_target.base.errors import Problem
from swell_target.base.service import Auth
from swell_target.base.sql import Insert, by_dialect
from swell_target.services.aivo.schema import API_KEYS, TENANTS, USAGE

KEY_SECONDS = 30.0
WINDOW_S = 60


def _add_usage(statement: Insert) -> Insert:
    counters = ("requests", "prompt_tokens", "completion_tokens")
    return statement.on_conflict_do_update(
        index_elements=["tenant_id", "day", "model"],
        set_={name: USAGE.c[name] + statement.excluded[name] for name in counters},
    )


ADD_USAGE = by_dialect(_add_usage)


class Tenant(NamedTuple):
    """A caller's tenant; the learner is who the request is about."""

    id: str
    rate_limit: int
    learner: str


def find_key(tx: Connection, key: str) -> Row[str, int] | None:
    """The tenant of a key."""
    return tx.execute(
        select(TENANTS.c.id, TENANTS.c.rate_limit)
        .join(API_KEYS, API_KEYS.c.tenant_id == TENANTS.c.id)
        .where(API_KEYS.c.key == key)
    ).first()


async def check_key(call: Call) -> Tenant:
    """The tenant of the key in ``Authorization``; 401 unknown, 403 another tenant's, 429 over its limit."""
    key = call.bearer
    if key is None:
        raise Problem(401, "the API key is missing: Authorization: Bearer <key>")
    cached = await call.runtime.cache.get(f"key:{key}")
    if cached is not None:
        tenant_id, limit = msgspec.json.decode(cached, type=tuple[str, int])
    else:
        row = await call.db.read(find_key, key)
        if row is None:
            raise Problem(401, "the API key is not known")
        tenant_id, limit = row.id, row.rate_limit
        await call.runtime.cache.put(f"key:{key}", msgspec.json.encode((tenant_id, limit)), KEY_SECONDS)
    wanted = call.headers.get("x-tenant-id", tenant_id)
    if wanted != tenant_id:
        raise Problem(403, "the API key belongs to another tenant")
    call.runtime.limiter.take(f"tenant:{tenant_id}", limit, WINDOW_S)
    return Tenant(tenant_id, limit, call.headers.get("x-learner-id", "anonymous")[:128])


KEY = Auth("apiKey", check_key)


def meter(tx: Connection, tenant_id: str, model: str, prompt_tokens: int, completion_tokens: int) -> None:
    """Add one request to the tenant's usage of today."""
    values = {
        "tenant_id": tenant_id,
        "day": datetime.now(UTC).date().isoformat(),
        "model": model,
        "requests": 1,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
    }
    tx.execute(ADD_USAGE(tx, USAGE), values)


def usage_of(tx: Connection, tenant_id: str) -> list[Row[Any]]:
    """All usage of a tenant, by day and model."""
    query = select(USAGE).where(USAGE.c.tenant_id == tenant_id).order_by(USAGE.c.day, USAGE.c.model)
    return list(tx.execute(query).all())
