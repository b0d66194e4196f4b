"""The chat of a live session: what one says, all get, and a slow reader keeps nobody waiting.

Messages go over the bus to every process, and from there into each socket's outbox. The client's ``sent_at``
stays in the message, so that it can measure the time until its own message comes back.
"""

import asyncio
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from swell_target.base import tokens
from swell_target.base.clock import iso, new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.faults import DelayChat, LoseChat, RefuseChat
from swell_target.base.runtime import Runtime
from swell_target.base.socket import Socket
from swell_target.services.wwmaa import rtc
from swell_target.services.wwmaa.service import SERVICE

# With two thousand characters to a message at most, some 10 MB for a reader that never reads.
OUTBOX = 5_000
MAX_CONTENT = 2_000
PRESENCE_EVERY_S = 10.0


class FromClient(msgspec.Struct):
    """What a client may say; who it is stands in its token."""

    type: str
    content: str = ""
    sent_at: str | int | float | UnsetType = UNSET


DECODER = msgspec.json.Decoder(FromClient)


def _check_token(socket: Socket, session_id: str) -> dict[str, Any]:
    """The claims of the token in the URL, or in the header; Problem 401, or 403 for another session's."""
    call = socket.call
    in_url = dict(call.query_pairs).get("token", "")
    claims = tokens.read(call.runtime.settings.secret, in_url or call.bearer or "", rtc.CHAT)
    if claims is None:
        raise Problem(401, "the chat token is missing, wrong or expired")
    if claims["session"] != session_id:
        raise Problem(403, "the chat token is for another session")
    return claims


def _process_of(runtime: Runtime) -> str:
    """A name that no other process of the platform, nor a later one, has."""
    return f"{runtime.service}-{runtime.boot_id}"


@SERVICE.websocket("/ws/sessions/{session_id}", name="chat")
async def chat(socket: Socket, session_id: str) -> None:
    """Welcome the participant, pass on what is said, and tell when they are gone."""
    claims = _check_token(socket, session_id)
    runtime, user_id, name = socket.call.runtime, str(claims["sub"]), str(claims["name"])
    connection = new_id()
    new, count = await runtime.db.write(
        rtc.add_participant, session_id, user_id, name[:120], connection, _process_of(runtime)
    )
    channel = rtc.channel_of(session_id)
    talk = _Talk(socket, session_id, user_id, name)
    try:
        await socket.accept(OUTBOX)
        socket.post_json(
            {
                "type": "welcome",
                "session_id": session_id,
                "user_id": user_id,
                "participants": count,
                "server_time": iso(now_ms()),
            }
        )
        end = runtime.bus.subscribe(channel, talk.pass_on)
        try:
            if new:
                runtime.bus.publish(
                    channel, rtc.announcement("participant_joined", session_id, user_id, name, count)
                )
            async for text in socket:
                await talk.hear(text)
        finally:
            end()
    finally:
        await _say_goodbye(socket, talk, connection)


async def _say_goodbye(socket: Socket, talk: "_Talk", connection: str) -> None:
    """Free the place (later, under the fault of slow disconnects), unless it was left or taken over."""
    await socket.linger()
    try:
        left, count = await socket.call.db.write(
            rtc.remove_participant, talk.session_id, talk.user_id, connection
        )
    except Problem:
        return  # The database is away; the place is freed once this process is silent about it.
    if left:
        talk.announce_left(count)


class _Talk:
    """One participant's part of the conversation."""

    def __init__(self, socket: Socket, session_id: str, user_id: str, name: str) -> None:
        self.socket = socket
        self.session_id = session_id
        self.user_id = user_id
        self.name = name

    def pass_on(self, message: dict[str, Any]) -> None:
        """Put what happens in the session into this socket's outbox."""
        faults = self.socket.call.faults
        if faults.active and message["type"] == "chat" and faults.strikes(LoseChat) is not None:
            return
        late = faults.find(DelayChat) if faults.active and message["type"] == "chat" else None
        if late is None:
            self.socket.post_json(message)
        else:
            asyncio.get_running_loop().call_later(late.ms / 1000, self.socket.post_json, message)

    def announce_left(self, count: int) -> None:
        """Tell the others."""
        message = rtc.announcement("participant_left", self.session_id, self.user_id, self.name, count)
        self.socket.call.runtime.bus.publish(rtc.channel_of(self.session_id), message)

    async def hear(self, text: str) -> None:
        """Act on one message of the client; what cannot be understood is answered with ``error``."""
        try:
            message = DECODER.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            self._error(f"not a message: {error}")
            return
        if self._is_refused(message.type):
            self._error("fault on demand")
            return
        match message.type:
            case "chat":
                self._say(message)
            case "ping":
                sent_at = {} if isinstance(message.sent_at, UnsetType) else {"sent_at": message.sent_at}
                self.socket.post_json({"type": "pong", "server_time": iso(now_ms())} | sent_at)
            case "leave":
                left, count = await self.socket.call.db.write(
                    rtc.remove_participant, self.session_id, self.user_id
                )
                if left:
                    self.announce_left(count)
            case _:
                self._error(f"no message type {message.type[:64]!r}: there are chat, ping and leave")

    def _is_refused(self, kind: str) -> bool:
        """Whether the fault befalls a message of that type."""
        faults = self.socket.call.faults
        fault = faults.find(RefuseChat) if faults.active else None
        return fault is not None and fault.message in ("*", kind) and faults.strikes(RefuseChat) is not None

    def _say(self, message: FromClient) -> None:
        if not message.content or len(message.content) > MAX_CONTENT:
            self._error(f"content must have 1 to {MAX_CONTENT} characters")
            return
        now = iso(now_ms())
        said = {
            "type": "chat",
            "id": new_id(),
            "session_id": self.session_id,
            "user_id": self.user_id,
            "participant_name": self.name,
            "content": message.content,
            "sent_at": now if isinstance(message.sent_at, UnsetType) else message.sent_at,
            "server_time": now,
        }
        self.socket.call.runtime.bus.publish(rtc.channel_of(self.session_id), said)

    def _error(self, sentence: str) -> None:
        self.socket.post_json({"type": "error", "error": sentence})


@SERVICE.background
async def keep_presence(runtime: Runtime) -> None:
    """Tell that this process lives, and free the places that a dead one held."""
    while True:
        try:
            freed = await runtime.db.write(rtc.refresh_presence, _process_of(runtime))
            for session_id, user_id, count in freed:
                message = rtc.announcement("participant_left", session_id, user_id, "", count)
                runtime.bus.publish(rtc.channel_of(session_id), message)
        except Problem:
            pass  # The database is away for the moment.
        await asyncio.sleep(PRESENCE_EVERY_S)
