"""From a worker's raw records to samples as k6 has them: an exchange is nine, bytes go by iteration.

A worker records bytes with each exchange, k6 once per iteration (and once for setup and teardown); so they
are added up per VU until the sample comes that ends its iteration: ``iteration_duration``, or ``data_sent``
of 0 where there is none.
"""

from collections.abc import Callable, Collection, Sequence
from operator import itemgetter
from typing import Final

from swell.base.redaction import NOTHING_SECRET, Redactor
from swell.engine.frames import Samples
from swell.metrics.delta import TagPairs
from swell.metrics.samples import FAILED, HTTP, JUDGED, MARK_MASK, MARK_SHIFT, SAMPLE, SAMPLE_FIELDS
from swell.output.encoder import Encoder, Tags

# Metrics of swell's own, which a k6 script's output does not have.
OWN_METRICS: Final = frozenset(
    {
        "iteration_start_lag",
        "iteration_response_time",
        "http_req_response_time",
        "ws_connect_failed",
        "ws_session_dropped",
    }
)
_DATA: Final = ("data_sent", "data_received")
_SAMPLE_LENGTH: Final = len(SAMPLE_FIELDS)
# When, the record, its mark and metadata.
Event = tuple[int, tuple[int, ...], int, TagPairs]
Adders = list[tuple[Encoder, Callable[[str], None]]]


class WorkerStream:
    """Expands what one worker sends.

    Args:
        encoders: each gets every sample.
        offset_ns: wall clock minus monotonic clock.
        system_tags: whether ``vu`` and ``iter`` are among them.
        left_out: metrics that are not passed on.
        redactor: keeps secrets out of tags and metadata.
    """

    def __init__(
        self,
        encoders: Collection[Encoder],
        offset_ns: int,
        system_tags: Collection[str],
        left_out: Collection[str] = (),
        redactor: Redactor = NOTHING_SECRET,
    ) -> None:
        self._redactor = redactor
        self._encoders = encoders
        self._offset_ns = offset_ns
        self._with_vu = "vu" in system_tags
        self._with_iteration = "iter" in system_tags
        self._left_out = left_out
        self._tag_sets: list[Tags] = []
        self._series: list[tuple[str, Tags]] = []
        # Bytes sent and received since the VU's last iteration ended.
        self._bytes: dict[int, list[int]] = {}

    def expand(self, frame: Samples) -> list[str]:
        """The text of ``frame`` for each encoder, in the order of time."""
        self._tag_sets += [Tags(self._redacted(pairs)) for pairs in frame.tag_sets]
        self._series += [(name, self._tag_sets[number]) for name, number in frame.series]
        texts: list[list[str]] = [[] for _ in self._encoders]
        adders = [(encoder, lines.append) for encoder, lines in zip(self._encoders, texts, strict=True)]
        http_metadata, sample_metadata = (
            self._metadata(frame.http_metadata),
            self._metadata(frame.sample_metadata),
        )
        events: list[Event] = [
            (record[1], record, mark, http_metadata.get(index, ()))
            for index, (record, mark) in enumerate(
                zip(HTTP.iter_unpack(frame.http), _marks(frame.http_marks), strict=True)
            )
        ]
        events += [
            (record[1], record, mark, sample_metadata.get(index, ()))
            for index, (record, mark) in enumerate(
                zip(SAMPLE.iter_unpack(frame.samples), _marks(frame.sample_marks), strict=True)
            )
        ]
        # Stable: an exchange and the iteration that it ends in the same nanosecond stay in this order.
        events.sort(key=itemgetter(0))
        has_place = self._with_vu or self._with_iteration
        for at_ns, record, mark, metadata in events:
            if has_place and mark >= 0:
                metadata = self._with_place(mark, metadata)  # noqa: PLW2901
            if len(record) == _SAMPLE_LENGTH:
                self._sample(adders, at_ns + self._offset_ns, record, mark, metadata)
            else:
                self._exchange(adders, at_ns + self._offset_ns, record, mark, metadata)
        return ["".join(lines) for lines in texts]

    def _redacted(self, pairs: TagPairs) -> TagPairs:
        return tuple(self._redactor.document(pairs)) if self._redactor else pairs

    def _metadata(self, given: Sequence[tuple[int, TagPairs]]) -> dict[int, TagPairs]:
        return {index: self._redacted(pairs) for index, pairs in given}

    def _with_place(self, mark: int, metadata: TagPairs) -> TagPairs:
        vu, iteration = mark >> MARK_SHIFT, mark & MARK_MASK
        pairs = dict(metadata)
        if self._with_iteration:
            pairs["iter"] = str(iteration)
        if self._with_vu and vu:
            pairs["vu"] = str(vu)
        return tuple(sorted(pairs.items()))

    def _exchange(
        self, adders: Adders, at_ns: int, record: tuple[int, ...], mark: int, metadata: TagPairs
    ) -> None:
        tags, _, blocked, connecting, tls, sending, waiting, receiving, sent, received, _, flags = record
        sums = self._bytes.get(mark >> MARK_SHIFT)
        if sums is None:
            sums = self._bytes[mark >> MARK_SHIFT] = [0, 0]
        sums[0] += sent
        sums[1] += received
        failed = (1 if flags & FAILED else 0) if flags & JUDGED else None
        phases = (blocked, connecting, tls, sending, waiting, receiving)
        tag_set = self._tag_sets[tags]
        for encoder, add in adders:
            add(encoder.exchange(tag_set, at_ns, phases, failed, metadata))

    def _sample(
        self, adders: Adders, at_ns: int, record: tuple[int, ...], mark: int, metadata: TagPairs
    ) -> None:
        series, _, value = record
        name, tags = self._series[series]
        if name in self._left_out:
            return
        if name in _DATA:
            self._bytes.setdefault(mark >> MARK_SHIFT, [0, 0])[_DATA.index(name)] += int(value)
            if value or name != _DATA[0]:
                return
            samples = self._take_bytes(mark)
        elif name == "iteration_duration":
            samples = [*self._take_bytes(mark), (name, value), ("iterations", 1)]
        else:
            samples = [(name, value)]
        for encoder, add in adders:
            for metric, number in samples:
                add(encoder.point(metric, tags, at_ns, number, metadata))

    def _take_bytes(self, mark: int) -> list[tuple[str, float]]:
        sent, received = self._bytes.pop(mark >> MARK_SHIFT, (0, 0))
        return [(_DATA[0], sent), (_DATA[1], received)]

    def rest(self, tags: Tags, at_ns: int) -> list[str]:
        """Bytes of iterations whose end never came (a worker that was lost), for each encoder."""
        sent = sum(sums[0] for sums in self._bytes.values())
        received = sum(sums[1] for sums in self._bytes.values())
        self._bytes.clear()
        if not sent and not received:
            return ["" for _ in self._encoders]
        return [
            encoder.point(_DATA[0], tags, at_ns, sent, ())
            + encoder.point(_DATA[1], tags, at_ns, received, ())
            for encoder in self._encoders
        ]


def _marks(packed: bytes) -> list[int]:
    return memoryview(packed).cast("q").tolist()
