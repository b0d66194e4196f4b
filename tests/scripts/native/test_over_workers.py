"""What the workers of one run agree on without a word: random values, and rows of unique feeders."""

import json
from pathlib import Path
from typing import Any

from swell.testing.cli import run_cli

SCRIPT = """
import json
from swell import check, feeder, random, scenario

rows = feeder.of(range(100), order="unique")
at_load = random.randint(1, 10**9)

def draw(kind):
    check(1, {f"{kind} {random.random()}": True, f"loaded {at_load}": True, f"row {next(rows)}": True})

@scenario(executor="per-vu-iterations", vus=5, iterations=3)
def looping(): draw("looping")

@scenario(executor="constant-arrival-rate", rate=20, duration="1s", pre_allocated_vus=60)
def arriving(): draw("arriving")

def handle_summary(data):
    return {"stdout": json.dumps({check["name"]: check["passes"] for check in data["root_group"]["checks"]})}
"""


def _checks(path: Path, workers: int, seed: int) -> dict[str, Any]:
    done = run_cli("run", "-q", "--no-save", f"--workers={workers}", f"--seed={seed}", str(path))
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return found


def test_one_seed_any_number_of_workers(tmp_path: Path):
    """Iterations draw the same values under one seed with one worker and with three.

    And each row of a unique feeder goes to one iteration only.
    """
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    one, three, other = _checks(path, 1, 5), _checks(path, 3, 5), _checks(path, 2, 6)
    drawn = {name for name in one if not name.startswith("row")}
    assert drawn == {name for name in three if not name.startswith("row")}
    assert not drawn & set(other)
    for checks in (one, three, other):
        rows = {name: passes for name, passes in checks.items() if name.startswith("row")}
        assert len(rows) == 35
        assert set(rows.values()) == {1}
