"""Kills a service after each statement of a write, and looks what is in its database then.

A program of its own: it loads the services once and forks a process for each crash, which answers one request
with the real application over the real database, without a port, and dies in it.
"""

import asyncio
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from sqlalchemy import create_engine, inspect, text

from swell_target.base.app import App
from swell_target.base.bus import Bus
from swell_target.base.database import CRASH_STATUS, crash_point, open_backend
from swell_target.base.faults import Crash
from swell_target.base.runtime import Runtime
from swell_target.base.service import Service
from swell_target.base.settings import Settings
from swell_target.base.webhooks import sign
from swell_target.services import load

# More statements than any write has.
TOO_MANY = 60


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """A request, or the work of a background job (``function`` of a transaction with ``arguments``).

    In its texts ``@unique`` is a new word each time, ``@name`` the field of that name in the answers of the
    steps in ``before``, which are done first. ``signed`` adds Stripe's signature.
    """

    path: str = ""
    method: str = "POST"
    body: str = ""
    headers: dict[str, str] = {}
    signed: bool = False
    function: str = ""
    arguments: list[Any] = []
    before: list["Step"] = []


class Orders(msgspec.Struct):
    """What to do; ``settings`` without ``data`` and ``db`` would be useless."""

    service: str
    settings: Settings
    steps: list[Step]


class Found(msgspec.Struct):
    """How many crash points a step has, those that left something behind, and the answers.

    ``first`` is the answer when nothing crashed, ``again`` the one to a repetition after a crash between
    commit and answer; ``kept`` is whether that crash left the change.
    """

    points: int
    torn: list[int]
    first: Any
    again: Any
    kept: bool


class Answer(NamedTuple):
    """How a child ended: its status, and what it said."""

    exit_status: int
    said: bytes

    @property
    def status(self) -> Any:
        """The HTTP status."""
        return json.loads(self.said)[0]


def in_child(work: Callable[[], bytes]) -> Answer:
    """Do ``work`` in a process of its own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            said = work()
            with os.fdopen(writing, "wb") as stream:
                stream.write(said)
        except BaseException as error:  # noqa: BLE001 - the parent tells
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read()
    return Answer(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said)


class Prober:
    """Probes the writes of one service."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self.service = service
        self.settings = settings

    def runtime(self) -> Runtime:
        """What the service works with, in a child."""
        settings = self.settings
        shared = Path(settings.data)
        shared.mkdir(parents=True, exist_ok=True)
        return Runtime(self.service.name, settings, open_backend(settings, self.service.name), Bus(), shared)

    def seed(self) -> bytes:
        """Make the tables and fill them."""
        backend = self.runtime().db.backend
        backend.run_now(self.service.schema.ensure)
        backend.run_now(lambda tx: self.service.seed(tx, "small", Random(1), self.settings))
        return b""

    def content(self) -> bytes:
        """All rows of all tables, as a digest."""
        url = self.settings.db.replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(url or f"sqlite:///{self.settings.data}/{self.service.name}.sqlite3")
        with engine.connect() as tx:
            names = inspect(tx).get_table_names()
            rows = {name: sorted(map(repr, tx.execute(text(f'SELECT * FROM "{name}"')))) for name in names}
        return repr(sorted(rows.items())).encode()

    def do(self, step: Step, crash: Crash | None = None) -> bytes:
        """Do a step, and die in it if told so; status and body as JSON."""
        runtime = self.runtime()
        work: Coroutine[Any, Any, Any]
        if step.function:
            module, _, name = step.function.partition(":")
            crash_point.set(crash)
            runtime.faults.active = crash is not None
            work = runtime.db.write(getattr(importlib.import_module(module), name), *step.arguments)
            asyncio.run(work)
            return json.dumps([200, {}]).encode()
        runtime.faults.set([] if crash is None else [crash])
        return asyncio.run(request(App(self.service, runtime), step))

    def probe(self, step: Step) -> Found:
        """Crash at each point of a step's write."""
        torn, after = [], b""
        for statements in range(TOO_MANY):
            ready = self.prepare(step)
            # What was there after the last crash is there still, unless the steps before this one wrote.
            before = in_child(self.content).said if step.before or not after else after
            answer = in_child(lambda: self.do(ready, Crash(after_statements=statements)))  # noqa: B023 - called at once
            if answer.exit_status == 0:
                break
            after = in_child(self.content).said
            if answer.exit_status != CRASH_STATUS or after != before:
                torn.append(statements)
        else:
            raise AssertionError(f"{step.path}{step.function} never ends")
        first = answer.status
        ready = self.prepare(step)
        before = in_child(self.content).said
        died = in_child(lambda: self.do(ready, Crash(after_statements=-1)))
        kept = died.exit_status == CRASH_STATUS and in_child(self.content).said != before
        again = in_child(lambda: self.do(ready))
        return Found(statements, torn, first, again.status, kept)

    def prepare(self, step: Step) -> Step:
        """The step with its words filled in, after the steps before it."""
        unique = uuid4().hex
        words = {"unique": unique}
        for one in step.before:
            answer = in_child(lambda: self.do(filled(one, words)))  # noqa: B023 - called at once
            status, body = json.loads(answer.said)
            assert status < 300, (one, status, body)
            words |= {name: value for name, value in body.items() if isinstance(value, str)}
        return filled(step, words)


def filled(step: Step, words: dict[str, str]) -> Step:
    """A step with its words."""
    raw = msgspec.json.encode(msgspec.structs.replace(step, before=[])).decode()
    for name in sorted(words, key=len, reverse=True):
        raw = raw.replace(f"@{name}", words[name])
    return msgspec.json.decode(raw, type=Step)


async def request(app: App, step: Step) -> bytes:
    """Send a request to the application; status and body as JSON."""
    body = step.body.encode()
    headers = dict(step.headers)
    if step.signed:
        headers["stripe-signature"] = sign(app.runtime.settings.stripe_secret, body, int(time.time()))
    path, _, query = step.path.partition("?")
    scope = {
        "type": "http",
        "method": step.method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    await app(scope, receive, send)
    content = b"".join(event.get("body", b"") for event in sent)
    return json.dumps([sent[0]["status"], json.loads(content or b"{}")]).encode()


def main() -> None:
    """Orders on standard input, what was found on standard output."""
    orders = msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)
    prober = Prober(load([orders.service])[orders.service], orders.settings)
    assert in_child(prober.seed).exit_status == 0
    found = [prober.probe(step) for step in orders.steps]
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
