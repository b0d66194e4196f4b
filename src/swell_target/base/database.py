"""A service's database: plain functions of a SQLAlchemy connection, run in one transaction each.

SQLite runs them in place, on the event loop's own thread: a read takes some 50 µs and a write some 150 µs,
which is less than what handing it to another thread costs under load, where each statement would queue for
the interpreter lock again. So a process has one reader and one writer, and writers of several processes queue
in the kernel (``flock``, first come first served) instead of polling SQLite's busy handler. PostgreSQL is
waited for on threads, one for each connection of the pool.
"""

import asyncio
import contextvars
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import StaticPool

from swell_target.base.clock import pause
from swell_target.base.errors import OperatorError, Problem, first_line
from swell_target.base.faults import Crash, Faults, SlowDatabase
from swell_target.base.metrics import ServiceMetrics
from swell_target.base.operator import tell
from swell_target.base.pool import Pool
from swell_target.base.schema import Schema
from swell_target.base.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
# What a transaction does: "read" is for what one statement tells, "snapshot" for what several tell together.
Access = Literal["read", "snapshot", "write"]
CRASH_STATUS = 70
MAX_ATTEMPTS = 5
BUSY_TIMEOUT_MS = 5_000
# PostgreSQL's codes for "run the transaction again": serialization_failure, deadlock_detected.
RETRY_CODES = {"40001", "40P01"}
# What the request's crash fault says about its write transactions.
crash_point: contextvars.ContextVar[Crash | None] = contextvars.ContextVar("crash_point", default=None)
# Whether what the request writes is lost.
is_losing_writes: contextvars.ContextVar[bool] = contextvars.ContextVar("is_losing_writes", default=False)


