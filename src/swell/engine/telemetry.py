"""What a worker measures of its VUs and of itself, on its way to the coordinator: the tick and the seconds.

The tick swaps the recorder's buffers so often that aggregating one never holds up the hub for long, beats for
the watchdog, and takes its own lateness as the hub's lag. Once a second, on the seconds of the run's start,
the delta goes up. While the coordinator is behind, the delta stays here and grows by merging: nothing is
lost, and nothing piles up.
"""

from collections.abc import Callable
from typing import Any

import gevent

from swell.base.clock import NS_PER_MS, NS_PER_SECOND, Clock
from swell.engine.frames import Health, Progress, ScenarioCounts
from swell.engine.uplink import WorkerChannel
from swell.engine.vitals import Vitals
from swell.engine.watchdog import STALL_NS, HubPulse
from swell.metrics.samples import ErrorTable, Recorder
from swell.metrics.tags import TagRegistry
from swell.metrics.worker_aggregate import WorkerAggregator

# 60,000 records take 3 ms to aggregate; at 20,000 a second this is 1,000 a tick.
TICK_NS = 50 * NS_PER_MS


class Telemetry:
    """Runs the tick and the second of one worker."""

    def __init__(
        self,
        channel: WorkerChannel,
        clock: Clock,
        pulse: HubPulse,
        registry: TagRegistry,
        recorder: Recorder,
        errors: ErrorTable,
        aggregator: WorkerAggregator,
        counts: Callable[[], tuple[ScenarioCounts, ...]],
    ) -> None:
        self._channel = channel
        self._clock = clock
        self._pulse = pulse
        self._registry = registry
        self._recorder = recorder
        self._errors = errors
        self._aggregator = aggregator
        self._counts = counts
        self._vitals = Vitals()
        self._taken_ns = clock.now_ns()
        self._seconds: gevent.Greenlet[..., None] | None = None
        # Where the recorder's buffers go when it is not paused; None while it is not.
        self._unpaused: Callable[[bytes, bytes], None] | None = None
        self._pauses = 0
        # The greenlet that serves the coordinator.
        self._server: Any = None

    def begin(self) -> None:
        """Start to tick, and to report each second counted from now (setup is measured too)."""
        self._pulse.beat_ns = self._clock.now_ns()
        self._pulse.take_stall()
        self._vitals.watch_garbage()
        self._server = gevent.getcurrent()
        gevent.spawn(self._tick).link_exception(self._fail)
        self.align(self._clock.now_ns())

    def align(self, start_ns: int) -> None:
        """Report at ``start_ns`` plus whole seconds; the timeline counts its seconds from there, too."""
        self._aggregator.start_at(start_ns)
        if self._seconds is not None:
            self._seconds.kill(block=False)
        self._seconds = gevent.spawn(self._report, start_ns)
        self._seconds.link_exception(self._fail)

    def send_rest(self) -> None:
        """Send what the last second's report did not have yet."""
        self._send(final=True)

    def pause(self) -> None:
        """Measure nothing from now on: neither what the script does nor how the worker fares."""
        if self._unpaused is None:
            self._recorder.flush()
            self._unpaused, self._recorder.on_full = self._recorder.on_full, None

    def resume(self) -> None:
        """Measure again, and forget what was seen meanwhile."""
        if self._unpaused is not None:
            self._recorder.flush()
            self._recorder.on_full, self._unpaused = self._unpaused, None
            self._pauses += 1
            self._errors.drain()
            self._pulse.beat_ns = self._clock.now_ns()
            self._pulse.take_stall()
            self._vitals.note_lag(0, "")
            self._health()

    def _fail(self, dead: "gevent.Greenlet[..., None]") -> None:
        """End the worker: one that reports nothing any more would hold up the run for ever."""
        if dead.exception is not None:
            gevent.kill(self._server, dead.exception)

    def _tick(self) -> None:
        deadline_ns = self._clock.now_ns()
        while True:
            deadline_ns += TICK_NS
            pauses = self._pauses
            self._clock.sleep_until_ns(deadline_ns)
            now_ns = self._clock.now_ns()
            self._pulse.beat_ns = now_ns
            if pauses != self._pauses or self._unpaused is not None:
                # Part of the time was none that counts.
                deadline_ns = now_ns
                continue
            lag_ns = now_ns - deadline_ns
            stack = self._pulse.take_stall()
            # A stack that was sampled in a shorter delay than it takes to be called a stall is chance.
            self._vitals.note_lag(lag_ns, stack if lag_ns + TICK_NS >= STALL_NS else "")
            self._vitals.check_clock()
            self._recorder.flush()
            # A tick that was missed is not made up for.
            deadline_ns = max(deadline_ns, now_ns - TICK_NS)

    def _report(self, start_ns: int) -> None:
        due_ns = start_ns
        while True:
            now_ns = self._clock.now_ns()
            due_ns += max(1, (now_ns - due_ns) // NS_PER_SECOND + 1) * NS_PER_SECOND
            self._clock.sleep_until_ns(due_ns)
            if not self._channel.is_backlogged:
                self._send(final=False)

    def _send(self, *, final: bool) -> None:
        self._recorder.flush()
        now_ns = self._clock.now_ns()
        is_paused = self._unpaused is not None
        errors = [] if is_paused else self._errors.drain()
        delta = self._aggregator.take_delta(self._taken_ns, now_ns, errors)
        self._taken_ns = now_ns
        health = Health() if is_paused else self._health()
        self._channel.send(Progress(delta, self._counts(), health, final))

    def _health(self) -> Health:
        return self._vitals.take(len(self._registry), self._registry.overflowed)
