"""Tests of what a script's exceptions become: counted all, logged few."""

import pytest
from executor_harness import Harness, S, takes

from swell.config.scenarios import ConstantVUs
from swell.engine.failures import LINES_PER_SECOND, MAX_DESCRIBED, SAME_PER_SECOND, ScriptFailures
from swell.engine.vu import VU


@pytest.fixture
def harness() -> Harness:
    """A worker to note failures in."""
    return Harness(takes(1))


@pytest.fixture
def failures(harness: Harness) -> ScriptFailures:
    """What is tested here."""
    return ScriptFailures(harness, harness)  # type: ignore[arg-type]


def test_same_failure_is_logged_a_few_times_a_second(harness: Harness, failures: ScriptFailures) -> None:
    """Of a hundred equal ones a few are logged, the rest as one count in the next second; all are counted."""
    for _ in range(100):
        failures.note(ValueError("boom"), "a", "default", "constant-vus")
    assert harness.logged == [("error", "script.py:1: ValueError('boom')")] * SAME_PER_SECOND
    harness.clock.stall_ns(S)
    failures.note(ValueError("boom"), "a", "default", "constant-vus")
    assert harness.logged[SAME_PER_SECOND:] == [
        ("error", f"ValueError: boom ({100 - SAME_PER_SECOND} more of the same not shown)"),
        ("error", "script.py:1: ValueError('boom')"),
    ]
    assert sum(row.count for row in harness.errors.drain()) == 101


def test_many_kinds_of_failures_are_bounded_too(harness: Harness, failures: ScriptFailures) -> None:
    """A message that differs each time makes no storm either."""
    for number in range(1000):
        failures.note(ValueError(f"order {number}"), "a", "default", "constant-vus")
    assert len(harness.logged) == LINES_PER_SECOND
    harness.logged.clear()
    failures.flush()
    assert len(harness.logged) == SAME_PER_SECOND + 1
    assert harness.logged[-1][1].startswith(f"{1000 - LINES_PER_SECOND - SAME_PER_SECOND} more kinds")


def test_stacks_are_described_only_where_they_are_shown(harness: Harness, failures: ScriptFailures) -> None:
    """Describing a stack costs more than an iteration: the thousandth of a kind is not described."""
    for _ in range(1000):
        failures.note(ValueError("boom"), "a", "default", "constant-vus")
    assert harness.described == SAME_PER_SECOND
    for number in range(2000):
        failures.note(ValueError(f"order {number}"), "a", "default", "constant-vus")
    assert harness.described <= MAX_DESCRIBED + LINES_PER_SECOND


def test_first_of_a_kind_is_the_example_even_unlogged(harness: Harness, failures: ScriptFailures) -> None:
    """The report has an example of a failure that was never logged."""
    for number in range(LINES_PER_SECOND + 1):
        failures.note(ValueError(f"order {number}"), "a", "default", "constant-vus")
    last = harness.errors.drain()[-1]
    assert last.example == f"script.py:1: ValueError('order {LINES_PER_SECOND}')"


def test_message_is_one_line(harness: Harness, failures: ScriptFailures) -> None:
    """Failures are grouped by the first line of their message; one without a message by its type."""
    failures.note(ValueError("first\nsecond"), "a", "default", "constant-vus")
    failures.note(ValueError(), "a", "default", "constant-vus")
    failures.note(ValueError("x" * 10_000), "a", "default", "constant-vus")
    messages = [row.message for row in harness.errors.drain()]
    assert messages[:2] == ["ValueError: first", "ValueError"]
    assert len(messages[2]) == 500


def test_nothing_is_left_unsaid_at_the_end() -> None:
    """What was not shown is counted when the scenario ends."""

    def body(harness: Harness, vu: VU) -> None:
        harness.clock.sleep_until_ns(harness.clock.now_ns() + S // 100)
        raise ValueError("boom")

    harness = Harness(body)
    harness.run(ConstantVUs(name="a", vus=1, duration_ns=S // 2))
    assert harness.logged[-1] == ("error", "ValueError: boom (40 more of the same not shown)")


def test_failure_without_text_of_its_own(harness: Harness, failures: ScriptFailures) -> None:
    """An exception whose text cannot be had is counted by its type."""

    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    failures.note(MuteError(), "a", "default", "constant-vus")
    assert harness.errors.drain()[0].message == "MuteError"
