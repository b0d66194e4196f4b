"""How k6 scripts end their runs, their functions and themselves: exit codes and samples as recorded from k6."""

import json
import re
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
    "abort in setup": (ONCE + "export function setup() { exec.test.abort('s'); }", 108, 'msg="test aborted: s"\n'),
    "abort in teardown": (ONCE + "export function teardown() { exec.test.abort('t'); }", 108, 'msg="test aborted: t"\n'),
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
    "handleSummary that is none": (
        ONCE + "export const handleSummary = {};",
        0,
        "exported identifier handleSummary must be a function",
    ),
    "list of options": ("export const options = [1];" + ONCE, 104, "the exported options must be an object"),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_how_a_run_ends(run: RunScript, name: str) -> None:
    """The exit code is k6's, and what happened is said, the end of the run once."""
    source, code, said = ENDS[name]
    result = run(HEAD + source)
    assert said in result.stderr
    assert result.stderr.count("test aborted: ") <= 1
    if code == 255:
        assert "source=stacktrace" not in result.stderr
    assert result.exit_code == code


def test_a_run_is_marked_as_failed_once(run: RunScript) -> None:
    """Each call is a line of the log, the run's own mark one at its end."""
    source = "export const options = { vus: 1, iterations: 3 };"
    result = run(HEAD + source + "export default function () { exec.test.fail('why ' + __ITER); }")
    assert [result.stderr.count(f"test marked as failed: why {number}") for number in range(3)] == [1, 1, 1]
    assert result.stderr.count("test run was marked as failed") == 1
    assert result.exit_code == 110


def test_where_the_instance_can_be_asked(run: RunScript) -> None:
    """While VUs start and run, and in setup: not before, and not when all have ended, as in k6."""
    result = run(
        """import exec from 'k6/execution';
        const told = () => { try { return typeof exec.instance.vusActive; } catch (error) { return error.message; } };
        const first = told();
        export function setup() { console.log('setup', told()); }
        export default function () {
          console.log('init', first, 'VU', told());
          try { exec.vu.metrics.tags = {}; } catch (error) { console.log(error.name); }
        }
        export function teardown() { console.log('teardown', told()); }
        """
    )
    lines = [line.partition("msg=")[2] for line in result.stderr.splitlines() if "source=console" in line]
    refused = "getting instance information in the init context is not supported"
    assert lines == [
        '"setup number" source=console',
        '"init number VU number" source=console',
        "TypeError source=console",
        f'"teardown {refused}" source=console',
    ]


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


ABORTS = {
    "check": (
        "check(1, { one: true, two: () => exec.test.abort('x'), three: true });",
        ["one 1", "two 0"],
        [],
    ),
    "groups": (
        "group('a', () => { check(1, { one: true }); group('b', () => exec.test.abort('x')); });",
        ["one 1 ::a"],
        ["::a", "::a::b"],
    ),
    "both": (
        """group('a', () => check(1, { one: () => {
          group('b', () => check(1, { two: true, three: () => exec.test.abort('x') }));
        } }, { tag: 'v' }));""",
        ["one 0 ::a v", "three 0 ::a::b", "two 1 ::a::b"],
        ["::a", "::a::b"],
    ),
}


@pytest.mark.parametrize("stage", ["iteration", "setup"])
@pytest.mark.parametrize("name", ABORTS)
def test_an_abort_ends_checks_and_groups(run: RunScript, tmp_path: Path, name: str, stage: str) -> None:
    """Those that the aborting code stands in are recorded, as in k6: a check that is under way is not met."""
    body, checks, groups = ABORTS[name]
    head = "export default function () {" if stage == "iteration" else ONCE + "export function setup() {"
    result = run(f"{HEAD}import {{ check, group }} from 'k6';{head} {body} }}", "--out", "json=points.ndjson")
    assert result.exit_code == 108
    rows = [json.loads(line) for line in (tmp_path / "points.ndjson").read_text().splitlines()]
    told: dict[str, list[str]] = {"checks": [], "group_duration": []}
    for row in rows:
        if row["type"] == "Point" and row["metric"] in told:
            tags = row["data"]["tags"]
            group = tags["group"].removeprefix("::setup")
            known = [tags.get("check", ""), str(row["data"]["value"]), group, tags.get("tag", "")]
            told[row["metric"]].append(" ".join(filter(None, known)) if tags.get("check") else group)
    assert sorted(told["checks"]) == checks
    assert sorted(told["group_duration"]) == groups


