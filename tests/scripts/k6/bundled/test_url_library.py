"""url: the names that scripts import, and that they do what the library's documentation says."""

from collections.abc import Callable
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

IMPORT = "import { URL, URLSearchParams } from 'https://jslib.k6.io/url/1.0.0/index.js';"
PARTS = [
    *("hash", "host", "hostname", "href", "origin", "password"),
    *("pathname", "port", "protocol", "search", "username"),
]


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (
            "'https://user:pass@test.k6.io:9000/with/path?foo=bar#x'",
            [
                "#x",
                "test.k6.io:9000",
                "test.k6.io",
                "https://user:pass@test.k6.io:9000/with/path?foo=bar#x",
                "https://test.k6.io:9000",
                "pass",
                "/with/path",
                "9000",
                "https:",
                "?foo=bar",
                "user",
            ],
        ),
        (
            "'../b?c', 'http://Example.com:80/a/x'",
            [
                "",
                "example.com",
                "example.com",
                "http://example.com/b?c",
                "http://example.com",
                "",
                "/b",
                "",
                "http:",
                "?c",
                "",
            ],
        ),
    ],
)
def test_the_parts_of_an_address(run: RunSnippet, given: str, parts: list[str]) -> None:
    """Absolute and relative addresses come apart into the documented properties."""
    body = f"const u = new URL({given}); return {PARTS}.map((part) => u[part])"
    assert run(IMPORT, body) == parts


def test_the_query_follows_its_parameters(run: RunSnippet) -> None:
    """What is appended to searchParams stands in the address."""
    body = """
        const u = new URL('https://test.k6.io/with/path?foo=bar');
        u.searchParams.append('multiple', 'a b');
        u.searchParams.append('multiple', 'ü&=');
        return [u.toString(), JSON.stringify({ u })];
    """
    text = "https://test.k6.io/with/path?foo=bar&multiple=a+b&multiple=%C3%BC%26%3D"
    assert run(IMPORT, body) == [text, f'{{"u":"{text}"}}']


def test_parameters(run: RunSnippet) -> None:
    """All documented methods of URLSearchParams."""
    body = """
        const p = new URLSearchParams([['b', '2'], ['a', '1'], ['b', '3']]);
        const seen = [];
        p.forEach((value, key) => seen.push(key + value));
        const first = [p.get('b'), p.getAll('b'), p.has('z'), p.get('z'), [...p.keys()], [...p.values()]];
        p.set('b', '9'); p.append('c', 4); p.sort();
        const sorted = p.toString();
        p.delete('a');
        return [seen, first, sorted, [...p.entries()], new URLSearchParams({ x: 'y z' }).toString()];
    """
    assert run(IMPORT, body) == [
        ["b2", "a1", "b3"],
        ["2", ["2", "3"], False, None, ["b", "a", "b"], ["2", "1", "3"]],
        "a=1&b=9&c=4",
        [["b", "9"], ["c", "4"]],
        "x=y+z",
    ]


def test_what_is_no_address_throws(run: RunSnippet) -> None:
    """A relative address without a base is refused."""
    assert run(IMPORT, "try { new URL('/path') } catch (e) { return e.name }") == "TypeError"
