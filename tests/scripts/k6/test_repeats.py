"""Functions that a module declares twice: the last one stands, as in k6."""

from collections.abc import Callable

import pytest

from swell.scripts.k6.repeats import without_repeats
from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]
MAIN = "export default () => console.log('got ' + f());"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("function f() { 1 }\nfunction f() { 2 }", "void function f() { 1 };\nfunction f() { 2 }"),
        ("export function f() {} function f() {}", "export { f }; void function f() {}; function f() {}"),
        (
            "export default function f() {} async function f() {}",
            "export { f as default }; void function f() {}; async function f() {}",
        ),
        ("function f() { function f() {} }", "function f() { function f() {} }"),
        ("function f() {} function g() {}", "function f() {} function g() {}"),
    ],
)
def test_earlier_ones_become_values(written: str, read: str) -> None:
    """Only those of the top level that are declared again change, on their lines."""
    assert without_repeats(written) == read


@pytest.mark.parametrize(
    "source",
    [
        "function f() { return 1; }\nfunction f() { return 2; }\n",
        "export function f() { return 1; }\nfunction f() { return 2; }\n",
        "function f() { return 1; }\nfunction* g() {}\nexport function f() { return 2; }\nfunction g() {}\n",
        "function f() { return 0; }\nfunction f() { return 1; }\nfunction f() { return 2; }\n(5);\n",
    ],
)
def test_the_last_one_runs(run: RunScript, source: str) -> None:
    """The script runs, and calls the function that was declared last."""
    result = run(source + MAIN)
    assert 'msg="got 2"' in result.stderr
    assert result.exit_code == 0


def test_two_exports_of_one_name_are_refused(run: RunScript) -> None:
    """As are variables that are declared twice: k6 refuses both."""
    twice = "export function f() {}\n" * 2
    assert run(twice + MAIN).exit_code == 107
    assert run("var f = 1;\nfunction f() {}\n" + MAIN).exit_code == 107
