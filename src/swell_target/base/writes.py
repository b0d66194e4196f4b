"""What was written, kind by kind, page by page: for whoever compares it with what clients were told."""

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, Connection, FromClause, literal, select


@dataclass(frozen=True, eq=False)
class Written:
    """A kind of writes: ``at`` orders them (unique, a text), ``key`` is the id that clients know them by.

    ``times`` is how often each took place, where that is counted; ``source`` is needed for a join.
    """

    at: ColumnElement[str]
    key: ColumnElement[Any]
    times: ColumnElement[int] = literal(1)  # noqa: RUF009 - an expression without state
    source: FromClause | None = None


class WritesQuery(Struct):
    """Which page: what follows ``after`` in the order of the listing."""

    after: Annotated[str, Meta(max_length=512)] = ""
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 1_000


class Writes(Struct):
    """A page: (key, times) pairs; ``next`` is what to ask for after it, None at the end."""

    writes: list[tuple[str, int]]
    next: str | None


def read_writes(tx: Connection, kind: Written, query: WritesQuery) -> Writes:
    """One page of a kind of writes."""
    statement = select(kind.at.label("at"), kind.key.label("key"), kind.times.label("times"))
    if kind.source is not None:
        statement = statement.select_from(kind.source)
    rows = tx.execute(statement.where(kind.at > query.after).order_by(kind.at).limit(query.limit)).all()
    following = rows[-1].at if len(rows) == query.limit else None
    return Writes([(str(row.key), int(row.times)) for row in rows], following)
