"""What a run has come to so far: deltas, counts and health added up, and snapshots of it all."""

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

import swell
from swell.base.clock import NS_PER_MS, NS_PER_SECOND, wall_ns
from swell.base.errors import ExitCode
from swell.config.scenarios import Scenario
from swell.engine.frames import Progress, ScenarioCounts
from swell.engine.lifecycle import Cause, Phase
from swell.engine.plan import max_possible_vus, max_regular_duration_ns
from swell.engine.progress import ScenarioSpan, own_max_vus, scenario_state
from swell.engine.request import ResolvedPlan
from swell.engine.schedule import planned_vus, regular_duration_ns
from swell.engine.trust import HealthTotals, verdict_input
from swell.metrics.invariants import InvariantState, LedgerState
from swell.metrics.run_aggregate import RunAggregate
from swell.metrics.snapshot import RunInfo, ScenarioState, Snapshot, ThresholdResult
from swell.metrics.verdict import reach_verdict

_ENDED = frozenset({"done", "interrupted"})
# A round of deltas that was due at the end of the plan is complete within this time.
PLAN_END_NS = 200 * NS_PER_MS
# k6 judges thresholds this often; else every round of deltas counts.
K6_JUDGING_NS = 2 * NS_PER_SECOND
# Causes that somebody or some rule wanted; the others are faults.
_WANTED = frozenset({ExitCode.EXTERNAL_ABORT, ExitCode.SCRIPT_ABORTED, ExitCode.THRESHOLDS_FAILED})


RunStatus = Literal["running", "finished", "aborted", "failed"]


