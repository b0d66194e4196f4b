"""``k6/http`` against expectations recorded from k6 with the same server: one expression and its result a line.

``conformance_http/http.txt`` begins with helpers; after a line of dashes, every line is
``name :: expression :: result``; an expression in braces is a function's body. The result is JSON with the
server's address as ``BASE``, or ``throws NAME: MESSAGE``.
"""

import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from swell.testing.cli import run_cli
from swell.testing.server import EchoServer

CASES = Path(__file__).with_name("conformance_http") / "http.txt"
SCRIPT = """
import http from "k6/http";
const B = __ENV.TARGET;
export const options = {{ blacklistIPs: ["10.0.0.0/8"], blockHostnames: ["*.blocked.com"], batch: 20 }};
{helpers}
const CASES = [
{cases}
];
const shown = (value) => (value === undefined ? "undefined" : JSON.stringify(value)).replaceAll(B, "BASE");
export default async function () {{
  for (const [name, expression] of CASES) {{
    let result;
    try {{
      result = shown(await expression());
    }} catch (error) {{
      result = `throws ${{error.name}}: ${{error.message}}`.replaceAll(B, "BASE");
    }}
    console.log("CASE" + encodeURIComponent(JSON.stringify([name, result])));
  }}
}}
"""


def parse() -> tuple[str, list[tuple[str, str, str]]]:
    """Helpers and cases."""
    helpers, _, rest = CASES.read_text(encoding="utf-8").partition("\n----\n")
    lines = [line.split(" :: ") for line in rest.splitlines() if line.strip()]
    for line in lines:
        assert len(line) == 3, line
    return helpers, [(name, expression, result) for name, expression, result in lines]


def script(helpers: str, cases: list[tuple[str, str]]) -> str:
    """A script that tells the result of every case."""
    functions = [
        f"[{json.dumps(name)}, async () => {code if code.startswith('{') else f'({code})'}],"
        for name, code in cases
    ]
    return SCRIPT.format(helpers=helpers, cases="\n".join(functions))


HELPERS, ALL = parse()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What every expression gives, all in one run."""
    folder = tmp_path_factory.mktemp("http")
    (folder / "script.js").write_text(script(HELPERS, [case[:2] for case in ALL]), encoding="utf-8")
    with EchoServer() as server:
        environment = {"TARGET": server.url, "HOME": str(folder)}
        result = run_cli("run", "--no-save", "script.js", env=environment, cwd=folder)
    return told(result.stderr)


def told(text: str) -> dict[str, str]:
    """The results in the lines that a run logs."""
    lines = (line for line in text.splitlines() if "CASE" in line)
    found = (line.partition("CASE")[2].split(" ")[0].strip('"') for line in lines)
    return dict(json.loads(unquote(entry)) for entry in found)


@pytest.mark.parametrize(("name", "expected"), [pytest.param(n, r, id=n) for n, _, r in ALL])
def test_gives_what_k6_gives(results: dict[str, str], name: str, expected: str) -> None:
    """Every expression gives the recorded result, or throws the recorded error."""
    assert results.get(name) == expected
