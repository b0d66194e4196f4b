"""The worker's end: sending never blocks, what waits is bounded, a coordinator that is gone is noticed."""

from collections.abc import Iterator

import gevent
import gevent.socket
import pytest

from swell.engine import frames
from swell.engine.channel import FrameDecoder, FrameError, encode_frame
from swell.engine.uplink import WorkerChannel

Ends = tuple[WorkerChannel, gevent.socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """The worker's channel and the coordinator's socket."""
    ours, theirs = gevent.socket.socketpair()
    yield WorkerChannel(ours, backlog_bytes=100_000), theirs
    ours.close()
    theirs.close()


def read_frames(peer: gevent.socket.socket, count: int) -> list[frames.Up]:
    """The next ``count`` frames."""
    taken: FrameDecoder[frames.Up] = FrameDecoder(frames.Up)
    arrived: list[frames.Up] = []
    while len(arrived) < count:
        taken.feed(peer.recv(1 << 16))
        arrived += taken.frames()
    return arrived


def test_what_is_sent_is_out_before_the_hub_turns(ends: Ends) -> None:
    """A script that hangs right after a line has still said it."""
    channel, peer = ends
    channel.send(frames.LogLine("info", "last words"))
    peer.setblocking(False)
    assert b"last words" in peer.recv(1000)


def test_a_slow_coordinator_does_not_hold_up_the_sender(ends: Ends) -> None:
    """Frames queue beyond the socket's buffer; the backlog shows, and everything arrives in order."""
    channel, peer = ends
    said = [frames.LogLine("info", f"{number} " + "x" * 10_000) for number in range(60)]
    for frame in said:
        channel.send(frame)
    assert channel.is_backlogged
    assert read_frames(peer, len(said)) == said
    assert channel.flush(60)
    assert not channel.is_backlogged


def test_frames_come_until_the_coordinator_closes(ends: Ends) -> None:
    """Iteration ends with the connection; later sends are dropped."""
    channel, peer = ends
    peer.sendall(encode_frame(frames.RunSetup()) + encode_frame(frames.Exit()))
    peer.close()
    assert list(channel) == [frames.RunSetup(), frames.Exit()]
    assert channel.is_closed
    channel.send(frames.Finished())
    assert not channel.flush(1)


def test_a_coordinator_that_vanishes_while_frames_wait(ends: Ends) -> None:
    """The writer gives up and frees what it held."""
    channel, peer = ends
    for _ in range(60):
        channel.send(frames.LogLine("info", "x" * 10_000))
    peer.close()
    assert not channel.flush(60)
    assert channel.is_closed
    assert not channel.is_backlogged


def test_garbage_from_above_is_an_error(ends: Ends) -> None:
    """The worker does not guess."""
    channel, peer = ends
    peer.sendall(b"\x00\x00\x00\x01\xc1")
    with pytest.raises(FrameError):
        list(channel)


def test_reading_lets_others_run(ends: Ends) -> None:
    """Waiting for a frame is cooperative."""
    channel, peer = ends
    reader = gevent.spawn(lambda: next(iter(channel)))
    gevent.spawn(peer.sendall, encode_frame(frames.RunSetup()))
    assert reader.get(timeout=60) == frames.RunSetup()
