"""--out from the command line: shapes as k6 2.2 wrote them, nothing lost, faults told."""

import csv
import gzip
import json
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swell.base.errors import ExitCode
from swell.testing.cli import CLIResult, SignalSource

Run = Callable[..., CLIResult]

ONE_ITERATION = """
from swell import check, env, group, http

options = {"vus": 1, "iterations": 1}

def default():
    with group("G"):
        r = http.get(f"{env.TARGET}/status/404", tags={"kind": "a"})
        check(r, {"is 200": lambda r: r.status_code == 200})
    http.get("http://127.0.0.1:1/")
"""
ALL_TAGS = (
    "proto,subproto,status,method,url,name,group,check,error,error_code,tls_version,scenario,service,"
    "expected_response,vu,iter,ip"
)
HTTP = [
    "http_reqs",
    "http_req_duration",
    "http_req_blocked",
    "http_req_connecting",
    "http_req_tls_handshaking",
    "http_req_sending",
    "http_req_waiting",
    "http_req_receiving",
    "http_req_failed",
]


def json_lines(path: Path) -> list[dict[str, Any]]:
    """Every line of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def points(path: Path) -> list[dict[str, Any]]:
    """The points of a file of JSON lines."""
    return [
        {"metric": line["metric"], **line["data"]} for line in json_lines(path) if line["type"] == "Point"
    ]


def test_json_lines_have_k6s_shape(run: Run, tmp_path: Path, target: str) -> None:
    """Metrics, their order, tags, metadata and definitions are those that k6 2.2 wrote for such a script."""
    result = run(ONE_ITERATION, "--out", "json=a.json", "--system-tags", ALL_TAGS)
    assert result.exit_code == ExitCode.OK
    assert "output: json (a.json)" in result.stdout
    url = f"{target}/status/404"
    answered = {
        "error_code": "1404",
        "expected_response": "false",
        "group": "::G",
        "ip": "127.0.0.1",
        "kind": "a",
        "method": "GET",
        "name": url,
        "proto": "HTTP/1.1",
        "scenario": "default",
        "status": "404",
        "url": url,
    }
    refused = {
        "error": "dial: connection refused",
        "error_code": "1212",
        "expected_response": "false",
        "group": "",
        "method": "GET",
        "name": "http://127.0.0.1:1/",
        "scenario": "default",
        "status": "0",
        "url": "http://127.0.0.1:1/",
    }
    root = {"group": "", "scenario": "default"}
    written = points(tmp_path / "a.json")
    assert [(point["metric"], point["tags"]) for point in written] == [
        *((name, answered) for name in HTTP),
        ("checks", {"check": "is 200", "group": "::G", "scenario": "default"}),
        ("group_duration", {"group": "::G", "scenario": "default"}),
        *((name, refused) for name in HTTP),
        *((name, root) for name in ("data_sent", "data_received", "iteration_duration", "iterations")),
    ]
    assert {json.dumps(point["metadata"]) for point in written} == {'{"iter": "0", "vu": "1"}'}
    lines = json_lines(tmp_path / "a.json")
    defined = [line["metric"] for line in lines if line["type"] == "Metric"]
    assert defined == [
        *HTTP,
        "checks",
        "group_duration",
        "data_sent",
        "data_received",
        "iteration_duration",
        "iterations",
    ]
    assert list(lines[0]["data"]) == ["name", "type", "contains", "thresholds", "submetrics"]
    assert list(lines[1]["data"]) == ["time", "value", "tags", "metadata"]


def test_csv_has_k6s_shape(run: Run, tmp_path: Path) -> None:
    """The header is k6's, and the rows say what the JSON lines say."""
    run(ONE_ITERATION, "--out", "json=a.json", "--out", "csv=a.csv")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert ",".join(header) == (
        "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,"
        "scenario,service,status,subproto,tls_version,url,extra_tags,metadata"
    )
    written = points(tmp_path / "a.json")
    assert [row[0] for row in rows] == [point["metric"] for point in written]
    for row, point in zip(rows, written, strict=True):
        extra = dict(part.split("=", 1) for part in row[-2].split("&") if part)
        columns = {name: value for name, value in zip(header[3:-2], row[3:-2], strict=True) if value}
        assert columns | extra == {name: value for name, value in point["tags"].items() if value}
        assert float(row[2]) == pytest.approx(point["value"], abs=1e-6)


MANY = """
from swell import Counter, check, env, http

options = {
    "scenarios": {
        "a": {"executor": "per-vu-iterations", "vus": 5, "iterations": 40, "exec": "both"},
        "b": {"executor": "shared-iterations", "vus": 3, "iterations": 50, "exec": "both"},
    },
    "workers": 3,
    "tags": {"run": "one"},
}
seen = Counter("seen")

def setup():
    http.get(f"{env.TARGET}/")

def both():
    r = http.get(f"{env.TARGET}/")
    check(r, {"ok": lambda r: r.status_code == 200})
    http.batch([f"{env.TARGET}/", f"{env.TARGET}/status/500"])
    seen.add(2)

def teardown():
    http.get(f"{env.TARGET}/")
"""


