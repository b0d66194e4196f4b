"""What hostile servers do, as data: the same seed gives the same attack in every process.

``make_attack(seed)`` chooses a family, builds valid answers where it needs them, and spoils them. An attack
is a list of steps, which ``HostileServer`` plays after a request (family ``handshake``: in place of a TLS
handshake), and what a client may make of it: ``outcomes``, or None where anything goes that is a response or
a coded error. Bodies that are too large are meant for a client whose limit is ``MAX_BODY_BYTES``.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from swell.testing.answers import bomb, corpus
from swell.testing.mutations import mutate
from swell.testing.steps import LONG_S, Attack, Drip, End, Flight, Flood, Raw, Send, Step

# Replaced by the server: its own address as the client named it, its port, and a number that grows.
HOST, PORT, NEXT = b"@HOST@", b"@PORT@", b"@NEXT@"

# Of the exchange, or already of connecting.
TIMEOUTS: Final = frozenset({1050, 1211})
RESET: Final = 1220
MALFORMED: Final = 1230
CUT_SHORT: Final = 1231
TOO_LARGE: Final = 1232
HEAD_TOO_LARGE: Final = 1233
CLOSED: Final = 1234
UPGRADE: Final = 1235
INVALID_URL: Final = 1020
DECOMPRESSION: Final = 1701
BROKEN_PIPE: Final = 1201
TLS_CODES: Final = frozenset({1300, 1301, 1310, 1311})

# Attacks that end in the client's timeout, so that a suite of thousands takes seconds.
SHORT_S: Final = 0.3
MAX_BODY_BYTES: Final = 1 << 18


def make_attack(seed: int) -> Attack:
    """The attack of ``seed``."""
    rng = Random(seed)  # noqa: S311  # the same in every process is the point
    family = rng.choices(_FAMILIES, _WEIGHTS)[0]
    return family(seed, rng)


# Families: a function each.


def _mutated(seed: int, rng: Random) -> Attack:
    """A valid answer with one to four things wrong."""
    answer = rng.choice(corpus())
    data = mutate(answer.data, rng)
    send = Send(data, _cuts(rng, len(data)))
    return Attack(seed, "mutated", (send, _end(rng)), timeout_s=SHORT_S, method=answer.method, tls=_tls(rng))


def _split(seed: int, rng: Random) -> Attack:
    """A valid answer in pieces: what it means does not depend on where they end."""
    answer = rng.choice(corpus())
    gap_s = rng.choice((0.0, 0.0, 0.001))
    cuts = _cuts(rng, len(answer.data), most=12)
    end = End("close" if answer.until_close else rng.choice(("close", "wait")))
    return Attack(
        seed,
        "split",
        (Send(answer.data, cuts, gap_s), end),
        frozenset({answer.status}),
        answer.body,
        method=answer.method,
        tls=_tls(rng),
    )


def _cut(seed: int, rng: Random) -> Attack:
    """A valid answer that ends at any offset, by a close, a reset, or silence."""
    answer = rng.choice([each for each in corpus() if not each.until_close and each.method == "GET"])
    offset = rng.randrange(answer.needed)
    how = rng.choice(("close", "reset", "half-close", "drop", "wait"))
    codes = {
        "close": {CLOSED, CUT_SHORT}, "half-close": {CLOSED, CUT_SHORT}, "drop": {CLOSED, CUT_SHORT},
        "reset": {RESET, CLOSED}, "wait": TIMEOUTS,
    }[how]  # fmt: skip
    return Attack(
        seed,
        "cut",
        (Send(answer.data[:offset]), End(how)),
        frozenset(codes),
        timeout_s=SHORT_S if how == "wait" else LONG_S,
        method="POST",
        tls=_tls(rng),
    )


def _endless_head(seed: int, rng: Random) -> Attack:
    """Header lines, one header, a status line or line folding without end."""
    start, piece = rng.choice((
        (b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * rng.randint(0, 2000) + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"a:\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x" * rng.randint(1, 5000)),
        (b"HTTP/1.1 200 OK\r\nX: y", b"\r\n "),
        (b"HTTP/1.1 200 ", b"O" * rng.randint(1, 5000)),
        (b"HTTP/1.1 200 OK\r\nSet-Cookie: a", b"a"),
    ))  # fmt: skip
    return Attack(
        seed,
        "endless head",
        (Send(start), Flood(piece)),
        frozenset({HEAD_TOO_LARGE, MALFORMED}),
        tls=_tls(rng),
    )


def _large_head(seed: int, rng: Random) -> Attack:
    """A head around the limit: whole, and with costly fields."""
    size = rng.choice((1 << 14, 1 << 16, 250_000, 262_000, 263_000, 1 << 19))
    line = rng.choice((
        b"X-A: b\r\n", b"Connection: a,b,c,,,,\r\n", b"Content-Encoding: a\r\n", b"Set-Cookie: a=b\r\n",
        b"Content-Length: 0\r\n", b"X: y\r\n z\r\n", b"x:\r\n", b"Transfer-Encoding: chunked\r\n",
        b"Set-Cookie: n%d=v; Domain=127.0.0.1; Path=/%d\r\n" % (rng.randrange(99), rng.randrange(99)),
    ))  # fmt: skip
    head = b"HTTP/1.1 200 OK\r\n" + line * (size // len(line)) + b"Content-Length: 0\r\n\r\n"
    return Attack(seed, "large head", (Send(head, _cuts(rng, len(head))), _end(rng)), timeout_s=1.0)


def _drip(seed: int, rng: Random) -> Attack:
    """A valid answer one byte at a time: quick enough for its timeout, or never."""
    answer = rng.choice([each for each in corpus() if len(each.data) < 250])
    if rng.random() < 0.4:
        steps = (Drip(answer.data, 0.0), End())
        return Attack(
            seed, "drip", steps, frozenset({answer.status}), answer.body, method=answer.method, tls=_tls(rng)
        )
    gap_s = SHORT_S / answer.needed * 4 if answer.needed > 8 else SHORT_S
    return Attack(
        seed, "drip", (Drip(answer.data, gap_s), End()), TIMEOUTS, timeout_s=SHORT_S,
        method=answer.method, tls=_tls(rng),
    )  # fmt: skip


_TEN_GIGABYTES: Final = b"10737418240"
_LENGTHS: Final = (
    _TEN_GIGABYTES, b"99999999999999999999", b"9" * 400, b"-1", b"+5", b"0x5", b"5 5", b"5,6", b"5, 5", b"",
    b" ", b"5;", b"1e3", b"\xd9\xa5", b"5\x00", b"5\r\nContent-Length: 6", b"18446744073709551616",
    b"5\r\nTransfer-Encoding: chunked", b"0", b"4", b"6", b"1000000", b"000000000000000005",
)  # fmt: skip


def _wrong_length(seed: int, rng: Random) -> Attack:
    """A length that is huge, wrong, twice there, or no number."""
    value = rng.choice(_LENGTHS)
    data = b"HTTP/1.1 200 OK\r\nContent-Length: " + value + b"\r\n\r\nhello"
    send, end, tls = Send(data), _end(rng, without_reset=True), _tls(rng)
    if value == _TEN_GIGABYTES:
        return Attack(seed, "length", (send, end), frozenset({TOO_LARGE}), tls=tls)
    return Attack(seed, "length", (send, end), timeout_s=SHORT_S, tls=tls)


def _wrong_chunks(seed: int, rng: Random) -> Attack:
    """Chunked transfer coding, abused."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    wrong = frozenset({MALFORMED, TOO_LARGE})
    if rng.random() < 0.5:
        start, piece, outcomes = rng.choice((
            (b"5;", b"x" * 1000, wrong),
            (b"", b"1;" + b"x" * 4000 + b"\r\nx\r\n", wrong),
            (b"0\r\n", b"X: y\r\n", wrong),
            (b"0\r\n", b"X: " + b"y" * 3000 + b"\r\n", wrong),
            (b"0\r\nX: ", b"y", wrong),
            (b"", b"2\r\nxy\r\n", wrong),
            (b"", b"1\r\nx\r\n", wrong),
            (b"", b"0", wrong),
            (b"7fffffffffffffff\r\n", b"x" * 8192, wrong),
            (b"", b"ffff\r\n" + b"x" * 65535 + b"\r\n", wrong),
        ))  # fmt: skip
        return Attack(seed, "endless chunks", (Send(head + start), Flood(piece)), outcomes, tls=_tls(rng))
    body = rng.choice((
        b"ffffffffffffffffff\r\nhello", b"-1\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n", b"5\r\nhell\r\n0\r\n\r\n", b"5\rhello\r\n0\r\n\r\n", b"\r\n\r\n",
        b"5\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5\n\nhello\r\n0\r\n\r\n", b"g\r\n", b"0" * 17 + b"\r\n\r\n",
        b"7fffffffffffffff\r\nx", b"5\r\nhello\r\n0\r\nX\r\n", b"5\r\nhello\r\n0\r\n\r\n5\r\nhello\r\n",
        b"5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", b"\xff\r\n",
    ))  # fmt: skip
    return Attack(seed, "chunks", (Send(head + body), _end(rng)), timeout_s=SHORT_S, tls=_tls(rng))