def test_text_as_tags(run: RunScript, tmp_path: Path) -> None:
    """Its characters become tags by their places, as in k6; a number has none."""
    result = run(
        "import { check } from 'k6'; export default () => { check(1, { a: true }, 'tag'); check(1, { b: true }, 5); }",
        "--out",
        "json=points.ndjson",
    )
    assert result.exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "points.ndjson").read_text().splitlines()]
    tags = [row["data"]["tags"] for row in rows if row["type"] == "Point" and row["metric"] == "checks"]
    common = {"group": "", "scenario": "default"}
    assert tags == [{**common, "check": "a", "0": "t", "1": "a", "2": "g"}, {**common, "check": "b"}]


def test_checks_of_an_iteration_that_was_cut_short_are_not_those_of_the_next(run: RunScript) -> None:
    """What an interrupted iteration stood in is forgotten: a later abort ends its own checks only."""
    result = run(
        f"""{HEAD}import {{ check }} from 'k6';
        export const options = {{ scenarios: {{
          a: {{ executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '0s', exec: 'a' }},
          b: {{ executor: 'per-vu-iterations', startTime: '1200ms', exec: 'b' }},
        }} }};
        export function a() {{ check(1, {{ left: () => sleep(30) }}); }}
        export function b() {{ check(1, {{ own: () => exec.test.abort('x') }}); }}""",
        "--out",
        "json=points.ndjson",
    )
    assert result.exit_code == 108
    assert "✗ own" in result.stdout
    assert "left" not in result.stdout


def test_options_are_those_in_effect(run: RunScript) -> None:
    """As in k6, functions see in the script's options what flags have set, while its top level sees its own."""
    source = """
    export const options = { vus: 3, iterations: 6, tags: { own: 'x' }, userAgent: 'mine', thresholds: { checks: ['rate>0'] } };
    const own = JSON.stringify(options);
    const show = (who) => console.log([who, ...Object.values(options)].map((one) => JSON.stringify(one)).join(' '));
    export function setup() { show('setup'); }
    export default function () { if (__ITER === 0 && __VU === 1) { show('vu'); console.log(own); } }
    export function handleSummary() { show('summary'); return {}; }
    """
    result = run(source, "-u", "2", "-i", "4", "--tag", "run=1", "--batch", "7", "--no-thresholds")
    shown = [json.loads(line) for line in re.findall(r'msg=(".*") source=console', result.stderr)]
    changed = '2 4 {"run":"1"} "mine" {"checks":["rate>0"]} 7'
    assert [shown[0], shown[1], shown[3]] == [f'"{who}" {changed}' for who in ("setup", "vu", "summary")]
    assert json.loads(shown[2])["vus"] == 3


def test_frozen_options_stay(run: RunScript) -> None:
    """A script that froze its options is run all the same; k6 ends at the start."""
    result = run(
        "export const options = Object.freeze({ vus: 1 }); export default () => console.log(options.vus)",
        "-u",
        "2",
    )
    assert result.stderr.count("msg=1 source=console") == 2, result.stderr