def test_nothing_is_lost_over_several_workers(run: Run, tmp_path: Path) -> None:
    """Each metric's points add up to what the summary says, and every iteration has its bytes once."""
    result = run(
        MANY, "--out", "json=a.json.gz", "--summary-export", "s.json", "--system-tags", "vu,iter,group"
    )
    assert result.exit_code == ExitCode.OK, result.stderr
    lines = [json.loads(line) for line in gzip.decompress((tmp_path / "a.json.gz").read_bytes()).splitlines()]
    told = [line for line in lines if line["type"] == "Point"]
    counts = Counter(line["metric"] for line in told)
    sums: Counter[str] = Counter()
    for line in told:
        sums[line["metric"]] += line["data"]["value"]
    summary = json.loads((tmp_path / "s.json").read_text())["metrics"]
    assert counts["iterations"] == counts["iteration_duration"] == 250
    assert counts["data_sent"] == counts["data_received"] == 252
    assert counts["http_reqs"] == counts["http_req_failed"] == 752
    for name in ("http_reqs", "iterations", "seen", "data_sent", "data_received"):
        assert sums[name] == summary[name]["count"]
    assert sums["checks"] == summary["checks"]["passes"] == 250
    assert all(line["data"]["tags"]["run"] == "one" for line in told)
    # Also requests that a batch sends from greenlets of its own belong to their VU.
    inside = [line["data"] for line in told if line["data"]["tags"].get("group") == ""]
    assert len(inside) == 250 * (3 * 9 + 6)
    assert all("vu" in data["metadata"] for data in inside)
    places = {
        (line["data"]["metadata"]["vu"], line["data"]["metadata"]["iter"])
        for line in told
        if line["metric"] == "iterations"
    }
    assert len(places) == 250


def test_an_interrupt_leaves_whole_lines(run: Run, tmp_path: Path) -> None:
    """After Ctrl-C the file ends with a line's end, and holds what the summary counts."""
    source = """
    from swell import env, http
    options = {"vus": 2, "duration": "60s"}
    def default():
        http.get(f"{env.TARGET}/")
    """
    signals = SignalSource()
    path = tmp_path / "a.json"
    over = threading.Event()

    def interrupt() -> None:
        while not over.wait(0.05):
            if path.exists() and path.stat().st_size > 100_000 and signals.send(signal.SIGINT):
                return

    thread = threading.Thread(target=interrupt)
    thread.start()
    result = run(source, "--out", "json=a.json", "--summary-export", "s.json", signals=signals)
    over.set()
    thread.join()
    assert result.exit_code == ExitCode.EXTERNAL_ABORT
    assert path.read_bytes().endswith(b"}\n")
    summary = json.loads((tmp_path / "s.json").read_text())["metrics"]
    written = Counter(point["metric"] for point in points(path))
    assert written["http_reqs"] == summary["http_reqs"]["count"]
    assert written["iterations"] == summary["iterations"]["count"]


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("kafka=x", "there is no output 'kafka' in this version"),
        ("json=missing/a.json", "missing/a.json cannot be written: No such file or directory"),
        ("json=.", ". cannot be written: Is a directory"),
    ],
)
def test_an_output_that_cannot_be_is_told_before_the_start(run: Run, out: str, told: str) -> None:
    """One clear error at --out with k6's exit code; nothing ran."""
    result = run(ONE_ITERATION, "--out", out)
    assert result.exit_code == ExitCode.OTHER
    assert told in result.stderr
    assert "--out" in result.stderr
    assert "http_reqs" not in result.stdout


def test_a_full_disk_is_told_and_counted(run: Run) -> None:
    """The run goes on to its own exit code; the log says what was not written and why."""
    result = run(ONE_ITERATION, "--out", "json=/dev/full")
    assert result.exit_code == ExitCode.OK
    assert "the output json (/dev/full) cannot be written: No space left on device" in result.stderr
    assert "39 lines of json (/dev/full) were not written" in result.stderr
    assert "http_reqs" in result.stdout


def test_standard_output_takes_lines(run: Run) -> None:
    """Without a file, or with -, lines go to standard output in k6's way of naming it."""
    result = run(ONE_ITERATION, "--out", "json", "--summary-mode=disabled")
    assert "output: json(stdout)" in result.stdout
    lines = [line for line in result.stdout.splitlines() if line.startswith('{"')]
    assert len(lines) == 39
    assert all(json.loads(line)["type"] in {"Metric", "Point"} for line in lines)
