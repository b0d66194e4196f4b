"""One ``swell run`` after its worker was started: plan, view, and what the run leaves behind."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import msgspec

import swell
from swell.base.clock import NS_PER_SECOND, monotonic_ns
from swell.base.errors import ConfigError, ExitCode, Fault, ScriptError, SwellError
from swell.base.redaction import RedactedStream
from swell.cli.live_outputs import open_outputs
from swell.cli.outputs import Outputs
from swell.cli.plan import Plan, Sources
from swell.cli.script_file import ScriptFile
from swell.cli.system import System
from swell.config.environment import CommandSettings
from swell.config.table import is_unknown_to_k6
from swell.engine.coordinator import RunResult
from swell.engine.failures import FIELDS
from swell.engine.frames import LogLine, Samples
from swell.engine.lifecycle import Phase
from swell.engine.plan import describe_scenario, max_duration_ns, max_possible_vus, sorted_scenarios
from swell.engine.request import ResolvedPlan, RunListener, RunRequest
from swell.engine.script import LEARNED, ScriptExports
from swell.metrics.snapshot import CounterValue, ScenarioState, Snapshot
from swell.report.banner import ScenarioLine, banner, description_block
from swell.report.endofrun import end_of_run
from swell.report.progress import LogWriter, Progress, QuietProgress, open_progress

if TYPE_CHECKING:
    from swell.output.writer import OutputWriter

# Snapshots come once a second; in between time goes on, but not for longer than this without news.
MAX_GUESS_NS: Final = 2 * NS_PER_SECOND
# The sources of lines that a script printed.
_PRINTED: Final = frozenset({"console", "stdout"})
# The fields of a line with the stack of a failed load, setup, teardown or handle_summary.
_OUTSIDE_ITERATIONS: Final = {"source": "stacktrace"}


class Session(RunListener):
    """What the coordinator of one run asks and tells."""

    def __init__(
        self, script: ScriptFile, values: Mapping[str, Any], system: System, stack: ExitStack
    ) -> None:
        """Show the run on ``system``'s streams; ``stack`` closes what is opened on the way."""
        self._script = script
        self._sources = Sources(values, system, script)
        self._command = self._sources.command
        self._redactor = redactor = self._sources.read_secrets(system)
        self._system = system
        self._stack = stack
        self._colour = system.color and not self._command.no_color
        self._log = open_log(self._command, system, stack)
        if self._sources.secrets and self._log.stream not in (system.stdout, system.stderr):
            self._log.stream = cast("TextIO", RedactedStream(self._log.stream, redactor))
        self._progress: Progress = QuietProgress(self._log)
        self._console: TextIO | None = None
        # Stacks of failures outside iterations: the one that ends the run is printed with the error itself.
        self._held: list[LogLine] = []
        stack.push(self._tell_held)
        self._latest: Snapshot | None = None
        self._latest_ns = 0
        # What is known once the script is loaded.
        self._plan: Plan | None = None
        self._outputs: Outputs | None = None
        self._writer: OutputWriter | None = None

    def request(self, seed: int) -> RunRequest:
        """What is to run; ``seed`` serves where nobody names one."""
        return RunRequest(
            path=str(self._script.path),
            language=self._script.language,
            arguments=self._sources.front_end_arguments(self._script),
            content=self._script.content,
            resolve=self.resolve,
            make_summary=self.make_summary,
            env=self._sources.script_env,
            seed=self._sources.seed(seed),
        )

    def resolve(self, exports: ScriptExports) -> Plan:
        """Make the plan from all layers and say what is about to happen.

        Raises:
            ConfigError: with every fault.
        """
        plan = self._plan = self._sources.plan(self._script, exports, sends=True)
        complain = partial(self.log, "error")
        no_colour = self._command.no_color
        self._outputs = Outputs(
            plan, self._script, self._system, complain, self._redactor, no_colour=no_colour
        )
        if plan.options.console_output:
            path = self._system.path(plan.options.console_output)
            self._console = self._stack.enter_context(path.open("w", encoding="utf-8"))
        self._writer = open_outputs(plan, self._script.language, self._system, self._redactor)
        if not self._command.quiet:
            self._system.stdout.write(self._description(plan))
            self._system.stdout.flush()
        self._progress = open_progress(
            stdout=self._system.stdout,
            log=self._log,
            stdout_is_tty=self._system.stdout_is_tty and self._system.env.get("TERM") != "dumb",
            quiet=self._command.quiet,
            colour=self._colour,
            plain=self._system.plain_progress,
        )
        self._stack.callback(self._progress.stop)
        self._progress.start()
        if self._writer is not None:
            self._stack.callback(self._close_writer)
            self._writer.start()
        self._warn(plan)
        return plan

    def make_summary(self, snapshot: Snapshot) -> bytes:
        """Make the argument of handle_summary."""
        return self._known_outputs().summary_argument(snapshot)

    def finish(self, result: RunResult) -> ExitCode:
        """Save the run and print its summary.

        Raises:
            SwellError: why the run failed, if it did: for ``main`` to print, with its exit code.
        """
        self._progress.update(result.snapshot)
        self._progress.stop()
        self._progress = QuietProgress(self._log)
        self._close_writer()
        outputs = self._known_outputs()
        snapshot, untrusted = judged(result, require_trust=outputs.options.require_trust)
        self._warn_without_iterations(snapshot)
        saved_to = outputs.save(snapshot)
        outputs.export(snapshot, result.summary_files or {})
        mode = outputs.options.summary_mode
        if result.summary_files is None and mode != "disabled":
            system = self._system
            system.stdout.write(
                end_of_run(
                    snapshot,
                    mode=mode,
                    colour=self._colour,
                    width=system.width,
                    cuts_errors=system.has_width,
                    saved_to=saved_to,
                )
            )
            system.stdout.flush()
        else:
            outputs.write_summary_files(result.summary_files or {})
            self._tell_outcome(snapshot, saved_to)
        outputs.tell_unwritten()
        if untrusted is None:
            self._warn_of_raises(snapshot)
        if result.cause is not None:
            raise result.cause.as_error()
        if untrusted is not None:
            raise untrusted
        return result.exit_code

    def tell(self, error: SwellError) -> None:
        """Log what ended the run of a k6 script as k6 does; ``main`` prints what else there is to say.

        Faults of the configuration are a list, for which a line of the log has no room.
        """
        if self._script.language != "k6" or isinstance(error, ConfigError):
            return
        if isinstance(error, ScriptError) and error.stack:
            # A rejected promise, which has another exit code, comes without fields.
            fields = {} if error.exit_code is ExitCode.OTHER else FIELDS
            self.log("error", error.stack.rstrip("\n") + "\n", **fields)
        else:
            self.log("error", error.message)
        error.is_logged = True

    def log(self, level: str, message: str, **fields: str) -> None:
        """Write a line of the log where it does not disturb the view."""
        self._progress.log(level, message, fields)

    # What the coordinator tells (RunListener).

    def on_phase(self, phase: Phase) -> None:
        """Show the phase where the run spends time in it."""
        if self._plan is None:
            return
        exports, options = self._plan.exports, self._plan.options
        has_summary = exports.has_handle_summary and options.summary_mode != "disabled"
        shown = {
            Phase.RUNNING: (True, ""),
            Phase.STOPPING: (True, "stopping"),
            Phase.SETUP: (exports.has_setup and not options.no_setup, "setup()"),
            Phase.INVARIANTS: (bool(exports.invariants), "invariants"),
            Phase.TEARDOWN: (exports.has_teardown and not options.no_teardown, "teardown()"),
            Phase.SUMMARY: (has_summary, "handle_summary()"),
        }
        is_shown, text = shown.get(phase, (False, ""))
        if is_shown:
            self._progress.phase(text)

    def on_plan(self, plan: ResolvedPlan, workers: int) -> None:  # noqa: ARG002 - it is ``resolve``'s own
        """Say that the VUs are made now."""
        self._progress.phase("Init VUs...")
        self.log("debug", f"starting {workers} worker{'' if workers == 1 else 's'}")

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Show the new state."""
        self._latest, self._latest_ns = snapshot, monotonic_ns()
        self._progress.update(snapshot)

    def on_log(self, line: LogLine, worker: int) -> None:  # noqa: ARG002 - k6's lines name no instance either
        """Write the line to the log, or to the console output's file where the script printed it."""
        if line.level == LEARNED:
            self._redactor.add(line.message)
            return
        if self._console is not None and line.fields.get("source") in _PRINTED:
            self._console.write(f"{self._redactor.text(line.message)}\n")
            self._console.flush()
            return
        if line.fields == _OUTSIDE_ITERATIONS:
            self._held.append(line)
            return
        self._progress.log(line.level, line.message, line.fields)

    def on_samples(self, worker: int, samples: Samples) -> None:
        """Queue them for the outputs."""
        if self._writer is not None:
            self._writer.put(worker, samples)

    def on_gauges(self, at_ns: int, values: Mapping[str, float]) -> None:
        """Queue them for the outputs."""
        if self._writer is not None:
            self._writer.put_gauges(at_ns, values)

    def samples_taken(self) -> Mapping[int, int]:
        """What the outputs have written since the last call, by worker."""
        return self._writer.taken() if self._writer is not None else {}

    def on_tick(self, now_ns: int) -> None:
        """Let the clocks of the view go on between two snapshots, and say what outputs failed.

        Raises:
            BrokenPipeError: the reader of an output is gone.
        """
        if self._writer is not None:
            if self._writer.reader_left is not None:
                # As SIGPIPE would end it: nobody is there to measure for.
                raise self._writer.reader_left
            for fault in self._writer.faults():
                self.log("error", fault)
        if self._latest is not None:
            self._progress.update(advanced(self._latest, min(now_ns - self._latest_ns, MAX_GUESS_NS)))

    # Helpers.

    def _close_writer(self) -> None:
        """Write what is queued, and say what could not be written; once."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        writer.close()
        for fault in writer.faults():
            self.log("error", fault)
        for output in writer.outputs:
            if output.lost_lines:
                self.log(
                    "error", f"{output.lost_lines} lines of {output.name} were not written: {output.fault}"
                )

    def _tell_held(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Log the stacks that ``main`` does not print with ``error``."""
        told = {error.stack, error.message} if isinstance(error, ScriptError) else {str(error)}
        for line in self._held:
            if line.message not in told:
                self._progress.log(line.level, line.message, line.fields)

    def _known_outputs(self) -> Outputs:
        if self._outputs is None:
            raise SwellError("the script has not been loaded")
        return self._outputs

    def _description(self, plan: Plan) -> str:
        scenarios = sorted_scenarios(plan.scenarios)
        lines = [
            ScenarioLine(scenario.name, describe_scenario(scenario), scenario.start_time_ns)
            for scenario in scenarios
        ]
        return banner(swell.__version__, colour=self._colour) + description_block(
            script=self._script.shown,
            scenarios=lines,
            outputs=[output.name for output in self._writer.outputs] if self._writer else (),
            max_vus=max_possible_vus(scenarios),
            max_duration_ns=max_duration_ns(scenarios),
            colour=self._colour,
            width=self._system.width if self._system.stdout_is_tty else 0,
        )

    def _warn(self, plan: Plan) -> None:
        """Log the plan's warnings; of a k6 script's unknown options the first in k6's words."""
        unknown = next(filter(is_unknown_to_k6, plan.exports.options), None)
        silent = None
        if self._script.language == "k6" and unknown is not None:
            text = "There were unknown fields in the options exported in the script"
            self.log("warning", text, error=f'json: unknown field "{unknown}"')
            silent = f"the unknown option {unknown!r} is ignored"
        for warning in plan.resolution.warnings:
            # Where it has a hint, it says more than k6.
            if silent is None or not warning.endswith(silent):
                self.log("warning", warning)

    def _warn_without_iterations(self, snapshot: Snapshot) -> None:
        """Say so where no iteration of a k6 script got to its end, as k6 does."""
        state = snapshot.metric("iterations")
        has_none = state is None or (isinstance(state.value, CounterValue) and not state.value.count)
        run = snapshot.run
        # After a fault of setup() or a signal nobody wonders at it.
        is_told = run.exit_code not in {ExitCode.OK, ExitCode.THRESHOLDS_FAILED}
        if has_none and run.language == "k6" and run.status == "finished" and not is_told:
            self.log(
                "warning", "No script iterations fully finished, consider making the test duration longer"
            )

    def _warn_of_raises(self, snapshot: Snapshot) -> None:
        """Say so where a run in which nearly every iteration raised ends as if all were well, as in k6."""
        reasons = snapshot.verdict.reasons if snapshot.verdict is not None else ()
        for reason in reasons:
            if (
                reason.slug == "raising-iterations"
                and reason.level == "invalid"
                and not snapshot.run.exit_code
            ):
                share = f"{reason.measured:.0%} of iterations ended with an exception"
                self.log(
                    "warning",
                    f"{share}, and the exit code is 0 all the same, as in k6; --require-trust makes it 111",
                )

    def _tell_outcome(self, snapshot: Snapshot, saved_to: str) -> None:
        """Say in the log what the summary would have said, where the script replaced it or it is disabled.

        Of a k6 script's run only what is not as it should be: its log is k6's.
        """
        verdict = snapshot.verdict
        if verdict is not None and (verdict.level != "trusted" or snapshot.run.language != "k6"):
            level = "info" if verdict.level == "trusted" else "warning"
            reasons = "; ".join(reason.message for reason in verdict.reasons)
            self.log(level, f"verdict: {verdict.level}{': ' if reasons else ''}{reasons}")
        if saved_to:
            self.log("info", f"saved to {saved_to}")


