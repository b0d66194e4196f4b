"""The WebSocket client against a table of peers: frames, pings, opcodes, fragments, UTF-8, closing, limits.

The table follows the sections of the Autobahn test suite's client cases (1 to 7, 9, 10, 12 and 13). That
suite needs Python 2, so a scripted server sends each case's bytes, and what the client did is compared.
"""

import zlib
from typing import Any

import pytest
from websocket_peers import BINARY, CLOSE, CONT, PING, PONG, TEXT, Peer, frame

from swell.net.websocket import WebSocket
from swell.net.websocket_client import connect
from swell.net.websocket_failure import BAD_FRAME, BAD_TEXT, CLOSED_BY_PEER, CUT_OFF, TOO_BIG

SECOND = 1_000_000_000
BYE = frame(CLOSE, (1000).to_bytes(2))
EURO = "€".encode()
MAX = 100_000


def text(data: str) -> bytes:
    """A whole text message."""
    return frame(TEXT, data.encode())


def pieces(data: bytes, size: int) -> list[bytes]:
    """The same bytes, cut."""
    return [data[start : start + size] for start in range(0, len(data), size)]


# name -> (what the server sends, the messages that come out)
GOOD: dict[str, tuple[list[bytes], list[str | bytes]]] = {
    "1.1.1 empty text": ([text("")], [""]),
    "1.1.2 text of 125": ([text("*" * 125)], ["*" * 125]),
    "1.1.3 text of 126": ([text("*" * 126)], ["*" * 126]),
    "1.1.4 text of 127": ([text("*" * 127)], ["*" * 127]),
    "1.1.5 text of 128": ([text("*" * 128)], ["*" * 128]),
    "1.1.6 text of 65535": ([text("*" * 65535)], ["*" * 65535]),
    "1.1.7 text of 65536": ([text("*" * 65536)], ["*" * 65536]),
    "1.1.8 text in pieces of 997": (pieces(text("*" * 65536), 997), ["*" * 65536]),
    "1.2.1 empty binary": ([frame(BINARY)], [b""]),
    "1.2.5 binary of 128": ([frame(BINARY, b"\xfe" * 128)], [b"\xfe" * 128]),
    "1.2.7 binary of 65536": ([frame(BINARY, b"\xfe" * 65536)], [b"\xfe" * 65536]),
    "1.2.8 binary byte by byte": (pieces(frame(BINARY, b"\xfe" * 300), 1), [b"\xfe" * 300]),
    "1.x a length in more bytes than it needs": ([b"\x81\x7e\x00\x02ok"], ["ok"]),
    "2.7 unasked pong": ([frame(PONG), text("a")], ["a"]),
    "2.8 unasked pong with payload": ([frame(PONG, b"unsolicited"), text("a")], ["a"]),
    "4.x several messages in one piece": ([text("a") + text("b") + frame(BINARY, b"c")], ["a", "b", b"c"]),
    "5.3 text in two fragments": (
        [frame(TEXT, b"frag", fin=False), frame(CONT, b"ment")],
        ["fragment"],
    ),
    "5.4 the same in one piece": ([frame(TEXT, b"frag", fin=False) + frame(CONT, b"ment")], ["fragment"]),
    "5.5 the same byte by byte": (
        pieces(frame(TEXT, b"frag", fin=False) + frame(CONT, b"ment"), 1),
        ["fragment"],
    ),
    "5.6 ping between fragments": (
        [frame(TEXT, b"frag", fin=False), frame(PING, b"p"), frame(CONT, b"ment")],
        ["fragment"],
    ),
    "5.19 many fragments with pings": (
        [frame(BINARY, b"1", fin=False)]
        + [frame(PING) + frame(CONT, b"2", fin=False) for _ in range(20)]
        + [frame(CONT, b"3")],
        [b"1" + b"2" * 20 + b"3"],
    ),
    "5.x pong and empty fragments": (
        [frame(TEXT, b"", fin=False), frame(PONG), frame(CONT, b"", fin=False), frame(CONT, b"x")],
        ["x"],
    ),
    "6.1.1 empty fragments": ([frame(TEXT, b"", fin=False), frame(CONT)], [""]),
    "6.2.1 UTF-8": ([text("Hello-µ@ßöäüàá-UTF-8!!")], ["Hello-µ@ßöäüàá-UTF-8!!"]),
    "6.2.3 a character cut between fragments": (
        [frame(TEXT, EURO[:1], fin=False), frame(CONT, EURO[1:])],
        ["€"],
    ),
    "6.2.4 each byte in a fragment of its own": (
        [frame(TEXT, fin=False)]
        + [frame(CONT, EURO[i : i + 1], fin=False) for i in range(3)]
        + [frame(CONT)],
        ["€"],
    ),
    "6.5 the last character": ([text("\U0010ffff")], ["\U0010ffff"]),
    "6.x NUL and a noncharacter": ([text("\0\ufffe")], ["\0\ufffe"]),
    "9.1 a message of the limit": ([text("*" * MAX)], ["*" * MAX]),
    "9.5 the limit in fragments": (
        [frame(BINARY, b"*" * 1000, fin=False)]
        + [frame(CONT, b"*" * 1000, fin=False)] * (MAX // 1000 - 2)
        + [frame(CONT, b"*" * 1000)],
        [b"*" * MAX],
    ),
    "10.1 a message larger than one read": ([text("*" * 90_000)], ["*" * 90_000]),
}


def run(server: Any, bench: Any, **options: Any) -> tuple[WebSocket, list[str | bytes]]:
    """Everything that a connection to ``server`` gave, until its end."""
    sock = connect(bench.client, server.ws_url, WebSocket, max_size=MAX, **options)
    assert sock.response.status_code == 101, sock
    messages = []
    while (message := sock.receive(5 * SECOND)) is not None:
        messages.append(message)
    sock.abandon()
    return sock, messages


@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_comes_out(name: str, bench: Any) -> None:
    """Each proper sequence of frames gives its messages, then the close handshake, without an error."""
    sent, expected = GOOD[name]
    with Peer(*sent, BYE) as server:
        sock, messages = run(server, bench())
        assert messages == expected
        assert (sock.error_code, sock.close_code) == (0, 1000)
        assert server.close_codes() == [1000]


# name -> (what the server sends, the messages before the end, the error, our close code)
BAD: dict[str, tuple[list[bytes], list[str | bytes], int, int]] = {
    "2.5 ping of 126": ([frame(PING, b"*" * 126)], [], BAD_FRAME, 1002),
    "3.1 RSV 1": ([frame(TEXT, b"a", rsv=1)], [], BAD_FRAME, 1002),
    "3.2 RSV 2 after a message": ([text("a") + frame(TEXT, b"b", rsv=2)], ["a"], BAD_FRAME, 1002),
    "3.3 RSV 3": ([text("a"), frame(TEXT, b"b", rsv=3)], ["a"], BAD_FRAME, 1002),
    "3.4 RSV 4 without an extension": ([frame(TEXT, b"a", rsv=4)], [], BAD_FRAME, 1002),
    "3.5 RSV on binary": ([frame(BINARY, b"a", rsv=5)], [], BAD_FRAME, 1002),
    "3.6 RSV on a ping": ([frame(PING, b"a", rsv=6)], [], BAD_FRAME, 1002),
    "3.7 RSV on a close": ([frame(CLOSE, rsv=7)], [], BAD_FRAME, 1002),
    **{
        f"4.{1 if opcode < 8 else 2} opcode {opcode}": ([frame(opcode, b"a")], [], BAD_FRAME, 1002)
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    },
    "4.1.5 opcode 7 between messages": ([text("a") + frame(7) + text("b")], ["a"], BAD_FRAME, 1002),
    "5.1 ping in fragments": ([frame(PING, b"a", fin=False)], [], BAD_FRAME, 1002),
    "5.2 pong in fragments": ([frame(PONG, b"a", fin=False)], [], BAD_FRAME, 1002),
    "5.9 continuation of nothing": ([frame(CONT, b"a")], [], BAD_FRAME, 1002),
    "5.10 continuation after a message": ([text("a") + frame(CONT, b"b")], ["a"], BAD_FRAME, 1002),
    "5.11 unfinished continuation of nothing": ([frame(CONT, b"a", fin=False)], [], BAD_FRAME, 1002),
    "5.18 text inside a text": ([frame(TEXT, b"a", fin=False) + text("b")], [], BAD_FRAME, 1002),
    "5.x close inside a message": ([frame(TEXT, b"a", fin=False) + BYE], [], BAD_FRAME, 1002),
    "6.3 not UTF-8": ([frame(TEXT, b"\xce\xba\xed\xa0\x80")], [], BAD_TEXT, 1007),
    "6.4 not UTF-8 over fragments": (
        [frame(TEXT, b"\xce\xba", fin=False), frame(CONT, b"\xf4\x90\x80\x80")],
        [],
        BAD_TEXT,
        1007,
    ),
    "6.6 cut inside a character": ([frame(TEXT, EURO[:2])], [], BAD_TEXT, 1007),
    "6.8 first bytes that cannot be": ([frame(TEXT, b"\xfe\xfe\xff\xff")], [], BAD_TEXT, 1007),
    "6.12 overlong": ([frame(TEXT, b"\xc0\xaf")], [], BAD_TEXT, 1007),
    "6.16 a surrogate": ([frame(TEXT, b"\xed\xaf\xbf")], [], BAD_TEXT, 1007),
    "6.x bad text after a good one": ([text("a") + frame(TEXT, b"\xff")], ["a"], BAD_TEXT, 1007),
    "7.3.2 close of one byte": ([frame(CLOSE, b"\x03")], [], BAD_FRAME, 1002),
    "7.3.6 close reason of 124": ([frame(CLOSE, b"\x03\xe8" + b"*" * 124)], [], BAD_FRAME, 1002),
    "7.5.1 close reason that is no UTF-8": ([frame(CLOSE, b"\x03\xe8\xce\xba\xff")], [], BAD_TEXT, 1007),
    **{
        f"7.9 close code {code}": ([frame(CLOSE, code.to_bytes(2))], [], BAD_FRAME, 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
    "9.x a frame over the limit": ([frame(BINARY, b"", length=MAX + 1)], [], TOO_BIG, 1009),
    "9.x a frame of 2^63 - 1": ([frame(BINARY, b"", length=2**63 - 1)], [], TOO_BIG, 1009),
    "9.x a frame of 2^64 - 1": ([frame(TEXT, b"", length=2**64 - 1)], [], TOO_BIG, 1009),
    "9.x fragments over the limit": (
        [frame(TEXT, b"*" * MAX, fin=False), frame(CONT, b"*")],
        [],
        TOO_BIG,
        1009,
    ),
    "a masked frame": ([b"\x81\x82\x00\x00\x00\x00ok"], [], BAD_FRAME, 1002),
    "HTTP instead of frames": (
        [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0" + b" " * 100],
        [],
        BAD_FRAME,
        1002,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_ends_the_connection(name: str, bench: Any) -> None:
    """Each violation ends the connection with its error, our close code, and nothing after it comes out."""
    sent, expected, code, close_code = BAD[name]
    with Peer(*sent, text("after")) as server:
        made = bench()
        sock, messages = run(server, made)
        assert messages == expected
        assert sock.error_code == code
        assert sock.close_code in (1006, *([1000] if "inside a message" in name else []))
        assert server.close_codes() == [close_code]
    (row,) = made.errors.drain()
    assert (row.code, row.method, row.count) == (code, "WS", 1)


CLOSES: dict[str, tuple[bytes, int, str, int, bytes]] = {
    "7.1.1 proper": (BYE, 1000, "", 0, b"\x03\xe8"),
    "7.3.1 empty": (frame(CLOSE), 1005, "", 0, b""),
    "7.3.4 with a reason": (frame(CLOSE, b"\x03\xe8so long"), 1000, "so long", 0, b"\x03\xe8so long"),
    "7.3.5 with a reason of 123": (
        frame(CLOSE, b"\x03\xe8" + b"*" * 123),
        1000,
        "*" * 123,
        0,
        b"\x03\xe8" + b"*" * 123,
    ),
    "going away": (frame(CLOSE, (1001).to_bytes(2)), 1001, "", 0, (1001).to_bytes(2)),
    **{
        f"7.7 code {code}": (frame(CLOSE, code.to_bytes(2)), code, "", CLOSED_BY_PEER, code.to_bytes(2))
        for code in (1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
    },
}


@pytest.mark.parametrize("name", CLOSES)
def test_close_frames_are_answered_and_judged(name: str, bench: Any) -> None:
    """A close frame is echoed; a code that says that something is wrong is the connection's error."""
    sent, close_code, reason, error_code, echoed = CLOSES[name]
    with Peer(sent + text("after") + frame(PING)) as server:
        sock, messages = run(server, bench())
        assert messages == []
        assert (sock.close_code, sock.close_reason, sock.error_code) == (close_code, reason, error_code)
        assert server.answers() == [(CLOSE, echoed)]


@pytest.mark.parametrize(
    "payload", [b"", b"hello", b"\x00\xff\xfe\xfd", b"\xfe" * 125], ids=["empty", "text", "binary", "125"]
)
def test_pings_are_answered_in_their_order(payload: bytes, bench: Any) -> None:
    """2.1 to 2.11: each ping has its pong with the same payload, also byte by byte and between fragments."""
    pings = frame(PING, payload) * 10
    between = frame(TEXT, b"a", fin=False) + frame(PING, b"between") + frame(CONT, b"b")
    with Peer(pings, *pieces(frame(PING, payload), 1), between, BYE) as server:
        _, messages = run(server, bench())
        assert messages == ["ab"]
        assert [each for each in server.answers() if each[0] == PONG] == [
            *[(PONG, payload)] * 11,
            (PONG, b"between"),
        ]


@pytest.mark.parametrize(
    "data", [b"", text("half")[:3], frame(TEXT, b"a", fin=False)], ids=["", "half", "fragment"]
)
def test_an_end_without_a_close_frame_is_an_error(data: bytes, bench: Any) -> None:
    """7.1.x: the stream ends between or inside messages."""
    with Peer(data) as server:
        sock = connect(bench().client, server.ws_url, WebSocket)
        server.close()
        assert sock.receive(5 * SECOND) is None
        assert (sock.error_code, sock.close_code) == (CUT_OFF, 1006)


# permessage-deflate: 12 and 13


def deflated(data: bytes, *, opcode: int = TEXT, fin: bool = True, level: int = 6) -> bytes:
    """One compressed message in one frame (RFC 7692, 7.2.1)."""
    packer = zlib.compressobj(level, wbits=-15)
    packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    return frame(opcode, packed.removesuffix(b"\x00\x00\xff\xff"), rsv=4, fin=fin)


DEFLATE = ("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",)


@pytest.mark.parametrize("size", [0, 16, 1024, 65536])
def test_compressed_messages_come_out(size: int, bench: Any) -> None:
    """12.x: compressed messages, plain ones between them, and a compressed one in fragments."""
    data = bytes(range(97, 123)) * (size // 26 + 1)
    whole = deflated(data[:size])
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b"frag") + packer.flush(zlib.Z_SYNC_FLUSH)
    first = frame(TEXT, packed, rsv=4, fin=False)
    rest = frame(CONT, (packer.compress(b"ment") + packer.flush(zlib.Z_SYNC_FLUSH))[:-4])
    with Peer(whole, text("plain"), first + frame(PING) + rest, BYE, headers=DEFLATE) as server:
        sock, messages = run(server, bench(), compression="deflate")
        assert messages == [data[:size].decode(), "plain", "fragment"]
        assert sock.extensions.startswith("permessage-deflate")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (deflated(b"\0" * 50_000_000, level=9), TOO_BIG),
        (deflated(b"*" * (MAX + 1)), TOO_BIG),
        (frame(TEXT, b"\xff" * 20, rsv=4), BAD_FRAME),
        (frame(PING, b"a", rsv=4), BAD_FRAME),
        (deflated(b"\xff\xff"), BAD_TEXT),
    ],
    ids=["bomb", "just too large", "no deflate", "compressed ping", "no UTF-8 inside"],
)
def test_bad_compressed_messages_end_the_connection(sent: bytes, code: int, bench: Any) -> None:
    """A compression bomb, garbage, and what may not be compressed: one error, little memory."""
    with Peer(sent, headers=DEFLATE) as server:
        sock, messages = run(server, bench(), compression="deflate")
        assert messages == []
        assert sock.error_code == code


def test_compressed_messages_nobody_asked_for(bench: Any) -> None:
    """A server that chooses an extension that was not offered gets no session."""
    with Peer(headers=DEFLATE) as server:
        sock = connect(bench().client, server.ws_url, WebSocket)
        assert not sock.is_open
        assert sock.error_code == 1251
