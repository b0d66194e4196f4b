"""Search: suggestions, queries with filters, ranking and highlights, indexing (contract: V8 to V10)."""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, Connection, Row, func, literal, select

from swell_target.base.call import Call, Reply
from swell_target.base.service import Failure
from swell_target.base.sql import insert
from swell_target.base.textindex import Text, words_of
from swell_target.services.aivo import tenants
from swell_target.services.aivo.schema import DOCUMENT_TEXTS, DOCUMENTS
from swell_target.services.aivo.service import SERVICE

SUGGESTION_SECONDS = 5.0
HIGHLIGHT_CHARACTERS = 160
ISO_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}"


class SuggestQuery(Struct):
    """The beginning of what somebody types."""

    q: Annotated[str, Meta(min_length=1, max_length=200)]
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class Suggestions(Struct):
    """How it may go on; possibly nothing."""

    suggestions: list[str]
    query: str


class Filters(Struct):
    """What the results must be; None does not matter."""

    subject: Annotated[str, Meta(max_length=64)] | None = None
    difficulty: Annotated[str, Meta(max_length=32)] | None = None


class QueryBody(Struct):
    """A search."""

    query: Annotated[str, Meta(max_length=1000)]
    filters: Filters | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    offset: Annotated[int, Meta(ge=0, le=100_000)] = 0
    sort_by: Literal["relevance", "date"] = "relevance"
    include_highlights: bool = False


class Result(Struct):
    """A document that matches."""

    id: str
    title: str
    subject: str
    difficulty: str
    tags: list[str]
    created_at: str
    score: float
    highlights: list[str]


class Results(Struct):
    """A page of results, and how many there are in all."""

    results: list[Result]
    total: int
    limit: int
    offset: int


