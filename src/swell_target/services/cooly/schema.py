"""Cooly's tables: accounts, credit lots, ledger, sessions, reservations, the outbox, dead letters."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from swell_target.base.schema import Schema

METADATA = MetaData()

USERS = Table(
    "cooly_users",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("email", String(255), nullable=False, unique=True),
    Column("password", String(255), nullable=False),
    # The sum of the ledger; kept beside it so that a balance is one row, and compared by
    # /api/admin/consistency.
    Column("credits", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    CheckConstraint("credits >= 0", name="cooly_users_never_negative"),
)
# Credits are bought in lots that may expire; the lot that expires first is used first.
LOTS = Table(
    "cooly_lots",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("user_id", String(64), ForeignKey("cooly_users.id"), nullable=False),
    Column("left", Integer, nullable=False),
    Column("expires", BigInteger),
    CheckConstraint('"left" >= 0', name="cooly_lots_never_negative"),
    Index("cooly_lots_active", "user_id", "expires"),
)
LEDGER = Table(
    "cooly_ledger",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("user_id", String(64), ForeignKey("cooly_users.id"), nullable=False),
    Column("amount", Integer, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("session_id", String(64)),
    Column("created", BigInteger, nullable=False),
    Index("cooly_ledger_user_created", "user_id", "created"),
)
# State: queued -> processing -> done | failed.
SESSIONS = Table(
    "cooly_sessions",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("user_id", String(64), ForeignKey("cooly_users.id"), nullable=False),
    Column("client_key", String(255), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("model", String(64), nullable=False),
    Column("outputs", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("images", Text, nullable=False),
    Column("error", Text),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Index("cooly_sessions_client_key", "user_id", "client_key", unique=True),
    Index("cooly_sessions_user_created", "user_id", "created"),
    Index("cooly_sessions_state_created", "state", "created"),
)
# State: reserved -> captured | released | expired; ``taken`` is a JSON list of [lot, credits].
RESERVATIONS = Table(
    "cooly_reservations",
    METADATA,
    Column("session_id", String(64), ForeignKey("cooly_sessions.id"), primary_key=True),
    Column("user_id", String(64), nullable=False),
    Column("amount", Integer, nullable=False),
    Column("taken", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("cooly_reservations_state_expires", "state", "expires"),
)
# A session waits here until a worker has finished it; ``due`` is when a worker may (again) take it.
OUTBOX = Table(
    "cooly_outbox",
    METADATA,
    Column("session_id", String(64), ForeignKey("cooly_sessions.id"), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("due", BigInteger, nullable=False),
    Index("cooly_outbox_due", "due"),
)
DEAD = Table(
    "cooly_dead_letters",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("session_id", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)
# Children first, as they are emptied.
ALL_TABLES = (DEAD, OUTBOX, RESERVATIONS, SESSIONS, LEDGER, LOTS, USERS)
SCHEMA = Schema("cooly", 1, METADATA)
