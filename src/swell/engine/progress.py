"""How scenarios are described, and how far they are: pure functions of the plan and the workers' counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from swell.base.clock import NS_PER_SECOND
from swell.base.units import format_duration
from swell.config.scenarios import (
    ArrivalBase,
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    Scenario,
    ScenarioBase,
    SharedIterations,
    Stage,
)
from swell.engine.frames import ScenarioCounts
from swell.engine.schedule import latest_end_ns, planned_vus, regular_duration_ns
from swell.metrics.snapshot import ScenarioState

State = Literal["waiting", "running", "stopping", "done", "interrupted"]
# The first that any worker reports, in this order, is the scenario's; all other combinations are "waiting".
_STATUS_ORDER: tuple[State, ...] = ("running", "stopping", "waiting", "interrupted", "done")


@dataclass(frozen=True, slots=True)
class ScenarioSpan:
    """When a scenario started (monotonic, start time included; None: not yet known) and ended (None: not yet)."""

    started_ns: int | None = None
    ended_ns: int | None = None


def executor_name(scenario: ScenarioBase) -> str:
    """``constant-vus`` and so on."""
    return str(type(scenario).__struct_config__.tag)


def describe_scenario(scenario: Scenario) -> str:
    """One scenario in k6's words: ``10 looping VUs for 30s (gracefulStop: 30s)``."""
    facts = []
    match scenario:
        case ConstantVUs():
            text = f"{scenario.vus} looping VUs for {format_duration(scenario.duration_ns)}"
        case PerVUIterations():
            text = f"{scenario.iterations} iterations for each of {scenario.vus} VUs"
            facts.append(f"maxDuration: {format_duration(scenario.max_duration_ns)}")
        case SharedIterations():
            text = f"{scenario.iterations} iterations shared among {scenario.vus} VUs"
            facts.append(f"maxDuration: {format_duration(scenario.max_duration_ns)}")
        case RampingVUs():
            top = max([scenario.start_vus, *(stage.target for stage in scenario.stages)])
            text = f"Up to {top} looping VUs for {_stages(scenario.stages)}"
            facts.append(f"gracefulRampDown: {format_duration(scenario.graceful_ramp_down_ns)}")
        case ConstantArrivalRate():
            rate = scenario.rate * NS_PER_SECOND / scenario.time_unit_ns
            text = f"{rate:.2f} iterations/s for {format_duration(scenario.duration_ns)}"
            facts.append(_max_vus(scenario))
        case RampingArrivalRate():
            top = max([scenario.start_rate, *(stage.target for stage in scenario.stages)])
            rate = top * NS_PER_SECOND / scenario.time_unit_ns
            text = f"Up to {rate:.2f} iterations/s for {_stages(scenario.stages)}"
            facts.append(_max_vus(scenario))
    if scenario.exec != "default":
        facts.append(f"exec: {scenario.exec}")
    if scenario.after is not None:
        facts.append(f"after: {scenario.after}")
    if scenario.start_time_ns:
        facts.append(f"startTime: {format_duration(scenario.start_time_ns)}")
    if scenario.graceful_stop_ns:
        facts.append(f"gracefulStop: {format_duration(scenario.graceful_stop_ns)}")
    return f"{text} ({', '.join(facts)})" if facts else text


def _stages(stages: Sequence[Stage]) -> str:
    return f"{format_duration(sum(stage.duration_ns for stage in stages))} over {len(stages)} stages"


def _max_vus(scenario: ArrivalBase) -> str:
    if scenario.max_vus > scenario.pre_allocated_vus:
        return f"maxVUs: {scenario.pre_allocated_vus}-{scenario.max_vus}"
    return f"maxVUs: {scenario.max_vus}"


def max_vus(scenarios: Sequence[Scenario]) -> int:
    """The most VUs that can exist at one time, those made on demand included."""
    return planned_vus(
        [
            msgspec.structs.replace(scenario, pre_allocated_vus=scenario.max_vus)
            if isinstance(scenario, ArrivalBase)
            else scenario
            for scenario in scenarios
        ]
    )


def max_duration_ns(scenarios: Sequence[Scenario]) -> int:
    """The longest that the scenarios can take, graceful stops included and ``after`` followed."""
    by_name = {scenario.name: scenario for scenario in scenarios}

    def end_ns(scenario: Scenario) -> int:
        own = latest_end_ns(scenario)
        return own + end_ns(by_name[scenario.after]) if scenario.after in by_name else own

    return max(map(end_ns, scenarios), default=0)


def merged_status(statuses: Iterable[str]) -> State:
    """One status for all workers."""
    seen = set(statuses)
    if "waiting" in seen and "done" in seen:
        # Its part in one worker is over before it began in another: it runs.
        return "running"
    return next((status for status in _STATUS_ORDER if status in seen), "waiting")


def iterations_total(scenario: Scenario) -> int | None:
    """How many iterations a scenario is to run, where it counts them."""
    match scenario:
        case SharedIterations():
            return scenario.iterations
        case PerVUIterations():
            return scenario.iterations * scenario.vus
        case _:
            return None


def planned_rate(scenario: Scenario, elapsed_ns: int) -> float | None:
    """Iterations a second that an open-model scenario asks for at ``elapsed_ns``; None for closed models."""
    match scenario:
        case ConstantArrivalRate():
            rate: float = scenario.rate
        case RampingArrivalRate():
            rate = scenario.start_rate
            left_ns = max(0, elapsed_ns)
            for stage in scenario.stages:
                if left_ns < stage.duration_ns:
                    rate += (stage.target - rate) * left_ns / stage.duration_ns
                    break
                left_ns -= stage.duration_ns
                rate = stage.target
        case _:
            return None
    return rate * NS_PER_SECOND / scenario.time_unit_ns


def scenario_state(
    scenario: Scenario, counts: Sequence[ScenarioCounts], span: ScenarioSpan, now_ns: int
) -> ScenarioState:
    """How far a scenario is, from each worker's last counts."""
    status = merged_status(count.status for count in counts)
    duration_ns = regular_duration_ns(scenario)
    elapsed_ns = 0
    if span.started_ns is not None:
        end_ns = now_ns if span.ended_ns is None else span.ended_ns
        elapsed_ns = max(0, end_ns - span.started_ns)
    completed = sum(count.completed for count in counts)
    total = iterations_total(scenario)
    progress = min(1.0, elapsed_ns / duration_ns) if duration_ns else 1.0
    if total is not None:
        progress = max(progress, min(1.0, completed / total)) if total else 1.0
    return ScenarioState(
        name=scenario.name,
        executor=executor_name(scenario),
        description=describe_scenario(scenario),
        status=status,
        start_time_ns=scenario.start_time_ns,
        duration_ns=duration_ns,
        elapsed_ns=elapsed_ns,
        progress=1.0 if status == "done" else progress,
        vus=sum(count.vus for count in counts),
        max_vus=max_vus((scenario,)),
        iterations_started=sum(count.started for count in counts),
        iterations=completed,
        interrupted=sum(count.interrupted for count in counts),
        dropped=sum(count.dropped for count in counts),
        iterations_total=total,
        planned_rate=planned_rate(scenario, elapsed_ns),
    )
