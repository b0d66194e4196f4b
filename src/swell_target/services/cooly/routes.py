"""Cooly's endpoints (contract: C1, C2, and what its guide implies)."""

import asyncio
import hashlib
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from swell_target.base import tokens
from swell_target.base.call import Call, Reply
from swell_target.base.clock import iso, new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.faults import LoseCredit
from swell_target.base.passwords import hash_password, verify_password
from swell_target.base.service import Auth, Failure
from swell_target.base.standard import ADMIN
from swell_target.services.cooly import store
from swell_target.services.cooly.jobs import QUEUE
from swell_target.services.cooly.models import (
    Accepted,
    Consistency,
    DeadLetter,
    DeadLetters,
    Done,
    GenerateBody,
    Generation,
    History,
    HistoryQuery,
    LoginBody,
    Purged,
    RegisterBody,
    Session,
    TopUpBody,
    User,
)
from swell_target.services.cooly.service import SERVICE

TOKEN_SECONDS = 24 * 3600
STREAM_EVERY_S = 0.05
STREAM_SECONDS = 120
COOKIE = "token"
# Compared with where there is no account, so that the time does not tell which addresses have one.
NOBODY = hash_password("nobody", b"nobody")


def check_token(call: Call) -> str:
    """The account's id by any valid token: of the cookies (a script may send two), or a bearer."""
    secret = call.runtime.settings.secret
    found = [value for name, value in call.cookies if name == COOKIE]
    for token in [*found, call.bearer or ""]:
        claims = tokens.read(secret, token, "cooly")
        if claims is not None:
            return str(claims["sub"])
    raise Problem(401, "Not logged in: the token is missing, wrong or expired")


USER = Auth("cookie", check_token, location="cookie", name=COOKIE)


class StreamQuery(Struct):
    """Which order to follow."""

    session_id: Annotated[str, Meta(min_length=1, max_length=64)]


def _session(call: Call, user_id: str, email: str, balance: int, status: int) -> Reply:
    """Log in: the token in the body, and as a cookie for browsers."""
    token = tokens.issue(call.runtime.settings.secret, user_id, "cooly", TOKEN_SECONDS)
    cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={TOKEN_SECONDS}"
    body = Session(token=token, id=user_id, email=email, credits=balance)
    return Reply(body, status, headers=[("set-cookie", cookie)])


@SERVICE.post("/api/auth/login", name="login", answers={200: Session, 401: Failure})
async def login(call: Call, body: LoginBody) -> Reply:
    """Log in; there is no limit on how often."""
    user = await call.db.read(store.find_user, body.email)
    if not verify_password(body.password, user.password if user else NOBODY) or user is None:
        raise Problem(401, "Invalid e-mail or password")
    return _session(call, user.id, user.email, user.credits, 200)


@SERVICE.post("/api/auth/register", name="register", answers={201: Session, 409: Failure})
async def register(call: Call, body: RegisterBody) -> Reply:
    """Make an account, without credits."""
    user_id = await call.db.write(store.add_user, body.email, hash_password(body.password))
    return _session(call, user_id, body.email, 0, 201)


@SERVICE.post("/api/auth/logout", name="logout", answers={200: Done})
async def logout(call: Call) -> Reply:  # noqa: ARG001 - every handler takes it
    """Take the cookie away."""
    return Reply(Done(), headers=[("set-cookie", f"{COOKIE}=; Path=/; HttpOnly; Max-Age=0")])


@SERVICE.get("/api/auth/me", name="me", auth=USER, answers={200: User})
async def me(call: Call) -> User:
    """The own account."""
    user = await call.db.read(store.user_by_id, call.identity)
    if user is None:
        raise Problem(401, "the account of this token is gone")
    return User(user.id, user.email, user.credits)


@SERVICE.post(
    "/api/images/seedream4/generate",
    name="seedream4",
    auth=USER,
    answers={202: Accepted, 402: Failure},
)
async def generate(call: Call, body: GenerateBody) -> Accepted:
    """Reserve the credits and queue the order; the images are made in the background."""
    if not body.prompt.strip():
        raise Problem(400, "Prompt is required")
    key = new_id() if isinstance(body.clientKey, msgspec.UnsetType) else body.clientKey
    lose = call.faults.strikes(LoseCredit) is not None if call.faults.active else False
    made = await call.db.write(store.reserve, call.identity, body, key, lose=lose)
    if made.new:
        await call.runtime.queue(QUEUE).push(made.session_id)
    return Accepted(made.session_id, made.client_key, made.state, made.amount)


def _generation(row: Any) -> Generation:
    return Generation(
        session_id=row.id,
        clientKey=row.client_key,
        prompt=row.prompt,
        state=row.state,
        outputs=row.outputs,
        images=msgspec.json.decode(row.images, type=list[str]),
        error=row.error,
        created_at=iso(row.created),
        updated_at=iso(row.updated),
    )


