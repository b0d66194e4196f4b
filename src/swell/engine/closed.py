"""The closed model: VUs that start their next iteration when the last one has ended."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import islice

from swell.config.scenarios import ConstantVUs, PerVUIterations, RampingVUs, SharedIterations
from swell.engine.executor import Executor, ExecutorEnvironment, Status
from swell.engine.schedule import Interval, iteration_share, slot_intervals, stripe_numbers, stripe_share
from swell.engine.vu_handle import UNPLANNED, VUHandle


class ClosedExecutor(Executor):
    """VUs that all begin at the start and loop until the regular end."""

    def __init__(
        self, scenario: ConstantVUs | SharedIterations | PerVUIterations, environment: ExecutorEnvironment
    ) -> None:
        super().__init__(scenario, environment)
        self._slots = range(self.runtime.worker_index, scenario.vus, self.runtime.worker_count)
        # This worker's iterations where their number is fixed, else 0.
        self._total = 0

    def progress(self) -> float:
        """The share of the iterations that is over, or of the time where their number is not fixed."""
        if self.status is Status.WAITING or not self._total:
            return super().progress()
        return min(1.0, (self.counts.completed + self.counts.interrupted) / self._total)

    def ended(self, handle: VUHandle) -> None:
        """Count the VU out."""
        super().ended(handle)
        self.counts.vus = len(self._live)

    def _execute(self, start_ns: int, end_ns: int) -> None:  # noqa: ARG002  # all begin at once
        for slot in self._slots:
            self._spawn(slot, self._loop, end_ns)
        self.counts.vus = len(self._live)
        self._wait(end_ns, self._is_busy)

    def _loop(self, handle: VUHandle) -> None:
        iterate = handle.iterate
        now_ns = self.clock.now_ns()
        while now_ns < handle.end_ns:
            now_ns = iterate(UNPLANNED, UNPLANNED)


class ConstantVUsExecutor(ClosedExecutor):
    """constant-vus: a fixed number of VUs loop for a duration."""


class SharedIterationsExecutor(ClosedExecutor):
    """shared-iterations: VUs take numbers from one supply until it is empty or the time is up."""

    def __init__(self, scenario: SharedIterations, environment: ExecutorEnvironment) -> None:
        super().__init__(scenario, environment)
        index, workers = self.runtime.worker_index, self.runtime.worker_count
        self._vus = scenario.vus
        self._total = iteration_share(scenario, index, workers)
        self._numbers = islice(stripe_numbers(scenario.vus, index, workers), self._total)

    def _loop(self, handle: VUHandle) -> None:
        iterate = handle.iterate
        numbers = self._numbers
        now_ns = self.clock.now_ns()
        while now_ns < handle.end_ns:
            number = next(numbers, None)
            if number is None:
                return
            now_ns = iterate(number, UNPLANNED)

    def _finish_gracefully(self, latest_ns: int) -> None:
        # Only time leaves iterations undone here: where all VUs ended by themselves, that was their choice.
        is_late = self.clock.now_ns() >= latest_ns - self._grace_ns
        super()._finish_gracefully(latest_ns)
        following = next(self._numbers, None)
        if following is not None and is_late and not self._stop_requested:
            taken = stripe_share(following, self._vus, self.runtime.worker_index, self.runtime.worker_count)
            self.drop(self._total - taken)


class PerVUIterationsExecutor(ClosedExecutor):
    """per-vu-iterations: each VU runs the same number of iterations."""

    def __init__(self, scenario: PerVUIterations, environment: ExecutorEnvironment) -> None:
        super().__init__(scenario, environment)
        self._iterations = scenario.iterations
        self._total = self._iterations * len(self._slots)

    def _loop(self, handle: VUHandle) -> None:
        iterate = handle.iterate
        left = self._iterations
        now_ns = self.clock.now_ns()
        while left and now_ns < handle.end_ns:
            left -= 1
            now_ns = iterate(UNPLANNED, UNPLANNED)
        if left and not handle.is_stopped and not self._stop_requested:
            self.drop(left)


class RampingVUsExecutor(Executor):
    """ramping-vus: the number of looping VUs follows the stages.

    Every slot has its intervals, computed before the start. A VU that is still in its last iteration when its
    slot's next interval begins simply goes on; one that exceeds the graceful ramp-down is interrupted.
    """

    def __init__(self, scenario: RampingVUs, environment: ExecutorEnvironment) -> None:
        super().__init__(scenario, environment)
        intervals = slot_intervals(scenario, self.runtime.worker_index, self.runtime.worker_count)
        self._starts: list[tuple[int, int, Interval]] = sorted(
            (interval.start_ns, slot, interval) for slot, own in intervals.items() for interval in own
        )
        self._handles: dict[int, VUHandle] = {}
        # (hard stop, slot, the end that it enforces), in absolute time.
        self._hard_stops: list[tuple[int, int, int]] = []

    def ended(self, handle: VUHandle) -> None:
        """Count the VU out."""
        super().ended(handle)
        self.counts.vus = len(self._live)

    def _execute(self, start_ns: int, end_ns: int) -> None:
        for offset_ns, slot, interval in self._starts:
            if not self._wait_enforcing(start_ns + offset_ns):
                return
            stop_ns = start_ns + interval.stop_ns
            self._begin(slot, stop_ns)
            heappush(self._hard_stops, (start_ns + interval.hard_stop_ns, slot, stop_ns))
        self._wait_enforcing(end_ns)

    def _finish_gracefully(self, latest_ns: int) -> None:
        self._wait_enforcing(latest_ns, self._is_busy)

    def _wait_enforcing(self, until_ns: int, condition: Callable[[], bool] | None = None) -> bool:
        """Wait as ``_wait`` does; interrupt the VUs whose graceful ramp-down is over before ``until_ns``.

        What begins in the instant of a hard stop comes first, so that its VU goes on.
        """
        while self._hard_stops and self._hard_stops[0][0] < until_ns:
            if not self._wait(self._hard_stops[0][0], condition):
                return False
            _, slot, stop_ns = heappop(self._hard_stops)
            handle = self._handles[slot]
            if handle.end_ns == stop_ns:
                handle.interrupt()
        return self._wait(until_ns, condition)

    def _begin(self, slot: int, stop_ns: int) -> None:
        handle = self._handles.get(slot)
        if handle is not None and handle.is_stopped:
            # Its script ended this VU's iterations for good.
            return
        if handle in self._live and not handle.is_interrupted:
            handle.end_ns = stop_ns
        else:
            self._handles[slot] = self._spawn(slot, self._loop, stop_ns)
            self.counts.vus = len(self._live)

    def _loop(self, handle: VUHandle) -> None:
        iterate = handle.iterate
        now_ns = self.clock.now_ns()
        while now_ns < handle.end_ns:
            now_ns = iterate(UNPLANNED, UNPLANNED)
