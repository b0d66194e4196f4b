"""What requests of k6 scripts log and measure, as k6 was seen to do."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]
TOP = 'import http from "k6/http";\nconst B = __ENV.TARGET;\n'


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(
            "http.get('http://127.0.0.1:1/')",
            'msg="Request Failed" error="Get \\"http://127.0.0.1:1/\\": dial tcp 127.0.0.1:1: connect:'
            ' connection refused"',
            id="refused",
        ),
        pytest.param(
            "http.get('http://10.1.2.3/x')",
            'error="Get \\"http://10.1.2.3/x\\": IP (10.1.2.3) is in a blacklisted range (10.0.0.0/8)"',
            id="blacklist",
        ),
        pytest.param(
            "http.get('http://ten.test/x')",
            'error="Get \\"http://ten.test/x\\": IP (10.9.8.7) is in a blacklisted range (10.0.0.0/8)"',
            id="blacklisted name",
        ),
        pytest.param(
            "http.get('http://a.blocked.com/')",
            'hostname (a.blocked.com) is in a blocked pattern (*.blocked.com)"',
            id="blocked",
        ),
        pytest.param(
            "http.post(B, 5)", 'msg="Request Failed" error="unknown request body type int64"', id="body"
        ),
        pytest.param(
            "http.get('http://a b/')",
            'msg="Request Failed" error="invalid URL: parse \\"http://a b/\\": invalid character \\" \\" in'
            ' host name"',
            id="URL",
        ),
        pytest.param(
            "http.batch([B, [5, B]])",
            'msg="A batch request failed" error="invalid method type \'5\'"',
            id="batch",
        ),
        pytest.param(
            "http.get(B, {}, 1)",
            "http.get only accepts a url and a params argument (2 arguments), but 3 were given",
            id="surplus",
        ),
        pytest.param(
            "http.get(B + '/relative-redirect/12')", "Stopped after 11 redirects and returned", id="redirects"
        ),
        pytest.param(
            "http.post(B, {a: {b: 1}})",
            "cannot urlencode a nested map[string]interface {} value",
            id="nested",
        ),
        pytest.param(
            "http.post(B, 'x', {headers: {'Content-Length': '9'}})",
            "doesn't match the actual request body length of 1, so it will be ignored!",
            id="length",
        ),
    ],
)
def test_warnings(run: RunScript, code: str, said: str) -> None:
    """What k6 warns of is one warning, and the run goes on."""
    options = "{ blacklistIPs: ['10.0.0.0/8'], blockHostnames: ['*.blocked.com'], hosts: { 'ten.test': '10.9.8.7' } }"
    result = run(f"{TOP}export const options = {options};\nexport default () => {{ {code} }}\n")
    warnings = [line for line in result.stderr.splitlines() if "level=warning" in line]
    assert (int(result.exit_code), [said in line for line in warnings]) == (0, [True]), result.stderr


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        pytest.param("http.get('abc')", {"status": "0", "error_code": "1000", "name": "abc"}, id="no scheme"),
        pytest.param(
            "http.get('http://127.0.0.1:1/')",
            {"status": "0", "error_code": "1212", "error": "dial: connection refused"},
            id="refused",
        ),
        pytest.param("http.get(B)", {"name": "BASE", "url": "BASE"}, id="no slash added"),
        pytest.param("http.get(B + '/get#f')", {"name": "BASE/get#f", "url": "BASE/get#f"}, id="fragment"),
        pytest.param(
            "http.get(B.replace('//', '//u:p@') + '/basic-auth/u/p')",
            {"status": "200", "name": "http://****:****@"},
            id="credentials",
        ),
        pytest.param(
            # k6 shows the end of what has escapes.
            "http.get(B.replace('//', '//u:p%20q@'))",
            {"name": "http://****:****@"},
            id="escapes",
        ),
        pytest.param("http.get(B.replace('//', '//u@'))", {"name": "http://****@"}, id="name alone"),
        pytest.param(
            "http.get(http.url`${B}/anything/${1}`)",
            {"name": "${}/anything/${}", "url": "${}/anything/${}"},
            id="template",
        ),
        pytest.param(
            "http.get(http.url`${B}/anything/${1}`, {tags: {name: 'own'}})",
            {"name": "own", "url": "own"},
            id="name before template",
        ),
        pytest.param(
            "http.get(B + '/status/404', {responseCallback: http.expectedStatuses(404)})",
            {"status": "404", "error_code": "1404", "expected_response": "true"},
            id="expected",
        ),
        pytest.param("http.get(B, {tags: {a: 1.5, b: true}})", {"a": "1.5", "b": "true"}, id="tags"),
    ],
)
def test_tags(run: RunScript, tmp_path: Path, target: str, code: str, tags: dict[str, str]) -> None:
    """The samples of a request carry k6's tags."""
    run(f"{TOP}export default () => {{ {code} }}\n", "--out", "json=out.json")
    found = points(tmp_path / "out.json", "http_reqs")[-1]["tags"]
    seen = {name: found.get(name, "").replace(target, "BASE") for name in tags}
    assert {name: seen[name].startswith(value) for name, value in tags.items()} == dict.fromkeys(
        tags, True
    ), seen


