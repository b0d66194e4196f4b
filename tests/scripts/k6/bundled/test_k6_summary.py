"""k6-summary: the text of k6 before v1 and JUnit XML, in full."""

import re
from collections.abc import Callable
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

IMPORT = "import { textSummary, jUnit, humanizeValue } from 'https://jslib.k6.io/k6-summary/0.1.0/index.js';"

DATA = """
const check = (name, passes, fails) => ({ name, passes, fails, path: '::' + name, id: 'x' });
const data = {
  root_group: {
    name: '', path: '', id: 'x',
    checks: [check('status is 200', 9, 0), check('has a body', 2, 1)],
    groups: [{
      name: 'login', path: '::login', id: 'x', checks: [check('token', 0, 3)],
      groups: [
        { name: 'inner', path: '::login::inner', id: 'x', checks: [check('ok 😀', 1, 0)], groups: [] },
      ],
    }, { name: 'empty', path: '::empty', id: 'x', checks: [], groups: [] }],
  },
  options: { summaryTrendStats: ['avg', 'max', 'p(99.9)', 'count'], summaryTimeUnit: '', noColor: false },
  state: { isStdOutTTY: false, isStdErrTTY: false, testRunDurationMs: 1000 },
  metrics: {
    http_reqs: { type: 'counter', contains: 'default', values: { count: 10, rate: 1.5 } },
    checks: { type: 'rate', contains: 'default', values: { rate: 0.75, passes: 12, fails: 4 },
      thresholds: { 'rate>0.9': { ok: false } } },
    http_req_duration: { type: 'trend', contains: 'time',
      values: { avg: 1.23456, max: 61001, 'p(99.9)': 0.0005, count: 10 },
      thresholds: { 'avg<5': { ok: true }, 'max<9': { ok: false } } },
    'http_req_duration{kind:"a"}': { type: 'trend', contains: 'time',
      values: { avg: 0.5, max: 1000, 'p(99.9)': 2, count: 3 }, thresholds: { 'avg<5': { ok: true } } },
    items: { type: 'trend', contains: 'default',
      values: { avg: 1.5, max: 2, 'p(99.9)': 1.123456789, count: 2 } },
    vus: { type: 'gauge', contains: 'default', values: { value: 3, min: 1, max: 50 } },
    data_sent: { type: 'counter', contains: 'data', values: { count: 1234567, rate: 9.5 } },
  },
};
"""

PLAIN = """\
     ✓ status is 200
     ✗ has a body
      ↳  66% — ✓ 2 / ✗ 1

     █ login

       ✗ token
        ↳  0% — ✓ 0 / ✗ 3

       █ inner

         ✓ ok 😀

     █ empty

   ✗ checks..............: 75.00% ✓ 12    ✗ 4  ~
     data_sent...........: 1.2 MB 9.5 B/s
   ✗ http_req_duration...: avg=1.23ms max=1m1s p(99.9)=500ns    count=10
     ✓ { kind:"a" }......: avg=500µs  max=1s   p(99.9)=2ms      count=3~
     http_reqs...........: 10     1.5/s
     items...............: avg=1.5    max=2    p(99.9)=1.123457 count=2~
     vus.................: 3      min=1   max=50\
"""


def test_the_plain_text(run: RunSnippet) -> None:
    """Checks and groups come first, then the metrics by name, in columns (a tilde ends a padded line)."""
    text = run(IMPORT, DATA + "return textSummary(data, { indent: ' ', enableColors: false })")
    assert re.sub(r" $", "~", text, flags=re.MULTILINE) == PLAIN


def test_colours_and_indent(run: RunSnippet) -> None:
    """Colours are on unless switched off and change nothing else; the indent stands before every line."""
    body = """
        const strip = (text) => text.replace(/\\x1b\\[[\\d;]*m/g, '');
        const plain = textSummary(data, { enableColors: false });
        const shifted = textSummary(data, { enableColors: false, indent: '' });
        return [strip(textSummary(data)) === plain, textSummary(data).split('\\n').slice(0, 3),
            textSummary(data).split('\\n').slice(-8, -6), shifted.split('\\n')[0]];
    """
    assert run(IMPORT, DATA + body) == [
        True,
        [
            "\x1b[32m     ✓ status is 200\x1b[0m",
            "\x1b[31m     ✗ has a body",
            "      ↳  66% — ✓ 2 / ✗ 1\x1b[0m",
        ],
        [
            "",
            CHECKS_LINE,
        ],
        "    ✓ status is 200",
    ]


