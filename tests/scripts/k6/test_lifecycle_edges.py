"""How k6 scripts end their runs, their functions and themselves: exit codes and samples as recorded from k6."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]

HEAD = "import exec from 'k6/execution'; import http from 'k6/http'; import { sleep } from 'k6';\n"
ONCE = "export default function () {}\n"

ENDS = {
    "abort in init": ("exec.test.abort('why');" + ONCE, 108, "test aborted: why at"),
    "abort in a VU's init": ("if (__VU > 0) exec.test.abort('vu');" + ONCE, 108, "test aborted: vu at"),
    "abort in setup": (ONCE + "export function setup() { exec.test.abort('s'); }", 108, "test aborted: s at setup"),
    "abort in teardown": (ONCE + "export function teardown() { exec.test.abort('t'); }", 108, "aborted: t at"),
    "abort in handleSummary": (
        ONCE + "export function handleSummary() { exec.test.abort('h'); return {}; }",
        0,
        "test aborted: h at handleSummary",
    ),
    "fail in handleSummary": (ONCE + "export function handleSummary() { exec.test.fail('h'); return {}; }", 0, "h"),
    "fail in setup": (ONCE + "export function setup() { exec.test.fail('s'); }", 110, "marked as failed: s"),
    "fail, then abort": (
        "export default function () { exec.test.fail('f'); exec.test.abort('a'); }",
        108,
        "test aborted: a at default",
    ),
    "rejected iteration": (
        "export default async function () { throw new Error('late'); }",
        0,
        "Uncaught (in promise) Error: late\\n\\tat default",
    ),
    "rejected setup": (
        ONCE + "export async function setup() { await null; throw new Error('late'); }",
        255,
        'level=error msg="Uncaught (in promise) Error: late\\n\\tat setup',
    ),
    "rejected teardown": (
        ONCE + "export async function teardown() { throw 'text'; }",
        255,
        "Uncaught (in promise) text",
    ),
    "list of options": ("export const options = [1];" + ONCE, 104, "the exported options must be an object"),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_how_a_run_ends(run: RunScript, name: str) -> None:
    """The exit code is k6's, and what happened is said."""
    source, code, said = ENDS[name]
    result = run(HEAD + source)
    assert said in result.stderr
    assert result.exit_code == code


def points(path: Path) -> Counter[tuple[str, str]]:
    """How many samples there are of each metric and group."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return Counter(
        (row["metric"], row["data"]["tags"].get("group", "-")) for row in rows if row["type"] == "Point"
    )


def test_an_iteration_that_aborts_counts(run: RunScript, tmp_path: Path) -> None:
    """As in k6, the iteration that ends the run is a whole one; another that it interrupts is none."""
    result = run(
        HEAD
        + """export const options = { scenarios: { a: { executor: 'per-vu-iterations', vus: 2 } } };
        export default function () {
          if (exec.vu.idInTest === 1) { sleep(0.2); exec.test.abort('one'); }
          sleep(30);
        }""",
        "--out",
        "json=points.ndjson",
    )
    assert result.exit_code == 108
    found = points(tmp_path / "points.ndjson")
    assert found["iterations", ""] == found["iteration_duration", ""] == 1


@pytest.mark.parametrize("stage", ["setup", "teardown"])
@pytest.mark.parametrize("body", ["sleep(30);", "http.get(`${__ENV.TARGET}/get`); sleep(30);", "for (;;) {}"])
def test_what_a_function_did_before_its_time_was_up_is_its_own(
    run: RunScript, tmp_path: Path, stage: str, body: str
) -> None:
    """A setup or teardown that is cut short tells once what it sent and received, with its group."""
    result = run(
        HEAD + f"export const options = {{ {stage}Timeout: '300ms' }};"
        f"export function {stage}() {{ {body} }} export default function () {{}}",
        "--out",
        "json=points.ndjson",
    )
    assert result.exit_code == (100 if stage == "setup" else 101)
    found = points(tmp_path / "points.ndjson")
    assert found["data_sent", f"::{stage}"] == found["data_received", f"::{stage}"] == 1
    assert found["data_sent", "-"] == found["data_received", "-"] == 0
