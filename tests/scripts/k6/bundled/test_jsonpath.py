"""jsonpath: the examples of Goessner's article, and what else the package's paths can do."""

import json
from collections.abc import Callable
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

JSONPATH = "import jsonpath from 'https://jslib.k6.io/jsonpath/1.0.2/index.js';"
BOOKS = [
    {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
    {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
    {
        "category": "fiction",
        "author": "Herman Melville",
        "title": "Moby Dick",
        "isbn": "0-553-21311-3",
        "price": 8.99,
    },
    {
        "category": "fiction",
        "author": "J. R. R. Tolkien",
        "title": "The Lord of the Rings",
        "isbn": "0-395-19395-8",
        "price": 22.99,
    },
]
STORE = {"store": {"book": BOOKS, "bicycle": {"color": "red", "price": 19.95}}}
OTHER = {
    "a b": {"it's": 1, "x.y": [[1, 2], [3]]},
    "list": [{"n": 1, "t": "@("}, {"n": 2, "t": "]"}],
    "z": None,
}
PRICES = [8.95, 12.99, 8.99, 22.99]
AUTHORS = [book["author"] for book in BOOKS]


def ask(run: RunSnippet, document: Any, call: str) -> Any:
    """What ``call`` gives for ``document``, which the snippet calls ``it``; undefined is null."""
    return run(JSONPATH, f"const it = {json.dumps(document)};\nreturn ({call}) ?? null;")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.store.book[*].author", AUTHORS),
        ("$..author", AUTHORS),
        ("$.store.*", [BOOKS, STORE["store"]["bicycle"]]),
        ("$.store..price", [*PRICES, 19.95]),
        ("$..book[2]", [BOOKS[2]]),
        ("$..book[(@.length-1)]", [BOOKS[3]]),
        ("$..book[-1:]", [BOOKS[3]]),
        ("$..book[0,1]", BOOKS[:2]),
        ("$..book[:2]", BOOKS[:2]),
        ("$..book[?(@.isbn)]", BOOKS[2:]),
        ("$..book[?(@.price<10)]", [BOOKS[0], BOOKS[2]]),
        ("$..book[?(@.price==8.95)]", BOOKS[:1]),
        ("$..book[?(@.price<30 && @.category=='fiction')]", BOOKS[1:]),
        ("$..book[?(@.title.match(/Moby/))].author", ["Herman Melville"]),
        ("$..book[1:4:2].price", [12.99, 22.99]),
        ("$..book[::-1].price", PRICES[::-1]),
        ("$..book[2]['title','price']", ["Moby Dick", 8.99]),
        ("store.bicycle.color", ["red"]),
        ("$", [STORE]),
        ("$.nothing.here", []),
        ("$..book[9]", []),
    ],
)
def test_queries(run: RunSnippet, path: str, found: list[Any]) -> None:
    """What a path leads to, in the order of the document."""
    assert ask(run, STORE, f"jsonpath.query(it, {json.dumps(path)})") == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$['a b'][\"it's\"]", [1]),
        ("$['a b']['it\\'s']", [1]),
        ("$['a b']['x.y'][0][1]", [2]),
        ("$..[0]", [{"n": 1, "t": "@("}, [1, 2], 1, 3]),
        ("$.list[?(@.t=='@(')].n", [1]),
        ("$.list[?(@.t==']')].n", [2]),
        ("$.list[?(@.missing.deep)]", []),
        ("$.z", [None]),
        ("$.list.length", [2]),
        ("$.list[?(@.n == $.list.length)].n", [2]),
    ],
)
def test_odd_names_and_filters(run: RunSnippet, path: str, found: list[Any]) -> None:
    """Quotes, dots and brackets in names and texts; what a filter cannot read is no match."""
    assert sorted(ask(run, OTHER, f"jsonpath.query(it, {json.dumps(path)})"), key=str) == sorted(
        found, key=str
    )


def test_the_other_functions(run: RunSnippet) -> None:
    """Places, nodes, the first value, what holds it, and changes."""
    assert ask(run, STORE, "jsonpath.query(it, '$..price', 2)") == PRICES[:2]
    assert ask(run, STORE, "jsonpath.paths(it, '$..book[1].price')") == [["$", "store", "book", 1, "price"]]
    assert ask(run, STORE, "jsonpath.nodes(it, '$..color')") == [
        {"path": ["$", "store", "bicycle", "color"], "value": "red"}
    ]
    assert ask(run, STORE, "jsonpath.value(it, '$..author')") == "Nigel Rees"
    assert ask(run, STORE, "jsonpath.value(it, '$.nothing')") is None
    assert ask(run, STORE, "jsonpath.parent(it, '$..color')") == STORE["store"]["bicycle"]
    assert ask(run, STORE, "(jsonpath.value(it, '$..color', 'blue'), it.store.bicycle.color)") == "blue"
    assert ask(run, {}, "(jsonpath.value(it, '$.a.b', 5), it)") == {"a": {"b": 5}}
    assert ask(
        run, STORE, "(jsonpath.apply(it, '$..price', (p) => p * 2), jsonpath.query(it, '$..price'))"
    ) == [price * 2 for price in [*PRICES, 19.95]]
    assert ask(run, {}, "jsonpath.stringify(['$', 'a', 0, 'b c'])") == '$.a[0]["b c"]'
    for path in ("$.a.b[0]", "$..a[*]", "$.a[?(@.b)]", '$["a b"]', "$.a[1:2]", "$..*", "$.a[0,1]"):
        assert ask(run, {}, f"jsonpath.stringify(jsonpath.parse({json.dumps(path)}))") == path


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("jsonpath.query(it, '$.a[')", 'jsonpath: "$.a[" is no path: unexpected end at 4'),
        ("jsonpath.query(it, '$..')", 'jsonpath: "$.." is no path: unexpected end at 3'),
        ("jsonpath.query(it, '$.a]')", 'jsonpath: "$.a]" is no path: unexpected "]" at 3'),
        ("jsonpath.query(it, '$[a b]')", 'jsonpath: "$[a b]" is no path: unexpected "a" at 2'),
        ("jsonpath.query(it, '')", "jsonpath: the path is no text"),
        ("jsonpath.query('x', '$')", "jsonpath: the object is neither an object nor a list"),
    ],
)
def test_faults(run: RunSnippet, call: str, told: str) -> None:
    """What is no path is said with its place."""
    assert run(JSONPATH, f"const it = {{}}; try {{ {call}; }} catch (e) {{ return e.message; }}") == told
