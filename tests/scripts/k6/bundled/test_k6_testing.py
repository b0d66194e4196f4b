"""k6-testing: what passes, what is said of a failure, soft assertions, and looking again."""

from collections.abc import Callable
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

IMPORT = "import { expect, colorize } from 'https://jslib.k6.io/k6-testing/0.6.1/index.js';"
# Ends of the test are recorded; an abort throws, as in k6.
EXEC = """
    exec.test.abort = (text) => { calls.push(['abort', text]); throw new Error('ended'); };
    exec.test.fail = (text) => { calls.push(['fail', text]); };
"""
PLAIN = (
    EXEC + "const plain = expect.configure({ colorize: false, display: 'inline', timeout: 20, interval: 1 });"
)


@pytest.mark.parametrize(
    "chain",
    [
        "(1).toBe(1)",
        "(NaN).toBe(NaN)",
        "(1).not.toBe(2)",
        "(1.23).toBeCloseTo(1.234)",
        "(1.23).toBeCloseTo(1.24)",
        "(1).toBeDefined()",
        "('').toBeFalsy()",
        "(2).toBeGreaterThan(1)",
        "(2).toBeGreaterThanOrEqual(2)",
        "([]).toBeInstanceOf(Array)",
        "(1).toBeLessThan(2)",
        "(2).toBeLessThanOrEqual(2)",
        "(NaN).toBeNaN()",
        "(null).toBeNull()",
        "(1).toBeTruthy()",
        "(undefined).toBeUndefined()",
        "('abc').toContain('b')",
        "([1, 2]).toContain(2)",
        "(new Set([1])).toContain(1)",
        "([{ a: 1 }]).toContainEqual({ a: 1 })",
        "({ a: [1, { b: 2 }] }).toEqual({ a: [1, { b: 2 }] })",
        "([1, 2]).toHaveLength(2)",
        "('ab').toHaveLength(2)",
        "({ a: { b: [1] } }).toHaveProperty('a.b[0]')",
        "({ a: { b: [1] } }).toHaveProperty('a.b[0]', 1)",
        "({ a: 1 }).toHaveProperty(['a'])",
        "({ a: 1 }).not.toHaveProperty('b')",
    ],
)
def test_what_passes(run: RunSnippet, chain: str) -> None:
    """Nothing is recorded, and the negation of it ends the test."""
    negated = chain.replace(").to", ").not.to", 1).replace(".not.not", "")
    if ".not.to" in chain:
        negated = chain.replace(".not.to", ".to")
    body = f"""{PLAIN}
        plain{chain};
        const before = calls.length;
        try {{ plain{negated} }} catch (e) {{ return [before, e.message] }}
    """
    assert run(IMPORT, body) == [0, "ended"]


@pytest.mark.parametrize(
    ("chain", "told"),
    [
        ("(1).toBe(2)", "error=expect(received).toBe(expected) at=AT expected=2 received=1"),
        ("(1, 'my own').toBe(2)", 'error="my own" at=AT expected=2 received=1'),
        ("('a').toBe('b c')", 'error=expect(received).toBe(expected) at=AT expected="b c" received=a'),
        (
            "(2).toBeGreaterThan(3)",
            'error=expect(received).toBeGreaterThan(expected) at=AT expected="> 3" received=2',
        ),
        (
            "({}).toBeInstanceOf(Array)",
            (
                "error=expect(received).toBeInstanceOf(expected) at=AT expected_constructor=Array"
                " received_constructor=Object"
            ),
        ),
        ("(0).toBeTruthy()", "error=expect(received).toBeTruthy() at=AT received=0"),
        (
            "([1, 2]).not.toContain(2)",
            "error=expect(received).toContain(expected) at=AT expected_not_to_contain=2 received_array=[1,2]",
        ),
        (
            "(1.23).toBeCloseTo(1.25)",
            (
                'error="expect(received).toBeCloseTo(expected, precision)" at=AT expected_precision=2'
                ' expected_difference="< 0.0125" received_difference=0.020000000000000018'
            ),
        ),
        (
            "({ a: 1 }).toHaveProperty('z')",
            (
                'error="expect(received).toHaveProperty(keyPath, expected?)" at=AT property_path=z'
                ' expected_property_to_exist= received_object={"a":1}'
            ),
        ),
        (
            "([1]).toHaveLength(2)",
            (
                "error=expect(received).toHaveLength(expected) at=AT expected_length=2 received_length=1"
                " received_array=[1]"
            ),
        ),
    ],
)
def test_what_is_said_of_a_failure(run: RunSnippet, chain: str, told: str) -> None:
    """The place in the script, what was expected and what was there, in one line."""
    kind, text = run(IMPORT, f"{PLAIN} try {{ plain{chain} }} catch {{ }}; return calls[0]")
    at = text.partition("at=")[2].partition(" ")[0]
    assert kind == "abort"
    assert at.startswith("/trial.js:")
    assert text.replace(at, "AT") == f"{told} filename=trial.js line={at.split(':')[1]}"