class Backend(Protocol):
    """Where transactions run."""

    async def run(self, access: Access, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction."""

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a write transaction without an event loop: at the start, and for seeds."""

    def close(self) -> None:
        """Close all connections."""


class Sqlite:
    """One file, one reader and one writer in this process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._turn = asyncio.Lock()
        self._reader = self._connect("BEGIN")
        self._writer = self._connect("BEGIN IMMEDIATE")
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="swell-target-lock")

    def _connect(self, begin: str) -> Connection:
        engine = create_engine(
            f"sqlite+pysqlite:///{self.path}",
            poolclass=StaticPool,
            connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: _begin_sqlite(connection, begin))
        return engine.connect()

    async def run(self, access: Access, work: Callable[[Connection], T]) -> T:
        """Run in place; only a write lock that another process holds is waited for on a thread.

        In WAL a reading transaction sees one moment anyway.
        """
        if access != "write":
            with self._reader.begin():
                return work(self._reader)
        async with self._turn:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.get_running_loop().run_in_executor(
                    self._threads, fcntl.flock, self._lock, fcntl.LOCK_EX
                )
            return self._write(work)

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """A write that may wait for other processes."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self._write(work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._writer.begin():
                return work(self._writer)
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the connections; the last one of all processes folds the log into the file."""
        self._threads.shutdown(wait=False)
        for connection in (self._reader, self._writer):
            engine = connection.engine
            connection.close()
            engine.dispose()
        os.close(self._lock)


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    # Transactions are begun by us (below), not by the driver's guess.
    connection.isolation_level = None
    # NORMAL in WAL survives a crash of the process; only a power cut may lose the last commits, as a test
    # target may.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-32000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection, statement: str) -> None:
    raw = connection.connection.dbapi_connection
    assert raw is not None  # noqa: S101 - a connection that begins is open
    raw.execute(statement)


class Postgres:
    """A pool of connections, each with a thread to wait on."""

    def __init__(self, url: str, size: int) -> None:
        self._engine = _postgres_engine(url, size)
        self._reads = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshots = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="swell-target-db")

    async def run(self, access: Access, work: Callable[[Connection], T]) -> T:
        """Run on a thread; a read statement needs no transaction of its own at READ COMMITTED."""
        loop = asyncio.get_running_loop()
        if access == "write":
            return await loop.run_in_executor(self._threads, self.run_now, work)
        engine = self._reads if access == "read" else self._snapshots
        return await loop.run_in_executor(self._threads, _read, engine, work)

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """A write, again after a deadlock."""
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                with self._engine.begin() as tx:
                    return work(tx)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) not in RETRY_CODES or attempt == MAX_ATTEMPTS:
                    raise
                time.sleep(0.002 * attempt)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close all connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()


def _read(engine: Engine, work: Callable[[Connection], T]) -> T:
    try:
        with engine.begin() as tx:
            return work(tx)
    except DBAPIError as error:
        # The server closed an idle connection: the next one is new. A read may simply be done again.
        if not error.connection_invalidated:
            raise
    with engine.begin() as tx:
        return work(tx)


def _postgres_engine(url: str, size: int) -> Engine:
    return create_engine(
        url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=size,
        max_overflow=0,
        pool_timeout=30,
        connect_args={"connect_timeout": 5, "application_name": "swell-target"},
    )


class Database:
    """A service's transactions, counted, timed, and limited to the pool's places."""

    def __init__(self, backend: Backend, pool: Pool, metrics: ServiceMetrics, faults: Faults) -> None:
        self.backend = backend
        self.pool = pool
        self._metrics = metrics
        self._faults = faults
        # The operator is told once, and again after a write went well in between.
        self._away = False

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``work(tx, *args)``, which only reads; PostgreSQL gives each statement a moment of its own."""
        return await self._run("read", lambda tx: work(tx, *args, **kwargs))

    async def snapshot(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``work(tx, *args)``, which only reads, and all of whose statements see the same moment.

        For what compares the answers of several statements, as books do. On PostgreSQL that is a transaction
        at REPEATABLE READ, which costs two round trips more than ``read``.
        """
        return await self._run("snapshot", lambda tx: work(tx, *args, **kwargs))

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``work(tx, *args)`` in one transaction, again after a deadlock; an exception rolls back."""
        if self._faults.active and is_losing_writes.get():
            return await self._run("write", lambda tx: _losing(tx, lambda: work(tx, *args, **kwargs)))
        crash = crash_point.get() if self._faults.active else None
        if crash is None or crash.after_statements is None:
            return await self._run("write", lambda tx: work(tx, *args, **kwargs))
        limit = crash.after_statements
        if limit >= 0:
            return await self._run(
                "write", lambda tx: _crashing(tx, limit, lambda: work(tx, *args, **kwargs))
            )
        await self._run("write", lambda tx: work(tx, *args, **kwargs))
        os._exit(CRASH_STATUS)

    async def _run(self, access: Access, work: Callable[[Connection], T]) -> T:
        await self.pool.acquire()
        start = time.perf_counter()
        try:
            if self._faults.active and (slow := self._faults.find(SlowDatabase)) is not None:
                await pause(slow.distribution.draw(self._faults.random))
            done = await self.backend.run(access, work)
        # InternalError: the server takes no writes any more, as a standby does.
        except (OperationalError, InterfaceError, InternalError, PoolTimeoutError) as error:
            cause = first_line(error)
            if not self._away:
                tell(f"{self._faults.service}: the database is unavailable: {cause}")
            self._away = True
            raise Problem(503, "database unavailable", cause=cause) from error
        else:
            self._away = self._away and access != "write"
            return done
        finally:
            series = self._metrics.write_time if access == "write" else self._metrics.read_time
            series.observe(time.perf_counter() - start)
            self.pool.release()


def _losing(tx: Connection, work: Callable[[], T]) -> T:
    with tx.begin_nested() as savepoint:
        answer = work()
        savepoint.rollback()
    return answer


def _crashing(tx: Connection, statements: int, work: Callable[[], T]) -> T:
    left = statements

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os._exit(CRASH_STATUS)

    if statements == 0:
        os._exit(CRASH_STATUS)
    event.listen(tx, "after_cursor_execute", count)
    try:
        return work()
    finally:
        event.remove(tx, "after_cursor_execute", count)


def open_backend(settings: Settings, service: str) -> Backend:
    """The database that the settings name, for one service.

    Raises:
        OperatorError: it cannot be reached or written, in one line.
    """
    try:
        if settings.db:
            backend: Backend = Postgres(settings.db, settings.pool_size)
        else:
            directory = Path(settings.data)
            directory.mkdir(parents=True, exist_ok=True)
            backend = Sqlite(directory / f"{service}.sqlite3")
        if backend.run_now(_is_read_only):
            backend.close()
            raise OperatorError(_explain(settings, PermissionError()))
    except (SQLAlchemyError, OSError) as error:
        raise OperatorError(_explain(settings, error)) from None
    return backend


def ensure_schema(settings: Settings, backend: Backend, schema: Schema) -> bool:
    """Create the tables if the database is empty, and say whether it was; raises as ``Schema.ensure``."""
    try:
        return backend.run_now(schema.ensure)
    except SQLAlchemyError as error:
        raise OperatorError(_explain(settings, error)) from None


def _is_read_only(tx: Connection) -> bool:
    """Whether nothing can be written; SQLite has said so when the transaction began."""
    if tx.dialect.name == "sqlite":
        return False
    return bool(tx.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on")


def _explain(settings: Settings, error: Exception) -> str:
    place = _without_password(settings.db) if settings.db else settings.data
    reason = first_line(error)
    if "readonly" in reason or "read-only" in reason or isinstance(error, PermissionError):
        return f"the database {place} is read-only: give the directory or the role the right to write"
    if "no password" in reason or "authentication" in reason:
        return f"the database {place} refuses the user: check the password in --db ({reason})"
    if settings.db:
        return f"the database {place} cannot be reached: is it running, is the URL right? ({reason})"
    return f"the database in {place} cannot be opened: is the directory there, and yours? ({reason})"


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - in the unhappy case only

    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "of --db"
