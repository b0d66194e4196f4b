"""One virtual user in the calling greenlet, without workers: for ``swell debug`` and for tests of front ends.

Everything runs where it is called, so breakpoints, ``pdb`` and profilers see an ordinary Python program.
"""

from collections.abc import Callable, Mapping

import msgspec

from swell.base.clock import Clock
from swell.config.options import Options
from swell.config.scenarios import Scenario
from swell.engine.invariants import InvariantScript, check_invariants
from swell.engine.script import RunStatistics, Script
from swell.engine.vu import VU, ControlFlow, RunAborted, current_vu
from swell.metrics.invariants import InvariantState
from swell.metrics.samples import SAMPLE, ErrorTable, Recorder
from swell.metrics.tags import TagRegistry

Log = Callable[[str, str, Mapping[str, str]], None]


class Measured(msgspec.Struct, frozen=True):
    """One recorded value."""

    metric: str
    tags: dict[str, str]
    time_ns: int
    value: float


class ForegroundRuntime:
    """A ``ScriptRuntime`` that keeps what is recorded, and what the script asked of the run.

    With ``on_sample`` each value goes there at once instead.
    """

    def __init__(
        self,
        options: Options,
        env: dict[str, str],
        clock: Clock,
        *,
        seed: int = 0,
        worker_index: int = 0,
        worker_count: int = 1,
        log: Log | None = None,
        on_sample: Callable[[Measured], None] | None = None,
    ) -> None:
        self.options = options
        self.scenarios: tuple[Scenario, ...] = ()
        self.env = env
        self.clock = clock
        self.seed = seed
        self.worker_index = worker_index
        self.worker_count = worker_count
        self.registry = TagRegistry()
        self.run_tags = self.registry.intern(options.tags)
        self.recorder = Recorder(self._keep)
        if on_sample is not None:
            # Front ends bind it when the script is prepared, which is later.
            self.recorder.keep_sample = lambda record: on_sample(self._measured(*SAMPLE.unpack(record)))
        self.errors = ErrorTable()
        self.aborted: str | None = None
        self.marked_failed: str | None = None
        self.iterations_completed = 0
        self._log = log
        self._records: list[bytes] = []
        self._started_ns = clock.now_ns()

    def log(self, level: str, message: str, **fields: str) -> None:
        """Pass a line on to the log."""
        if self._log is not None:
            self._log(level, message, fields)

    def abort_run(self, message: str) -> None:
        """Keep the first message."""
        if self.aborted is None:
            self.aborted = message

    def mark_failed(self, message: str) -> None:
        """Keep the first message."""
        if self.marked_failed is None:
            self.marked_failed = message

    def run_statistics(self) -> RunStatistics:
        """Counts of the one VU."""
        elapsed = self.clock.now_ns() - self._started_ns
        return RunStatistics(elapsed, self.iterations_completed, 0, 1, 1)

    def measured(self, metric: str | None = None) -> list[Measured]:
        """All samples so far, or those of ``metric``, in the order in which they were recorded.

        Requests are not among them: they are records of their own.
        """
        self.recorder.flush()
        found = []
        for record in self._records:
            for fields in SAMPLE.iter_unpack(record):
                measured = self._measured(*fields)
                if metric is None or measured.metric == metric:
                    found.append(measured)
        return found

    def _measured(self, series: int, time_ns: int, value: float) -> Measured:
        name, tags = self.registry.series_key(series)
        return Measured(name, tags.as_dict(), time_ns, value)

    def _keep(self, _http: bytes, samples: bytes) -> None:
        if samples:
            self._records.append(bytes(samples))


class ForegroundRun:
    """Runs a prepared script's functions one after another, as VU 0 and VU 1 of a run with one VU."""

    def __init__(self, script: Script, runtime: ForegroundRuntime) -> None:
        """Prepare ``script``. Raises ``ConfigError`` where it has faults."""
        self._script = script
        self._runtime = runtime
        self._setup_data: bytes | None = None
        self._vu: VU | None = None
        script.prepare(runtime)

    def setup(self) -> bytes | None:
        """Run setup where the script has one. Raises ``ScriptError``."""
        if self._script.exports.has_setup:
            self._setup_data = self._script.setup(self._lifecycle_vu("::setup"))
        return self._setup_data

    def iterate(self, scenario: Scenario) -> BaseException | None:
        """Run one iteration of ``scenario``; what it raised, or None.

        Only interruptions from outside (Ctrl+C, leaving a debugger) go through.
        """
        vu = self._activated(scenario)
        error: BaseException | None = None
        token = current_vu.set(vu)
        try:
            self._script.iteration(vu, scenario.exec, self._setup_data)()
        except RunAborted as raised:
            self._runtime.abort_run(raised.message)
            error = raised
        except (ControlFlow, Exception) as raised:  # noqa: BLE001  # a script may raise anything
            error = raised
        finally:
            self._script.end_iteration(vu)
            current_vu.reset(token)
        if not isinstance(error, ControlFlow):
            self._runtime.iterations_completed += 1
        vu.iteration += 1
        vu.iteration_in_scenario += 1
        return error

    def invariants(self) -> tuple[InvariantState, ...]:
        """Check the script's invariants, where it has any."""
        if not isinstance(self._script, InvariantScript):
            return ()
        runtime = self._runtime
        vu = self._lifecycle_vu("::invariants")
        return check_invariants(self._script, vu, self._setup_data, runtime.clock)

    def teardown(self) -> None:
        """Run teardown where the script has one. Raises ``ScriptError``."""
        if self._script.exports.has_teardown:
            self._script.teardown(self._lifecycle_vu("::teardown"), self._setup_data)

    def close(self) -> None:
        """Close the VU's connections."""
        if self._vu is not None and self._vu.client is not None:
            self._vu.client.close()

    def _lifecycle_vu(self, group: str) -> VU:
        vu = VU(0, self._runtime)
        self._script.new_vu(vu)
        vu.group = group
        if "group" in self._runtime.options.system_tags:
            vu.base_tags = vu.tags = self._runtime.registry.extend(vu.base_tags, {"group": group})
        return vu

    def _activated(self, scenario: Scenario) -> VU:
        runtime = self._runtime
        vu = self._vu
        if vu is None:
            vu = self._vu = VU(1, runtime)
            self._script.new_vu(vu)
        if vu.scenario != scenario.name:
            vu.scenario = scenario.name
            vu.iteration_in_scenario = 0
            vu.scenario_started_ns = runtime.clock.now_ns()
            vu.exec_name = scenario.exec
            vu.executor = str(type(scenario).__struct_config__.tag)
            vu.env = {**runtime.env, **scenario.env}
            system = runtime.options.system_tags
            tags = {"scenario": scenario.name} if "scenario" in system else {}
            tags |= {"group": ""} if "group" in system else {}
            vu.base_tags = runtime.registry.extend(runtime.run_tags, tags | scenario.tags)
        vu.iteration_in_worker = vu.iteration_in_scenario
        vu.tags = vu.base_tags
        vu.group = ""
        return vu