PRETTY = """

   Error: \x1b[90mexpect(\x1b[0m\x1b[31mreceived\x1b[0m\x1b[90m).\x1b[0m\x1b[37mtoBe\x1b[0m\x1b[90m(\x1b[0m\
\x1b[32mexpected\x1b[0m\x1b[90m)\x1b[0m
      At: \x1b[90mAT\x1b[0m

Expected: \x1b[32m2\x1b[0m
Received: \x1b[31m1\x1b[0m

Filename: \x1b[90mtrial.js\x1b[0m
    Line: \x1b[90mLINE\x1b[0m

"""


def test_the_pretty_form_is_coloured(run: RunSnippet) -> None:
    """By default a failure fills a block, in colours."""
    body = f"{EXEC} try {{ expect(1).toBe(2) }} catch {{ }}; return [calls[0][1], colorize('x', 'red')]"
    text, red = run(IMPORT, body)
    at = text.partition("At: \x1b[90m")[2].partition("\x1b")[0]
    assert text == PRETTY.replace("AT", at).replace("LINE", at.split(":")[1])
    assert red == "\x1b[31mx\x1b[0m"


def test_soft_assertions(run: RunSnippet) -> None:
    """They mark the test failed and go on, or throw where that is asked for."""
    body = f"""{PLAIN}
        plain.soft(1).toBe(2);
        plain.soft(1).toBe(1);
        try {{ plain.configure({{ softMode: 'throw' }}).soft(1).toBe(2) }} catch (e) {{
            return [calls.map((call) => call[0]), e.name, plain.config.timeout, expect.config.timeout];
        }}
    """
    assert run(IMPORT, body) == [["fail"], "AssertionFailedError", 20, 5000]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("({}).toContain(1)", "toContain is only supported for strings, arrays, and sets"),
        ("(5).toHaveProperty('a')", "toHaveProperty is only supported for objects"),
        ("(5).toHaveLength(1)", "toHaveLength is only supported for values with a length"),
    ],
)
def test_values_of_the_wrong_kind(run: RunSnippet, call: str, message: str) -> None:
    """They throw what is wrong with them."""
    assert run(IMPORT, f"try {{ expect{call} }} catch (e) {{ return e.message }}") == message


LOCATOR = """
    let looks = 0;
    const locator = {
        isVisible: async () => ++looks > 2, isHidden: async () => false, isEnabled: async () => true,
        isDisabled: async () => false, isEditable: async () => true, isChecked: async () => true,
        textContent: async () => ' Hello \\n World ', innerText: async () => 'Hello', inputValue: async () => 'v',
        getAttribute: async (name) => (name === 'href' ? '/x' : null), evaluate: async (f) => f({ tagName: 'INPUT' }),
    };
    const page = { title: async () => 'My title', goto: () => undefined };
"""


@pytest.mark.parametrize(
    "chain",
    [
        "(locator).toBeVisible()",
        "(locator).not.toBeHidden()",
        "(locator).toBeEnabled()",
        "(locator).not.toBeDisabled()",
        "(locator).toBeEditable()",
        "(locator).toBeChecked()",
        "(locator).not.toBeEmpty()",
        "(locator).toHaveText('Hello World')",
        "(locator).toHaveText('hello', { ignoreCase: true, useInnerText: true })",
        "(locator).toHaveText(/^ Hello/)",
        "(locator).toContainText('World')",
        "(locator).not.toContainText('world')",
        "(locator).toHaveValue('v')",
        "(locator).toHaveAttribute('href')",
        "(locator).toHaveAttribute('href', '/x')",
        "(locator).not.toHaveAttribute('id')",
        "(page).toHaveTitle('My title')",
        "(page).toHaveTitle(/my/, { ignoreCase: true })",
    ],
)
def test_looking_again(run: RunSnippet, chain: str) -> None:
    """Elements and pages are asked until it is so; the opposite is told once the time is over."""
    other = chain.replace(".not.to", ".to") if ".not." in chain else chain.replace(").to", ").not.to", 1)
    body = f"""{PLAIN} {LOCATOR}
        // However slow the machine is, what comes true is waited for.
        await plain.configure({{ timeout: 60000 }}){chain};
        const before = calls.length;
        try {{ await plain{other} }} catch (e) {{ return [before, e.message, calls[0][1].includes('at=/trial.js:')] }}
    """
    assert run(IMPORT, body) == [0, "ended", True]
