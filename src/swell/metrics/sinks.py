"""The worker's dense stores: numbered rows that numpy adds thousands of values to in a few calls.

A row is one group of series that feed the same results. Its buckets live in pages of 128 (an eighth of an
octave), made where a value first falls; a table of rows by page columns says where. So one lookup finds the
cell of a value, whatever its size, and memory follows the values seen within one second.
"""

import numpy as np
from numpy.typing import NDArray

from swell.metrics.distinct import distinct, first_places
from swell.metrics.histogram import FINE_BITS, Counts, Floats, Keys

Ints = NDArray[np.int64]

_SHIFT = 52 - FINE_BITS
# Sign, exponent and mantissa bits of a bucket.
_RAW_BITS = 1 + 11 + FINE_BITS
_RAW_MASK = (1 << _RAW_BITS) - 1
_SIGN = 1 << (_RAW_BITS - 1)
_PAGE_BITS = 7
_PAGE = 1 << _PAGE_BITS
_PAGE_MASK = _PAGE - 1
_NONE = -1


class PagedHistograms:
    """Buckets of many rows; ``take`` gives them out and starts anew."""

    def __init__(self) -> None:
        # From the page's number in the space of all floats to its column in the table.
        self._columns = np.full(1 << (_RAW_BITS - _PAGE_BITS), _NONE, dtype=np.int64)
        self._column_count = 0
        self._width = 64
        self._height = 64
        self._table = np.full(self._height * self._width, _NONE, dtype=np.int64)
        self._counts = np.zeros(256 * _PAGE, dtype=np.int64)
        self._used = 0
        # What each page is: its cell in the table, its row, its number.
        self._cells: list[int] = []
        self._rows: list[int] = []
        self._numbers: list[int] = []

    def add(self, rows: Ints, values: Floats) -> None:
        """Count each of ``values`` (finite, contiguous) in the row at the same place."""
        raw = (values.view(np.int64) >> _SHIFT) & _RAW_MASK
        numbers = raw >> _PAGE_BITS
        columns = self._columns[numbers]
        if columns.min() < 0:
            self._add_columns(numbers[columns < 0])
            columns = self._columns[numbers]
        if (top := int(rows.max())) >= self._height:
            self._resize(max(top + 1, 2 * self._height), self._width)
        cells = rows * self._width
        cells += columns
        offsets = self._table[cells]
        if offsets.min() < 0:
            missing = offsets < 0
            self._add_pages(cells[missing], rows[missing], numbers[missing])
            offsets = self._table[cells]
        raw &= _PAGE_MASK
        offsets += raw
        np.add.at(self._counts, offsets, 1)

    def take(self) -> tuple[Ints, Keys, Counts]:
        """Row, bucket key and count of each cell that is not empty, ordered by row, then key."""
        used = self._counts[: self._used * _PAGE]
        found = np.flatnonzero(used)
        counts = used[found]
        pages = found >> _PAGE_BITS
        rows = np.array(self._rows, dtype=np.int64)[pages]
        raw = (np.array(self._numbers, dtype=np.int64)[pages] << _PAGE_BITS) | (found & _PAGE_MASK)
        magnitudes = raw & (_SIGN - 1)
        keys = np.where(raw & _SIGN, -magnitudes, magnitudes)
        used.fill(0)
        self._table[np.array(self._cells, dtype=np.int64)] = _NONE
        self._used = 0
        for part in (self._cells, self._rows, self._numbers):
            part.clear()
        order = np.argsort((rows << _RAW_BITS) + keys, kind="stable")
        return rows[order], keys[order], counts[order]

    def _add_columns(self, numbers: Ints) -> None:
        new = distinct(numbers)
        first, self._column_count = self._column_count, self._column_count + len(new)
        self._columns[new] = np.arange(first, self._column_count)
        if self._column_count > self._width:
            self._resize(self._height, max(self._column_count, 2 * self._width))

    def _resize(self, height: int, width: int) -> None:
        table = np.full((height, width), _NONE, dtype=np.int64)
        table[: self._height, : self._width] = self._table.reshape(self._height, self._width)
        cells = np.array(self._cells, dtype=np.int64)
        self._cells = ((cells // self._width) * width + cells % self._width).tolist()
        self._table, self._height, self._width = table.ravel(), height, width

    def _add_pages(self, cells: Ints, rows: Ints, numbers: Ints) -> None:
        new, where = first_places(cells)
        first, self._used = self._used, self._used + len(new)
        if self._used * _PAGE > len(self._counts):
            grown = np.zeros(2 * self._used * _PAGE, dtype=np.int64)
            grown[: len(self._counts)] = self._counts
            self._counts = grown
        self._table[new] = np.arange(first, self._used) << _PAGE_BITS
        self._cells.extend(new.tolist())
        self._rows.extend(rows[where].tolist())
        self._numbers.extend(numbers[where].tolist())


class RowNumbers:
    """Exact numbers of each row: count, sum, smallest, largest, last."""

    def __init__(self) -> None:
        self._size = 0
        self.counts: Ints = np.zeros(0, dtype=np.int64)
        self.sums: Floats = np.zeros(0)
        self.lows: Floats = np.zeros(0)
        self.highs: Floats = np.zeros(0)
        self.lasts: Floats = np.zeros(0)

    def grow(self, size: int) -> None:
        """Make room for rows below ``size``."""
        if size <= self._size:
            return
        more = max(size, 2 * self._size, 64) - self._size
        self._size += more
        self.counts = np.concatenate((self.counts, np.zeros(more, dtype=np.int64)))
        self.sums = np.concatenate((self.sums, np.zeros(more)))
        self.lows = np.concatenate((self.lows, np.full(more, np.inf)))
        self.highs = np.concatenate((self.highs, np.full(more, -np.inf)))
        self.lasts = np.concatenate((self.lasts, np.zeros(more)))

    def add(self, rows: Ints, values: Floats) -> None:
        """Count and sum each value."""
        if len(rows) * 4 > self._size:
            self.counts += np.bincount(rows, minlength=self._size)
            self.sums += np.bincount(rows, weights=values, minlength=self._size)
        else:
            np.add.at(self.counts, rows, 1)
            np.add.at(self.sums, rows, values)

    def add_extremes(self, rows: Ints, values: Floats) -> None:
        """Note the smallest and largest value."""
        np.minimum.at(self.lows, rows, values)
        np.maximum.at(self.highs, rows, values)

    def add_to_one(self, row: int, values: Floats) -> None:
        """``add`` and ``add_extremes`` where all values belong to one row."""
        self.counts[row] += len(values)
        self.sums[row] += values.sum()
        self.lows[row] = min(self.lows[row], values.min())
        self.highs[row] = max(self.highs[row], values.max())

    def clear(self) -> None:
        """Forget everything but the size."""
        self.counts.fill(0)
        self.sums.fill(0.0)
        self.lows.fill(np.inf)
        self.highs.fill(-np.inf)
        self.lasts.fill(0.0)
