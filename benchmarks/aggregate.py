"""What aggregation costs: per record in the worker, per delta in worker and run (add and snapshot).

Run it as ``python benchmarks/aggregate.py``; best of several rounds.
"""

import random
import time
from collections.abc import Callable
from functools import partial

from swell.metrics.aggregate import Delta, RunAggregate, SeriesRules, WorkerAggregator
from swell.metrics.samples import JUDGED, STAMPED, Recorder
from swell.metrics.snapshot import RunInfo
from swell.metrics.tags import TagRegistry

REQUESTS = 60_000
RUN = RunInfo("id", "script.py", "", 1, "0", 1, 0)
ROUNDS = 7


def best_of(rounds: int, prepare: Callable[[], Callable[[], object]]) -> float:
    """Shortest time in seconds of what ``prepare`` returns."""
    best = float("inf")
    for _ in range(rounds):
        action = prepare()
        began = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - began)
    return best


def fill(registry: TagRegistry, recorder: Recorder, requests: int, names: int) -> None:
    """Record ``requests`` exchanges over ``names`` names, with two checks and one iteration each."""
    base = {"scenario": "default", "group": ""}
    sets = [
        registry.intern(
            {**base, "name": f"/p{i}", "method": "GET", "status": "200", "expected_response": "true"}
        )
        for i in range(names)
    ]
    default = registry.intern(base)
    checks = [registry.series("checks", registry.extend(default, {"check": f"check {i}"})) for i in range(2)]
    iteration = registry.series("iteration_duration", default)
    rng = random.Random(1)
    now = 0
    for _ in range(requests):
        now += 16_000
        waiting = int(rng.lognormvariate(13, 0.7))
        number = rng.choice(sets).number
        receiving = rng.randrange(1_000, 30_000)
        recorder.http(number, now, 1_000, 0, 0, 9_000, waiting, receiving, 180, 320, 20_000, JUDGED | STAMPED)
        for check in checks:
            recorder.sample(check, now, 1.0)
        recorder.sample(iteration, now, waiting / 1e6 + 0.1)


def measure(requests: int, names: int, *, sections: bool = False) -> None:
    """Print the cost for one size of buffer."""
    registry = TagRegistry()
    recorder = Recorder(records=2 * requests)
    fill(registry, recorder, requests, names)
    http, samples = recorder.take()
    aggregator = WorkerAggregator(registry, SeriesRules(sections=sections))
    aggregator.consume(http, samples)
    consume = best_of(ROUNDS, lambda: partial(aggregator.consume, http, samples))

    def take_full() -> Callable[[], Delta]:
        aggregator.consume(http, samples)
        return partial(aggregator.take_delta, 0, 1)

    take = best_of(ROUNDS, take_full)
    delta = take_full()()
    run = RunAggregate(SeriesRules(sections=sections))

    # The first delta makes the rows, each later one is merged into them.
    run.add(delta)

    def add_and_show() -> None:
        run.add(delta)
        run.snapshot(RUN)

    add = best_of(ROUNDS, lambda: add_and_show)
    records = 4 * requests
    print(
        f"{requests:>7,} exchanges, {names:>5,} names{', sections' if sections else '':10}"
        f" consume {consume * 1e3:8.3f} ms ({consume / records * 1e9:6.1f} ns a record)"
        f"   take_delta {take * 1e3:7.3f} ms   run side {add * 1e3:7.3f} ms"
    )


def main() -> None:
    """Measure small and large buffers, few and many names."""
    for requests in (100, 8_192, REQUESTS):
        for names in (1, 20, 1_000):
            measure(requests, names)
    measure(REQUESTS, 20, sections=True)


if __name__ == "__main__":
    main()
