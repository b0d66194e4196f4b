"""Chat over HTTP: a customer's message and the agent's reply, history, announcements (contract: M1)."""

import time
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from swell_target.base.call import Call, Reply
from swell_target.base.clock import iso, new_id, now_ms, pause
from swell_target.base.errors import Problem
from swell_target.base.runtime import Runtime
from swell_target.base.service import Failure
from swell_target.base.sql import Insert, by_dialect, insert_once
from swell_target.services.aiaas import agent
from swell_target.services.aiaas.identity import find_tenant, named_tenant, require_tenant, user_of
from swell_target.services.aiaas.metering import Amount, meter, read_usage, this_period
from swell_target.services.aiaas.models import (
    BroadcastBody,
    ChatAnswer,
    ChatBody,
    History,
    HistoryQuery,
    Message,
    Sent,
    SessionItem,
    Sessions,
)
from swell_target.services.aiaas.schema import MESSAGES, MINUTES, SESSIONS, USERS
from swell_target.services.aiaas.service import SERVICE

MINUTE_MS = 60_000
# From this share of the quota on, replies are short, and a header says so.
DEGRADE_PERCENT = 90
DEGRADE_HEADER = "x-degrade-mode"
SESSIONS_SHOWN = 100
REFUSED = {401: Failure, 402: Failure, 403: Failure, 404: Failure, 429: Failure}


class Speaker(NamedTuple):
    """Who says something, and where."""

    tenant_id: str
    user_id: str
    session_id: str


class Turn(NamedTuple):
    """A customer's message and the agent's reply to it, as they were kept."""

    message_id: str
    reply: agent.AgentReply
    timestamp: int
    degraded: bool


# --- Transactions -----------------------------------------------------------------------------------------


def open_turn(tx: Connection, tenant_id: str) -> bool:
    """Whether the tenant is near its quota; Problem 404, 402, or 429 when the quota is used up already."""
    tenant = find_tenant(tx, tenant_id)
    used = read_usage(tx, tenant_id, this_period()).messages
    if used >= tenant.quota:
        meter(tx, tenant, Amount(messages=1), limits=False)
    return bool(used * 100 >= tenant.quota * DEGRADE_PERCENT)


def keep_turn(
    tx: Connection, speaker: Speaker, text: str, reply: agent.AgentReply, response_ms: int, *, limits: bool
) -> tuple[str, int]:
    """Write both messages and count them; the reply's id and time. Problem 429 keeps nothing.

    The rows that many share (the minute's, the usage's) come last, so that their locks are short.
    """
    now = now_ms()
    tenant = find_tenant(tx, speaker.tenant_id)
    number = _enter(tx, speaker, now)
    ids = (new_id(), new_id())
    common: dict[str, Any] = {
        "tenant_id": speaker.tenant_id,
        "session_id": speaker.session_id,
        "user_id": speaker.user_id,
    }
    common |= {"intent": reply.intent, "created": now}
    said = (("user", text), ("agent", reply.text))
    rows = [
        common | {"id": ids[i], "number": number - 1 + i, "role": role, "content": content}
        for i, (role, content) in enumerate(said)
    ]
    tx.execute(ADD_MESSAGES, rows)
    _count_minute(tx, speaker.tenant_id, reply, response_ms, now)
    amount = Amount(messages=1, tokens_in=reply.tokens_in, tokens_out=reply.tokens_out)
    meter(tx, tenant, amount, limits=limits)
    return ids[1], now


def _enter_session(statement: Insert) -> Any:
    sent = statement.excluded
    changed = {"messages": SESSIONS.c.messages + sent.messages, "updated": sent.updated}
    return statement.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=changed).returning(
        SESSIONS.c.messages, SESSIONS.c.user_id
    )


def _add_to_minute(statement: Insert) -> Any:
    names = ("messages", "response_ms", "resolved", "escalated")
    added = {name: MINUTES.c[name] + statement.excluded[name] for name in names}
    return statement.on_conflict_do_update(index_elements=["tenant_id", "minute", "intent"], set_=added)


ENTER, COUNT_MINUTE = by_dialect(_enter_session), by_dialect(_add_to_minute)
ADD_MESSAGES = MESSAGES.insert()


def _enter(tx: Connection, speaker: Speaker, now: int) -> int:
    """Number a message and its reply in their session, making session and user at their first word."""
    values = {
        "tenant_id": speaker.tenant_id,
        "id": speaker.session_id,
        "user_id": speaker.user_id,
        "messages": 2,
        "created": now,
        "updated": now,
    }
    row = tx.execute(ENTER(tx, SESSIONS), values).one()
    number = int(row.messages)
    if number == 2 or row.user_id != speaker.user_id:  # noqa: PLR2004 - the first message and its reply
        insert_once(tx, USERS, {"tenant_id": speaker.tenant_id, "id": speaker.user_id, "created": now})
    return number


def _count_minute(
    tx: Connection, tenant_id: str, reply: agent.AgentReply, response_ms: int, now: int
) -> None:
    values = {
        "tenant_id": tenant_id,
        "minute": now // MINUTE_MS,
        "intent": reply.intent,
        "messages": 1,
        "response_ms": response_ms,
        "resolved": int(reply.resolved),
        "escalated": int(reply.escalated),
    }
    tx.execute(COUNT_MINUTE(tx, MINUTES), values)


