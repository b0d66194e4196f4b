"""Search over content, events and instructors: full text, filters, questions, suggestions."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, Connection, Row, false, func, select

from swell_target.base.textindex import Mode, words_of
from swell_target.services.wwmaa.schema import DOCUMENT_INDEX, DOCUMENTS, TERMS
from swell_target.services.wwmaa.text import WITHOUT_NUL, slug
from swell_target.services.wwmaa.vocabulary import QUESTION_WORDS, RELATED

MAX_RESULTS = 100
SUGGESTIONS = 5
# What the nearest texts are worth that have no word of the question.
FALLBACK_SCORE = 0.1
YES, NO = ("true", "1", "yes"), ("false", "0", "no")
Filter = Annotated[str, Meta(max_length=120, pattern=WITHOUT_NUL)]


class SearchQuery(Struct, kw_only=True):
    """What is looked for. A filter's value that nothing has finds nothing: it is no error."""

    q: Annotated[str, Meta(min_length=1, max_length=500, pattern=WITHOUT_NUL)]
    style: Filter = ""
    location: Filter = ""
    instructor: Filter = ""
    level: Filter = ""
    type: Filter = ""
    rank: Filter = ""
    age_group: Filter = ""
    category: Filter = ""
    date_from: Filter = ""
    date_to: Filter = ""
    verified: Filter = ""
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 20
    semantic: Literal["true", "false", "1", "0", ""] = ""


class Result(Struct):
    """One match; ``relevance_score`` is 1 for the best."""

    id: str
    type: str
    title: str
    summary: str
    url: str
    style: str
    level: str
    rank: str
    age_group: str
    category: str
    location: str
    instructor: str
    tags: list[str]
    verified: bool
    date: str
    relevance_score: float


class SearchAnswer(Struct):
    """The best matches, how many there are, and what else might be meant."""

    query: str
    semantic: bool
    results: list[Result]
    total: int
    limit: int
    suggestions: list[str]


class Found(NamedTuple):
    """Matches, best first: rows with scores from 0 to 1, and how many there are without the limit."""

    rows: list[tuple[Row[Any], float]]
    total: int


NOTHING = Found([], 0)


def search(tx: Connection, query: SearchQuery) -> SearchAnswer:
    """Answer a query."""
    semantic = query.semantic in YES
    limit = min(query.limit, MAX_RESULTS)
    found = find(tx, query.q, list(_conditions(query)), limit, semantic=semantic)
    return SearchAnswer(
        query=query.q,
        semantic=semantic,
        results=[to_result(row, score) for row, score in found.rows],
        total=found.total,
        limit=limit,
        suggestions=suggest(tx, query.q),
    )


def find(
    tx: Connection, text: str, conditions: list[ColumnElement[bool]], limit: int, *, semantic: bool = False
) -> Found:
    """The documents that match ``text`` and meet all conditions.

    They have all words; if none has, the last word as a beginning; if none has, any of the words. A question
    (``semantic``) always finds something that meets the conditions, if anything does.
    """
    if conditions and not _is_possible(tx, conditions):
        return NOTHING
    if semantic:
        # Any word that means something, or one near it in meaning.
        words = [word for word in words_of(text) if word not in QUESTION_WORDS]
        near = [other for word in words for other in RELATED.get(word, ())]
        return _match(tx, " ".join([*words, *near]), "any", conditions, limit) or _popular(
            tx, conditions, limit
        )
    return (
        _match(tx, text, "all", conditions, limit)
        or _match(tx, text, "all", conditions, limit, prefix=True)
        or _match(tx, text, "any", conditions, limit)
        or NOTHING
    )


def _is_possible(tx: Connection, conditions: list[ColumnElement[bool]]) -> bool:
    """Whether any document meets the conditions: if none does, no wording of the query helps."""
    return tx.execute(select(DOCUMENTS.c.id).where(*conditions).limit(1)).first() is not None


