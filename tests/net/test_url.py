"""URLs: what is requested, what is refused, and what is shown."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.net.failure import INVALID_URL, FailureError
from swell.net.url import Url, UrlCache, clean, encode_target, join, parse, with_params

GOOD = [
    # text, scheme, host, port, target, host header
    ("http://h", "http", "h", 80, "/", "h"),
    ("http://h/", "http", "h", 80, "/", "h"),
    ("https://h?q=1", "https", "h", 443, "/?q=1", "h"),
    ("http://h:80/a", "http", "h", 80, "/a", "h"),
    ("https://h:443/a", "https", "h", 443, "/a", "h"),
    ("https://h:80/a", "https", "h", 80, "/a", "h:80"),
    ("http://h:/a", "http", "h", 80, "/a", "h"),
    ("http://h:008080/a", "http", "h", 8080, "/a", "h:8080"),
    ("HTTP://EXAMPLE.Com/Path?Q#F", "http", "example.com", 80, "/Path?Q", "example.com"),
    ("http://127.0.0.1:8080/x", "http", "127.0.0.1", 8080, "/x", "127.0.0.1:8080"),
    ("http://[::1]/x", "http", "::1", 80, "/x", "[::1]"),
    ("http://[2001:DB8::1]:81", "http", "2001:db8::1", 81, "/", "[2001:db8::1]:81"),
    ("http://[fe80::1%25eth0]/", "http", "fe80::1%eth0", 80, "/", "[fe80::1%eth0]"),
    ("http://b\xfccher.de/", "http", "xn--bcher-kva.de", 80, "/", "xn--bcher-kva.de"),
    ("http://b%C3%BCcher.de/", "http", "xn--bcher-kva.de", 80, "/", "xn--bcher-kva.de"),
    ("http://h/\xfc b", "http", "h", 80, "/%C3%BC%20b", "h"),
    ("http://h/a%2Fb%zz%", "http", "h", 80, "/a%2Fb%25zz%25", "h"),
    ('http://h/"<>`{}^\\', "http", "h", 80, "/%22%3C%3E%60%7B%7D%5E%5C", "h"),
    ("http://h/a/../b//c", "http", "h", 80, "/a/../b//c", "h"),
    ("http://h/?a=[1]|2", "http", "h", 80, "/?a=[1]|2", "h"),
    ("http://my_service.local/", "http", "my_service.local", 80, "/", "my_service.local"),
    ("http://h./", "http", "h.", 80, "/", "h."),
    ("  http://h/a \n", "http", "h", 80, "/a", "h"),
    ("http://h#frag?x", "http", "h", 80, "/", "h"),
]


@pytest.mark.parametrize(("text", "scheme", "host", "port", "target", "host_header"), GOOD)
def test_parts(text, scheme, host, port, target, host_header):
    """A URL splits into what is connected to and what is sent."""
    url = parse(text)
    assert (url.scheme, url.host, url.port, url.target, url.host_header) == (
        scheme,
        host,
        port,
        target,
        host_header,
    )
    assert url.key == (scheme, host, port)
    assert url.secure == (scheme == "https")
    assert url.path == target.partition("?")[0]
    assert url.href == url.tag == f"{scheme}://{host_header}{target}"


BAD = [
    ("", "it is empty"),
    ("/path", "it needs a scheme and a host"),
    ("example.com/x", "it needs a scheme and a host"),
    ("http:/x", "it needs a scheme and a host"),
    ("ftp://h/", "the scheme ftp is not http or https"),
    ("http://", "it has no host"),
    ("http:///x", "it has no host"),
    ("http://:80/", "it has no host"),
    ("http://h:0/", "port 0 is not between 1 and 65535"),
    ("http://h:65536/", "port 65536 is not between 1 and 65535"),
    ("http://h:" + "9" * 5000 + "/", "is not a port"),
    ("http://h:8x/", "'8x' is not a port"),
    ("http://h:\u0661/", "is not a port"),
    ("http://::1/", "an IPv6 address in it needs brackets"),
    ("http://[::1/", "the brackets of its IPv6 address do not match"),
    ("http://[::1]x/", "the brackets of its IPv6 address do not match"),
    ("http://[nope]/", "is not an IPv6 address"),
    ("http://256.1.1.1/", "is not an IPv4 address"),
    ("http://127.1/", "is not an IPv4 address"),
    ("http://2130706433/", "is not an IPv4 address"),
    ("http://a b/", "'a b' is not a host name"),
    ("http://a..b/", "is not a host name"),
    ("http://" + "a" * 64 + ".com/", "is not a host name"),
    ("http://h/a\r\nX: y", "it holds a control character"),
    ("http://h\x00/", "it holds a control character"),
    ("http://\ud800/", "is not a host name"),
]


@pytest.mark.parametrize(("text", "reason"), BAD, ids=lambda value: repr(value)[:30])
def test_refused(text, reason):
    """What cannot be requested is a failure 1020 that says why."""
    with pytest.raises(FailureError) as caught:
        parse(text)
    assert caught.value.failure.code == INVALID_URL
    assert reason in caught.value.failure.message
    assert len(caught.value.failure.message) < 300


def test_credentials():
    """Credentials are decoded, become basic authentication, and are shown nowhere."""
    url = parse("http://us%40er:p%3Ass:x@h/p")
    assert (url.username, url.password) == ("us@er", "p:ss:x")
    assert url.authorization == "Basic dXNAZXI6cDpzczp4"
    assert url.href == "http://h/p"
    assert url.tag == "http://****:****@h/p"
    assert "ss" not in repr(url)
    assert parse("http://h/").authorization is None
    assert parse("http://only@h/").password == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h/x", "http://****:****@h/x"),
        ("http://u@h/x", "http://****:****@h/x"),
        ("http://u:p@ss@h/x", "http://****:****@h/x"),
        ("http://h/x@y", "http://h/x@y"),
        ("http://h/?mail=a@b", "http://h/?mail=a@b"),
    ],
)
def test_clean(text, shown):
    """Only the userinfo is masked."""
    assert clean(text) == shown


def test_errors_do_not_show_credentials():
    """Not even for a URL that is refused."""
    with pytest.raises(FailureError) as caught:
        parse("http://u:secret@h:99999/")
    assert "secret" not in str(caught.value)


JOINS = [
    ("http://h/a/b?q", "/c", "http://h/c"),
    ("http://h/a/b?q", "c", "http://h/a/c"),
    ("http://h/a/b?q", "../c", "http://h/c"),
    ("http://h/a/b?q", "/x/../c", "http://h/c"),
    ("http://h/a/b?q", "?r", "http://h/a/b?r"),
    ("http://h/a/b?q", "", "http://h/a/b?q"),
    ("http://h/a", "//other/x", "http://other/x"),
    ("http://h/a", "https://other:1/x", "https://other:1/x"),
    ("http://u:p@h:81/a", "/c", "http://h:81/c"),
    ("http://h/a", "/gr\xc3\xbc\xc3\x9fe", "http://h/gr%C3%BC%C3%9Fe"),
    ("http://h/a", "/caf\xe9", "http://h/caf%E9"),
    ("http://[::1]:81/a", "/c", "http://[::1]:81/c"),
    ("http://h/a", " /c ", "http://h/c"),
]


@pytest.mark.parametrize(("base", "location", "expected"), JOINS)
def test_join(base, location, expected):
    """A Location is resolved as RFC 3986 says, raw bytes kept, credentials not carried over."""
    assert join(parse(base), location) == expected


def parse_or_code(text: str) -> Url | int:
    """The URL, or the code of the only failure there may be."""
    try:
        return parse(text)
    except FailureError as error:
        if error.failure.code != INVALID_URL:
            raise
        return error.failure.code


@given(st.text(max_size=30))
def test_join_never_fails(location):
    """Whatever a server sends as Location, the result parses or is a failure 1020."""
    parse_or_code(join(parse("http://h/a?b"), location))


PARAMS = [
    ("http://h/a", {"q": "x y"}, "http://h/a?q=x+y"),
    ("http://h/a?b=1", {"q": 1}, "http://h/a?b=1&q=1"),
    ("http://h/a?", {"q": 1.5}, "http://h/a?q=1.5"),
    ("http://h/a#f", {"q": "x"}, "http://h/a?q=x#f"),
    ("http://h/a", {"q": ["a", "b"], "n": None, "t": True}, "http://h/a?q=a&q=b&t=true"),
    ("http://h/a", [("q", "a"), ("q", "&=")], "http://h/a?q=a&q=%26%3D"),
    ("http://h/a", "raw=1&x", "http://h/a?raw=1&x"),
    ("http://h/a", {}, "http://h/a"),
    ("http://h/a", None, "http://h/a"),
    ("http://h/a", {"q": None}, "http://h/a"),
    ("http://h/a", {"q": b"\xff"}, "http://h/a?q=%FF"),
]


@pytest.mark.parametrize(("text", "params", "expected"), PARAMS)
def test_with_params(text, params, expected):
    """Parameters are appended in front of the fragment."""
    assert with_params(text, params) == expected


def test_nested_params_are_refused():
    """A value that has no form-encoded text is an error that names it."""
    with pytest.raises(TypeError, match="'q' is a dict"):
        with_params("http://h/", {"q": {"a": 1}})


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), min_size=1))
def test_params_round_trip(pairs):
    """What is encoded decodes to itself, whatever the text."""
    pairs = [
        (name.encode("utf-8", "ignore").decode(), value.encode("utf-8", "ignore").decode())
        for name, value in pairs
    ]
    url = parse(with_params("http://h/", pairs))
    assert parse_qsl(url.target.partition("?")[2], keep_blank_values=True) == pairs


@given(st.text())
def test_encode_target_is_idempotent(text):
    """An encoded target is ASCII without blanks, and encoding it again changes nothing."""
    encoded = encode_target(text)
    assert encoded.isascii()
    assert not any(character <= " " or character == "\x7f" for character in encoded)
    assert encode_target(encoded) == encoded


@given(st.text(max_size=40))
def test_parse_is_total(text):
    """Any text is a URL or a failure 1020; a URL's href parses to the same."""
    for candidate in (text, "http://" + text, "http://h/" + text):
        url = parse_or_code(candidate)
        if not isinstance(url, int):
            again = parse(url.href)
            assert (again.key, again.target, again.href) == (url.key, url.target, url.href)


def test_cache_is_bounded():
    """The cache gives the same object again and never holds more than its limit; faults are not kept."""
    cache = UrlCache(limit=3)
    assert cache["http://h/0"] is cache["http://h/0"]
    for number in range(10):
        cache[f"http://h/{number}"]
        assert len(cache) <= 3
    with pytest.raises(FailureError):
        cache["nope"]
    assert "nope" not in cache
