"""Members: login, tokens that rotate, the dashboard, memberships."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, Row, bindparam, delete, func, select

from swell_target.base import tokens
from swell_target.base.call import Call
from swell_target.base.clock import iso, now_ms
from swell_target.base.errors import Problem
from swell_target.base.passwords import hash_password, verify_password
from swell_target.base.service import Auth, Failure
from swell_target.base.sql import insert_once
from swell_target.services.wwmaa.schema import EVENTS, PLANS, REGISTRATIONS, SUBSCRIPTIONS, USED_TOKENS, USERS
from swell_target.services.wwmaa.service import SERVICE
from swell_target.services.wwmaa.text import WITHOUT_NUL

ACCESS, REFRESH = "wwmaa-access", "wwmaa-refresh"
ACCESS_SECONDS = 3_600
REFRESH_SECONDS = 7 * 86_400
COOKIE = "access_token"
# Compared with where there is no account, so that the time does not tell which addresses have one.
NOBODY = hash_password("nobody", b"nobody")
LOGINS_PER_MINUTE = 5
RECOMMENDED = 3
# Statements that every request runs are built once: building one costs as much as running it.
BY_EMAIL = select(USERS).where(USERS.c.email == bindparam("email"))
BY_ID = select(USERS).where(USERS.c.id == bindparam("id"))
# The member's newest membership, those that are active first.
MEMBERSHIP = (
    select(SUBSCRIPTIONS)
    .where(SUBSCRIPTIONS.c.user_id == bindparam("user"))
    .order_by((SUBSCRIPTIONS.c.status == "active").desc(), SUBSCRIPTIONS.c.period_end.desc())
    .limit(1)
)
BOOKED = (
    select(REGISTRATIONS.c.id.label("registration_id"), EVENTS)
    .join(EVENTS, EVENTS.c.id == REGISTRATIONS.c.event_id)
    .where(REGISTRATIONS.c.email_key == bindparam("email"), EVENTS.c.ends >= bindparam("now"))
    .order_by(EVENTS.c.starts)
    .limit(10)
)
ATTENDED = (
    select(func.count())
    .select_from(REGISTRATIONS)
    .join(EVENTS, EVENTS.c.id == REGISTRATIONS.c.event_id)
    .where(REGISTRATIONS.c.email_key == bindparam("email"), EVENTS.c.ends < bindparam("now"))
)
SOON = (
    select(EVENTS)
    .where(
        EVENTS.c.status == "active",
        EVENTS.c.starts > bindparam("now"),
        EVENTS.c.registered < EVENTS.c.capacity,
    )
    .order_by(EVENTS.c.starts, EVENTS.c.id)
    .limit(RECOMMENDED)
)
Token = Annotated[str, Meta(min_length=1, max_length=4_096)]


class LoginBody(Struct):
    """Who, and the proof."""

    email: Annotated[str, Meta(min_length=1, max_length=255, pattern=WITHOUT_NUL)]
    password: Annotated[str, Meta(min_length=1, max_length=1_024)]


class RefreshBody(Struct):
    """A refresh token that was not used yet."""

    refresh_token: Token


class Member(Struct):
    """An account as its owner sees it; ``tier`` is empty without a membership."""

    id: str
    email: str
    name: str
    role: str
    tier: str
    created_at: str


class TokenPair(Struct, kw_only=True):
    """Both tokens; the access token opens the other endpoints for an hour."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105 - a kind of token, not one
    expires_in: int = ACCESS_SECONDS


class LoginAnswer(TokenPair, kw_only=True):
    """What login answers."""

    user: Member


class Plan(Struct):
    """A membership that can be bought."""

    id: str
    tier: str
    name: str
    price_cents: int
    currency: str
    interval: str
    features: list[str]


class Plans(Struct):
    """All of them."""

    plans: list[Plan]


class Subscription(Struct):
    """A membership that was bought."""

    id: str
    tier: str
    status: str
    price_cents: int
    currency: str
    current_period_end: str


class Booking(Struct):
    """An event that a member is registered for."""

    registration_id: str
    event_id: str
    title: str
    start_time: str
    location: str


class Dashboard(Struct):
    """What a member sees first."""

    user: Member
    membership: Subscription | None
    upcoming_events: list[Booking]
    recommended_events: list[Booking]
    events_attended: int


# --- Who calls ----------------------------------------------------------------------------------------------


def read_access(call: Call, token: str) -> str | None:
    """The member's id by an access token."""
    claims = tokens.read(call.runtime.settings.secret, token, ACCESS)
    return None if claims is None else str(claims["sub"])


def check_member(call: Call) -> str:
    """The member's id by a bearer token."""
    user_id = read_access(call, call.bearer or "")
    if user_id is None:
        raise Problem(401, "the bearer token is missing, wrong or expired")
    return user_id


MEMBER = Auth("bearer", check_member)


def _pair(call: Call, user_id: str) -> tuple[str, str]:
    """An access token and a refresh token."""
    secret = call.runtime.settings.secret
    return (
        tokens.issue(secret, user_id, ACCESS, ACCESS_SECONDS),
        tokens.issue(secret, user_id, REFRESH, REFRESH_SECONDS),
    )


