"""Tests of cli/suites/machine.py: whether others left a suite enough of the machine."""

import os
from pathlib import Path

import pytest

from swell.cli.suites.machine import Machine, Reading
from swell.doctor.starving import Cores


def machine(tmp_path: Path, cores: int) -> Machine:
    """One with so many cores, whose kernel's counters stand still."""
    (tmp_path / "stat").write_text("cpu0 0 0 0\n")
    measured = Cores(tmp_path / "stat")
    measured._names = {f"cpu{core}" for core in range(cores)}
    return Machine(measured)


@pytest.mark.parametrize(
    ("busy_s", "own_s", "found"),
    [
        (19.0, 3.0, "1.6 of 2 cores"),  # others had most of it
        (19.0, 18.0, None),  # it was the suite itself
        (12.0, 3.0, None),  # there was room for all
        (25.0, 3.0, "2.0 of 2 cores"),  # the kernel's ticks are coarse: never more than there is
    ],
)
def test_others_count_where_they_hold_up_somebody(
    tmp_path: Path, busy_s: float, own_s: float, found: str | None
) -> None:
    """Others must have worked, and little may have been left; of ten seconds on two cores."""
    begin, end = Reading(100.0, 50.0, 7.0), Reading(110.0, 50.0 + busy_s, 7.0 + own_s)
    others = machine(tmp_path, 2).others(begin, end)
    assert (str(others) if others else None) == found


def test_where_the_kernel_does_not_tell(tmp_path: Path) -> None:
    """Nothing is claimed."""
    unknown = Machine(Cores(tmp_path / "no such file"))
    assert unknown.read() is None
    assert unknown.others(None, Reading(1.0, 1.0, 1.0)) is None
    assert unknown.others(Reading(1.0, 1.0, 1.0), None) is None


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="counts Linux's ticks")  # noqa: PTH110
def test_own_work_grows_with_what_is_done() -> None:
    """What this process computes is its own, and in the machine's busy time as well."""
    here = Machine()
    begin = here.read()
    assert begin is not None
    end = begin
    while end.own_s - begin.own_s < 0.05:
        sum(range(100_000))
        end = here.read()
        assert end is not None
    assert end.busy_s >= begin.busy_s
    assert end.at_s > begin.at_s
