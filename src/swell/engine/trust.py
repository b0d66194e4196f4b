"""Gathers what the measurement verdict judges: the workers' health, the plan against what was started."""

from collections.abc import Iterable, Mapping, Sequence

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.config.scenarios import (
    ArrivalBase,
    ConstantArrivalRate,
    RampingArrivalRate,
    Scenario,
)
from swell.engine.frames import Health
from swell.engine.network import NetworkCounters
from swell.engine.stacks import blocking_frame
from swell.metrics.run_aggregate import RunAggregate
from swell.metrics.snapshot import (
    WEBSOCKET,
    CounterValue,
    ErrorRow,
    GaugeValue,
    RateValue,
    ScenarioState,
    TrendValue,
)
from swell.metrics.verdict import VerdictInput

# Error codes of the client for requests that this machine itself had no means for: descriptors, ports.
EXHAUSTED_CODES = frozenset({1236, 1237})
# The error code of what was never sent.
INVALID_URL = 1020
# Error codes of requests without an answer: from the lookup to the TLS handshake and the reading; 1232 and
# those above 1400 have an answer.
UNANSWERED_CODES = frozenset(range(1000, 1400)) - {INVALID_URL, 1232}
# Where a lost segment of ours would show.
_WAITS = ("http_req_blocked", "http_req_sending", "http_req_waiting")
# What every run has, load or not.
_OWN_GAUGES = frozenset({"vus", "vus_max"})


class HealthTotals:
    """The worst and the sums of all workers' health over a run."""

    def __init__(self, script_path: str) -> None:
        self._script_path = script_path
        self.hub_lag_max_ns = 0
        self.hub_lag_frame = ""
        self.hub_lag_waited_ns = 0
        self.clock_step_max_ns = 0
        self.gc_pause_max_ns = 0
        self.gc_pause_ns = 0
        # By worker: clock steps, and what the kernel counted of the network.
        self._steps: dict[int, int] = {}
        self._network: dict[int, tuple[int, int, int]] = {}

    @property
    def clock_steps(self) -> int:
        """How often the wall clock was set: all workers of one machine see the same steps."""
        return max(self._steps.values(), default=0)

    @property
    def network(self) -> NetworkCounters:
        """What the worker that watched longest saw of their common network namespace."""
        return NetworkCounters(*max(self._network.values(), default=(0, 0, 0)))

    def add(self, health: Health, worker: int = 0) -> None:
        """Add one worker's last second."""
        if health.hub_lag_max_ns > self.hub_lag_max_ns:
            self.hub_lag_max_ns = health.hub_lag_max_ns
            self.hub_lag_waited_ns = health.hub_lag_waited_ns
            self.hub_lag_frame = blocking_frame(health.hub_lag_frame, self._script_path)
        self.gc_pause_max_ns = max(self.gc_pause_max_ns, health.gc_pause_max_ns)
        self.gc_pause_ns += health.gc_pause_ns
        self._steps[worker] = self._steps.get(worker, 0) + health.clock_steps
        sent, resent, drops = self._network.get(worker, (0, 0, 0))
        self._network[worker] = (
            sent + health.segments_sent,
            resent + health.segments_resent,
            drops + health.listen_drops,
        )
        self.clock_step_max_ns = max(self.clock_step_max_ns, health.clock_step_max_ns)