def _member(row: Row[Any]) -> Member:
    return Member(row.id, row.email, row.name, row.role, row.tier, iso(row.created))


def _find_by_email(tx: Connection, email: str) -> Row[Any] | None:
    return tx.execute(BY_EMAIL, {"email": email.lower()}).first()


def find_member(tx: Connection, user_id: str) -> Row[Any]:
    """The account; Problem 401 when it is gone."""
    row = tx.execute(BY_ID, {"id": user_id}).first()
    if row is None:
        raise Problem(401, "the account of this token is gone")
    return row


@SERVICE.post("/api/auth/login", name="login", answers={200: LoginAnswer, 401: Failure, 429: Failure})
async def login(call: Call, body: LoginBody) -> LoginAnswer:
    """Log in."""
    call.runtime.limiter.take(f"login:{call.client}", LOGINS_PER_MINUTE, 60)
    row = await call.db.read(_find_by_email, body.email)
    if not verify_password(body.password, row.password if row else NOBODY) or row is None:
        raise Problem(401, "wrong e-mail address or password")
    access, renewal = _pair(call, row.id)
    return LoginAnswer(user=_member(row), access_token=access, refresh_token=renewal)


@SERVICE.get("/api/auth/me", name="me", auth=MEMBER, answers={200: Member})
async def me(call: Call) -> Member:
    """The own account."""
    return _member(await call.db.read(find_member, call.identity))


def _use_token(tx: Connection, user_id: str, jti: str, expires_ms: int) -> None:
    """Mark a refresh token as used; Problem 401 when it was already, or its account is gone."""
    find_member(tx, user_id)
    if not insert_once(tx, USED_TOKENS, {"jti": jti, "expires": expires_ms}):
        raise Problem(401, "the refresh token was used before")


@SERVICE.post("/api/auth/refresh", name="refresh", answers={200: TokenPair, 401: Failure})
async def refresh(call: Call, body: RefreshBody) -> TokenPair:
    """Exchange a refresh token for a new pair; it works once."""
    claims = tokens.read(call.runtime.settings.secret, body.refresh_token, REFRESH)
    if claims is None:
        raise Problem(401, "the refresh token is wrong or expired")
    await call.db.write(_use_token, claims["sub"], claims["jti"], claims["exp"] * 1_000)
    access, renewal = _pair(call, claims["sub"])
    return TokenPair(access_token=access, refresh_token=renewal)


def forget_used_tokens(tx: Connection) -> None:
    """Drop those that are expired: they would be refused anyway."""
    tx.execute(delete(USED_TOKENS).where(USED_TOKENS.c.expires < now_ms()))


# --- Memberships --------------------------------------------------------------------------------------------


def _plans(tx: Connection) -> list[Plan]:
    return [
        Plan(
            row.id,
            row.tier,
            row.name,
            row.price_cents,
            "usd",
            "month",
            msgspec.json.decode(row.features, type=list[str]),
        )
        for row in tx.execute(select(PLANS).order_by(PLANS.c.price_cents))
    ]


@SERVICE.get("/api/subscriptions/plans", name="plans", auth=MEMBER, answers={200: Plans})
async def plans(call: Call) -> Plans:
    """The memberships that can be bought."""
    return Plans(await call.db.read(_plans))


def _subscription(tx: Connection, user_id: str) -> Subscription | None:
    row = tx.execute(MEMBERSHIP, {"user": user_id}).first()
    if row is None:
        return None
    return Subscription(row.id, row.tier, row.status, row.price_cents, "usd", iso(row.period_end))


@SERVICE.get(
    "/api/subscriptions/my-subscription",
    name="my_subscription",
    auth=MEMBER,
    answers={200: Subscription, 404: Failure},
)
async def my_subscription(call: Call) -> Subscription:
    """The own membership."""
    found = await call.db.read(_subscription, call.identity)
    if found is None:
        raise Problem(404, "no subscription")
    return found


def read_dashboard(tx: Connection, user_id: str) -> Dashboard:
    """A member's dashboard; Problem 401 when the account is gone."""
    row = find_member(tx, user_id)
    now = {"now": now_ms()}
    own = now | {"email": row.email}
    return Dashboard(
        user=_member(row),
        membership=_subscription(tx, user_id),
        upcoming_events=[_booking(event, event.registration_id) for event in tx.execute(BOOKED, own)],
        recommended_events=[_booking(event, "") for event in tx.execute(SOON, now)],
        events_attended=tx.execute(ATTENDED, own).scalar_one(),
    )


def _booking(event: Row[Any], registration_id: str) -> Booking:
    return Booking(registration_id, event.id, event.title, iso(event.starts), event.location)


@SERVICE.get("/api/users/me/dashboard", name="dashboard", auth=MEMBER, answers={200: Dashboard})
async def dashboard(call: Call) -> Dashboard:
    """Membership and events of a member."""
    return await call.db.read(read_dashboard, call.identity)
