"""The json output: one object a line, ``Metric`` before the first ``Point`` of each, in k6's shape."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from swell.base.clock import NS_PER_MS
from swell.config.options import ThresholdSpec
from swell.config.threshold_values import show_threshold
from swell.metrics.delta import TagPairs, format_metric_key
from swell.metrics.model import Metric, MetricType
from swell.metrics.thresholds import parse_metric_key, written_metric_key
from swell.output.encoder import EXCHANGE, Tags
from swell.output.numbers import format_ms, format_number, format_rfc3339_nano

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# JSON allows them, but k6 escapes them, as JavaScript once did not.
_SEPARATORS: Final = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029"})


def _text(value: object) -> str:
    return _dumps(value).translate(_SEPARATORS)


class JSONLines:
    """Encodes samples as JSON lines.

    ``thresholds`` by metric key, and the ``submetrics`` that the run has besides theirs, go into the
    ``Metric`` lines; ``metric`` gives the definition behind a name.
    """

    def __init__(
        self,
        metric: Callable[[str], Metric],
        thresholds: Mapping[str, Sequence[ThresholdSpec]],
        submetrics: Sequence[tuple[str, TagPairs]] = (),
    ) -> None:
        self._metric = metric
        self._thresholds: dict[str, list[object]] = {}
        self._submetrics: dict[str, list[dict[str, object]]] = {}
        keys = {parse_metric_key(key): key for key in thresholds}
        for name, pairs in dict.fromkeys((*keys, *submetrics)):
            if not pairs:
                self._thresholds[name] = list(map(show_threshold, thresholds[keys[name, pairs]]))
                continue
            written = written_metric_key(keys.get((name, pairs)) or format_metric_key(name, pairs))
            told: dict[str, object] = {"name": written, "suffix": written[len(name) + 1 : -1]}
            self._submetrics.setdefault(name, []).append({**told, "tags": dict(pairs)})
        # Text around what changes from line to line, per tag set: made once, as there are many lines.
        self._exchanges: dict[tuple[Tags, int | None, bool], str] = {}
        self._tails: dict[Tags, str] = {}
        self._heads: dict[str, str] = {}
        self._at_ns = -1
        self._at = ""

    def begin(self) -> str:
        """Nothing: each metric is defined where it comes first."""
        return ""

    def exchange(
        self, tags: Tags, at_ns: int, phases: Sequence[int], failed: int | None, metadata: TagPairs
    ) -> str:
        """The lines of one exchange."""
        blocked, connecting, tls, sending, waiting, receiving = phases
        key = (tags, failed, connecting > 0 or tls > 0)
        template = self._exchanges.get(key)
        if template is None or metadata:
            return self._slow_exchange(key, at_ns, phases, metadata)
        at = self._time(at_ns)
        duration = format_ms(sending + waiting + receiving)
        first, last = (at, at, duration, at, format_ms(blocked), at), (at, format_ms(sending), at)
        rest = (format_ms(waiting), at, format_ms(receiving))
        values: tuple[str, ...]
        if key[2]:
            values = (*first, format_ms(connecting), at, format_ms(tls), *last, *rest)
        else:
            values = (*first, at, *last, *rest)
        return template % values if failed is None else template % (*values, at)

    def point(self, name: str, tags: Tags, at_ns: int, value: float, metadata: TagPairs) -> str:
        """The line of one value, after the definition of its metric where it is the first."""
        head = self._heads.get(name)
        if head is None:
            head = self._heads[name] = f'{{"metric":"{name}","type":"Point","data":{{"time":"'
            return self._definition(name) + self.point(name, tags, at_ns, value, metadata)
        tail = self._tails.get(tags)
        if tail is None:
            tail = self._tails[tags] = f',"tags":{_text(dict(tags.pairs))}'
        at = self._at if at_ns == self._at_ns else self._time(at_ns)
        if metadata:
            return f'{head}{at}","value":{format_number(value)}{tail}{_metadata(metadata)}}}}}\n'
        return f'{head}{at}","value":{format_number(value)}{tail}}}}}\n'

    def _time(self, at_ns: int) -> str:
        """Many samples are of the same time."""
        if at_ns != self._at_ns:
            self._at_ns = at_ns
            self._at = format_rfc3339_nano(at_ns)
        return self._at

    def _slow_exchange(
        self, key: tuple[Tags, int | None, bool], at_ns: int, phases: Sequence[int], metadata: TagPairs
    ) -> str:
        """The lines of an exchange that is the first of its kind, or has metadata; one by one."""
        tags, failed, is_new = key
        values = [1, sum(phases[3:]) / NS_PER_MS, *(phase / NS_PER_MS for phase in phases)]
        if failed is not None:
            values.append(failed)
        lines = [
            self.point(name, tags, at_ns, value, metadata)
            for name, value in zip(EXCHANGE, values, strict=False)
        ]
        if not metadata:
            self._exchanges[key] = self._template(tags, failed, is_new=is_new)
        return "".join(lines)

    def _template(self, tags: Tags, failed: int | None, *, is_new: bool) -> str:
        tail = f',"tags":{_text(dict(tags.pairs))}'.replace("%", "%%")
        constants = {"http_reqs": "1", "http_req_failed": str(failed)}
        if not is_new:
            constants |= {"http_req_connecting": "0", "http_req_tls_handshaking": "0"}
        return "".join(
            f'{{"metric":"{name}","type":"Point","data":'
            f'{{"time":"%s","value":{constants.get(name, "%s")}{tail}}}}}\n'
            for name in (EXCHANGE if failed is not None else EXCHANGE[:-1])
        )

    def _definition(self, name: str) -> str:
        metric = self._metric(name)
        told = {
            "name": name,
            "type": MetricType(metric.type).value,
            "contains": metric.contains.value,
            "thresholds": self._thresholds.get(name, []),
            "submetrics": self._submetrics.get(name),
        }
        return f'{{"type":"Metric","data":{_text(told)},"metric":"{name}"}}\n'


def _metadata(pairs: TagPairs) -> str:
    return f',"metadata":{_text(dict(pairs))}'
