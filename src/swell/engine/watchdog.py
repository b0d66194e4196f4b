"""A native thread beside the hub: says that the process lives, where a stuck hub is, and ends an orphan.

It must work while the hub does not, so nothing here may be monkey-patched: the thread, ``poll`` and the
writes are the originals, passed in by the worker's entry point. It has a connection of its own, as its bytes
must not fall between the hub's.

    hub's greenlet --beat--> HubPulse --age--> Watchdog --Heartbeat--> coordinator
                   <-stall--

The connection is also the leash: at its end the coordinator is gone, and the process kills its own group, so
that neither the worker nor what the script started outlives a run.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Protocol

from swell.base.clock import NS_PER_MS, monotonic_ns
from swell.engine.channel import encode_frame
from swell.engine.frames import Heartbeat
from swell.engine.stacks import format_frames
from swell.engine.vitals import rss_bytes

# How often the thread looks at the hub. Each look costs the hub one hand-over of the interpreter lock.
LOOK_NS = 50 * NS_PER_MS
# A hub that has not turned for this long is stalled, and the frame that holds it is sampled.
STALL_NS = 100 * NS_PER_MS
# Heartbeats carry the memory in use, so they bound how late --max-memory is noticed.
HEARTBEAT_NS = 250 * NS_PER_MS


class HubPulse:
    """What the hub's greenlet and the watchdog tell each other; each field has one writer at a time."""

    __slots__ = ("beat_ns", "stalled_in")

    def __init__(self) -> None:
        self.beat_ns = monotonic_ns()
        # The stack of the longest current stall, innermost frame first; taken by the hub when it turns again.
        self.stalled_in = ""

    def take_stall(self) -> str:
        """The stack that the watchdog sampled since the last call, or an empty text."""
        stack, self.stalled_in = self.stalled_in, ""
        return stack


class Poller(Protocol):
    """What the watchdog needs of an original ``select.poll()``."""

    def register(self, fd: int, eventmask: int, /) -> None:
        """Watch ``fd``."""
        ...

    def poll(self, timeout: float, /) -> list[tuple[int, int]]:
        """Wait up to ``timeout`` milliseconds for an event."""
        ...


POLLIN = 1  # select.POLLIN; the module's own constant may belong to a patched module


class Watchdog:
    """The body of the native thread; ``run`` returns only when ``end_process`` does."""

    def __init__(
        self,
        fd: int,
        pulse: HubPulse,
        main_thread: int,
        poller: Poller,
        end_process: Callable[[], None],
        current_frames: Callable[[], dict[int, FrameType]] = sys._current_frames,
    ) -> None:
        os.set_blocking(fd, False)
        poller.register(fd, POLLIN)
        self._fd = fd
        self._pulse = pulse
        self._main_thread = main_thread
        self._poller = poller
        self._end_process = end_process
        self._current_frames = current_frames
        self._unsent = b""
        self._heartbeat_due_ns = 0

    def run(self) -> None:
        """Look, beat and sleep until the coordinator's end of the connection closes."""
        while not self._poller.poll(LOOK_NS / NS_PER_MS):
            if not self.look(monotonic_ns()):
                break
        # The coordinator never writes here: an event is the end of the connection.
        self._end_process()

    def look(self, now_ns: int) -> bool:
        """Look at the hub once, and beat when it is time; False where the coordinator is gone."""
        age_ns = now_ns - self._pulse.beat_ns
        stack = ""
        if age_ns > STALL_NS:
            stack = self._main_stack()
            self._pulse.stalled_in = stack
        if now_ns < self._heartbeat_due_ns:
            return True
        self._heartbeat_due_ns = now_ns + HEARTBEAT_NS
        if not self._unsent:
            self._unsent = encode_frame(Heartbeat(age_ns, stack, rss_bytes()))
        return self._write()

    def _main_stack(self) -> str:
        frame = self._current_frames().get(self._main_thread)
        return format_frames(frame)

    def _write(self) -> bool:
        """Write what the socket takes: a coordinator that does not read must not hold up the look-out."""
        try:
            self._unsent = self._unsent[os.write(self._fd, self._unsent) :]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


def end_process_group() -> None:
    """Kill this process, and what it started where it leads its own group."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
