"""The entry point of a worker process: ``python -m swell.cli.worker --fd N --watchdog-fd M``.

Patching happens before anything else is imported, so that every library the script imports is cooperative;
hence the imports inside functions.
"""

import os
import sys
from typing import TYPE_CHECKING, Any

from swell.cli.patching import patch

if TYPE_CHECKING:
    from swell.engine.frames import Load
    from swell.engine.script import Log, Script


def load_native(frame: "Load", _log: "Log") -> "Script":
    """Load a native Python script."""
    from swell.scripts.native import loader

    return loader.load_script(frame.path, frame.env, frame.seed)


def load_k6(frame: "Load", log: "Log") -> "Script":
    """Load a k6 script."""
    from swell.scripts.k6 import loader

    return loader.load_script(frame.path, frame.env, log, content=frame.content, arguments=frame.arguments)


# How scripts of each language are loaded.
FRONT_ENDS = {"native": load_native, "k6": load_k6}


def load_script(frame: "Load", log: "Log") -> "Script":
    """Load the script with the front end of its language; raises ``ScriptError`` or ``SwellError``."""
    from swell.base.errors import SwellError

    front_end = FRONT_ENDS.get(frame.language)
    if front_end is None:
        known = ", ".join(sorted(FRONT_ENDS))
        raise SwellError(
            f"no front end for scripts in {frame.language!r}; there are: {known}", slug="no-front-end"
        )
    return front_end(frame, log)


def main(arguments: list[str], load: Any = load_script) -> None:
    """Serve the coordinator on the given descriptors, then end the process."""
    fd, watchdog_fd = _descriptors(arguments)
    patch()
    # isort: split
    import faulthandler

    from swell.cli.worker_output import redirect_output
    from swell.engine.uplink import WorkerChannel
    from swell.engine.watchdog import HubPulse

    pulse = HubPulse()
    _start_watchdog(watchdog_fd, pulse)
    _raise_file_limit()
    from swell.engine.worker import Worker

    faulthandler.enable(file=sys.__stderr__ or 2)
    channel = WorkerChannel.from_fd(fd)
    worker = Worker(channel, load, pulse)
    redirect_output(worker.log)
    worker.run()
    # Neither finalizers nor the script's threads may hold up the end of the run: everything is sent.
    os._exit(0)


def _descriptors(arguments: list[str]) -> tuple[int, int]:
    match arguments:
        case ["--fd", fd, "--watchdog-fd", watchdog_fd]:
            return int(fd), int(watchdog_fd)
        case _:
            sys.exit("this is the entry point of swell's worker processes; use 'swell run'")


def _start_watchdog(fd: int, pulse: Any) -> None:
    """Start the native thread that beats while the hub does not."""
    from gevent import monkey

    from swell.engine.watchdog import Watchdog, end_process_group

    start_new_thread = monkey.get_original("_thread", "start_new_thread")
    get_ident = monkey.get_original("_thread", "get_ident")
    poll = monkey.get_original("select", "poll")
    watchdog = Watchdog(fd, pulse, get_ident(), poll(), end_process_group)
    start_new_thread(watchdog.run, ())


def _raise_file_limit() -> None:
    """Allow as many descriptors as the system lets us: each VU needs at least one."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            return


if __name__ == "__main__":
    main(sys.argv[1:])
