"""Cooly's transactions: each function is one, and leaves the books balanced or rolls back.

The user's row is locked first wherever credits move, so that movements of one account come one after another.
"""

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, delete, func, or_, select, update

from swell_target.base.clock import new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.sql import insert_once
from swell_target.services.cooly.models import Consistency, GenerateBody
from swell_target.services.cooly.schema import DEAD, LEDGER, LOTS, OUTBOX, RESERVATIONS, SESSIONS, USERS

RESERVATION_TTL_MS = 15 * 60 * 1000
MAX_ATTEMPTS = 3
# Statements that every request runs are built once: building one costs as much as running it.
USER_BY_EMAIL = select(USERS).where(USERS.c.email == bindparam("email"))
USER_BY_ID = select(USERS).where(USERS.c.id == bindparam("id"))
LOCKED_USER = USER_BY_ID.with_for_update()
KNOWN_ORDER = select(SESSIONS).where(
    SESSIONS.c.user_id == bindparam("user_id"), SESSIONS.c.client_key == bindparam("client_key")
)
EXPIRED_LOTS = select(LOTS).where(
    LOTS.c.user_id == bindparam("user_id"), LOTS.c.left > 0, LOTS.c.expires <= bindparam("now")
)
USABLE_LOTS = (
    select(LOTS)
    .where(
        LOTS.c.user_id == bindparam("user_id"),
        LOTS.c.left > 0,
        or_(LOTS.c.expires.is_(None), LOTS.c.expires > bindparam("now")),
    )
    .order_by(LOTS.c.expires.is_(None), LOTS.c.expires, LOTS.c.id)
)
USE_LOT = update(LOTS).where(LOTS.c.id == bindparam("lot")).values(left=LOTS.c.left - bindparam("part"))
MOVE = (
    update(USERS).where(USERS.c.id == bindparam("user")).values(credits=USERS.c.credits + bindparam("amount"))
)
ADD_ENTRY, ADD_SESSION = LEDGER.insert(), SESSIONS.insert()
ADD_RESERVATION, ADD_ORDER = RESERVATIONS.insert(), OUTBOX.insert()
NO_CREDITS = "Insufficient credits"
# Whole lists of lots are JSON: [[lot, credits], ...].
Taken = list[tuple[str, int]]


class Reserved(NamedTuple):
    """What an order became; ``new`` is False when its client key was known."""

    session_id: str
    client_key: str
    state: str
    amount: int
    new: bool


def find_user(tx: Connection, email: str) -> Row[Any] | None:
    """The account of an e-mail address."""
    return tx.execute(USER_BY_EMAIL, {"email": email}).first()


def user_by_id(tx: Connection, user_id: str) -> Row[Any] | None:
    """The account with that id."""
    return tx.execute(USER_BY_ID, {"id": user_id}).first()


def add_user(tx: Connection, email: str, password_hash: str) -> str:
    """A new account without credits; Problem 409 when the address is taken."""
    user_id = new_id()
    values = {"id": user_id, "email": email, "password": password_hash, "credits": 0, "created": now_ms()}
    if not insert_once(tx, USERS, values):
        raise Problem(409, "this e-mail address has an account already")
    return user_id


def top_up(tx: Connection, email: str, amount: int, expires_ms: int | None) -> Row[Any]:
    """Put a lot of credits into an account; Problem 404 for an unknown one."""
    user = tx.execute(select(USERS).where(USERS.c.email == email).with_for_update()).first()
    if user is None:
        raise Problem(404, "no account with this e-mail address")
    tx.execute(LOTS.insert(), {"id": new_id(), "user_id": user.id, "left": amount, "expires": expires_ms})
    _move(tx, user.id, amount, "top-up", None)
    found = user_by_id(tx, user.id)
    assert found is not None  # noqa: S101 - its row is locked
    return found


def reserve(tx: Connection, user_id: str, body: GenerateBody, client_key: str, *, lose: bool) -> Reserved:
    """Take the price of an order, write the session, the reservation and the outbox row.

    ``lose`` is the fault that takes the credits without writing the ledger. Problem 402 when the credits do
    not suffice, 401 when the account is gone.
    """
    user = tx.execute(LOCKED_USER, {"id": user_id}).first()
    if user is None:
        raise Problem(401, "the account of this token is gone")
    known = tx.execute(KNOWN_ORDER, {"user_id": user_id, "client_key": client_key}).first()
    if known is not None:
        return Reserved(known.id, client_key, known.state, known.outputs, new=False)
    now = now_ms()
    expire_lots(tx, user_id, now)
    taken = _take(tx, user_id, body.outputs, now)
    session_id = new_id()
    _move(tx, user_id, -body.outputs, "reserve", session_id, ledger=not lose)
    session = {
        "id": session_id,
        "user_id": user_id,
        "client_key": client_key,
        "prompt": body.prompt,
        "model": body.model,
        "outputs": body.outputs,
        "state": "queued",
        "images": "[]",
        "error": None,
        "created": now,
        "updated": now,
    }
    tx.execute(ADD_SESSION, session)
    reservation = {
        "session_id": session_id,
        "user_id": user_id,
        "amount": body.outputs,
        "taken": msgspec.json.encode(taken).decode(),
        "state": "reserved",
        "expires": now + RESERVATION_TTL_MS,
    }
    tx.execute(ADD_RESERVATION, reservation)
    tx.execute(ADD_ORDER, {"session_id": session_id, "attempts": 0, "due": now})
    return Reserved(session_id, client_key, "queued", body.outputs, new=True)


