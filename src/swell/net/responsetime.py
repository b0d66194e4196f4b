"""The response time of a request in the open model: from when it was due, not from when it was sent.

A request is due when its script asks for it; the first of an iteration earlier still, by the time that the
iteration itself started late (``iteration_start_lag``). From there to the last byte of the answer it holds
what ``http_req_duration`` leaves out: waiting for a connection, making one, and the generator's own lateness.
"""

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from swell.metrics.samples import Recorder
    from swell.metrics.tags import TagRegistry

METRIC: Final = "http_req_response_time"


class Late(Protocol):
    """The part of a VU that is read: nanoseconds, or -1 in the closed model."""

    start_lag_ns: int


def note_response_time(
    registry: "TagRegistry",
    recorder: "Recorder",
    vu: Late,
    tags: int,
    ended_ns: int,
    phases: tuple[int, int, int, int, int, int],
) -> None:
    """Record a request of the open model beside its record; ``tags`` is the number of its tag set."""
    blocked, _connecting, _tls, sending, waiting, receiving = phases
    lag_ns = vu.start_lag_ns
    # The iteration was late once: what follows in it counts from when it was asked for.
    vu.start_lag_ns = 0
    total_ns = lag_ns + blocked + sending + waiting + receiving
    recorder.sample(registry.series(METRIC, registry[tags]), ended_ns, total_ns / 1e6)