@pytest.mark.parametrize(
    "code", ["http.get(B, {responseCallback: null})", "http.setResponseCallback(null); http.get(B)"]
)
def test_nobody_asks_whether_a_response_is_expected(run: RunScript, tmp_path: Path, code: str) -> None:
    """Without a callback there is neither http_req_failed nor the tag expected_response."""
    run(f"{TOP}export default () => {{ {code} }}\n", "--out", "json=out.json")
    requests = points(tmp_path / "out.json", "http_reqs")
    assert ["expected_response" in point["tags"] for point in requests] == [False]
    assert points(tmp_path / "out.json", "http_req_failed") == []


def test_a_refused_request_is_not_measured(run: RunScript, tmp_path: Path) -> None:
    """A URL that is none, or a body of no kind, gives no samples."""
    run(
        f"{TOP}export default () => {{ http.get('http://a b/'); http.post(B, 5) }}\n",
        "--out",
        "json=out.json",
    )
    assert points(tmp_path / "out.json", "http_reqs") == []


def test_the_option_throw(run: RunScript) -> None:
    """With the option throw, what fails throws with k6's text."""
    source = f"{TOP}export const options = {{ throw: true }};\nexport default () => {{ http.post(B, 5) }}\n"
    result = run(source)
    assert "GoError: unknown request body type int64" in result.stderr


def test_responses_outlive_their_iteration(run: RunScript) -> None:
    """A response that a script keeps tells all of itself many requests later."""
    source = (
        TOP + "const kept = [];\nexport const options = { vus: 1, iterations: 40 };\n"
        "export default () => {\n  kept.push(http.get(B + '/get?n=' + __ITER), http.get(B + '/bytes/70000'));\n"
        "  if (__ITER === 39) console.log(kept.filter((r, i) => r.url.includes(i % 2 ? 'bytes' : `n=${i / 2}`)"
        " && r.body.length > 0 && r.headers['Content-Length'] > 0).length);\n}\n"
    )
    assert "msg=80" in run(source).stderr


def points(path: Path, metric: str) -> list[dict[str, dict[str, str]]]:
    """The samples of a metric in the output."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [line["data"] for line in lines if line["type"] == "Point" and line["metric"] == metric]


def test_answers_stay_with_their_requests_where_the_stack_ends(run: RunScript) -> None:
    """Of a request whose response finds no room on the stack nothing is left: the next ones have their own bodies."""
    # The room that is left differs by the size of the frames.
    descents = "".join(
        f"function d{size}() {{ let z = 0{''.join(f', v{i} = z' for i in range(size))};"
        f" try {{ d{size}(); }} catch {{ }} if (left > 0) {{ left--; try {{ ask(); }} catch {{ failed++; }} }}"
        f" return z{''.join(f' + v{i}' for i in range(size))}; }}\n"
        for size in range(30)
    )
    result = run(
        TOP
        + """let asked = 0, left = 0, wrong = 0, failed = 0;
        function ask() {
          const answer = http.get(`${B}/get?n=${asked++}`);
          if (answer.url.split("n=")[1] !== String(answer.json("args.n"))) wrong++;
        }
        """
        + descents
        + f"""export default function () {{
          for (const down of [{", ".join(f"d{size}" for size in range(30))}]) {{ ask(); left = 12; down(); }}
          ask();
          console.log(failed > 30, wrong);
        }}"""
    )
    assert 'msg="true 0"' in result.stderr, result.stderr


def test_vus_of_a_group_get_their_own_responses(run: RunScript) -> None:
    """Body, address and all else belong together, whoever else of the runtime asks and computes meanwhile."""
    result = run(
        """
        import http from "k6/http";
        export const options = {
          scenarios: { all: { executor: "shared-iterations", vus: 12, iterations: 200 } },
        };
        export default function () {
          const mine = `${__ENV.TARGET}/anything/${__VU}`;
          for (let i = 0; i < 20; i++) {
            const response = http.get(mine), { body } = response;
            if (response.url !== mine || !body.includes(`/anything/${__VU}"`)) console.log("mixed up", response.url);
          }
        }
        """,
        "--workers=1",
    )
    assert result.exit_code == 0, result.stderr
    assert "200 complete" in result.stdout
    assert "mixed up" not in result.stderr, result.stderr[:500]
