"""A worker's runtime and a script in plain Python, on the virtual clock, for the tests of the executors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent

from swell.base.clock import NS_PER_SECOND
from swell.config.options import Options
from swell.config.scenarios import Scenario
from swell.engine.executor import Executor, ExecutorEnvironment
from swell.engine.executors import make_executor
from swell.engine.script import ScriptExports
from swell.engine.vu import VU
from swell.metrics.samples import SAMPLE, ErrorTable, Recorder
from swell.metrics.tags import TagRegistry
from swell.testing.clock import VirtualClock

S = NS_PER_SECOND

# What one iteration does: gets the harness and its VU.
Body = Callable[["Harness", VU], None]


@dataclass
class Started:
    """One iteration as its script saw it; times in nanoseconds."""

    at_ns: int
    vu: int
    slot: int
    number: int
    scenario: str
    ended_ns: int | None = None


@dataclass
class Harness:
    """One worker: ``run`` runs scenarios side by side from the virtual instant 0."""

    body: Body
    worker_index: int = 0
    worker_count: int = 1
    seed: int = 1
    options: Options = field(default_factory=Options)
    clock: Any = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.registry = TagRegistry()
        self.recorder = Recorder()
        self.errors = ErrorTable()
        self.run_tags = self.registry.intern(self.options.tags)
        self.env = {"RUN": "1"}
        self.exports = ScriptExports(options={}, functions=("default",))
        self.logged: list[tuple[str, str]] = []
        self.aborted: list[str] = []
        self.begun: list[Started] = []
        self.described = 0
        self.reset_vus: list[int] = []
        self.environment = ExecutorEnvironment(self, self)  # type: ignore[arg-type]

    # ScriptRuntime

    def log(self, level: str, message: str, **fields: str) -> None:
        self.logged.append((level, message))

    def abort_run(self, message: str) -> None:
        self.aborted.append(message)

    # Script

    def new_vu(self, vu: VU) -> None:
        vu.language = []

    def iteration(self, vu: VU, function: str, setup_data: bytes | None) -> Callable[[], None]:
        def iterate() -> None:
            started = Started(self.clock.now_ns(), vu.id, vu.slot, vu.iteration_number, vu.scenario)
            self.begun.append(started)
            self.body(self, vu)
            started.ended_ns = self.clock.now_ns()

        return iterate

    def end_iteration(self, vu: VU) -> None:
        self.reset_vus.append(vu.id)

    def describe_exception(self, error: BaseException) -> str:
        self.described += 1
        return f"script.py:1: {error!r}"

    # For tests

    def executor(self, scenario: Scenario) -> Executor:
        return make_executor(scenario, self.environment)

    def run(self, *scenarios: Scenario, stop_at_ns: int | None = None) -> list[Executor]:
        """The executors after their run; ``stop`` is called on all at ``stop_at_ns``."""
        executors = [self.executor(scenario) for scenario in scenarios]

        def main() -> None:
            tasks = [gevent.spawn(executor.run, 0, b'"data"') for executor in executors]
            if stop_at_ns is not None:
                self.clock.sleep_until_ns(stop_at_ns)
                for executor in executors:
                    executor.stop()
            for task in tasks:
                task.get()

        self.clock.run(main)
        return executors

    def run_one(self, scenario: Scenario, stop_at_ns: int | None = None) -> Executor:
        return self.run(scenario, stop_at_ns=stop_at_ns)[0]

    def samples(self, metric: str) -> list[tuple[int, float]]:
        """(time, value) of the samples of ``metric`` recorded until now, in order of recording."""
        self._collected = [*getattr(self, "_collected", []), *SAMPLE.iter_unpack(self.recorder.take()[1])]
        return [
            (time_ns, value)
            for series, time_ns, value in self._collected
            if self.registry.series_key(series)[0] == metric
        ]

    @property
    def starts(self) -> list[int]:
        """When iterations began, in order."""
        return [started.at_ns for started in self.begun]


def takes(seconds: float) -> Body:
    """An iteration that lasts ``seconds`` of virtual time."""
    duration_ns = int(seconds * S)

    def body(harness: Harness, vu: VU) -> None:
        harness.clock.sleep_until_ns(harness.clock.now_ns() + duration_ns)

    return body


def outcome(executor: Executor) -> tuple[int, int, int]:
    """(completed, interrupted, dropped) of a finished executor, whose counts must add up."""
    counts = executor.counts
    assert counts.started == counts.completed + counts.interrupted
    assert counts.vus == 0
    return counts.completed, counts.interrupted, counts.dropped
