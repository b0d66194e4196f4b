"""The two fixed-width records that every measurement of a worker travels in.

One ``HTTP`` record holds a whole exchange (all phases, sizes, outcome) and stands for nine metrics; a
``SAMPLE`` record holds one value of any other series. Both are packed into preallocated buffers, which costs
0.2 µs against 0.5 µs for a list of tuples and needs no conversion before numpy reads it in place.
"""

from collections.abc import Callable
from struct import Struct
from typing import Final

import msgspec

HTTP_FIELDS: Final = (
    "tags",  # number of the tag set
    "ended_ns",  # monotonic
    "blocked_ns",
    "connecting_ns",
    "tls_ns",
    "sending_ns",
    "waiting_ns",
    "receiving_ns",
    "sent_bytes",  # on the wire, TLS included
    "received_bytes",
    "gap_ns",  # from the kernel's receive stamp of the last byte to its arrival in user space
    "flags",
)
HTTP = Struct(f"={len(HTTP_FIELDS)}q")
SAMPLE_FIELDS: Final = ("series", "time_ns", "value")
SAMPLE = Struct("=qqd")

# Beside a raw record: which VU made it, in which of its iterations; -1 where none did.
# An array of 64-bit numbers.
MARK_SHIFT = 40
MARK_MASK = (1 << MARK_SHIFT) - 1

# Bits of ``flags``.
FAILED = 1  # http_req_failed is 1
JUDGED = 2  # http_req_failed is emitted at all (a script may switch it off)
STAMPED = 4  # the receive stamps are the kernel's
WINDOW_LIMITED = 8  # the last stamp may be ours, not the target's: the receive window was full
NEW_CONNECTION = 16
ERROR = 32  # no response: status 0

DEFAULT_RECORDS = 8192


class Recorder:
    """The buffers that a worker's VUs write into; full ones are handed to ``on_full``.

    The hot methods ``http`` and ``sample`` take positional arguments in the order of the field tuples.
    """

    __slots__ = (
        "_http_end",
        "_http_offset",
        "_sample_end",
        "_sample_offset",
        "_spare_http",
        "_spare_samples",
        "http_buffer",
        "on_full",
        "sample_buffer",
    )

    def __init__(
        self, on_full: Callable[[memoryview, memoryview], None] | None = None, records: int = DEFAULT_RECORDS
    ) -> None:
        self.on_full = on_full
        self.http_buffer = bytearray(records * HTTP.size)
        self._spare_http = bytearray(records * HTTP.size)
        self.sample_buffer = bytearray(2 * records * SAMPLE.size)
        self._spare_samples = bytearray(2 * records * SAMPLE.size)
        self._http_offset = 0
        self._http_end = len(self.http_buffer)
        self._sample_offset = 0
        self._sample_end = len(self.sample_buffer)

    def http(
        self,
        tags: int,
        ended_ns: int,
        blocked_ns: int,
        connecting_ns: int,
        tls_ns: int,
        sending_ns: int,
        waiting_ns: int,
        receiving_ns: int,
        sent_bytes: int,
        received_bytes: int,
        gap_ns: int,
        flags: int,
        _pack: Callable[..., None] = HTTP.pack_into,  # bound once: a global lookup less per request
        _size: int = HTTP.size,
    ) -> None:
        """Record one exchange."""
        offset = self._http_offset
        _pack(
            self.http_buffer,
            offset,
            tags,
            ended_ns,
            blocked_ns,
            connecting_ns,
            tls_ns,
            sending_ns,
            waiting_ns,
            receiving_ns,
            sent_bytes,
            received_bytes,
            gap_ns,
            flags,
        )
        self._http_offset = offset = offset + _size
        if offset == self._http_end:
            self.flush()

    def sample(
        self,
        series: int,
        time_ns: int,
        value: float,
        _pack: Callable[..., None] = SAMPLE.pack_into,
        _size: int = SAMPLE.size,
    ) -> None:
        """Record one value of a series."""
        offset = self._sample_offset
        _pack(self.sample_buffer, offset, series, time_ns, value)
        self._sample_offset = offset = offset + _size
        if offset == self._sample_end:
            self.flush()

    def flush(self) -> None:
        """Hand what is recorded to ``on_full`` and go on in the spare buffers."""
        http, samples = self.swap()
        if self.on_full is not None:
            self.on_full(http, samples)

    def swap(self) -> tuple[memoryview, memoryview]:
        """The recorded bytes (valid until the next swap); recording goes on in the other buffers."""
        http = memoryview(self.http_buffer)[: self._http_offset]
        samples = memoryview(self.sample_buffer)[: self._sample_offset]
        self.http_buffer, self._spare_http = self._spare_http, self.http_buffer
        self.sample_buffer, self._spare_samples = self._spare_samples, self.sample_buffer
        self._http_offset = self._sample_offset = 0
        return http, samples


class ErrorSeen(msgspec.Struct):
    """One kind of failure with a count and the first example of it."""

    code: int
    message: str
    method: str
    name: str
    count: int = 0
    example: str = ""


class ErrorTable:
    """Failures grouped by (code, message, method, name); bounded, the rest counted under one row."""

    LIMIT = 500

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str, str, str], ErrorSeen] = {}

    def note(self, code: int, message: str, method: str, name: str, example: str = "") -> None:
        """Count one failure; ``code`` is 0 for a script's exception."""
        key = (code, message, method, name)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= self.LIMIT:
                key = (0, "more kinds of errors", "", "")
                row = self._rows.get(key)
            if row is None:
                row = self._rows[key] = ErrorSeen(*key, example=example)
        row.count += 1

    def drain(self) -> list[ErrorSeen]:
        """The rows counted since the last call."""
        rows = list(self._rows.values())
        self._rows.clear()
        return rows
