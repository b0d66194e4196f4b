"""The two fixed-width records that every measurement of a worker travels in.

One ``HTTP`` record holds a whole exchange (all phases, sizes, outcome) and stands for nine metrics; a
``SAMPLE`` record holds one value of any other series. Each is packed at once, so that numpy reads them in
place once they are joined: two calls into C and none into Python, 0.09 µs where a method with a buffer and an
offset took 0.15.
"""

from collections.abc import Callable
from struct import Struct
from typing import ClassVar, Final

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
    """What a worker's VUs have recorded and ``on_full`` was not handed yet.

    The hot paths keep what they pack themselves: ``keep_sample(SAMPLE.pack(series, time_ns, value))`` and
    ``keep_http(HTTP.pack(...))``, with the fields in the order of the field tuples. Who may record without
    letting the hub turn, whose tick empties the lists, uses ``sample`` or looks at ``is_full``.
    """

    __slots__ = ("_http", "_limit", "_samples", "keep_http", "keep_sample", "on_full")

    # Whether a record is marked with the VU in whose context it is kept.
    has_marks: ClassVar[bool] = False

    def __init__(
        self, on_full: Callable[[bytes, bytes], None] | None = None, records: int = DEFAULT_RECORDS
    ) -> None:
        self.on_full = on_full
        self._limit = records
        self._http: list[bytes] = []
        self._samples: list[bytes] = []
        # The lists stay the same: these may be bound once.
        self.keep_http = self._http.append
        self.keep_sample = self._samples.append

    @property
    def is_full(self) -> bool:
        """Whether it is time to ``flush`` without waiting for the tick."""
        return len(self._samples) >= 2 * self._limit or len(self._http) >= self._limit

    def http(self, *fields: int) -> None:
        """Record one exchange, given in the order of ``HTTP_FIELDS``."""
        self.keep_http(HTTP.pack(*fields))
        if self.is_full:
            self.flush()

    def sample(self, series: int, time_ns: int, value: float) -> None:
        """Record one value of a series."""
        self.keep_sample(SAMPLE.pack(series, time_ns, value))
        if self.is_full:
            self.flush()

    def flush(self) -> None:
        """Hand what is recorded to ``on_full``."""
        http, samples = self.take()
        if self.on_full is not None:
            self.on_full(http, samples)

    def take(self) -> tuple[bytes, bytes]:
        """The records of both kinds, which are no longer kept."""
        taken = b"".join(self._http), b"".join(self._samples)
        self._http.clear()
        self._samples.clear()
        return taken


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
