"""What other load generators say of themselves, read back."""

import json
import sys
from pathlib import Path

import pytest

from swell.base.errors import SwellError
from swell.doctor.accuracy import Setting
from swell.doctor.generators import PEERS, Generator, run

K6, LOCUST, WRK = PEERS
SETTING = Setting("http", "saturated", "fixed", 7, 2, burn_us=150)


def test_k6s_export_is_read(tmp_path: Path) -> None:
    """Durations and phases by k6's names."""
    trend = {"med": 10.1, "p(95)": 20.2, "p(99)": 30.3}
    metrics = dict.fromkeys(("http_req_duration", "http_req_waiting", "http_req_receiving"), trend)
    text = json.dumps({"metrics": {**metrics, "http_reqs": {"count": 12}}})
    (tmp_path / "k6.json").write_text(text)
    requests, figures, *_ = K6.read(tmp_path, "")
    assert (requests, figures["waiting"]) == (12, (10.1, 20.2, 30.3))


def test_locusts_json_is_read_among_its_log_lines(tmp_path: Path) -> None:
    """Lines of its log begin with a bracket too; percentiles follow Locust's own rule."""
    times = {str(ms): 1 for ms in range(1, 101)}
    entry = {"num_requests": 100, "response_times": times}
    text = f"[2026-01-01] host/INFO: hello\n{json.dumps([entry], indent=4)}\nType Name # reqs\n"
    requests, figures, *_ = LOCUST.read(tmp_path, text)
    assert (requests, figures["duration"]) == (100, (51.0, 96.0, 100.0))


def test_wrks_line_is_read(tmp_path: Path) -> None:
    """Our Lua script prints microseconds."""
    text = 'Running 2s test\ncalibration {"requests": 5, "us": [10000, 20000, 30500]}\n'
    requests, figures, *_ = WRK.read(tmp_path, text)
    assert (requests, figures["duration"]) == (5, (10.0, 20.0, 30.5))


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_each_is_told_how_many_users_and_how_long(peer: Generator, tmp_path: Path) -> None:
    """The script that it runs is copied to where it can read it."""
    command = peer.command(SETTING, "http://127.0.0.1:1/fixed", tmp_path)
    assert command[0] == peer.program
    assert any("7" in part for part in command)
    assert any("2s" in part for part in command)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_run_without_an_answer_is_no_result() -> None:
    """Percentiles of nothing are not compared."""
    code = """print('calibration {"requests": 0, "us": [50, 60, 70]}')"""
    empty = Generator("tool", "", lambda *_: [sys.executable, "-c", code], WRK.read)
    with pytest.raises(SwellError, match=r"gave no result \(no request was answered, exit code 0\)"):
        run(empty, SETTING, "http://127.0.0.1:1/")


def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    """Its last words are in the message."""
    code = "import sys; sys.exit('no such thing')"
    failing = Generator("tool", "", lambda *_: [sys.executable, "-c", code], WRK.read)
    with pytest.raises(SwellError, match=r"tool gave no result \(no figures, exit code 1\): no such thing"):
        run(failing, SETTING, "http://127.0.0.1:1/")
