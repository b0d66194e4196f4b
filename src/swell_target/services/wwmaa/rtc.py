"""Live sessions: joining, presence, the mock of the video provider. The chat is in chat.py."""

from typing import Annotated, Any

from msgspec import Meta, Struct
from sqlalchemy import Connection, Row, bindparam, func, select, update

from swell_target.base import tokens
from swell_target.base.call import Call
from swell_target.base.clock import iso, new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.service import Auth, Failure
from swell_target.base.sql import insert
from swell_target.services.wwmaa.schema import PARTICIPANTS, SESSIONS
from swell_target.services.wwmaa.service import SERVICE
from swell_target.services.wwmaa.text import WITHOUT_NUL

# Kinds of tokens: for the session's endpoints, its WebSocket, and the video provider.
ACCESS, CHAT, VIDEO = "wwmaa-rtc", "wwmaa-ws", "wwmaa-video"
TOKEN_SECONDS = 4 * 3_600
# A connected participant whose process has not told of it for so long is gone with the process; one who
# joined and never connected is forgotten later.
SILENCE_MS = 45_000
UNCONNECTED_MS = 15 * 60_000
# Statements that every request runs are built once: building one costs as much as running it.
SESSION = select(SESSIONS).where(SESSIONS.c.id == bindparam("session"))
LOCKED_SESSION = SESSION.with_for_update()
PERSON = select(PARTICIPANTS).where(
    PARTICIPANTS.c.session_id == bindparam("session"), PARTICIPANTS.c.user_id == bindparam("user")
)
COUNT_PRESENT = (
    select(func.count())
    .select_from(PARTICIPANTS)
    .where(PARTICIPANTS.c.session_id == bindparam("session"), PARTICIPANTS.c.present)
)
UserId = Annotated[str, Meta(min_length=1, max_length=255, pattern=WITHOUT_NUL)]


class JoinBody(Struct):
    """Who joins."""

    user_id: UserId
    participant_name: Annotated[str, Meta(max_length=120, pattern=WITHOUT_NUL)] = ""


class Joined(Struct):
    """Tokens for the session; all may stand in a URL."""

    session_id: str
    participant_id: str
    access_token: str
    ws_token: str
    ws_url: str
    expires_in: int
    participants: int


class VideoBody(Struct):
    """The script sends its token once more; the header counts."""

    access_token: Annotated[str, Meta(max_length=4_096)] = ""


class VideoToken(Struct):
    """What the video provider would want."""

    video_token: str
    session_id: str
    provider: str
    expires_in: int


class VideoHealth(Struct):
    """How a participant's video does."""

    status: str
    session_id: str
    participant_id: str
    checked_at: str


class LeaveBody(Struct):
    """Who leaves."""

    user_id: UserId


class Left(Struct):
    """``left`` is False for somebody who was not there (any more)."""

    success: bool
    left: bool


class LiveSession(Struct):
    """A session and how many are in it."""

    id: str
    title: str
    instructor: str
    state: str
    capacity: int
    participants: int


class Present(Struct):
    """Somebody in a session."""

    user_id: str
    name: str
    connected: bool
    joined_at: str


class Presence(Struct):
    """Everybody in a session."""

    session_id: str
    participants: list[Present]


# --- Who is there -------------------------------------------------------------------------------------------


def channel_of(session_id: str) -> str:
    """Where all processes are told what happens in a session."""
    return f"wwmaa:session:{session_id}"


def count_present(tx: Connection, session_id: str) -> int:
    """How many are in a session."""
    return tx.execute(COUNT_PRESENT, {"session": session_id}).scalar_one()


def find_session(tx: Connection, session_id: str, *, lock: bool = False) -> Row[Any]:
    """A session; Problem 404."""
    row = tx.execute(LOCKED_SESSION if lock else SESSION, {"session": session_id}).first()
    if row is None:
        raise Problem(404, "no such session")
    return row


def find_participant(tx: Connection, session_id: str, user_id: str) -> Row[Any] | None:
    """Somebody who is, was, or may not be in a session."""
    return tx.execute(PERSON, {"session": session_id, "user": user_id}).first()


