"""A service's transactions: what a reader sees of a writer that is at work at the same time."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from swell_target.base.database import Backend, Database, open_backend
from swell_target.base.errors import Problem
from swell_target.base.faults import Faults
from swell_target.base.metrics import ServiceMetrics
from swell_target.base.pool import Pool
from swell_target.base.settings import Settings

TABLE = "snapshot_test"


def open_database(url: str, data: Path, request: pytest.FixtureRequest) -> Database:
    """A database with one table, empty."""
    opened = open_backend(Settings(db=url, data=str(data)), "test")
    request.addfinalizer(opened.close)
    opened.run_now(lambda tx: tx.exec_driver_sql(f"CREATE TABLE {TABLE} (number INTEGER)"))
    metrics, faults = ServiceMetrics("test"), Faults("test", 1)
    return Database(opened, Pool(4, 1_000, metrics, faults), metrics, faults)


def count(tx: Connection) -> int:
    """The rows of the table."""
    return int(tx.execute(text(f"SELECT count(*) FROM {TABLE}")).scalar_one())


def add(tx: Connection) -> None:
    """One row more."""
    tx.execute(text(f"INSERT INTO {TABLE} VALUES (1)"))


def count_around_a_write(tx: Connection, writer: Backend) -> list[int]:
    """The rows before and after another connection has added one."""
    before = count(tx)
    writer.run_now(add)
    return [before, count(tx)]


def test_a_snapshot_sees_one_moment(backend: str, data: Path, request: pytest.FixtureRequest) -> None:
    """What another connection commits between two statements of a snapshot shows after it only."""
    url = request.getfixturevalue("fresh_database") if backend == "postgresql" else ""
    database = open_database(url, data, request)
    for rows in range(3):
        seen = asyncio.run(database.snapshot(count_around_a_write, database.backend))
        assert seen == [rows, rows]
    assert asyncio.run(database.read(count)) == 3


def test_a_snapshot_only_reads(fresh_database: str, data: Path, request: pytest.FixtureRequest) -> None:
    """PostgreSQL refuses a write in it, and its connection serves writes again afterwards."""
    database = open_database(fresh_database, data, request)
    with pytest.raises(Problem) as caught:
        asyncio.run(database.snapshot(add))
    assert (caught.value.status, "read-only transaction" in str(caught.value.fields)) == (503, True)
    asyncio.run(database.write(add))
    assert asyncio.run(database.read(count)) == 1
