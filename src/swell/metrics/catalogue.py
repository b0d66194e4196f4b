"""Which results a series feeds, decided once per tag set; this is where tables are kept bounded."""

from swell.metrics.delta import SeriesRules, TagPairs
from swell.metrics.model import Metric, MetricType
from swell.metrics.slots import CheckSlot, RequestSlot, Slot
from swell.metrics.tags import OVERFLOW, TagSet

# Not sections of their own: what setup and teardown did stands in the totals only.
_OUTSIDE = ("::setup", "::teardown")
_WHOLE_ITERATION = ("data_sent", "data_received")


class Catalogue:
    """All results of one worker, by what they belong to."""

    def __init__(self, rules: SeriesRules) -> None:
        self._rules = rules
        self.known = rules.known()
        self.unnamed: list[Metric] = []
        self.metrics: dict[str, Slot] = {}
        self.checks: dict[tuple[str, str, str], CheckSlot] = {}
        self.requests: dict[tuple[str, str], RequestSlot] = {}
        self.sections: dict[tuple[str, str], dict[str, Slot]] = {}
        self.groups: dict[str, None] = {}
        self.overflowed_rows = 0
        self._submetrics: dict[str, list[TagPairs]] = {}
        for name, pairs in rules.submetrics:
            self._submetrics.setdefault(name, []).append(pairs)

    def register(self, metric: Metric) -> None:
        """Make a metric known that the rules do not name."""
        if metric.name not in self.known:
            self.known[metric.name] = metric
            self.unnamed.append(metric)

    def metric(self, name: str) -> Metric:
        """The definition; a name that nobody defined is a trend."""
        if name not in self.known:
            self.register(Metric(name, MetricType.TREND))
        return self.known[name]

    def slots(self, name: str, tags: TagSet) -> tuple[Slot, ...]:
        """The metric, its submetrics that ``tags`` match, and its place in a section."""
        metric = self.metric(name)
        found = [self._slot(metric, ())]
        found += [
            self._slot(metric, pairs)
            for pairs in self._submetrics.get(name, ())
            if all(tags.get(tag) == value for tag, value in pairs)
        ]
        group = tags.get("group") or ""
        outside = group in _OUTSIDE
        if group and not outside:
            self._note_group(group)
        if self._rules.sections and not outside:
            scenario = tags.get("scenario") or ""
            # What goes over the wire is told by iteration in k6, which stands in no group.
            inner = "" if name in _WHOLE_ITERATION else group
            found.append(self._section_slot(metric, scenario, inner))
            if inner and scenario not in {"", "default"}:
                # A scenario's section has what its groups did, too; the default one's is the totals.
                found.append(self._section_slot(metric, scenario, ""))
        return tuple(found)

    def check(self, tags: TagSet) -> CheckSlot:
        """The line of the check that ``tags`` name."""
        key = (tags.get("scenario") or "", tags.get("group") or "", tags.get("check") or "")
        if key not in self.checks and len(self.checks) >= self._rules.check_rows:
            self.overflowed_rows += 1
            key = ("", "", OVERFLOW)
        return self.checks.setdefault(key, CheckSlot(*key))

    def request(self, tags: TagSet) -> RequestSlot:
        """The line of the request table that ``tags`` name."""
        key = (tags.get("name") or tags.get("url") or "", tags.get("method") or "")
        if key not in self.requests and len(self.requests) >= self._rules.request_rows:
            self.overflowed_rows += 1
            key = (OVERFLOW, "")
        slot = self.requests.get(key)
        if slot is None:
            slot = self.requests[key] = RequestSlot(*key, Slot(self.known["http_req_duration"]))
        return slot

    def _slot(self, metric: Metric, pairs: TagPairs) -> Slot:
        slot = Slot(metric, pairs)
        return self.metrics.setdefault(slot.key, slot)

    def _section_slot(self, metric: Metric, scenario: str, group: str) -> Slot:
        key = (scenario, group)
        if key not in self.sections and len(self.sections) >= self._rules.section_rows:
            self.overflowed_rows += 1
            key = (OVERFLOW, "")
        section = self.sections.setdefault(key, {})
        return section.setdefault(metric.name, Slot(metric))

    def _note_group(self, path: str) -> None:
        """First seen, first listed; an outer group before what it holds."""
        names = path.split("::")[1:]
        for depth in range(1, len(names) + 1):
            if len(self.groups) < self._rules.section_rows:
                self.groups.setdefault("::" + "::".join(names[:depth]))
