"""Whole runs of k6 scripts: exit codes, what is logged, what is measured, as k6 itself was seen to do."""

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from swell.testing.cli import CLIResult, run_cli

RunScript = Callable[..., CLIResult]

ONCE = "export default function () {}\n"


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        pytest.param("export const a = 1;", 255, "exports no function", id="nothing to run"),
        pytest.param("let a = ;\n" + ONCE, 107, "SyntaxError: unexpected token", id="syntax"),
        pytest.param("throw new Error('early');\n" + ONCE, 107, "Error: early", id="init throws"),
        pytest.param('import "k6/nothing";\n' + ONCE, 107, 'unknown module "k6/nothing"', id="module"),
        pytest.param('import "k6/browser";\n' + ONCE, 107, "browser tests are not supported", id="browser"),
        pytest.param('import "lodash";\n' + ONCE, 107, 'the module "lodash"', id="bare name"),
        pytest.param('import "./gone.js";\n' + ONCE, 107, "gone.js", id="no such file"),
        pytest.param("open('gone.json');\n" + ONCE, 107, "gone.json: no such file or directory", id="open"),
        pytest.param("open();\n" + ONCE, 107, "can't be used with an empty filename", id="open nothing"),
        pytest.param("open('.');\n" + ONCE, 107, "can't be used with directories", id="open a folder"),
        pytest.param(
            "import { Trend } from 'k6/metrics';\nnew Trend();\n" + ONCE, 107, "name: ''", id="metric"
        ),
        pytest.param(
            "import exec from 'k6/execution';\nexec.vu.tags.a = 'b';\n" + ONCE,
            107,
            "getting VU information in the init context is not supported",
            id="tags in init",
        ),
        pytest.param("export const options = {vus: NaN};\n" + ONCE, 255, "'vus' is NaN", id="no number"),
        pytest.param(
            "export const options = {a: {b: () => 1}};\n" + ONCE, 255, "'b' is a function", id="no JSON"
        ),
        pytest.param("export const options = {vus: 'x'};\n" + ONCE, 104, "vus", id="option"),
        pytest.param("export function setup() { throw null }\n" + ONCE, 107, "null", id="setup throws"),
        pytest.param("export function setup() { return () => 1 }\n" + ONCE, 255, "JSON", id="setup data"),
        pytest.param("export function teardown() { throw 'a' }\n" + ONCE, 107, "a", id="teardown throws"),
        pytest.param("export default () => { throw null }", 0, r'msg="null\n\tat', id="iteration throws"),
        pytest.param(
            "import exec from 'k6/execution';\nexport default () => exec.test.abort('enough')",
            108,
            "enough",
            id="abort",
        ),
        pytest.param(
            "import { test } from 'k6/execution';\nexport default () => test.fail('bad')",
            110,
            "bad",
            id="fail",
        ),
        pytest.param(
            "export const options = {thresholds: {iterations: ['count>5']}};\n" + ONCE,
            99,
            "thresholds on metrics 'iterations'",
            id="threshold",
        ),
        pytest.param(
            "export function handleSummary() { throw new Error('s') }\n" + ONCE, 0, "s", id="summary"
        ),
        pytest.param(
            "export default () => { const f = () => f() + 1; f() }", 0, "call stack size", id="recursion"
        ),
        pytest.param(
            "export default async () => { Promise.reject(new Error('lost')) }",
            0,
            "Uncaught (in promise) Error: lost",
            id="rejection",
        ),
    ],
)
def test_how_runs_end(run: RunScript, source: str, code: int, said: str) -> None:
    """Each fault has k6's exit code and is told once with what it is about."""
    result = run(source)
    told = result.stderr.replace('\\"', '"')
    assert (int(result.exit_code), said in told) == (code, True), result.stderr


