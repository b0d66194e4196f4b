"""Events: lists, search, details, registration."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, Row, func, select

from swell_target.base.call import Call, Reply
from swell_target.base.clock import iso, now_ms, pause
from swell_target.base.errors import Problem
from swell_target.base.faults import RsvpRace
from swell_target.base.runtime import Runtime
from swell_target.base.service import Failure
from swell_target.services.wwmaa import bookings
from swell_target.services.wwmaa.accounts import forget_used_tokens
from swell_target.services.wwmaa.bookings import Booked, RsvpBody
from swell_target.services.wwmaa.schema import DOCUMENTS, EVENTS, REGISTRATIONS
from swell_target.services.wwmaa.search import find
from swell_target.services.wwmaa.service import SERVICE
from swell_target.services.wwmaa.text import WITHOUT_NUL, slug

# A list may be this much older than the table; an event's own page never is.
LIST_SECONDS = 1.0
RSVPS_PER_MINUTE = 10
MAIL_EVERY_S = 0.25
MAIL_BATCH = 500
# Every so many turns of the mailer the used tokens that are expired go.
CLEAN_EVERY_TURNS = 2_400


class Event(Struct):
    """An event; times in ISO 8601, ``price`` in dollars."""

    id: str
    title: str
    description: str
    type: str
    style: str
    location: str
    instructor: str
    start_time: str
    end_time: str
    capacity: int
    current_registrations: int
    available_spots: int
    price: float
    currency: str
    status: str


class Events(Struct):
    """A page of events, and how many there are in all."""

    events: list[Event]
    total: int
    page: int
    limit: int


class EventsQuery(Struct):
    """Which events; only those to come, unless ``past`` is asked for."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    page: Annotated[int, Meta(ge=1, le=100_000)] = 1
    style: Annotated[str, Meta(max_length=120, pattern=WITHOUT_NUL)] = ""
    type: Annotated[str, Meta(max_length=120, pattern=WITHOUT_NUL)] = ""
    when: Annotated[str, Meta(pattern="^(upcoming|past|all)$")] = "upcoming"


