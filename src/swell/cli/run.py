"""``swell run``: one load test from the command line to the exit code."""

import secrets
from contextlib import ExitStack
from typing import Any

import click

from swell.base.errors import ExitCode, SwellError
from swell.cli.parameters import OptionCommand, flag_options, suggest_script
from swell.cli.script_file import find_script
from swell.cli.system import System
from swell.engine.processes import WorkerProcess, spawn_worker

# The start of swell.random where the user chose none; it is saved with the run, so that it can be repeated.
SEED_BITS = 32


@click.command(cls=OptionCommand, rows=flag_options())
@click.argument("script", shell_complete=suggest_script)
@click.pass_obj
def command(system: System, /, script: str, **values: Any) -> ExitCode:
    """Run the load test SCRIPT, a Python or k6 script.

    Flags win over SWELL_ and K6_ variables, these over the script's options, these over the config file.
    """
    # 1. The command line is parsed: ``values`` are the texts of its flags.
    file = find_script(script, system)
    with ExitStack() as stack:
        # 2. Worker 0 imports and patches while this process imports what it needs itself.
        worker = start_worker()
        stack.callback(worker.close)
        from swell.cli.session import Session  # noqa: PLC0415
        from swell.engine.coordinator import Coordinator  # noqa: PLC0415

        session = Session(file, values, system, stack)
        # 3. to 6. The worker loads the script; ``session.resolve`` makes the plan or lists every fault.
        coordinator = Coordinator(session.request(secrets.randbits(SEED_BITS)), session, first_worker=worker)
        # 7. The first signal ends the run in order, the second at once.
        stack.enter_context(system.signals(coordinator.interrupt))
        try:
            # 8. and 9. From now on the coordinator owns the worker.
            result = coordinator.run()
            # 10. Reports are written and the run's cause, if it has one, becomes the exit code.
            return session.finish(result)
        except SwellError as error:
            session.tell(error)
            raise


def start_worker() -> WorkerProcess:
    """Start worker 0. Raises ``SwellError`` where the system does not allow it."""
    try:
        return spawn_worker(0)
    except OSError as error:
        hint = "is there a limit on processes or memory?"
        raise SwellError(f"a worker cannot be started: {error}", hint=hint, slug="worker-start") from error
