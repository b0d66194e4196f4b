"""Thresholds of k6 scripts: how their metrics are named and shown, and what crossing them says."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]

ONCE = "export default function () {}\n"


def test_empty_metrics_above_judged_submetrics(run: RunScript, tmp_path: Path) -> None:
    """The metric is listed above its submetric, in the summary and in its data."""
    result = run(
        """
        import { Trend } from "k6/metrics";
        new Trend("unused");
        export const options = {thresholds: {"unused{a:b}": ["avg<1"], "http_req_failed{a:b}": ["rate<1"]}};
        """
        + ONCE,
        "--summary-export",
        "export.json",
    )
    assert re.search(r"\n    unused\.+: avg=0 .*\n      \{ a:b \}\.+: avg=0 ", result.stdout)
    metrics = json.loads((tmp_path / "export.json").read_text())["metrics"]
    assert {"unused", "unused{a:b}", "http_req_failed", "http_req_failed{a:b}"} <= metrics.keys()


def test_keys_and_expressions_are_shown_as_written(run: RunScript, tmp_path: Path) -> None:
    """With their quotes and spaces, in the summary, its data, its export and the metric's definition."""
    result = run(
        """
        import { Counter } from "k6/metrics";
        const made = new Counter("made");
        export const options = {thresholds: {
          'made{ kind:"a" , of:b }': [" count > 0 "],
          "http_req_duration{expected_response: true}": ["max>=0"],
        }};
        export default function () { made.add(2, {kind: "a", of: "b"}); }
        export function handleSummary(data) { return {"data.json": JSON.stringify(data)}; }
        """,
        "--summary-export=export.json",
        "--out=json=points.json",
    )
    assert result.exit_code == 0
    key = 'made{kind:"a" , of:b}'
    data = json.loads((tmp_path / "data.json").read_text())["metrics"]
    assert data[key]["thresholds"] == {" count > 0 ": {"ok": True}}
    assert data[key]["values"]["count"] == 2
    assert "http_req_duration{expected_response:true}" not in data
    exported = json.loads((tmp_path / "export.json").read_text())["metrics"]
    assert exported[key]["thresholds"] == {" count > 0 ": False}
    lines = [json.loads(line) for line in (tmp_path / "points.json").read_text().splitlines()]
    told = next(line["data"] for line in lines if line["type"] == "Metric" and line["metric"] == "made")
    tags = {"kind": "a", "of": "b"}
    assert told["submetrics"] == [{"name": key, "suffix": 'kind:"a" , of:b', "tags": tags}]


def test_metrics_with_an_empty_list_of_thresholds_are_shown(run: RunScript, tmp_path: Path) -> None:
    """Scripts write one to have a submetric in the summary; without a sample it is there all the same."""
    result = run(
        """
        import { Counter, Trend } from "k6/metrics";
        const seen = new Counter("seen");
        new Trend("unseen");
        export const options = {thresholds: {"seen{a:b}": [], "unseen{a:b}": [], http_req_failed: []}};
        export default function () { seen.add(3, {a: "b"}); }
        """,
        "--summary-export=export.json",
    )
    assert (result.exit_code, "THRESHOLDS" in result.stdout) == (0, False)
    assert re.search(r"\n    unseen\.+: avg=0 .*\n      \{ a:b \}\.+: avg=0 ", result.stdout)
    metrics = json.loads((tmp_path / "export.json").read_text())["metrics"]
    assert metrics["seen{a:b}"]["count"] == 3
    assert {"unseen", "unseen{a:b}", "http_req_failed"} <= metrics.keys()


def test_the_end_names_every_metric_that_is_crossed(run: RunScript, tmp_path: Path) -> None:
    """Not only the one that ends the run, as k6 does; a delay of nothing is written as one."""
    result = run(
        """
        import { sleep } from "k6";
        export const options = {duration: "1m", thresholds: {
          iterations: [{threshold: "count<0", abortOnFail: true, delayAbortEval: "0s"}],
          iteration_duration: ["max<0"],
        }};
        export default function () { sleep(0.05); }
        """,
        "--out=json=points.json",
    )
    assert result.exit_code == 99
    said = "thresholds on metrics 'iteration_duration, iterations' were crossed; at least one has abortOnFail"
    assert said in result.stderr
    lines = [json.loads(line) for line in (tmp_path / "points.json").read_text().splitlines()]
    told = next(line["data"] for line in lines if line["type"] == "Metric" and line["metric"] == "iterations")
    assert told["thresholds"] == [{"threshold": "count<0", "abortOnFail": True, "delayAbortEval": "0s"}]
