"""The histogram against exact values."""

import math
import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.metrics.histogram import COARSE_BITS, Histogram, keys_of, sum_keys, values_of

# Subnormal numbers count as zeros; sums of the largest floats overflow, which has its own test.
finite = st.floats(-1e300, 1e300, allow_subnormal=False)
samples = st.lists(finite, min_size=1, max_size=60)
percents = st.floats(0, 100)


def exact_percentile(values: list[float], percent: float) -> float:
    """What k6 gives: sorted, interpolated between the ranks around p * (n - 1)."""
    ordered = sorted(values)
    rank = percent / 100 * (len(ordered) - 1)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    share = rank - below
    return ordered[below] * (1 - share) + ordered[above] * share


def tolerance(values: list[float], percent: float, relative: float) -> float:
    """The promised error: relative to the larger of the two values around the rank."""
    ordered = sorted(values)
    below = int(percent / 100 * (len(ordered) - 1))
    above = min(below + 1, len(ordered) - 1)
    return relative * max(abs(ordered[below]), abs(ordered[above])) * (1 + 1e-9)


@given(samples, percents)
def test_percentiles_are_within_a_tenth_of_a_percent(values: list[float], percent: float) -> None:
    """Any percentile of any floats is within 0.1 % of the exact one."""
    found = Histogram.of(values).percentile(percent)
    assert abs(found - exact_percentile(values, percent)) <= tolerance(values, percent, 0.001)


@given(samples, percents)
def test_coarse_percentiles_are_within_two_percent(values: list[float], percent: float) -> None:
    """The resolution of the rows per second keeps percentiles within 2 %, coarsened or built so."""
    coarse = Histogram.of(values).coarsened()
    assert coarse == Histogram.of(values, COARSE_BITS)
    assert abs(coarse.percentile(percent) - exact_percentile(values, percent)) <= tolerance(
        values, percent, 0.02
    )


@given(samples)
def test_count_sum_and_extremes_are_exact(values: list[float]) -> None:
    """Count, min and max are exact, and the sum is what numpy sums."""
    histogram = Histogram.of(values)
    assert histogram.count == len(values)
    assert (histogram.min, histogram.max) == (min(values), max(values))
    assert histogram.sum == pytest.approx(math.fsum(values), rel=1e-9, abs=1e-12 * max(map(abs, values)))
    assert histogram.percentile(0) == min(values)
    assert histogram.percentile(100) == max(values)


@given(samples, st.integers(1, 8), st.randoms(use_true_random=False))
def test_merging_in_any_order_equals_building_at_once(
    values: list[float], parts: int, rng: random.Random
) -> None:
    """However samples are spread over histograms, and however these merge, the result is the same."""
    whole = Histogram.of(values)
    split = [Histogram.of(values[start::parts]) for start in range(parts)]
    rng.shuffle(split)
    while len(split) > 1:
        split.append(split.pop(rng.randrange(len(split))).merge(split.pop(rng.randrange(len(split)))))
    merged = split[0]
    assert (merged.keys, merged.counts, merged.count) == (whole.keys, whole.counts, whole.count)
    assert (merged.min, merged.max) == (whole.min, whole.max)
    assert merged.sum == pytest.approx(whole.sum, rel=1e-9, abs=1e-12 * max(map(abs, values)))


@given(samples, percents, percents)
def test_percentiles_rise_within_the_extremes(values: list[float], one: float, other: float) -> None:
    """A higher percentile is lower by no more than rounding, and none leaves [min, max]."""
    low, high = Histogram.of(values).percentiles(sorted((one, other)))
    assert low <= high or low == pytest.approx(high, rel=1e-12)
    assert min(values) <= low <= max(values)
    assert min(values) <= high <= max(values)


@given(samples)
def test_json_and_msgpack_bring_it_back(values: list[float]) -> None:
    """A histogram survives both encodings unchanged."""
    histogram = Histogram.of(values)
    assert msgspec.json.decode(msgspec.json.encode(histogram), type=Histogram) == histogram
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(histogram), type=Histogram) == histogram


@given(st.lists(st.integers(-2047, 2047), min_size=1, max_size=30), percents)
def test_integers_up_to_2047_are_exact(values: list[int], percent: float) -> None:
    """Counts of things as trends show no rounding."""
    floats = [float(value) for value in values]
    assert Histogram.of(floats).percentile(percent) == pytest.approx(
        exact_percentile(floats, percent), rel=1e-12
    )


def test_an_empty_histogram_answers_zero() -> None:
    """As in k6, every statistic of nothing is 0."""
    empty = Histogram.of([])
    assert empty == Histogram()
    assert (empty.mean, empty.percentile(99), empty.percentiles((1, 2))) == (0.0, 0.0, [0.0, 0.0])
    assert empty.merge(empty) == empty
    one = Histogram.of([5.0])
    assert empty.merge(one) == one
    assert one.merge(empty) == one


def test_numbers_that_are_none_are_left_out() -> None:
    """NaN and infinities do no harm."""
    assert Histogram.of([math.nan, 1.0, math.inf, -math.inf]) == Histogram.of([1.0])
    assert Histogram.of([math.nan]).count == 0


def test_the_largest_floats_neither_crash_nor_become_infinite() -> None:
    """A sum that overflows stays at the largest float, so that JSON can hold it."""
    histogram = Histogram.of([1.7e308, 1.7e308, -5e-324, 0.0, -0.0])
    merged = histogram.merge(histogram)
    assert histogram.sum == merged.sum == np.finfo(np.float64).max
    assert merged.percentile(50) == 0.0
    assert merged.max == 1.7e308


def test_percents_beyond_the_range_are_clamped() -> None:
    """A percent below 0 is the minimum, above 100 the maximum."""
    histogram = Histogram.of([1.0, 2.0])
    assert histogram.percentiles((-5, 200)) == [1.0, 2.0]


def test_counts_take_the_width_they_need() -> None:
    """Large counts survive, small ones stay one byte each."""
    keys = np.array([5_000, 6_000], dtype=np.int64)
    for largest, width in ((255, 1), (256, 2), (1 << 15, 4), (1 << 31, 8)):
        counts = np.array([1, largest], dtype=np.int64)
        histogram = Histogram.packed(keys, counts, 1.0, 0.0, 1.0)
        assert len(histogram.counts) == 2 * width
        assert histogram.arrays()[1].tolist() == [1, largest]


def test_different_resolutions_merge_into_the_coarser() -> None:
    """Fine and coarse together are coarse."""
    merged = Histogram.of([1.0, 2.0]).merge(Histogram.of([3.0], COARSE_BITS))
    assert merged == Histogram.of([1.0, 2.0, 3.0], COARSE_BITS)


@given(samples)
def test_a_bucket_holds_its_own_value(values: list[float]) -> None:
    """The value that stands for a bucket lies in that bucket."""
    keys = np.unique(keys_of(np.array(values)))
    assert keys_of(values_of(keys)).tolist() == keys.tolist()


@given(st.lists(st.integers(-(2**21), 2**21), max_size=50), st.integers(1, 4))
def test_keys_far_apart_sum_like_keys_close_together(keys: list[int], parts: int) -> None:
    """Both ways of merging (dense and sorted) give each key the sum of its counts."""
    expected = {key: keys.count(key) for key in keys}
    arrays = [np.array(keys[start::parts], dtype=np.int64) for start in range(parts)]
    found, counts = sum_keys(arrays, [np.ones_like(array) for array in arrays])
    assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == expected
    assert found.tolist() == sorted(expected)
