"""How far scenarios are: pure functions of the plan and the workers' counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from swell.base.clock import NS_PER_SECOND
from swell.config.scenarios import (
    ConstantArrivalRate,
    PerVUIterations,
    RampingArrivalRate,
    Scenario,
    ScenarioBase,
    SharedIterations,
)
from swell.engine.frames import ScenarioCounts
from swell.engine.plan import describe_scenario, max_possible_vus
from swell.engine.schedule import regular_duration_ns
from swell.metrics.snapshot import ScenarioState

State = Literal["waiting", "running", "stopping", "done", "interrupted"]
# The first that any worker reports, in this order, is the scenario's; all other combinations are "waiting".
_STATUS_ORDER: tuple[State, ...] = ("running", "stopping", "waiting", "interrupted", "done")


@dataclass(frozen=True, slots=True)
class ScenarioSpan:
    """When a scenario started, its start time included, and ended (both monotonic; None: not known yet)."""

    started_ns: int | None = None
    ended_ns: int | None = None


def executor_name(scenario: ScenarioBase) -> str:
    """``constant-vus`` and so on."""
    return str(type(scenario).__struct_config__.tag)


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


def own_max_vus(scenario: Scenario) -> int:
    """The most VUs that the scenario uses at one time; costs a walk through the plan of a ramp."""
    # By itself it waits for nobody: a scenario without its predecessor would count no VUs.
    return max_possible_vus((msgspec.structs.replace(scenario, after=None),))


def scenario_state(
    scenario: Scenario,
    counts: Sequence[ScenarioCounts],
    span: ScenarioSpan,
    now_ns: int,
    max_vus: int | None = None,
) -> ScenarioState:
    """How far a scenario is, from each worker's last counts; ``max_vus`` is ``own_max_vus``, where known."""
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
        max_vus=own_max_vus(scenario) if max_vus is None else max_vus,
        iterations_started=sum(count.started for count in counts),
        iterations=completed,
        interrupted=sum(count.interrupted for count in counts),
        dropped=sum(count.dropped for count in counts),
        iterations_total=total,
        planned_rate=planned_rate(scenario, elapsed_ns),
    )
