"""AIaaS's tables: plans, tenants, sessions with messages, usage by month and minute, invoices, uploads."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from swell_target.base.schema import Schema

METADATA = MetaData()
ID_LENGTH = 128


def _tenant(*, primary_key: bool = False) -> Column[str]:
    key = ForeignKey("aiaas_tenants.id")
    return Column("tenant_id", String(ID_LENGTH), key, nullable=False, primary_key=primary_key)


def _counter(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


# ``quota`` is the messages of a month, beyond which there are none; those beyond ``included`` cost extra.
PLANS = Table(
    "aiaas_plans",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("price_cents", Integer, nullable=False),
    _counter("quota"),
    _counter("included"),
    Column("extra_cents", Integer, nullable=False),
    Column("per_minute", Integer, nullable=False),
)
# State: active or suspended (a payment failed).
TENANTS = Table(
    "aiaas_tenants",
    METADATA,
    Column("id", String(ID_LENGTH), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("plan_id", String(32), ForeignKey("aiaas_plans.id"), nullable=False),
    Column("state", String(16), nullable=False),
    _counter("created"),
)
USERS = Table(
    "aiaas_users",
    METADATA,
    _tenant(primary_key=True),
    Column("id", String(ID_LENGTH), primary_key=True),
    _counter("created"),
)
# ``messages`` numbers the messages of the session.
SESSIONS = Table(
    "aiaas_sessions",
    METADATA,
    _tenant(primary_key=True),
    Column("id", String(ID_LENGTH), primary_key=True),
    Column("user_id", String(ID_LENGTH), nullable=False),
    _counter("messages"),
    _counter("created"),
    _counter("updated"),
    Index("aiaas_sessions_updated", "tenant_id", "updated"),
)
# Role: user or agent.
MESSAGES = Table(
    "aiaas_messages",
    METADATA,
    Column("id", String(64), primary_key=True),
    _tenant(),
    Column("session_id", String(ID_LENGTH), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("user_id", String(ID_LENGTH), nullable=False),
    Column("role", String(8), nullable=False),
    Column("content", Text, nullable=False),
    Column("intent", String(32), nullable=False),
    _counter("created"),
    UniqueConstraint("tenant_id", "session_id", "number", name="aiaas_messages_number"),
    Index("aiaas_messages_created", "tenant_id", "created"),
)
# What the KPIs are summed from: a row for each tenant, minute and intent, so that they never read messages.
MINUTES = Table(
    "aiaas_minutes",
    METADATA,
    _tenant(primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("intent", String(32), primary_key=True),
    _counter("messages"),
    _counter("response_ms"),
    _counter("resolved"),
    _counter("escalated"),
)
# A month's usage; ``minute`` and ``minute_messages`` are the rate limit's window.
USAGE = Table(
    "aiaas_usage",
    METADATA,
    _tenant(primary_key=True),
    Column("period", String(7), primary_key=True),
    _counter("messages"),
    _counter("tokens_in"),
    _counter("tokens_out"),
    _counter("tool_calls"),
    _counter("upload_bytes"),
    _counter("minute"),
    _counter("minute_messages"),
)
# State: open -> paid | uncollectible; ``lines`` is JSON.
INVOICES = Table(
    "aiaas_invoices",
    METADATA,
    Column("id", String(64), primary_key=True),
    _tenant(),
    Column("period", String(7), nullable=False),
    Column("state", String(16), nullable=False),
    Column("total_cents", BigInteger, nullable=False),
    Column("lines", Text, nullable=False),
    _counter("created"),
    UniqueConstraint("tenant_id", "period", name="aiaas_invoices_once"),
)
# The payment provider's events; ``times`` is how often each was acted on: once, but for the fault.
EVENTS = Table(
    "aiaas_events",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("type", String(64), nullable=False),
    Column("times", Integer, nullable=False),
    _counter("created"),
)
# Uploads, ingested documents, workflows: what was done, and the SHA-256 of what came in.
WORKS = Table(
    "aiaas_works",
    METADATA,
    Column("id", String(64), primary_key=True),
    _tenant(),
    Column("kind", String(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    _counter("created"),
    Index("aiaas_works_tenant", "tenant_id", "created"),
)
# Children first, as they are emptied.
ALL_TABLES = (EVENTS, WORKS, INVOICES, USAGE, MINUTES, MESSAGES, SESSIONS, USERS, TENANTS, PLANS)
SCHEMA = Schema("aiaas", 1, METADATA)
