"""How many workers a plan needs.

The rule of ``--workers auto``: one worker, and more only where the plan needs them. A worker is counted for
every ``VUS_PER_WORKER`` VUs and for every ``RATE_PER_WORKER`` iterations a second that the open-model
scenarios ask for at their peak, whichever is more, up to the processors that this process may use. More than
needed would make an open-model scenario drop earlier, as idle VUs are not shared between workers.
"""

import os
from collections.abc import Sequence

from swell.base.clock import NS_PER_SECOND
from swell.config.scenarios import ArrivalBase, ConstantArrivalRate, RampingArrivalRate, Scenario
from swell.engine.schedule import planned_vus

# One core carries 10,000 VUs with one request a second each, and 5,000 iterations a second (measured;
# benchmarks/).
VUS_PER_WORKER = 10_000
RATE_PER_WORKER = 5_000


def worker_count(asked: int, scenarios: Sequence[Scenario], processors: int | None = None) -> int:
    """``asked`` workers, or by the rule above where it is 0; never more than there are VUs."""
    vus = max(1, sum(_vus(scenario) for scenario in scenarios))
    if asked > 0:
        return min(asked, vus)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = usable if processors is None else processors
    rate = sum(peak_rate(scenario) for scenario in scenarios)
    needed = max(-(-planned_vus(scenarios) // VUS_PER_WORKER), -(-int(rate) // RATE_PER_WORKER), 1)
    return max(1, min(needed, limit, vus))


def peak_rate(scenario: Scenario) -> float:
    """The highest number of iterations a second that an open-model scenario asks for; 0 for the others."""
    match scenario:
        case ConstantArrivalRate():
            rate = scenario.rate
        case RampingArrivalRate():
            rate = max([scenario.start_rate, *(stage.target for stage in scenario.stages)])
        case _:
            return 0.0
    return rate * NS_PER_SECOND / scenario.time_unit_ns


def _vus(scenario: Scenario) -> int:
    return scenario.max_vus if isinstance(scenario, ArrivalBase) else planned_vus((scenario,))
