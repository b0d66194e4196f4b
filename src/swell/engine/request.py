"""What the caller of a run gives (the request) and hears (the listener)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from swell.base.clock import NS_PER_SECOND
from swell.config.options import Options
from swell.config.scenarios import Scenario
from swell.engine.frames import Load, LogLine, Samples
from swell.engine.lifecycle import Phase
from swell.engine.script import ScriptExports
from swell.metrics.aggregate import SeriesRules
from swell.metrics.snapshot import Snapshot


class ResolvedPlan(Protocol):
    """What the option layers come to."""

    @property
    def options(self) -> Options:
        """All options, scenarios apart."""
        ...

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios, validated."""
        ...

    @property
    def rules(self) -> SeriesRules:
        """Which series are kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What is to run, and what the caller decides along the way.

    ``resolve`` turns the script's exports into the plan and raises ``ConfigError`` with every fault.
    ``make_summary`` makes the JSON that handle_summary receives. ``seed`` serves where the options name none.
    """

    path: str
    language: str
    resolve: Callable[[ScriptExports], ResolvedPlan]
    make_summary: Callable[[Snapshot], bytes]
    env: dict[str, str] = field(default_factory=dict)
    # For the front end: pairs of an option's name and its value.
    arguments: tuple[str, ...] = ()
    content: bytes | None = None
    seed: int = 0
    init_timeout_ns: int = 120 * NS_PER_SECOND

    def load_frame(self) -> Load:
        """What a worker is told of the script."""
        return Load(self.path, self.language, self.env, self.arguments, self.content, self.seed)


class RunListener:
    """Hears of what happens; the base class ignores it all. Every method must return quickly."""

    def on_phase(self, phase: Phase) -> None:
        """The run has entered ``phase``."""

    def on_plan(self, plan: ResolvedPlan, workers: int) -> None:
        """The options are resolved; ``workers`` processes make the VUs now."""

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """All workers have reported the last second."""

    def on_log(self, line: LogLine, worker: int) -> None:
        """A line for the log, from the script, a worker or the run itself."""

    def on_samples(self, worker: int, samples: Samples) -> None:
        """Raw samples of a worker; only where the plan's options name an output."""

    def on_gauges(self, at_ns: int, values: Mapping[str, float]) -> None:
        """Values of the run as a whole, sampled at ``at_ns`` (monotonic); none while nothing runs."""

    def samples_taken(self) -> Mapping[int, int]:
        """Bytes of raw samples that outputs have written since the last call, by worker."""
        return {}

    def on_tick(self, now_ns: int) -> None:
        """About ten times a second, to redraw what depends on time alone."""
