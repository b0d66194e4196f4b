"""Tests of the frames without a socket: against the library's protocol, which is slower and long proven."""

import tracemalloc
import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websocket_peers import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame
from websockets.client import ClientProtocol
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State
from websockets.uri import WebSocketURI

from swell.net import websocket_frames
from swell.net.websocket_frames import FIN, Control, Frames, close_payload, masked

# More than the frames below can be together: which of two faults is told first is another matter.
MAX = 10_000
REFUSED = {"ProtocolError", "PayloadTooBig"}
Item = str | bytes | Control


def fed(data: bytes, cut: int, max_size: int = MAX) -> tuple[list[Item], str]:
    """What comes out where the bytes come in pieces of ``cut``, and the kind of the error."""
    frames = Frames(max_size)
    found: list[Item] = []
    for at in range(0, len(data), cut):
        found += frames.feed(data[at : at + cut])
        if frames.error is not None or (found and isinstance(found[-1], Control) and found[-1].code):
            break
    return found, type(frames.error).__name__ if frames.error is not None else ""


def expected(data: bytes, max_size: int = MAX) -> tuple[list[Item], str]:
    """What the library's protocol makes of the same bytes, its fragments joined and its texts decoded."""
    uri = WebSocketURI(False, "", 0, "/", "", None, None)
    protocol = ClientProtocol(uri, max_size=max_size, state=State.OPEN)
    protocol.receive_data(data)
    found: list[Item] = []
    parts: list[bytes] = []
    kind = Opcode.TEXT
    for each in protocol.events_received():
        assert isinstance(each, Frame)
        content = bytes(each.data)
        if each.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            kind = kind if each.opcode is Opcode.CONT else each.opcode
            parts.append(content)
            if each.fin:
                whole, parts = b"".join(parts), []
                try:
                    found.append(whole.decode() if kind is Opcode.TEXT else whole)
                except UnicodeDecodeError:
                    return found, "UnicodeDecodeError"
        else:
            close = protocol.close_rcvd if each.opcode is Opcode.CLOSE else None
            told = (int(close.code), close.reason) if close is not None else (0, "")
            found.append(Control(FIN | each.opcode, content, *told))
    error = protocol.parser_exc
    return found, type(error).__name__ if error is not None else ""


frames = st.builds(
    frame,
    st.sampled_from([TEXT, TEXT, BINARY, CONT, CONT, PING, PONG, CLOSE, 3, 11]),
    st.one_of(
        st.text(max_size=130).map(str.encode),
        st.binary(max_size=130),
        st.sampled_from([b"", b"\x03\xe8", b"\x03\xe8why", b"x" * 126, b"y" * 400, b"z" * 1001]),
    ),
    fin=st.sampled_from([True, True, True, False]),
    rsv=st.sampled_from([0] * 12 + [1, 2, 4]),
)


@given(sent=st.lists(frames, max_size=6).map(b"".join), cut=st.sampled_from([1, 2, 7, 100, 10_000]))
def test_frames_mean_what_they_mean_to_the_library(sent: bytes, cut: int) -> None:
    """Proper or not, and however they are cut: the same messages and the same kind of error, or none."""
    assert fed(sent, cut) == expected(sent)


@given(data=st.binary(max_size=300), cut=st.integers(1, 300))
def test_any_bytes_mean_what_they_mean_to_the_library(data: bytes, cut: int) -> None:
    """So do bytes that are no frames; what one refuses the other may still be waiting to see whole."""
    found, error = fed(data, cut)
    told, library_error = expected(data)
    assert found == told
    assert error == library_error or {error, library_error} <= REFUSED | {""}


def test_what_cannot_be_is_refused_at_once() -> None:
    """A frame too large, with a reserved bit, or out of its place is not waited for."""
    for head, error in (
        (frame(BINARY, length=MAX + 1), PayloadTooBig),
        (frame(TEXT, length=50, rsv=2), ProtocolError),
        (frame(CONT, length=50), ProtocolError),
        (frame(PING, length=126), ProtocolError),
    ):
        reader = Frames(MAX)
        assert reader.feed(head) == []
        assert isinstance(reader.error, error)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_a_server_reads_our_frames(size: int) -> None:
    """Masked, with the length in the shortest form, as the library's server reads it."""
    data = bytes(each % 251 for each in range(size))
    protocol = Protocol(Side.SERVER, max_size=None)
    protocol.receive_data(masked(FIN | BINARY, data) + masked(FIN | TEXT, b"end"))
    read = [bytes(each.data) for each in protocol.events_received() if isinstance(each, Frame)]
    assert read == [data, b"end"]