def _take(tx: Connection, user_id: str, amount: int, now: int) -> Taken:
    """Use up lots, those that expire first first; Problem 402 when they do not suffice."""
    lots = tx.execute(USABLE_LOTS, {"user_id": user_id, "now": now})
    taken: Taken = []
    missing = amount
    for lot in lots:
        part = min(missing, lot.left)
        taken.append((lot.id, part))
        missing -= part
        if not missing:
            break
    if missing:
        raise Problem(402, NO_CREDITS, credits_needed=amount, credits=amount - missing)
    for lot_id, part in taken:
        tx.execute(USE_LOT, {"lot": lot_id, "part": part})
    return taken


def _move(
    tx: Connection, user_id: str, amount: int, reason: str, session_id: str | None, *, ledger: bool = True
) -> None:
    """Change the balance and write the ledger."""
    tx.execute(MOVE, {"user": user_id, "amount": amount})
    if ledger:
        entry = {"id": new_id(), "user_id": user_id, "amount": amount, "reason": reason}
        tx.execute(ADD_ENTRY, entry | {"session_id": session_id, "created": now_ms()})


def expire_lots(tx: Connection, user_id: str, now: int) -> None:
    """Write off what is left of an account's expired lots; its row must be locked."""
    expired = tx.execute(EXPIRED_LOTS, {"user_id": user_id, "now": now}).all()
    for lot in expired:
        tx.execute(update(LOTS).where(LOTS.c.id == lot.id).values(left=0))
        _move(tx, user_id, -lot.left, "expired", None)


def due_sessions(tx: Connection, limit: int) -> list[str]:
    """The sessions that a worker may take now, oldest first."""
    rows = tx.execute(
        select(OUTBOX.c.session_id).where(OUTBOX.c.due <= now_ms()).order_by(OUTBOX.c.due).limit(limit)
    )
    return [row.session_id for row in rows]


def claim(tx: Connection, session_id: str, lease_ms: int) -> Row[Any] | None:
    """Take a session for this worker, for ``lease_ms``; None when another has it or it is finished."""
    now = now_ms()
    done = tx.execute(
        update(OUTBOX)
        .where(OUTBOX.c.session_id == session_id, OUTBOX.c.due <= now)
        .values(attempts=OUTBOX.c.attempts + 1, due=now + lease_ms)
    )
    if done.rowcount == 0:
        return None
    tx.execute(update(SESSIONS).where(SESSIONS.c.id == session_id).values(state="processing", updated=now))
    return tx.execute(
        select(SESSIONS, OUTBOX.c.attempts)
        .join(OUTBOX, OUTBOX.c.session_id == SESSIONS.c.id)
        .where(SESSIONS.c.id == session_id)
    ).first()


def capture(tx: Connection, session_id: str, images: list[str]) -> bool:
    """The images are there: the reserved credits are spent. False when it was settled before."""
    if not _settle(tx, session_id, "captured"):
        return False
    encoded = msgspec.json.encode(images).decode()
    _finish(tx, session_id, state="done", images=encoded)
    return True


def retry_later(tx: Connection, session_id: str, delay_ms: int) -> None:
    """Give a session back to the queue."""
    tx.execute(update(OUTBOX).where(OUTBOX.c.session_id == session_id).values(due=now_ms() + delay_ms))
    tx.execute(update(SESSIONS).where(SESSIONS.c.id == session_id).values(state="queued", updated=now_ms()))


def release(tx: Connection, session_id: str, error: str, state: str = "released") -> bool:
    """The order failed: the credits go back into their lots, and a dead letter says why."""
    reservation = tx.execute(select(RESERVATIONS).where(RESERVATIONS.c.session_id == session_id)).first()
    if reservation is None:
        return False
    tx.execute(select(USERS.c.id).where(USERS.c.id == reservation.user_id).with_for_update())
    if not _settle(tx, session_id, state):
        return False
    for lot_id, part in msgspec.json.decode(reservation.taken, type=Taken):
        tx.execute(update(LOTS).where(LOTS.c.id == lot_id).values(left=LOTS.c.left + part))
    _move(tx, reservation.user_id, reservation.amount, state, session_id)
    _finish(tx, session_id, state="failed", error=error)
    tx.execute(
        DEAD.insert(), {"id": new_id(), "session_id": session_id, "reason": error, "created": now_ms()}
    )
    return True


def _settle(tx: Connection, session_id: str, state: str) -> bool:
    """Reserved becomes ``state``, once."""
    done = tx.execute(
        update(RESERVATIONS)
        .where(RESERVATIONS.c.session_id == session_id, RESERVATIONS.c.state == "reserved")
        .values(state=state)
    )
    return done.rowcount == 1


