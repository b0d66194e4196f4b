"""WWMAA's tables: members, what can be searched, events with registrations, sessions, Stripe's events."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from swell_target.base.textindex import TextIndex

METADATA = MetaData()
DOCUMENT_INDEX = TextIndex("wwmaa_words")

USERS = Table(
    "wwmaa_users",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("email", String(255), nullable=False, unique=True),
    Column("password", String(255), nullable=False),
    Column("name", String(120), nullable=False),
    Column("role", String(16), nullable=False),
    # The tier that was paid for; empty without a membership.
    Column("tier", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
)
# Refresh tokens that were used: each can be used once.
USED_TOKENS = Table(
    "wwmaa_used_tokens",
    METADATA,
    Column("jti", String(64), primary_key=True),
    Column("expires", BigInteger, nullable=False),
    Index("wwmaa_used_tokens_expires", "expires"),
)
PLANS = Table(
    "wwmaa_plans",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tier", String(16), nullable=False),
    Column("name", String(120), nullable=False),
    Column("price_cents", Integer, nullable=False),
    # A JSON list of sentences.
    Column("features", Text, nullable=False),
)
# ``id`` is Stripe's; ``changed`` is when the last event that was applied was made: they may overtake.
SUBSCRIPTIONS = Table(
    "wwmaa_subscriptions",
    METADATA,
    Column("id", String(255), primary_key=True),
    Column("user_id", String(64)),
    Column("customer", String(255), nullable=False),
    Column("tier", String(16), nullable=False),
    Column("status", String(32), nullable=False),
    Column("price_cents", Integer, nullable=False),
    Column("period_end", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Index("wwmaa_subscriptions_user", "user_id"),
)
# All that can be searched: content, and a row for each event and instructor. A ``*_key`` is a slug.
DOCUMENTS = Table(
    "wwmaa_documents",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("type", String(16), nullable=False),
    Column("title", String(255), nullable=False),
    Column("summary", Text, nullable=False),
    Column("style", String(64), nullable=False),
    Column("style_key", String(64), nullable=False),
    Column("level", String(32), nullable=False),
    Column("rank", String(32), nullable=False),
    Column("age_group", String(32), nullable=False),
    Column("category", String(64), nullable=False),
    Column("location", String(120), nullable=False),
    Column("location_key", String(120), nullable=False),
    Column("instructor", String(120), nullable=False),
    Column("instructor_key", String(120), nullable=False),
    # A JSON list of words.
    Column("tags", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("views", Integer, nullable=False),
    Column("day", BigInteger, nullable=False),
    Column("listed", Boolean, nullable=False),
    Index("wwmaa_documents_style", "style_key"),
    Index("wwmaa_documents_views", "views"),
)
# What search suggests, most frequent first.
TERMS = Table(
    "wwmaa_terms",
    METADATA,
    Column("term", String(64), primary_key=True),
    Column("weight", Integer, nullable=False),
)
INSTRUCTORS = Table(
    "wwmaa_instructors",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("style", String(64), nullable=False),
    Column("style_key", String(64), nullable=False),
    Column("rank", String(32), nullable=False),
    Column("bio", Text, nullable=False),
    Column("city", String(64), nullable=False),
    Column("state", String(32), nullable=False),
    Column("years", Integer, nullable=False),
    Column("verified", Boolean, nullable=False),
)
# ``registered`` is kept beside the registrations, so that capacity is one conditional UPDATE; the operator's
# consistency report compares them. There is no constraint against overbooking: a fault must be able to do it.
EVENTS = Table(
    "wwmaa_events",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("title", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("type", String(32), nullable=False),
    Column("style", String(64), nullable=False),
    Column("style_key", String(64), nullable=False),
    Column("location", String(120), nullable=False),
    Column("instructor", String(120), nullable=False),
    Column("starts", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("registered", Integer, nullable=False),
    Column("price_cents", Integer, nullable=False),
    # draft | active
    Column("status", String(16), nullable=False),
    CheckConstraint("capacity > 0", name="wwmaa_events_have_places"),
    Index("wwmaa_events_status_starts", "status", "starts"),
)
REGISTRATIONS = Table(
    "wwmaa_registrations",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("event_id", String(64), ForeignKey("wwmaa_events.id"), nullable=False),
    # The address as it was sent, and in lower case, where it is unique.
    Column("email", String(255), nullable=False),
    Column("email_key", String(255), nullable=False),
    Column("first_name", String(120), nullable=False),
    Column("last_name", String(120), nullable=False),
    Column("phone", String(64), nullable=False),
    # none | paid
    Column("payment", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    Index("wwmaa_registrations_event_email", "event_id", "email_key", unique=True),
    Index("wwmaa_registrations_email", "email_key"),
)
# Confirmations to send; ``sent`` is 0 until a mailer has claimed the row.
MAILS = Table(
    "wwmaa_mails",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("registration_id", String(64), ForeignKey("wwmaa_registrations.id"), nullable=False),
    Column("email", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Index("wwmaa_mails_sent", "sent"),
)
# Live sessions.
SESSIONS = Table(
    "wwmaa_sessions",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("title", String(255), nullable=False),
    Column("instructor", String(120), nullable=False),
    Column("capacity", Integer, nullable=False),
    # live | ended
    Column("state", String(16), nullable=False),
)
# ``connection`` is the WebSocket that holds the participant ("": none yet); ``process`` the one that serves
# it and tells ``seen`` from time to time, so that a crash does not leave people present for ever.
PARTICIPANTS = Table(
    "wwmaa_participants",
    METADATA,
    Column("session_id", String(64), ForeignKey("wwmaa_sessions.id"), primary_key=True),
    Column("user_id", String(255), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("present", Boolean, nullable=False),
    Column("banned", Boolean, nullable=False),
    Column("connection", String(64), nullable=False),
    Column("process", String(64), nullable=False),
    Column("joined", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Index("wwmaa_participants_session_present", "session_id", "present"),
    Index("wwmaa_participants_present_seen", "present", "seen"),
    Index("wwmaa_participants_process", "process"),
)
# Stripe's events, each processed once; ``processed`` above 1 is the fault of double processing.
STRIPE_EVENTS = Table(
    "wwmaa_stripe_events",
    METADATA,
    Column("id", String(255), primary_key=True),
    Column("type", String(120), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("processed", Integer, nullable=False),
)
# kind: charge | invoice | rsvp; ``source`` is the Stripe event or the registration that it belongs to.
PAYMENTS = Table(
    "wwmaa_payments",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("source", String(255), nullable=False),
    Column("user_id", String(64)),
    Column("amount_cents", Integer, nullable=False),
    Column("currency", String(8), nullable=False),
    # succeeded | failed
    Column("status", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    Index("wwmaa_payments_source", "source"),
)
# Children first, as they are emptied.
ALL_TABLES = (
    PAYMENTS,
    STRIPE_EVENTS,
    PARTICIPANTS,
    SESSIONS,
    MAILS,
    REGISTRATIONS,
    EVENTS,
    INSTRUCTORS,
    TERMS,
    DOCUMENTS,
    SUBSCRIPTIONS,
    PLANS,
    USED_TOKENS,
    USERS,
)
SCHEMA = Schema("wwmaa", 1, METADATA, (DOCUMENT_INDEX,))
