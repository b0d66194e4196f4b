"""The recorder of a run with outputs: its records go up as they are, besides being aggregated.

A worker sends ahead of the writer by a bounded number of bytes. Beyond it, VUs are held at the end of their
iterations (a request or a sleep is measured as ever), and far beyond it also within one; the hub goes on.
"""

from array import array
from collections.abc import Callable
from typing import ClassVar, Final

from gevent.event import Event

from swell.engine.frames import Samples
from swell.engine.vu import current_vu
from swell.metrics.delta import TagPairs
from swell.metrics.samples import MARK_SHIFT, Recorder
from swell.metrics.tags import TagRegistry

# Three seconds of a worker that sends 25,000 requests a second.
AHEAD_BYTES: Final = 8 * 1024 * 1024
# An iteration that never ends is held, too, when it is this many times further ahead.
FAR_AHEAD: Final = 4


class SampleFlow:
    """How far a worker is ahead of the writer."""

    def __init__(self, ahead_bytes: int = AHEAD_BYTES) -> None:
        self._limit = ahead_bytes
        self._ahead = 0
        self._open = Event()
        self._open.set()
        # Called when VUs are to be held.
        self.on_hold: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"<SampleFlow {self._ahead} of {self._limit} bytes ahead>"

    @property
    def is_far_ahead(self) -> bool:
        """Whether even a running iteration has to wait."""
        return self._ahead > FAR_AHEAD * self._limit

    @property
    def is_held(self) -> bool:
        """Whether VUs wait at the end of their iterations."""
        return self._ahead > self._limit

    def sent(self, size: int) -> None:
        """``size`` bytes went up."""
        self._ahead += size
        if self.is_held:
            self._open.clear()
            self.on_hold()

    def taken(self, size: int) -> None:
        """``size`` bytes are written."""
        self._ahead = max(0, self._ahead - size)
        if not self.is_held:
            self._open.set()

    def wait(self) -> None:
        """Wait until the writer has caught up."""
        self._open.wait()


class RawRecorder(Recorder):
    """A recorder whose records are sent up: each with a mark of its VU and iteration, and its metadata."""

    __slots__ = (
        "_append_http",
        "_append_sample",
        "_flow",
        "_http_marks",
        "_http_metadata",
        "_registry",
        "_sample_marks",
        "_sample_metadata",
        "_send",
        "_sent_series",
        "_sent_tags",
    )

    has_marks: ClassVar[bool] = True

    def __init__(
        self,
        on_full: Callable[[bytes, bytes], None],
        registry: TagRegistry,
        flow: SampleFlow,
        send: Callable[[Samples], None],
    ) -> None:
        super().__init__(on_full)
        self._append_http, self._append_sample = self.keep_http, self.keep_sample
        self.keep_http, self.keep_sample = self._keep_marked_http, self._keep_marked_sample
        self._registry = registry
        self._flow = flow
        self._send = send
        self._sent_tags = self._sent_series = 0
        self._http_marks, self._sample_marks = array("q"), array("q")
        self._http_metadata: list[tuple[int, TagPairs]] = []
        self._sample_metadata: list[tuple[int, TagPairs]] = []

    def _keep_marked_http(self, record: bytes) -> None:
        self._mark(self._http_marks, self._http_metadata)
        self._append_http(record)
        if self._flow.is_far_ahead and current_vu.get(None) is not None:
            self._flow.wait()

    def _keep_marked_sample(self, record: bytes) -> None:
        self._mark(self._sample_marks, self._sample_metadata)
        self._append_sample(record)

    def flush(self) -> None:
        """Hand what is recorded to ``on_full``, and send it up."""
        http, samples = self.take()
        if self.on_full is not None:
            self.on_full(http, samples)
        if not http and not samples:
            return
        registry = self._registry
        sets, series = len(registry), registry.series_count
        frame = Samples(
            http=http,
            http_marks=self._http_marks.tobytes(),
            samples=samples,
            sample_marks=self._sample_marks.tobytes(),
            http_metadata=tuple(self._http_metadata),
            sample_metadata=tuple(self._sample_metadata),
            tag_sets=tuple(registry[number].pairs for number in range(self._sent_tags, sets)),
            series=tuple(
                (name, tags.number)
                for name, tags in map(registry.series_key, range(self._sent_series, series))
            ),
        )
        self._sent_tags, self._sent_series = sets, series
        self._http_marks, self._sample_marks = array("q"), array("q")
        self._http_metadata, self._sample_metadata = [], []
        self._flow.sent(frame.size)
        self._send(frame)

    def _mark(self, marks: "array[int]", metadata: list[tuple[int, TagPairs]]) -> None:
        vu = current_vu.get(None)
        if vu is None:
            marks.append(-1)
            return
        if vu.metadata:
            metadata.append((len(marks), vu.metadata))
        marks.append(vu.id << MARK_SHIFT | vu.iteration)
