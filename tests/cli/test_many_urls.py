"""A run with more URLs and tags than any table holds: it says so, and its totals are whole."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from swell.base.errors import ExitCode
from swell.metrics.snapshot import CounterValue, Snapshot
from swell.metrics.tags import OVERFLOW
from swell.testing.cli import CLIResult

ROOT = Path(__file__).parents[2]

MANY_URLS = """
from swell import context, env, http

options = {"vus": 20, "iterations": 2000}

def default():
    number = context.scenario.iteration
    http.get(f"{env.TARGET}/json?page={number}", tags={"page": str(number)})
"""


def test_two_thousand_urls_share_the_overflow_row(run: Callable[..., CLIResult], tmp_path: Path) -> None:
    """A thousand have rows of their own; the row "(other)", a warning and the verdict tell of the rest."""
    result = run(MANY_URLS)
    assert result.exit_code == ExitCode.OK, result.stderr
    (path,) = tmp_path.glob("swell-results/*/snapshot.json")
    snapshot = msgspec.json.decode(path.read_bytes(), type=Snapshot)
    rows = {row.name: row.count for row in snapshot.requests}
    assert (len(rows), rows[OVERFLOW], sum(rows.values())) == (1001, 1000, 2000)
    (requests,) = (state.value for state in snapshot.metrics if state.key == "http_reqs")
    assert requests == CounterValue(2000)
    assert f"1000 series are in the row '{OVERFLOW}'" in " ".join(snapshot.warnings)
    assert "group with name=" in result.stdout
    assert snapshot.verdict is not None
    assert snapshot.verdict.level != "trusted"


def test_the_soak_shortened(tmp_path: Path) -> None:
    """The hour's run of the benchmarks for twelve seconds, with tables that fill at once: nothing grows."""
    out = tmp_path / "soak.json"
    flags = ("--minutes", "0.2", "--vus", "20", "--pause", "0.02", "--urls", "50", "--every", "0.5")
    command = [sys.executable, "-m", "benchmarks.soak", *flags, "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(out.read_text())
    assert report["held"] is True
    assert report["requests"] > 100
    # The last looks may meet a worker on its way out, which has less.
    half = len(report["samples"]) // 2
    assert max(sample["threads"] for sample in report["samples"]) == 2
    descriptors = [sample["descriptors"] for sample in report["samples"]]
    # One for each VU, whose connection may be cut short.
    assert max(descriptors[half:]) <= max(descriptors[:half]) + 20
