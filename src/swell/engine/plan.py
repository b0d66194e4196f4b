"""Facts of a plan for people: what each scenario does, the most VUs, the longest time; in k6's words."""

from collections.abc import Sequence

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
    SharedIterations,
)
from swell.engine.schedule import latest_end_ns, planned_vus, regular_duration_ns


def sorted_scenarios(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Order scenarios by start time and name, each that waits for another behind it."""
    ordered = sorted(scenarios, key=lambda scenario: (scenario.start_time_ns, scenario.name))
    placed: list[Scenario] = []

    def place(scenario: Scenario) -> None:
        placed.append(scenario)
        for other in ordered:
            if other.after == scenario.name:
                place(other)

    for scenario in ordered:
        if scenario.after is None:
            place(scenario)
    return placed


def max_possible_vus(scenarios: Sequence[Scenario]) -> int:
    """Count the most VUs at any one time, when every arrival scenario needs all it may have."""
    return planned_vus(
        [
            msgspec.structs.replace(scenario, pre_allocated_vus=scenario.max_vus)
            if isinstance(scenario, ArrivalBase)
            else scenario
            for scenario in scenarios
        ]
    )


def max_duration_ns(scenarios: Sequence[Scenario]) -> int:
    """Give the longest time from the run's start to the end of the last graceful stop.

    A scenario that waits for another starts at the latest when that one's graceful stop is over.
    """
    return max(_latest_ends_ns(scenarios).values(), default=0)


def max_regular_duration_ns(scenarios: Sequence[Scenario]) -> int:
    """Give the longest time from the start to the end of the last scenario, its graceful stop left out."""
    ends_ns = _latest_ends_ns(scenarios)
    return max((ends_ns[scenario.name] - scenario.graceful_stop_ns for scenario in scenarios), default=0)


def _latest_ends_ns(scenarios: Sequence[Scenario]) -> dict[str, int]:
    by_name = {scenario.name: scenario for scenario in scenarios}

    def end_ns(scenario: Scenario) -> int:
        before = 0 if scenario.after is None else end_ns(by_name[scenario.after])
        return before + latest_end_ns(scenario)

    return {name: end_ns(scenario) for name, scenario in by_name.items()}


def describe_scenario(scenario: Scenario) -> str:
    """Write what a scenario does and its facts in brackets, as k6 does above a run."""
    text, facts = _description(scenario)
    if scenario.exec != "default":
        facts.append(f"exec: {scenario.exec}")
    if scenario.after is not None:
        facts.append(f"after: {scenario.after}")
    if scenario.start_time_ns:
        facts.append(f"startTime: {format_duration(scenario.start_time_ns)}")
    if scenario.graceful_stop_ns:
        facts.append(f"gracefulStop: {format_duration(scenario.graceful_stop_ns)}")
    return f"{text} ({', '.join(facts)})" if facts else text


def _description(scenario: Scenario) -> tuple[str, list[str]]:
    time = format_duration(regular_duration_ns(scenario))
    match scenario:
        case ConstantVUs():
            return f"{scenario.vus} looping VUs for {time}", []
        case PerVUIterations():
            return f"{scenario.iterations} iterations for each of {scenario.vus} VUs", [
                f"maxDuration: {time}"
            ]
        case SharedIterations():
            return f"{scenario.iterations} iterations shared among {scenario.vus} VUs", [
                f"maxDuration: {time}"
            ]
        case RampingVUs():
            most = max([scenario.start_vus, *(stage.target for stage in scenario.stages)])
            facts = []
            if scenario.graceful_ramp_down_ns:
                facts.append(f"gracefulRampDown: {format_duration(scenario.graceful_ramp_down_ns)}")
            return f"Up to {most} looping VUs for {time} over {len(scenario.stages)} stages", facts
        case ConstantArrivalRate():
            rate = scenario.rate * NS_PER_SECOND / scenario.time_unit_ns
            return f"{rate:.2f} iterations/s for {time}", _arrival_facts(scenario)
        case RampingArrivalRate():
            targets = [scenario.start_rate, *(stage.target for stage in scenario.stages)]
            rate = max(targets) * NS_PER_SECOND / scenario.time_unit_ns
            text = f"Up to {rate:.2f} iterations/s for {time} over {len(scenario.stages)} stages"
            return text, _arrival_facts(scenario)


def _arrival_facts(scenario: ConstantArrivalRate | RampingArrivalRate) -> list[str]:
    least, most = scenario.pre_allocated_vus, scenario.max_vus
    facts = [f"maxVUs: {least}" if least == most else f"maxVUs: {least}-{most}"]
    if scenario.distribution != "uniform":
        facts.append(f"distribution: {scenario.distribution}")
    return facts
