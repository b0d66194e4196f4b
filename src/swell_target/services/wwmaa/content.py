"""Search over everything, suggestions, and the instructors."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, Row, func, select

from swell_target.base.call import Call, Reply
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.services.wwmaa.schema import INSTRUCTORS
from swell_target.services.wwmaa.search import SearchAnswer, SearchQuery, search, suggest
from swell_target.services.wwmaa.service import SERVICE
from swell_target.services.wwmaa.text import WITHOUT_NUL, slug

SEARCHES_PER_MINUTE = 100
# What was found may be this old: content changes by the day.
SEARCH_SECONDS = 5.0
LIST_SECONDS = 1.0


class SuggestQuery(Struct):
    """What was typed so far."""

    q: Annotated[str, Meta(min_length=1, max_length=100, pattern=WITHOUT_NUL)]
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class Suggestions(Struct):
    """What may be meant, the most frequent first."""

    suggestions: list[str]


class InstructorsQuery(Struct):
    """Which instructors."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    page: Annotated[int, Meta(ge=1, le=100_000)] = 1
    style: Annotated[str, Meta(max_length=120, pattern=WITHOUT_NUL)] = ""


class Instructor(Struct):
    """Who teaches."""

    id: str
    name: str
    style: str
    rank: str
    bio: str
    city: str
    state: str
    years_of_experience: int
    verified: bool


class Instructors(Struct):
    """A page of instructors, and how many there are in all."""

    instructors: list[Instructor]
    total: int
    page: int
    limit: int


@SERVICE.get("/api/search", name="search", answers={200: SearchAnswer, 429: Failure})
async def find(call: Call, query: SearchQuery) -> Reply:
    """Content, events and instructors that match, best first."""
    call.runtime.limiter.take(f"search:{call.client}", SEARCHES_PER_MINUTE, 60)
    if not query.q.strip():
        raise Problem(422, "q must not be blank")
    key = (b"search:" + msgspec.json.encode(query)).decode()
    body = await call.runtime.cache.get(key)
    if body is None:
        body = msgspec.json.encode(await call.db.read(search, query))
        await call.runtime.cache.put(key, body, SEARCH_SECONDS)
    return Reply(body)


@SERVICE.get("/api/search/suggest", name="suggest", answers={200: Suggestions})
async def suggestions(call: Call, query: SuggestQuery) -> Suggestions:
    """How a query may go on."""
    return Suggestions(await call.db.read(suggest, query.q, query.limit))


def list_instructors(tx: Connection, query: InstructorsQuery) -> Instructors:
    """A page of instructors, the most experienced first."""
    table = INSTRUCTORS
    conditions = [table.c.style_key == slug(query.style)] if query.style else []
    total = tx.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
    rows = tx.execute(
        select(table)
        .where(*conditions)
        .order_by(table.c.years.desc(), table.c.id)
        .limit(query.limit)
        .offset((query.page - 1) * query.limit)
    )
    return Instructors([_instructor(row) for row in rows], total, query.page, query.limit)


def _instructor(row: Row[Any]) -> Instructor:
    return Instructor(
        row.id, row.name, row.style, row.rank, row.bio, row.city, row.state, row.years, row.verified
    )


@SERVICE.get("/api/instructors", name="instructors", answers={200: Instructors})
async def instructors(call: Call, query: InstructorsQuery) -> Reply:
    """Instructors, the most experienced first."""
    key = (b"instructors:" + msgspec.json.encode(query)).decode()
    body = await call.runtime.cache.get(key)
    if body is None:
        body = msgspec.json.encode(await call.db.read(list_instructors, query))
        await call.runtime.cache.put(key, body, LIST_SECONDS)
    return Reply(body)


def _find_instructor(tx: Connection, instructor_id: str) -> Instructor:
    row = tx.execute(select(INSTRUCTORS).where(INSTRUCTORS.c.id == instructor_id)).first()
    if row is None:
        raise Problem(404, "no such instructor")
    return _instructor(row)


@SERVICE.get("/api/instructors/{instructor_id}", name="instructor", answers={200: Instructor, 404: Failure})
async def instructor(call: Call, instructor_id: str) -> Instructor:
    """One instructor."""
    return await call.db.read(_find_instructor, instructor_id)