def test_each_frame_has_a_key_of_its_own() -> None:
    """Over more frames than one pool of keys holds; a key that repeats could be foreseen."""
    count = 3 * websocket_frames._POOL_BYTES // 4
    assert len({masked(FIN | TEXT, b"a")[2:6] for _ in range(count)}) > count * 0.999


def test_close_payloads() -> None:
    """Code and reason as they may be sent; the rest is refused (RFC 6455, 7.4)."""
    assert close_payload(None, "") == b""
    assert close_payload(1000, "bye") == b"\x03\xe8bye"
    for code, reason in ((None, "x"), (1005, ""), (1000, "x" * 124)):
        with pytest.raises(ProtocolError):
            close_payload(code, reason)


def test_a_bomb_behind_a_full_message() -> None:
    """A fragment that would inflate where no room is left at all is refused, not inflated without end."""
    packer = zlib.compressobj(wbits=-15)
    full = packer.compress(b"x" * MAX) + packer.flush(zlib.Z_SYNC_FLUSH)
    bomb = packer.compress(b"\0" * 30_000_000) + packer.flush(zlib.Z_SYNC_FLUSH)
    reader = Frames(MAX, [PerMessageDeflate(False, False, 15, 15)])
    assert reader.feed(frame(BINARY, full, rsv=4, fin=False)) == []
    assert reader.feed(frame(CONT, bomb)) == []
    assert isinstance(reader.error, PayloadTooBig)


def test_fragments_of_nothing_are_not_kept() -> None:
    """However many a peer sends, they take no memory; the message is what the others say."""
    frames = Frames(MAX)
    frames.feed(frame(TEXT, b"a", fin=False) + frame(CONT, b"", fin=False))
    tracemalloc.start()
    try:
        for _ in range(20):
            assert frames.feed(frame(CONT, b"", fin=False) * 5000) == []
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 100_000
    assert frames.feed(frame(CONT, b"b")) == ["ab"]


def deflated(data: bytes, *, ends: bool = False) -> bytes:
    """A compressed message's payload; with ``ends`` its stream ends with it."""
    packer = zlib.compressobj(wbits=-15)
    if ends:
        return packer.compress(data) + packer.flush(zlib.Z_FINISH) + b"\0"
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


@pytest.mark.parametrize("no_takeover", [True, False])
def test_the_most_that_a_message_may_have_is_counted_decompressed(no_takeover: bool) -> None:
    """What cannot be compressed is longer on the wire than the limit, and is taken; one byte more is not."""
    for size, error in ((MAX, type(None)), (MAX + 1, PayloadTooBig)):
        reader = Frames(MAX, [PerMessageDeflate(no_takeover, no_takeover, 15, 15)])
        data = Random(1).randbytes(size)
        made = reader.feed(frame(BINARY, deflated(data), rsv=4))
        assert (made == [data], type(reader.error)) == (size == MAX, error)


@pytest.mark.parametrize("no_takeover", [True, False])
def test_a_compressed_stream_that_ends_and_begins_anew(no_takeover: bool) -> None:
    """What comes after a final block (RFC 7692, 7.2.3.5) is read, with the next message."""
    reader = Frames(MAX, [PerMessageDeflate(no_takeover, no_takeover, 15, 15)])
    for text in ("one", "two"):
        assert reader.feed(frame(TEXT, deflated(text.encode(), ends=True), rsv=4)) == [text]
    assert reader.feed(frame(TEXT, deflated(b"three"), rsv=4)) == ["three"]


def test_a_compressed_stream_that_ends_within_a_message() -> None:
    """Nothing of a message is left out in silence."""
    reader = Frames(MAX, [PerMessageDeflate(False, False, 15, 15)])
    assert reader.feed(frame(TEXT, deflated(b"a", ends=True) + deflated(b"b"), rsv=4)) == []
    assert isinstance(reader.error, ProtocolError)
