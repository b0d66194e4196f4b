"""The data shapes are k6's: handle_summary, the export file, the machine-readable summary."""

import hashlib
import json

import msgspec
import pytest
from report_snapshots import builtin, busy, custom, empty, run_info, trend

from swell.metrics.snapshot import CheckState, CounterValue, GaugeValue, RateValue, Snapshot, ThresholdResult
from swell.report.export import machine_readable, summary_data, summary_export, to_json


def small() -> Snapshot:
    """One metric of each type, a nested group, two thresholds."""
    return Snapshot(
        run=run_info(duration_ns=2_000_000_000, summary_trend_stats=("avg", "p(95)", "count")),
        metrics=(
            builtin("http_req_duration", trend(1, 3)),
            builtin("http_reqs", CounterValue(4)),
            builtin("http_reqs", CounterValue(3), (("status", "200"),)),
            builtin("checks", RateValue(3, 4)),
            custom("depth", GaugeValue(2, 1, 5, 9)),
        ),
        checks=(
            CheckState("ok", "", "a", 1, 0),
            CheckState("ok", "", "b", 1, 0),
            CheckState("inner", "::g::h", "a", 1, 1),
        ),
        groups=("::g", "::g::h"),
        thresholds=(
            ThresholdResult("checks", "rate>0.9", False, 0.75),
            ThresholdResult("checks", "rate>0.5", True, 0.75),
        ),
        setup_data=msgspec.Raw(b'{"token": "t"}'),
    )


def test_handle_summary_data() -> None:
    """Groups and checks are arrays in the order first seen, values have k6's names, thresholds say ok."""
    data = summary_data(small(), stdout_is_tty=True, no_colour=True)
    assert data["options"] == {
        "summaryTrendStats": ["avg", "p(95)", "count"],
        "summaryTimeUnit": "",
        "noColor": True,
    }
    assert data["state"] == {"isStdOutTTY": True, "isStdErrTTY": False, "testRunDurationMs": 2000}
    assert data["metrics"]["http_req_duration"] == {
        "type": "trend",
        "contains": "time",
        "values": {"avg": 2, "p(95)": pytest.approx(2.9), "count": 2},
    }
    assert data["metrics"]["http_reqs"]["values"] == {"count": 4, "rate": 2}
    assert data["metrics"]["http_reqs{status:200}"]["values"] == {"count": 3, "rate": 1.5}
    assert data["metrics"]["depth"]["values"] == {"value": 2, "min": 1, "max": 5}
    assert data["metrics"]["checks"] == {
        "type": "rate",
        "contains": "default",
        "values": {"rate": 0.75, "passes": 3, "fails": 1},
        "thresholds": {"rate>0.9": {"ok": False}, "rate>0.5": {"ok": True}},
    }
    assert data["setup_data"] == {"token": "t"}


def test_groups_have_k6s_paths_and_ids() -> None:
    """An id is the MD5 of the path; a check's path is that of its group and its name."""
    root = summary_data(small())["root_group"]
    assert (root["name"], root["path"], root["id"]) == ("", "", hashlib.md5(b"").hexdigest())
    assert root["checks"] == [
        {
            "name": "ok",
            "path": "::ok",
            "id": hashlib.md5(b"::ok").hexdigest(),
            "passes": 2,
            "fails": 0,
        }
    ]
    group = root["groups"][0]["groups"][0]
    assert (group["name"], group["path"]) == ("h", "::g::h")
    assert group["checks"][0]["path"] == "::g::h::inner"


def test_the_export_file_turns_threshold_flags_around() -> None:
    """True means failed there, a rate's share is called value, groups and checks are objects by name."""
    data = summary_export(small())
    assert data["metrics"]["checks"] == {
        "value": 0.75,
        "passes": 3,
        "fails": 1,
        "thresholds": {"rate>0.9": True, "rate>0.5": False},
    }
    assert data["metrics"]["http_reqs"] == {"count": 4, "rate": 2}
    assert data["root_group"]["groups"]["g"]["groups"]["h"]["checks"]["inner"]["fails"] == 1
    assert set(data) == {"root_group", "metrics", "setup_data"}


def test_the_machine_readable_summary() -> None:
    """Its trends have fixed statistics, its rates matches and totals."""
    data = machine_readable(small(), generated_at="2026-11-20T12:00:00Z", script_source="x = 1")
    assert data["version"] == "1.0.0"
    assert data["config"] == {"duration": 2, "execution": "local", "script": "x = 1"}
    assert data["metadata"]["generated_at"] == "2026-11-20T12:00:00Z"
    values = {metric["name"]: metric["values"] for metric in data["results"]["metrics"]}
    assert set(values["http_req_duration"]) == {"avg", "max", "med", "min", "p90", "p95"}
    assert values["checks"] == {"matches": 3, "total": 4, "rate": 0.75}
    assert values["http_reqs"] == {"count": 4}
    assert [check["name"] for check in data["results"]["checks"]["results"]] == ["ok", "inner"]
    assert data["results"]["checks"]["metrics"][0]["values"] == {"count": 4}


def test_every_shape_holds_the_verdict() -> None:
    """Level and reasons with what was measured against which limit, beside k6's keys."""
    run = busy()
    assert run.verdict is not None
    shapes = (summary_data(run), summary_export(run), machine_readable(run, generated_at=""))
    for shape in shapes:
        assert shape["verdict"]["level"] == run.verdict.level
        first = run.verdict.reasons[0]
        assert shape["verdict"]["reasons"][0] == {
            "slug": first.slug,
            "question": first.question,
            "level": first.level,
            "message": first.message,
            "measured": first.measured,
            "limit": first.limit,
        }


def test_a_run_without_anything_exports_nothing() -> None:
    """No setup data, no metrics, but every shape is whole."""
    assert set(summary_data(empty())) == {"root_group", "options", "state", "metrics"}
    assert summary_export(empty())["metrics"] == {}
    assert machine_readable(empty(), generated_at="")["results"]["checks"] == {"metrics": [], "results": []}


def test_files_are_indented_by_four_and_keep_letters() -> None:
    """What is written reads back as the same data."""
    data = summary_export(busy())
    text = to_json(data)
    assert json.loads(text) == data
    assert text.startswith('{\n    "root_group"')
    assert text.endswith("}\n")
    assert "é" in to_json({"café": "é"})
