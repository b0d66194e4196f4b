"""The measures of one WebSocket: k6's ``ws_*`` metrics and tags, and the bytes it moved.

A session's tags are those of the moment it was opened (k6). Its series are numbered once, so that a message
costs one record.
"""

from collections.abc import Callable, Mapping
from contextvars import copy_context
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.metrics.samples import SAMPLE
from swell.metrics.snapshot import WEBSOCKET

if TYPE_CHECKING:
    from swell.metrics.samples import Recorder
    from swell.metrics.tags import TagRegistry, TagSet
    from swell.net.failure import Failure
    from swell.net.stream import Stream

# How often an open session reports the bytes it has moved.
BYTES_EVERY_NS: Final = NS_PER_SECOND

_pack = SAMPLE.pack


class Accounting(NamedTuple):
    """What the front ends record differently; the rules of k6's two modules were observed."""

    # Pings and closes are among the messages sent.
    counts_control: bool = False
    # k6's samples and tags and no others: none of swell's own metrics, no error in the tags, no status where
    # there was no answer, bytes under the VU's tags, no duration of a session that was cut short.
    is_k6: bool = False
    # Each session has a name, its URL where the script gave none, and the name is its url tag too.
    is_named: bool = True
    # An attempt that failed has a duration.
    times_failures: bool = False


NATIVE: Final = Accounting()
K6_WS: Final = Accounting(is_k6=True, is_named=False, times_failures=True)
K6_WEBSOCKETS: Final = Accounting(is_k6=True, counts_control=True)


class Failures(Protocol):
    """Where failures are counted and logged."""

    def note_failure(self, failure: "Failure", method: str, name: str, url: str, /) -> None:
        """Count a failure, and log the first of its kind."""
        ...

    def count_failure(self, failure: "Failure", method: str, name: str, url: str, /) -> None:
        """Count a failure."""
        ...


