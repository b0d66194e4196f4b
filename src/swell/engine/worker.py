"""The worker: carries out the coordinator's frames around one loaded script. Imported after patching only.

The main greenlet reads frames; whatever may take long (setup, scenarios, teardown, handle_summary) runs in
greenlets of its own, so that a stop is always heard.
"""

import os
import resource
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import gevent

from swell.base.clock import NS_PER_SECOND, Clock
from swell.base.errors import ScriptError, SwellError
from swell.config.options import Options
from swell.engine import frames
from swell.engine.clock import GeventClock
from swell.engine.executor import Executor, ExecutorEnvironment
from swell.engine.executors import make_executor
from swell.engine.invariants import InvariantScript, check_invariants
from swell.engine.memory import settle as settle_memory
from swell.engine.rawsamples import RawRecorder, SampleFlow
from swell.engine.schedule import planned_vus
from swell.engine.script import LEARNED, Log, RunStatistics, Script
from swell.engine.settlement import longest_check_ns
from swell.engine.telemetry import Telemetry
from swell.engine.uplink import WorkerChannel
from swell.engine.vu import VU, ControlFlow, IterationInterrupted, RunAborted, current_vu
from swell.engine.watchdog import HubPulse
from swell.metrics.samples import ErrorTable, Recorder
from swell.metrics.tags import TagRegistry
from swell.metrics.worker_aggregate import WorkerAggregator

if TYPE_CHECKING:
    from swell.config.scenarios import Scenario

LoadScript = Callable[[frames.Load, Log], Script]

# What a worker has open besides its VUs' connections: its own channels, files of libraries, resolvers.
OWN_DESCRIPTORS = 50
# The last frames must leave the process; a coordinator that does not read them for so long is gone.
FLUSH_S = 2.0
# For reading worker 0's own ledgers, before the invariants' own time begins.
LEDGER_NS = 60 * NS_PER_SECOND
# A function of the script that is cut short has ended by then, or is told of without what it did last.
_ENDS_WITHIN_S = 1.0