def test_a_whole_script(run: RunScript, tmp_path: Path) -> None:
    """Setup data, groups, checks, custom metrics and handleSummary come together."""
    result = run(
        """
        import http from "k6/http";
        import { check, group, sleep } from "k6";
        import { Counter, Trend } from "k6/metrics";
        import exec from "k6/execution";
        import { path } from "./lib.js";

        const seen = new Counter("seen");
        const sizes = new Trend("sizes");
        export const options = {
          scenarios: {
            one: { executor: "per-vu-iterations", vus: 2, iterations: 2, exec: "work", env: { WHO: "one" } },
          },
          thresholds: { checks: ["rate>0.5"], "seen{kind:a}": ["count==4"] },
        };
        export function setup() { return { list: [1], when: new Date(0), gone: undefined }; }
        export function work(data) {
          data.list.push(__ITER);
          group("outer", () => group("inner", () => {
            const response = http.get(`${__ENV.TARGET}${path}`);
            sizes.add(response.body.length);
            check(response, { ok: (r) => r.status === 200, json: (r) => r.json("status") === "ok", never: false });
          }));
          seen.add(1, { kind: "a" });
          if (exec.vu.idInTest === 1 && __ITER === 1) {
            console.log(data.list, data.when, data.gone, __ENV.WHO, exec.scenario.name, exec.test.options.scenarios.one.vus);
          }
          sleep(0.001);
        }
        export function handleSummary(data) {
          return { "out.json": JSON.stringify(data), stdout: "the end" };
        }
        """,
        files={"lib.js": 'export const path = "/json";'},
    )
    assert result.exit_code == 0, result.stderr
    assert result.stdout.endswith("the end")
    assert 'msg="[ 1, 0, 1 ] 1970-01-01T00:00:00Z null one one 2"' in result.stderr
    data = json.loads((tmp_path / "out.json").read_text())
    metrics = data["metrics"]
    assert metrics["iterations"]["values"]["count"] == 4
    assert metrics["http_reqs"]["values"]["count"] == 4
    assert metrics["seen{kind:a}"]["thresholds"] == {"count==4": {"ok": True}}
    assert metrics["checks"]["values"]["passes"] == 8
    assert metrics["sizes"]["values"]["min"] > 10
    (outer,) = data["root_group"]["groups"]
    (inner,) = outer["groups"]
    assert inner["path"] == "::outer::inner"
    assert [(check["name"], check["passes"], check["fails"]) for check in inner["checks"]] == [
        ("ok", 4, 0),
        ("json", 4, 0),
        ("never", 0, 4),
    ]


def test_an_endless_loop_is_cut_short_without_catch_or_finally(run: RunScript) -> None:
    """One VU that never returns does not keep the others from working, and its handlers do not run."""
    result = run(
        """
        import { sleep } from "k6";
        export const options = { scenarios: {
          bad: { executor: "constant-vus", vus: 1, duration: "1s", gracefulStop: "0s", exec: "bad" },
          good: { executor: "per-vu-iterations", vus: 1, iterations: 20, exec: "good" },
        } };
        export function bad() {
          try { for (;;) {} } catch (e) { console.log("caught") } finally { console.log("finally") }
        }
        export function good() { sleep(0.01); }
        """
    )
    assert result.exit_code == 0
    assert "caught" not in result.stderr
    assert "finally" not in result.stderr
    assert "20 complete and 1 interrupted" in result.stdout


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            "const http = require('k6/http'); exports.options = {iterations: 2};\n"
            "exports.default = function () { http.get(__ENV.TARGET + '/get') }",
            id="CommonJS",
        ),
        pytest.param(
            "import data from './data.json'; import { n } from './c.js'; export const options = {iterations: n};\n"
            "export default function () { if (data.a !== 1) throw new Error('no') }",
            id="JSON and a named import from CommonJS",
        ),
        pytest.param(
            "const { n } = await import('./c.js').then((m) => m.default); export const options = {iterations: n};\n"
            "export default async function () { await new Promise((r) => setTimeout(r, 1)) }",
            id="await at the top level",
        ),
    ],
)
def test_kinds_of_modules(run: RunScript, source: str) -> None:
    """Every kind of module that k6 takes works, and its options count."""
    result = run(source, files={"data.json": '{"a": 1}', "c.js": "module.exports = { n: 2 }"})
    assert result.exit_code == 0, result.stderr
    assert "2 complete" in result.stdout
    assert "level=error" not in result.stderr