def add_participant(
    tx: Connection, session_id: str, user_id: str, name: str, connection: str = "", process: str = ""
) -> tuple[bool, int]:
    """Take a place: whether it is a new one, and how many are there; who is there already keeps theirs.

    The session's row is locked, as capacity is a count. Problem 404; 403 when it is over, full or forbidden.
    """
    session = find_session(tx, session_id, lock=True)
    if session.state != "live":
        raise Problem(403, "the session is over", code="session_over")
    before = find_participant(tx, session_id, user_id)
    if before is not None and before.banned:
        raise Problem(403, "banned from this session", code="banned")
    count = count_present(tx, session_id)
    there = before is not None and before.present
    if not there and count >= session.capacity:
        raise Problem(403, f"the session is full: {session.capacity} are in it", code="session_full")
    now = now_ms()
    key = {"session_id": session_id, "user_id": user_id}
    values: dict[str, Any] = {"name": name, "present": True, "seen": now}
    if connection or not there:
        values |= {"connection": connection, "process": process}
    statement = insert(tx, PARTICIPANTS).values(
        **key, **({"banned": False, "joined": now, "connection": "", "process": ""} | values)
    )
    joined = {} if there else {"joined": now}
    tx.execute(
        statement.on_conflict_do_update(index_elements=["session_id", "user_id"], set_=values | joined)
    )
    return not there, count + (not there)


def remove_participant(
    tx: Connection, session_id: str, user_id: str, connection: str | None = None
) -> tuple[bool, int]:
    """Free a place: whether there was one to free, and how many are left.

    With ``connection``: only if that connection still holds it, as they may have come back by another.
    """
    table = PARTICIPANTS
    where = [table.c.session_id == session_id, table.c.user_id == user_id, table.c.present]
    if connection is not None:
        where.append(table.c.connection == connection)
    freed = tx.execute(
        update(table)
        .where(*where)
        .values(present=False, connection="", process="")
        .returning(table.c.user_id)
    ).first()
    return freed is not None, count_present(tx, session_id)


def refresh_presence(tx: Connection, process: str) -> list[tuple[str, str, int]]:
    """Tell that a process lives; free those of one that does not: (session, participant, left there)."""
    table, now = PARTICIPANTS, now_ms()
    tx.execute(update(table).where(table.c.process == process).values(seen=now))
    lost = (
        update(table)
        .where(
            table.c.present,
            ((table.c.process != "") & (table.c.seen < now - SILENCE_MS))
            | (table.c.seen < now - UNCONNECTED_MS),
        )
        .values(present=False, connection="", process="")
        .returning(table.c.session_id, table.c.user_id)
    )
    freed = tx.execute(lost).all()
    left = {row.session_id: count_present(tx, row.session_id) for row in freed}
    return [(row.session_id, row.user_id, left[row.session_id]) for row in freed]


def announcement(kind: str, session_id: str, user_id: str, name: str, participants: int) -> dict[str, object]:
    """``participant_joined`` or ``participant_left``, as all in the session get it."""
    return {
        "type": kind,
        "session_id": session_id,
        "user_id": user_id,
        "participant_name": name,
        "participants": participants,
    }


# --- Endpoints ----------------------------------------------------------------------------------------------


def check_rtc(call: Call) -> dict[str, Any]:
    """The claims of a session's access token."""
    claims = tokens.read(call.runtime.settings.secret, call.bearer or "", ACCESS)
    if claims is None:
        raise Problem(401, "the session's access token is missing, wrong or expired")
    return claims


PARTICIPANT = Auth("rtc", check_rtc)


