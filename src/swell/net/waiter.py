"""Where one greenlet waits for what the hub finds out: with a deadline, and without a timer for each wait."""

from time import monotonic_ns
from typing import Any

from gevent import get_hub, getcurrent
from greenlet import greenlet


class Waiter:
    """Base of what one greenlet at a time waits on.

    The timer is armed for the first deadline and moved only when it fires: most waits are over long before.
    """

    __slots__ = ("_armed_until_ns", "_deadline_ns", "_hub", "_switch_to_hub", "_timer", "_waiter")

    def __init__(self) -> None:
        self._hub: Any = get_hub()
        # The hub's own switch() looks for a ``switch_out`` of the caller first, which VUs do not have.
        self._switch_to_hub = greenlet.switch.__get__(self._hub)
        self._waiter: Any = None
        self._timer: Any = None
        self._deadline_ns = self._armed_until_ns = 0

    def _wait(self, deadline_ns: int) -> bool:
        """Park until woken, for whatever reason; False when ``deadline_ns`` (0: none) has passed.

        Raises ``RuntimeError`` where another greenlet waits already.
        """
        if self._waiter is not None:
            raise RuntimeError(f"another greenlet waits on {self!r} already")
        if deadline_ns:
            if deadline_ns <= monotonic_ns():
                return False
            if self._armed_until_ns == 0 or deadline_ns < self._armed_until_ns:
                self._arm_timer(deadline_ns)
        self._deadline_ns = deadline_ns
        self._waiter = getcurrent()
        try:
            self._switch_to_hub()
        finally:
            self._waiter = None
            self._deadline_ns = 0
        return True

    def _wake(self) -> None:
        """Switch to the greenlet that waits; in the hub only."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            waiter.switch()

    def _wake_later(self) -> None:
        """Have the hub do so, from wherever we are."""
        if self._waiter is not None:
            self._hub.loop.run_callback(self._wake)

    def _arm_timer(self, deadline_ns: int) -> None:
        self._stop_timer()
        self._timer = self._hub.loop.timer(max((deadline_ns - monotonic_ns()) / 1e9, 0.0))
        self._timer.start(self._on_timer)
        self._armed_until_ns = deadline_ns

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
        self._armed_until_ns = 0

    def _on_timer(self) -> None:
        self._stop_timer()
        if self._deadline_ns == 0:
            return
        if self._deadline_ns > monotonic_ns():
            self._arm_timer(self._deadline_ns)
        else:
            self._wake()


def wait_for_socket(descriptor: int, events: int, deadline_ns: int) -> bool:
    """Park the greenlet until the socket is ready or somebody switches to it; False when time is over.

    ``events`` are gevent's: 1 to read, 2 to write. It costs two watchers: not for the hot path.
    """
    seconds = (deadline_ns - monotonic_ns()) / 1e9
    if seconds <= 0:
        return False
    hub: Any = get_hub()
    current = getcurrent()
    watcher = hub.loop.io(descriptor, events)
    timer = hub.loop.timer(seconds)
    expired: list[bool] = []

    def on_timer() -> None:
        expired.append(True)
        current.switch()

    watcher.start(current.switch)
    # From now on, not from when the loop last looked at the clock: after work that took longer than the wait
    # is to last, time would be over at once.
    timer.start(on_timer, update=True)
    try:
        hub.switch()
    finally:
        watcher.stop()
        watcher.close()
        timer.stop()
        timer.close()
    return not expired