def verdict_input(
    health: HealthTotals,
    aggregate: RunAggregate,
    errors: Iterable[ErrorRow],
    plan: Sequence[tuple[Scenario, ScenarioState]],
    *,
    lost_workers: int,
    interrupted: bool,
) -> VerdictInput:
    """Everything that the verdict asks for, over all workers."""
    errors = list(errors)
    open_model = [(scenario, state) for scenario, state in plan if isinstance(scenario, ArrivalBase)]
    return VerdictInput(
        planned_iterations=sum(_planned(scenario, state) for scenario, state in open_model),
        started_iterations=sum(state.iterations_started for _, state in open_model),
        dropped_iterations=sum(state.dropped for _, state in open_model),
        start_lag_p99_ms=aggregate.percentile("iteration_start_lag", 99) or 0.0,
        hub_lag_max_ms=health.hub_lag_max_ns / NS_PER_MS,
        hub_lag_frame=health.hub_lag_frame,
        hub_lag_waited_ms=health.hub_lag_waited_ns / NS_PER_MS,
        completed_iterations=sum(state.iterations for _, state in plan),
        # Exceptions have no method; an unexpected status below 400 has no code, either.
        raised_iterations=sum(row.count for row in errors if row.code == 0 and row.name and not row.method),
        requests=aggregate.http_records,
        # WebSockets have such codes, too, and no record among the requests.
        unanswered=min(
            aggregate.http_records,
            sum(row.count for row in errors if row.code in UNANSWERED_CODES and row.method != WEBSOCKET),
        ),
        unsent=sum(row.count for row in errors if row.code == INVALID_URL),
        websockets=_count(aggregate.values, "ws_sessions"),
        unstamped=aggregate.unstamped,
        window_limited=aggregate.window_limited,
        exhausted=sum(row.count for row in errors if row.code in EXHAUSTED_CODES),
        receive_gap_p99_ms=aggregate.gaps.percentile(99) if aggregate.gaps.count else 0.0,
        clock_steps=health.clock_steps,
        clock_step_max_ms=health.clock_step_max_ns / NS_PER_MS,
        gc_pause_max_ms=health.gc_pause_max_ns / NS_PER_MS,
        gc_pause_ms=health.gc_pause_ns / NS_PER_MS,
        segments_sent=health.network.segments_sent,
        segments_resent=health.network.segments_resent,
        listen_drops=health.network.listen_drops,
        longest_wait_ms=max(_longest_ms(aggregate.values, name) for name in _WAITS),
        lost_workers=lost_workers,
        overflowed_tag_sets=aggregate.overflowed_tag_sets,
        overflowed_rows=aggregate.overflowed_rows,
        refused_values=aggregate.refused,
        interrupted=interrupted,
        measured=_has_samples(aggregate.values),
    )


def arrivals_due(scenario: ConstantArrivalRate | RampingArrivalRate, elapsed_ns: int) -> int:
    """How many iterations a uniform open-model schedule asks for in its first ``elapsed_ns``."""
    if isinstance(scenario, ConstantArrivalRate):
        period_ns = max(1, scenario.time_unit_ns // scenario.rate)
        reached_ns = elapsed_ns
        if elapsed_ns >= scenario.duration_ns:
            reached_ns = scenario.duration_ns + scenario.includes_end
        return -(-reached_ns // period_ns)
    # Twice the integral of the rate, in iterations times nanoseconds.
    mass = 0
    rate: float = scenario.start_rate
    left_ns = elapsed_ns
    for stage in scenario.stages:
        spent_ns = min(left_ns, stage.duration_ns)
        share = spent_ns / stage.duration_ns if stage.duration_ns else 1.0
        reached = rate + (stage.target - rate) * share
        mass += int((rate + reached) * spent_ns)
        left_ns -= spent_ns
        rate = stage.target
        if left_ns <= 0:
            break
    return mass // (2 * scenario.time_unit_ns)


def _planned(scenario: ArrivalBase, state: ScenarioState) -> int:
    """What the schedule asked for until the scenario's end; of a random one only what came to be is known."""
    due = state.iterations_started + state.dropped
    if scenario.distribution != "uniform" or not isinstance(
        scenario, ConstantArrivalRate | RampingArrivalRate
    ):
        return due
    # The last second of a stopped run is counted out: what was due in it may have had no time to start.
    elapsed_ns = state.elapsed_ns
    if state.status != "done":
        elapsed_ns = max(0, elapsed_ns - NS_PER_SECOND)
    return arrivals_due(scenario, elapsed_ns)


def _longest_ms(values: Mapping[str, object], name: str) -> float:
    value = values.get(name)
    return value.histogram.max if isinstance(value, TrendValue) and value.histogram.count else 0.0


def _count(values: Mapping[str, object], name: str) -> int:
    value = values.get(name)
    return int(value.count) if isinstance(value, CounterValue) else 0


def _has_samples(values: Mapping[str, object]) -> bool:
    for key, value in values.items():
        if key in _OWN_GAUGES:
            continue
        match value:
            case CounterValue(count) if count:
                return True
            case GaugeValue(samples=samples) if samples:
                return True
            case RateValue(total=total) if total:
                return True
            case TrendValue(histogram=histogram) if histogram.count:
                return True
    return False
