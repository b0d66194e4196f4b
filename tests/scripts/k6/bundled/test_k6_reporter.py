"""k6-reporter: a page of its own that shows the summary's data and escapes all of it."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

URL = "https://raw.githubusercontent.com/benc-uk/k6-reporter/main/dist/bundle.js"
IMPORT = f"import {{ htmlReport }} from '{URL}';"
DATA = """
const check = (name, passes, fails) => ({ name, passes, fails, path: '', id: '' });
const data = {
  root_group: { name: '', path: '', id: '', checks: [check('<b>root</b>', 3, 1)], groups: [
    { name: 'g&g', path: '', id: '', checks: [check('inner', 2, 0)], groups: [] }] },
  state: { testRunDurationMs: 1500 }, options: {},
  metrics: {
    http_reqs: { type: 'counter', contains: 'default', values: { count: 10, rate: 6.6666 } },
    http_req_failed: { type: 'rate', contains: 'default', values: { rate: 0.2, passes: 2, fails: 8 } },
    http_req_duration: { type: 'trend', contains: 'time', values: { avg: 1.2345, 'p(95)': 2 },
      thresholds: { 'avg<1': { ok: false }, 'p(95)<"9"': { ok: true } } },
    'own<script>': { type: 'gauge', contains: 'default', values: { value: 1, min: 0, max: 2 } },
  },
};
"""


class Page(HTMLParser):
    """The tags of a page, the addresses in it, and the texts of its cells and figures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag, and what it loads."""
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Tags are closed in the order in which they were opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep texts but for the style."""
        if data.strip() and self.open[-1] != "style":
            self.texts.append(data)


def test_the_page_shows_the_data(run: RunSnippet) -> None:
    """Figures, thresholds, every metric and every check are there, in well-formed tables."""
    page = Page(run(IMPORT, DATA + "return htmlReport(data, { title: 'Night <run>' })"))
    assert page.open == []
    joined = "|".join(page.texts)
    for part in (
        "Night <run>|Night <run>|Requests|10|Failed requests|2",
        "Crossed thresholds|1 of 2|Failed checks|1 of 6",
        "http_req_duration|avg<1|✗",
        'http_req_duration|p(95)<"9"|✓',
        "Trends|Metric|avg|p(95)|http_req_duration|1.23|2",
        "http_req_failed|20.00%|2|8",
        "own<script>|1|0|2",
        "http_reqs|10|6.67",
        "<b>root</b>|3|1|75.00%|✗",
        "g&g|Check|Passes|Fails|Rate|Result|inner|2|0|100.00%|✓",
    ):
        assert part in joined


def test_the_page_stands_alone(run: RunSnippet) -> None:
    """It loads nothing and runs no script, whatever stands in names."""
    page = Page(run(IMPORT, DATA + "return htmlReport(data)"))
    assert page.links == []
    assert "script" not in page.tags
    assert "b" in page.tags  # the figures', not that of a check's name


def test_little_data_is_enough(run: RunSnippet) -> None:
    """Without groups, thresholds and requests there is a page with today in its title; debug adds the data."""
    body = "return htmlReport({ metrics: {} }, { debug: true, theme: 'classic' })"
    page = Page(run(IMPORT, body))
    assert page.texts[0].startswith("K6 Test Report: 2")
    assert '{\n  "metrics": {}\n}' in page.texts


@pytest.mark.parametrize(
    ("release", "options", "told"),
    [
        ("main", "{}", "[k6-reporter v3.0.4] Generating HTML summary report, with theme: default"),
        (
            "3.0.1",
            "{ theme: 'classic' }",
            "[k6-reporter v3.0.0] Generating HTML summary report, with theme: classic",
        ),
        ("2.4.0", "{}", "[k6-reporter v2.3.0] Generating HTML summary report"),
        ("2.0.0", "{}", "[k6-reporter v2.0.0] Generating HTML summary report"),
    ],
)
def test_the_log_names_the_version_that_the_url_asks_for(
    run: RunSnippet, release: str, options: str, told: str
) -> None:
    """As the original says it, and what was not given stands in the options afterwards."""
    url = f"https://raw.githubusercontent.com/benc-uk/k6-reporter/{release}/dist/bundle.js"
    body = f"""
        const lines = [];
        globalThis.console = {{ log: (text) => lines.push(text) }};
        const options = {options};
        htmlReport({{ metrics: {{}} }}, options);
        return [lines, options.debug, /^K6 Test Report: /.test(options.title)];
    """
    assert run(f"import {{ htmlReport }} from '{url}';", body) == [[told], False, True]
