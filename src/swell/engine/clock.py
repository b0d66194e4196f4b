"""The real clock of a worker: monotonic time, waited for on gevent's hub."""

import time

import gevent


class GeventClock:
    """Waits for absolute deadlines with the hub's timers, never early.

    libev rounds its waits up to a millisecond, so a deadline is met 0 to 1 ms late on an idle hub.
    """

    now_ns = staticmethod(time.monotonic_ns)

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Block the calling greenlet until ``deadline_ns``; return at once if it has passed."""
        # The hub counts from the time it last looked at the clock and so may wake a little early: look again.
        while (left_ns := deadline_ns - time.monotonic_ns()) > 0:
            gevent.sleep(left_ns / 1e9)
