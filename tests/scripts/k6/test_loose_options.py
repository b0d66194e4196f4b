"""Options that k6 takes though they are not what its documentation asks for, and those that it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("written", "says"),
    [
        pytest.param("vus: '', iterations: ''", "msg=ran", id="no number"),
        pytest.param("stages: [{target: 3}, null, {}]", "`stages` was explicitly set", id="no stage"),
        pytest.param("vus: 2, stages: []", "running the script with 1 iteration in 1 VU", id="no stages"),
        pytest.param("stages: [{duration: '10ms', target: 1}, {target: 5}]", "msg=ran", id="one stage"),
        pytest.param("summaryTimeUnit: 'min', httpDebug: 'on'", "msg=ran", id="words"),
        pytest.param("thresholds: {http_req_duration: null}", "msg=ran", id="no thresholds"),
        pytest.param(
            "thresholds: {checks: [{threshold: 'rate>0', abort: 1}]}", "key 'abort' is ignored", id="key"
        ),
        pytest.param("dns: {ttl: '', timeout: 1}", "key 'timeout' is ignored", id="dns"),
        pytest.param("maxRedirects: -1, rps: -1", "msg=ran", id="negative"),
        pytest.param("tags: {a: null}, tlsVersion: ''", "msg=ran", id="nothing"),
        pytest.param("hosts: {'a.test': 'somewhere:80'}", "stands for 127.0.0.1", id="no address"),
    ],
)
def test_options_that_k6_reads_over(run: RunScript, written: str, says: str) -> None:
    """What stands for nothing, or is not known, keeps no script from running."""
    result = run(f"export const options = {{{written}}};\nexport default () => console.log('ran');")
    assert (result.exit_code, says in result.stderr, "msg=ran" in result.stderr) == (0, True, True)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("summaryTrendStats: ['avg', 'p95']", 255),
        ("summaryTrendStats: ['avg', 'p95'], vus: 'x'", 104),
        ("dns: {ttl: 'soon'}", 255),
        ("dns: {ttl: 5}", 104),
        ("stages: [{duration: '1s'}]", 104),
        ("thresholds: {'http_req_duration{a:}': ['avg<1']}", 104),
        ("thresholds: {gone: []}", 104),
    ],
)
def test_options_that_k6_refuses(run: RunScript, written: str, code: int) -> None:
    """Nothing is started; the exit code is k6's."""
    result = run(f"export const options = {{{written}}};\n{ONCE}")
    assert (result.exit_code, "nothing was started" in result.stderr) == (code, True)


def test_what_loose_options_come_to(run: RunScript) -> None:
    """Negative redirects are none, a host without an address is this machine, an unknown unit is no unit."""
    source = """
        import http from "k6/http";
        export const options = {maxRedirects: -3, summaryTimeUnit: "h", hosts: {"shop.test": "localhost"}};
        export default function () {
          const url = __ENV.TARGET.replace("127.0.0.1", "shop.test");
          console.log(http.get(url + "/redirect/2").status);
        }
    """
    result = run(source)
    assert (result.exit_code, "msg=302" in result.stderr) == (0, True)
    assert "iteration_duration" in result.stdout
