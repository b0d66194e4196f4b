"""The small libraries: formdata, form-urlencoded, totp and httpx."""

from collections.abc import Callable
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

FORMDATA = "import { FormData } from 'https://jslib.k6.io/formdata/0.0.2/index.js';"
FORM = "import encode from 'https://jslib.k6.io/form-urlencoded/3.0.0/index.js';"
TOTP = "import { TOTP } from 'https://jslib.k6.io/totp/1.0.0/index.js';"
HTTPX = "import * as lib from 'https://jslib.k6.io/httpx/0.1.0/index.js';\nconst { Httpx } = lib;"
# The secret of RFC 6238, appendix B, in base32.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def test_a_multipart_body(run: RunSnippet) -> None:
    """Texts, numbers, files as http.file makes them and bytes become parts, in UTF-8."""
    body = """
        const form = new FormData();
        form.boundary = 'B';
        form.append('text', 'ü€');
        form.append('number', 5);
        form.append('file', { data: 'hello', filename: 'h".txt', content_type: 'text/csv' });
        form.append('bytes', new Uint8Array([1, 255]).buffer);
        form.append('named', 'x', 'n.txt');
        return form.body();
    """
    expected = (
        '--B\r\nContent-Disposition: form-data; name="text"\r\nContent-Type: text/plain\r\n\r\nü€\r\n'
        '--B\r\nContent-Disposition: form-data; name="number"\r\nContent-Type: text/plain\r\n\r\n5\r\n'
        '--B\r\nContent-Disposition: form-data; name="file"; filename="h%22.txt"\r\n'
        "Content-Type: text/csv\r\n\r\nhello\r\n"
        '--B\r\nContent-Disposition: form-data; name="bytes"\r\n'
        "Content-Type: application/octet-stream\r\n\r\nBYTES\r\n"
        '--B\r\nContent-Disposition: form-data; name="named"; filename="n.txt"\r\n'
        "Content-Type: text/plain\r\n\r\nx\r\n--B--\r\n"
    )
    assert bytes(run(FORMDATA, body)) == expected.encode().replace(b"BYTES", b"\x01\xff")


def test_form_data_refuses_nothing_and_picks_new_boundaries(run: RunSnippet) -> None:
    """Null is refused by field; two forms differ in their boundary; an empty form is closed."""
    body = """
        const [a, b] = [new FormData(), new FormData()];
        const ends = String.fromCharCode(...new Uint8Array(a.body())) === '--' + a.boundary + '--\\r\\n';
        try { a.append('x', null) } catch (e) { return [e.message, a.boundary !== b.boundary, ends] }
    """
    message = 'FormData: the value of "x" is null; give a text, bytes or http.file()'
    assert run(FORMDATA, body) == [message, True, True]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("{ a: 'b c', n: 5, z: null, u: undefined, b: true }", "a=b+c&n=5&z=null&b=true"),
        ("{ a: [1, 'x y'], e: [] }", "a%5B0%5D=1&a%5B1%5D=x+y&e%5B%5D"),
        ("{ a: [1, 2] }, { skipIndex: true }", "a%5B%5D=1&a%5B%5D=2"),
        ("{ o: { p: { q: 1 }, r: [1] } }", "o%5Bp%5D%5Bq%5D=1&o%5Br%5D%5B0%5D=1"),
        ("{ z: null, a: 1 }, { ignorenull: true }", "a=1"),
        ("{ b: 1, a: 2 }, { sorted: true }", "a=2&b=1"),
        (
            "{ 'k&=': \"v&=é'()*!~\" }",
            "k%26%3D=v%26%3D%C3%A9%27%28%29%2A%21%7E",
        ),
        ("[1, 2]", "0=1&1=2"),
        ("{}", ""),
        ("null", None),
    ],
)
def test_nested_objects_as_form_data(run: RunSnippet, call: str, text: str | None) -> None:
    """Brackets name what is nested; the options of the package hold."""
    assert run(FORM, f"return encode({call})") == text


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1234567890, "89005924"), (20000000000, "65353130")],
)
def test_totp_of_the_rfc(run: RunSnippet, seconds: int, code: str) -> None:
    """The vectors of RFC 6238, appendix B, reached with the bias while the clock stands still."""
    still = "const now = Date.now(); Date.now = () => now;"
    body = f"{still} return new TOTP('{SECRET}', 8).gen(30, Math.floor(now / 1000) - {seconds})"
    assert run(TOTP, body) == code


