"""Options that k6 takes though they are not what its documentation asks for, and those that it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]

ONCE = "export default function () {}\n"


def test_loose_options(run: RunScript, tmp_path: Path) -> None:
    """The first unknown option is told as k6 tells it, slips with what was meant; thresholds are lists."""
    source = """
        import { gone } from "k6/http";
        export const options = {
          xyz: 1, thresolds: {}, VUS: 1,
          thresholds: {iterations: [{threshold: "count>0", abortOnFail: true, delayAbortEval: "90s"}, "rate>0"]},
        };
        export default function () { console.log(gone === undefined); }
    """
    result = run(source, "--out", "json=points.json")
    assert result.exit_code == 0
    assert (
        'msg="There were unknown fields in the options exported in the script" '
        'error="json: unknown field \\"xyz\\""' in result.stderr
    )
    assert "'xyz'" not in result.stderr
    assert "did you mean 'thresholds'?" in result.stderr
    assert "msg=true" in result.stderr
    lines = [json.loads(line) for line in (tmp_path / "points.json").read_text().splitlines()]
    told = next(line["data"] for line in lines if line["type"] == "Metric" and line["metric"] == "iterations")
    aborting = {"threshold": "count>0", "abortOnFail": True, "delayAbortEval": "1m30s"}
    assert told["thresholds"] == [aborting, "rate>0"]
    single = run("export const options = {thresholds: {iterations: 'count>0'}};\n" + ONCE)
    assert (single.exit_code, "must be a list of thresholds" in single.stderr) == (104, True)
