"""The dense stores of the worker."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from swell.metrics.histogram import Histogram, keys_of
from swell.metrics.sinks import PagedHistograms, RowNumbers

finite = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
entries = st.lists(st.tuples(st.integers(0, 300), finite), min_size=1, max_size=80)


def buckets_of(store: PagedHistograms) -> dict[tuple[int, int], int]:
    """(row, key) -> count of what ``take`` gives."""
    rows, keys, counts = store.take()
    pairs = list(zip(rows.tolist(), keys.tolist(), strict=True))
    assert pairs == sorted(pairs)
    assert len(set(pairs)) == len(pairs) or 0 in keys
    found: dict[tuple[int, int], int] = {}
    for pair, count in zip(pairs, counts.tolist(), strict=True):
        found[pair] = found.get(pair, 0) + count
    return found


@given(st.lists(entries, min_size=1, max_size=4))
def test_every_value_is_in_its_row_and_bucket(batches: list[list[tuple[int, float]]]) -> None:
    """Any values in any rows, over several calls and takes, are counted where they belong."""
    store = PagedHistograms()
    for _ in range(2):
        expected: dict[tuple[int, int], int] = {}
        for batch in batches:
            rows = np.array([row for row, _ in batch], dtype=np.int64)
            values = np.array([value for _, value in batch])
            store.add(rows, values)
            for pair in zip(rows.tolist(), keys_of(values).tolist(), strict=True):
                expected[pair] = expected.get(pair, 0) + 1
        assert buckets_of(store) == expected


def test_a_store_that_was_taken_is_empty() -> None:
    """Nothing is given out twice, and an empty store gives nothing."""
    store = PagedHistograms()
    assert buckets_of(store) == {}
    store.add(np.zeros(3, dtype=np.int64), np.array([1.0, 2.0, 2.0]))
    assert sum(buckets_of(store).values()) == 3
    assert buckets_of(store) == {}


def test_wide_values_and_many_rows_make_room() -> None:
    """Tables grow while pages are in use, and no count moves."""
    store = PagedHistograms()
    values = 10.0 ** np.arange(-300, 300)
    store.add(np.zeros(600, dtype=np.int64), values)
    store.add(np.arange(600, dtype=np.int64), values)
    store.add(np.zeros(600, dtype=np.int64), -values)
    rows, keys, counts = store.take()
    first = Histogram.packed(keys[rows == 0], counts[rows == 0], 0.0, -1e299, 1e299)
    expected = Histogram.of(np.concatenate((values, values[:1], -values)))
    assert (first.keys, first.counts) == (expected.keys, expected.counts)


@given(entries)
def test_row_numbers_are_exact(batch: list[tuple[int, float]]) -> None:
    """Count, smallest and largest value of each row, by both ways of adding."""
    numbers = RowNumbers()
    numbers.grow(301)
    rows = np.array([row for row, _ in batch], dtype=np.int64)
    values = np.array([value for _, value in batch])
    with np.errstate(over="ignore", invalid="ignore"):
        numbers.add(rows, values)
    numbers.add_extremes(rows, values)
    for row in set(rows.tolist()):
        mine = values[rows == row]
        assert numbers.counts[row] == len(mine)
        assert (numbers.lows[row], numbers.highs[row]) == (mine.min(), mine.max())
    numbers.clear()
    assert not numbers.counts.any()
