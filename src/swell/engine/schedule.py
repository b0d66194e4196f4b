"""When things start, as pure maths: offsets in integer nanoseconds from a scenario's start, no clock, no VU.

Every function computes the *whole* plan and then takes one worker's stripe of it, so that the union over any
number of workers is the plan for one, exactly. Ramping each worker's share instead is not exact.

Stripes. VU slot s belongs to worker s mod n. An iteration that is numbered over VUs (shared iterations,
arrivals) belongs to the slot i mod slots, so that a worker gets iterations in proportion to its VUs and a
worker without VUs gets none.

Arrivals. With the rate in iterations per time unit U going from a to b during a stage of D nanoseconds, the
iterations due x nanoseconds into the stage are (a x + (b - a) x^2 / 2D) / U. Everything is counted in units
of 1 / 2U iterations, in which a stage adds exactly (a + b) D and one iteration is 2U: integers throughout, so
that no plan depends on rounding. Rules and formulas are k6's (constant: the first at offset 0, one every
trunc(U / rate); ramping: the n-th where the integral reaches n).
"""

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate, count
from math import isqrt
from typing import NamedTuple

from swell.config.scenarios import (
    ArrivalBase,
    ConstantArrivalRate,
    ConstantVUs,
    RampingArrivalRate,
    RampingVUs,
    Scenario,
    SharedIterations,
    Stage,
)

# (offset_ns, slot, +1 or -1): the VU in this slot starts or stops.
VUStep = tuple[int, int, int]


class Interval(NamedTuple):
    """When a slot starts iterations: from ``start_ns``, before ``stop_ns``; cut short at ``hard_stop_ns``."""

    start_ns: int
    stop_ns: int
    hard_stop_ns: int


# Stripes.


def stripe_count(total: int, index: int, workers: int) -> int:
    """How many of ``range(total)`` belong to worker ``index`` of ``workers``."""
    return len(range(index, total, workers))


def stripe_numbers(slots: int, index: int, workers: int) -> Iterator[int]:
    """The iteration numbers, without end, whose slot (number mod ``slots``) belongs to worker ``index``."""
    own = range(index, slots, workers)
    if not own:
        return
    for base in count(0, slots):
        for slot in own:
            yield base + slot


def stripe_share(total: int, slots: int, index: int, workers: int) -> int:
    """How many of ``total`` numbered iterations belong to worker ``index``."""
    rounds, rest = divmod(total, slots)
    return rounds * stripe_count(slots, index, workers) + stripe_count(rest, index, workers)


# Ramping VUs.