async def _find(call: Call, session_id: str) -> Generation:
    row = await call.db.read(store.find_session, call.identity, session_id)
    if row is None:
        raise Problem(404, "no such session")
    return _generation(row)


@SERVICE.get(
    "/api/images/seedream4/progress/id/{session_id}",
    name="progress",
    auth=USER,
    answers={200: Generation, 404: Failure},
)
async def progress(call: Call, session_id: str) -> Generation:
    """How far an order is."""
    return await _find(call, session_id)


@SERVICE.get(
    "/api/images/seedream4/progress/stream",
    name="progress_stream",
    auth=USER,
    answers={200: None, 404: Failure},
    media="text/event-stream",
)
async def progress_stream(call: Call, query: StreamQuery) -> Reply:
    """How far an order is, as server-sent events, until it is finished."""
    first = await _find(call, query.session_id)
    return Reply(
        stream=_follow(call, first), media="text/event-stream", headers=[("cache-control", "no-store")]
    )


async def _follow(call: Call, generation: Generation) -> AsyncIterator[bytes]:
    """An event for each change of state."""
    end = now_ms() + STREAM_SECONDS * 1000
    shown = ""
    while now_ms() < end:
        if generation.state != shown:
            shown = generation.state
            yield b"event: progress\ndata: " + msgspec.json.encode(generation) + b"\n\n"
        if shown in ("done", "failed"):
            return
        await asyncio.sleep(STREAM_EVERY_S)
        generation = await _find(call, generation.session_id)


@SERVICE.get("/api/images/seedream4/history", name="history", auth=USER, answers={200: History})
async def history(call: Call, query: HistoryQuery) -> History:
    """The own orders, newest first."""
    rows, total = await call.db.read(store.history, call.identity, query.limit, query.offset)
    return History([_generation(row) for row in rows], total)


@SERVICE.get("/api/images/files/{name}", name="image", answers={200: None, 404: Failure}, media="image/png")
async def image(call: Call, name: str) -> Reply:  # noqa: ARG001 - every handler takes it
    """An image, made from its name."""
    if not name.endswith(".png"):
        raise Problem(404, "no such image")
    headers = [("cache-control", "public, max-age=31536000, immutable")]
    return Reply(draw_png(name), media="image/png", headers=headers)


def draw_png(name: str) -> bytes:
    """A small picture of one colour that depends on ``name``."""
    colour = hashlib.sha256(name.encode()).digest()[:3]
    side = 64
    rows = (b"\0" + colour * side) * side

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


# --- For the operator -------------------------------------------------------------------------------------


@SERVICE.post("/admin/credits", name="top_up", auth=ADMIN, answers={200: User, 404: Failure})
async def top_up(call: Call, body: TopUpBody) -> User:
    """Put credits into an account."""
    expires = None if body.expires_in_s is None else now_ms() + body.expires_in_s * 1000
    user = await call.db.write(store.top_up, body.email, body.credits, expires)
    return User(user.id, user.email, user.credits)


@SERVICE.get("/admin/dlq/messages", name="dead_letters", auth=ADMIN, answers={200: DeadLetters})
async def dead_letters(call: Call) -> DeadLetters:
    """Orders that could not be worked off."""
    rows = await call.db.read(store.dead_letters)
    return DeadLetters([DeadLetter(row.id, row.session_id, row.reason, iso(row.created)) for row in rows])


@SERVICE.post(
    "/admin/dlq/messages/{letter_id}/retry",
    name="retry_dead_letter",
    auth=ADMIN,
    answers={202: Accepted, 402: Failure, 404: Failure},
)
async def retry_dead_letter(call: Call, letter_id: str) -> Accepted:
    """Order again what failed, at its price."""
    session = await call.db.write(store.retry_dead, letter_id)
    await call.runtime.queue(QUEUE).push(session.id)
    return Accepted(session.id, session.client_key, "queued", session.outputs)


@SERVICE.delete(
    "/admin/dlq/messages/{letter_id}",
    name="drop_dead_letter",
    auth=ADMIN,
    answers={200: Purged, 404: Failure},
)
async def drop_dead_letter(call: Call, letter_id: str) -> Purged:
    """Forget one."""
    count = await call.db.write(store.drop_dead, letter_id)
    if not count:
        raise Problem(404, "no such message")
    return Purged(count)


@SERVICE.post("/admin/dlq/purge", name="purge_dead_letters", auth=ADMIN, answers={200: Purged})
async def purge_dead_letters(call: Call) -> Purged:
    """Forget all."""
    return Purged(await call.db.write(store.drop_dead, None))


@SERVICE.get("/admin/consistency", name="consistency", auth=ADMIN, answers={200: Consistency})
async def consistency(call: Call) -> Consistency:
    """Whether balances, ledger, lots, reservations and outbox agree."""
    return await call.db.snapshot(store.check_books)
