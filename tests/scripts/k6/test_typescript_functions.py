"""Tests of swell.scripts.k6.typescript.functions: every function of a file is found by its place."""

import pytest

from swell.scripts.k6.typescript import translate
from swell.testing.k6 import Trial

FUNCTIONS = [
    "function f(a, b = {}) { return a; }",
    "async function f() {}",
    "function* f() {}",
    "async function* f() {}",
    "() => 1",
    "(a) => ({ a })",
    "a => a",
    "async (a) => await a",
    "async a => a",
    "({ a }, [b]) => a",
    "(a = (b) => b) => a",
    "class {}",
    "class A extends Object { constructor() { super(); } m() {} }",
    "class A { #p = 1; static { } static s() {} get [1 + 1]() { return 2; } }",
    "function 日本(é = '😀') { return é; }",
]
PLACES = [
    "{}",
    "({})",
    "[{}][0]",
    "((one) => one)({})",
    "[1].map(() => ({}))[0]",
    "(0, {})",
    "('é😀', [({})])[0]",
]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("before", ["", "\n", "'é';\n\n  "], ids=["first line", "second line", "third line"])
def test_a_function_shows_its_own_text(function: str, before: str) -> None:
    """Wherever it stands, what a function shows is the text between its first and its last character."""
    listed = ", ".join(f"() => ({place.replace('{}', function)})" for place in PLACES)
    trial = Trial(
        f"{before}const made = [{listed}]; export default () => made.map((make) => String(make()));"
    )
    assert trial.run() == [function] * len(PLACES)


TEMPLATES = ["`${{}}`", "`a ${1} b${ {}} c`", "`é😀$ ${{}}`", "`${1}${({})}`", "`one\ntwo $3 ${{}}`"]


@pytest.mark.parametrize("function", [one for one in FUNCTIONS if one[0] != "{"])
def test_in_a_template_a_function_shows_its_text(function: str) -> None:
    """Where a template makes text of it, whatever stands before it there."""
    listed = ", ".join(f"() => {template.replace('{}', function)}" for template in TEMPLATES)
    trial = Trial(f"const made = [{listed}];\nexport default () => made.map((make) => make());")
    assert trial.run() == [
        function,
        f"a 1 b{function} c",
        f"é😀$ {function}",
        f"1{function}",
        f"one\ntwo $3 {function}",
    ]


def test_text_of_typescript_is_what_runs() -> None:
    """A function of a TypeScript file shows its text without the types."""
    source = "export function f<T>(a: T[], b?: string): T { return a[0] as T; }"
    trial = Trial(
        'import { f } from "./f.ts"; export default () => [String(f), String(String(f).includes("native code"))];',
        files={"f.ts": source},
    )
    shown, is_native = trial.run()
    assert shown == translate(source, "f.ts").removeprefix("export ")
    assert is_native == "false"
