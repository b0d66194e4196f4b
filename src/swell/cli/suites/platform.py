"""The reference platform as a suite starts it for itself: free ports, its own database, a token of ours."""

import importlib.util
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from swell.base.errors import SwellError
from swell.cli.suites.preflight import TOKEN_VARIABLE
from swell.cli.suites.processes import Child, Children, Stopped
from swell.cli.system import System
from swell.config.target import Target

# Seeding takes some seconds on a slow disk.
START_S = 60.0


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform: the URL of each service, the operator's token, and its process."""

    urls: Mapping[str, str]
    token: str
    child: Child


def start_platform(
    children: Children,
    env: Mapping[str, str],
    services: Collection[str] = (),
    *,
    processes: int = 1,
) -> Platform:
    """Start the platform in so many ``processes``, with data that goes with it; wait until it listens.

    Raises:
        SwellError: its libraries are not installed, or it does not start; its last words say why.
        Stopped: a signal came.
    """
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("sqlalchemy") is None:
        hint = "pip install 'swell[target]'"
        message = "the reference platform's libraries are not installed"
        raise SwellError(message, hint=hint, slug="target-not-installed")
    token = secrets.token_urlsafe(24)
    command = [sys.executable, "-P", "-m", "swell_target", "serve", "--port-base", "0"]
    command += ["--processes", str(processes), "--temporary", children.temporary("swell-platform-")]
    if services:
        command += ["--services", ",".join(services)]
    with ExitStack() as stack:
        try:
            # A file without a name: nothing of it is left, whatever becomes of us.
            log = stack.enter_context(tempfile.TemporaryFile())
            child = children.start(
                lambda line: [*command, "--leash", str(line)],
                cwd=Path(tempfile.gettempdir()),
                env={**env, TOKEN_VARIABLE: token},
                out=log,
            )
        except OSError as error:
            message = f"the reference platform cannot be started: {error}"
            raise SwellError(message, slug="demo-target") from error
        deadline = time.monotonic() + START_S
        while (urls := _announced(_read(log))) is None:
            if child.poll() is not None or time.monotonic() > deadline:
                message = f"the reference platform cannot be started: {_reason(_read(log))}"
                raise SwellError(message, slug="demo-target")
            children.pause()
    return Platform(urls, token, child)


@contextmanager
def own_platforms(
    system: System, services: Collection[str], count: int = 1
) -> Iterator[tuple[Children, list[Platform]]]:
    """Platforms for the time of the context, with the processes that they may be used for; all end with it.

    None at all where a signal came before they were there. Raises ``SwellError`` where one does not start.
    """
    children = Children()
    with system.signals(children.on_signal), children:
        what = "the reference platform" if count == 1 else f"{count} reference platforms, each"
        system.stdout.write(f"starting {what} with a database of its own ...\n")
        system.stdout.flush()
        try:
            platforms = [start_platform(children, system.env, services) for _ in range(count)]
        except Stopped:
            system.stdout.write("stopped before anything was run\n")
            platforms = []
        yield children, platforms


def platform_env(platform: Platform, target: Target, env: Mapping[str, str]) -> dict[str, str]:
    """The variables by which scripts find the platform; what ``env`` says of another target is dropped.

    Raises:
        SwellError: the platform does not have the service that the suite is for.
    """
    url = platform.urls.get(target.service)
    if url is None:
        message = f"the reference platform has no service {target.service!r}"
        hint = f"in [target] of the suite, service is one of {', '.join(platform.urls)}"
        raise SwellError(message, hint=hint, slug="demo-target")
    return {**target.without(env), target.variable: url, TOKEN_VARIABLE: platform.token}


def _read(file: IO[bytes]) -> str:
    """All that was written so far; the place where the next is written stays."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")


def _reason(log: str) -> str:
    """Why it did not start: the first of its own lines, from which the others follow."""
    lines = log.strip().splitlines()
    own = [line for line in lines if line.startswith("swell target: ")]
    return next(iter(own or lines[-1:]), "it says nothing")


def _announced(text: str) -> dict[str, str] | None:
    for line in text.splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            urls: dict[str, str] = json.loads(line)["services"]
            return urls
    return None
