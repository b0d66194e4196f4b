"""k6chaijs: the checks that expectations record, what ends a chain, and describe."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

IMPORT = "import chai, { describe, expect } from 'https://jslib.k6.io/k6chaijs/4.3.4.3/index.js';"
RECORDED = Path(__file__).with_name("chai_checks.txt")
RAISED = 'Exception raised in test "d". Failing the test and continuing. \n'
# console is recorded with the checks.
QUIET = (
    "globalThis.console = Object.fromEntries(['warn', 'error']"
    ".map((level) => [level, (text) => calls.push([level, text])]));"
)


def recorded() -> dict[str, list[list[Any]]]:
    """Snippets and their checks from the text beside this file."""
    table: dict[str, list[list[Any]]] = {}
    snippet = ""
    for line in RECORDED.read_text(encoding="utf-8").splitlines()[2:]:
        if line.startswith("    "):
            mark, name = line[4], line[6:]
            table[snippet].append(["check", name, mark == "✓"])
        else:
            snippet = line
            table[snippet] = []
    return table


@pytest.mark.parametrize(
    ("version", "recorded"),
    [
        ("4.3.4.0", [["check", "status: expected 200 to equal 201", False]]),
        (
            "4.3.4.1",
            [
                [
                    "check",
                    "expected status to equal 201",
                    False,
                    {"this": "200", "actual": "200", "expected": "201"},
                ]
            ],
        ),
        ("4.3.4.3", [["check", "expected status to equal 201", False]]),
        ("4.5.0.1", [["check", "expected status to equal 201", False]]),
    ],
)
def test_what_old_versions_record(run: RunSnippet, version: str, recorded: list[Any]) -> None:
    """The first showed values in the names of checks, the second as their tags."""
    url = f"https://jslib.k6.io/k6chaijs/{version}/index.js"
    body = f"{QUIET} describe('d', () => expect(200, 'status').to.equal(201)); return calls.slice(1);"
    assert run(f"import {{ describe, expect }} from '{url}';", body) == recorded


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("0", "expected 0 to equal null"),
        ("'x'.repeat(120)", f"expected '{'x' * 99}... to equal null"),
        ("new Date(0)", "expected Thu, 01 Jan 1970 00:00:00 GMT to equal null"),
        ("new Error('q')", "expected [Error: q] to equal null"),
        ("{ f() {} }", "expected { f: [Function: f] } to equal null"),
    ],
)
def test_how_the_first_version_shows_values(run: RunSnippet, value: str, name: str) -> None:
    """As Chai did before 4.3.5."""
    url = "https://jslib.k6.io/k6chaijs/4.3.4.0/index.js"
    body = f"{QUIET} describe('d', () => expect({value}).to.equal(null)); return calls[1];"
    assert run(f"import {{ describe, expect }} from '{url}';", body) == ["check", name, False]


def test_every_expectation_records_its_checks(run: RunSnippet) -> None:
    """Names are Chai's sentences with the label for the subject; a failed one ends the chain."""
    table = recorded()
    assert len(table) > 200
    calls = "".join(
        f"calls.length = 0; describe('d', () => {{ {snippet} }}); all.push(calls.slice(1));\n"
        for snippet in table
    )
    seen = run(IMPORT, f"{QUIET} const all = [];\n{calls}return all;")
    assert dict(zip(table, seen, strict=True)) == table


@pytest.mark.parametrize(
    ("body", "passed", "calls"),
    [
        ("expect(1, 'one').to.equal(1)", True, [["check", "expected one to equal 1", True]]),
        (
            "expect(1, 'one').to.equal(2); expect(2).to.equal(2)",
            False,
            [["check", "expected one to equal 2", False]],
        ),
        (
            "throw 'Something unexpected'",
            False,
            [
                [
                    "error",
                    'Exception raised in test "d". Failing the test and continuing. \nSomething unexpected',
                ],
                ["check", 'Exception raised "Something unexpected"', False],
            ],
        ),
        (
            "null.x",
            False,
            [
                ["error", f"{RAISED}TypeError: Cannot read property 'x' of undefined"],
                ["check", "Exception raised \"TypeError: Cannot read property 'x' of undefined\"", False],
            ],
        ),
        ("expect('5').to.be.above(3)", False, []),
        ("expect.fail('no')", False, []),
        ("return 5", True, []),
    ],
)
def test_describe(run: RunSnippet, body: str, passed: bool, calls: list[Any]) -> None:
    """A group that goes on after exceptions: they become a failed check, and the result is false."""
    result = run(IMPORT, f"{QUIET} return [describe('d', () => {{ {body} }}), calls]")
    assert result == [passed, [["group", "d"], *calls]]


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        ("{ json() { return { a: 1 } } }", True),
        ("{ json() { throw new Error('not JSON') } }", False),
        ("{ json() { return undefined } }", False),
    ],
)
def test_valid_json_body(run: RunSnippet, answer: str, passed: bool) -> None:
    """A response's body is read as JSON; its name in checks is always the same."""
    body = f"describe('d', () => {{ expect({answer}).to.have.validJsonBody() }}); return calls[1]"
    assert run(IMPORT, body) == ["check", "has valid json body", passed]