@SERVICE.post(
    "/api/rtc/sessions/{session_id}/join", name="join", answers={200: Joined, 403: Failure, 404: Failure}
)
async def join(call: Call, session_id: str, body: JoinBody) -> Joined:
    """Take a place in a session, and tell the others."""
    name = body.participant_name or body.user_id
    new, count = await call.db.write(add_participant, session_id, body.user_id, name[:120])
    if new:
        message = announcement("participant_joined", session_id, body.user_id, name, count)
        call.runtime.bus.publish(channel_of(session_id), message)
    secret = call.runtime.settings.secret
    claims = {"session": session_id, "name": name}
    return Joined(
        session_id=session_id,
        participant_id=body.user_id,
        access_token=tokens.issue(secret, body.user_id, ACCESS, TOKEN_SECONDS, **claims),
        ws_token=tokens.issue(secret, body.user_id, CHAT, TOKEN_SECONDS, **claims),
        ws_url=f"/ws/sessions/{session_id}",
        expires_in=TOKEN_SECONDS,
        participants=count,
    )


def _own_place(tx: Connection, session_id: str, claims: dict[str, Any]) -> None:
    """Problem 404 for an unknown session or who has left it, 403 for another session's token."""
    find_session(tx, session_id)
    if claims["session"] != session_id:
        raise Problem(403, "the token is for another session")
    found = find_participant(tx, session_id, claims["sub"])
    if found is None or not found.present:
        raise Problem(404, "not in this session")


@SERVICE.post(
    "/api/rtc/sessions/{session_id}/video-token",
    name="video_token",
    auth=PARTICIPANT,
    answers={200: VideoToken, 403: Failure, 404: Failure},
)
async def video_token(call: Call, session_id: str, body: VideoBody) -> VideoToken:  # noqa: ARG001 - its form is checked
    """A token for the mock video provider."""
    await call.db.read(_own_place, session_id, call.identity)
    secret, user_id = call.runtime.settings.secret, call.identity["sub"]
    token = tokens.issue(secret, user_id, VIDEO, TOKEN_SECONDS, session=session_id, track=new_id())
    return VideoToken(token, session_id, "cloudflare-calls-mock", TOKEN_SECONDS)


@SERVICE.get(
    "/api/rtc/sessions/{session_id}/video-health",
    name="video_health",
    auth=PARTICIPANT,
    answers={200: VideoHealth, 403: Failure, 404: Failure},
)
async def video_health(call: Call, session_id: str) -> VideoHealth:
    """How the own video does."""
    await call.db.read(_own_place, session_id, call.identity)
    return VideoHealth("connected", session_id, call.identity["sub"], iso(now_ms()))


def _leave(tx: Connection, session_id: str, user_id: str) -> tuple[bool, int]:
    find_session(tx, session_id)
    return remove_participant(tx, session_id, user_id)


@SERVICE.post("/api/rtc/sessions/{session_id}/leave", name="leave", answers={200: Left, 404: Failure})
async def leave(call: Call, session_id: str, body: LeaveBody) -> Left:
    """Free the place and tell the others; who has left already is told the same."""
    left, count = await call.db.write(_leave, session_id, body.user_id)
    if left:
        message = announcement("participant_left", session_id, body.user_id, "", count)
        call.runtime.bus.publish(channel_of(session_id), message)
    return Left(success=True, left=left)


def _live_session(tx: Connection, session_id: str) -> LiveSession:
    row = find_session(tx, session_id)
    count = count_present(tx, session_id)
    return LiveSession(row.id, row.title, row.instructor, row.state, row.capacity, count)


@SERVICE.get("/api/rtc/sessions/{session_id}", name="live_session", answers={200: LiveSession, 404: Failure})
async def live_session(call: Call, session_id: str) -> LiveSession:
    """A session and how many are in it."""
    return await call.db.read(_live_session, session_id)


def _presence(tx: Connection, session_id: str) -> Presence:
    find_session(tx, session_id)
    table = PARTICIPANTS
    rows = tx.execute(
        select(table)
        .where(table.c.session_id == session_id, table.c.present)
        .order_by(table.c.joined, table.c.user_id)
    )
    found = [Present(row.user_id, row.name, row.connection != "", iso(row.joined)) for row in rows]
    return Presence(session_id, found)


@SERVICE.get(
    "/api/rtc/sessions/{session_id}/participants", name="participants", answers={200: Presence, 404: Failure}
)
async def participants(call: Call, session_id: str) -> Presence:
    """Who is in a session."""
    return await call.db.read(_presence, session_id)
