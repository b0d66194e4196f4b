"""AIaaS's test data: plans, the scripts' tenants on a plan that load does not exhaust, and two poor ones."""

from random import Random

from sqlalchemy import Connection

from swell_target.base.service import SeedSize
from swell_target.base.settings import Settings
from swell_target.base.sql import delete_all, insert_many
from swell_target.services.aiaas.schema import ALL_TABLES, PLANS, TENANTS

# A fixed time, so that seeding twice gives the same rows: 1 January 2026.
CREATED_MS = 1_767_225_600_000
# Id, price in cents, messages a month, of these included, cents for each 1,000 more, messages a minute.
PLAN_ROWS = (
    ("free", 0, 50, 50, 0, 30),
    ("starter", 2_900, 1_000, 1_000, 0, 120),
    ("business", 29_900, 1_000_000, 100_000, 50, 6_000),
    ("enterprise", 199_900, 1_000_000_000, 10_000_000, 20, 600_000),
)
DEFAULT_TENANT = "tenant_001"
TEST_PLAN = "enterprise"
# The first five are the main scripts'; the others occur in further scripts.
TENANT_COUNTS = {"small": 20, "full": 500}
MORE_TENANTS = ("load-test-tenant", "test-tenant", "test_tenant", "demo-tenant", "default")
POOR = (("tenant_free", "free", "active"), ("tenant_suspended", "business", "suspended"))


def fill(tx: Connection, size: SeedSize, random: Random, settings: Settings) -> dict[str, int]:  # noqa: ARG001
    """Plans and tenants; users and sessions come with their first message."""
    names = ("id", "price_cents", "quota", "included", "extra_cents", "per_minute")
    plans = [dict(zip(names, row, strict=True)) | {"name": str(row[0]).capitalize()} for row in PLAN_ROWS]
    rich = [f"tenant_{number:03d}" for number in range(1, TENANT_COUNTS[size] + 1)]
    rich += [f"tenant_{number}" for number in range(1, 11)]
    chosen = [(name, TEST_PLAN, "active") for name in (*rich, *MORE_TENANTS)] + list(POOR)
    tenants = [
        {"id": name, "name": f"Tenant {name}", "plan_id": plan, "state": state, "created": CREATED_MS}
        for name, plan, state in chosen
    ]
    return {"plans": insert_many(tx, PLANS, plans), "tenants": insert_many(tx, TENANTS, tenants)}


def clean(tx: Connection) -> None:
    """Remove everything."""
    delete_all(tx, *ALL_TABLES)
