"""A VU at work for a scenario: its greenlet, the measured iteration, and how that is cut short.

States. ``interrupt`` and ``finish`` act by them; the greenlet is switched out in all but IDLE, where it runs
engine code (or lets the hub turn for an instant)::

    state     the greenlet ...               finish()             interrupt()
    NEW       has not run yet                ends when it runs    ends when it runs
    IDLE      runs the engine's code         ends at once         ends at once
    PREPARING takes and readies a VU         is thrown out        is thrown out
    PARKED    waits for its next arrival     is woken and ends    is woken and ends
    RUNNING   is inside an iteration         ends after it        is thrown IterationInterrupted
    PAUSING   waits for the minimum time     is thrown out        is thrown out
    ENDED     is over, or was given up       -                    -

An iteration that swallows the interruption is thrown it again every ``INSIST_NS``, and given up after
``INSIST_TIMES``: the run goes on without this VU. (One that never waits holds up the whole hub; the worker's
watchdog sees to that.)
"""

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from gevent import GreenletExit, get_hub, spawn_raw
from greenlet import greenlet

from swell.base.clock import NS_PER_MS
from swell.engine.vu import VU, ControlFlow, IterationInterrupted, RunAborted, VUStopped, current_vu
from swell.metrics.samples import SAMPLE

if TYPE_CHECKING:
    from swell.engine.executor import Executor
    from swell.engine.script import IterationFunction

INSIST_NS = 100 * NS_PER_MS
INSIST_TIMES = 20

_pack = SAMPLE.pack

# Later than every instant of a run: a VU without a planned end.
FOREVER_NS: Final = 1 << 62
# ``intended_ns`` of an iteration of the closed model, and ``number`` of one that is not numbered over VUs.
UNPLANNED: Final = -1


class State(IntEnum):
    """What the greenlet of a VU is doing."""

    NEW = 0
    IDLE = 1
    PREPARING = 2
    PARKED = 3
    RUNNING = 4
    PAUSING = 5
    ENDED = 6


# Plain integers: looking up an enum's member costs as much as recording a sample.
_NEW, _IDLE, _PREPARING, _PARKED, _RUNNING, _PAUSING, _ENDED = (int(state) for state in State)