class Worker:
    """One worker process; it is the ``ScriptRuntime`` of its script."""

    def __init__(
        self,
        channel: WorkerChannel,
        load_script: LoadScript,
        pulse: HubPulse | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.options = Options()
        self.scenarios: tuple[Scenario, ...] = ()
        self.worker_index = 0
        self.worker_count = 1
        self.seed = 0
        self.clock: Clock = clock or GeventClock()
        self.registry = TagRegistry()
        self.recorder = Recorder()
        self.errors = ErrorTable()
        self.run_tags = self.registry.empty
        self.env: dict[str, str] = {}
        self._channel = channel
        self._load_script = load_script
        self._pulse = pulse or HubPulse()
        self._script: Script | None = None
        self._executors: dict[str, Executor] = {}
        self._environment: ExecutorEnvironment | None = None
        self._telemetry: Telemetry | None = None
        self._start_ns = 0
        self._setup_data: bytes | None = None
        self._pending: set[str] = set()
        self._running: set[str] = set()
        self._is_stopped = False
        self._is_finished = False
        # Setup or the invariants, while they run: a stop ends them.
        self._stage_task: gevent.Greenlet[..., None] | None = None
        self._dropped_lines = 0
        self._flow: SampleFlow | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            frames.Load: self._on_load,
            frames.Plan: self._on_plan,
            frames.RunSetup: self._on_setup,
            frames.Start: self._on_start,
            frames.StartScenario: self._on_start_scenario,
            frames.Stop: self._on_stop,
            frames.TakeLedgers: self._on_take_ledgers,
            frames.AddLedgers: self._on_add_ledgers,
            frames.CheckInvariants: self._on_check_invariants,
            frames.RunTeardown: self._on_teardown,
            frames.RunHandleSummary: self._on_handle_summary,
            frames.SamplesTaken: self._on_samples_taken,
        }

    def __repr__(self) -> str:
        return f"<Worker {self.worker_index} of {self.worker_count}, running {sorted(self._running)}>"

    def run(self) -> None:
        """Serve the coordinator until it says Exit or goes away."""
        self._channel.send(frames.Hello(os.getpid(), sys.version.split()[0]))
        for frame in self._channel:
            if isinstance(frame, frames.Exit):
                self._channel.send(frames.Bye())
                self._channel.flush(FLUSH_S)
                return
            self._handlers[type(frame)](frame)

    # What a script may ask for (ScriptRuntime).

    def log(self, level: str, message: str, **fields: str) -> None:
        """Send a log line up; dropped and counted while the coordinator is behind, unless it is no line."""
        if self._channel.is_backlogged and level != LEARNED:
            self._dropped_lines += 1
            return
        if self._dropped_lines:
            text = f"{self._dropped_lines} log lines were dropped: there were more than could be shown"
            self._dropped_lines = 0
            self._channel.send(frames.LogLine("warning", text))
        self._channel.send(frames.LogLine(level, message, fields))

    def abort_run(self, message: str) -> None:
        """Ask for the end of the whole run."""
        self._channel.send(frames.AbortRequested(message))

    def mark_failed(self, message: str) -> None:
        """Mark the run as failed."""
        self._channel.send(frames.MarkedFailed(message))

    def run_statistics(self) -> RunStatistics:
        """The worker's share of what is running now."""
        counts = [executor.counts for executor in self._executors.values()]
        return RunStatistics(
            elapsed_ns=max(0, self.clock.now_ns() - self._start_ns) if self._start_ns else 0,
            iterations_completed=sum(count.completed for count in counts),
            iterations_interrupted=sum(count.interrupted for count in counts),
            vus_active=sum(count.vus for count in counts),
            vus_initialized=self._environment.pool.initialized if self._environment else 0,
        )

    # Loading and the plan.

    def _on_load(self, frame: frames.Load) -> None:
        self.env = frame.env
        self.seed = frame.seed
        try:
            self._script = self._load_script(frame, self.log)
        except BaseException as error:  # noqa: BLE001 - a script may raise anything, SystemExit too
            self._fail("load", error)
            return
        self._channel.send(frames.Loaded(self._script.exports))

    def _on_plan(self, frame: frames.Plan) -> None:
        script = self._script
        if script is None:
            return
        self.options = frame.options
        self.scenarios = frame.scenarios
        self.worker_index = frame.worker_index
        self.worker_count = frame.worker_count
        self.seed = frame.seed
        self.run_tags = self.registry.intern(frame.options.tags)
        aggregator = WorkerAggregator(self.registry, frame.rules, self.clock.now_ns())
        self.recorder.on_full = aggregator.consume
        self._environment = ExecutorEnvironment(self, script)
        if frame.options.out:
            self._send_raw_samples(self._environment, aggregator)
        try:
            script.prepare(self)
            planned = planned_vus(frame.scenarios, frame.worker_index, frame.worker_count)
            self._check_descriptors(planned)
            self._environment.pool.initialize(planned)
            for scenario in frame.scenarios:
                self._executors[scenario.name] = make_executor(scenario, self._environment)
        except BaseException as error:  # noqa: BLE001 - as in _on_load
            self._fail("init", error)
            return
        self._pending = {scenario.name for scenario in frame.scenarios if scenario.after is not None}
        self._telemetry = Telemetry(
            self._channel,
            self.clock,
            self._pulse,
            self.registry,
            self.recorder,
            self.errors,
            aggregator,
            lambda: tuple(self._counts_of_all()),
        )
        settle_memory()
        self._telemetry.begin()
        self._channel.send(frames.Ready())

    def _send_raw_samples(self, environment: ExecutorEnvironment, aggregator: WorkerAggregator) -> None:
        """Outputs ask for every sample: send them up, and hold VUs while the writer is behind."""
        turn = environment.turn
        self._flow = flow = SampleFlow()

        def hold() -> None:
            turn.hold, turn.due_ns = wait, 0

        def wait() -> None:
            flow.wait()
            if not flow.is_held:
                turn.hold = None

        flow.on_hold = hold
        self.recorder = RawRecorder(aggregator.consume, self.registry, flow, self._channel.send)

    def _on_samples_taken(self, frame: frames.SamplesTaken) -> None:
        if self._flow is not None:
            self._flow.taken(frame.size)

    def _check_descriptors(self, vus: int) -> None:
        """Warn before the start, not in the middle: a VU has at least one connection."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if vus + OWN_DESCRIPTORS > limit:
            self.log(
                "warning",
                f"worker {self.worker_index} makes {vus} VUs but may open {limit} descriptors only: "
                "raise the limit (ulimit -n) or use more workers",
            )

    # Scenarios.

    def _on_start(self, frame: frames.Start) -> None:
        self._start_ns = frame.at_ns
        self._setup_data = frame.setup_data
        if self._telemetry is not None:
            self._telemetry.align(frame.at_ns)
        for name in self._executors:
            if name not in self._pending:
                self._start_executor(name, frame.at_ns)
        self._finish_when_done()

    def _on_start_scenario(self, frame: frames.StartScenario) -> None:
        if not self._is_stopped and frame.name in self._pending:
            self._pending.discard(frame.name)
            self._start_executor(frame.name, frame.at_ns)

    def _start_executor(self, name: str, at_ns: int) -> None:
        self._running.add(name)
        gevent.spawn(self._run_executor, self._executors[name], at_ns)

    def _run_executor(self, executor: Executor, at_ns: int) -> None:
        try:
            executor.run(at_ns, self._setup_data)
        except BaseException as error:  # noqa: BLE001 - what making a VU ready raised: the script's
            self._fail("init", error)
        self._running.discard(executor.name)
        self._channel.send(frames.ScenarioDone(executor.name))
        self._finish_when_done()

    def _on_stop(self, _frame: frames.Stop) -> None:
        self._is_stopped = True
        self._pending.clear()
        if self._stage_task is not None:
            self._stage_task.kill(IterationInterrupted, block=False)
        for name in self._running:
            self._executors[name].stop()
        self._finish_when_done()

    def _finish_when_done(self) -> None:
        if self._running or self._pending or self._is_finished:
            return
        self._is_finished = True
        self._send_rest()
        self._channel.send(frames.Finished())

    def _counts_of_all(self) -> Iterator[frames.ScenarioCounts]:
        initialized = self._environment.pool.initialized if self._environment else 0
        for executor in self._executors.values():
            counts = executor.counts
            yield frames.ScenarioCounts(
                name=executor.name,
                status=executor.status.value,
                started=counts.started,
                completed=counts.completed,
                interrupted=counts.interrupted,
                dropped=counts.dropped,
                vus=counts.vus,
                initialized_vus=initialized,
            )

    # Ledgers and invariants.

    def _on_take_ledgers(self, _frame: frames.TakeLedgers) -> None:
        part, is_last = self._audited().take_ledgers()
        self._channel.send(frames.LedgerPart(part, is_last))

    def _on_add_ledgers(self, frame: frames.AddLedgers) -> None:
        self._audited().add_ledgers(frame.part)
        self._channel.send(frames.LedgersAdded())

    def _on_check_invariants(self, frame: frames.CheckInvariants) -> None:
        script = self._audited()

        def check(vu: VU) -> frames.InvariantsChecked:
            states = check_invariants(script, vu, frame.setup_data, self.clock, frame.missing)
            return frames.InvariantsChecked(states, script.ledger_states())

        def done(checked: frames.InvariantsChecked) -> None:
            self._measure_again()
            self._channel.send(checked)

        longest_ns = longest_check_ns(script.exports.invariants) + LEDGER_NS
        self._stage_task = gevent.spawn(self._in_time, "invariants", longest_ns, check, done)

    def _audited(self) -> InvariantScript:
        """The script, for its ledgers; what they and the looks cost, and ask the target, is no load."""
        script = self._loaded()
        if self._telemetry is not None:
            self._telemetry.pause()
        if not isinstance(script, InvariantScript):
            raise TypeError("the script has no ledgers")
        return script

    # Setup, teardown and handle_summary: VU 0, with a time-out.

    def _on_setup(self, _frame: frames.RunSetup) -> None:
        def done(data: bytes | None) -> None:
            self._send_rest()
            self._channel.send(frames.SetupDone(data))

        script = self._loaded()
        self._stage_task = gevent.spawn(
            self._in_time, "setup", self.options.setup_timeout_ns, script.setup, done
        )

    def _measure_again(self) -> None:
        if self._telemetry is not None:
            self._telemetry.resume()

    def _on_teardown(self, frame: frames.RunTeardown) -> None:
        self._measure_again()

        def teardown(vu: VU) -> None:
            script.teardown(vu, frame.setup_data)

        def done(_: None) -> None:
            self._send_rest()
            self._channel.send(frames.TeardownDone())

        script = self._loaded()
        gevent.spawn(self._in_time, "teardown", self.options.teardown_timeout_ns, teardown, done)

    def _on_handle_summary(self, frame: frames.RunHandleSummary) -> None:
        def handle(vu: VU) -> dict[str, bytes] | None:
            files = script.handle_summary(vu, frame.summary)
            if files is None:
                return None
            return {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}

        def done(files: dict[str, bytes] | None) -> None:
            self._channel.send(frames.SummaryHandled(files))

        script = self._loaded()
        gevent.spawn(self._in_time, "handle_summary", self.options.handle_summary_timeout_ns, handle, done)

    def _in_time(
        self, stage: str, timeout_ns: int, function: Callable[[VU], Any], done: Callable[[Any], None]
    ) -> None:
        """Call a function of the script as VU 0 and report what came of it, or that time was up."""
        task = gevent.spawn(self._as_vu_zero, stage, function)
        timer = gevent.spawn(self.clock.sleep_until_ns, self.clock.now_ns() + timeout_ns)
        try:
            gevent.wait((task, timer), count=1)
        except ControlFlow:
            task.kill(IterationInterrupted, block=False)
            return
        finally:
            timer.kill(block=False)
        if not task.ready():
            # Waited for, so that what it has sent and received is told as its own; not for long, though.
            task.kill(IterationInterrupted, timeout=_ENDS_WITHIN_S)
            self._send_rest()
            self._channel.send(frames.ScriptFailed(stage, "time is up", "", timed_out=True))
            return
        value, error = task.get()
        if error is None:
            done(value)
        else:
            self._send_rest()
            self._fail(stage, error)

    def _as_vu_zero(self, stage: str, function: Callable[[VU], Any]) -> tuple[Any, BaseException | None]:
        vu = VU(0, self)
        result: tuple[Any, BaseException | None]
        try:
            if stage != "handle_summary" and "group" in self.options.system_tags:
                # k6 tags what setup and teardown measure with a group of that name.
                vu.group = f"::{stage}"
                vu.base_tags = vu.tags = self.registry.extend(self.run_tags, {"group": vu.group})
            current_vu.set(vu)
            self._loaded().new_vu(vu)
            result = function(vu), None
        except BaseException as error:  # noqa: BLE001 - as in _on_load
            result = None, error
        if stage != "handle_summary":
            # Of 0 bytes: for outputs it ends what this function has sent and received.
            self.recorder.sample(self.registry.series("data_sent", vu.tags), self.clock.now_ns(), 0.0)
        return result

    # Helpers.

    def _loaded(self) -> Script:
        if self._script is None:
            raise RuntimeError("no script is loaded")
        return self._script

    def _send_rest(self) -> None:
        if self._telemetry is not None:
            self._telemetry.send_rest()

    def _fail(self, stage: str, error: BaseException) -> None:
        """Report what the script raised outside of iterations."""
        match error:
            case RunAborted():
                failed = frames.ScriptFailed(stage, error.message, "", aborted=True)
            case ScriptError():
                failed = frames.ScriptFailed(
                    stage, error.message, error.stack, error.hint, exit_code=error.exit_code
                )
            case SwellError():
                failed = frames.ScriptFailed(
                    stage, error.message, "", error.hint, exit_code=error.exit_code, slug=error.slug
                )
            case _:
                text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                failed = frames.ScriptFailed(stage, f"{stage}: {text}", self._describe(error))
        self._channel.send(failed)

    def _describe(self, error: BaseException) -> str:
        if self._script is not None:
            return self._script.describe_exception(error)
        return "".join(traceback.format_exception(error))
