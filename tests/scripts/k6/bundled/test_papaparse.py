"""papaparse: what CSV becomes, what is said of its faults, and CSV made from data."""

from collections.abc import Callable
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

IMPORT = "import Papa, { parse } from 'https://jslib.k6.io/papaparse/5.1.1/index.js';"


@pytest.mark.parametrize(
    ("call", "data"),
    [
        ("'a,b\\n1,2'", [["a", "b"], ["1", "2"]]),
        ("'a,b\\n1,2', { header: true }", [{"a": "1", "b": "2"}]),
        ("'a;b\\n1;2'", [["a", "b"], ["1", "2"]]),
        ("'a\\tb\\n1\\t2'", [["a", "b"], ["1", "2"]]),
        ("'a|b\\r\\n1|2'", [["a", "b"], ["1", "2"]]),
        ("'a,b\\r1,2'", [["a", "b"], ["1", "2"]]),
        ("'a,b;c;d\\n1,2;3;4'", [["a,b", "c", "d"], ["1,2", "3", "4"]]),
        ("'a||b', { delimiter: '||' }", [["a", "b"]]),
        ("'a:b', { delimiter: () => ':' }", [["a", "b"]]),
        ('\'"a""x","b,c"\\n"line\\nbreak",2\'', [['a"x', "b,c"], ["line\nbreak", "2"]]),
        ('\'"a" ,b\\n"c",d\'', [["a", "b"], ["c", "d"]]),
        ('"\'a,b\';c\\n1;2", { quoteChar: "\'" }', [["a,b", "c"], ["1", "2"]]),
        ("'\"x\\\\\"y\",2', { escapeChar: '\\\\' }", [['x"y', "2"]]),
        ("'x\\n\"1\"', { fastMode: true }", [["x"], ['"1"']]),
        ("'a,b\\n1,2\\n\\n3,4\\n', { skipEmptyLines: true }", [["a", "b"], ["1", "2"], ["3", "4"]]),
        ("'a,b\\n , \\n3,4', { skipEmptyLines: 'greedy' }", [["a", "b"], ["3", "4"]]),
        ("'#c\\na,b\\n#d\\n1,2\\n#e', { comments: '#' }", [["a", "b"], ["1", "2"]]),
        ("'#c\\na,b', { comments: true }", [["a", "b"]]),
        ("'a,b\\n1,2\\n3,4', { preview: 1, header: true }", [{"a": "1", "b": "2"}]),
        ("'a,b\\n1,2', { transform: (v, f) => f + v }", [["0a", "1b"], ["01", "12"]]),
        ("'a,b\\n1,2', { header: true, transform: (v, f) => f + v }", [{"a": "a1", "b": "b2"}]),
        ("'a\\n1', { header: true, transformHeader: (h) => h.toUpperCase() }", [{"A": "1"}]),
        ("'a\\n1', { header: true, beforeFirstChunk: (c) => 'z' + c }", [{"za": "1"}]),
        ("'a,a\\n1,2', { header: true }", [{"a": "2"}]),
        ("''", []),
        ("'a'", [["a"]]),
        ("'\\n'", [[""], [""]]),
    ],
)
def test_rows(run: RunSnippet, call: str, data: list[Any]) -> None:
    """Delimiters, quotes, line ends, comments, limits and transformations."""
    assert run(IMPORT, f"return parse({call}).data") == data


@pytest.mark.parametrize(
    ("text", "typing", "data"),
    [
        ("1,true,FALSE,abc,", "true", [[1, True, False, "abc", None]]),
        ("2.5,-3e2,007,.5,-1.", "true", [[2.5, -300, 7, 0.5, -1]]),
        ("9007199254740993,1 2,null", "true", [["9007199254740993", "1 2", "null"]]),
        ("2020-01-01T00:00:00Z,2020-01-01", "true", [["2020-01-01T00:00:00.000Z", "2020-01-01"]]),
        ("1,2", "{ 1: true }", [["1", 2]]),
        ("1,2", "(field) => field === 0", [[1, "2"]]),
    ],
)
def test_typed_values(run: RunSnippet, text: str, typing: str, data: list[Any]) -> None:
    """Numbers that a double holds, booleans, null for nothing, dates with a time; by field if asked."""
    assert run(IMPORT, f"return parse('{text}', {{ dynamicTyping: {typing} }}).data") == data