def _match(
    tx: Connection,
    text: str,
    mode: Mode,
    conditions: list[ColumnElement[bool]],
    limit: int,
    *,
    prefix: bool = False,
) -> Found | None:
    """The matches, or None when there is none."""
    matches = DOCUMENT_INDEX.matches(tx, text, mode, prefix=prefix)
    if matches is None:
        return None
    best_first = matches.c.score.desc(), matches.c.id
    chosen = select(matches.c.id, matches.c.score, func.count().over().label("total"))
    if conditions:
        chosen = chosen.join(DOCUMENTS, DOCUMENTS.c.id == matches.c.id).where(*conditions)
    # The rows themselves are read for the best only: a question matches most of them.
    best_ones = chosen.order_by(*best_first).limit(limit).subquery("best")
    rows = tx.execute(
        select(DOCUMENTS, best_ones.c.score, best_ones.c.total)
        .join(best_ones, best_ones.c.id == DOCUMENTS.c.id)
        .order_by(best_ones.c.score.desc(), DOCUMENTS.c.id)
    ).all()
    if not rows:
        return None
    # BM25 and ts_rank_cd have scales of their own: the best of these rows is 1.
    best = max(rows[0].score, 1e-9)
    return Found([(row, max(0.0, row.score / best)) for row in rows], rows[0].total)


def _popular(tx: Connection, conditions: list[ColumnElement[bool]], limit: int) -> Found:
    rows = tx.execute(
        select(DOCUMENTS)
        .where(DOCUMENTS.c.listed, *conditions)
        .order_by(DOCUMENTS.c.views.desc(), DOCUMENTS.c.id)
        .limit(limit)
    ).all()
    return Found([(row, FALLBACK_SCORE) for row in rows], len(rows))


def _conditions(query: SearchQuery) -> Iterable[ColumnElement[bool]]:
    """The filters that are set, as SQL."""
    column = DOCUMENTS.c
    if query.type:
        yield column.type == query.type.lower()
    if query.style:
        yield column.style_key == slug(query.style)
    for where, value in ((column.location_key, query.location), (column.instructor_key, query.instructor)):
        if value:
            yield where.contains(slug(value), autoescape=True) if slug(value) else false()
    for where, value in (
        (column.level, query.level),
        (column.rank, query.rank),
        (column.age_group, query.age_group),
        (column.category, query.category),
    ):
        if value:
            # "black-belt", "Black Belt" and "black" mean one rank.
            yield where.ilike(f"{slug(value).replace('-', '_')}%") if slug(value) else false()
    if query.date_from:
        day = _day_ms(query.date_from)
        yield false() if day is None else column.day >= day
    if query.date_to:
        day = _day_ms(query.date_to)
        yield false() if day is None else column.day < day + 86_400_000
    if query.verified:
        yield _is_verified(query.verified.lower())


def _is_verified(value: str) -> ColumnElement[bool]:
    if value in YES:
        return DOCUMENTS.c.verified.is_(True)
    return DOCUMENTS.c.verified.is_(False) if value in NO else false()


def _day_ms(text: str) -> int | None:
    """The beginning of a day, given as ISO 8601 with or without a time; None for anything else."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


PLACES = {"event": "/events/", "instructor": "/instructors#"}


def to_result(row: Row[Any], score: float) -> Result:
    """A row as it is shown."""
    return Result(
        id=row.id,
        type=row.type,
        title=row.title,
        summary=row.summary,
        url=f"{PLACES.get(row.type, '/content/')}{row.id}",
        style=row.style,
        level=row.level,
        rank=row.rank,
        age_group=row.age_group,
        category=row.category,
        location=row.location,
        instructor=row.instructor,
        tags=msgspec.json.decode(row.tags, type=list[str]),
        verified=row.verified,
        date=datetime.fromtimestamp(row.day / 1000, UTC).date().isoformat(),
        relevance_score=round(score, 4),
    )


def suggest(tx: Connection, text: str, limit: int = SUGGESTIONS) -> list[str]:
    """Terms that begin as ``text`` does, else as its last word does; the most frequent first."""
    words = words_of(text)
    for beginning in dict.fromkeys([" ".join(text.lower().split()), words[-1] if words else ""]):
        if not beginning:
            continue
        terms = tx.execute(
            select(TERMS.c.term)
            .where(TERMS.c.term.startswith(beginning, autoescape=True))
            .order_by(TERMS.c.weight.desc(), TERMS.c.term)
            .limit(limit)
        ).scalars()
        found = list(terms)
        if found:
            return found
    return []
