"""How a worker fared: lag, clock steps, processor time, memory, descriptors; and stacks as text."""

import gc
import os
import sys

from swell.base.clock import NS_PER_MS, ClockOffset
from swell.engine.network import NetworkCounters
from swell.engine.stacks import blocking_frame, format_frames
from swell.engine.vitals import CLOCK_STEP_NS, Vitals, open_files, processor_wait_ns, rss_bytes


class Clocks:
    """Four clocks under the test's control."""

    def __init__(self) -> None:
        self.mono_ns = 1_000
        self.wall_ns = 5_000_000
        self.cpu_ns = 0
        self.thread_ns = 0
        self.read_gap_ns = 0

    def monotonic(self) -> int:
        self.mono_ns += self.read_gap_ns
        return self.mono_ns

    def vitals(self) -> Vitals:
        return Vitals(
            ClockOffset(self.monotonic, lambda: self.wall_ns),
            lambda: self.cpu_ns,
            thread_time=lambda: self.thread_ns,
        )

    def advance(self, monotonic_ns: int, wall_ns: int) -> None:
        self.mono_ns += monotonic_ns
        self.wall_ns += wall_ns


def test_the_longest_lag_names_its_frame() -> None:
    """The maximum since the last delta, with the frame that was sampled then; both start anew."""
    vitals = Clocks().vitals()
    vitals.note_lag(5, "")
    vitals.note_lag(900, "s.py:1 in f")
    vitals.note_lag(30, "s.py:2 in g")
    health = vitals.take(0, 0)
    assert (health.hub_lag_max_ns, health.hub_lag_frame) == (900, "s.py:1 in f")
    assert vitals.take(0, 0).hub_lag_max_ns == 0


def test_the_longest_lag_knows_what_others_took() -> None:
    """The wait for a processor since the tick before, never more than the lag; then it starts anew."""
    waits = iter([1_000, 1_300, 2_000, 2_010])
    vitals = Vitals(processor_wait=lambda: next(waits))
    vitals.note_lag(900, "s.py:1 in f")
    vitals.note_lag(500, "s.py:2 in g")
    assert vitals.take(0, 0).hub_lag_waited_ns == 300
    vitals.note_lag(4, "")
    health = vitals.take(0, 0)
    assert (health.hub_lag_max_ns, health.hub_lag_waited_ns) == (4, 4)
    assert processor_wait_ns() >= 0


def test_a_step_of_the_wall_clock_is_counted_with_its_size() -> None:
    """Slewing is no step; setting the clock in either direction is."""
    clocks = Clocks()
    vitals = clocks.vitals()
    vitals.check_clock()
    clocks.advance(50 * NS_PER_MS, 50 * NS_PER_MS + CLOCK_STEP_NS // 2)
    vitals.check_clock()
    assert vitals.take(0, 0).clock_steps == 0
    clocks.advance(50 * NS_PER_MS, 50 * NS_PER_MS + 3 * CLOCK_STEP_NS)
    vitals.check_clock()
    clocks.advance(50 * NS_PER_MS, 50 * NS_PER_MS - 7 * CLOCK_STEP_NS)
    vitals.check_clock()
    health = vitals.take(0, 0)
    assert (health.clock_steps, health.clock_step_max_ns) == (2, 7 * CLOCK_STEP_NS)


def test_an_interrupted_reading_is_no_step() -> None:
    """When the two reads of the monotonic clock lie apart, the offset means nothing."""
    clocks = Clocks()
    vitals = clocks.vitals()
    vitals.check_clock()
    clocks.read_gap_ns = NS_PER_MS
    clocks.advance(0, 20 * CLOCK_STEP_NS)
    vitals.check_clock()
    assert vitals.take(0, 0).clock_steps == 0


def test_processor_time_is_since_the_last_delta() -> None:
    """Sums of deltas are the whole."""
    clocks = Clocks()
    vitals = clocks.vitals()
    clocks.cpu_ns = 700
    assert vitals.take(0, 0).cpu_ns == 700
    clocks.cpu_ns = 1000
    health = vitals.take(12, 3)
    assert (health.cpu_ns, health.tag_sets, health.overflowed) == (300, 12, 3)


def test_garbage_collections_are_timed() -> None:
    """The longest pause and their sum since the last delta, whoever asked for the collection."""
    vitals = Vitals()
    vitals.watch_garbage()
    try:
        gc.collect()
        gc.collect()
    finally:
        gc.callbacks.remove(vitals.note_garbage)
    health = vitals.take(0, 0)
    assert 0 < health.gc_pause_max_ns < health.gc_pause_ns
    assert vitals.take(0, 0).gc_pause_ns == 0


def test_a_machine_that_takes_the_processor_away_is_no_garbage() -> None:
    """A collection counts with its processor time, however long the clock went on."""
    clocks = Clocks()
    vitals = clocks.vitals()
    vitals.note_garbage("stop", {})
    for cpu_ns, waited_ns in ((3 * NS_PER_MS, 900 * NS_PER_MS), (5 * NS_PER_MS, 0)):
        vitals.note_garbage("start", {})
        clocks.thread_ns += cpu_ns
        clocks.advance(cpu_ns + waited_ns, cpu_ns + waited_ns)
        vitals.note_garbage("stop", {})
    health = vitals.take(0, 0)
    assert (health.gc_pause_max_ns, health.gc_pause_ns) == (5 * NS_PER_MS, 8 * NS_PER_MS)


def test_the_network_is_counted_since_the_last_delta() -> None:
    """What happened in the namespace before the run is not the run's."""
    counts = [NetworkCounters(900, 50, 7), NetworkCounters(1_000, 53, 7), NetworkCounters(1_400, 53, 9)]
    vitals = Vitals(network=lambda: counts.pop(0))
    health = vitals.take(0, 0)
    assert (health.segments_sent, health.segments_resent, health.listen_drops) == (100, 3, 0)
    health = vitals.take(0, 0)
    assert (health.segments_sent, health.segments_resent, health.listen_drops) == (400, 0, 2)


def test_memory_and_descriptors_are_plausible() -> None:
    """More open files give a higher number; resident memory is some megabytes."""
    assert rss_bytes() > 5_000_000
    before = open_files()
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(40)]
    assert open_files() >= before + 1
    for descriptor in opened:
        os.close(descriptor)


def test_a_stack_is_one_line_per_frame_innermost_first() -> None:
    """File, line and function; the engine's own frames at the bottom are left out."""

    def inner() -> str:
        return format_frames(sys._getframe())

    lines = inner().splitlines()
    assert lines[0].startswith(f"{__file__}:")
    assert lines[0].endswith(".inner")
    assert "test_a_stack_is_one_line" in lines[1]
    assert format_frames(None) == ""
    assert len(format_frames(sys._getframe(), limit=2).splitlines()) == 2


def test_the_frame_to_blame_is_the_scripts() -> None:
    """The script's innermost frame where it is on the stack, else the innermost of all."""
    stack = "/lib/re.py:9 in match\n/x/script.py:12 in parse\n/x/script.py:3 in default"
    assert blocking_frame(stack, "/x/script.py") == "/x/script.py:12 in parse"
    assert blocking_frame(stack, "/y.py") == "/lib/re.py:9 in match"
    assert blocking_frame("", "/x/script.py") == ""