def _bomb(seed: int, rng: Random) -> Attack:
    """A few kilobytes that are gigabytes, in one encoding or several over one another."""
    layers = rng.choice((1, 1, 1, 2, 3, 6))
    encodings = [rng.choice(("gzip", "deflate", "br", "zstd")) for _ in range(layers)]
    broken = rng.random() < 0.3
    data = bomb(tuple(encodings), rng.choice((MAX_BODY_BYTES + 1, 1 << 21, 1 << 23)))
    if broken:
        data = data[: rng.randrange(1, len(data))]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (
        ", ".join(encodings).encode(), len(data),
    )  # fmt: skip
    outcomes = frozenset({TOO_LARGE, DECOMPRESSION})
    return Attack(seed, "bomb", (Send(head + data), End()), outcomes, tls=_tls(rng))


def _many_members(seed: int, rng: Random) -> Attack:
    """Thousands of empty streams one after another, where one would do."""
    encoding = rng.choice(("gzip", "zstd", "gzip, zstd"))
    data = bomb(tuple(encoding.split(", ")), 0) * rng.choice((1, 100, 10_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (
        encoding.encode(), len(data),
    )  # fmt: skip
    return Attack(seed, "members", (Send(head + data), End()), timeout_s=5.0)


_LOCATIONS: Final = (
    b"/@NEXT@", b"ftp://127.0.0.1/", b"file:///etc/passwd", b"javascript:alert(1)", b"gopher://127.0.0.1:70/_x",
    b"data:text/plain,hello", b"//", b"///", b"http://", b"http:///x", b"http://[::1", b"http://[zz]/",
    b"http://a:b@127.0.0.1:@PORT@/status", b"HTTP://127.0.0.1:@PORT@/status", b"http://127.0.0.1:99999/",
    b"http://127.0.0.1:0/", b"http://256.256.256.256/", b"http://\xff\xfe/", b"/\xc3\xa9\xff?\xe2\x82", b"?x",
    b"#", b"../" * 2000, b"/" + b"a" * 60_000, b"http://" + b"a" * 300 + b"/",
    b"http://a" + b".a" * 200 + b"/",
    b"http://-/", b"http://%00/", b"http://127.0.0.1%2f@evil/", b"\\\\evil\\x", b"http:\\\\evil\\x",
    b"http://127.0.0.@NEXT@:@PORT@/@NEXT@", b"https://@HOST@/status",
    b"http://xn--a.hostile.test:@PORT@/status",
    b"\t /status \t", b"http://127.0.0.1:@PORT@\x01/", b"mailto:a@b", b"http://u:p@127.0.0.1:@PORT@/status",
    b"http://unresolved.invalid/", b"http://1.hostile.test:1/", b"//127.0.0.2:@PORT@/status",
)  # fmt: skip


def _redirect(seed: int, rng: Random) -> Attack:
    """Redirects in a circle, to new places for ever, to other schemes and hosts, and to nowhere."""
    status = rng.choice((301, 302, 303, 307, 308))
    location = rng.choice((b"/%d" % seed, b"", *_LOCATIONS))
    cookie = b"Set-Cookie: r=@NEXT@\r\n" if rng.random() < 0.3 else b""
    head = b"HTTP/1.1 %d Go\r\nLocation: %b\r\n%bContent-Length: 0\r\n\r\n" % (status, location, cookie)
    method = rng.choice(("GET", "POST", "HEAD"))
    return Attack(seed, "redirect", (Send(head), _end(rng)), method=method, timeout_s=1.0)


def _cookies(seed: int, rng: Random) -> Attack:
    """Cookies by the thousand, large, malformed, for others, and expired."""
    domain = rng.choice((b"evil.test", b".", b"127.0.0.1", b"com", b"", b"\xff"))
    date = rng.randbytes(20).translate(None, b"\r\n\x00")
    age = b"9" * rng.choice((2, 900))
    kind = rng.choice((
        b"n%d=v", b"n%d=v; Path=/%d; Max-Age=-1", b"n%d=v; Path=/%d; Max-Age=9", b"n%d=" + b"v" * 100,
        b"n%d=" + b"v" * 4000, b"n%d=" + b"v" * 5000, b"a=%d; Domain=" + domain,
        b"\xff=\x80; Expires=" + date, b"n=%d; Expires=Thu, 99 Foo 99999 99:99:99 GMT; Max-Age=" + age,
        b"=" * 9 + b";" * 9, b"=", b";", b"",
    ))  # fmt: skip
    numbers = range(rng.choice((1, 50, 1000, 5000)))
    lines = [b"Set-Cookie: " + kind.replace(b"%d", str(number).encode()) for number in numbers]
    while sum(map(len, lines)) + 2 * len(lines) > 250_000:
        lines = lines[: len(lines) // 2]
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"\r\n".join(lines) + b"\r\n\r\nhi"
    return Attack(seed, "cookies", (Send(head), End("wait")), frozenset({200, MALFORMED}))


def _odd_bytes(seed: int, rng: Random) -> Attack:
    """Bytes that may not be where they are: in the status line, in names, values and charsets."""
    odd = rng.choice((
        b"\x00", b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\r", b"\x0b", b"\x7f", b"\xe2\x80\xa8",
        b"\xef\xbb\xbf",
        b"\r\n\r\n", b"\n\n", b"\n", b": ", b"%s%n", b"\x1b[2J", rng.randbytes(rng.randint(1, 40)),
    ))  # fmt: skip
    charset = rng.choice((
        b"utf-7", b"utf-16", b"idna", b"punycode", b"hex", b"undefined", b"unicode_escape", b"\x00",
        b"base64", b"raw_unicode_escape", b"x" * 5000, b"", b"\xff", b"rot13", b"utf-8\x00", b"../x", b"mbcs",
    ))  # fmt: skip
    places = [
        b"HTTP/1.1 200 ", b"OK", b"\r\nContent-Length: 9\r\nX-", b"A", b": ", b"b",
        b"\r\nContent-Type: text/plain; charset=", charset, b"\r\n\r\n", b"\xff\xfe{\"a\":1}",
    ]  # fmt: skip
    places.insert(rng.randrange(len(places)), odd)
    return Attack(seed, "bytes", (Send(b"".join(places)), _end(rng)), timeout_s=SHORT_S, tls=_tls(rng))


def _interim(seed: int, rng: Random) -> Attack:
    """Interim responses without end, with bodies, or that switch protocols."""
    piece = rng.choice((
        b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
        b"HTTP/1.1 199 X\r\nContent-Length: 5\r\n\r\n", b"HTTP/1.0 102 Processing\n\n",
        b"HTTP/1.1 103 X\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ))  # fmt: skip
    if rng.random() < 0.3:
        protocol = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
        return Attack(
            seed, "interim", (Send(protocol), _end(rng)), frozenset({UPGRADE, RESET, CLOSED}), tls=_tls(rng)
        )
    if rng.random() < 0.4:
        count = rng.randint(1, 40)
        final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        outcomes = frozenset({200} if count <= 20 else {MALFORMED})
        send = Send(piece * count + final, _cuts(rng, len(piece) * count))
        return Attack(seed, "interim", (send, End("wait")), outcomes, tls=_tls(rng))
    return Attack(seed, "interim", (Flood(piece),), frozenset({MALFORMED}), tls=_tls(rng))


_FOREIGN: Final = (
    b"", b"\x00", b"SSH-2.0-OpenSSH_9.6\r\n", b"220 smtp.example ESMTP\r\n", b"\x15\x03\x03\x00\x02\x02\x28",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", b"HTTP/2 200\r\n\r\n",
    b"ICY 200 OK\r\n\r\n", b"HTTP/1.1 99 X\r\n\r\n", b"HTTP/1.1 1000 X\r\n\r\n", b"HTTP/1.1 -1 X\r\n\r\n",
    b"HTTP/1.1 200\r\n\r\n", b"HTTP/1.1  200 OK\r\n\r\n", b"http/1.1 200 OK\r\n\r\n", b"\r\n\r\n", b"\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"<html>", b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/0.9 200 OK\r\n\r\n", b"HTTP/1.1\x00200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n \r\n\r\n",
)  # fmt: skip


def _foreign(seed: int, rng: Random) -> Attack:
    """Another protocol, noise, an answer before the question, or nothing."""
    data = rng.randbytes(rng.randint(1, 5000)) if rng.random() < 0.2 else rng.choice(_FOREIGN)
    return Attack(
        seed, "foreign", (Send(data), _end(rng)), timeout_s=SHORT_S, tls=_tls(rng),
    )  # fmt: skip


def _endless_body(seed: int, rng: Random) -> Attack:
    """A body without end or length, or one that stops moving."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    if rng.random() < 0.5:
        return Attack(
            seed, "endless body", (Send(head), Flood(b"x" * 8192)), frozenset({TOO_LARGE}), tls=_tls(rng)
        )
    steps = (Send(head + b"some"), End("wait"))
    return Attack(seed, "endless body", steps, TIMEOUTS, timeout_s=SHORT_S, tls=_tls(rng))


def _early(seed: int, rng: Random) -> Attack:
    """An answer while the request's body is still being sent, which nobody reads."""
    data = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno"
    how = rng.choice(("wait", "ignore", "close", "reset"))
    # A close with unread data is a reset, which may overtake the answer.
    outcomes = frozenset({413} if how in ("wait", "ignore") else {413, RESET, BROKEN_PIPE})
    return Attack(
        seed,
        "early",
        (Send(data), End(how)),
        outcomes,
        method="POST",
        upload=8 << 20,
        tls=_tls(rng),
    )


def _after_answer(seed: int, rng: Random) -> Attack:
    """A whole answer, and then what should not be there: the answer stands."""
    answer = rng.choice([each for each in corpus() if not each.until_close])
    behind = rng.choice(
        (b"\r\n", b"junk", b"x" * 70_000, answer.data, b"HTTP/1.1 408 Timeout\r\n\r\n", b"\x00")
    )
    return Attack(
        seed, "after answer", (Send(answer.data + behind), _end(rng, without_reset=True)),
        frozenset({answer.status}), answer.body, method=answer.method, tls=_tls(rng),
    )  # fmt: skip


# Beneath TLS


def _alert(level: int, number: int, version: bytes = b"\x03\x03") -> bytes:
    return b"\x15" + version + b"\x00\x02" + bytes((level, number))


def _tls_middle(seed: int, rng: Random) -> Attack:
    """Alerts, garbage or an end without close_notify in the middle of an encrypted answer."""
    answer = rng.choice(corpus())
    offset = rng.randrange(len(answer.data))
    if rng.random() < 0.3:
        until = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of"
        # Without close_notify nobody knows that this was all (RFC 9112, 9.8).
        steps: tuple[Step, ...] = (Send(until), End("drop"))
        return Attack(seed, "tls", steps, frozenset({CUT_SHORT}), tls=True)
    raw = rng.choice((
        _alert(2, rng.randrange(256)), _alert(1, 0), _alert(1, 90), _alert(2, 80) * 1000,
        _alert(1, 90) * 1000, b"\x17\x03\x03\x00\x00" * 100, b"\x17\x03\x03\xff\xff",
        b"\x17\x03\x03\x40\x00" + rng.randbytes(16384), b"\x16\x03\x03\x00\x04\x00\x00\x00\x00",
        b"HTTP/1.1 200 OK\r\n\r\n", rng.randbytes(100), b"\x14\x03\x03\x00\x01\x01",
        b"\x18\x03\x03\x00\x03\x01\x40\x00",
    ))  # fmt: skip
    steps = (Send(answer.data[:offset]), Raw(raw), _end(rng))
    return Attack(seed, "tls", steps, timeout_s=SHORT_S, method=answer.method, tls=True)


def _handshake(seed: int, rng: Random) -> Attack:
    """A TLS hello answered with garbage, alerts, half a flight, a spoilt flight, or silence."""
    end = _end(rng)
    if rng.random() < 0.5:
        flips = tuple(rng.random() for _ in range(rng.choice((0, 1, 3))))
        share = 1.0 if flips else rng.random()
        steps: tuple[Step, ...] = (Flight(share, flips), end)
    else:
        raw = rng.choice((
            b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", _alert(2, rng.randrange(256), b"\x03\x01"),
            _alert(1, 112), _alert(1, 0), b"\x16\x03\x03\xff\xff" + b"x" * 70_000,
            b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00", rng.randbytes(rng.randint(1, 300)),
            b"\x16\x03\x03\x40\x00\x02\xff\xff\xff" + b"\x00" * 16_380,
            b"\x16\x03\x03\x00\x00" * 2000, _alert(1, 112) * 2000, b"\x80\x2e\x01\x00\x02",
        ))  # fmt: skip
        steps = (Raw(raw), end)
    codes = TLS_CODES | {RESET, *TIMEOUTS, BROKEN_PIPE}
    return Attack(seed, "handshake", steps, codes, timeout_s=2 * SHORT_S, tls=True)


# Helpers


def _tls(rng: Random) -> bool:
    return rng.random() < 0.12


def _end(rng: Random, *, without_reset: bool = False) -> End:
    hows = ["close", "close", "close", "half-close", "drop", "wait"] + ([] if without_reset else ["reset"])
    return End(rng.choice(hows))


def _cuts(rng: Random, size: int, most: int = 4) -> tuple[int, ...]:
    if size < 2:
        return ()
    return tuple(sorted(rng.randrange(1, size) for _ in range(rng.randint(0, most))))


_FAMILIES: Final[Sequence[Callable[[int, Random], Attack]]] = (
    _mutated, _split, _cut, _endless_head, _large_head, _drip, _wrong_length, _wrong_chunks, _bomb,
    _many_members, _redirect, _cookies, _odd_bytes, _interim, _foreign, _endless_body, _early, _after_answer,
    _tls_middle, _handshake,
)  # fmt: skip
_WEIGHTS: Final = (35, 12, 12, 0.8, 1.5, 4, 4, 3, 1.5, 0.5, 5, 2, 6, 1, 5, 1, 0.5, 5, 4, 4)