def test_what_a_script_is_shown_of_options(run: RunScript) -> None:
    """``exec.test.options`` has null where nobody has set anything, as in k6, and the workload as scenarios."""
    result = run(
        HEAD
        + """export const options = { vus: 2, duration: '1s', noConnectionReuse: false, dns: { ttl: '1m' } };
        export default function () {
          const o = exec.test.options;
          console.log(JSON.stringify([o.batch, o.tags, o.thresholds, o.noConnectionReuse, o.rps, o.dns.policy]));
          console.log(`${o.vus} ${o.duration} ${o.scenarios.default.vus} ${o.summaryTrendStats} ${'noSave' in o}`);
          exec.test.abort();
        }""",
        "--rps",
        "9",
    )
    assert 'msg="[null,null,null,false,9,null]"' in result.stderr, result.stderr
    assert 'msg="undefined undefined 2 avg,min,med,max,p(90),p(95) false"' in result.stderr, result.stderr


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ({"iterations": 1}, {"executor": "shared-iterations", "iterations": 1}),
        (
            {"iterations": 1, "duration": "90s"},
            {"executor": "shared-iterations", "iterations": 1, "maxDuration": "1m30s"},
        ),
        (
            {"scenarios": {"default": {"executor": "per-vu-iterations", "env": {}, "gracefulStop": 1500}}},
            {"executor": "per-vu-iterations", "env": {}, "gracefulStop": "1.5s"},
        ),
    ],
)
def test_scenarios_are_shown_as_written(
    run: RunScript, written: dict[str, object], shown: dict[str, object]
) -> None:
    """What a scenario leaves out is null in ``exec.test.options``, and k6's keys stand in k6's order."""
    result = run(
        HEAD + f"export const options = {json.dumps(written)};"
        "export default () => { console.log(JSON.stringify(exec.test.options.scenarios.default)); }",
        "--log-format",
        "raw",
    )
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("{")]
    names = [
        "executor",
        "startTime",
        "gracefulStop",
        "env",
        "exec",
        "tags",
        "vus",
        "iterations",
        "maxDuration",
    ]
    assert list(json.loads(line).items()) == [(name, shown.get(name)) for name in names]


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


def test_setup_may_return_a_response(run: RunScript) -> None:
    """Of a response the fields go to the iterations, wherever it stands in the data; the methods stay behind."""
    result = run(
        HEAD
        + """export function setup() { const r = http.get(`${__ENV.TARGET}/get`); return { list: [r], missed: null }; }
        export default function ({ list: [r] }) {
          console.log(r.status, typeof r.json, JSON.parse(r.body).method, Object.keys(r).length, r.request.method);
          r.json();
        }"""
    )
    assert result.exit_code == 0
    assert 'msg="200 undefined GET 16 GET"' in result.stderr
    assert "TypeError: Object has no member 'json'" in result.stderr


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("'text'", "handleSummary() should return a map with string keys"),
        ("['a.txt']", "handleSummary() should return a map with string keys"),
        (
            "{ stdout: 'x', 'a.json': data }",
            "object a.json: invalid type map[string]interface {}, it needs to be a",
        ),
        ("{ 'a.txt': 5 }", "object a.txt: invalid type int64, it needs to be a string or ArrayBuffer"),
    ],
)
def test_what_cannot_be_written_of_a_summary(
    run: RunScript, tmp_path: Path, returned: str, said: str
) -> None:
    """Where handleSummary returns something else than texts by their places, nothing is written at all."""
    result = run(ONCE + f"export function handleSummary(data) {{ return {returned}; }}")
    assert 'msg="failed to handle the end-of-test summary"' in result.stderr
    assert said in result.stderr
    assert result.exit_code == 0
    assert "TOTAL RESULTS" not in result.stdout
    assert not list(tmp_path.glob("a.*"))


def test_data_of_a_summary_has_the_keys_of_k6(run: RunScript) -> None:
    """What a script writes of the whole data is what k6 gives it; the verdict is there for who asks for it."""
    result = run(
        ONCE
        + """export function handleSummary(data) {
          const keys = [Object.keys(data).sort(), Object.keys(JSON.parse(JSON.stringify(data))).sort()];
          return { stdout: `${JSON.stringify(keys)} ${data.verdict.level} ${data.setup_data}` };
        }"""
    )
    listed = (
        '["metrics","options","root_group","setup_data","state"],["metrics","options","root_group","state"]'
    )
    assert f"[{listed}] " in result.stdout
    assert result.stdout.split("] ")[-1].split()[:2][1] == "undefined"
