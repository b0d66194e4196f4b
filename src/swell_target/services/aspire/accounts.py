"""Registration with affiliate codes, and login (contract: A1, A2)."""

from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from swell_target.base import tokens
from swell_target.base.call import Call
from swell_target.base.clock import iso, new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.passwords import hash_password, verify_password
from swell_target.base.service import Failure
from swell_target.base.sql import insert_once
from swell_target.services.aspire.models import Affiliate, LoginBody, RegisterBody, Registered, Session, User
from swell_target.services.aspire.schema import PAYMENTS, REFERRALS, USERS
from swell_target.services.aspire.service import LEARNER, SERVICE, TOKEN_KIND, TOKEN_SECONDS

COMMISSION_PERCENT = 10
# With --limits: so many wrong passwords for one address, then a pause.
MAX_FAILURES = 10
PAUSE_S = 60
# Compared with where there is no account, so that the time does not tell which addresses have one.
NOBODY = hash_password("nobody", b"nobody")
USER_BY_EMAIL = select(USERS).where(USERS.c.email == bindparam("email"))
USER_BY_ID = select(USERS).where(USERS.c.id == bindparam("id"))


# --- Transactions -----------------------------------------------------------------------------------------


def add_user(tx: Connection, body: RegisterBody, password_hash: str) -> tuple[Row[Any], bool]:
    """A new account, and whether its referrer code is somebody's; Problem 409 when the address is taken."""
    user_id = new_id()
    now = now_ms()
    values = {
        "id": user_id,
        "email": body.email.lower(),
        "password": password_hash,
        "name": body.name,
        "affiliate_code": f"AFF-{user_id[:8].upper()}{user_id[9:13].upper()}",
        "created": now,
    }
    if not insert_once(tx, USERS, values):
        raise Problem(409, "this e-mail address has an account already")
    referrer = None
    if body.referrer_code:
        referrer = tx.execute(
            select(USERS.c.id).where(USERS.c.affiliate_code == body.referrer_code)
        ).scalar_one_or_none()
    if referrer is not None:
        tx.execute(REFERRALS.insert(), {"user_id": user_id, "referrer_id": referrer, "created": now})
    return tx.execute(select(USERS).where(USERS.c.id == user_id)).one(), referrer is not None


def find_user(tx: Connection, email: str) -> Row[Any] | None:
    """The account of an e-mail address."""
    return tx.execute(USER_BY_EMAIL, {"email": email.lower()}).first()


def account(tx: Connection, user_id: str) -> Row[Any]:
    """The account with that id; Problem 401 when it is gone."""
    user = tx.execute(USER_BY_ID, {"id": user_id}).first()
    if user is None:
        raise Problem(401, "the account of this token is gone")
    return user


def earnings(tx: Connection, user_id: str) -> Affiliate:
    """What the referred have paid so far."""
    user = account(tx, user_id)
    referrals = tx.execute(
        select(func.count()).select_from(REFERRALS).where(REFERRALS.c.referrer_id == user_id)
    ).scalar_one()
    sales, cents = tx.execute(
        select(func.count(), func.coalesce(func.sum(PAYMENTS.c.amount_cents), 0))
        .select_from(REFERRALS.join(PAYMENTS, PAYMENTS.c.user_id == REFERRALS.c.user_id))
        .where(REFERRALS.c.referrer_id == user_id, PAYMENTS.c.state == "succeeded")
    ).one()
    commission = int(cents) * COMMISSION_PERCENT // 100
    return Affiliate(code=user.affiliate_code, referrals=referrals, sales=sales, commission_cents=commission)


# --- Endpoints --------------------------------------------------------------------------------------------


def _user(row: Any) -> User:
    return User(
        id=row.id,
        email=row.email,
        name=row.name,
        affiliate_code=row.affiliate_code,
        created_at=iso(row.created),
    )


@SERVICE.post("/api/auth/register", name="register", answers={201: Registered, 409: Failure})
async def register(call: Call, body: RegisterBody) -> Registered:
    """Make an account; the affiliate whose code is given gets a share of what it pays."""
    user, referred = await call.db.write(add_user, body, hash_password(body.password))
    return Registered(user=_user(user), referred=referred)


@SERVICE.post("/api/auth/login", name="login", answers={200: Session, 401: Failure, 429: Failure})
async def login(call: Call, body: LoginBody) -> Session:
    """Log in; with limits on, ten wrong passwords in a minute close an address for that minute."""
    key = f"login-failures:{body.email.lower()}"
    call.runtime.limiter.check(key, MAX_FAILURES)
    user = await call.db.read(find_user, body.email)
    if not verify_password(body.password, user.password if user else NOBODY) or user is None:
        call.runtime.limiter.take(key, MAX_FAILURES, PAUSE_S)
        raise Problem(401, "wrong e-mail address or password")
    token = tokens.issue(call.runtime.settings.secret, user.id, TOKEN_KIND, TOKEN_SECONDS)
    return Session(token=token, expires_in=TOKEN_SECONDS, user=_user(user))


@SERVICE.get("/api/auth/me", name="me", auth=LEARNER, answers={200: User})
async def me(call: Call) -> User:
    """The own account."""
    return _user(await call.db.read(account, call.identity))


@SERVICE.get("/api/affiliate", name="affiliate", auth=LEARNER, answers={200: Affiliate})
async def affiliate(call: Call) -> Affiliate:
    """What the own affiliate code brought."""
    return await call.db.read(earnings, call.identity)
