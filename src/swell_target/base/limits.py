"""Rate limits: so many per span and key, exact over all processes of the platform.

The counters stand in a file that all processes map: a table of windows, found by the key's hash. A lock on
the file orders who counts; it takes some microseconds, and a process that dies gives it back.
"""

import fcntl
import math
import mmap
import os
import struct
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

from swell_target.base.errors import Problem

# A window: the hash of its key, its end by the system's monotonic clock, how many were counted.
SLOT = struct.Struct("<8sdQ")
SLOTS = 1 << 16
# How many places a window may have; of these the one that ends first makes room when all are taken.
PLACES = 16


class Limiter:
    """Fixed windows; ``active`` False lets through whatever is only limited with ``serve --limits``."""

    def __init__(
        self, path: Path, service: str, *, active: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.active = active
        self._service = service
        self._clock = clock
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, SLOT.size * SLOTS)
        self._table = mmap.mmap(self._file, SLOT.size * SLOTS)

    def close(self) -> None:
        """Leave the file to the others."""
        self._table.close()
        os.close(self._file)

    def take(self, key: str, limit: int, seconds: float) -> None:
        """Count one, with ``--limits``; Problem 429 with ``Retry-After`` beyond ``limit`` in ``seconds``."""
        if self.active:
            self.count(key, limit, seconds)

    def check(self, key: str, limit: int) -> None:
        """Problem 429 as ``take`` would raise it; nothing is counted."""
        if not self.active:
            return
        digest, now = self._digest(key), self._clock()
        for offset in _places(digest):
            found, end, count = SLOT.unpack_from(self._table, offset)
            if found == digest and end > now and count >= limit:
                raise _too_many(limit, end - now)

    def count(self, key: str, limit: int, seconds: float) -> None:
        """Count one, always; Problem as ``take``."""
        digest, now = self._digest(key), self._clock()
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            place, place_end = -1, math.inf
            end, count = now + seconds, 0
            for offset in _places(digest):
                found, found_end, found_count = SLOT.unpack_from(self._table, offset)
                if found == digest and found_end > now:
                    place, end, count = offset, found_end, found_count
                    break
                if found_end < place_end:
                    place, place_end = offset, found_end
            if count >= limit:
                raise _too_many(limit, end - now)
            SLOT.pack_into(self._table, place, digest, end, count + 1)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _digest(self, key: str) -> bytes:
        return blake2b(f"{self._service}:{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _places(digest: bytes) -> Iterator[int]:
    """Where the window of a key may stand."""
    first = int.from_bytes(digest, "little")
    return ((first + step) % SLOTS * SLOT.size for step in range(PLACES))


def _too_many(limit: int, wait_s: float) -> Problem:
    wait = max(1, math.ceil(wait_s))
    headers = (("retry-after", str(wait)),)
    return Problem(429, f"too many requests: no more than {limit} for now", headers=headers)
