"""The open model: iterations start at a rate, whatever the answers do.

Each arrival takes the VU that has been idle longest. Where none is idle the iteration is dropped, never
queued, and one more VU is made ready, one at a time, until ``max_vus``. An arrival that is late starts at
once. VUs are parked greenlets that the hub switches to directly: no event, queue or greenlet per iteration.
"""

from collections import deque

from gevent import get_hub, sleep

from swell.config.scenarios import ConstantArrivalRate, RampingArrivalRate
from swell.engine.executor import Executor, ExecutorEnvironment
from swell.engine.schedule import arrivals
from swell.engine.vu_handle import FOREVER_NS, VUHandle


class ArrivalExecutor(Executor):
    """constant-arrival-rate and ramping-arrival-rate."""

    def __init__(
        self, scenario: ConstantArrivalRate | RampingArrivalRate, environment: ExecutorEnvironment
    ) -> None:
        super().__init__(scenario, environment)
        runtime = self.runtime
        self._plan = arrivals(scenario, runtime.seed, runtime.worker_index, runtime.worker_count)
        self._slots = range(runtime.worker_index, scenario.max_vus, runtime.worker_count)
        self._pre_allocated = len(
            range(runtime.worker_index, scenario.pre_allocated_vus, runtime.worker_count)
        )
        self._made = 0
        # VUs that are being made ready.
        self._activating = 0
        self._idle: deque[VUHandle] = deque()
        self._has_warned = False

    def _prepare(self) -> None:
        # Before a later start another scenario may still use the VUs.
        if not self._start_time_ns:
            self._pre_allocate()

    def _execute(self, start_ns: int, end_ns: int) -> None:
        self._pre_allocate()
        self._wait(end_ns, self._is_activating)
        self._dispatch(start_ns, end_ns + self._grace_ns)
        self._wait(end_ns, self._can_serve)
        for handle in list(self._live):
            handle.finish()

    def _dispatch(self, start_ns: int, latest_ns: int) -> None:
        """Start every arrival of the plan at its time."""
        clock_now = self.clock.now_ns
        run_callback = get_hub().loop.run_callback
        idle = self._idle
        now_ns = clock_now()
        # Whether VUs had a chance to become idle since the clock was read.
        has_turned = False
        for number, offset_ns in self._plan:
            intended_ns = start_ns + offset_ns
            if intended_ns > now_ns:
                # All that was due is started. Read the clock again, but never without letting the VUs run.
                if intended_ns > clock_now():
                    self._wait(intended_ns)
                else:
                    sleep(0)
                now_ns = clock_now()
                has_turned = False
                if now_ns > latest_ns:
                    self._drop_rest()
                    return
            while idle and not idle[0].end_ns:
                # Ended while it was parked: its script had its greenlet killed.
                idle.popleft()
            if not idle and not has_turned:
                # VUs that end in this very instant may take this arrival.
                sleep(0)
                has_turned = True
            if self._stop_requested:
                return
            if idle:
                handle = idle.popleft()
                handle.tick = (number, intended_ns)
                run_callback(handle.wake)
            elif self._can_serve():
                self.drop(1)
                self._reinforce()
            else:
                return

    def _drop_rest(self) -> None:
        """Count the arrival that cannot start any more, and all that follow it."""
        left = 1
        for _ in self._plan:
            left += 1
            if not left % 10_000:
                sleep(0)
        self.drop(left)

    def _loop(self, handle: VUHandle) -> None:
        self._activating -= 1
        if not self._activating:
            self._wake()
        idle, counts = self._idle, self.counts
        while handle.end_ns:
            idle.append(handle)
            tick = handle.park()
            if tick is None:
                return
            counts.vus += 1
            handle.iterate(*tick)
            counts.vus -= 1

    def _pre_allocate(self) -> None:
        while self._made < self._pre_allocated:
            self._make_vu()

    def _make_vu(self) -> None:
        self._activating += 1
        self._spawn(self._slots[self._made], self._loop, FOREVER_NS)
        self._made += 1

    def _reinforce(self) -> None:
        """Make one more VU ready after a drop, where that is allowed."""
        if self._made < len(self._slots):
            if not self._activating:
                self._make_vu()
        elif not self._has_warned:
            self._has_warned = True
            self.runtime.log(
                "warning",
                # Up to the colon it is what k6 says.
                f"Insufficient VUs, reached {self._made} active VUs and cannot initialize more: scenario "
                f"{self.name!r} drops iterations; raise max_vus, or expect less of the target",
            )

    def _is_activating(self) -> bool:
        return self._activating > 0

    def _can_serve(self) -> bool:
        """Whether there is a VU, or can be: all may have ended their iterations for good."""
        return bool(self._live) or self._made < len(self._slots)
