"""Injected against reported: the limits, and the medians over rounds."""

import pytest

from swell.doctor.accuracy import Reading, Row, Setting, compare, within_limits

SETTING = Setting("http", "calm", "fixed", 10, 1)


def reading(*reported: float, requests: int = 100, cpu: float = 0.5) -> Reading:
    """What a generator said of durations."""
    return Reading(requests, {"duration": reported}, cpu)


@pytest.mark.parametrize(
    ("injected", "reported", "is_true"),
    [
        (10.0, 10.29, True),
        (10.0, 10.31, False),
        (10.0, 9.69, False),
        (1.0, 1.29, True),
        (1.0, 1.31, False),
        (50.0, 51.4, True),
        (50.0, 51.6, False),
    ],
)
def test_a_figure_is_true_within_3_percent_or_300_microseconds(
    injected: float, reported: float, is_true: bool
) -> None:
    """The larger of the two limits holds, in both directions."""
    assert within_limits(injected, reported) is is_true


def test_one_round_is_taken_as_it_is() -> None:
    """Injected and reported stand in the row, with what they differ by."""
    row = compare("swell", SETTING, "duration", [((10.0, 12.0, 14.0), reading(10.1, 12.0, 13.9))])
    assert row.injected == (10.0, 12.0, 14.0)
    assert row.reported == pytest.approx((10.1, 12.0, 13.9))
    assert row.differences == pytest.approx((0.1, 0.0, -0.1))
    assert (row.requests, row.cpu_share, row.rounds) == (100, 0.5, 1)
    assert row.is_true


def test_of_several_rounds_the_median_difference_counts() -> None:
    """A round in which the server was late does not make the generator wrong, and the other way round."""
    rounds = [
        ((10.0, 10.0, 10.0), reading(10.1, 10.1, 10.1)),
        ((10.0, 25.0, 40.0), reading(10.2, 25.1, 40.1)),
        ((10.0, 11.0, 12.0), reading(90.0, 90.0, 90.0)),
    ]
    row = compare("swell", SETTING, "duration", rounds)
    assert row.injected == (10.0, 11.0, 12.0)
    assert row.differences == pytest.approx((0.2, 0.1, 0.1))
    assert row.is_true


def test_one_wrong_percentile_is_enough() -> None:
    """A row is true when all of its percentiles are."""
    row = Row("wrk", SETTING, "duration", 1, (10.0, 10.0, 10.0), (10.0, 10.0, 11.0), 1.0)
    assert not row.is_true
