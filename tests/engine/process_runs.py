"""Runs real worker processes for the tests marked ``process``."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from swell.config.options import Options
from swell.config.scenarios import PerVUIterations, Scenario
from swell.engine.coordinator import Coordinator, RunResult
from swell.engine.frames import LogLine
from swell.engine.lifecycle import Phase
from swell.engine.request import ResolvedPlan, RunListener, RunRequest
from swell.metrics.aggregate import SeriesRules, series_rules
from swell.metrics.snapshot import CounterValue, Snapshot
from swell.metrics.thresholds import parse_metric_key


@dataclass(frozen=True)
class FixedPlan:
    """A plan that does not depend on the script."""

    options: Options
    scenarios: tuple[Scenario, ...]
    rules: SeriesRules


class Recording(RunListener):
    """Keeps what it hears; ``on_line`` may act on a log line as it comes, ``on_enter`` on a phase."""

    def __init__(
        self,
        on_line: Callable[[str], None] | None = None,
        on_enter: Callable[[Phase], None] | None = None,
        on_second: Callable[[Snapshot], None] | None = None,
    ) -> None:
        self.phases: list[str] = []
        self.lines: list[LogLine] = []
        self.snapshots: list[Snapshot] = []
        self._on_line = on_line
        self._on_enter = on_enter
        self._on_second = on_second
        self.workers = 0

    @property
    def text(self) -> str:
        """All messages, a line each."""
        return "\n".join(line.message for line in self.lines)

    def on_phase(self, phase: Phase) -> None:
        self.phases.append(phase.value)
        if self._on_enter is not None:
            self._on_enter(phase)

    def on_plan(self, plan: ResolvedPlan, workers: int) -> None:
        self.workers = workers

    def on_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)
        if self._on_second is not None:
            self._on_second(snapshot)

    def on_log(self, line: LogLine, worker: int) -> None:
        self.lines.append(line)
        if self._on_line is not None:
            self._on_line(line.message)


def make_coordinator(
    folder: Path,
    source: str,
    listener: RunListener,
    *,
    options: Options | None = None,
    scenarios: Sequence[Scenario] = (PerVUIterations(name="default"),),
    init_timeout_ns: int = 30_000_000_000,
) -> Coordinator:
    """A coordinator for the native script ``source``."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(source))
    options = options or Options()
    keys = [parse_metric_key(key) for key in options.thresholds]
    plan = FixedPlan(options, tuple(scenarios), series_rules((), keys))
    request = RunRequest(
        path=str(script),
        language="native",
        resolve=lambda _exports: plan,
        make_summary=lambda snapshot: b'{"workers": %d}' % snapshot.run.workers,
        seed=7,
        init_timeout_ns=init_timeout_ns,
    )
    return Coordinator(request, listener)


def counted(result: RunResult, name: str) -> float:
    """The sum of a counter in the result; 0 where it was never added to."""
    state = result.snapshot.metric(name)
    if state is None:
        return 0
    assert isinstance(state.value, CounterValue)
    return state.value.count
