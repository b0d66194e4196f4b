"""``swell debug``: one iteration of one virtual user in this process, every request and response shown."""

import secrets
from typing import TYPE_CHECKING, Any

import click

from swell.base.errors import ConfigError, ExitCode, Fault
from swell.cli.parameters import OptionCommand, flag_options, suggest_script
from swell.cli.patching import patch
from swell.cli.script_file import find_script
from swell.cli.system import System

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swell.config.scenarios import Scenario


@click.command(cls=OptionCommand, rows=flag_options())
@click.argument("script", shell_complete=suggest_script)
@click.option(
    "--scenario", "scenario_name", metavar="NAME", help="The scenario to run; without it the first."
)
@click.pass_obj
def command(system: System, /, script: str, *, scenario_name: str | None, **values: Any) -> ExitCode:
    """Run one iteration of SCRIPT, a Python or k6 script in the foreground.

    Every request and response, check and value of a custom metric is shown where it comes. Breakpoints, pdb
    and profilers work as in any Python program. The exit code is 107 if the script raised, 113 if an
    invariant does not hold.
    """
    file = find_script(script, system)
    # As in a worker, and here as early as it can be: the script's libraries must behave as they will there.
    patch()
    from swell.cli.plan import Sources  # noqa: PLC0415
    from swell.engine.clock import GeventClock  # noqa: PLC0415
    from swell.engine.script import LEARNED  # noqa: PLC0415
    from swell.report.ansi import Painter  # noqa: PLC0415
    from swell.report.invariants import invariant_lines  # noqa: PLC0415
    from swell.scripts.native.debug import DebuggedScript, debug_script  # noqa: PLC0415

    def write(text: str) -> None:
        system.stdout.write(f"{text}\n")
        system.stdout.flush()

    def print_log(level: str, message: str, **_fields: str) -> None:
        if level == LEARNED:
            redactor.add(message)
        else:
            write(f"[{level}] {message}")

    sources = Sources(values, system, file)
    redactor = sources.read_secrets(system)
    seed = sources.seed(secrets.randbits(32))
    loaded: DebuggedScript
    if file.language == "k6":
        from swell.scripts.k6 import loader as k6  # noqa: PLC0415

        loaded = k6.load_script(
            str(file.path),
            sources.script_env,
            print_log,
            content=file.content,
            arguments=sources.front_end_arguments(file),
        )
    else:
        from swell.scripts.native import loader as native  # noqa: PLC0415

        loaded = native.load_script(file.path, sources.script_env, seed)
    plan = sources.plan(file, loaded.exports, sends=True)
    debugged = debug_script(
        loaded,
        _chosen(plan.scenarios, scenario_name),
        plan.options,
        sources.script_env,
        GeventClock(),
        seed=plan.options.seed or seed,
        write=write,
        learn=redactor.add,
    )
    colour = Painter(system.color and not sources.command.no_color)
    for line in invariant_lines(debugged.invariants, (), width=system.width, paint=colour):
        write(line)
    if not debugged.went_well:
        return ExitCode.SCRIPT_EXCEPTION
    is_sound = all(state.status == "held" for state in debugged.invariants)
    return ExitCode.OK if is_sound else ExitCode.INVARIANT_BROKEN


def _chosen(scenarios: "Sequence[Scenario]", name: str | None) -> "Scenario":
    """The scenario of this name, the first one where none is given; raises ``ConfigError``."""
    from swell.engine.plan import sorted_scenarios  # noqa: PLC0415

    known = {scenario.name: scenario for scenario in sorted_scenarios(scenarios)}
    chosen = known.get(next(iter(known)) if name is None else name)
    if chosen is None:
        hint = f"there are: {', '.join(known)}"
        raise ConfigError((Fault("--scenario", f"there is no scenario {name!r}", hint),))
    return chosen
