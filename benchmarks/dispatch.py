"""What the engine itself costs: iterations a second of an empty function, and the lag of arrivals.

    .venv/bin/python benchmarks/dispatch.py [SECONDS]

No network and no script language: what is measured is the executors, the iteration wrapper and the recorder.
Pin it to one core (taskset -c 0) for numbers that can be compared.
"""

import gc
import resource
import sys
import time
from array import array
from collections.abc import Callable

import gevent

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.config.options import Options
from swell.config.scenarios import ConstantArrivalRate, ConstantVUs, Scenario
from swell.engine.clock import GeventClock
from swell.engine.executor import Executor, ExecutorEnvironment
from swell.engine.executors import make_executor
from swell.engine.script import ScriptExports
from swell.engine.vu import VU
from swell.metrics.samples import SAMPLE, ErrorTable, Recorder
from swell.metrics.tags import TagRegistry


class Runtime:
    """A worker's runtime that keeps the lags."""

    def __init__(self) -> None:
        self.options = Options()
        self.worker_index = 0
        self.worker_count = 1
        self.seed = 1
        self.registry = TagRegistry()
        self.recorder = Recorder(self._keep)
        self.errors = ErrorTable()
        self.clock = GeventClock()
        self.run_tags = self.registry.empty
        self.env: dict[str, str] = {}
        self.lags = array("d")
        self._names: dict[int, str] = {}

    def log(self, level: str, message: str, **fields: str) -> None:
        """Print the line."""
        print(level, message, fields)

    def _keep(self, _http: bytes, samples: bytes) -> None:
        lag_series = next(
            (
                n
                for n in range(self.registry.series_count)
                if self.registry.series_key(n)[0].endswith("start_lag")
            ),
            -1,
        )
        self.lags.extend(value for series, _, value in SAMPLE.iter_unpack(samples) if series == lag_series)


class Script:
    """A script with one function."""

    exports = ScriptExports(options={}, functions=("default",))

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function

    def new_vu(self, vu: VU) -> None:
        """Nothing to attach."""

    def iteration(self, _vu: VU, _function: str, _setup_data: bytes | None) -> Callable[[], None]:
        """The one function."""
        return self._function

    def end_iteration(self, vu: VU) -> None:
        """Nothing to reset."""


def run(scenario: Scenario, function: Callable[[], None]) -> tuple[Executor, Runtime, float, float]:
    """The executor after its run, its runtime, and the wall and CPU seconds it took."""
    runtime = Runtime()
    executor = make_executor(scenario, ExecutorEnvironment(runtime, Script(function)))  # type: ignore[arg-type]
    gc.collect()
    gc.freeze()
    start_ns = time.monotonic_ns()
    cpu = time.process_time()
    gevent.spawn(executor.run, start_ns).get()
    cpu = time.process_time() - cpu
    runtime.recorder.flush()
    return executor, runtime, (time.monotonic_ns() - start_ns) / NS_PER_SECOND, cpu


def closed(vus: int, seconds: int) -> None:
    """The closed loop with an empty function."""
    scenario = ConstantVUs(name="closed", vus=vus, duration_ns=seconds * NS_PER_SECOND)
    executor, _, wall, _ = run(scenario, lambda: None)
    done = executor.counts.completed
    print(f"closed, {vus:,} VUs, empty: {done / wall:,.0f} iterations/s, {wall / done * 1e6:.2f} us each")


def arrivals(rate: int, vus: int, seconds: int, wait_ms: float) -> None:
    """Arrivals, each of which waits for a while (0: not at all)."""
    scenario = ConstantArrivalRate(
        name="arrivals", rate=rate, duration_ns=seconds * NS_PER_SECOND, pre_allocated_vus=vus, max_vus=vus
    )
    function = (lambda: gevent.sleep(wait_ms / 1e3)) if wait_ms else (lambda: None)
    executor, runtime, wall, cpu = run(scenario, function)
    lags = sorted(runtime.lags)
    p50, p95, p99 = (lags[int(share * (len(lags) - 1))] for share in (0.5, 0.95, 0.99))
    print(
        f"arrivals, {rate:,}/s, {vus} VUs, {wait_ms:g} ms each: {executor.counts!r}, "
        f"lag ms p50 {p50:.3f} p95 {p95:.3f} p99 {p99:.3f} max {lags[-1]:.3f}, CPU {cpu / wall:.0%}"
    )


def thinkers(vus: int, seconds: int) -> None:
    """Many VUs that each do one thing a second: lateness of their wake-ups, and memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    late = array("d")
    clock = GeventClock()

    def think() -> None:
        until_ns = clock.now_ns() + NS_PER_SECOND
        clock.sleep_until_ns(until_ns)
        late.append((clock.now_ns() - until_ns) / NS_PER_MS)

    executor, _, wall, cpu = run(
        ConstantVUs(name="thinkers", vus=vus, duration_ns=seconds * NS_PER_SECOND), think
    )
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    ordered = sorted(late)
    p50, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    print(
        f"closed, {vus:,} VUs, one second each: {executor.counts.completed / wall:,.0f} iterations/s, "
        f"wake-up late ms p50 {p50:.3f} p99 {p99:.3f} max {ordered[-1]:.3f}, "
        f"CPU {cpu / wall:.0%}, {kib / vus:.1f} KiB per VU"
    )


if __name__ == "__main__":
    duration = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    thinkers(10_000, duration)
    closed(1, duration)
    closed(50, duration)
    closed(1000, duration)
    arrivals(5000, 500, duration, 0)
    arrivals(5000, 500, duration, 20)
    arrivals(20_000, 2000, duration, 20)
