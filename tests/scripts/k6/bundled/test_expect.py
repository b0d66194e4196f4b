"""expect and k6chaijs-contracts: the checks of libraries around k6chaijs."""

from collections.abc import Callable
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

IMPORT = "import { describe } from 'https://jslib.k6.io/expect/0.0.5/index.js';"
SCHEMA = "{ type: 'object', properties: { id: { type: 'number' } }, required: ['id'] }"
QUIET = "globalThis.console = { error: (text) => calls.push(['error', text]) };"
RESPONSE = "{ status: 200, request: { url: 'http://x/' }, json: () => ({ n: 5 }) }"


@pytest.mark.parametrize(
    ("chain", "checks"),
    [
        ("t.expect(200).as('status').toEqual(200)", [["status is 200.", True, {"value": 200}]]),
        (
            "t.expect(200).as('status').toEqual(201)",
            [["status is 200. Expected '201'", False, {"value": 201}]],
        ),
        ("t.expect(1).toEqual(2)", [["1 is 2", False, {"value": 2}]]),
        ("t.expect(5).as('n').toBeGreaterThan(4)", [["n is greater than 4", True, {"value": 5}]]),
        ("t.expect(5).toBeGreaterThanOrEqual(6)", [["5 is greater or equal to 6", False, {"value": 5}]]),
        ("t.expect(5).toBeLessThan(6)", [["5 is less than 6", True, {"value": 5}]]),
        ("t.expect(5).toBeLessThanOrEqual(4)", [["5 is less or equal to 4", False, {"value": 5}]]),
        ("t.expect(5).as('n').toBeBetween(1, 9)", [["n is between 1 - 9", True, {"value": 5}]]),
        ("t.expect('').as('text').toBeTruthy()", [["text is truthy.", False, {"value": ""}]]),
        ("t.expect(undefined).toBeTruthy()", [["undefined is truthy.", False]]),
        (f"t.expect({RESPONSE}).toHaveValidJson()", [["http://x/ has valid json response", True]]),
        (
            f"t.expect({RESPONSE}).toHaveValidJson().and(1).toEqual(2).and(3).toEqual(3)",
            [["http://x/ has valid json response", True], ["1 is 2", False, {"value": 2}]],
        ),
        (f"t.expect({{ id: 1 }}).as('api').toMatchAPISchema({SCHEMA})", [["api schema validation", True]]),
        (
            f"t.expect({{}}).as('api').toMatchAPISchema({SCHEMA}).and(1).toBeTruthy()",
            [
                ["api schema validation", False],
                ["api [object Object] should have required property 'id'", False],
                ["1 is truthy.", True, {"value": 1}],
            ],
        ),
    ],
)
def test_each_matcher_records_its_check(run: RunSnippet, chain: str, checks: list[list[Any]]) -> None:
    """Its name tells what was compared, its tag the value; after one that fails the chain ends, schemas apart."""
    body = f"{QUIET} describe('d', (t) => {{ {chain} }}); return calls.filter(([what]) => what === 'check');"
    assert run(IMPORT, body) == [["check", *check] for check in checks]


@pytest.mark.parametrize(
    ("test", "passed", "told"),
    [
        ("() => {}", True, None),
        ("(t) => { t.expect(1).toEqual(1) }", True, None),
        ("(t) => { t.expect(1).toEqual(2) }", False, None),
        (
            "() => { throw new Error('x') }",
            False,
            'Exception raised in test "d". Failing the test and continuing. \nError: x',
        ),
        (
            "(t) => { t.expect(5).toHaveValidJson() }",
            False,
            "The object passed to expect/and for toHaveValidJson isn't a k6 HttpResponse. Aborting the check.",
        ),
    ],
)
@pytest.mark.parametrize("library", ["expect/0.0.4", "functional/0.0.3"])
def test_a_test_tells_whether_it_held(
    run: RunSnippet, library: str, test: str, passed: bool, told: str | None
) -> None:
    """What it throws is logged and fails it; nothing ends the iteration. The library had another name first."""
    body = f"""
        {QUIET}
        const passed = describe('d', {test});
        return [passed, calls.find(([what]) => what === 'error')?.[1] ?? null];
    """
    url = f"https://jslib.k6.io/{library}/index.js"
    assert run(f"import {{ describe }} from '{url}';", body) == [passed, told]


def test_a_schema_as_an_assertion(run: RunSnippet) -> None:
    """Each error is a check of its own and logged with the others; the assertion can be negated."""
    imports = (
        "import chai, { describe, expect } from 'https://jslib.k6.io/k6chaijs/4.3.4.3/index.js';"
        "import { initContractPlugin } from 'https://jslib.k6.io/k6chaijs-contracts/4.3.4.1/index.js';"
    )
    body = f"""
        {QUIET}
        initContractPlugin(chai);
        const schema = {SCHEMA};
        const seen = (value, negated) => {{
            calls.length = 0;
            const assert = () => (negated ? expect(value).to.not : expect(value).to).matchSchema(schema);
            return [describe('d', assert), calls.slice(1).filter(([what]) => what === 'check').map((call) => call.slice(1))];
        }};
        return [seen({{ id: 1 }}), seen({{ id: 'x' }}), seen({{}}, true)];
    """
    assert run(imports, body) == [
        [True, [["expected to match API schema", True]]],
        [False, [["[object Object].id should be number", False], ["expected to match API schema", False]]],
        [
            True,
            [
                ["[object Object] should have required property 'id'", False],
                ["expected to not not match the API schema", True],
            ],
        ],
    ]
