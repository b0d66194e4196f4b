"""The reference platform as a suite starts it for itself: free ports, its own database, a token of ours."""

import importlib.util
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from swell.base.errors import SwellError
from swell.cli.suites.preflight import TOKEN_VARIABLE
from swell.cli.suites.processes import Children, Stopped
from swell.cli.suites.tests import SuiteTarget
from swell.cli.system import System

# Seeding takes some seconds on a slow disk.
START_S = 60.0
LOG_FILE = "platform.log"


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform: the URL of each service, and the operator's token."""

    urls: Mapping[str, str]
    token: str
    process: subprocess.Popen[bytes]
    log: Path


def start_platform(
    children: Children,
    folder: Path,
    env: Mapping[str, str],
    services: Collection[str] = (),
    *,
    processes: int = 1,
) -> Platform:
    """Start the platform in so many ``processes``, with its data in ``folder``; wait until it listens.

    Raises:
        SwellError: its libraries are not installed, or it does not start; its last words say why.
        Stopped: a signal came.
    """
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("sqlalchemy") is None:
        hint = "pip install 'swell[target]'"
        message = "the reference platform's libraries are not installed"
        raise SwellError(message, hint=hint, slug="target-not-installed")
    folder.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(24)
    log = folder / LOG_FILE
    command = [sys.executable, "-m", "swell_target", "serve", "--port-base", "0", "--data", str(folder)]
    command += ["--processes", str(processes)]
    if services:
        command += ["--services", ",".join(services)]
    with log.open("wb") as out:
        process = children.start(command, cwd=folder, env={**env, TOKEN_VARIABLE: token}, out=out)
    deadline = time.monotonic() + START_S
    while (urls := _announced(log)) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            reason = words[-1] if words else "it says nothing"
            message = f"the reference platform cannot be started: {reason}"
            raise SwellError(message, slug="demo-target")
        children.pause()
    return Platform(urls, token, process, log)


@contextmanager
def own_platform(system: System, services: Collection[str]) -> Iterator[tuple[Children, Platform | None]]:
    """A platform for the time of the context, with the processes that it may be used for; all end with it.

    None where a signal came before it was there. Raises ``SwellError`` where it does not start.
    """
    data = Path(tempfile.mkdtemp(prefix="swell-platform-"))
    with ExitStack() as stack:
        # Last to go: what is in it is open until the platform has ended.
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        children = Children()
        stack.enter_context(system.signals(children.on_signal))
        stack.enter_context(children)
        system.stdout.write("starting the reference platform, with a database of its own ...\n")
        system.stdout.flush()
        try:
            platform = start_platform(children, data, system.env, services)
        except Stopped:
            platform = None
        yield children, platform


def platform_env(platform: Platform, target: SuiteTarget, env: Mapping[str, str]) -> dict[str, str]:
    """The variables by which the scripts of a suite find the platform.

    Raises:
        SwellError: the platform does not have the service that the suite is for.
    """
    url = platform.urls.get(target.service)
    if url is None:
        message = f"the reference platform has no service {target.service!r}"
        hint = f"in [target] of the suite, service is one of {', '.join(platform.urls)}"
        raise SwellError(message, hint=hint, slug="demo-target")
    return {**env, target.variable: url, TOKEN_VARIABLE: platform.token}


def _announced(log: Path) -> dict[str, str] | None:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            urls: dict[str, str] = json.loads(line)["services"]
            return urls
    return None
