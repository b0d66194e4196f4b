"""``swell doctor``: that it measures and compares; how exact swell is, the command itself says."""

import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from swell.base.errors import ExitCode, SwellError
from swell.doctor import calibrate as module
from swell.doctor.accuracy import Reading, Setting
from swell.doctor.calibrate import Calibration, calibrate, separate_cores, settings
from swell.doctor.text import rows_markdown, rows_text
from swell.testing.calibration import Taken
from swell.testing.cli import run_cli
from swell.testing.profiles import PROFILES

linux = pytest.mark.skipif(sys.platform != "linux", reason="the calibration needs Linux")


def test_the_limits_are_shown_without_measuring() -> None:
    """A line per finding."""
    result = run_cli("doctor", "--limits")
    assert result.exit_code == ExitCode.OK
    for name in ("cores", "file descriptors", "clock", "kernel receive stamps"):
        assert name in result.stdout
    assert "CALIBRATION" not in result.stdout


@pytest.mark.parametrize("flag", ["--rounds", "--vus", "--duration"])
def test_numbers_that_make_no_sense_are_refused(flag: str) -> None:
    """Before anything is started."""
    result = run_cli("doctor", flag, "0")
    assert result.exit_code == ExitCode.INVALID_CONFIG
    assert f"{flag}: 0 is too few" in result.stderr


@linux
def test_a_real_calibration_compares_the_same_requests() -> None:
    """Server and swell count the same requests, and the row says what each of them saw."""
    setting = Setting("https", "calm", "fixed", 10, 1, pause_s=0.05)
    said: list[str] = []
    before = os.sched_getaffinity(0)
    calibration = calibrate([setting], rounds=1, peers=False, say=said.append)
    assert os.sched_getaffinity(0) == before
    ((name, _, taken, reading),) = calibration.readings
    assert name == "swell"
    assert taken.count == reading.requests > 10
    (row,) = calibration.rows
    assert row.injected == taken.duration
    assert row.injected[0] >= 10.0
    # What is reported is rounded, and within 3 %.
    assert row.reported[0] >= 9.7
    assert said == ["swell, https, calm, fixed"]


def fake(reported: tuple[float, ...]) -> tuple[Taken, Reading]:
    """A measurement in which the server took 10 ms."""
    figures = dict.fromkeys(("duration", "waiting", "receiving"), reported)
    same = (10.0, 10.0, 10.0)
    return Taken(50, same, same, same), Reading(50, figures, 0.42)


@linux
@pytest.mark.parametrize(
    ("reported", "code", "text"),
    [
        ((10.0, 10.1, 10.2), ExitCode.OK, "are within 3 %"),
        ((10.0, 10.1, 12.0), ExitCode.UNTRUSTED, "are NOT within 3 %"),
    ],
)
def test_figures_that_are_off_fail_the_command(
    monkeypatch: pytest.MonkeyPatch, reported: tuple[float, ...], code: ExitCode, text: str
) -> None:
    """Exit code 111 where swell's own figures are not true on this machine."""
    monkeypatch.setattr(module, "_measure", lambda *_: fake(reported))
    result = run_cli("doctor", "--quick")
    assert result.exit_code == code
    assert text in result.stdout
    assert result.stdout.count("swell: 10 ms") == 4


