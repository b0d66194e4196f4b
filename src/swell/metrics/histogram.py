"""A sparse log-linear histogram over any float: bounded memory, relative error under 0.1 %, exact extremes.

A bucket is the value's own sign, exponent and leading mantissa bits, so that its number is one shift of the
float's bits: ``key = sign * (|bits| >> 42)`` with 1,024 buckets per octave (``bits`` 10), or ``>> 47`` with
32 (``bits`` 5). A bucket stands for its middle, hence an error of at most half its width: 0.049 % and 1.6 %;
a fine bucket no wider than 1 that begins at an integer stands for that integer, so that integers up to 2,047
are exact, and errs by less than 0.098 %. Zero is a bucket of its own. Percentiles interpolate between ranks
as k6 does (i = p·(n-1)) and never leave [min, max]; between ranks of different sign the error is relative to
the larger of both. Subnormal values (under 2.3e-308) count as zeros.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from swell.metrics.distinct import counted

FINE_BITS = 10
COARSE_BITS = 5
_MANTISSA_BITS = 52
_MAGNITUDE = np.int64(0x7FFF_FFFF_FFFF_FFFF)
_FLOAT_MAX = float(np.finfo(np.float64).max)
# Below this a fine bucket is at most 1 wide.
_EXACT_INTEGERS = 1 << (FINE_BITS + 1)
# Merging through a dense array costs its span; above this the keys are sorted instead.
_DENSE_SPAN = 1 << 17

_COUNT_TYPES: dict[int, np.dtype[Any]] = {width: np.dtype(f"<i{width}") for width in (2, 4, 8)}
_COUNT_TYPES[1] = np.dtype("<u1")
_KEY_TYPE: np.dtype[np.int32] = np.dtype("<i4")

Keys = NDArray[np.int64]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


class Histogram(msgspec.Struct, frozen=True):
    """How often which values were seen; immutable, so that snapshots may share it.

    ``keys`` are ascending little-endian int32, ``counts`` little-endian integers of the width (1, 2, 4 or 8
    bytes) that the largest of them needs.
    """

    count: int = 0
    sum: float = 0.0
    min: float = 0.0
    max: float = 0.0
    keys: bytes = b""
    counts: bytes = b""
    bits: int = FINE_BITS

    @classmethod
    def of(cls, values: Iterable[float] | Floats, bits: int = FINE_BITS) -> Self:
        """The histogram of ``values``; NaN and infinities are left out."""
        array = np.asarray(values if isinstance(values, np.ndarray) else list(values), dtype=np.float64)
        if not np.isfinite(array).all():
            array = array[np.isfinite(array)]
        if not len(array):
            return cls(bits=bits)
        keys, counts = counted(keys_of(array, bits))
        with np.errstate(over="ignore", invalid="ignore"):
            total = float(array.sum())
        return cls.packed(keys, counts, total, float(array.min()), float(array.max()), bits)

    @classmethod
    def packed(
        cls, keys: Keys, counts: Counts, total: float, low: float, high: float, bits: int = FINE_BITS
    ) -> Self:
        """From ascending unique ``keys`` with their ``counts`` (none of them 0)."""
        return cls(
            count=int(counts.sum()),
            sum=_finite(total),
            min=low,
            max=high,
            keys=keys.astype(_KEY_TYPE).tobytes(),
            counts=_pack_counts(counts),
            bits=bits,
        )

    @classmethod
    def merged(cls, parts: Sequence["Histogram"]) -> "Histogram":
        """The histogram of all values of ``parts``; as coarse as the coarsest of them."""
        parts = [part for part in parts if part.count]
        if len(parts) <= 1:
            return parts[0] if parts else cls()
        bits = min(part.bits for part in parts)
        arrays = [part.coarsened(bits).arrays() for part in parts]
        keys, counts = sum_keys([keys for keys, _ in arrays], [counts for _, counts in arrays])
        total = _finite(sum(part.sum for part in parts))
        low = min(part.min for part in parts)
        return cls.packed(keys, counts, total, low, max(part.max for part in parts), bits)

    def merge(self, other: "Histogram") -> "Histogram":
        """The histogram of the values of both."""
        return Histogram.merged((self, other))

    def coarsened(self, bits: int = COARSE_BITS) -> "Histogram":
        """The same values with ``2**bits`` buckets an octave, or itself if it is no finer."""
        if self.bits <= bits:
            return self
        keys, counts = self.arrays()
        keys = np.sign(keys) * (np.abs(keys) >> (self.bits - bits))
        keys, counts = sum_keys([keys], [counts])
        return Histogram.packed(keys, counts, self.sum, self.min, self.max, bits)

    def arrays(self) -> tuple[Keys, Counts]:
        """Keys and counts as integers."""
        keys = np.frombuffer(self.keys, dtype=_KEY_TYPE)
        if not len(keys):
            return keys.astype(np.int64), np.zeros(0, dtype=np.int64)
        kind = _COUNT_TYPES[len(self.counts) // len(keys)]
        return keys.astype(np.int64), np.frombuffer(self.counts, dtype=kind).astype(np.int64)

    @property
    def mean(self) -> float:
        """Sum by count; 0 when empty."""
        return self.sum / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """The value at ``percent`` (0 to 100); 0 when empty, as in k6."""
        return self.percentiles((percent,))[0]

    def percentiles(self, percents: Sequence[float]) -> list[float]:
        """The values at several percents, in one pass."""
        if not self.count:
            return [0.0] * len(percents)
        keys, counts = self.arrays()
        middles = np.clip(values_of(keys, self.bits), self.min, self.max)
        ends = np.cumsum(counts)
        return [self._at(percent, middles, ends) for percent in percents]

    def _at(self, percent: float, middles: Floats, ends: Counts) -> float:
        rank = min(max(percent, 0.0), 100.0) / 100 * (self.count - 1)
        below = int(rank)
        low = self._ranked(below, middles, ends)
        share = rank - below
        if not share:
            return low
        high = self._ranked(below + 1, middles, ends)
        return min(max(low * (1 - share) + high * share, self.min), self.max)

    def _ranked(self, rank: int, middles: Floats, ends: Counts) -> float:
        """The value of the given rank; the first and the last are known exactly."""
        if rank <= 0:
            return self.min
        if rank >= self.count - 1:
            return self.max
        return float(middles[np.searchsorted(ends, rank, side="right")])


def keys_of(values: Floats, bits: int = FINE_BITS) -> Keys:
    """The bucket of each value; ``values`` is contiguous and finite."""
    raw = values.view(np.int64)
    keys: Keys = (raw & _MAGNITUDE) >> (_MANTISSA_BITS - bits)
    np.negative(keys, out=keys, where=raw < 0)
    return keys


def values_of(keys: Keys, bits: int = FINE_BITS) -> Floats:
    """The value that each bucket stands for."""
    shift = _MANTISSA_BITS - bits
    magnitudes = np.abs(keys)
    values: Floats = ((magnitudes << shift) | (1 << (shift - 1))).view(np.float64)
    if bits == FINE_BITS:
        edges = (magnitudes << shift).view(np.float64)
        # From 2,048 on buckets hold several integers, and all their edges are some.
        exact = (edges < _EXACT_INTEGERS) & (edges == np.floor(edges))
        values[exact] = edges[exact]
    # Everything under the first octave is a zero: there the buckets are no longer relative.
    values[magnitudes < 1 << bits] = 0.0
    return np.copysign(values, keys)


def sum_keys(keys: Sequence[Keys], counts: Sequence[Counts]) -> tuple[Keys, Counts]:
    """Ascending unique keys of all parts, and the sum of the counts of each."""
    every_key, every_count = np.concatenate(keys), np.concatenate(counts)
    if not len(every_key):
        return every_key, every_count
    low = int(every_key.min())
    span = int(every_key.max()) - low + 1
    if span <= _DENSE_SPAN:
        # Sums stay exact: a float holds every integer up to 2**53.
        dense = np.bincount(every_key - low, weights=every_count, minlength=span)
        found = np.flatnonzero(dense)
        return found + low, dense[found].astype(np.int64)
    order = np.argsort(every_key, kind="stable")
    every_key, every_count = every_key[order], every_count[order]
    starts = np.flatnonzero(np.diff(every_key, prepend=every_key[0] - 1))
    return every_key[starts], np.add.reduceat(every_count, starts)


def _pack_counts(counts: Counts) -> bytes:
    largest = int(counts.max()) if len(counts) else 0
    width = 1 if largest < 1 << 8 else 2 if largest < 1 << 15 else 4 if largest < 1 << 31 else 8
    return counts.astype(_COUNT_TYPES[width]).tobytes()


def _finite(value: float) -> float:
    """JSON knows no infinity; a sum that overflowed stays at the largest float."""
    return min(max(value, -_FLOAT_MAX), _FLOAT_MAX)
