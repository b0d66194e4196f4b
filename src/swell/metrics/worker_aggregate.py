"""The worker's side: fixed-width records in, one delta a second out.

Every record costs a constant number of vectorised steps, however many results its series feeds: a tag set's
number is looked up in an array that gives a row; rows stand for "all tag sets that feed the same results";
once a second each row is handed to its results.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Final

import numpy as np

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.metrics.catalogue import Catalogue
from swell.metrics.delta import Delta, SecondDelta, SeriesRules
from swell.metrics.distinct import distinct
from swell.metrics.histogram import Floats
from swell.metrics.model import HTTP_PHASES, Metric, MetricType
from swell.metrics.samples import (
    ERROR,
    FAILED,
    HTTP_FIELDS,
    JUDGED,
    SAMPLE_FIELDS,
    STAMPED,
    WINDOW_LIMITED,
    ErrorSeen,
)
from swell.metrics.sinks import Ints, PagedHistograms, RowNumbers
from swell.metrics.slots import Buckets, CountOf, Destination, HttpClass, RowTotals, Slot, zero_buckets
from swell.metrics.snapshot import Section
from swell.metrics.tags import TagRegistry

# Measured: with twice as many some temporary arrays are so large that the allocator maps them anew each time,
# which doubles the cost; with fewer the calls themselves cost more.
CHUNK: Final = 4_096

_HTTP_TRENDS: Final = (*HTTP_PHASES, "http_req_duration")
_FIRST_PHASE: Final = HTTP_FIELDS.index("blocked_ns")
_SENDING: Final = HTTP_FIELDS.index("sending_ns") - _FIRST_PHASE
_DURATION: Final = len(HTTP_PHASES)
_ENDED: Final = HTTP_FIELDS.index("ended_ns")
_SENT: Final = HTTP_FIELDS.index("sent_bytes")
_RECEIVED: Final = HTTP_FIELDS.index("received_bytes")
_GAP: Final = HTTP_FIELDS.index("gap_ns")
_FLAGS: Final = HTTP_FIELDS.index("flags")

# What a series is, as bits, so that one reduction tells which steps a buffer needs.
_TREND: Final = 1
_RATE: Final = 2
_COUNTER: Final = 4
_GAUGE: Final = 8
_ITERATION: Final = 16
_DATA_SENT: Final = 32
_DATA_RECEIVED: Final = 64
_TIMED: Final = _ITERATION | _DATA_SENT | _DATA_RECEIVED
_KINDS: Final = {
    MetricType.TREND: _TREND,
    MetricType.RATE: _RATE,
    MetricType.COUNTER: _COUNTER,
    MetricType.GAUGE: _GAUGE,
}
_NAMED_KINDS: Final = {
    "iteration_duration": _ITERATION,
    "data_sent": _DATA_SENT,
    "data_received": _DATA_RECEIVED,
}


class Lookup:
    """An array from a tag set's or series' number to a row; -1 where that is not decided yet."""

    def __init__(self) -> None:
        self._rows: Ints = np.full(256, -1, dtype=np.int64)

    def rows(self, numbers: Ints, top: int) -> Ints:
        """The row of each number; ``top`` is the largest of them."""
        if top >= len(self._rows):
            grown = np.full(max(top + 1, 2 * len(self._rows)), -1, dtype=np.int64)
            grown[: len(self._rows)] = self._rows
            self._rows = grown
        return self._rows[numbers]

    def __setitem__(self, number: int, row: int) -> None:
        self._rows[number] = row


class Rows:
    """Rows and what they feed: equal destinations share a row."""

    def __init__(self) -> None:
        self.destinations: list[tuple[Destination, ...]] = []
        self._numbers: dict[Hashable, int] = {}

    def row(self, destinations: tuple[Destination, ...]) -> int:
        """The number of the row that feeds ``destinations``."""
        number = self._numbers.get(destinations)
        if number is None:
            number = self._numbers[destinations] = len(self.destinations)
            self.destinations.append(destinations)
        return number


class _Second:
    """What ended within one second."""

    __slots__ = ("durations", "failures", "iterations", "received", "requests", "row", "sent")

    def __init__(self, durations: Slot, row: int) -> None:
        self.durations = durations
        self.row = row
        self.requests = self.failures = self.iterations = self.sent = self.received = 0


class WorkerAggregator:
    """Sums up a worker's records; ``consume`` serves as ``Recorder.on_full``."""

    def __init__(self, registry: TagRegistry, rules: SeriesRules, origin_ns: int = 0) -> None:
        self._registry = registry
        self._origin_ns = origin_ns
        self._catalogue = Catalogue(rules)
        self._rows = Rows()
        self._numbers = RowNumbers()
        self._pages = PagedHistograms()
        self._zeros = np.zeros(0, dtype=np.int64)
        # HTTP: one class per tag set for counts, one row per tag set and phase for times.
        self._class_of = Lookup()
        self._classes: list[HttpClass] = []
        self._class_numbers: dict[Hashable, int] = {}
        self._class_sums: Ints = np.zeros((6, 64), dtype=np.int64)
        self._phase_rows = [Lookup() for _ in _HTTP_TRENDS]
        # The row of a phase while all tag sets share one, else -1.
        self._single: list[int] = [-2] * len(_HTTP_TRENDS)
        # Samples.
        self._series_row = Lookup()
        self._series_kind = Lookup()
        self._counters_of: dict[Slot, CountOf] = {}
        # Seconds in progress, and rows that later ones can take over.
        self._seconds: dict[int, _Second] = {}
        self._idle: list[_Second] = []
        self._gap_slot = Slot(self._catalogue.known["http_req_waiting"])
        self._gap_row = self._new_row((self._gap_slot,))
        self._http_records = self._unstamped = self._window_limited = self._refused = 0
        self._groups_sent = self._metrics_sent = 0

    def start_at(self, origin_ns: int) -> None:
        """Align the seconds of the timeline with the start of the scenarios (monotonic)."""
        self._origin_ns = origin_ns

    def register(self, metric: Metric) -> None:
        """Make a metric known that the rules do not name (one made while the run goes on)."""
        self._catalogue.register(metric)

    def consume(self, http: bytes, samples: bytes) -> None:
        """Add whole ``HTTP`` and ``SAMPLE`` records; the memory is free again afterwards."""
        if len(http):
            exchanges = np.frombuffer(http, dtype=np.int64).reshape(-1, len(HTTP_FIELDS))
            for start in range(0, len(exchanges), CHUNK):
                self._add_http(np.ascontiguousarray(exchanges[start : start + CHUNK].T))
        if len(samples):
            records = np.frombuffer(samples, dtype=np.int64).reshape(-1, len(SAMPLE_FIELDS))
            for start in range(0, len(records), CHUNK):
                series, times, values = np.ascontiguousarray(records[start : start + CHUNK].T)
                self._add_samples(series, times, values.view(np.float64))

    # Exchanges.

    def _add_http(self, columns: Ints) -> None:
        """Add exchanges given as one row per field, split where they ended in different seconds."""
        ended = columns[_ENDED]
        first = self._second_of(int(ended.min()))
        if first == self._second_of(int(ended.max())):
            self._add_second(columns, self._second(first))
            return
        seconds = (ended - self._origin_ns) // NS_PER_SECOND
        for number in distinct(seconds).tolist():
            part = np.ascontiguousarray(columns[:, seconds == number])
            self._add_second(part, self._second(number))

    def _add_second(self, columns: Ints, second: _Second) -> None:
        tags = columns[0]
        top = int(tags.max())
        classes = self._class_of.rows(tags, top)
        if classes.min() < 0:
            for number in distinct(tags[classes < 0]).tolist():
                self._resolve_tags(number)
            classes = self._class_of.rows(tags, top)
        self._count(columns, classes, second)
        self._add_times(columns, tags, top, second)

    def _count(self, columns: Ints, classes: Ints, second: _Second) -> None:
        """Everything but times."""
        flags = columns[_FLAGS]
        judged = (flags & JUDGED) != 0
        failed = judged & ((flags & FAILED) != 0)
        failures = failed | ((flags & ERROR) != 0)
        size = self._class_sums.shape[1]
        sent, received = columns[_SENT], columns[_RECEIVED]
        for place, numbers in enumerate((None, judged, failed, failures, sent, received)):
            if len(classes) * 4 > size:
                # Floats hold these sums exactly: they stay under 2**53.
                sums = np.bincount(classes, weights=numbers, minlength=size)
                self._class_sums[place] += sums.astype(np.int64)
            else:
                ones = 1 if numbers is None else numbers.astype(np.int64)
                np.add.at(self._class_sums[place], classes, ones)
        count = len(classes)
        second.requests += count
        second.failures += int(np.count_nonzero(failures))
        second.sent += int(sent.sum())
        second.received += int(received.sum())
        self._http_records += count
        self._window_limited += int(np.count_nonzero(flags & WINDOW_LIMITED))
        stamped = (flags & STAMPED) != 0
        stamps = int(np.count_nonzero(stamped))
        self._unstamped += count - stamps
        if stamps:
            gaps = columns[_GAP] if stamps == count else columns[_GAP][stamped]
            in_ms = gaps / NS_PER_MS
            self._numbers.add_to_one(self._gap_row, in_ms)
            self._pages.add(np.full(stamps, self._gap_row, dtype=np.int64), in_ms)

    def _add_times(self, columns: Ints, tags: Ints, top: int, second: _Second) -> None:
        count = len(tags)
        times = np.empty((len(_HTTP_TRENDS) + 1, count))
        np.divide(columns[_FIRST_PHASE : _FIRST_PHASE + _DURATION], NS_PER_MS, out=times[:_DURATION])
        phases = columns[_FIRST_PHASE : _FIRST_PHASE + _DURATION]
        np.divide(phases[_SENDING:].sum(axis=0), NS_PER_MS, out=times[_DURATION])
        times[_DURATION + 1] = times[_DURATION]
        rows = np.empty(times.shape, dtype=np.int64)
        kept = []
        lows, highs, sums = times.min(axis=1), times.max(axis=1), times.sum(axis=1)
        numbers = self._numbers
        for phase, single in enumerate((*self._single, second.row)):
            if single < 0:
                rows[phase] = self._phase_rows[phase].rows(tags, top)
                numbers.add(rows[phase], times[phase])
                numbers.add_extremes(rows[phase], times[phase])
                kept.append(phase)
                continue
            numbers.counts[single] += count
            numbers.sums[single] += sums[phase]
            numbers.lows[single] = min(numbers.lows[single], lows[phase])
            numbers.highs[single] = max(numbers.highs[single], highs[phase])
            if lows[phase] == 0 == highs[phase]:
                # Connections are kept alive: most buffers have only zeros in the first phases.
                self._zeros[single] += count
            else:
                rows[phase] = single
                kept.append(phase)
        if kept:
            self._pages.add(rows[kept].ravel(), times[kept].ravel())

    def _resolve_tags(self, number: int) -> None:
        """Decide once what the exchanges with this tag set feed."""
        tags = self._registry[number]
        catalogue = self._catalogue
        request = catalogue.request(tags)
        found = HttpClass(
            catalogue.slots("http_reqs", tags),
            catalogue.slots("http_req_failed", tags),
            catalogue.slots("data_sent", tags),
            catalogue.slots("data_received", tags),
            request,
            tags.get("status") or "0",
        )
        place = self._class_numbers.setdefault(found.key, len(self._classes))
        if place == len(self._classes):
            self._classes.append(found)
            if place >= self._class_sums.shape[1]:
                self._class_sums = np.concatenate((self._class_sums, np.zeros_like(self._class_sums)), axis=1)
        self._class_of.rows(np.zeros(0, dtype=np.int64), number)
        self._class_of[number] = place
        for phase, name in enumerate(_HTTP_TRENDS):
            slots: tuple[Slot, ...] = catalogue.slots(name, tags)
            if phase == _DURATION:
                slots = (*slots, request.durations)
            row = self._new_row(slots)
            lookup = self._phase_rows[phase]
            lookup.rows(np.zeros(0, dtype=np.int64), number)
            lookup[number] = row
            self._single[phase] = row if self._single[phase] in (-2, row) else -1

    # Samples.

    def _add_samples(self, series: Ints, times: Ints, values: Floats) -> None:
        top = int(series.max())
        rows = self._series_row.rows(series, top)
        if rows.min() < 0:
            for number in distinct(series[rows < 0]).tolist():
                self._resolve_series(number)
            rows = self._series_row.rows(series, top)
        kinds = self._series_kind.rows(series, top)
        if not np.isfinite(values.sum()):
            good = np.isfinite(values)
            self._refused += int(len(values) - np.count_nonzero(good))
            rows, kinds, times, values = rows[good], kinds[good], times[good], values[good]
            if not len(values):
                return
        seen = int(np.bitwise_or.reduce(kinds))
        if seen & _RATE:
            values = np.where(kinds == _RATE, values != 0, values)
        self._numbers.add(rows, values)
        if seen & _TREND:
            trends = np.flatnonzero(kinds & _TREND)
            trend_rows, trend_values = rows[trends], values[trends]
            self._numbers.add_extremes(trend_rows, trend_values)
            self._pages.add(trend_rows, trend_values)
        if seen & _GAUGE:
            gauges = np.flatnonzero(kinds & _GAUGE)
            self._numbers.add_extremes(rows[gauges], values[gauges])
            # Where a row stands several times, the last assignment holds.
            self._numbers.lasts[rows[gauges]] = values[gauges]
        if seen & _TIMED:
            self._add_timed(kinds, times, values)

    def _add_timed(self, kinds: Ints, times: Ints, values: Floats) -> None:
        """Iterations and bytes by second."""
        timed = np.flatnonzero(kinds & _TIMED)
        kinds, values = kinds[timed], values[timed]
        seconds = (times[timed] - self._origin_ns) // NS_PER_SECOND
        low, high = int(seconds.min()), int(seconds.max())
        for number in (low,) if low == high else distinct(seconds).tolist():
            second = self._second(number)
            here = kinds if low == high else np.where(seconds == number, kinds, 0)
            second.iterations += int(np.count_nonzero(here & _ITERATION))
            second.sent += int(values[(here & _DATA_SENT) != 0].sum())
            second.received += int(values[(here & _DATA_RECEIVED) != 0].sum())

    def _resolve_series(self, number: int) -> None:
        """Decide once what the samples of this series feed."""
        name, tags = self._registry.series_key(number)
        catalogue = self._catalogue
        destinations: list[Destination] = list(catalogue.slots(name, tags))
        if name == "checks":
            destinations.append(catalogue.check(tags))
        if name == "iteration_duration":
            destinations += [
                self._counters_of.setdefault(slot, CountOf(slot))
                for slot in catalogue.slots("iterations", tags)
            ]
        kind = _KINDS[catalogue.metric(name).type] | _NAMED_KINDS.get(name, 0)
        for lookup, value in (
            (self._series_row, self._new_row(tuple(destinations))),
            (self._series_kind, kind),
        ):
            lookup.rows(np.zeros(0, dtype=np.int64), number)
            lookup[number] = value

    # Seconds and rows.

    def _second_of(self, instant_ns: int) -> int:
        return (instant_ns - self._origin_ns) // NS_PER_SECOND

    def _second(self, number: int) -> _Second:
        at_ns = self._origin_ns + number * NS_PER_SECOND
        second = self._seconds.get(at_ns)
        if second is None:
            if self._idle:
                second = self._idle.pop()
            else:
                slot = Slot(self._catalogue.known["http_req_duration"])
                second = _Second(slot, self._new_row((slot,)))
            self._seconds[at_ns] = second
        return second

    def _new_row(self, destinations: tuple[Destination, ...]) -> int:
        row = self._rows.row(destinations)
        self._numbers.grow(len(self._rows.destinations))
        if len(self._zeros) < len(self._numbers.counts):
            self._zeros = np.concatenate(
                (self._zeros, np.zeros(len(self._numbers.counts) - len(self._zeros), dtype=np.int64))
            )
        return row

    # The delta.

    def take_delta(self, from_ns: int, to_ns: int, errors: Iterable[ErrorSeen] = ()) -> Delta:
        """Everything consumed since the last call; ``errors`` is the drained ``ErrorTable``."""
        self._collect_rows()
        self._collect_classes()
        catalogue = self._catalogue
        values = {}
        for key, slot in catalogue.metrics.items():
            if slot.count:
                values[key] = slot.value()
                slot.clear()
        groups, metrics = tuple(catalogue.groups), tuple(catalogue.unnamed)
        delta = Delta(
            from_ns=from_ns,
            to_ns=to_ns,
            values=values,
            metrics=metrics[self._metrics_sent :],
            checks=tuple(slot.take() for slot in catalogue.checks.values() if slot.total),
            groups=groups[self._groups_sent :],
            requests=tuple(slot.take() for slot in catalogue.requests.values() if slot.count),
            sections=self._take_sections(),
            seconds=self._take_seconds(),
            errors=tuple(errors),
            http_records=self._http_records,
            unstamped=self._unstamped,
            window_limited=self._window_limited,
            gaps=self._gap_slot.histogram(),
            refused=self._refused,
            overflowed_tag_sets=self._registry.overflowed,
            overflowed_rows=catalogue.overflowed_rows,
        )
        self._gap_slot.clear()
        self._http_records = self._unstamped = self._window_limited = self._refused = 0
        self._groups_sent, self._metrics_sent = len(groups), len(metrics)
        return delta

    def _collect_rows(self) -> None:
        buckets = self._take_buckets()
        numbers = self._numbers
        for row in np.flatnonzero(numbers.counts).tolist():
            totals = RowTotals(
                int(numbers.counts[row]),
                float(numbers.sums[row]),
                float(numbers.lows[row]),
                float(numbers.highs[row]),
                float(numbers.lasts[row]),
                buckets.get(row, []),
            )
            for destination in self._rows.destinations[row]:
                destination.collect(totals)
        numbers.clear()

    def _take_buckets(self) -> dict[int, list[Buckets]]:
        rows, keys, counts = self._pages.take()
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        ends: Sequence[int] = [*starts[1:].tolist(), len(rows)]
        buckets = {
            int(rows[start]): [(keys[start:end], counts[start:end])]
            for start, end in zip(starts.tolist(), ends, strict=bool(len(starts)))
        }
        for row in np.flatnonzero(self._zeros).tolist():
            buckets.setdefault(row, []).append(zero_buckets(int(self._zeros[row])))
        self._zeros.fill(0)
        return buckets

    def _collect_classes(self) -> None:
        sums = self._class_sums
        for place in np.flatnonzero(sums[0]).tolist():
            self._classes[place].collect(*sums[:, place].tolist())
        sums.fill(0)

    def _take_sections(self) -> tuple[Section, ...]:
        sections = []
        for (scenario, group), slots in self._catalogue.sections.items():
            states = []
            for slot in slots.values():
                if slot.count:
                    states.append(slot.state())
                    slot.clear()
            if states:
                sections.append(Section(scenario, group, tuple(states)))
        return tuple(sections)

    def _take_seconds(self) -> tuple[SecondDelta, ...]:
        taken = []
        for at_ns, second in sorted(self._seconds.items()):
            taken.append(
                SecondDelta(
                    at_ns=at_ns,
                    requests=second.requests,
                    failures=second.failures,
                    iterations=second.iterations,
                    bytes_sent=second.sent,
                    bytes_received=second.received,
                    durations=second.durations.histogram().coarsened(),
                )
            )
            second.durations.clear()
            second.requests = second.failures = second.iterations = second.sent = second.received = 0
            self._idle.append(second)
        self._seconds.clear()
        return tuple(taken)
