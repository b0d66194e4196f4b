"""Frames of raw samples for tests, packed as a worker packs them."""

from array import array
from collections.abc import Sequence

from swell.engine.frames import Samples
from swell.metrics.delta import TagPairs
from swell.metrics.samples import HTTP, JUDGED, MARK_SHIFT, SAMPLE

MS = 1_000_000


def mark(vu: int, iteration: int) -> int:
    """The mark of a record that ``vu`` made in ``iteration``."""
    return vu << MARK_SHIFT | iteration


def exchange(at_ns: int, *, sent: int = 40, received: int = 200, flags: int = JUDGED) -> bytes:
    """An exchange that ended at ``at_ns`` with the first tag set: 1.5 ms waiting, 0.25 receiving."""
    return HTTP.pack(0, at_ns, 2 * MS, 0, 0, 0, 3 * MS // 2, MS // 4, sent, received, 0, flags)


def frame(
    exchanges: Sequence[tuple[bytes, int]] = (),
    samples: Sequence[tuple[int, int, float, int]] = (),
    tag_sets: Sequence[TagPairs] = (),
    series: Sequence[tuple[str, int]] = (),
) -> Samples:
    """A frame of (exchange, mark) and (series, time, value, mark)."""
    return Samples(
        http=b"".join(record for record, _ in exchanges),
        http_marks=array("q", (of for _, of in exchanges)).tobytes(),
        samples=b"".join(SAMPLE.pack(number, at_ns, value) for number, at_ns, value, _ in samples),
        sample_marks=array("q", (of for _, _, _, of in samples)).tobytes(),
        tag_sets=tuple(tag_sets),
        series=tuple(series),
    )
