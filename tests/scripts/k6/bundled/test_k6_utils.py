"""k6-utils: random values, texts, stages, durations and checks."""

from collections.abc import Callable
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

IMPORT = "import * as lib from 'https://jslib.k6.io/k6-utils/1.6.0/index.js';"


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("lib.findBetween('a[b]c[d]', '[', ']')", "b"),
        ("lib.findBetween('a[b]c[d]', '[', ']', true)", ["b", "d"]),
        ("lib.findBetween('abc', '[', ']')", None),
        ("lib.findBetween('abc', '[', ']', true)", None),
        ("lib.findBetween('a]b[c]', '[', ']')", "c"),
        ("lib.findBetween('a[]b[]', '[', ']', true)", ["", ""]),
        ("lib.findBetween('|a|b|c|', '|', '|', true)", ["a", "c"]),
        ("lib.findBetween('ab', '', '', true)", ["", "", ""]),
        ("lib.randomItem([7])", 7),
        ("lib.randomItem('a')", "a"),
        ("lib.randomItem([]) === undefined", True),
        ("lib.randomString(5, 'a')", "aaaaa"),
        ("lib.randomString(0)", ""),
        ("/^[a-z]{30}$/.test(lib.randomString(30))", True),
        ("lib.randomIntBetween(3, 3)", 3),
        # A text is appended to the random part, as in the original.
        ("lib.randomIntBetween('4', '4')", 0),
        (
            "[...new Set(Array.from({ length: 500 }, () => lib.randomIntBetween(8, 10)))].sort()",
            [10, 8, 9],
        ),
        ("lib.uuidv4(true) === lib.uuidv4(true)", False),
        (
            "/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(lib.uuidv4(true))",
            True,
        ),
        (
            "/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(lib.uuidv4())",
            True,
        ),
        ("lib.default.uuidv4 === lib.uuidv4", True),
    ],
)
def test_texts_and_random_values(run: RunSnippet, call: str, value: object) -> None:
    """Each helper gives what the original gives."""
    assert run(IMPORT, f"return {call}") == value


@pytest.mark.parametrize(
    ("arguments", "stages"),
    [
        ("10, 20, 5", "4s:1 3s:5 3s:10 3s:10 3s:5 3s:1 4s:0"),
        ("100, 60", "10s:14 4s:28 4s:49 4s:73 4s:92 4s:100 4s:92 4s:73 4s:49 4s:28 4s:14 10s:0"),
        ("1, 1, 1", "1s:1 1s:1 1s:0"),
        ("10, 100, 2", "17s:1 34s:10 34s:1 17s:0"),
        ("7.5, 11, 3", "2s:1 3s:7 3s:8 3s:1 2s:0"),
        ("0, 10, 3", "2s:0 3s:0 3s:0 3s:0 2s:0"),
    ],
)
def test_stages_of_a_normal_distribution(run: RunSnippet, arguments: str, stages: str) -> None:
    """Targets follow the bell curve from -2 to +2 deviations, seconds are rounded up."""
    body = (
        f"return lib.normalDistributionStages({arguments}).map((s) => s.duration + ':' + s.target).join(' ')"
    )
    assert run(IMPORT, body) == stages


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("'1m30s'", 90000),
        ("'500ms'", 500),
        ("'1d2h3m4s5ms'", 93784005),
        ("'10'", 10),
        ("'1.5s'", 1500),
        ("'1.5ms'", 1),
        ("'1m 30s'", 90000),
        ("'1m30'", 60030),
        ("'30s1m'", 90000),
        ("''", "str is empty"),
        ("null", "str is empty"),
        ("'1h1h'", "h time unit is provided multiple times"),
        ("'5us'", "u is an unsupported time unit"),
    ],
)
def test_durations(run: RunSnippet, text: str, result: object) -> None:
    """Milliseconds, or an error that names the unit."""
    assert (
        run(IMPORT, f"try {{ return lib.parseDuration({text}) }} catch (e) {{ return e.message }}") == result
    )


@pytest.mark.parametrize(
    ("elapsed_ms", "index", "profile"),
    [
        (10, 0, "ramp-up"),
        (70000, 1, "steady"),
        (130000, 2, "ramp-down"),
        (190000, 3, "ramp-up"),
        (10**9, 3, "ramp-up"),
    ],
)
def test_the_running_stage(run: RunSnippet, elapsed_ms: int, index: int, profile: str) -> None:
    """Index and profile follow from the time since the scenario's start, also when it is over."""
    body = f"""
        const minute = (target) => ({{ duration: '1m', target }});
        exec.scenario.name = 'peak';
        exec.scenario.startTime = Date.now() - {elapsed_ms};
        exec.test.options = {{ scenarios: {{ peak: {{ stages: [5, 5, 2, 4].map(minute) }} }} }};
        lib.tagWithCurrentStageIndex();
        lib.tagWithCurrentStageProfile();
        return [lib.getCurrentStageIndex(), exec.vu.tags];
    """
    assert run(IMPORT, body) == [index, {"stage": index, "stage_profile": profile}]


@pytest.mark.parametrize(
    ("scenarios", "message"),
    [
        ("{}", "the exec.test.options object doesn't contain the current scenario peak"),
        ("{ peak: {} }", "only ramping-vus or ramping-arravial-rate supports stages"),
        ("{ peak: { stages: [] } }", "doesn't contain any stage"),
    ],
)
def test_without_stages_the_error_says_why(run: RunSnippet, scenarios: str, message: str) -> None:
    """The stage helpers refuse scenarios that have none."""
    body = f"""
        exec.scenario.name = 'peak';
        exec.test.options = {{ scenarios: {scenarios} }};
        try {{ lib.getCurrentStageIndex() }} catch (e) {{ return e.message }}
    """
    assert message in run(IMPORT, body)


@pytest.mark.parametrize(
    ("call", "is_promise", "result", "calls"),
    [
        ("1, { a: true, b: (v) => v === 1 }", False, True, [["check", "a", True], ["check", "b", True]]),
        ("1, { a: null }, { t: 'x' }", False, False, [["check", "a", False, {"t": "x"}]]),
        (
            "1, { a: Promise.resolve(true), b: false }",
            True,
            False,
            [["check", "b", False], ["check", "a", True]],
        ),
        ("Promise.resolve(5), { a: (v) => v === 5 }", True, True, [["check", "a", True]]),
        ("1, { a: async (v) => v === 2 }", True, False, [["check", "a", False]]),
        ("1, {}", False, True, []),
    ],
)
def test_checks_with_promises(
    run: RunSnippet, call: str, is_promise: bool, result: bool, calls: list[Any]
) -> None:
    """A promise anywhere makes the result one; each check is recorded once."""
    body = f"const r = lib.check({call}); return [r instanceof Promise, await r, calls]"
    assert run(IMPORT, body) == [is_promise, result, calls]
