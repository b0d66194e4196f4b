"""What goes into AIaaS's endpoints and comes out of them."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Id = Annotated[str, Meta(min_length=1, max_length=128)]
MAX_MESSAGE = 8_000
Text = Annotated[str, Meta(min_length=1, max_length=MAX_MESSAGE)]
Fields = dict[str, Any]
Window = Literal["15m", "1h", "6h", "24h", "7d", "30d"]
Period = Annotated[str, Meta(pattern=r"^20\d\d-(0[1-9]|1[0-2])\Z")]


# --- Identity ---------------------------------------------------------------------------------------------


class LoginBody(Struct):
    """A tenant's user, or an account ``test_<tenant>@example.com`` with its password."""

    tenant_id: Id | None = None
    user_id: Id | None = None
    email: Id | None = None
    password: Annotated[str, Meta(max_length=1024)] | None = None


class Session(Struct):
    """What login answers: the token under both names that scripts read."""

    token: str
    access_token: str
    token_type: str
    tenant_id: str
    user_id: str
    expires_in: int


class AuthState(Struct):
    """Whose token it is."""

    authenticated: bool
    tenant_id: str
    user_id: str


class TenantBody(Struct):
    """A tenant to make, or to put on another plan."""

    id: Id
    plan: Id = "enterprise"


class Tenant(Struct):
    """A tenant."""

    id: str
    plan: str
    state: str


# --- Chat -------------------------------------------------------------------------------------------------


class ChatBody(Struct):
    """A customer's message; tenant and user may stand in the headers instead."""

    message: Text
    tenant_id: Id | None = None
    user_id: Id | None = None
    session_id: Id | None = None
    metadata: Fields | None = None


class ChatAnswer(Struct):
    """The agent's reply."""

    response: str
    message_id: str
    session_id: str
    tenant_id: str
    user_id: str
    intent: str
    confidence: float
    escalated: bool
    timestamp: int


class HistoryQuery(Struct):
    """Which messages: those of a session, or the tenant's latest; ``before`` a time in milliseconds."""

    session_id: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    before: Annotated[int, Meta(ge=0, le=10**15)] = 10**15


class Message(Struct):
    """A message as it was kept."""

    id: str
    session_id: str
    user_id: str
    role: str
    content: str
    timestamp: int


class History(Struct):
    """Messages, oldest first."""

    tenant_id: str
    messages: list[Message]


class SessionItem(Struct):
    """A conversation."""

    id: str
    user_id: str
    messages: int
    updated_at: str


class Sessions(Struct):
    """The tenant's latest conversations, newest first."""

    tenant_id: str
    sessions: list[SessionItem]


class BroadcastBody(Struct):
    """An announcement for everybody who is connected."""

    content: Text


class Sent(Struct):
    """It is on its way to every connection of the tenant, or of the session."""

    sent: bool
    timestamp: int


class ClientMessage(Struct):
    """What a WebSocket client sends; ``timestamp`` in milliseconds comes back as ``in_reply_to``."""

    type: Annotated[str, Meta(max_length=32)]
    content: Annotated[str, Meta(max_length=MAX_MESSAGE)] = ""
    timestamp: float | int | str | None = None
    metadata: Fields | None = None


class PlainMessage(Struct):
    """What a client of ``/ws/{tenant_id}`` sends."""

    message: Text
    user_id: Id = "anonymous"
    session_id: Id | None = None
    timestamp: float | int | str | None = None


# --- Analytics and billing --------------------------------------------------------------------------------


class KpiQuery(Struct):
    """Which window."""

    time_window: Window = "1h"


class Kpi(Struct):
    """A tenant's figures over a window; rates between 0 and 1."""

    tenant_id: str
    time_window: str
    messages: int
    sessions: int
    messages_per_minute: float
    average_response_ms: float
    resolution_rate: float
    escalation_rate: float
    intents: dict[str, int]


class Counters(Struct):
    """What was used in a period."""

    messages: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tool_calls: int = 0
    upload_bytes: int = 0


class Limits(Struct):
    """What the plan allows."""

    messages: int
    messages_per_minute: int


class Remaining(Struct):
    """What is left of it."""

    messages: int


class Usage(Struct):
    """A tenant's usage of the current month."""

    tenant_id: str
    plan: str
    state: str
    period: str
    usage: Counters
    limits: Limits
    remaining: Remaining


class UsageBody(Struct):
    """Something to add to the usage."""

    metric: Literal["messages", "tokens_in", "tokens_out", "tool_calls", "upload_bytes"]
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class CheckBody(Struct):
    """How many messages are wanted."""

    quantity: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 1


class Check(Struct):
    """Whether the plan allows them."""

    tenant_id: str
    allowed: bool
    remaining: int
    plan: str


class Plan(Struct):
    """A plan."""

    id: str
    name: str
    price_cents: int
    messages: int
    included: int
    extra_cents_per_1000: int
    messages_per_minute: int


class Plans(Struct):
    """All plans."""

    plans: list[Plan]


class PlanBody(Struct):
    """The plan to change to."""

    plan: Id


class InvoiceBody(Struct):
    """Which month; the current one if it is not said."""

    period: Period | None = None


class Line(Struct):
    """A line of an invoice."""

    description: str
    quantity: int
    amount_cents: int


class Invoice(Struct):
    """An invoice; ``state`` is open, paid or uncollectible."""

    id: str
    tenant_id: str
    period: str
    state: str
    total_cents: int
    lines: list[Line]
    created_at: str


class Invoices(Struct):
    """A tenant's invoices, newest first."""

    tenant_id: str
    invoices: list[Invoice]


class EventObject(Struct):
    """What a provider's event is about: an invoice."""

    id: Annotated[str, Meta(min_length=1, max_length=255)]


class EventData(Struct):
    """Stripe's envelope."""

    object: EventObject


class Event(Struct):
    """A provider's event."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    type: Annotated[str, Meta(min_length=1, max_length=64)]
    data: EventData


class Received(Struct):
    """The event is taken; ``duplicate`` when it had been already."""

    received: bool
    duplicate: bool


class EventTotals(Struct):
    """Events, and how often they were acted on."""

    events: int
    processed: int
