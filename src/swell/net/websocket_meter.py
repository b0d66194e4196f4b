"""The measures of one WebSocket: k6's ``ws_*`` metrics and tags, and the bytes it moved.

A session's tags are those of the moment it was opened (k6). Its series are numbered once, so that a message
costs one record.
"""

from collections.abc import Mapping
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, Protocol

from swell.base.clock import NS_PER_MS, NS_PER_SECOND

if TYPE_CHECKING:
    from swell.metrics.samples import Recorder
    from swell.metrics.tags import TagRegistry, TagSet
    from swell.net.failure import Failure
    from swell.net.stream import Stream

# How often an open session reports the bytes it has moved.
BYTES_EVERY_NS: Final = NS_PER_SECOND

METHOD: Final = "WS"
"""What stands for the method in the table of errors."""


class Failures(Protocol):
    """Where failures are counted and logged."""

    def note_failure(self, failure: "Failure", method: str, name: str, url: str, /) -> None:
        """Count a failure."""
        ...


class SessionMeter:
    """Records one session; ``counts_control`` adds pings and closes to ws_msgs_sent (k6/websockets does)."""

    __slots__ = (
        "_bytes_due_ns",
        "_counts_control",
        "_failures",
        "_name",
        "_received_bytes",
        "_recorder",
        "_registry",
        "_sent_bytes",
        "_series_ping",
        "_series_received",
        "_series_sent",
        "_started_ns",
        "_tags",
        "_url",
    )

    def __init__(
        self,
        recorder: "Recorder",
        registry: "TagRegistry",
        tags: "TagSet",
        started_ns: int,
        *,
        failures: "Failures",
        name: str,
        url: str,
        counts_control: bool = False,
    ) -> None:
        self._recorder = recorder
        self._registry = registry
        self._tags = tags
        self._started_ns = started_ns
        self._failures = failures
        self._name = name
        self._url = url
        self._counts_control = counts_control
        self._sent_bytes = self._received_bytes = 0
        self._bytes_due_ns = 0
        self._series_sent = registry.series("ws_msgs_sent", tags)
        self._series_received = registry.series("ws_msgs_received", tags)
        self._series_ping = registry.series("ws_ping", tags)

    def _sample(self, metric: str, at_ns: int, value: float) -> None:
        self._recorder.sample(self._registry.series(metric, self._tags), at_ns, value)

    def connected(self, at_ns: int, failure: "Failure | None") -> None:
        """The attempt to open the session is over; k6 counts those that failed, too."""
        self._sample("ws_sessions", at_ns, 1)
        self._sample("ws_connecting", at_ns, (at_ns - self._started_ns) / NS_PER_MS)
        self._sample("ws_connect_failed", at_ns, failure is not None)
        if failure is not None:
            self._failures.note_failure(failure, METHOD, self._name, self._url)

    def moved_in_vain(self, sent_bytes: int, received_bytes: int, at_ns: int) -> None:
        """What an attempt that failed had moved."""
        for metric, size in (("data_sent", sent_bytes), ("data_received", received_bytes)):
            if size:
                self._sample(metric, at_ns, size)

    def sent(self, messages: int) -> None:
        """Messages were handed to the socket."""
        self._recorder.sample(self._series_sent, monotonic_ns(), messages)

    def sent_control(self) -> None:
        """So was a ping or a close."""
        if self._counts_control:
            self.sent(1)

    def received(self, messages: int, at_ns: int) -> None:
        """Whole messages came in."""
        self._recorder.sample(self._series_received, at_ns, messages)

    def pong(self, at_ns: int, round_trip_ns: int) -> None:
        """A ping was answered."""
        self._recorder.sample(self._series_ping, at_ns, round_trip_ns / NS_PER_MS)

    def moved(self, stream: "Stream", at_ns: int) -> None:
        """Report the bytes on the wire, once a second."""
        if at_ns >= self._bytes_due_ns:
            self._bytes_due_ns = at_ns + BYTES_EVERY_NS
            self._report_bytes(stream, at_ns)

    def ended(self, stream: "Stream", at_ns: int, failure: "Failure | None") -> None:
        """The session is over; ``failure`` says that neither side had meant it to end so."""
        self._sample("ws_session_duration", at_ns, max(0, at_ns - self._started_ns) / NS_PER_MS)
        self._sample("ws_session_dropped", at_ns, failure is not None)
        self._report_bytes(stream, at_ns)
        if failure is not None:
            self._failures.note_failure(failure, METHOD, self._name, self._url)

    def _report_bytes(self, stream: "Stream", at_ns: int) -> None:
        sent, received = stream.sent_bytes, stream.received_bytes
        if sent != self._sent_bytes:
            self._sample("data_sent", at_ns, sent - self._sent_bytes)
            self._sent_bytes = sent
        if received != self._received_bytes:
            self._sample("data_received", at_ns, received - self._received_bytes)
            self._received_bytes = received


def session_tags(
    registry: "TagRegistry",
    context: "TagSet",
    system: frozenset[str],
    facts: Mapping[str, str],
    extra: Mapping[str, str],
) -> "TagSet":
    """The tags of a session: the VU's, the system tags that are on and known, and the script's own."""
    known = {name: value for name, value in facts.items() if value and name in system}
    return registry.extend(context, known | dict(extra))
