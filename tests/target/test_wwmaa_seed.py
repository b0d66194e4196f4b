"""WWMAA's test data: what its documents name, repeatable, removable; and presence that a crash left."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, Table, func, select, update

from swell_target.base.clock import now_ms
from swell_target.base.database import Backend, ensure_schema, open_backend
from swell_target.base.service import SeedSize
from swell_target.base.settings import Settings
from swell_target.services.wwmaa import rtc, schema, seed


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Backend]:
    """An empty database with WWMAA's tables."""
    settings = Settings(data=str(tmp_path))
    backend = open_backend(settings, "wwmaa")
    ensure_schema(settings, backend, schema.SCHEMA)
    yield backend
    backend.close()


def fill(store: Backend, size: SeedSize) -> dict[str, int]:
    """Seed as the command does."""
    return store.run_now(lambda tx: seed.fill(tx, size, Random(1), Settings()))


def count(store: Backend, table: Table, *where: Any) -> int:
    """How many rows."""
    query = select(func.count()).select_from(table).where(*where)
    return store.run_now(lambda tx: tx.execute(query).scalar_one())


def rows(store: Backend, table: Table) -> dict[Any, Any]:
    """All rows by their first column."""
    return store.run_now(lambda tx: {row[0]: tuple(row) for row in tx.execute(select(table))})


def test_full_data_is_what_the_documents_name(store: Backend) -> None:
    """10,000 login accounts, 500 events past and to come, 200 instructors, 5,000 items, 100 subscriptions."""
    made = fill(store, "full")
    now = now_ms()
    users, events = schema.USERS.c, schema.EVENTS.c
    assert count(store, schema.USERS, users.email.like("loadtest\\_user\\_%", escape="\\")) == 10_001
    assert count(store, schema.USERS, users.email == "loadtest_user_10000@wwmaa.com") == 1
    assert count(store, schema.EVENTS) == made["events"] == 500
    assert count(store, schema.EVENTS, events.ends < now) > 100
    assert count(store, schema.EVENTS, events.starts > now, events.status == "active") > 200
    assert 300 < count(store, schema.EVENTS, events.status == "active") < 450
    assert count(store, schema.EVENTS, events.id == "evt_load_test_001", events.capacity >= 1_000) == 1
    assert count(store, schema.INSTRUCTORS) == 200
    assert made["content items"] == 5_000
    assert count(store, schema.DOCUMENTS) == 5_700
    assert count(store, schema.SUBSCRIPTIONS) == 100
    assert count(store, schema.SUBSCRIPTIONS, schema.SUBSCRIPTIONS.c.status == "active") > 60


def test_seeding_again_changes_nothing(store: Backend) -> None:
    """The small data twice is as once; it is the beginning of the full data."""
    fill(store, "small")
    before = {table: rows(store, table) for table in schema.ALL_TABLES}
    fill(store, "small")
    assert {table: rows(store, table) for table in schema.ALL_TABLES} == before
    store.run_now(seed.clean)
    fill(store, "full")
    for table in (schema.USERS, schema.EVENTS, schema.DOCUMENTS, schema.INSTRUCTORS, schema.REGISTRATIONS):
        assert before[table].items() <= rows(store, table).items(), table.name


def test_clean_leaves_nothing(store: Backend) -> None:
    """Nor in the text index."""
    fill(store, "small")
    store.run_now(seed.clean)
    assert {table.name: count(store, table) for table in schema.ALL_TABLES} == {
        table.name: 0 for table in schema.ALL_TABLES
    }
    assert store.run_now(lambda tx: schema.DOCUMENT_INDEX.search(tx, "kata")) == []


def test_presence_that_a_dead_process_left_is_freed(store: Backend) -> None:
    """Those of a living one stay, however long ago they came; who never connected is forgotten later."""
    fill(store, "small")
    session = "test_session_001"

    def prepare(tx: Connection) -> None:
        for user, connection, process in (
            ("lives", "c1", "alive"),
            ("lost", "c2", "dead"),
            ("waits", "", ""),
            ("never", "", ""),
        ):
            rtc.add_participant(tx, session, user, user, connection, process)
        table = schema.PARTICIPANTS
        silent = now_ms() - rtc.SILENCE_MS - 1
        tx.execute(update(table).values(seen=silent))
        tx.execute(
            update(table).where(table.c.user_id == "never").values(seen=now_ms() - rtc.UNCONNECTED_MS - 1)
        )

    store.run_now(prepare)
    freed = store.run_now(lambda tx: rtc.refresh_presence(tx, "alive"))
    assert sorted(freed) == [(session, "lost", 2), (session, "never", 2)]
    assert store.run_now(lambda tx: rtc.count_present(tx, session)) == 2
    assert store.run_now(lambda tx: rtc.refresh_presence(tx, "alive")) == []