def _finish(tx: Connection, session_id: str, **values: object) -> None:
    tx.execute(update(SESSIONS).where(SESSIONS.c.id == session_id).values(updated=now_ms(), **values))
    tx.execute(delete(OUTBOX).where(OUTBOX.c.session_id == session_id))


def expire_reservations(tx: Connection, limit: int) -> int:
    """Release the reservations whose time is over; how many."""
    overdue = tx.execute(
        select(RESERVATIONS.c.session_id)
        .where(RESERVATIONS.c.state == "reserved", RESERVATIONS.c.expires <= now_ms())
        .limit(limit)
    ).all()
    return sum(release(tx, row.session_id, "the reservation expired", "expired") for row in overdue)


def retry_dead(tx: Connection, letter_id: str) -> Row[Any]:
    """Order a failed session again, at its price; Problem 404 or 402."""
    letter = tx.execute(select(DEAD).where(DEAD.c.id == letter_id).with_for_update()).first()
    if letter is None:
        raise Problem(404, "no such message")
    session = tx.execute(select(SESSIONS).where(SESSIONS.c.id == letter.session_id)).one()
    tx.execute(select(USERS.c.id).where(USERS.c.id == session.user_id).with_for_update())
    now = now_ms()
    expire_lots(tx, session.user_id, now)
    taken = _take(tx, session.user_id, session.outputs, now)
    _move(tx, session.user_id, -session.outputs, "reserve", session.id)
    tx.execute(
        update(RESERVATIONS)
        .where(RESERVATIONS.c.session_id == session.id)
        .values(
            state="reserved",
            taken=msgspec.json.encode(taken).decode(),
            expires=now + RESERVATION_TTL_MS,
        )
    )
    tx.execute(
        update(SESSIONS).where(SESSIONS.c.id == session.id).values(state="queued", error=None, updated=now)
    )
    tx.execute(OUTBOX.insert(), {"session_id": session.id, "attempts": 0, "due": now})
    tx.execute(delete(DEAD).where(DEAD.c.id == letter_id))
    return session


def find_session(tx: Connection, user_id: str, session_id: str) -> Row[Any] | None:
    """A session of this account."""
    return tx.execute(
        select(SESSIONS).where(SESSIONS.c.id == session_id, SESSIONS.c.user_id == user_id)
    ).first()


def history(tx: Connection, user_id: str, limit: int, offset: int) -> tuple[list[Row[Any]], int]:
    """A page of an account's sessions, newest first, and how many there are."""
    rows = tx.execute(
        select(SESSIONS)
        .where(SESSIONS.c.user_id == user_id)
        .order_by(SESSIONS.c.created.desc(), SESSIONS.c.id)
        .limit(limit)
        .offset(offset)
    ).all()
    total = tx.execute(
        select(func.count()).select_from(SESSIONS).where(SESSIONS.c.user_id == user_id)
    ).scalar_one()
    return list(rows), total


def dead_letters(tx: Connection) -> list[Row[Any]]:
    """All dead letters, oldest first."""
    return list(tx.execute(select(DEAD).order_by(DEAD.c.created, DEAD.c.id)).all())


def drop_dead(tx: Connection, letter_id: str | None) -> int:
    """Delete one dead letter or all; how many."""
    return tx.execute(delete(DEAD).where(DEAD.c.id == letter_id) if letter_id else delete(DEAD)).rowcount


def check_books(tx: Connection) -> Consistency:
    """Compare balances, ledger, lots and reservations: what a load test must not have bent.

    To be run by ``Database.snapshot``.
    """

    def total(column: Any, *where: Any) -> int:
        return int(
            tx.execute(select(func.coalesce(func.sum(column), 0)).where(and_(True, *where))).scalar_one()
        )

    def reserved(state: str) -> int:
        return total(RESERVATIONS.c.amount, RESERVATIONS.c.state == state)

    per_user = (
        select(LEDGER.c.user_id, func.sum(LEDGER.c.amount).label("sum")).group_by(LEDGER.c.user_id).subquery()
    )
    wrong = tx.execute(
        select(USERS.c.email)
        .outerjoin(per_user, per_user.c.user_id == USERS.c.id)
        .where(USERS.c.credits != func.coalesce(per_user.c.sum, 0))
        .limit(10)
    ).all()
    faults = [f"the balance of {row.email} is not the sum of its ledger" for row in wrong]
    balance, lots = total(USERS.c.credits), total(LOTS.c.left)
    if balance != lots:
        faults.append(f"the balances are {balance}, the lots hold {lots}")
    waiting = tx.execute(select(func.count()).select_from(OUTBOX)).scalar_one()
    open_count = tx.execute(
        select(func.count()).select_from(RESERVATIONS).where(RESERVATIONS.c.state == "reserved")
    ).scalar_one()
    if waiting != open_count:
        faults.append(f"{open_count} reservations are open, {waiting} orders wait")
    return Consistency(
        consistent=not faults,
        faults=faults,
        balance=balance,
        ledger=total(LEDGER.c.amount),
        lots=lots,
        reserved=reserved("reserved"),
        captured=reserved("captured"),
        released=reserved("released") + reserved("expired"),
        outbox=waiting,
    )