def test_totp_verifies_and_refuses(run: RunSnippet) -> None:
    """A code of now holds, another one does not; bad secrets are named."""
    body = f"""
        const now = Date.now();
        Date.now = () => now;
        const totp = new TOTP(' {SECRET.lower()}=== ');
        const refused = async (make) => {{ try {{ await make() }} catch (e) {{ return e.message }} }};
        return [await totp.verify(await totp.gen()), await totp.verify('x'), (await totp.gen()).length,
            await refused(() => new TOTP('1!').gen()), await refused(() => new TOTP())];
    """
    expected = [
        True,
        False,
        6,
        'TOTP: "1" is not a base32 digit (A-Z, 2-7)',
        "TOTP: the secret must be a base32 text",
    ]
    assert run(TOTP, body) == expected


SESSION = "const s = new Httpx({ baseURL: 'http://b', headers: { A: '1' }, tags: { t: '1' }, timeout: 9 });"


def test_a_session_merges_what_a_request_brings(run: RunSnippet) -> None:
    """Headers and tags by name, other parameters as they are; absolute addresses stand alone."""
    body = f"""{SESSION}
        s.get('/p', null, {{ headers: {{ B: '2' }}, tags: {{ u: '2' }}, timeout: 5 }});
        s.post('https://other/q', {{ a: 1 }});
        await s.asyncDelete('/d');
        return calls;
    """
    merged = {"headers": {"A": "1", "B": "2"}, "tags": {"t": "1", "u": "2"}, "timeout": 5}
    own = {"headers": {"A": "1"}, "tags": {"t": "1"}, "timeout": 9}
    assert run(HTTPX, body) == [
        ["request", "GET", "http://b/p", None, merged],
        ["request", "POST", "https://other/q", {"a": 1}, own],
        ["asyncRequest", "DELETE", "http://b/d", None, own],
    ]


def test_a_session_can_be_changed(run: RunSnippet) -> None:
    """Base address, headers and tags are added and removed for the requests that follow."""
    body = f"""{SESSION}
        s.setBaseUrl('http://c'); s.addHeader('C', '3'); s.addHeaders({{ D: '4' }}); s.clearHeader('A');
        s.addTag('v', '3'); s.addTags({{ w: '4' }}); s.clearTag('t');
        s.request('PUT', '/p');
        return [calls[0], s.lastRequestChainDuration()];
    """
    params = {"headers": {"C": "3", "D": "4"}, "tags": {"v": "3", "w": "4"}, "timeout": 9}
    assert run(HTTPX, body) == [["request", "PUT", "http://c/p", None, params], 12]


def test_a_batch_of_requests(run: RunSnippet) -> None:
    """Request objects carry parameters; those of the batch go on top."""
    body = f"""{SESSION}
        const requests = [new lib.Get('/1'), new lib.Post('/2', {{ x: 1 }}), new lib.Request('PUT', '/3')];
        s.batch(requests, {{ tags: {{ n: 'b' }} }});
        return calls[0];
    """
    params = {"headers": {"A": "1"}, "tags": {"t": "1", "n": "b"}, "timeout": 9}
    assert run(HTTPX, body) == [
        "batch",
        [
            ["GET", "http://b/1", None, params],
            ["POST", "http://b/2", None, {**params, "x": 1}],
            ["PUT", "http://b/3", None, params],
        ],
    ]


def test_a_session_has_every_method(run: RunSnippet) -> None:
    """Nine methods, each also as a promise and as a request class; an unknown one is refused."""
    body = """
        const names = ['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'];
        const s = new Httpx();
        const title = (name) => name[0].toUpperCase() + name.slice(1);
        for (const name of names) {
            s[name]('http://x');
            await s['async' + title(name)]('http://x');
        }
        const classes = names.every((name) => new lib[title(name)]('/').method === name.toUpperCase());
        try { s.request('FOO', '/') } catch (e) { return [calls.length, classes, e.message] }
    """
    expected = "Invalid method: FOO. Expected one of GET,HEAD,POST,PUT,DELETE,CONNECT,OPTIONS,TRACE,PATCH"
    assert run(HTTPX, body) == [18, True, expected]
