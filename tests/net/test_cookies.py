"""Cookies: RFC 6265, its limits, and no bytes that crash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.net.cookies import (
    MAX_COOKIES,
    MAX_COOKIES_PER_DOMAIN,
    CookieJar,
    default_path,
    parse_date,
    parse_set_cookie,
)

NOW = 1_700_000_000.0


class Wall:
    """A wall clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = NOW

    def __call__(self) -> float:
        return self.seconds


def make(*values: str, scheme: str = "https", host: str = "www.example.com", path: str = "/a/b") -> CookieJar:
    """A jar that took in ``values``."""
    jar = CookieJar(Wall())
    jar.store(scheme, host, path, values)
    return jar


SENT = [
    # Set-Cookie from https://www.example.com/a/b, then whether it goes to scheme, host, path
    ("k=v", "https", "www.example.com", "/a/c", True),
    ("k=v", "https", "www.example.com", "/a", True),
    ("k=v", "https", "www.example.com", "/", False),
    ("k=v", "https", "www.example.com", "/ab", False),
    ("k=v", "http", "www.example.com", "/a", True),
    ("k=v", "https", "example.com", "/a", False),
    ("k=v", "https", "x.www.example.com", "/a", False),
    ("k=v; Path=/", "https", "www.example.com", "/", True),
    ("k=v; Path=/x", "https", "www.example.com", "/x", True),
    ("k=v; Path=/x", "https", "www.example.com", "/x/y", True),
    ("k=v; Path=/x", "https", "www.example.com", "/xy", False),
    ("k=v; Path=/x/", "https", "www.example.com", "/x", False),
    ("k=v; Path=relative", "https", "www.example.com", "/a", True),
    ("k=v; Path=/x; Path=/y", "https", "www.example.com", "/y", True),
    ("k=v; Path=/; Secure", "https", "www.example.com", "/", True),
    ("k=v; Path=/; SECURE", "http", "www.example.com", "/", False),
    ("k=v; Path=/; Domain=example.com", "https", "example.com", "/", True),
    ("k=v; Path=/; Domain=.Example.COM", "https", "other.example.com", "/", True),
    ("k=v; Path=/; Domain=example.com", "https", "badexample.com", "/", False),
    ("k=v; Path=/; Domain=www.example.com", "https", "x.www.example.com", "/", True),
    ("k=v; Path=/; Domain=", "https", "www.example.com", "/", True),
    ("k=v; Path=/; Domain=com", "https", "www.example.com", "/", False),
    ("k=v; Path=/; Domain=other.com", "https", "www.example.com", "/", False),
    ("k=v; Path=/; Domain=x.www.example.com", "https", "www.example.com", "/", False),
    ("k=v; Path=/; Max-Age=10", "https", "www.example.com", "/", True),
    ("k=v; Path=/; Max-Age=0", "https", "www.example.com", "/", False),
    ("k=v; Path=/; Max-Age=-1", "https", "www.example.com", "/", False),
    ("k=v; Path=/; Max-Age=later", "https", "www.example.com", "/", True),
    ("k=v; Path=/; Max-Age=" + "9" * 5000, "https", "www.example.com", "/", True),
    ("k=v; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "https", "www.example.com", "/", False),
    ("k=v; Path=/; Expires=Wed, 21 Oct 2099 07:28:00 GMT", "https", "www.example.com", "/", True),
    ("k=v; Path=/; Expires=nonsense", "https", "www.example.com", "/", True),
    ("k=v; Path=/; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "https", "www.example.com", "/", True),
    ("k=v; Path=/; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Max-Age=0", "https", "www.example.com", "/", False),
    ("__Secure-k=v; Path=/; Secure", "https", "www.example.com", "/", True),
    ("__Secure-k=v; Path=/", "https", "www.example.com", "/", False),
    ("__Host-k=v; Path=/; Secure", "https", "www.example.com", "/", True),
    ("__Host-k=v; Path=/; Secure; Domain=www.example.com", "https", "www.example.com", "/", False),
    ("=v; Path=/", "https", "www.example.com", "/", False),
    ("k; Path=/", "https", "www.example.com", "/", False),
    ("k=v\x00; Path=/", "https", "www.example.com", "/", False),
    ("k=" + "v" * 4096 + "; Path=/", "https", "www.example.com", "/", False),
]


@pytest.mark.parametrize(
    ("value", "scheme", "host", "path", "is_sent"), SENT, ids=lambda value: str(value)[:50]
)
def test_which_requests_carry_a_cookie(value, scheme, host, path, is_sent):
    """Domain, path, scheme and time decide as RFC 6265 says."""
    jar = make(value)
    header = jar.header_for(scheme, host, path)
    assert header == (value.partition(";")[0] if is_sent else None)
    assert jar.header_for(scheme, host, path) == header


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_hosts_without_a_domain(host):
    """An address or a single label sets cookies for itself alone."""
    jar = make("k=v; Path=/", f"l=w; Path=/; Domain={host}", host=host)
    assert jar.header_for("http", host, "/") == "k=v; l=w"
    assert jar.header_for("http", "x." + host, "/") is None
    assert make("k=v; Path=/; Domain=0.0.1", host="127.0.0.1").header_for("http", "127.0.0.1", "/") is None


def test_order_of_sending():
    """Longer paths come first, then the older cookie; a new value keeps the place of the old."""
    jar = make("a=1; Path=/", "b=2; Path=/", "c=3; Path=/a/b", "d=4; Path=/a", "a=5; Path=/")
    assert jar.header_for("http", "www.example.com", "/a/b") == "c=3; d=4; a=5; b=2"
    assert len(jar) == 4


def test_values_are_kept_as_sent():
    """Quotes, equals signs and bytes above ASCII go back as they came."""
    value = 'k="a=b, c"\xe9; Path=/'
    assert make(value).header_for("http", "www.example.com", "/") == 'k="a=b, c"\xe9'


def test_expiry_is_noticed_without_a_change():
    """A cookie is sent to its last second, also when the header is remembered."""
    wall = Wall()
    jar = CookieJar(wall)
    jar.store("http", "h.com", "/", ["k=v; Max-Age=10", "l=w; Max-Age=20", "m=x"])
    assert jar.header_for("http", "h.com", "/") == "k=v; l=w; m=x"
    wall.seconds += 9.9
    assert jar.header_for("http", "h.com", "/") == "k=v; l=w; m=x"
    wall.seconds += 0.1
    assert jar.header_for("http", "h.com", "/") == "l=w; m=x"
    assert [cookie.name for cookie in jar] == ["l", "m"]
    wall.seconds += 10
    assert jar.header_for("http", "h.com", "/") == "m=x"
    assert len(jar) == 1


def test_deletion_by_the_server():
    """A cookie that is set again as expired is gone, and an emptied jar is like a new one."""
    jar = make("k=v; Path=/")
    jar.store("https", "www.example.com", "/", ["k=; Path=/; Max-Age=0"])
    assert jar.header_for("https", "www.example.com", "/") is None
    assert len(jar) == 0
    assert jar  # a jar, even if empty


def test_limits():
    """Fifty cookies per domain and three thousand in all; the oldest go, the expired before them."""
    wall = Wall()
    jar = CookieJar(wall)
    jar.store("http", "h.com", "/", ["old=1; Max-Age=5", "keep=1"])
    wall.seconds += 6
    jar.store("http", "h.com", "/", [f"n{number}=1" for number in range(MAX_COOKIES_PER_DOMAIN - 1)])
    assert "keep" in jar
    jar.store("http", "h.com", "/", ["one-more=1"])
    assert len(jar) == MAX_COOKIES_PER_DOMAIN
    assert "keep" not in jar
    for number in range(MAX_COOKIES // MAX_COOKIES_PER_DOMAIN + 3):
        names = [f"n{each}=1" for each in range(MAX_COOKIES_PER_DOMAIN)]
        jar.store("http", f"host{number}.com", "/", names)
    assert len(jar) == MAX_COOKIES
    assert jar.header_for("http", "h.com", "/") is None
    assert jar.header_for("http", "host1.com", "/") is None
    assert jar.header_for("http", "host62.com", "/") is not None


def test_api_of_scripts():
    """Set, get, list, delete and clear, by URL as in k6 and by name as in requests."""
    jar = CookieJar(Wall())
    assert jar.set("http://h.com/a/b", "k", "1")
    assert jar.set("http://h.com/", "k", "2", path="/a/b/c", domain="h.com", http_only=True)
    assert jar.set("http://h.com/", "s", "3", secure=True, max_age=5)
    assert not jar.set("http://h.com/", "foreign", "4", domain="other.com")
    assert jar.cookies_for_url("http://h.com/a/b/c") == {"k": ["2", "1"]}
    assert jar.cookies_for_url("https://h.com/") == {"s": ["3"]}
    assert jar.get("k") == "2"
    assert jar.get("k", path="/a") == "1"
    assert jar.get("k", domain=".H.com") == "2"
    assert jar.get("none") is None
    assert jar.get("none", "default") == "default"
    assert sorted(cookie.name for cookie in jar) == ["k", "k", "s"]
    jar.delete("http://h.com/a/b/c", "k")
    assert [cookie.name for cookie in jar] == ["s"]
    jar.set("http://other.com/", "o", "5")
    jar.clear("http://h.com/")
    assert [cookie.name for cookie in jar] == ["o"]
    jar.clear()
    assert list(jar) == []
    jar.clear("http://h.com/")
    assert "o" not in jar


@pytest.mark.parametrize(
    ("expires", "is_sent"),
    [
        ("Wed, 21 Oct 2099 07:28:00 GMT", True),
        ("Thu, 01 Jan 1970 00:00:00 GMT", False),
        (NOW + 1, True),
        (NOW, False),
    ],
)
def test_set_with_expiry(expires, is_sent):
    """A date text or seconds of the wall clock."""
    jar = CookieJar(Wall())
    jar.set("http://h.com/", "k", "v", expires=expires)
    assert (jar.header_for("http", "h.com", "/") is not None) == is_sent


@pytest.mark.parametrize(
    ("name", "value"), [("", "v"), ("a b", "v"), ("a=b", "v"), ("a", "x;y"), ("a", "x\r\ny")]
)
def test_what_no_header_can_carry(name, value):
    """A cookie that would break the header is refused when it is set."""
    with pytest.raises(ValueError, match="cannot be sent"):
        CookieJar().set("http://h.com/", name, value)


def test_text_beyond_latin1_goes_out_as_utf8():
    """The header can always be encoded as latin-1."""
    jar = CookieJar(Wall())
    jar.set("http://h.com/", "k", "\u20ac")
    header = jar.header_for("http", "h.com", "/")
    assert header is not None
    assert header.encode("latin-1") == "k=\u20ac".encode()
    assert jar.get("k") == "\u20ac"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Sun Nov  6 08:49:37 1994", 784111777),
        ("6 nov 1994 8:49:37", 784111777),
        ("1994 November 6 08:49:37 trailing", 784111777),
        ("Mon, 01-Jan-69 00:00:00 GMT", 3124224000),
        ("Sun, 06 Nov 1994", None),
        ("Sun, 32 Nov 1994 08:49:37", None),
        ("Sun, 06 Nov 1500 08:49:37", None),
        ("Sun, 06 Nov 1994 24:00:00", None),
        ("", None),
    ],
)
def test_dates(text, seconds):
    """Every form of date that servers send, by the algorithm of RFC 6265 section 5.1.1."""
    assert parse_date(text) == seconds


@pytest.mark.parametrize(
    ("path", "expected"), [("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a"), ("", "/"), ("a/b", "/")]
)
def test_default_path(path, expected):
    """RFC 6265 section 5.1.4."""
    assert default_path(path) == expected


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=80))
def test_any_text_is_taken_or_left(value):
    """No Set-Cookie value crashes the jar, and what it sends back is a header."""
    jar = CookieJar(Wall())
    jar.store(
        "https",
        "h.com",
        "/",
        [value, value + "; Domain=h.com; Path=/", "Expires=" + value, "k=v; Expires=" + value],
    )
    header = jar.header_for("https", "h.com", "/") or ""
    assert "\r" not in header
    assert "\n" not in header
    assert len(jar) == len(list(jar))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(["h.com", "x.h.com", "y.x.h.com"]),
            st.sampled_from(["", "; Domain=h.com", "; Domain=x.h.com"]),
            st.sampled_from(["/", "/p", "/p/q"]),
            st.sampled_from(["", "; Max-Age=0", "; Max-Age=5", "; Secure"]),
        ),
        max_size=12,
    )
)
def test_the_remembered_header_is_the_computed_one(steps):
    """Whatever was asked before, the header equals that of ``cookies_for_url``."""
    jar = CookieJar(Wall())
    for name, host, domain, path, rest in steps:
        jar.store("https", host, path, [f"{name}=1{domain}; Path={path}{rest}"])
        for scheme in ("http", "https"):
            for asked in ("/", "/p/q", "/p"):
                header = jar.header_for(scheme, host, asked)
                pairs = [
                    f"{key}={value}"
                    for key, values in jar.cookies_for_url(f"{scheme}://{host}{asked}").items()
                    for value in values
                ]
                assert sorted(header.split("; ") if header else []) == sorted(pairs)


def test_facts_of_a_parsed_cookie():
    """All attributes are there for whoever looks."""
    cookie = parse_set_cookie(
        "k=v; Domain=h.com; Path=/p; Max-Age=60; Secure; HttpOnly; SameSite=Lax",
        "https",
        "www.h.com",
        "/",
        NOW,
    )
    assert cookie is not None
    assert (cookie.name, cookie.value, cookie.domain, cookie.path) == ("k", "v", "h.com", "/p")
    assert (cookie.secure, cookie.http_only, cookie.host_only, cookie.same_site) == (True, True, False, "Lax")
    assert cookie.expires_s == NOW + 60
    assert repr(cookie) == "<Cookie k=v for .h.com/p>"
