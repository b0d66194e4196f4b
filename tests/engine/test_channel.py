"""Frames on the wire: cut anywhere, too long, garbage, and the coordinator's end of a socket pair."""

import socket
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.engine import frames
from swell.engine.channel import FrameDecoder, FrameError, PeerChannel, encode_frame

SOME: list[frames.Up] = [
    frames.Hello(1, "3.11"),
    frames.LogLine("info", "grüße", {"source": "console"}),
    frames.SetupDone(b'{"a": 1}'),
    frames.SetupDone(None),
    frames.Finished(),
    frames.Heartbeat(5, "a.py:1 in f", 9),
]


def decoder(limit: int = 1 << 20) -> FrameDecoder[frames.Up]:
    """A decoder of what workers say."""
    return FrameDecoder(frames.Up, limit)


def test_frames_arrive_byte_by_byte() -> None:
    """However the stream is cut, the same frames come out, each with its last byte."""
    stream = b"".join(encode_frame(frame) for frame in SOME)
    ends = [len(b"".join(encode_frame(frame) for frame in SOME[: count + 1])) for count in range(len(SOME))]
    taken = decoder()
    arrived = []
    for position in range(len(stream)):
        taken.feed(stream[position : position + 1])
        for frame in taken.frames():
            arrived.append(frame)
            assert position + 1 == ends[len(arrived) - 1]
    assert arrived == SOME
    assert taken.pending_bytes == 0


@given(st.lists(st.sampled_from(SOME), max_size=8), st.lists(st.integers(0, 400), max_size=8))
def test_any_cut_gives_the_same_frames(said: list[frames.Up], cuts: list[int]) -> None:
    """Property: decoding does not depend on how reads fall."""
    stream = b"".join(encode_frame(frame) for frame in said)
    taken = decoder()
    arrived: list[frames.Up] = []
    edges = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    for start, end in pairwise(edges):
        taken.feed(stream[start:end])
        arrived += taken.frames()
    assert arrived == said


@given(st.binary(max_size=200))
def test_garbage_never_raises_anything_else(data: bytes) -> None:
    """Property: any bytes give frames, wait for more, or raise FrameError."""
    taken = decoder(limit=1000)
    taken.feed(data)
    try:
        list(taken.frames())
    except FrameError:
        return
    assert taken.pending_bytes <= len(data)


def test_good_frames_before_a_bad_one_are_delivered() -> None:
    """The error comes when its frame is reached."""
    taken = decoder()
    taken.feed(encode_frame(SOME[0]) + b"\x00\x00\x00\x03abc" + encode_frame(SOME[4]))
    assert taken.next_frame() == SOME[0]
    with pytest.raises(FrameError, match="a frame of 3 bytes cannot be read"):
        taken.next_frame()


def test_a_length_over_the_limit_is_refused_before_it_is_read() -> None:
    """Text where a frame should be announces a gigabyte; nobody waits for it."""
    taken = FrameDecoder[frames.Up](frames.Up)
    taken.feed(b"Traceback (most recent call last)")
    with pytest.raises(FrameError, match="announces"):
        taken.next_frame()


def test_too_long_a_frame_is_not_sent() -> None:
    """The sender notices, and names the kind."""
    with pytest.raises(FrameError, match="a LogLine frame of"):
        encode_frame(frames.LogLine("info", "x" * 100), limit=50)


def test_text_that_is_no_unicode_is_sent_all_the_same() -> None:
    """Half of a surrogate pair in any text, or name, of a frame: the rest of the frame arrives as it is."""
    frame = frames.LogLine("info", "a\ud800b", {"source": "\udc80", "k\ud800": "grüße"})
    taken = decoder()
    taken.feed(encode_frame(frame))
    expected = frames.LogLine("info", "a\ufffdb", {"source": "\ufffd", "k\ufffd": "grüße"})
    assert list(taken.frames()) == [expected]


def test_bytes_beside_such_text_stay_bytes() -> None:
    """A frame of raw records keeps them; only its text changes."""
    frame = frames.Samples(b"\xff\x00", b"", b"\xfe", b"", tag_sets=((("a", "\ud800"),),), series=(("m", 1),))
    taken = decoder()
    taken.feed(encode_frame(frame))
    assert list(taken.frames()) == [msgspec.structs.replace(frame, tag_sets=((("a", "\ufffd"),),))]


def test_the_other_direction_is_no_frame() -> None:
    """A worker that sends what only the coordinator may send is out of its mind."""
    taken = decoder()
    taken.feed(encode_frame(frames.RunSetup()))
    with pytest.raises(FrameError):
        taken.next_frame()


@pytest.fixture
def pair() -> Iterator[tuple[PeerChannel[frames.Up], socket.socket]]:
    """The coordinator's channel and the worker's socket."""
    ours, theirs = socket.socketpair()
    channel: PeerChannel[frames.Up] = PeerChannel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


def test_reading_takes_what_is_there(pair: tuple[PeerChannel[frames.Up], socket.socket]) -> None:
    """Nothing to read is no end; the end of the stream is, and a cut frame is none."""
    channel, peer = pair
    assert list(channel.read()) == []
    assert not channel.is_closed
    peer.sendall(encode_frame(SOME[0]) + encode_frame(SOME[1])[:5])
    assert list(channel.read()) == [SOME[0]]
    peer.close()
    assert list(channel.read()) == []
    assert channel.is_closed


def test_writing_never_blocks(pair: tuple[PeerChannel[frames.Up], socket.socket]) -> None:
    """What the socket does not take waits, and arrives whole and in order later."""
    channel, peer = pair
    large = frames.RunHandleSummary(b"x" * 3_000_000)
    channel.send(large)
    channel.send(frames.Exit())
    assert channel.wants_write
    taken: FrameDecoder[frames.Down] = FrameDecoder(frames.Down)
    arrived: list[frames.Down] = []
    peer.setblocking(False)
    while len(arrived) < 2:
        try:
            taken.feed(peer.recv(1 << 20))
        except BlockingIOError:
            channel.write()
        arrived += taken.frames()
    assert arrived == [large, frames.Exit()]
    assert not channel.wants_write


def test_a_peer_that_is_gone_shows_when_reading(pair: tuple[PeerChannel[frames.Up], socket.socket]) -> None:
    """Sending to it raises nothing, so that a death is noticed in one place."""
    channel, peer = pair
    peer.close()
    channel.send(frames.Exit())
    channel.send(frames.Exit())
    assert not channel.wants_write
    assert list(channel.read()) == []
    assert channel.is_closed
    channel.send(frames.Exit())
