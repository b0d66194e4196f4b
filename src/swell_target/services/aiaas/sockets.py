"""Chat over WebSockets (contract section 3), and what those addresses answer without an upgrade.

Every frame to a client has ``type``, ``content`` and ``timestamp``. ``agent_response`` goes to the connection
that asked, once for each ``user_message``: the scripts send a further message for each, so nothing else
may be called so. Other connections of the same session get both sides as ``session_message``.
"""

from typing import Any

import msgspec

from swell_target.base.call import Call, Reply
from swell_target.base.clock import new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.faults import LoseChat
from swell_target.base.service import Failure
from swell_target.base.socket import Socket
from swell_target.services.aiaas.chat import Speaker, Turn, converse, room
from swell_target.services.aiaas.identity import ANONYMOUS, admit, find_tenant
from swell_target.services.aiaas.models import ClientMessage, PlainMessage
from swell_target.services.aiaas.schema import ID_LENGTH
from swell_target.services.aiaas.service import SERVICE

# Frames that wait for a reader that does not read, before the oldest go.
OUTBOX = 1_000
CLIENT_MESSAGE = msgspec.json.Decoder(ClientMessage)
PLAIN_MESSAGE = msgspec.json.Decoder(PlainMessage)
Frame = dict[str, Any]


def _frame(kind: str, content: str, **fields: object) -> Frame:
    return {"type": kind, "content": content, "timestamp": now_ms()} | fields


def _error(code: str, sentence: str) -> Frame:
    return _frame("error", sentence, code=code)


def _speaker(call: Call) -> Speaker:
    """Who connects, by the query; Problem 400."""
    query = dict(call.query_pairs)
    tenant_id = query.get("tenant_id") or call.headers.get("x-tenant-id", "")
    if not tenant_id:
        raise Problem(400, "tenant_id is missing in the query")
    speaker = Speaker(tenant_id, query.get("user_id") or ANONYMOUS, query.get("session_id") or new_id())
    if any("\0" in name or len(name) > ID_LENGTH for name in speaker):
        raise Problem(400, f"an id in the query has more than {ID_LENGTH} characters, or U+0000")
    return speaker


def _check_text(*texts: str) -> None:
    """Problem 422 for what is empty, or has the character that PostgreSQL does not keep."""
    if any(not text or "\0" in text for text in texts):
        raise Problem(422, "a text is empty, or has the character U+0000", code="malformed")


class _Member:
    """One connection in its rooms: its session's, and that of all connections of the tenant."""

    def __init__(self, socket: Socket, speaker: Speaker) -> None:
        self.id = new_id()
        self.socket = socket
        self.speaker = speaker
        bus = socket.call.runtime.bus
        self._room = room(speaker.tenant_id, speaker.session_id)
        self._ends = [bus.subscribe(name, self._hear) for name in (self._room, room(speaker.tenant_id))]

    def leave(self) -> None:
        """Hear nothing more."""
        for end in self._ends:
            end()

    def _hear(self, message: Frame) -> None:
        if message["from"] != self.id:
            self.post(message["frame"])

    def post(self, frame: Frame) -> None:
        """Send a frame to this connection, unless the fault loses it; it never waits."""
        faults = self.socket.call.faults
        if faults.active and faults.strikes(LoseChat) is not None:
            return
        self.socket.post_json(frame)

    def tell(self, frame: Frame) -> None:
        """Send a frame to the session's other connections, in all processes."""
        self.socket.call.runtime.bus.publish(self._room, {"from": self.id, "frame": frame})

    async def receive(self, text: str) -> None:
        """Act on what the client sent; whatever it was, the connection stays open."""
        try:
            message = CLIENT_MESSAGE.decode(text)
            match message.type:
                case "user_message":
                    await self._answer(message)
                case "typing":
                    self.tell(_frame("typing", "", user_id=self.speaker.user_id))
                case "ping":
                    self.socket.post_json(_frame("pong", ""))
                case other:
                    self.socket.post_json(_error("unknown_type", f"no messages of type {other!r}"))
        except msgspec.DecodeError as error:
            self.socket.post_json(_error("malformed", f"the message is not valid: {error}"))
        except Problem as problem:
            code = str(problem.fields.get("code", problem.status))
            self.socket.post_json(_error(code, problem.error))

    async def _answer(self, message: ClientMessage) -> None:
        _check_text(message.content)
        named = (message.metadata or {}).get("tenant_id", self.speaker.tenant_id)
        if named != self.speaker.tenant_id:
            raise Problem(403, "metadata names another tenant than the connection", code="wrong_tenant")
        turn = await converse(self.socket.call.runtime, self.speaker, message.content)
        self.post(_reply(self.speaker, turn, message.timestamp))
        user = self.speaker.user_id
        self.tell(_frame("session_message", message.content, role="user", user_id=user))
        self.tell(_frame("session_message", turn.reply.text, role="agent", user_id=user))


def _reply(speaker: Speaker, turn: Turn, sent: object) -> Frame:
    metadata = speaker._asdict() | {
        "message_id": turn.message_id,
        "intent": turn.reply.intent,
        "confidence": turn.reply.confidence,
        "in_reply_to": sent,
    }
    frame = {"type": "agent_response", "content": turn.reply.text, "timestamp": turn.timestamp}
    return frame | {"metadata": metadata}


@SERVICE.websocket("/ws/chat", name="chat_socket")
async def chat_socket(socket: Socket) -> None:
    """A customer's connection; the client speaks first."""
    speaker = _speaker(socket.call)
    await socket.call.db.read(find_tenant, speaker.tenant_id)
    await socket.accept(OUTBOX)
    member = _Member(socket, speaker)
    try:
        async for text in socket:
            await member.receive(text)
    finally:
        await socket.linger()
        member.leave()


@SERVICE.websocket("/ws/{tenant_id}", name="plain_socket")
async def plain_socket(socket: Socket, tenant_id: str) -> None:
    """The further scripts' connection: exactly one reply for each message, whatever it is."""
    await admit(socket.call.db, tenant_id)
    await socket.accept(OUTBOX)
    session_id = new_id()
    async for text in socket:
        try:
            message = PLAIN_MESSAGE.decode(text)
            speaker = Speaker(tenant_id, message.user_id, message.session_id or session_id)
            _check_text(message.message, *speaker)
            turn = await converse(socket.call.runtime, speaker, message.message)
            frame = _reply(speaker, turn, message.timestamp) | {"response": turn.reply.text}
        except msgspec.DecodeError as error:
            frame = _error("malformed", f"the message is not valid: {error}")
        except Problem as problem:
            frame = _error(str(problem.fields.get("code", problem.status)), problem.error)
        if socket.call.faults.strikes(LoseChat) is None:
            socket.post_json(frame)


# --- Without an upgrade -----------------------------------------------------------------------------------


@SERVICE.get("/ws/chat", name="chat_socket_plain", answers={426: Failure})
async def chat_socket_plain(call: Call) -> Reply:  # noqa: ARG001 - every handler takes it
    """A WebSocket lives here: 426."""
    raise Problem(426, "this is a WebSocket: connect with an upgrade", headers=(("upgrade", "websocket"),))


class SocketHint(msgspec.Struct):
    """Where to connect."""

    status: str
    websocket: str


@SERVICE.get("/ws", name="socket_hint", answers={200: SocketHint})
async def socket_hint(call: Call) -> SocketHint:  # noqa: ARG001 - every handler takes it
    """Where the WebSocket is; further scripts want 200 here."""
    return SocketHint("available", "/ws/chat?tenant_id=...&user_id=...&session_id=...")
