"""Options of requests as scripts give them: what is sent, and what is refused before anything is sent."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from swell.testing.transport import ScriptedTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
URL = "http://127.0.0.1:8000/"
OWN = ["Host: 127.0.0.1:8000", "User-Agent: swell-tests"]


def sent(bench: Callable, method: str = "GET", url: str = URL, **options: Any) -> tuple[list[str], bytes]:
    """The header lines and the body of a request with these options."""
    made = bench()
    made.shared.connect = transport = ScriptedTransport([OK])
    made.client.request(method, url, **options)
    (request,) = transport.requests
    head, _, body = request.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n")[1:], body


@pytest.mark.parametrize(
    ("headers", "lines"),
    [
        ({"user-agent": None, "X-A": None}, OWN[:1]),
        ({"X-A": b"\xe4"}, [*OWN, "X-A: \xe4"]),
        ({"X-A": 5, "x-a": 6}, [*OWN, "x-a: 6"]),
        ({"content-length": "99", "Transfer-Encoding": "chunked"}, OWN),
    ],
    ids=["none", "bytes", "twice", "framing"],
)
def test_headers_mean_what_they_mean_in_requests(bench: Callable, headers: dict, lines: list[str]) -> None:
    """None leaves one out, bytes are the wire's, one name comes once, and nobody contradicts the framing."""
    assert sent(bench, headers=headers) == (lines, b"")


@pytest.mark.parametrize("name", ["content-length", "Transfer-Encoding"])
def test_a_body_has_one_end(bench: Callable, name: str) -> None:
    """A length that the script gives does not stand beside the one that is counted."""
    assert sent(bench, "POST", content=b"abcdef", headers={name: "3"}) == (
        [*OWN, "Content-Length: 6"],
        b"abcdef",
    )


def test_cookies_of_a_request(bench: Callable) -> None:
    """None is left out; what latin-1 lacks goes out as UTF-8, as from the jar."""
    lines, _ = sent(bench, cookies={"a": "1", "b": None, "c": "\u0416"})
    assert lines == [*OWN, "Cookie: a=1; c=\xd0\x96"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"headers": [("X-A", "1")]}, "headers= is a mapping, not of type list"),
        ({"headers": {"X-A": ["1", "2"]}}, "the header X-A is text or a number, not of type list"),
        ({"headers": {1: "1"}}, "the name of a header is text, not of type int"),
        ({"cookies": [("a", "1")]}, "cookies= is a mapping, not of type list"),
        ({"timeout": (3, 10)}, "timeout= is one number of seconds for all phases, or text"),
        ({"timeout": datetime.timedelta(seconds=3)}, "not of type timedelta"),
        ({"timeout": True}, "not of type bool"),
        ({"tags": ["a"]}, "tags= is a mapping, not of type list"),
        ({"name": 5}, "name= is text, not of type int"),
        ({"compression": True}, "compression= is text, not of type bool"),
        ({"max_redirects": "3"}, "max_redirects= is a whole number, not of type str"),
        ({"expected": 200}, r"expected= is what http\.expected_statuses\(200, \(400, 404\)\) makes, not"),
        ({"allow_redirects": False}, "no option 'allow_redirects'; max_redirects=0 follows none"),
        ({"verify": False}, "no option 'verify'; the run's options tlsCA and insecureSkipTLSVerify"),
        ({"stream": True}, r"no option 'stream'; http\.stream\(\) reads"),
        ({"header": {}}, "no option 'header'; did you mean 'headers'"),
        ({"retries": 3}, "no option 'retries'$"),
    ],
)
def test_wrong_kinds_are_named(bench: Callable, options: dict[str, Any], message: str) -> None:
    """A TypeError that names the option, and for those of httpx and requests what to do instead."""
    with pytest.raises(TypeError, match=message):
        sent(bench, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": float("nan")}, "timeout= must be a finite number of seconds, not nan"),
        ({"timeout": float("inf")}, "timeout= must be a finite number"),
        ({"timeout": 0}, "timeout must be positive, not 0"),
        ({"cookies": {"a": "1\r\nX-Injected: y"}}, "the cookie 'a' cannot be sent"),
        ({"cookies": {"a=b": "1"}}, "the cookie 'a=b' cannot be sent"),
        ({"files": {"f": b"x"}, "headers": {"Content-Type": "multipart/form-data"}}, "lacks the boundary"),
    ],
)
def test_values_that_cannot_be_sent(bench: Callable, options: dict[str, Any], message: str) -> None:
    """No data of a script can break out of its place in the head."""
    with pytest.raises(ValueError, match=message):
        sent(bench, **options)


def test_a_url_that_is_missing(bench: Callable) -> None:
    """The usual cause of None is a variable that nobody set."""
    with pytest.raises(TypeError, match="a URL is text, not of type NoneType: is a variable missing"):
        sent(bench, url=None)  # type: ignore[arg-type]
