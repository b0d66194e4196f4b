"""Custom metrics: Counter, Gauge, Rate and Trend, declared while the script loads."""

import math
from typing import TYPE_CHECKING

from swell.engine.vu import current_vu
from swell.metrics.model import BUILTIN_METRICS, METRIC_NAME, Contains, MetricType
from swell.scripts.native.state import CACHE_LIMIT, TagValues, VUState, init_context, running_vu

if TYPE_CHECKING:
    from swell.metrics.tags import TagSet


class CustomMetric:
    """Base of the four kinds; ``name`` and ``is_time`` (values are milliseconds) as in k6."""

    type: MetricType
    __slots__ = ("_numbers", "is_time", "name")

    def __init__(self, name: str, is_time: bool = False) -> None:  # k6's signature
        self.name = name
        self.is_time = is_time
        self._numbers: dict[TagSet, int] = {}
        self._declare()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def _declare(self) -> None:
        """Register with the loading script; defined alike twice is one metric, differently a fault."""
        declarations = init_context(f"{type(self).__name__}({self.name!r})")
        if declarations is None:
            return
        if not isinstance(self.name, str) or not METRIC_NAME.fullmatch(self.name):
            declarations.fault(
                f"{self.name!r} is no metric name",
                "use 2 to 129 letters, digits and underscores, and begin with no digit",
            )
            return
        contains = Contains.TIME if self.is_time else Contains.DEFAULT
        builtin = BUILTIN_METRICS.get(self.name)
        if builtin is not None:
            known = (builtin.type.value, builtin.contains.value, "swell")
        else:
            own = (self.type.value, contains.value, declarations.place())
            known = declarations.metrics.setdefault(self.name, own)
        if known[:2] != (self.type.value, contains.value):
            where = "is built in" if builtin is not None else f"is declared at {known[2]}"
            kind = known[0] + (" of times" if known[1] == Contains.TIME else "")
            declarations.fault(
                f"the metric {self.name!r} {where} as a {kind}, and here as something else",
                "give one of the two another name",
            )

    def add(self, value: float, tags: TagValues | None = None) -> None:
        """Record ``value``, with the VU's tags and these.

        Raises ``TypeError`` where it is no number or boolean and ``ValueError`` where it is not finite.
        """
        vu = current_vu.get(None) or running_vu(f"{self!r}.add()")
        state: VUState = vu.language
        tag_set = vu.tags if tags is None else state.worker.extend(vu.tags, tags)
        number = self._numbers.get(tag_set)
        if number is None:
            number = vu.runtime.registry.series(self.name, tag_set)
            if len(self._numbers) < CACHE_LIMIT:
                self._numbers[tag_set] = number
        # inf - inf and nan - nan are nan, which is not 0: one test for both.
        if not isinstance(value, int | float) or value - value != 0:
            raise self._refused(value)
        state.sample(number, state.now(), value)

    def _refused(self, value: object) -> Exception:
        if isinstance(value, float) and not math.isfinite(value):
            return ValueError(f"{self!r}.add({value}): the value must be finite")
        return TypeError(f"{self!r}.add() takes a number or a boolean, not {type(value).__name__}")


class Counter(CustomMetric):
    """A sum, and its rate per second: how much, how many."""

    __slots__ = ()
    type = MetricType.COUNTER


class Gauge(CustomMetric):
    """The last value, with the smallest and the largest: how much there is."""

    __slots__ = ()
    type = MetricType.GAUGE


class Rate(CustomMetric):
    """The share of values that are not zero: how often."""

    __slots__ = ()
    type = MetricType.RATE


class Trend(CustomMetric):
    """A distribution with percentiles: how long, how large. Takes any finite number, negative ones too."""

    __slots__ = ()
    type = MetricType.TREND