def test_an_assertion_outside_of_describe_throws(run: RunSnippet) -> None:
    """The error has Chai's fields."""
    body = """
        try { expect(1, 'one').to.equal(2) } catch (e) {
            const kinds = [e instanceof chai.AssertionError, e instanceof Error];
            return [e.name, e.message, e.actual, e.expected, ...kinds];
        }
    """
    assert run(IMPORT, body) == ["AssertionError", "expected 1 to equal 2", 1, 2, True, True]


@pytest.mark.parametrize(
    ("config", "snippet", "calls"),
    [
        (
            "aggregateChecks = false",
            "expect([1, 'a'], 'list').to.have.lengthOf(2)",
            [
                ["check", "list: expected [ 1, 'a' ] to have property 'length'", True],
                ["check", "list: expected [ 1, 'a' ] to have a length of 2 got 2", True],
            ],
        ),
        (
            "logFailures = true",
            "expect(1, 'one').to.equal(2)",
            [["check", "expected one to equal 2", False], ["warn", "expected one to equal 2"]],
        ),
        (
            "truncateVariableThreshold = 10",
            "expect(1, 'a long label').to.equal(1)",
            [["check", "expected a...", True]],
        ),
        (
            "truncateThreshold = 12",
            "expect(1).to.equal('a text that is long')",
            [["check", "expected ${this} to equal 'a text th…'", False]],
        ),
    ],
)
def test_configuration(run: RunSnippet, config: str, snippet: str, calls: list[Any]) -> None:
    """Names may hold values, failures may be logged, and texts are cut."""
    body = f"{QUIET} chai.config.{config}; describe('d', () => {{ {snippet} }}); return calls.slice(1)"
    assert run(IMPORT, body) == calls


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("-0", "-0"),
        ("1n", "1n"),
        ("Symbol('s')", "Symbol(s)"),
        ("function foo() {}", "[Function foo]"),
        ("new (class Y { q = 1 })()", "Y{ q: 1 }"),
        ("new Map([['a', 1]])", "Map{ 'a' => 1 }"),
        ("new Set([1, 'b'])", "Set{ 1, 'b' }"),
        ("new Uint8Array([1, 2])", "Uint8Array[ 1, 2 ]"),
        ("new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("new Error('e')", "Error: e"),
        ("{ deep: { deeper: { deepest: { x: 1 } } }, a: 1 }", "{ deep: { deeper: { …(1) } }, a: 1 }"),
        ("[1, 'a', null, undefined, true, [2], { a: 1 }]", "[ 1, 'a', null, undefined, true, …(2) ]"),
        ("['x'.repeat(60)]", "[ Array(1) ]"),
        ("{ key: 'x'.repeat(60), b: 1 }", "{ Object (key, b) }"),
        ("(() => { const a = [1]; a.push(a); return a })()", "[ 1, [Circular] ]"),
    ],
)
def test_values_in_messages(run: RunSnippet, value: str, text: str) -> None:
    """Values are shown as Chai shows them, within 40 characters."""
    body = f"try {{ expect({value}).to.equal(7) }} catch (e) {{ return e.message }}"
    assert run(IMPORT, body) == f"expected {text} to equal 7"


def test_a_plugin_adds_assertions(run: RunSnippet) -> None:
    """chai.use gives a plugin Chai and its helpers, once."""
    body = """
        let used = 0;
        const plugin = (own, util) => {
            used++;
            util.addMethod(own.Assertion.prototype, 'even', function () {
                this.assert(util.flag(this, 'object') % 2 === 0, 'expected #{this} to be even', 'not even');
            });
            own.Assertion.addProperty('answer', function () {
                this.assert(this._obj === 42, 'expected #{this} 42', '');
            });
        };
        chai.use(plugin).use(plugin);
        describe('d', () => { expect(42, 'n').to.be.even().and.answer; });
        return [used, calls.slice(1)];
    """
    checks = [["check", "expected n to be even", True], ["check", "expected n 42", True]]
    assert run(IMPORT, body) == [1, checks]


def test_the_interfaces_that_are_not_there_say_so(run: RunSnippet) -> None:
    """Assert and should are refused by name."""
    body = "try { chai.assert } catch (e) { return e.message }"
    assert run(IMPORT, body) == 'k6chaijs: "assert" is not available; write expect(...)'