def test_a_time_unit_and_other_statistics(run: RunSnippet) -> None:
    """Options given to textSummary win over the test's."""
    body = """
        const one = { metrics: { d: data.metrics.http_req_duration }, options: data.options };
        return textSummary(one, { enableColors: false, summaryTimeUnit: 's', summaryTrendStats: ['max'] });
    """
    assert run(IMPORT, DATA + body) == "   ✗ d...: max=61.00s"


CHECKS_LINE = (
    "   \x1b[31m✗\x1b[0m checks\x1b[2m..............:\x1b[0m \x1b[36m75.00%\x1b[0m"
    " \x1b[36;2m✓ 12\x1b[0m    \x1b[36;2m✗ 4\x1b[0m   "
)

JUNIT = """\
<?xml version="1.0"?>
    <testsuites tests="4" failures="2">
      <testsuite name="a &lt;b&gt;" tests="4" failures="2">
        <testcase name="checks - rate&gt;0.9" classname="c &quot;d&quot;"><failure \
message="rate threshold failed: \
rate value: 0.75, passes value: 12, fails value: 4" /></testcase>
<testcase name="http_req_duration - avg&lt;5" classname="c &quot;d&quot;" />
<testcase name="http_req_duration - max&lt;9" classname="c &quot;d&quot;"><failure \
message="trend threshold failed: \
avg value: 1.23456, max value: 61001, p(99.9) value: 0.0005, count value: 10" /></testcase>
<testcase name="http_req_duration{kind:&quot;a&quot;} - avg&lt;5" classname="c &quot;d&quot;" />
      </testsuite>
    </testsuites>\
"""


def test_junit(run: RunSnippet) -> None:
    """Each threshold is a test case, a crossed one with the metric's values; names are escaped."""
    assert run(IMPORT, DATA + "return jUnit(data, { name: 'a <b>', classname: 'c \"d\"' })") == JUNIT


def test_junit_without_thresholds(run: RunSnippet) -> None:
    """The suite is empty and has its default name."""
    text = run(IMPORT, "return jUnit({ metrics: {} })")
    assert '<testsuite name="k6 thresholds" tests="0" failures="0">' in text


@pytest.mark.parametrize(
    ("value", "kind", "contains", "unit", "text"),
    [
        (0, "trend", "time", "", "0s"),
        (0.000012, "trend", "time", "", "12ns"),
        (0.0123456, "trend", "time", "", "12.34µs"),
        (999.999, "trend", "time", "", "999.99ms"),
        (1000, "trend", "time", "", "1s"),
        (59999.9, "trend", "time", "", "59.99s"),
        (60000, "trend", "time", "", "1m0s"),
        (12345678.9, "trend", "time", "", "3h25m45s"),
        (12345.678, "trend", "time", "s", "12.35s"),
        (12.345678, "trend", "time", "ms", "12.35ms"),
        (0.012345, "trend", "time", "us", "12.35µs"),
        (9.96, "counter", "data", "", "9.96 B"),
        (99.96, "counter", "data", "", "100 B"),
        (1000, "counter", "data", "", "1.0 kB"),
        (1.5e12, "counter", "data", "", "1.5 TB"),
        (0.99999, "rate", "default", "", "99.99%"),
        (1, "rate", "default", "", "100.00%"),
        (1.54321, "counter", "default", "", "1.54321"),
        (12.3456789, "gauge", "default", "", "12.345679"),
    ],
)
def test_values(run: RunSnippet, value: float, kind: str, contains: str, unit: str, text: str) -> None:
    """Durations and rates are cut off, not rounded; sizes go by thousands; a unit fixes two decimals."""
    body = f"return humanizeValue({value}, {{ type: '{kind}', contains: '{contains}' }}, '{unit}')"
    assert run(IMPORT, body) == text