def ramping_vus_plan(start_vus: int, stages: Sequence[Stage]) -> list[VUStep]:
    """Every start and stop of a VU, in order of time; k6's integer step plan.

    Going up from a to b over D, the k-th VU starts at end - D (b - k) // (b - a); going down, VU k stops at
    end - D (k - 1 - b) // (a - b). A stage of no duration jumps.
    """
    steps = [(0, slot, 1) for slot in range(start_vus)]
    offset = 0
    current = start_vus
    for stage in stages:
        duration, target = stage.duration_ns, stage.target
        offset += duration
        if target > current:
            rise = target - current
            steps += [
                (offset - duration * (target - vu) // rise, vu - 1, 1)
                for vu in range(current + 1, target + 1)
            ]
        elif target < current:
            fall = current - target
            steps += [
                (offset - duration * (vu - 1 - target) // fall, vu - 1, -1)
                for vu in range(current, target, -1)
            ]
        current = target
    return steps


def slot_intervals(scenario: RampingVUs, index: int = 0, workers: int = 1) -> dict[int, list[Interval]]:
    """For each slot of worker ``index``, when it runs.

    A stop by the plan gives the running iteration ``graceful_ramp_down_ns``, the regular end gives
    ``graceful_stop_ns``; nothing runs longer than the latter allows.
    """
    end_ns = regular_duration_ns(scenario)
    latest_ns = end_ns + scenario.graceful_stop_ns
    intervals: dict[int, list[Interval]] = {}
    running: dict[int, int] = {}

    def close(slot: int, stop_ns: int, hard_stop_ns: int) -> None:
        start_ns = running.pop(slot)
        own = intervals.setdefault(slot, [])
        if own and own[-1].stop_ns == start_ns:
            # Stopped and started in the same instant: it never stopped.
            start_ns = own.pop().start_ns
        if start_ns < stop_ns:
            own.append(Interval(start_ns, stop_ns, hard_stop_ns))

    for offset_ns, slot, change in ramping_vus_plan(scenario.start_vus, scenario.stages):
        if slot % workers != index:
            continue
        if change > 0:
            running[slot] = offset_ns
        else:
            close(slot, offset_ns, min(offset_ns + scenario.graceful_ramp_down_ns, latest_ns))
    for slot in list(running):
        close(slot, end_ns, latest_ns)
    return {slot: own for slot, own in intervals.items() if own}


# Arrivals.


def arrivals(
    scenario: ConstantArrivalRate | RampingArrivalRate, seed: int = 0, index: int = 0, workers: int = 1
) -> Iterator[tuple[int, int]]:
    """(number, offset_ns) of each iteration that worker ``index`` starts, lazily, in order.

    ``number`` counts from 0 over all workers. The plan of a Poisson scenario depends on ``seed`` and the
    scenario's name alone.
    """
    slots = scenario.max_vus
    if scenario.distribution == "poisson":
        own = {slot for slot in range(slots) if slot % workers == index}
        numbered = enumerate(poisson_arrivals(scenario, seed))
        return ((number, offset) for number, offset in numbered if number % slots in own)
    numbers = stripe_numbers(slots, index, workers)
    if isinstance(scenario, ConstantArrivalRate):
        # Offsets are whole nanoseconds: one more takes the end in.
        before_ns = scenario.duration_ns + scenario.includes_end
        return constant_arrivals(scenario.rate, scenario.time_unit_ns, before_ns, numbers)
    return ramping_arrivals(scenario.start_rate, scenario.time_unit_ns, scenario.stages, numbers)


def constant_arrivals(
    rate: int, time_unit_ns: int, duration_ns: int, numbers: Iterator[int] | None = None
) -> Iterator[tuple[int, int]]:
    """Number i at offset i * trunc(time unit / rate), the first at 0, before ``duration_ns``."""
    # k6 counts in whole nanoseconds too; more than one iteration per nanosecond cannot be asked for.
    period_ns = max(1, time_unit_ns // rate)
    for number in count() if numbers is None else numbers:
        offset_ns = number * period_ns
        if offset_ns >= duration_ns:
            return
        yield number, offset_ns


def ramping_arrivals(
    start_rate: int, time_unit_ns: int, stages: Sequence[Stage], numbers: Iterator[int] | None = None
) -> Iterator[tuple[int, int]]:
    """Number i (from 0) where the integral of the rate reaches i + 1, rounded down to a nanosecond."""
    unit = 2 * time_unit_ns
    numbered = ((number, unit * (number + 1)) for number in (count() if numbers is None else numbers))
    return _invert(start_rate, stages, numbered)


def poisson_arrivals(scenario: ConstantArrivalRate | RampingArrivalRate, seed: int) -> Iterator[int]:
    """Offsets of a Poisson process with the scenario's rate at every instant (time-rescaled unit process)."""
    # A str seed is hashed with SHA-512 by random.Random: the same on every machine and in every process.
    draw = random.Random(f"{seed}/{scenario.name}/arrivals").expovariate  # noqa: S311  # no secret
    unit = 2 * scenario.time_unit_ns
    masses = accumulate(1 + int(draw(1.0) * unit) for _ in count())
    if isinstance(scenario, ConstantArrivalRate):
        start_rate: int = scenario.rate
        stages: tuple[Stage, ...] = (Stage(scenario.duration_ns, scenario.rate),)
    else:
        start_rate, stages = scenario.start_rate, scenario.stages
    return (offset_ns for _, offset_ns in _invert(start_rate, stages, enumerate(masses)))


def _invert(
    start_rate: int, stages: Sequence[Stage], masses: Iterator[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Replace each mass (in 1 / 2U iterations, ascending) by the offset at which the integral reaches it."""
    pending = next(masses, None)
    done = 0
    stage_start_ns = 0
    before = start_rate
    for stage in stages:
        duration, after = stage.duration_ns, stage.target
        end = done + (before + after) * duration
        rise = after - before
        linear = before * duration
        while pending is not None and pending[1] <= end:
            number, mass = pending
            rest = mass - done
            # Solves rise x^2 + 2 linear x = rest * duration for x, rounded down without an error.
            if rise == 0:
                x = rest // (2 * before)
            elif rise > 0:
                x = (isqrt(linear * linear + rise * rest * duration) - linear) // rise
            else:
                square = linear * linear + rise * rest * duration
                root = isqrt(square)
                x = (linear - (root + (root * root < square))) // -rise
            yield number, stage_start_ns + x
            pending = next(masses, None)
        done = end
        stage_start_ns += duration
        before = after


# How long a scenario takes and how many VUs it needs.


def regular_duration_ns(scenario: Scenario) -> int:
    """From a scenario's start to its regular end, after which it starts no iteration."""
    match scenario:
        case RampingVUs() | RampingArrivalRate():
            return sum(stage.duration_ns for stage in scenario.stages)
        case ConstantVUs() | ConstantArrivalRate():
            return scenario.duration_ns
        case _:
            return scenario.max_duration_ns


def latest_end_ns(scenario: Scenario) -> int:
    """From the run's start (with ``after``: the predecessor's end) to the latest end of the graceful stop."""
    return scenario.start_time_ns + regular_duration_ns(scenario) + scenario.graceful_stop_ns


def vu_reservations(scenario: Scenario, index: int = 0, workers: int = 1) -> list[tuple[int, int]]:
    """(offset_ns, change) of the VUs that a scenario reserves in worker ``index``, graceful periods included.

    Offsets count from the start of the run. Arrival scenarios reserve their pre-allocated VUs.
    """
    start_ns = scenario.start_time_ns
    end_ns = latest_end_ns(scenario)
    if isinstance(scenario, RampingVUs):
        changes = []
        reserved: dict[int, int] = {}
        for slot, own in slot_intervals(scenario, index, workers).items():
            for interval in own:
                begin = max(interval.start_ns, reserved.get(slot, 0))
                reserved[slot] = interval.hard_stop_ns
                changes += [(start_ns + begin, 1), (start_ns + reserved[slot], -1)]
        # k6 reserves those too that a ramp reaches on its very end, and that run nothing.
        regular_ns = regular_duration_ns(scenario)
        for offset_ns, slot, change in ramping_vus_plan(scenario.start_vus, scenario.stages):
            begin = start_ns + max(regular_ns, reserved.get(slot, 0))
            if change > 0 and offset_ns == regular_ns and slot % workers == index and begin < end_ns:
                changes += [(begin, 1), (end_ns, -1)]
        return sorted(changes)
    vus = scenario.pre_allocated_vus if isinstance(scenario, ArrivalBase) else scenario.vus
    share = stripe_count(vus, index, workers)
    return [(start_ns, share), (end_ns, -share)] if share else []


def planned_vus(scenarios: Sequence[Scenario], index: int = 0, workers: int = 1) -> int:
    """The VUs that worker ``index`` makes before the start: the highest number reserved at one time.

    A scenario that waits for another (``after``) may start at any time but never beside it: a chain needs the
    larger of the two, at all times.
    """
    successors: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        if scenario.after is not None:
            successors.setdefault(scenario.after, []).append(scenario)

    def peak(scenario: Scenario) -> int:
        own = _peak(vu_reservations(scenario, index, workers))
        return max(own, sum(peak(successor) for successor in successors.get(scenario.name, ())))

    always = 0
    changes: list[tuple[int, int]] = []
    for scenario in scenarios:
        if scenario.after is not None:
            continue
        if scenario.name in successors:
            always += peak(scenario)
        else:
            changes += vu_reservations(scenario, index, workers)
    return always + _peak(changes)


def _peak(changes: list[tuple[int, int]]) -> int:
    # Sorted by (offset, change): what ends in an instant is free for what starts in it.
    return max(accumulate((change for _, change in sorted(changes)), initial=0))


def iteration_share(scenario: SharedIterations, index: int, workers: int) -> int:
    """The shared iterations that worker ``index`` takes."""
    return stripe_share(scenario.iterations, scenario.vus, index, workers)
