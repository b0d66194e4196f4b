"""What differs between the SQL of SQLite and of PostgreSQL, in one place."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

BATCH_ROWS = 1_000


Insert = sqlite.Insert | postgresql.Insert
S = TypeVar("S")


def insert(tx: Connection, table: Table) -> Insert:
    """The dialect's insert, which knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return sqlite.insert(table) if tx.dialect.name == "sqlite" else postgresql.insert(table)


def by_dialect(build: Callable[[Insert], S]) -> Callable[[Connection, Table], S]:
    """Build an upsert once for each dialect: ``build`` gets the dialect's insert into the table."""

    @lru_cache(maxsize=256)
    def made(dialect: str, table: Table) -> S:
        return build(sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table))

    return lambda tx, table: made(tx.dialect.name, table)


def _insert_once(statement: Insert) -> Any:
    # RETURNING tells on both; rowcount of an insert is not kept by every driver.
    key = next(iter(cast("Table", statement.table).primary_key.columns))
    return statement.on_conflict_do_nothing().returning(key)


INSERT_ONCE = by_dialect(_insert_once)


def insert_once(tx: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one of its unique keys is taken; whether it was inserted.

    Of two at once the second waits for the first's transaction, so that one of them gets True.
    """
    return tx.execute(INSERT_ONCE(tx, table), dict(values)).first() is not None


def insert_many(tx: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows in batches, leaving alone those whose key is there already; how many were given."""
    statement = insert(tx, table).on_conflict_do_nothing()
    count = 0
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH_ROWS)):
        tx.execute(statement, batch)
        count += len(batch)
    return count


def delete_all(tx: Connection, *tables: Table) -> None:
    """Empty the tables, in the order given (children first)."""
    for table in tables:
        tx.execute(table.delete())
