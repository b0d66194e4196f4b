"""Holding requests back: a turn for each (``rps``), a connection's place (``max_connections_per_host``)."""

from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from swell.net.failure import TIMEOUT, Failure

if TYPE_CHECKING:
    from gevent.lock import BoundedSemaphore

    from swell.net.prepared import PoolKey, PreparedRequest
    from swell.net.shared import HTTPShared

CROWDED: Final = Failure(TIMEOUT, "request timeout: every connection of max_connections_per_host is in use")


class Places:
    """The places of one VU.

    A connection is opened only where none is idle, so who holds one of N places finds or opens one of at most
    N connections.
    """

    __slots__ = ("_permits", "_shared")

    def __init__(self, shared: "HTTPShared") -> None:
        self._shared = shared
        self._permits: dict[PoolKey, BoundedSemaphore] = {}

    def enter(self, prepared: "PreparedRequest") -> int:
        """Wait for a turn, then for a place; ``leave`` gives it back.

        Gives the instant from which on the request waited for a connection, as a negative number where its
        time was up first: then there is nothing to give back.
        """
        shared = self._shared
        if shared.limiter is not None:
            shared.limiter.wait()
        started = monotonic_ns()
        limit = shared.options.max_connections_per_host
        if not limit:
            return started
        permits = self._permits.get(prepared.origin)
        if permits is None:
            from gevent.lock import BoundedSemaphore  # noqa: PLC0415  # for those who set a limit

            permits = self._permits[prepared.origin] = BoundedSemaphore(limit)
        return started if permits.acquire(timeout=prepared.timeout_ns / 1e9) else -started

    def leave(self, prepared: "PreparedRequest") -> None:
        """Give the place back."""
        permits = self._permits.get(prepared.origin)
        if permits is not None:
            permits.release()