@linux
def test_json_holds_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings, rows, and every single reading."""
    monkeypatch.setattr(module, "_measure", lambda *_: fake((10.0, 10.0, 10.0)))
    result = run_cli("doctor", "--quick", "--rounds", "2", "--json")
    data = json.loads(result.stdout)
    assert data["is_true"] is True
    assert len(data["findings"]) > 5
    assert len(data["calibration"]["rows"]) == 4
    assert len(data["calibration"]["readings"]) == 8


def test_every_profile_is_measured_calm_and_saturated_on_both_schemes() -> None:
    """Only saturated runs burn, only calm ones pause; --quick keeps the first profile."""
    wanted = settings(quick=False)
    assert len(wanted) == 4 * len(PROFILES)
    assert {setting.burn_us > 0 for setting in wanted if setting.state == "saturated"} == {True}
    assert {setting.pause_s > 0 for setting in wanted if setting.state == "calm"} == {True}
    assert {setting.profile for setting in settings(quick=True)} == {"fixed"}


def test_phases_are_compared_where_they_can_be_told_apart() -> None:
    """In calm: a saturated generator reads the pieces of an answer together."""
    readings = [
        ("swell", setting, *fake((10.0, 10.0, 10.0)))
        for setting in settings(quick=False)
        if setting.profile == "slow-body" and setting.scheme == "http"
    ]
    rows = list(module._rows(readings))
    assert [(row.setting.state, row.quantity) for row in rows] == [
        ("calm", "duration"),
        ("calm", "waiting"),
        ("calm", "receiving"),
        ("saturated", "duration"),
    ]


def test_a_split_that_the_kernel_joined_is_no_failure() -> None:
    """Phases are shown; only durations decide."""
    late = [
        ("swell", s, *fake((10.0, 10.0, 10.0))) for s in settings(quick=False) if s.profile == "slow-body"
    ]
    (name, setting, taken, reading) = late[0]
    figures = dict(reading.reported) | {"waiting": (18.0, 20.0, 22.0)}
    rows = tuple(module._rows([(name, setting, taken, msgspec.structs.replace(reading, reported=figures))]))
    assert Calibration(rows, ()).is_true
    assert "joined" in rows_text(rows)
    assert "OFF" not in rows_text(rows)


def test_the_tables_hold_both_figures() -> None:
    """As text and as Markdown: what was injected, what was said of it, and whether that is true."""
    rows = tuple(module._rows([("swell", settings(quick=True)[0], *fake((10.0, 10.1, 12.0)))]))
    assert not Calibration(rows, ()).is_true
    assert "10.00 -> 12.00" in rows_text(rows)
    assert "OFF" in rows_text(rows)
    assert "| swell: 10 ms | 10.00 -> 10.00 | 10.00 -> 10.10 | 10.00 -> 12.00 | 50 | 42% | OFF |" in (
        rows_markdown(rows)
    )


@linux
def test_the_server_has_a_core_of_its_own() -> None:
    """What is started inside stays off the last core; afterwards all are there again."""
    before = os.sched_getaffinity(0)
    with separate_cores() as core:
        inside = os.sched_getaffinity(0)
        assert core is None or core not in inside
    assert os.sched_getaffinity(0) == before


@linux
def test_a_starved_machine_is_said_and_not_called_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures hold, so that the exit code is 0; no row is called ok, and each says why."""
    taken, reading = fake((10.0, 10.0, 10.0))
    taken = msgspec.structs.replace(taken, late=(0.0, 6_000.0, 6_000.0))
    monkeypatch.setattr(module, "_measure", lambda *_: (taken, reading))
    result = run_cli("doctor", "--quick")
    assert result.exit_code == ExitCode.OK
    assert "All of swell's rows are starved" in result.stdout
    assert result.stdout.count("swell: 10 ms: starved: the server itself sent 5 % of its answers") == 4
    assert not any(line.endswith("  ok") for line in result.stdout.splitlines() if "->" in line)
    result = run_cli("doctor", "--quick", "--markdown")
    assert result.stdout.count("| starved |") == 4


@linux
def test_what_others_do_meanwhile_is_measured() -> None:
    """The run's own work is taken off: what is left is a share of the cores."""
    setting = Setting("http", "calm", "fixed", 5, 1, pause_s=0.05)
    ((_, _, taken, reading),) = calibrate([setting], rounds=1, peers=False, say=lambda _: None).readings
    assert taken.cpu_s > 0
    assert reading.others is not None
    assert 0 <= reading.others <= len(os.sched_getaffinity(0)) + 0.1


@linux
def test_the_tables_are_written_into_a_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the command that measures the same, as the docs of swell have them."""
    monkeypatch.setattr(module, "_measure", lambda *_: fake((10.0, 10.0, 10.0)))
    page = tmp_path / "doctor.md"
    page.write_text("<!-- figures -->\n<!-- end of figures -->\n")
    result = run_cli("doctor", "--quick", "--rounds", "2", "--vus", "7", "--write", str(page))
    assert f"the tables are written into {page}" in result.stderr
    text = page.read_text()
    assert "with `swell doctor --quick --rounds 2 --vus 7`." in text
    assert text.count("| swell: 10 ms |") == 4


def test_a_page_without_marks_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    """And so is writing what is not measured."""
    result = run_cli("doctor", "--write", str(tmp_path / "none.md"))
    assert result.exit_code == ExitCode.INVALID_CONFIG
    assert "--write" in result.stderr
    result = run_cli("doctor", "--limits", "--write", str(tmp_path / "none.md"))
    assert "--write: --limits measures nothing that could be written" in result.stderr


@linux
def test_a_page_that_cannot_be_written_any_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tables are told, and that they are not in the page: an error in one line."""
    monkeypatch.setattr(module, "_measure", lambda *_: fake((10.0, 10.0, 10.0)))
    page = tmp_path / "page.md"
    page.write_text("<!-- figures -->\n<!-- end of figures -->\n")

    def full(_path: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("swell.doctor.page.write_whole", full)
    result = run_cli("doctor", "--quick", "--write", str(page))
    assert result.exit_code == ExitCode.OTHER
    assert "CALIBRATION" in result.stdout
    assert result.stderr.splitlines()[-2] == f"error: {page} cannot be written: No space left on device"


def test_without_linux_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in one line, whatever else of the system is missing."""
    for name in ("sched_setaffinity", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)
    with pytest.raises(SwellError, match="the calibration needs Linux"):
        calibrate([], rounds=1, peers=False, say=print)
