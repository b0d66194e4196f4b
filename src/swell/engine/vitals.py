"""How the worker itself fares: memory, processor, descriptors, clock steps, hub lag, garbage, the network."""

import gc
import os
import resource
import sys
import time
from collections.abc import Callable

from swell.base.clock import CLOCK_OFFSET, NS_PER_MS, ClockOffset
from swell.engine.frames import Health
from swell.engine.network import NetworkCounters, read_network_counters

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Time synchronisation slews by at most 0.5 ms per second; what moves further between two looks is a step.
CLOCK_STEP_NS = NS_PER_MS


def rss_bytes() -> int:
    """Resident memory of this process in bytes; the peak where the system does not tell the present value."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:  # noqa: PTH123
            return int(file.read().split()[1]) * _PAGE_BYTES
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def processor_wait_ns() -> int:
    """How long this thread has waited for a processor that others had; 0 where nothing tells."""
    try:
        with open("/proc/thread-self/schedstat", "rb", buffering=0) as file:  # noqa: PTH123
            return int(file.read().split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def open_files() -> int:
    """How many descriptors are open, at least: the kernel gives out the lowest free number.

    Counting /proc/self/fd would cost milliseconds with ten thousand connections.
    """
    try:
        descriptor = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.close(descriptor)
    return descriptor


class Vitals:
    """Collects ``Health`` between two deltas; all methods are called by the hub's tick."""

    def __init__(
        self,
        offset: ClockOffset = CLOCK_OFFSET,
        process_time: Callable[[], int] = time.process_time_ns,
        network: Callable[[], NetworkCounters] = read_network_counters,
        thread_time: Callable[[], int] = time.thread_time_ns,
        processor_wait: Callable[[], int] = processor_wait_ns,
    ) -> None:
        self._offset = offset
        self._process_time = process_time
        self._cpu_ns = process_time()
        self._lag_max_ns = 0
        self._lag_frame = ""
        self._lag_waited_ns = 0
        self._processor_wait = processor_wait
        self._waited_ns = processor_wait()
        self._steps = 0
        self._step_max_ns = 0
        self._network = network
        self._network_before = network()
        self._thread_time = thread_time
        self._gc_started_ns: int | None = None
        self._gc_max_ns = 0
        self._gc_ns = 0

    def watch_garbage(self) -> None:
        """Take the time of every collection from now on, those that a script asks for too."""
        gc.callbacks.append(self.note_garbage)

    def note_garbage(self, phase: str, _info: dict[str, int]) -> None:
        """A collection starts or stops (``gc.callbacks``): in between nothing else runs in this process.

        What counts is the thread's processor time. Where the machine gives the processor to others meanwhile,
        the VUs stand still too, but the garbage is not to blame: that is the hub's lag.
        """
        now_ns = self._thread_time()
        if phase == "start":
            self._gc_started_ns = now_ns
        elif self._gc_started_ns is not None:
            pause_ns = now_ns - self._gc_started_ns
            self._gc_started_ns = None
            self._gc_ns += pause_ns
            self._gc_max_ns = max(self._gc_max_ns, pause_ns)

    def note_lag(self, lag_ns: int, frame: str) -> None:
        """The tick's timer fired ``lag_ns`` late; ``frame`` is where the hub was held, if sampled.

        What the thread waited for a processor since the last call was a part of it.
        """
        before_ns, self._waited_ns = self._waited_ns, self._processor_wait()
        if lag_ns > self._lag_max_ns:
            self._lag_waited_ns = min(lag_ns, self._waited_ns - before_ns)
            self._lag_max_ns = lag_ns
            self._lag_frame = frame or self._lag_frame

    def check_clock(self) -> None:
        """Compare the wall clock with the monotonic one: kernel stamps are on the former."""
        change = abs(self._offset.measure())
        if change > CLOCK_STEP_NS:
            self._steps += 1
            self._step_max_ns = max(self._step_max_ns, change)

    def take(self, tag_sets: int, overflowed: int) -> Health:
        """What was seen since the last call."""
        cpu_ns = self._process_time()
        network = self._network()
        counted = network.since(self._network_before)
        health = Health(
            hub_lag_max_ns=self._lag_max_ns,
            hub_lag_frame=self._lag_frame,
            hub_lag_waited_ns=self._lag_waited_ns,
            cpu_ns=cpu_ns - self._cpu_ns,
            clock_steps=self._steps,
            clock_step_max_ns=self._step_max_ns,
            rss_bytes=rss_bytes(),
            open_files=open_files(),
            tag_sets=tag_sets,
            overflowed=overflowed,
            gc_pause_max_ns=self._gc_max_ns,
            gc_pause_ns=self._gc_ns,
            segments_sent=counted.segments_sent,
            segments_resent=counted.segments_resent,
            listen_drops=counted.listen_drops,
        )
        self._network_before = network
        self._cpu_ns = cpu_ns
        self._lag_max_ns = self._lag_waited_ns = 0
        self._steps = self._step_max_ns = self._gc_max_ns = self._gc_ns = 0
        self._lag_frame = ""
        return health