class VUHandle:
    """A VU while it works for one slot of one scenario.

    From ``end_ns`` on it starts no iteration; the executor may move that while the VU runs.
    ``tick`` is the arrival that it was given: (number, intended_ns).
    """

    __slots__ = (
        "_base_tags",
        "_call",
        "_counts",
        "_duration_series",
        "_end_iteration",
        "_executor",
        "_keep_sample",
        "_lag_series",
        "_minimum_ns",
        "_now",
        "_response_series",
        "_sent_series",
        "_series",
        "_state",
        "_turn",
        "end_ns",
        "greenlet",
        "is_given_up",
        "is_interrupted",
        "is_stopped",
        "slot",
        "tick",
        "vu",
    )

    def __init__(self, executor: "Executor", slot: int, end_ns: int) -> None:
        self._executor = executor
        self._state = _NEW
        self.slot = slot
        self.end_ns = end_ns
        self.tick: tuple[int, int] | None = None
        # Interrupted from outside; ended by itself (VUStopped, RunAborted); would not end.
        self.is_interrupted = False
        self.is_stopped = False
        self.is_given_up = False
        self.vu: VU | None = None
        self.greenlet: Any = None
        self._call: IterationFunction | None = None
        # Bound once: what an iteration touches.
        runtime = executor.runtime
        self._counts = executor.counts
        self._now = executor.clock.now_ns
        self._keep_sample = runtime.recorder.keep_sample
        self._base_tags = executor.base_tags
        self._series = runtime.registry.series
        self._duration_series = executor.duration_series
        self._lag_series = executor.lag_series
        self._response_series = executor.response_series
        self._sent_series = executor.sent_series
        self._minimum_ns = runtime.options.min_iteration_duration_ns
        self._turn = executor.environment.turn
        self._end_iteration = executor.environment.script.end_iteration

    def __repr__(self) -> str:
        return f"<VUHandle slot={self.slot} {State(self._state).name} {self.vu!r}>"

    @property
    def state(self) -> State:
        """What the greenlet is doing."""
        return State(self._state)

    # Called by the executor.

    def start(self, loop: Callable[["VUHandle"], None]) -> None:
        """Take a VU from the pool in a greenlet of its own, make it ready, and run ``loop`` in it."""
        hub = get_hub()
        # A bare greenlet: gevent.spawn keeps the spawner's stack and more, which 10,000 VUs would feel.
        self.greenlet = greenlet(self._main, hub)
        hub.loop.run_callback(self.greenlet.switch, loop)

    def finish(self) -> None:
        """Start no iteration any more; one that runs goes on to its end."""
        self.end_ns = 0
        if self._state == _PARKED:
            get_hub().loop.run_callback(self.wake)
        elif self._state in (_PREPARING, _PAUSING):
            get_hub().loop.run_callback(self._throw)

    def interrupt(self) -> None:
        """End the VU now, cutting short the iteration that runs."""
        if self._state == _RUNNING and not self.is_interrupted:
            get_hub().loop.run_callback(self._throw_and_insist)
        self.is_interrupted = True
        self.finish()

    def wake(self) -> None:
        """Go on after ``park``; called by the hub only."""
        # Something else may have woken it meanwhile: switch to it only where it waits.
        if self._state == _PARKED:
            self.greenlet.switch()

    # Called in the VU's greenlet.

    def park(self) -> tuple[int, int] | None:
        """Wait for the next arrival; None when the VU is to end."""
        switch = get_hub().switch
        while self.tick is None and self.end_ns:
            self._state = _PARKED
            try:
                switch()
            except GreenletExit:
                self._state = _IDLE
                self._stop()
                return None
            except BaseException:  # noqa: BLE001, S110  # a timer that the script forgot to close: not ours
                pass
        self._state = _IDLE
        tick = self.tick
        self.tick = None
        return tick

    def iterate(self, number: int, intended_ns: int) -> int:
        """Run and record one iteration; the instant from which on the next may start.

        The hot path: everything it needs is bound to the handle, and what is rare is done elsewhere.
        """
        vu = self.vu
        assert vu is not None  # noqa: S101  # bound by _main
        counts = self._counts
        now = self._now
        vu.iteration_number = number
        if vu.tags is not vu.base_tags:
            vu.tags = vu.base_tags
        if vu.group:
            vu.group = ""
        vu.iteration_in_worker = counts.started
        counts.started += 1
        self._state = _RUNNING
        started_ns = now()
        if intended_ns >= 0:
            vu.start_lag_ns = lag_ns = started_ns - intended_ns
            self._keep_sample(_pack(self._lag_series, started_ns, lag_ns / NS_PER_MS))
        try:
            self._call()  # type: ignore[misc]  # bound by _main
        except BaseException as error:  # noqa: BLE001  # a script may raise anything, SystemExit and Timeout too
            ended_ns = now()
            self._state = _IDLE
            is_complete = self._judge(error)
        else:
            ended_ns = now()
            self._state = _IDLE
            is_complete = not self.is_interrupted or self._judge(None)
        if is_complete:
            counts.completed += 1
            series = self._duration_series
            if vu.tags is not self._base_tags:
                # The script has set some, and they hold for its iteration as well (k6's rule).
                series = self._series("iteration_duration", vu.tags)
            keep = self._keep_sample
            keep(_pack(series, ended_ns, (ended_ns - started_ns) / NS_PER_MS))
            if intended_ns >= 0:
                keep(_pack(self._response_series, ended_ns, (ended_ns - intended_ns) / NS_PER_MS))
        else:
            # Of 0 bytes: for outputs it ends what the VU has sent and received in this iteration.
            self._keep_sample(_pack(self._sent_series, ended_ns, 0.0))
        self._end_iteration(vu)
        vu.iteration += 1
        vu.iteration_in_scenario += 1
        if self._minimum_ns and is_complete:
            ended_ns = self._pause(started_ns + self._minimum_ns)
        if ended_ns >= self._turn.due_ns and (intended_ns < 0 or self._turn.hold is not None):
            # In the open model the VU parks now, which lets the hub turn; only an output holds it.
            ended_ns = self._let_hub_turn(ended_ns)
        return ended_ns

    def _judge(self, error: BaseException | None) -> bool:
        """Whether an iteration that raised (or was interrupted) is complete; counts it where it is not."""
        counts = self._counts
        if self.is_given_up:
            # Counted as interrupted long ago.
            return False
        if isinstance(error, VUStopped) and not self.is_interrupted:
            # It found nothing to do: neither complete nor cut short.
            counts.started -= 1
            self._stop()
            return False
        if isinstance(error, RunAborted) and error.is_complete:
            self._stop()
            self._executor.runtime.abort_run(error.message)
            return True
        if self.is_interrupted or isinstance(error, (ControlFlow, GreenletExit)):
            # Interrupted, whatever the script made of it. Without a request it was the script's own doing.
            counts.interrupted += 1
            if isinstance(error, RunAborted):
                self._stop()
                self._executor.runtime.abort_run(error.message)
            elif isinstance(error, GreenletExit):
                self._stop()
            return False
        if error is not None:
            executor = self._executor
            executor.environment.failures.note(error, executor.name, executor.function, executor.kind)
        return True

    def _stop(self) -> None:
        self.is_stopped = True
        self.end_ns = 0

    def _pause(self, until_ns: int) -> int:
        """Wait until ``until_ns``, but not beyond the VU's end, which may move meanwhile."""
        now_ns = self._now()
        while now_ns < min(until_ns, self.end_ns):
            self._state = _PAUSING
            try:
                self._executor.clock.sleep_until_ns(min(until_ns, self.end_ns))
            except GreenletExit:
                self._stop()
            except BaseException:  # noqa: BLE001, S110  # thrown out (``finish``), or a script's forgotten timer
                pass
            self._state = _IDLE
            now_ns = self._now()
        return now_ns

    def _let_hub_turn(self, now_ns: int) -> int:
        try:
            self._turn.take(now_ns)
        except GreenletExit:
            self._stop()
        except BaseException:  # noqa: BLE001, S110  # a timer that the script forgot to close
            pass
        return self._now()

    # The greenlet, from beginning to end.

    def _main(self, loop: Callable[["VUHandle"], None]) -> None:
        executor = self._executor
        pool = executor.environment.pool
        self._state = _PREPARING
        try:
            if self.end_ns:
                self.vu = pool.acquire()
                self._activate(self.vu)
                self._state = _IDLE
                loop(self)
        except (GreenletExit, IterationInterrupted):
            # Ended before it began, or killed.
            self._stop()
        except BaseException as error:  # noqa: BLE001  # raised again by Executor.run
            executor.failed(error)
        finally:
            if self.vu is not None:
                self.vu.greenlet = None
                pool.release(self.vu)
            self._state = _ENDED
            if not self.is_given_up:
                executor.ended(self)
            # The greenlet holds this bound method, and we the greenlet.
            self.greenlet = None

    def _activate(self, vu: VU) -> None:
        executor = self._executor
        if vu.scenario != executor.name:
            vu.scenario = executor.name
            vu.iteration_in_scenario = 0
        vu.slot = self.slot
        vu.executor = executor.kind
        vu.exec_name = executor.function
        vu.env = executor.env
        vu.group = ""
        vu.base_tags = vu.tags = executor.base_tags
        vu.metadata = ()
        vu.scenario_started_ns = executor.started_ns
        vu.start_lag_ns = -1
        vu.scenario_progress = executor.progress
        vu.greenlet = self.greenlet
        current_vu.set(vu)
        self._call = executor.environment.script.iteration(vu, executor.function, executor.setup_data)

    # Interruption; all of it runs in the hub or in a greenlet of its own.

    def _throw(self) -> None:
        if self._state in (_PREPARING, _RUNNING, _PAUSING):
            self.greenlet.throw(IterationInterrupted)

    def _throw_and_insist(self) -> None:
        self._throw()
        if self._state == _RUNNING:
            spawn_raw(self._insist)

    def _insist(self) -> None:
        """Interrupt again and again: the script caught it, or waits in a ``finally``."""
        clock = self._executor.clock
        loop = get_hub().loop
        for _ in range(INSIST_TIMES):
            clock.sleep_until_ns(clock.now_ns() + INSIST_NS)
            if self._state != _RUNNING:
                return
            loop.run_callback(self._throw)
        clock.sleep_until_ns(clock.now_ns() + INSIST_NS)
        if self._state == _RUNNING:
            self._give_up()

    def _give_up(self) -> None:
        # Never lent out again: its greenlet may still use it.
        vu, self.vu = self.vu, None
        self.is_given_up = True
        self._counts.interrupted += 1
        self._executor.runtime.log(
            "error",
            f"VU {vu.id if vu else 0} of scenario {self._executor.name!r} catches its interruption and goes "
            f"on; given up after {INSIST_NS * INSIST_TIMES / 1e9:g} s. Do not catch BaseException in a loop.",
        )
        self._executor.ended(self)
