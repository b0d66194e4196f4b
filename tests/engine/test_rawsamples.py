"""Raw records go up beside what is aggregated, and a writer that is behind holds VUs, never the hub."""

from types import SimpleNamespace
from typing import Any, cast

import gevent

from swell.engine.executor import HubTurn
from swell.engine.frames import Samples
from swell.engine.rawsamples import RawRecorder, SampleFlow
from swell.engine.vu import VU, current_vu
from swell.metrics.samples import MARK_SHIFT
from swell.metrics.tags import TagRegistry


def recorder(flow: SampleFlow | None = None) -> tuple[RawRecorder, TagRegistry, list[Samples], list[int]]:
    """A recorder with its registry, the frames it sent, and the sizes of what was aggregated."""
    registry, sent, aggregated = TagRegistry(), [], []
    made = RawRecorder(
        lambda http, samples: aggregated.append(len(http) + len(samples)),
        registry,
        flow or SampleFlow(),
        sent.append,
    )
    return made, registry, sent, aggregated


def vu(number: int, iteration: int) -> VU:
    """A VU in one of its iterations."""
    made = VU(number, cast("Any", SimpleNamespace(env={}, run_tags=TagRegistry().empty)))
    made.iteration = iteration
    return made


def test_each_record_has_the_mark_of_its_vu() -> None:
    """VU and iteration stand beside each record, -1 where no VU made it, and metadata where there is some."""
    made, registry, sent, aggregated = recorder()
    series = registry.series("checks", registry.empty)
    made.sample(series, 1, 1.0)
    running = vu(7, 3)
    token = current_vu.set(running)
    made.http(*[0] * 12)
    running.metadata = (("trace", "x"),)
    made.sample(series, 2, 1.0)
    current_vu.reset(token)
    made.flush()
    (frame,) = sent
    here = 7 << MARK_SHIFT | 3
    assert memoryview(frame.http_marks).cast("q").tolist() == [here]
    assert memoryview(frame.sample_marks).cast("q").tolist() == [-1, here]
    assert frame.sample_metadata == ((1, (("trace", "x"),)),)
    assert frame.http_metadata == ()
    assert aggregated == [frame.size]


def test_tag_sets_and_series_travel_once() -> None:
    """A frame holds what was numbered since the one before; nothing is sent where nothing was recorded."""
    made, registry, sent, _ = recorder()
    made.sample(registry.series("checks", registry.intern({"a": "b"})), 1, 1.0)
    made.flush()
    made.flush()
    made.sample(registry.series("checks", registry.intern({"c": "d"})), 1, 1.0)
    made.flush()
    assert [(frame.tag_sets, frame.series) for frame in sent] == [
        (((), (("a", "b"),)), (("checks", 1),)),
        (((("c", "d"),),), (("checks", 2),)),
    ]


def test_a_full_buffer_is_sent_with_its_marks() -> None:
    """Every record has its mark, also where buffers are swapped in between."""
    made, registry, sent, _ = recorder()
    series = registry.series("checks", registry.empty)
    for _ in range(40_000):
        made.sample(series, 1, 1.0)
    made.flush()
    assert len(sent) > 1
    assert [len(frame.samples) // 24 for frame in sent] == [len(frame.sample_marks) // 8 for frame in sent]
    assert sum(len(frame.sample_marks) for frame in sent) == 8 * 40_000


def test_vus_are_held_while_the_writer_is_behind() -> None:
    """The turn at the end of an iteration waits until enough is written; the hub goes on meanwhile."""
    flow, turn = SampleFlow(ahead_bytes=100), HubTurn()
    held = []

    def hold() -> None:
        turn.hold = flow.wait
        held.append(True)

    flow.on_hold = hold
    flow.sent(100)
    assert not held
    flow.sent(1)
    assert held
    waiting = gevent.spawn(turn.take, 5)
    gevent.idle()
    assert not waiting.ready()
    flow.taken(50)
    waiting.join(timeout=60)
    assert waiting.successful()


def test_an_iteration_without_end_is_held_too() -> None:
    """Far ahead of the writer, an exchange waits within its iteration, after it was recorded."""
    flow = SampleFlow(ahead_bytes=100)
    made, _, sent, _ = recorder(flow)
    flow.sent(401)

    def iterate() -> None:
        current_vu.set(vu(1, 0))
        made.http(*[0] * 12)

    waiting = gevent.spawn(iterate)
    gevent.idle()
    assert not waiting.ready()
    made.flush()
    assert len(sent) == 1
    flow.taken(500)
    waiting.join(timeout=60)
    assert waiting.successful()
