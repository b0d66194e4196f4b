"""Builtin modules against expectations recorded from k6: one expression and its result a line.

A file of ``conformance/`` begins with the top level of a script; after a line of dashes, every line is
``name :: expression :: result``. The expression may await. The result is JSON, or ``throws NAME: MESSAGE``.
Where swell gives on purpose what k6 does not, the name ends in ``*``.
"""

import json
from functools import cache
from pathlib import Path

import pytest

from swell.testing.k6 import Trial

FOLDER = Path(__file__).with_name("conformance")
RUNNER = """
export default async function () {
  const results = [];
  for (const [name, expression] of CASES) {
    try {
      const value = await expression();
      results.push(shown(value));
    } catch (error) {
      results.push(`throws ${error?.name}: ${error?.message}`);
    }
  }
  return results;
}
const bytesOf = (value) => {
  const digits = [...new Uint8Array(value.buffer ?? value)].map((byte) => byte.toString(16).padStart(2, "0"));
  return "bytes:" + digits.join("");
};
const show = (value) => {
  if (value === undefined) return "undefined";
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return bytesOf(value);
  if (typeof value === "bigint") return `bigint:${value}`;
  if (value !== null && typeof value === "object" && typeof value.toArray === "function") {
    return ["Selection", ...value.toArray().map((one) => one.attr("id") ?? one.text())];
  }
  if (value !== null && typeof value === "object" && typeof value.nodeName === "function") {
    return ["Element", value.nodeName(), value.textContent()];
  }
  if (Array.isArray(value)) return value.map(show);
  return value;
};
const shown = (value) => JSON.stringify(show(value));
"""


def parse(path: Path) -> tuple[str, list[tuple[str, str, str]]]:
    """Top level and cases of a file."""
    top, _, rest = path.read_text(encoding="utf-8").partition("\n----\n")
    lines = [line for line in rest.splitlines() if line.strip() and not line.startswith("#")]
    cases = [tuple(part.strip() for part in line.split(" :: ")) for line in lines]
    for case in cases:
        assert len(case) == 3, case
    return top, [(name, expression, result) for name, expression, result in cases]


@cache
def results(name: str) -> list[str]:
    """What the expressions of a file give, all in one context."""
    top, cases = parse(FOLDER / name)
    listed = ",\n".join(f"[{json.dumps(case)}, async () => ({expression})]" for case, expression, _ in cases)
    made: list[str] = Trial(f"{top}\nconst CASES = [\n{listed}\n];\n{RUNNER}").run()
    return made


ALL = [
    pytest.param(path.name, index, expected, id=f"{path.stem}-{name.removesuffix('*')}")
    for path in sorted(FOLDER.glob("*.txt"))
    for index, (name, _, expected) in enumerate(parse(path)[1])
]


@pytest.mark.parametrize(("file", "index", "expected"), ALL)
def test_gives_what_k6_gives(file: str, index: int, expected: str) -> None:
    """Every expression gives the recorded result, or throws the recorded error."""
    assert results(file)[index].strip() == expected
