"""What --summary-export holds when handleSummary changes the data that it is given."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]

SCRIPT = """
    import { check, group } from "k6";
    export const options = {thresholds: {checks: ["rate>0.9", "rate<0.9"]}};
    export function setup() { return {a: 1}; }
    export default function () { group("g", () => { check(1, {ok: (n) => n === 1}); }); }
    export function handleSummary(data) {
      CHANGE
      return {stdout: ""};
    }
"""


def _exported(run: RunScript, tmp_path: Path, change: str) -> Any:
    result = run(SCRIPT.replace("CHANGE", change), "--quiet", "--summary-export=export.json")
    assert (result.exit_code, result.stdout) == (99, "")
    return json.loads((tmp_path / "export.json").read_text())


def test_deleted_metrics_are_not_exported(run: RunScript, tmp_path: Path) -> None:
    """Nor is anything else that the script deletes; what it adds is, as in k6."""
    exported = _exported(run, tmp_path, "delete data.metrics.iterations; data.metrics.checks.values.own = 5;")
    assert "iterations" not in exported["metrics"]
    assert exported["metrics"]["checks"] == {
        "value": 1,
        "passes": 1,
        "fails": 0,
        "own": 5,
        "thresholds": {"rate>0.9": False, "rate<0.9": True},
    }


def test_unchanged_data_is_exported_as_without_the_function(run: RunScript, tmp_path: Path) -> None:
    """The same keys and shapes, the verdict too."""
    exported = _exported(run, tmp_path, "")
    source = SCRIPT.replace("handleSummary", "notCalled")
    assert run(source, "--summary-export=export.json").exit_code == 99
    plain = json.loads((tmp_path / "export.json").read_text())
    assert exported.keys() == plain.keys()
    assert exported["root_group"] == plain["root_group"]
    assert exported["setup_data"] == plain["setup_data"] == {"a": 1}
    shapes = [
        {name: sorted(metric) for name, metric in each["metrics"].items()} for each in (exported, plain)
    ]
    assert shapes[0] == shapes[1]


def test_data_of_another_shape_is_exported_as_it_was(run: RunScript, tmp_path: Path) -> None:
    """A script may leave anything there."""
    exported = _exported(run, tmp_path, "delete data.root_group; data.metrics = 5;")
    assert exported["metrics"]["iterations"]["count"] == 1