class SessionMeter:
    """Records one session, by the rules of ``accounting``."""

    __slots__ = (
        "_accounting",
        "_byte_tags",
        "_failures",
        "_keep",
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
        "bytes_due_ns",
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
        accounting: Accounting = NATIVE,
        context: "TagSet | None" = None,
    ) -> None:
        self._recorder = recorder
        self._registry = registry
        self._tags = tags
        self._started_ns = started_ns
        self._failures = failures
        self._keep: Callable[[bytes], object] = recorder.keep_sample
        if recorder.has_marks:
            # Most is recorded in the hub, and belongs to the VU that opened the session.
            run, keep = copy_context().run, recorder.keep_sample
            self._keep = lambda record: run(keep, record)
        self._name = name
        self._url = url
        self._accounting = accounting
        self._byte_tags = context if context is not None and accounting.is_k6 else tags
        self._sent_bytes = self._received_bytes = 0
        # When ``moved`` wants to be called.
        self.bytes_due_ns = 0
        self._series_sent = registry.series("ws_msgs_sent", tags)
        self._series_received = registry.series("ws_msgs_received", tags)
        self._series_ping = registry.series("ws_ping", tags)

    def _record(self, series: int, at_ns: int, value: float) -> None:
        self._keep(_pack(series, at_ns, value))

    def _sample(self, metric: str, at_ns: int, value: float) -> None:
        self._record(self._registry.series(metric, self._tags), at_ns, value)

    def _sample_bytes(self, metric: str, at_ns: int, size: int) -> None:
        self._record(self._registry.series(metric, self._byte_tags), at_ns, size)

    def connected(self, at_ns: int, failure: "Failure | None") -> None:
        """The attempt to open the session is over; k6 counts those that failed, too."""
        self._sample("ws_sessions", at_ns, 1)
        self._sample("ws_connecting", at_ns, (at_ns - self._started_ns) / NS_PER_MS)
        if failure is not None and self._accounting.times_failures:
            self._sample("ws_session_duration", at_ns, (at_ns - self._started_ns) / NS_PER_MS)
        if not self._accounting.is_k6:
            self._sample("ws_connect_failed", at_ns, failure is not None)
        if failure is not None:
            self._note(failure)

    def _note(self, failure: "Failure") -> None:
        # k6 logs none of them: the script is told.
        note = self._failures.count_failure if self._accounting.is_k6 else self._failures.note_failure
        note(failure, WEBSOCKET, self._name, self._url)

    def moved_in_vain(self, sent_bytes: int, received_bytes: int, at_ns: int) -> None:
        """What an attempt that failed had moved."""
        for metric, size in (("data_sent", sent_bytes), ("data_received", received_bytes)):
            if size:
                self._sample_bytes(metric, at_ns, size)

    def sent(self, messages: int) -> None:
        """Messages were handed to the socket."""
        self._keep(_pack(self._series_sent, monotonic_ns(), messages))
        # Who sends without ever waiting keeps the tick from emptying the lists.
        if self._recorder.is_full:
            self._recorder.flush()

    def sent_control(self) -> None:
        """So was a ping or a close."""
        if self._accounting.counts_control:
            self.sent(1)

    def received(self, messages: int, at_ns: int) -> None:
        """Whole messages came in; at least one. k6 has a sample for each."""
        if messages == 1 or not self._accounting.is_k6:
            self._keep(_pack(self._series_received, at_ns, messages))
            return
        for _ in range(messages):
            self._keep(_pack(self._series_received, at_ns, 1))

    def pong(self, at_ns: int, round_trip_ns: int) -> None:
        """A ping was answered."""
        self._record(self._series_ping, at_ns, round_trip_ns / NS_PER_MS)

    def moved(self, stream: "Stream", at_ns: int) -> None:
        """Report the bytes on the wire; due once a second."""
        self.bytes_due_ns = at_ns + BYTES_EVERY_NS
        self._report_bytes(stream, at_ns)

    def ended(
        self, stream: "Stream", at_ns: int, failure: "Failure | None", *, is_cut_short: bool = False
    ) -> None:
        """The session is over; ``failure`` says that neither side had meant it to end so."""
        is_k6 = self._accounting.is_k6
        if not (is_k6 and is_cut_short):
            self._sample("ws_session_duration", at_ns, max(0, at_ns - self._started_ns) / NS_PER_MS)
        if not is_k6:
            self._sample("ws_session_dropped", at_ns, failure is not None)
        self._report_bytes(stream, at_ns)
        if failure is not None:
            self._note(failure)

    def _report_bytes(self, stream: "Stream", at_ns: int) -> None:
        sent, received = stream.sent_bytes, stream.received_bytes
        if sent != self._sent_bytes:
            self._sample_bytes("data_sent", at_ns, sent - self._sent_bytes)
            self._sent_bytes = sent
        if received != self._received_bytes:
            self._sample_bytes("data_received", at_ns, received - self._received_bytes)
            self._received_bytes = received


class SessionFacts(NamedTuple):
    """What is known of a session when its attempt is over."""

    url: str
    # What the script called it, or "".
    name: str
    # Of the answer; 0 where there was none.
    status: int
    subprotocol: str
    ip: str
    tls_version: str


def session_tags(
    registry: "TagRegistry",
    context: "TagSet",
    system: frozenset[str],
    facts: SessionFacts,
    extra: Mapping[str, str],
    accounting: Accounting,
    failure: "Failure | None",
) -> "TagSet":
    """The tags of a session: the VU's, the system tags that are on and known, and the script's own."""
    known = {"url": facts.url, "ip": facts.ip, "tls_version": facts.tls_version}
    if accounting.is_named:
        known["url"] = known["name"] = facts.name or facts.url
    known = {name: value for name, value in known.items() if value}
    if not accounting.is_k6:
        known["status"] = str(facts.status)
        if facts.subprotocol:
            known["subproto"] = facts.subprotocol
        if failure is not None:
            known |= {"error": failure.message, "error_code": str(failure.code)}
    elif facts.status:
        # Of no subprotocol, too.
        known |= {"status": str(facts.status), "subproto": facts.subprotocol}
    known = {name: value for name, value in known.items() if name in system}
    if not accounting.is_k6:
        return registry.extend(context, known | dict(extra))
    named = {"name": facts.name} if facts.name and not accounting.is_named else {}
    return registry.extend(context, dict(extra) | named | known)
