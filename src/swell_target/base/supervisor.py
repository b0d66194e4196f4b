"""The process that ``serve`` starts: it opens the ports, keeps the workers alive, passes messages on."""

import asyncio
import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from swell_target.base.errors import OperatorError
from swell_target.base.launch import Launch, listen
from swell_target.base.operator import tell
from swell_target.base.settings import Settings

STOP_TIMEOUT_S = 6.0
READY_TIMEOUT_S = 120.0
MAX_LINE_BYTES = 4 * 1024 * 1024
# A worker that dies sooner than this after its start waits a little before the next.
SHORT_LIFE_S = 0.5


class Options(msgspec.Struct, kw_only=True):
    """How to serve: ``ports`` by service (0: a free one); the first is where it is announced.

    ``temporary``: a directory to be made for all files, which is gone when the platform is. ``leash``: an
    inherited descriptor whose other end is held by who started the platform, and closes when they are gone.
    """

    settings: Settings
    ports: dict[str, list[int]]
    host: str = "127.0.0.1"
    seed_size: str = "small"
    faults: str = '{"faults": []}'
    temporary: str = ""
    leash: int | None = None


class _Worker:
    """One worker process and the supervisor's end of its control sockets."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.ready = asyncio.Event()
        self.error = ""

    def send(self, frame: dict[str, Any]) -> None:
        """Send a frame if the worker is there."""
        if self.writer is not None and not self.writer.is_closing():
            self.writer.write(msgspec.json.encode(frame) + b"\n")


class Supervisor:
    """Runs the platform until it is told to stop."""

    def __init__(self, options: Options, announce: Callable[[dict[str, list[int]]], None]) -> None:
        self.options = options
        self.announce = announce
        self.workers = [_Worker(number) for number in range(options.settings.processes)]
        # By service: for each of its ports the sockets of all workers.
        self.sockets: dict[str, list[list[socket.socket]]] = {}
        self.retained: dict[str, dict[str, Any]] = {}
        self.stopping = asyncio.Event()
        self.shared_directory = ""

    async def run(self) -> int:
        """Serve; the exit status.

        Raises:
            OperatorError: a port, the database or Redis is not to be had.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopping.set)
        if self.options.leash is not None:
            self._follow_leash(self.options.leash)
        count = len(self.workers)
        with contextlib.ExitStack() as stack:
            for name, ports in self.options.ports.items():
                self.sockets[name] = []
                for port in ports:
                    made = listen(self.options.host, port, count)
                    self.sockets[name].append(made)
                    for item in made:
                        stack.callback(item.close)
            self.shared_directory = self._make_directory()
            # The workers remove it should this process be killed.
            stack.callback(shutil.rmtree, self.shared_directory, ignore_errors=True)
            return await self._run_workers()

    def _make_directory(self) -> str:
        """The directory that all workers have together; with ``temporary`` the databases stand in it, too.

        Raises:
            OperatorError: it cannot be made.
        """
        directory = self.options.temporary
        try:
            if not directory:
                return tempfile.mkdtemp(prefix="swell-target-")
            data = Path(directory, "data")
            Path(directory).mkdir(mode=0o700)
            data.mkdir()
        except OSError as error:
            raise OperatorError(f"no directory for temporary files can be made: {error}") from None
        self.options.settings = msgspec.structs.replace(self.options.settings, data=str(data))
        return directory

    def _follow_leash(self, fd: int) -> None:
        """Stop at the end of the connection; nobody ever writes there.

        Raises:
            OperatorError: it is no descriptor that can be watched.
        """
        loop = asyncio.get_running_loop()

        def end() -> None:
            loop.remove_reader(fd)
            self.stopping.set()

        try:
            loop.add_reader(fd, end)
        except (OSError, ValueError):
            raise OperatorError(f"--leash {fd} is no inherited socket or pipe") from None

    async def _run_workers(self) -> int:
        watchers: list[asyncio.Task[None]] = []
        try:
            for index, worker in enumerate(self.workers):
                watchers.append(asyncio.create_task(self._keep(worker)))
                if index == 0:
                    # It makes the tables, which the others need.
                    await self._wait_ready(worker)
            for worker in self.workers:
                await self._wait_ready(worker)
            if not self.stopping.is_set():
                self.announce(
                    {
                        name: [items[0].getsockname()[1] for items in ports]
                        for name, ports in self.sockets.items()
                    }
                )
            await self.stopping.wait()
            return 0
        finally:
            self.stopping.set()
            await self._stop_workers()
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)

    async def _wait_ready(self, worker: _Worker) -> None:
        stop = asyncio.create_task(self.stopping.wait())
        ready = asyncio.create_task(worker.ready.wait())
        await asyncio.wait({stop, ready}, timeout=READY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        ready.cancel()
        if worker.error:
            raise OperatorError(worker.error)

    async def _keep(self, worker: _Worker) -> None:
        """Run the worker, again and again until the platform stops."""
        restarted = False
        while not self.stopping.is_set():
            started = time.monotonic()
            await self._run_once(worker, restarted=restarted)
            if self.stopping.is_set():
                return
            if not worker.ready.is_set():
                worker.error = worker.error or "a worker process ended before it was ready"
                worker.ready.set()
                self.stopping.set()
                return
            assert worker.process is not None  # noqa: S101 - it has just run
            tell(f"worker {worker.number} died with status {worker.process.returncode}: it is started again")
            self._forget_gauges(worker.process.pid)
            if time.monotonic() - started < SHORT_LIFE_S:
                await asyncio.sleep(SHORT_LIFE_S)
            restarted = True

    async def _run_once(self, worker: _Worker, *, restarted: bool) -> None:
        ours, theirs = socket.socketpair()
        launch = Launch(
            settings=self.options.settings,
            services=list(self.sockets),
            sockets={
                name: [items[worker.number].fileno() for items in ports]
                for name, ports in self.sockets.items()
            },
            control=theirs.fileno(),
            shared=self.shared_directory,
            first=worker.number == 0 and not restarted,
            seed_size=self.options.seed_size,
            faults=self.options.faults,
            restarted=restarted,
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "swell_target", "worker"],
            stdin=subprocess.PIPE,
            pass_fds=[launch.control, *chain.from_iterable(launch.sockets.values())],
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": self.shared_directory},
            # Control-C in the terminal is for the supervisor, which stops the workers in order.
            start_new_session=True,
        )
        theirs.close()
        worker.process = process
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(msgspec.json.encode(launch))
            process.stdin.close()
        reader, worker.writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE_BYTES)
        for channel, message in self.retained.items():
            worker.send({"kind": "bus", "channel": channel, "message": message | {"replayed": True}})
        try:
            await self._listen(worker, reader)
        finally:
            worker.writer.close()
            await asyncio.to_thread(process.wait)

    async def _listen(self, worker: _Worker, reader: asyncio.StreamReader) -> None:
        """Act on a worker's frames until its end closes."""
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                frame = msgspec.json.decode(line)
                match frame["kind"]:
                    case "ready":
                        worker.ready.set()
                    case "failed":
                        worker.error = frame["error"]
                    case "bus":
                        self._pass_on(worker, frame)

    def _pass_on(self, sender: _Worker, frame: dict[str, Any]) -> None:
        if frame["retain"]:
            self.retained[frame["channel"]] = frame["message"]
        for worker in self.workers:
            if worker is not sender:
                worker.send(frame)

    def _forget_gauges(self, pid: int) -> None:
        """What prometheus_client's mark_process_dead does, without importing it here."""
        for path in glob.glob(f"{self.shared_directory}/gauge_live*_{pid}.db"):  # noqa: PTH207 - one flat directory
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108

    async def _stop_workers(self) -> None:
        """End all workers: asked first, then killed."""
        running = [
            worker.process for worker in self.workers if worker.process and worker.process.poll() is None
        ]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in running:
            while process.poll() is None and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            if process.poll() is None:
                process.kill()
                process.wait()


def serve(options: Options, announce: Callable[[dict[str, list[int]]], None]) -> int:
    """Run the platform; ``announce`` gets the ports by service once all listen. The exit status."""
    return asyncio.run(Supervisor(options, announce).run())
