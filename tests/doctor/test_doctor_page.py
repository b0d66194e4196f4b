"""The calibration's tables in a page: only what stands between the marks is replaced."""

import os
import stat
from pathlib import Path

import pytest

from swell.base.errors import ConfigError
from swell.doctor.accuracy import Row, Setting
from swell.doctor.calibrate import Calibration
from swell.doctor.generators import Generator
from swell.doctor.page import BEGIN, END, Page, measured_on, version_of

SETTING = Setting("http", "calm", "fixed", 1000, 6)
ROW = Row("swell", SETTING, "duration", 9, (10.0, 10.0, 10.0), (10.0, 10.0, 10.1), 0.3)


def test_what_stands_around_the_marks_stays(tmp_path: Path) -> None:
    """Twice the same measurement gives the same page but for nothing else than its own part."""
    path = tmp_path / "doctor.md"
    path.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    for _ in range(2):
        Page(path).write(Calibration((ROW,), ()), "swell doctor --rounds 3")
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"before\n\n{BEGIN}\n\nMeasured on ")
    assert text.endswith(f"\n{END}\n\nafter\n")
    assert "old" not in text
    assert " with `swell doctor --rounds 3`.\n" in text
    assert text.count("| swell: 10 ms | 10.00 -> 10.00 |") == 1


def test_what_gave_no_result_is_named(tmp_path: Path) -> None:
    """A row that is not there has its reason in the page."""
    path = tmp_path / "doctor.md"
    path.write_text(f"{BEGIN}\n{END}\n")
    lost = ("Locust, https, saturated, fixed: no request was answered",)
    Page(path).write(Calibration((ROW,), (), left_out=lost), "swell doctor --compare")
    assert f"- left out: {lost[0]}\n{END}\n" in path.read_text()


@pytest.mark.parametrize("text", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n"])
def test_a_page_without_the_marks_is_refused(tmp_path: Path, text: str) -> None:
    """Before anything is measured, with the marks that are missing."""
    path = tmp_path / "page.md"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"has no lines <!-- figures --> and <!-- end of figures -->"):
        Page(path)


def test_a_page_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Before anything is measured."""
    with pytest.raises(ConfigError, match="cannot be read"):
        Page(tmp_path / "none.md")


def program(folder: Path, text: str) -> Generator:
    """A load generator that prints ``text`` when it is asked for its version."""
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit 1\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Generator("tool", str(path), lambda *_: [], lambda *_: (0, {}, "", ()))


def test_the_versions_of_others_are_named(tmp_path: Path) -> None:
    """As they say themselves, on whichever stream and with whichever exit code."""
    tool = program(tmp_path, "tool v2.14.1-rc (commit/1234567, go1.27.3)")
    assert version_of(tool) == "2.14.1"
    assert ", tool 2.14.1, " in measured_on([tool])
    assert os.uname().release.partition("-")[0] in measured_on([])


def test_a_version_that_is_none_is_a_question_mark(tmp_path: Path) -> None:
    """A tool that says nothing is named all the same."""
    assert version_of(program(tmp_path, "no idea")) == "?"