def read_history(tx: Connection, tenant_id: str, query: HistoryQuery) -> History:
    """The latest messages before a time, oldest first."""
    find_tenant(tx, tenant_id, suspended=True)
    chosen = [MESSAGES.c.tenant_id == tenant_id, MESSAGES.c.created < query.before]
    order: tuple[Any, ...] = (MESSAGES.c.created.desc(), MESSAGES.c.number.desc())
    if query.session_id is not None:
        chosen.append(MESSAGES.c.session_id == query.session_id)
        order = (MESSAGES.c.number.desc(),)
    rows = tx.execute(select(MESSAGES).where(*chosen).order_by(*order).limit(query.limit)).all()
    return History(tenant_id, [_message(row) for row in reversed(rows)])


def _message(row: Row[Any]) -> Message:
    return Message(row.id, row.session_id, row.user_id, row.role, row.content, row.created)


def read_sessions(tx: Connection, tenant_id: str) -> Sessions:
    """The latest conversations."""
    find_tenant(tx, tenant_id, suspended=True)
    rows = tx.execute(
        select(SESSIONS)
        .where(SESSIONS.c.tenant_id == tenant_id)
        .order_by(SESSIONS.c.updated.desc(), SESSIONS.c.id)
        .limit(SESSIONS_SHOWN)
    )
    return Sessions(
        tenant_id, [SessionItem(row.id, row.user_id, row.messages, iso(row.updated)) for row in rows]
    )


# --- For HTTP and WebSockets ------------------------------------------------------------------------------


async def converse(runtime: Runtime, speaker: Speaker, text: str) -> Turn:
    """Have the agent answer, after the mock model's latency, and keep both; Problem 402, 404 or 429."""
    start = time.perf_counter()
    degraded = await runtime.db.read(open_turn, speaker.tenant_id)
    await pause(runtime.settings.mock_latency_ms)
    reply = agent.answer(runtime.settings.seed, text, short=degraded)
    response_ms = round((time.perf_counter() - start) * 1000)
    limits = runtime.settings.limits
    message_id, now = await runtime.db.write(keep_turn, speaker, text, reply, response_ms, limits=limits)
    return Turn(message_id, reply, now, degraded)


def degrade_headers(turn: Turn) -> list[tuple[str, str]]:
    """What tells a client that the tenant is near its quota."""
    return [(DEGRADE_HEADER, "quota")] if turn.degraded else []


def room(tenant_id: str, session_id: str = "") -> str:
    """The bus channel of a session, or of a tenant's every connection."""
    return f"aiaas:{tenant_id}:{session_id}" if session_id else f"aiaas-all:{tenant_id}"


# --- Endpoints --------------------------------------------------------------------------------------------


@SERVICE.post("/chat/messages", name="chat_messages", answers={200: ChatAnswer, **REFUSED})
@SERVICE.post("/chat/message", name="chat_message", answers={200: ChatAnswer, **REFUSED})
async def chat_messages(call: Call, body: ChatBody) -> Reply:
    """A customer's message: the agent's reply."""
    tenant_id = named_tenant(call, body.tenant_id)
    if tenant_id is None:
        raise Problem(422, "the tenant is missing: send tenant_id or X-Tenant-ID")
    speaker = Speaker(tenant_id, user_of(call, body.user_id), body.session_id or new_id())
    turn = await converse(call.runtime, speaker, body.message)
    answer = ChatAnswer(
        response=turn.reply.text,
        message_id=turn.message_id,
        session_id=speaker.session_id,
        tenant_id=tenant_id,
        user_id=speaker.user_id,
        intent=turn.reply.intent,
        confidence=turn.reply.confidence,
        escalated=turn.reply.escalated,
        timestamp=turn.timestamp,
    )
    return Reply(answer, headers=degrade_headers(turn))


@SERVICE.get("/chat/history", name="chat_history", answers={200: History, **REFUSED})
async def chat_history(call: Call, query: HistoryQuery) -> History:
    """A session's messages, or the tenant's latest."""
    return await call.db.read(read_history, require_tenant(call), query)


@SERVICE.get("/chat/sessions", name="chat_sessions", answers={200: Sessions, **REFUSED})
async def chat_sessions(call: Call) -> Sessions:
    """The tenant's latest conversations."""
    return await call.db.read(read_sessions, require_tenant(call))


@SERVICE.post("/chat/broadcast", name="chat_broadcast", answers={202: Sent, **REFUSED})
async def chat_broadcast(call: Call, body: BroadcastBody) -> Sent:
    """An announcement to every WebSocket of the tenant, in all processes."""
    tenant_id = require_tenant(call)
    await call.db.read(find_tenant, tenant_id)
    now = now_ms()
    frame = {"type": "broadcast", "content": body.content, "timestamp": now}
    call.runtime.bus.publish(room(tenant_id), {"from": "", "frame": frame})
    return Sent(sent=True, timestamp=now)