def test_faults_of_the_fields(run: RunSnippet) -> None:
    """Rows that are too short or long are told by row; what is too much is kept apart."""
    assert run(IMPORT, "return parse('a,b,c\\n1,2\\n1,2,3,4', { header: true })") == {
        "data": [{"a": "1", "b": "2"}, {"a": "1", "b": "2", "c": "3", "__parsed_extra": ["4"]}],
        "errors": [
            {
                "type": "FieldMismatch",
                "code": "TooFewFields",
                "message": "Too few fields: expected 3 fields but parsed 2",
                "row": 0,
            },
            {
                "type": "FieldMismatch",
                "code": "TooManyFields",
                "message": "Too many fields: expected 3 fields but parsed 4",
                "row": 1,
            },
        ],
        "meta": {
            "delimiter": ",",
            "linebreak": "\n",
            "aborted": False,
            "truncated": False,
            "cursor": 17,
            "fields": ["a", "b", "c"],
        },
    }


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ('a,"b"x,c', ["InvalidQuotes", "MissingQuotes"]),
        ('a,"open', ["MissingQuotes"]),
        ("abc", ["UndetectableDelimiter"]),
        ("a,b", []),
    ],
)
def test_faults_of_the_text(run: RunSnippet, text: str, codes: list[str]) -> None:
    """Bad quotes and a delimiter that cannot be guessed are told, not thrown."""
    assert run(IMPORT, f"return parse('{text}').errors.map((e) => e.code)") == codes


def test_steps_and_callbacks(run: RunSnippet) -> None:
    """`step` gets row by row and may stop; `complete` closes; then parse returns nothing."""
    body = """
        const seen = [];
        const result = parse('a,b\\n1,2\\n3,4\\n5,6', {
            header: true,
            step: (r, parser) => { seen.push(r.data, r.meta.cursor); if (r.data.a === '3') parser.abort(); },
            complete: (r) => seen.push(r.meta.aborted),
        });
        parse('a,b', { chunk: (r) => seen.push(r.data), complete: (r) => seen.push(r.data.length) });
        return [seen, result === undefined];
    """
    steps = [{"a": "1", "b": "2"}, 8, {"a": "3", "b": "4"}, 12, True, [["a", "b"]], 1]
    assert run(IMPORT, body) == [steps, True]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("null", "Papa.parse takes a text here, not null"),
        ("{}", "Papa.parse takes a text here, not object"),
        ("'a', { download: true }", '"download" and "worker" need a browser'),
    ],
)
def test_what_only_browsers_can(run: RunSnippet, call: str, message: str) -> None:
    """Files, streams and workers are refused with a reason."""
    assert message in run(IMPORT, f"try {{ parse({call}) }} catch (e) {{ return e.message }}")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("[['a', 'b'], [1, 2]]", "a,b\r\n1,2"),
        ("[{ a: 1, b: 2 }, { a: 3, c: 4 }]", "a,b\r\n1,2\r\n3,"),
        ("{ fields: ['x'], data: [[1], [2]] }", "x\r\n1\r\n2"),
        ("{ fields: ['a'], data: [{ a: 1, b: 2 }] }", "a\r\n1"),
        ("'[{\"a\":1}]'", "a\r\n1"),
        (
            "[['a,b', 'q\"x', 'l\\nb', ' sp ', null, undefined, true, new Date(0)]]",
            '"a,b","q""x","l\nb"," sp ",,,true,1970-01-01T00:00:00.000Z',
        ),
        ("[['a', 'b']], { quotes: true }", '"a","b"'),
        ("[['a', 'b']], { quotes: [false, true] }", 'a,"b"'),
        ("[['a', 'b']], { quotes: (value) => value === 'b' }", 'a,"b"'),
        ("[['a', 'b']], { delimiter: ';', newline: '\\n' }", "a;b"),
        ('[["it\'s"]], { quoteChar: "\'" }', "'it''s'"),
        ("[{ a: 1 }], { header: false }", "1"),
        ("[{ a: 1, b: 2 }], { columns: ['b'] }", "b\r\n2"),
        ("[['a'], [''], ['b']], { skipEmptyLines: true }", "a\r\nb"),
        ("[['=1+1', '-2']], { escapeFormulae: true }", "'=1+1,'-2"),
        ("[]", ""),
    ],
)
def test_unparse(run: RunSnippet, call: str, text: str) -> None:
    """Cells are quoted where they must be or shall be."""
    assert run(IMPORT, f"return Papa.unparse({call})") == text


def test_unparse_refuses_what_is_no_table(run: RunSnippet) -> None:
    """Numbers and null are no rows."""
    body = "try { Papa.unparse([1, 2]) } catch (e) { return e.message }"
    assert run(IMPORT, body) == "Unable to serialize unrecognized input"