def test_a_script_over_standard_input(run: RunScript) -> None:
    """``-`` reads the script, TypeScript included, and relative imports start from the directory."""
    source = "import { n } from './lib.js'; const a: number = n; export default () => { console.log(a) }"
    result = run("", name="-", stdin=source, files={"lib.js": "export const n = 7"})
    assert result.exit_code == 0, result.stderr
    assert "msg=7 source=console" in result.stderr


def test_an_archive(run: RunScript, tmp_path: Path) -> None:
    """An archive brings its files, its options and its variables; no other file can be opened."""
    main = (
        "import { n } from './lib.js'; const text = open('./data.txt');"
        "export default () => { console.log(n, text, __ENV.WHO) }"
    )
    metadata = {"filename": "file:///somewhere/a.js", "options": {"iterations": 3}, "env": {"WHO": "me"}}
    files = {
        "metadata.json": json.dumps(metadata),
        "data": main,
        "file/somewhere/lib.js": "export const n = 7",
        "file/somewhere/data.txt": "txt",
    }
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    result = run_cli("run", "--no-save", "a.tar", cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count('msg="7 txt me" source=console') == 3


def test_thresholds_without_data_pass_with_a_note(run: RunScript) -> None:
    """As in k6, with a warning; ``--require-data`` makes them count."""
    source = (
        "import { Rate } from 'k6/metrics'; new Rate('errors');"
        "export const options = {thresholds: {errors: ['rate<0.1']}}; export default () => {}"
    )
    passed, failed = run(source), run(source, "--require-data")
    assert (passed.exit_code, failed.exit_code) == (0, 99)
    assert "the threshold on 'errors' saw no samples" in passed.stdout


def test_a_memory_bomb_ends_one_iteration(run: RunScript) -> None:
    """A VU that wants too much memory is told so; the others and its own next iterations go on."""
    result = run(
        """
        export const options = { iterations: 4 };
        export default function () {
          if (__ITER === 1) { const all = []; for (;;) all.push(new ArrayBuffer(1e8)); }
        }
        """
    )
    assert result.exit_code == 0, result.stderr
    assert "4 complete" in result.stdout
    assert "out of memory" in result.stderr


def test_an_abort_names_its_place(run: RunScript) -> None:
    """The message has the script's own line, and teardown runs."""
    result = run(
        "import exec from 'k6/execution';\n"
        "export default function () { exec.test.abort('enough') }\n"
        "export function teardown() { console.log('torn down') }"
    )
    assert result.exit_code == 108
    assert "test aborted: enough at default (file://" in result.stderr
    assert "script.js:2:" in result.stderr
    assert "torn down" in result.stderr


def test_deep_recursion(run: RunScript) -> None:
    """20,000 calls deep is fine."""
    result = run("export default () => { const f = (n) => n ? 1 + f(n - 1) : 0; console.log(f(20000)) }")
    assert "msg=20000" in result.stderr, result.stderr


def test_timers_that_an_iteration_leaves_behind_are_told(run: RunScript) -> None:
    """Each by the number that the script knows; they count from 1 in each VU, and over its iterations."""
    result = run("""
        export const options = { iterations: 2 };
        export default () => {
          const ids = [setTimeout(() => {}, 60000), setInterval(() => {}, 60000), setTimeout(() => {}, 60000)];
          console.log(ids.join());
          clearTimeout(ids[2]);
          throw new Error("boom");
        };
    """)
    said = re.findall(r'msg="?([^"]*)"? source=console|msg="(set[^"]*)"', result.stderr)
    stopped = "was stopped because the VU iteration was interrupted"
    assert ["".join(pair) for pair in said] == [
        "1,2,3",
        f"setTimeout 1 {stopped}",
        f"setInterval 2 {stopped}",
        "4,5,6",
        f"setTimeout 4 {stopped}",
        f"setInterval 5 {stopped}",
    ]


@pytest.mark.parametrize(("body", "warns"), [("sleep(30)", True), ("throw new Error('x')", False)])
def test_a_run_without_a_whole_iteration_says_so(body: str, warns: bool, run: RunScript) -> None:
    """Where each was interrupted; one that threw is whole."""
    result = run(f"""
        import {{ sleep }} from "k6";
        export const options = {{
          scenarios: {{ a: {{ executor: "constant-vus", vus: 1, duration: "1s", gracefulStop: "0s" }} }},
        }};
        export default () => {{ sleep(0.01); {body}; }};
    """)
    assert ("No script iterations fully finished" in result.stderr) == warns


def test_what_the_top_level_prints(run: RunScript) -> None:
    """It is printed for the options, for each VU, for setup and teardown, and once at the end, as k6 does."""
    told = """
        console.log("top", __VU);
        export const options = {vus: 2, iterations: 2};
        export function teardown() {}
    """
    result = run(told + ONCE)
    assert result.exit_code == 0, result.stderr
    assert re.findall(r'msg="top (\d)"', result.stderr) == ["0", "1", "2", "0", "0"]
    silent = run(told + ONCE, "--summary-mode", "disabled")
    assert re.findall(r'msg="top (\d)"', silent.stderr) == ["0", "1", "2", "0"]


def test_loose_calls(run: RunScript) -> None:
    """Metrics without ``new``, odd tags, groups without a name and wrong values are taken as k6 takes them."""
    result = run(
        """
        import { check, fail, group } from "k6";
        import { Counter, Rate } from "k6/metrics";
        const errors = Rate("errors"), seen = new Counter("seen");
        const told = (work) => { try { console.log(work()); } catch (error) { console.log(String(error)); } };
        export default function () {
          told(() => [errors.add(1), errors instanceof Rate, seen instanceof Counter, errors.name].join());
          told(() => seen.add());
          told(() => seen.add("a"));
          told(() => seen.add(1, { a: undefined }));
          told(() => check(1, { a: true }, "ab"));
          told(() => check(1, { b: true }, { a: null }));
          told(() => group("", () => check(1, { c: true })));
          told(() => group("d"));
          told(() => check(1));
          told(() => fail("e"));
        }
        """
    )
    tags = "only String, Boolean and Number types are accepted as a metric tag values"
    messages = re.findall(r'msg="?(.*?)"?(?: source=console)?$', result.stderr, re.MULTILINE)
    assert messages == [
        "true,true,true,errors",
        "no value was provided for metric 'seen', a number or a boolean value is expected",
        "false",
        "'a' is an invalid value for metric 'seen', a number or a boolean value is expected",
        "false",
        f"GoError: cannot add tags for the 'seen' custom metric: invalid value for metric tag 'a': {tags}",
        "true",
        f"GoError: invalid value for metric tag 'a': {tags}",
        "true",
        "GoError: group() requires a callback as a second argument",
        "GoError: no checks provided to `check`",
        "GoError: e",
    ]


def test_groups_without_a_name(run: RunScript, tmp_path: Path) -> None:
    """At the root such a group is the root itself, inside another it is one of its own; null is no name."""
    source = """
    import { check, group } from "k6";
    export default function () {
      group("", () => group("b", () => check(1, { y: true })));
      group("a", () => group("", () => check(1, { x: true })));
      group(null, () => check(1, { z: true }));
      for (const wrong of [() => group("a::b", () => 1), () => check(1, { "a::b": true }), () => group("x")]) {
        try { wrong(); } catch (error) { console.log(`${error.name} ${error.message}`); }
      }
    }
    """
    result = run(source, "--out=json=a.json")
    told = "GoError group and check names may not contain '::'"
    assert result.stderr.count(told) == 2
    assert "GoError group() requires a callback as a second argument" in result.stderr
    points = [json.loads(line) for line in (tmp_path / "a.json").read_text().splitlines()]
    tags = [
        point["data"]["tags"] for point in points if point["type"] == "Point" and point["metric"] == "checks"
    ]
    assert sorted((each["check"], each["group"]) for each in tags) == [
        ("x", "::a::"),
        ("y", "::b"),
        ("z", ""),
    ]


def test_what_ends_a_run_is_logged(run: RunScript) -> None:
    """Thresholds, aborts, setup's exception: a line of the log, which --log-format shapes like any other."""
    crossed = run("export const options = {thresholds: {iterations: ['count>5']}};\n" + ONCE)
    said = "level=error msg=\"thresholds on metrics 'iterations' have been crossed\""
    assert (crossed.exit_code, said in crossed.stderr, "error: " in crossed.stderr) == (99, True, False)
    setup = run("export function setup() { throw new Error('early') }\n" + ONCE)
    assert setup.exit_code == 107
    line = r'level=error msg="Error: early\n\tat setup \(\S+script.js:1:\d+\)\n" hint="script exception" '
    assert re.search(line.replace(r"\n", r"\\n").replace(r"\t", r"\\t"), setup.stderr)
    assert "No script iterations" not in setup.stderr
    shaped = run("export function setup() { throw new Error('early') }\n" + ONCE, "--log-format", "json")
    assert json.loads(shaped.stderr.splitlines()[0])["hint"] == "script exception"


def test_an_aborting_iteration_counts(run: RunScript, tmp_path: Path) -> None:
    """It is the last of its VU, and complete."""
    result = run(
        """
        import exec from "k6/execution";
        export const options = {iterations: 9};
        export default function () { if (__ITER === 2) exec.test.abort("enough"); }
        """,
        "--summary-export",
        "export.json",
    )
    assert result.exit_code == 108
    assert json.loads((tmp_path / "export.json").read_text())["metrics"]["iterations"]["count"] == 3


def test_a_rejection_has_fewer_fields(run: RunScript) -> None:
    """Of an async function's exception k6 logs neither hint nor source."""
    result = run("export default async () => { await null; throw new Error('late') }")
    line = next(line for line in result.stderr.splitlines() if "Uncaught (in promise) Error: late" in line)
    assert line.endswith("executor=per-vu-iterations scenario=default")


def test_every_failure_of_a_usual_run_is_logged(run: RunScript) -> None:
    """As k6 does: only a storm of the same is cut short."""
    source = (
        "export const options = {iterations: 60};\nexport default function () { throw new Error('same'); }"
    )
    result = run(source)
    assert result.stderr.count('msg="Error: same') == 60
    assert "more of the same" not in result.stderr


@pytest.mark.parametrize(("flags", "told"), [((), False), (("--no-color",), True)])
def test_a_summary_without_colour_is_the_users_wish(
    run: RunScript, flags: tuple[str, ...], told: bool
) -> None:
    """``noColor`` follows the flag as in k6, and not whether there is a terminal."""
    result = run(
        "export function handleSummary(data) { return {stdout: `${data.options.noColor}`} }\n" + ONCE, *flags
    )
    assert result.stdout.endswith(str(told).lower())


def test_an_arrival_on_the_end_starts(run: RunScript) -> None:
    """Ten a second for a second are eleven iterations, the last at its very end, and none is dropped."""
    scenario = "executor: 'constant-arrival-rate', rate: 10, duration: '1s', preAllocatedVUs: 11"
    result = run(f"export const options = {{ scenarios: {{ a: {{ {scenario} }} }} }};\n{ONCE}")
    assert result.exit_code == 0
    assert re.search(r"iterations\.+: 11 ", result.stdout)
    assert "dropped_iterations" not in result.stdout