class EventSearchQuery(Struct):
    """What is looked for; nothing finds the next ones."""

    q: Annotated[str, Meta(max_length=500, pattern=WITHOUT_NUL)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class EmailQuery(Struct):
    """Whose registrations."""

    email: Annotated[str, Meta(min_length=3, max_length=255, pattern=WITHOUT_NUL)]


class Registration(Struct):
    """One person's place."""

    id: str
    event_id: str
    email: str
    first_name: str
    last_name: str
    status: str
    payment_status: str
    created_at: str


class Registrations(Struct):
    """Those that were asked for."""

    registrations: list[Registration]
    total: int


def to_event(row: Row[Any]) -> Event:
    """A row as it is shown."""
    return Event(
        id=row.id,
        title=row.title,
        description=row.description,
        type=row.type,
        style=row.style,
        location=row.location,
        instructor=row.instructor,
        start_time=iso(row.starts),
        end_time=iso(row.ends),
        capacity=row.capacity,
        current_registrations=row.registered,
        available_spots=max(0, row.capacity - row.registered),
        price=row.price_cents / 100,
        currency="usd",
        status=row.status,
    )


def list_events(tx: Connection, query: EventsQuery) -> Events:
    """A page of published events, the next ones first (of past ones the latest)."""
    now = now_ms()
    conditions = [EVENTS.c.status == "active"]
    order: Any = (EVENTS.c.starts, EVENTS.c.id)
    if query.when == "upcoming":
        conditions.append(EVENTS.c.starts >= now)
    elif query.when == "past":
        conditions.append(EVENTS.c.starts < now)
        order = (EVENTS.c.starts.desc(), EVENTS.c.id)
    if query.style:
        conditions.append(EVENTS.c.style_key == slug(query.style))
    if query.type:
        conditions.append(func.lower(EVENTS.c.type) == query.type.lower())
    total = tx.execute(select(func.count()).select_from(EVENTS).where(*conditions)).scalar_one()
    rows = tx.execute(
        select(EVENTS)
        .where(*conditions)
        .order_by(*order)
        .limit(query.limit)
        .offset((query.page - 1) * query.limit)
    )
    return Events([to_event(row) for row in rows], total, query.page, query.limit)


def search_events(tx: Connection, text: str, limit: int) -> Events:
    """Published events that match, best first."""
    if not text.strip():
        return list_events(tx, EventsQuery(limit=limit))
    found = find(tx, text, [DOCUMENTS.c.type == "event"], limit)
    ids = [row.id for row, _ in found.rows]
    rows = {row.id: row for row in tx.execute(select(EVENTS).where(EVENTS.c.id.in_(ids)))} if ids else {}
    return Events([to_event(rows[one]) for one in ids if one in rows], found.total, 1, limit)


async def _cached(call: Call, query: Struct, work: Callable[[Connection], Events]) -> Reply:
    """A list, made anew once a second for each query."""
    key = f"{call.route.name}:{msgspec.json.encode(query).decode()}"
    body = await call.runtime.cache.get(key)
    if body is None:
        body = msgspec.json.encode(await call.db.read(work))
        await call.runtime.cache.put(key, body, LIST_SECONDS)
    return Reply(body)


@SERVICE.get("/api/events", name="events", answers={200: Events})
async def events(call: Call, query: EventsQuery) -> Reply:
    """Published events, at most a second old."""
    return await _cached(call, query, lambda tx: list_events(tx, query))


@SERVICE.get("/api/events/search", name="event_search", answers={200: Events})
async def event_search(call: Call, query: EventSearchQuery) -> Reply:
    """Published events that match, best first, at most a second old."""
    return await _cached(call, query, lambda tx: search_events(tx, query.q, query.limit))


@SERVICE.get("/api/events/{event_id}", name="event", answers={200: Event, 404: Failure})
async def event(call: Call, event_id: str) -> Event:
    """One event, with the count of this moment."""
    return to_event(await call.db.read(bookings.find_event, event_id))


@SERVICE.post(
    "/api/events/{event_id}/rsvp",
    name="rsvp",
    answers={201: Booked, 400: Failure, 402: Failure, 404: Failure, 409: Failure, 429: Failure},
)
async def rsvp(call: Call, event_id: str, body: RsvpBody) -> Booked:
    """Take a place, and pay for it if a payment is sent."""
    call.runtime.limiter.take(f"rsvp:{call.client}", RSVPS_PER_MINUTE, 60)
    paid = bookings.check_payment(body.payment)
    race = call.faults.strikes(RsvpRace) if call.faults.active else None
    if race is not None:
        await call.db.read(bookings.has_place, event_id)
        await pause(race.gap_ms)
    return await call.db.write(bookings.book, event_id, body, paid=paid, enforce=race is None)


def _registrations(tx: Connection, event_id: str, email: str) -> list[Registration]:
    bookings.find_event(tx, event_id)
    # An address has no spaces: one stands where a plus was sent as it is.
    key = email.replace(" ", "+").lower()
    table = REGISTRATIONS
    rows = tx.execute(select(table).where(table.c.event_id == event_id, table.c.email_key == key))
    return [
        Registration(
            row.id,
            row.event_id,
            row.email,
            row.first_name,
            row.last_name,
            "confirmed",
            "succeeded" if row.payment == "paid" else "none",
            iso(row.created),
        )
        for row in rows
    ]


@SERVICE.get(
    "/api/events/{event_id}/registrations", name="registrations", answers={200: Registrations, 404: Failure}
)
async def registrations(call: Call, event_id: str, query: EmailQuery) -> Registrations:
    """The registrations of an address."""
    found = await call.db.read(_registrations, event_id, query.email)
    return Registrations(found, len(found))


@SERVICE.background
async def send_mails(runtime: Runtime) -> None:
    """Send the confirmations that wait, in batches; the mock mail server takes them all."""
    turn = 0
    while True:
        turn += 1
        try:
            waiting = await runtime.db.read(bookings.unsent_mails)
            runtime.metrics.gauge_queue("mails", waiting, 0)
            if waiting:
                await runtime.db.write(bookings.send_mails, MAIL_BATCH)
            if turn % CLEAN_EVERY_TURNS == 0:
                await runtime.db.write(forget_used_tokens)
        except Problem:
            pass  # The database is away for the moment; the table keeps what is to be sent.
        await asyncio.sleep(MAIL_EVERY_S)