def open_log(command: CommandSettings, system: System, stack: ExitStack) -> LogWriter:
    """Make the writer of the log for ``--log-output`` and ``--log-format``; ``stack`` closes its file.

    Raises:
        ConfigError: there is no such output, or its file cannot be written.
    """
    stream, is_tty = system.stderr, system.stderr_is_tty
    kind, _, file = command.log_output.partition("=")
    if kind == "stdout":
        stream, is_tty = system.stdout, system.stdout_is_tty
    elif kind == "file" or command.log_output == "none":
        path = system.path(file) if file else Path(os.devnull)
        try:
            stream, is_tty = stack.enter_context(path.open("a", encoding="utf-8")), False
        except OSError as error:
            fault = Fault("--log-output", f"{file} cannot be written: {error.strerror}")
            raise ConfigError((fault,)) from None
    elif kind != "stderr":
        hint = "it is stderr, stdout, none or file=PATH"
        raise ConfigError((Fault("--log-output", f"there is no output {command.log_output!r}", hint),))
    return LogWriter(
        stream,
        is_tty=is_tty,
        colour=is_tty and system.color and not command.no_color,
        log_format=command.log_format,
        verbose=command.verbose,
    )


def judged(result: RunResult, *, require_trust: bool) -> tuple[Snapshot, SwellError | None]:
    """The snapshot with the exit code that the command will have, and the error where trust is missing."""
    snapshot = result.snapshot
    verdict = snapshot.verdict
    if not require_trust or result.cause is not None or verdict is None or verdict.level == "trusted":
        return snapshot, None
    message = f"the measurement is {verdict.level}, and --require-trust asks for more"
    run = msgspec.structs.replace(snapshot.run, exit_code=int(ExitCode.UNTRUSTED))
    return msgspec.structs.replace(snapshot, run=run), SwellError(
        message, exit_code=ExitCode.UNTRUSTED, slug="untrusted"
    )


def advanced(snapshot: Snapshot, by_ns: int) -> Snapshot:
    """``snapshot`` with its clocks ``by_ns`` later; what was counted stays as it was."""
    if snapshot.run.status != "running" or by_ns <= 0:
        return snapshot
    run = msgspec.structs.replace(snapshot.run, duration_ns=snapshot.run.duration_ns + by_ns)
    return msgspec.structs.replace(
        snapshot, run=run, scenarios=tuple(_advanced_scenario(state, by_ns) for state in snapshot.scenarios)
    )


def _advanced_scenario(state: ScenarioState, by_ns: int) -> ScenarioState:
    if state.status not in {"waiting", "running"}:
        return state
    elapsed_ns = state.elapsed_ns + by_ns
    progress = state.progress
    if state.status == "running" and state.iterations_total is None and state.duration_ns > 0:
        progress = min(1.0, elapsed_ns / state.duration_ns)
    return msgspec.structs.replace(state, elapsed_ns=elapsed_ns, progress=progress)