class RunResults:
    """Adds up one run; the conductor's memory of everything measured."""

    def __init__(self, script: str, language: str = "native") -> None:
        self._script = script
        self._language = language
        # How often thresholds are judged while the run goes on: runs that abort do as much as in k6.
        self._judging_ns = K6_JUDGING_NS if language == "k6" else 0
        self._next_judging_ns = self._judging_ns
        # When ``vus`` is next sampled while no scenario runs.
        self._idle_due_ns = 0
        self._plan: ResolvedPlan | None = None
        self._workers = 0
        self._seed = 0
        self._aggregate: RunAggregate | None = None
        self._begun_ns = 0
        self._begun_at = ""
        self._ended_ns: int | None = None
        self._run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        self._spans: dict[str, ScenarioSpan] = {}
        self._counts: dict[int, dict[str, ScenarioCounts]] = {}
        self._setup_data: bytes | None = None
        self._health = HealthTotals(script)
        self._max_vus: dict[str, int] = {}
        self._max_vus_of_all = 0
        self._planned_ns = 0
        self._gone: set[int] = set()
        self._invariants: tuple[InvariantState, ...] = ()
        self._ledgers: tuple[LedgerState, ...] = ()
        # Time that is no part of the run: rates do not count the wait until the target is consistent.
        self._paused_since_ns: int | None = None
        self._paused_ns = 0
        self.lost_workers: list[int] = []

    def __repr__(self) -> str:
        return f"<RunResults {self._run_id} workers={self._workers} lost={self.lost_workers}>"

    @property
    def has_ended_scenarios(self) -> bool:
        """Whether scenarios ran, if only for a moment."""
        return bool(self._spans) and self._ended_ns is not None

    @property
    def has_started(self) -> bool:
        """Whether there is anything to take a snapshot of."""
        return self._aggregate is not None

    # In.

    def plan(self, plan: ResolvedPlan, workers: int, seed: int) -> None:
        """The plan is known."""
        self._plan = plan
        self._workers = workers
        self._seed = seed
        # Once: a ramp's plan is long, and a snapshot is taken every second.
        self._max_vus = {scenario.name: own_max_vus(scenario) for scenario in plan.scenarios}
        self._max_vus_of_all = max_possible_vus(plan.scenarios)
        self._planned_ns = max_regular_duration_ns(plan.scenarios)

    def begin(self, now_ns: int) -> None:
        """The run begins, with setup where there is one; rates count from here. The first call counts."""
        if self._aggregate is not None:
            return
        plan = self._planned()
        options = plan.options
        self._begun_ns = now_ns
        self._idle_due_ns = now_ns + NS_PER_SECOND
        begun_wall = datetime.fromtimestamp(wall_ns() / 1e9, UTC)
        self._begun_at = begun_wall.isoformat(timespec="milliseconds")
        thresholds = {} if options.no_thresholds else options.thresholds
        self._aggregate = RunAggregate(
            plan.rules, thresholds, require_data=options.require_data, started_ns=now_ns
        )

    def start(self, at_ns: int, setup_data: bytes | None) -> None:
        """The scenarios start at ``at_ns``."""
        self.begin(at_ns)
        self._setup_data = setup_data
        for scenario in self._planned().scenarios:
            if scenario.after is None:
                self.start_scenario(scenario, at_ns)

    def start_scenario(self, scenario: Scenario, at_ns: int) -> None:
        """``scenario`` counts from ``at_ns``."""
        self._spans[scenario.name] = ScenarioSpan(at_ns + scenario.start_time_ns)

    def add(self, worker: int, progress: Progress, now_ns: int) -> None:
        """Add what a worker has measured."""
        if self._aggregate is None:
            return
        self._aggregate.add(progress.delta, worker)
        self._health.add(progress.health, worker)
        self._counts[worker] = {count.name: count for count in progress.scenarios}
        if worker in self._gone:
            self.forget(worker)
        self._close_spans(now_ns)

    def forget(self, worker: int) -> None:
        """A worker is gone: what it did remains, its VUs do not."""
        self._gone.add(worker)
        self._counts[worker] = {
            name: count
            if count.status in _ENDED
            else msgspec.structs.replace(count, vus=0, initialized_vus=0, status="interrupted")
            for name, count in self._counts.get(worker, {}).items()
        }

    def lose(self, worker: int) -> None:
        """A worker ended before its work did: its last second is missing."""
        if worker not in self.lost_workers:
            self.lost_workers.append(worker)

    def finish(self, now_ns: int) -> None:
        """The scenarios, or then teardown, are over; the last call counts."""
        self._ended_ns = now_ns
        self._close_spans(now_ns)
        seconds = -(-max(0, now_ns - self._begun_ns) // NS_PER_SECOND)
        self._idle_due_ns = self._begun_ns + seconds * NS_PER_SECOND
        aggregate = self._aggregate
        if self._language == "k6" and aggregate is not None and seconds > 1 and "vus" not in aggregate.values:
            # k6's clock for it starts with setup: it has struck in a run that was too short for a round.
            vus = planned_vus(self._planned().scenarios)
            self._sample(vus if self._spans else 0, vus, now_ns)

    def pause(self, now_ns: int) -> None:
        """From here on nothing is measured, until ``settle``."""
        self._paused_since_ns = now_ns

    def settle(
        self, invariants: tuple[InvariantState, ...], ledgers: tuple[LedgerState, ...], now_ns: int
    ) -> None:
        """Keep what the invariants came to; what is measured from here on counts again."""
        self._invariants, self._ledgers = invariants, ledgers
        if self._paused_since_ns is not None:
            self._paused_ns += now_ns - self._paused_since_ns
            self._paused_since_ns = None

    def sample_gauges(self, now_ns: int) -> dict[str, float]:
        """Sample ``vus`` and ``vus_max`` over all workers, as k6 does once a second; the values by name."""
        if self._aggregate is None or (self._is_at_plans_end(now_ns) and "vus" in self._aggregate.values):
            return {}
        counts = self._counts.values()
        if all(count.status in _ENDED for worker in counts for count in worker.values()):
            return {}  # k6's ticker ends with the scenarios
        vus = sum(count.vus for worker in counts for count in worker.values())
        initialized = sum(
            max((count.initialized_vus for count in worker.values()), default=0) for worker in counts
        )
        return self._sample(vus, initialized, now_ns)

    def sample_idle(self, now_ns: int) -> dict[str, float]:
        """The same while setup or teardown runs, where it is due: k6 counts their seconds too."""
        if self._language != "k6" or self._aggregate is None or now_ns < self._idle_due_ns:
            return {}
        self._idle_due_ns += NS_PER_SECOND
        return self._sample(0, planned_vus(self._planned().scenarios), now_ns)

    def _sample(self, vus: int, initialized: int, now_ns: int) -> dict[str, float]:
        sampled: dict[str, float] = {"vus": vus, "vus_max": initialized}
        for name, value in sampled.items():
            if self._aggregate is not None:
                self._aggregate.gauge(name, value, now_ns)
        return sampled

    # Out.

    def judge(self, now_ns: int, *, final: bool, whole: bool = True) -> Sequence[ThresholdResult]:
        """The thresholds that do not hold now; a run that is not ``whole`` was ended early."""
        if self._aggregate is None:
            return ()
        elapsed_ns = self._elapsed_ns(now_ns)
        if self._judging_ns and not final:
            if elapsed_ns < self._next_judging_ns:
                return ()
            self._next_judging_ns = (elapsed_ns // self._judging_ns + 1) * self._judging_ns
        results = self._aggregate.judge(elapsed_ns, final=final, whole=whole)
        return [result for result in results if not result.ok]

    def snapshot(self, now_ns: int, cause: Cause | None, phase: Phase, *, ended_early: bool) -> Snapshot:
        """Everything known at ``now_ns``. Raises ``RuntimeError`` where nothing has begun."""
        if self._aggregate is None:
            raise RuntimeError("the run has not begun")
        plan = self._planned()
        options = plan.options
        over = phase in {Phase.SUMMARY, Phase.LEAVING, Phase.OVER}
        info = RunInfo(
            run_id=self._run_id,
            script=self._script,
            started_at=self._begun_at,
            duration_ns=self._elapsed_ns(now_ns),
            swell_version=swell.__version__,
            workers=self._workers,
            seed=self._seed,
            status=_run_status(cause, over=over, ended_early=ended_early),
            abort_reason=cause.message if cause is not None else "",
            exit_code=int(cause.code) if cause is not None else 0,
            summary_trend_stats=options.summary_trend_stats,
            summary_time_unit=options.summary_time_unit,
            scenarios_max_vus=self._max_vus_of_all,
            planned_ns=self._planned_ns,
            language=self._language,
        )
        states = self._states(now_ns)
        warnings = []
        # Where setup failed there were no scenarios that could have run longer.
        if over and self._spans and not any(state.iterations for state in states):
            warnings.append("no iteration was completed; consider a longer duration")
        if ended_early and self._invariants:
            warnings.append("the invariants are those of a run that ended early: what it wrote until then")
        snapshot = self._aggregate.snapshot(info, states, warnings=warnings, setup_data=self._setup_data)
        snapshot = msgspec.structs.replace(snapshot, invariants=self._invariants, ledgers=self._ledgers)
        if not over:
            return snapshot
        measured = verdict_input(
            self._health,
            self._aggregate,
            snapshot.errors,
            list(zip(plan.scenarios, states, strict=True)),
            lost_workers=len(self.lost_workers),
            interrupted=ended_early,
        )
        return msgspec.structs.replace(snapshot, verdict=reach_verdict(measured))

    # Helpers.

    def _planned(self) -> ResolvedPlan:
        if self._plan is None:
            raise RuntimeError("the plan is not known yet")
        return self._plan

    def _elapsed_ns(self, now_ns: int) -> int:
        ended_ns = now_ns if self._ended_ns is None else self._ended_ns
        return max(0, ended_ns - self._begun_ns - self._paused_ns)

    def _states(self, now_ns: int) -> list[ScenarioState]:
        return [
            scenario_state(
                scenario,
                self._counts_of(scenario.name),
                self._spans.get(scenario.name, ScenarioSpan()),
                now_ns,
                self._max_vus[scenario.name],
            )
            for scenario in self._planned().scenarios
        ]

    def _counts_of(self, name: str) -> list[ScenarioCounts]:
        return [worker[name] for worker in self._counts.values() if name in worker]

    def _is_at_plans_end(self, now_ns: int) -> bool:
        """Whether the plan ends about now: VUs that are ending then would be a sample of no meaning."""
        ends = [
            span.started_ns + regular_duration_ns(scenario)
            for scenario in self._planned().scenarios
            if (span := self._spans.get(scenario.name)) is not None and span.started_ns is not None
        ]
        return bool(ends) and 0 <= now_ns - max(ends) < PLAN_END_NS

    def _close_spans(self, now_ns: int) -> None:
        """Note when scenarios ended: when the last worker said so, or at the end of the run."""
        for name, span in self._spans.items():
            if span.ended_ns is not None:
                continue
            counts = self._counts_of(name)
            ended = len(counts) == self._workers and all(count.status in _ENDED for count in counts)
            if ended or self._ended_ns is not None:
                self._spans[name] = ScenarioSpan(span.started_ns, now_ns)


def _run_status(cause: Cause | None, *, over: bool, ended_early: bool) -> RunStatus:
    if not over:
        return "running"
    if not ended_early:
        return "finished"
    return "aborted" if cause is None or cause.code in _WANTED else "failed"