class IndexBody(Struct):
    """A document."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    title: Annotated[str, Meta(min_length=1, max_length=500)]
    content: Annotated[str, Meta(max_length=200_000)]
    subject: Annotated[str, Meta(max_length=64)] = "general"
    tags: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=50)] = []
    difficulty: Annotated[str, Meta(max_length=32)] = "beginner"
    created_at: Annotated[str, Meta(max_length=40, pattern=ISO_TIME)] = "2026-01-01T00:00:00.000Z"
    updated_at: Annotated[str, Meta(max_length=40, pattern=ISO_TIME)] = "2026-01-01T00:00:00.000Z"


class Indexed(Struct):
    """It can be found now."""

    id: str
    indexed: bool
    status: str


def suggest(tx: Connection, query: str, limit: int) -> list[str]:
    """Titles with a word that begins so first, then those of texts with such a word; each once."""
    found = DOCUMENT_TEXTS.matches(tx, query, prefix=True)
    if found is None:
        return []
    # Far fewer than all that match: titles repeat little, and a suggestion must be quick.
    best = select(found.c.id, found.c.score).order_by(found.c.score.desc(), found.c.id)
    few = best.limit(limit * 10).subquery()
    rows = tx.execute(
        select(DOCUMENTS.c.title)
        .join(few, few.c.id == DOCUMENTS.c.id)
        .order_by(few.c.score.desc(), DOCUMENTS.c.id)
    )
    titles = list(dict.fromkeys(row.title for row in rows))
    begins = words_of(query)[-1]
    titles.sort(key=lambda title: not any(word.startswith(begins) for word in words_of(title)))
    return titles[:limit]


def find(tx: Connection, body: QueryBody, mode: Literal["all", "any"]) -> tuple[list[Row[Any]], int]:
    """A page of matches and their number."""
    found = DOCUMENT_TEXTS.matches(tx, body.query, mode)
    if found is None:
        return [], 0
    filters = body.filters or Filters()
    where: list[ColumnElement[bool]] = [literal(True)]
    if filters.subject:
        where.append(DOCUMENTS.c.subject == filters.subject)
    if filters.difficulty:
        where.append(DOCUMENTS.c.difficulty == filters.difficulty)
    order = found.c.score.desc() if body.sort_by == "relevance" else DOCUMENTS.c.created.desc()
    joined = select(DOCUMENTS, found.c.score, func.count().over().label("total"))
    rows = tx.execute(
        joined.join(found, found.c.id == DOCUMENTS.c.id)
        .where(*where)
        .order_by(order, DOCUMENTS.c.id)
        .limit(body.limit)
        .offset(body.offset)
    ).all()
    if rows or not body.offset:
        return list(rows), rows[0].total if rows else 0
    total = tx.execute(
        select(func.count()).select_from(DOCUMENTS.join(found, found.c.id == DOCUMENTS.c.id)).where(*where)
    ).scalar_one()
    return [], total


def search(tx: Connection, body: QueryBody) -> tuple[list[Row[Any]], int]:
    """Documents with all words, or, where there are none, with any of them."""
    rows, total = find(tx, body, "all")
    return (rows, total) if total else find(tx, body, "any")


def put_document(tx: Connection, body: IndexBody) -> bool:
    """Store and index a document; True when it is new."""
    there = tx.execute(select(DOCUMENTS.c.id).where(DOCUMENTS.c.id == body.id)).first()
    values = {
        "id": body.id,
        "title": body.title,
        "content": body.content,
        "subject": body.subject,
        "difficulty": body.difficulty,
        "tags": msgspec.json.encode(body.tags).decode(),
        "created": body.created_at,
        "updated": body.updated_at,
    }
    statement = insert(tx, DOCUMENTS).values(values)
    changed = {name: statement.excluded[name] for name in values if name != "id"}
    tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))
    DOCUMENT_TEXTS.put(tx, Text(body.id, body.title, f"{body.content} {' '.join(body.tags)}"))
    return there is None


def highlight(content: str, words: list[str]) -> list[str]:
    """The piece around the first word that is there, all words in it marked."""
    if not words:
        return []
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, words))})\w*", re.IGNORECASE)
    match = pattern.search(content)
    if match is None:
        return []
    start = max(0, match.start() - HIGHLIGHT_CHARACTERS // 2)
    piece = content[start : start + HIGHLIGHT_CHARACTERS]
    return [pattern.sub(lambda found: f"<em>{found[0]}</em>", piece)]


def _result(row: Row[Any], best: float, words: list[str] | None) -> Result:
    return Result(
        id=row.id,
        title=row.title,
        subject=row.subject,
        difficulty=row.difficulty,
        tags=msgspec.json.decode(row.tags, type=list[str]),
        created_at=row.created,
        score=round(max(0.0, row.score / best), 4),
        highlights=highlight(row.content, words) if words else [],
    )


SEARCH_FAILURES = {403: Failure, 429: Failure}


@SERVICE.get(
    "/api/v1/search/suggest",
    name="suggest",
    auth=tenants.KEY,
    answers={200: Suggestions} | SEARCH_FAILURES,
)
async def suggestions(call: Call, query: SuggestQuery) -> Reply | Suggestions:
    """Titles for the beginning of a word; up to five seconds old."""
    key = f"suggest:{query.limit}:{query.q.lower()}"
    cached = await call.runtime.cache.get(key)
    if cached is not None:
        return Reply(cached)
    made = Suggestions(await call.db.read(suggest, query.q, query.limit), query.q)
    await call.runtime.cache.put(key, msgspec.json.encode(made), SUGGESTION_SECONDS)
    return made


@SERVICE.post(
    "/api/v1/search/query",
    name="search",
    auth=tenants.KEY,
    answers={200: Results} | SEARCH_FAILURES,
)
async def query_documents(call: Call, body: QueryBody) -> Results:
    """Documents by words, filters and order; a page beyond the end is empty."""
    rows, total = await call.db.read(search, body)
    best = max((row.score for row in rows), default=0.0) or 1.0
    words = words_of(body.query) if body.include_highlights else None
    return Results([_result(row, best, words) for row in rows], total, body.limit, body.offset)


@SERVICE.post(
    "/api/v1/search/index",
    name="index",
    auth=tenants.KEY,
    answers={201: Indexed, 200: Indexed} | SEARCH_FAILURES,
)
async def index_document(call: Call, body: IndexBody) -> Reply:
    """Put a document into the index: 201 when it is new, 200 when it replaces one."""
    new = await call.db.write(put_document, body)
    return Reply(Indexed(body.id, True, "indexed"), 201 if new else 200)
