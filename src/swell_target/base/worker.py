"""One worker process: all services on one event loop."""

import asyncio
import contextlib
import gc
import os
import resource
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import uvicorn

from swell_target.base.app import App
from swell_target.base.bus import Bus
from swell_target.base.control import Control
from swell_target.base.database import Backend, ensure_schema, open_backend
from swell_target.base.doors import Doors
from swell_target.base.errors import OperatorError, where
from swell_target.base.faults import Crash, parse_faults
from swell_target.base.launch import BACKLOG, Launch
from swell_target.base.metrics import sample_process
from swell_target.base.runtime import Runtime
from swell_target.base.service import Service
from swell_target.base.settings import Settings
from swell_target.base.standard import follow_faults

Load = Callable[[list[str]], dict[str, Service]]
KEEP_ALIVE_S = 120
GRACE_S = 2
SAMPLE_EVERY_S = 1.0
# libuv accepts one connection from each handle in a round of its loop (since 1.45). With hundreds of busy
# connections a round takes long, and new ones would wait for minutes: so each socket has several handles.
HANDLES = 16


class Server(uvicorn.Server):
    """uvicorn without signal handlers: five of them run in this process, and the worker stops them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def work(launch: Launch, load: Load) -> int:
    """Serve until told to stop, or the supervisor is gone; the exit status."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard) if soft != hard else (soft, hard))
    # psycopg's threads wait for the interpreter lock of a busy event loop: let them have it sooner than after
    # 5 ms.
    sys.setswitchinterval(0.001)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_Worker(launch, load).run())


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415 - where there is one: a third faster
    except ImportError:
        return None
    return uvloop.new_event_loop


class _Worker:
    def __init__(self, launch: Launch, load: Load) -> None:
        self.launch = launch
        self.services = list(load(launch.services).values())
        self.stop = asyncio.Event()

    async def run(self) -> int:
        control = await Control.open(self.launch.control)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(control.close)
            try:
                apps = await self._open(stack, control)
            except OperatorError as error:
                control.send("failed", error=str(error))
                return 1
            except Exception as error:  # noqa: BLE001 - a mistake of ours: a line for the operator, no stack
                control.send("failed", error=f"a worker process cannot start: {where(error)}")
                return 1
            await self._serve(apps, control)
        return 0

    async def _open(self, stack: contextlib.AsyncExitStack, control: Control) -> list[App]:
        settings = self.launch.settings
        redis = await _open_redis(settings.redis)
        if redis is not None:
            stack.push_async_callback(redis.aclose)
        bus = Bus(control, settings.redis)
        await bus.start()
        stack.push_async_callback(bus.stop)
        apps = []
        for service in self.services:
            backend = open_backend(settings, service.name)
            stack.callback(backend.close)
            prepare(settings, backend, service, self.launch.seed_size if self.launch.first else "")
            runtime = Runtime(service.name, settings, backend, bus, Path(self.launch.shared), redis)
            stack.callback(runtime.limiter.close)
            faults = parse_faults(self.launch.faults.encode())
            runtime.faults.set(
                [fault for fault in faults if not (self.launch.restarted and isinstance(fault, Crash))]
            )
            follow_faults(runtime)
            stack.push_async_callback(runtime.tasks.stop)
            apps.append(App(service, runtime))
        return apps

    async def _serve(self, apps: list[App], control: Control) -> None:
        servers = [Server(_uvicorn_config(app)) for app in apps]
        tasks, doors = [], []
        for app, server in zip(apps, servers, strict=True):
            for job in app.service.jobs:
                app.runtime.tasks.start(job(app.runtime))
            inherited = [socket.socket(fileno=number) for number in self.launch.sockets[app.service.name]]
            doors.append(Doors(app.runtime.faults, inherited))
            handles = [item.dup() for item in inherited for _ in range(HANDLES)]
            tasks.append(asyncio.create_task(server.serve(sockets=handles)))
        sampler = asyncio.create_task(_sample())
        listener = asyncio.create_task(control.listen())
        # The supervisor's end closing means that it is gone: nobody is left to serve for.
        listener.add_done_callback(lambda _: self.stop.set())
        while not all(server.started for server in servers):
            await asyncio.sleep(0.001)
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        control.send("ready", pid=os.getpid())
        await self.stop.wait()
        if listener.done():
            shutil.rmtree(self.launch.shared, ignore_errors=True)
        for door in doors:
            door.close()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
        sampler.cancel()
        listener.cancel()


def _uvicorn_config(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="websockets-sansio",
        ws_ping_interval=None,
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="critical",
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


async def _sample() -> None:
    while True:
        sample_process()
        await asyncio.sleep(SAMPLE_EVERY_S)


async def _open_redis(url: str) -> Any:
    if not url:
        return None
    from redis import RedisError  # noqa: PLC0415 - an extra, and only where it is used
    from redis.asyncio import Redis  # noqa: PLC0415

    try:
        client = Redis.from_url(url)
        await client.ping()
    except (RedisError, OSError, ValueError) as error:
        raise OperatorError(f"Redis cannot be reached: is it running, is --redis right? ({error})") from None
    return client


def prepare(settings: Settings, backend: Backend, service: Service, size: str) -> dict[str, int]:
    """Make the tables; fill them with ``size`` if they were not there. What was made, by kind."""
    if not ensure_schema(settings, backend, service.schema) or not size:
        return {}
    random = Random(settings.seed)  # noqa: S311 - repeatable on purpose
    return backend.run_now(
        lambda tx: service.seed(tx, "full" if size == "full" else "small", random, settings)
    )


def main(load: Load) -> int:
    """The worker's entry: orders on standard input."""
    try:
        launch = msgspec.json.decode(sys.stdin.buffer.read(), type=Launch)
    except msgspec.DecodeError:
        # Cut short: the supervisor was killed while it wrote, and nobody waits for this worker.
        return 1
    return work(launch, load)
