"""``swell inspect``: a script's options as JSON, as written or as a run would take them."""

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import click

from swell.base.errors import ExitCode, SwellError
from swell.cli.parameters import OptionCommand, flag_options, suggest_script
from swell.cli.run import start_worker
from swell.cli.script_file import ScriptFile, find_script
from swell.cli.system import System

if TYPE_CHECKING:
    from swell.base.redaction import Redactor
    from swell.engine.frames import LogLine
    from swell.engine.request import RunListener


class _LoadedError(SwellError):
    """Carries what was asked for out of the coordinator, which starts nothing after it."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__("the script is loaded")
        self.document = document


@click.command(cls=OptionCommand, rows=flag_options())
@click.argument("script", shell_complete=suggest_script)
@click.option(
    "--execution-requirements",
    is_flag=True,
    help="All options as a run would take them, with the longest duration and the most VUs.",
)
@click.pass_obj
def command(system: System, /, script: str, *, execution_requirements: bool, **values: Any) -> ExitCode:
    """Print the options of SCRIPT, a Python or k6 script as JSON, without running it.

    Options that the script leaves alone are null, as in k6; --execution-requirements shows what a run takes
    for them.
    """
    file = find_script(script, system)
    document = inspect(file, values, system, consolidate=execution_requirements)
    system.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return ExitCode.OK


def inspect(file: ScriptFile, values: dict[str, Any], system: System, *, consolidate: bool) -> dict[str, Any]:
    """Load the script in a worker, as a run does, and show its options: as written, or ``consolidate``-d."""
    with ExitStack() as stack:
        worker = start_worker()
        stack.callback(worker.close)
        from swell.base.units import format_duration  # noqa: PLC0415
        from swell.cli.plan import Sources  # noqa: PLC0415
        from swell.config.show import show_resolved, show_written  # noqa: PLC0415
        from swell.engine.coordinator import Coordinator  # noqa: PLC0415
        from swell.engine.plan import max_duration_ns, max_possible_vus  # noqa: PLC0415
        from swell.engine.request import RunRequest  # noqa: PLC0415
        from swell.engine.script import ScriptExports  # noqa: PLC0415

        sources = Sources(values, system, file)
        listener = _learner(sources.read_secrets(system))

        def resolve(exports: ScriptExports) -> NoReturn:
            plan = sources.plan(file, exports)
            if not consolidate:
                raise _LoadedError(show_written(plan.written))
            raise _LoadedError(
                show_resolved(plan.resolution)
                | {
                    "totalDuration": format_duration(max_duration_ns(plan.scenarios)),
                    "maxVUs": max_possible_vus(plan.scenarios),
                }
            )

        request = RunRequest(
            path=str(file.path),
            language=file.language,
            arguments=sources.front_end_arguments(file),
            content=file.content,
            resolve=resolve,
            make_summary=lambda _snapshot: b"",
            env=sources.script_env,
        )
        coordinator = Coordinator(request, listener, first_worker=worker)
        stack.enter_context(system.signals(coordinator.interrupt))
        try:
            coordinator.run()
        except _LoadedError as loaded:
            return loaded.document
    raise SwellError("the script was not loaded")


def _learner(redactor: "Redactor") -> "RunListener":
    """Hears of the secrets that the script asks for while it loads."""
    from swell.engine.request import RunListener  # noqa: PLC0415
    from swell.engine.script import LEARNED  # noqa: PLC0415

    class Learner(RunListener):
        def on_log(self, line: "LogLine", worker: int) -> None:  # noqa: ARG002
            if line.level == LEARNED:
                redactor.add(line.message)

    return Learner()
