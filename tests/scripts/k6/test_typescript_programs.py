"""TypeScript programs against what they log when esbuild, which k6 uses, has translated them.

``conformance/programs.ts`` holds programs, each followed by a line ``//=>`` with what it logs, as JSON, and a
line ``//---``.
"""

from pathlib import Path

import _quickjs
import pytest

from swell.scripts.k6.typescript import translate

TEXT = Path(__file__).with_name("conformance").joinpath("programs.ts").read_text(encoding="utf-8")
PROGRAMS = [program.rstrip().rpartition("\n//=> ") for program in TEXT.split("\n//---\n") if program.strip()]
RUNNER = """(function () {
  const logged = [];
  (function (console) {
    PROGRAM
  })({ log: (...given) => logged.push(given) });
  return JSON.stringify(logged);
})()"""


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_program_logs_what_it_logs_in_k6(number: int) -> None:
    """The translated program does what esbuild's does, on the same lines."""
    source, _, wanted = PROGRAMS[number]
    code = translate(source, "program.ts")
    assert code.count("\n") == source.count("\n")
    assert _quickjs.Context().eval(RUNNER.replace("PROGRAM", code)) == wanted
