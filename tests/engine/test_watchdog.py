"""The watchdog: heartbeats with the hub's age, the stack of a stuck hub, and the end of an orphan."""

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from swell.base.clock import NS_PER_MS
from swell.engine import frames
from swell.engine.channel import FrameDecoder
from swell.engine.watchdog import HEARTBEAT_NS, STALL_NS, HubPulse, Watchdog


class Kit:
    """A watchdog on one end of a socket pair."""

    def __init__(self) -> None:
        self.coordinator, self.worker = socket.socketpair()
        self.pulse = HubPulse()
        self.ended: list[bool] = []
        self.watchdog = Watchdog(
            self.worker.fileno(),
            self.pulse,
            threading.get_ident(),
            select.poll(),
            lambda: self.ended.append(True),
        )
        self.decoder: FrameDecoder[frames.Heartbeat] = FrameDecoder(frames.Heartbeat)

    def heard(self) -> list[frames.Heartbeat]:
        self.coordinator.setblocking(False)
        try:
            self.decoder.feed(self.coordinator.recv(1 << 20))
        except BlockingIOError:
            return []
        return list(self.decoder.frames())


@pytest.fixture
def kit() -> Iterator[Kit]:
    """A watchdog with both ends of its connection."""
    kit = Kit()
    yield kit
    kit.coordinator.close()
    kit.worker.close()


def test_it_beats_with_the_age_of_the_hub(kit: Kit) -> None:
    """One heartbeat per interval, with age and memory, without a stack while the hub turns."""
    start = kit.pulse.beat_ns
    for step in range(11):
        assert kit.watchdog.look(start + step * HEARTBEAT_NS // 5)
        kit.pulse.beat_ns = start + step * HEARTBEAT_NS // 5
    beats = kit.heard()
    assert [beat.hub_age_ns for beat in beats] == [0, HEARTBEAT_NS // 5, HEARTBEAT_NS // 5]
    assert all(beat.rss_bytes > 1_000_000 for beat in beats)
    assert {beat.stack for beat in beats} == {""}


def test_a_stall_is_sampled_for_the_hub_and_the_coordinator(kit: Kit) -> None:
    """Beyond the limit the main thread's stack is taken, innermost frame first."""
    kit.watchdog.look(kit.pulse.beat_ns + STALL_NS + NS_PER_MS)
    (beat,) = kit.heard()
    assert "in Watchdog." in beat.stack.splitlines()[0]
    assert "test_a_stall_is_sampled" in beat.stack
    assert kit.pulse.take_stall() == beat.stack
    assert kit.pulse.take_stall() == ""


def test_a_coordinator_that_does_not_read_holds_nothing_up(kit: Kit) -> None:
    """The rest of a heartbeat waits, no frame is cut, and later ones are whole."""
    kit.worker.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    now = kit.pulse.beat_ns
    for _ in range(3000):
        now += HEARTBEAT_NS
        assert kit.watchdog.look(now)
    count = 0
    while beats := kit.heard():
        count += len(beats)
        now += HEARTBEAT_NS
        kit.watchdog.look(now)
        if count > 4000:
            break
    assert count > 4000
    assert kit.ended == []


def test_the_end_of_the_coordinator_ends_the_process(kit: Kit) -> None:
    """In its thread it notices the closed connection and calls the end."""
    thread = threading.Thread(target=kit.watchdog.run)
    thread.start()
    kit.coordinator.close()
    thread.join()
    assert kit.ended == [True]


def test_a_closed_connection_shows_when_beating(kit: Kit) -> None:
    """Writing to a dead coordinator says so."""
    kit.coordinator.close()
    assert not kit.watchdog.look(kit.pulse.beat_ns)


def test_the_group_ends_with_its_leader() -> None:
    """A process that leads its group kills what it started; one that does not, only itself."""
    code = (
        "import subprocess, sys\n"
        "from swell.engine.watchdog import end_process_group\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print(child.pid, flush=True)\n"
        "end_process_group()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, process_group=0
    ) as leader:
        assert leader.stdout is not None
        child = os.pidfd_open(int(leader.stdout.readline()))
        readable, _, _ = select.select([child], [], [], 60)
        os.close(child)
    assert readable
    assert leader.returncode == -9
