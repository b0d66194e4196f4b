"""One line per metric as k6 writes it: name, dots, then aligned statistics or a value with extras."""

from dataclasses import dataclass

from swell.metrics.model import Contains
from swell.metrics.snapshot import (
    CounterValue,
    GaugeValue,
    MetricState,
    RateValue,
    Snapshot,
    ThresholdResult,
    TrendValue,
)
from swell.report.ansi import CYAN, FAINT_CYAN, FAINT_WHITE, Painter, k6_width, printable
from swell.report.numbers import show_percent, show_value
from swell.report.values import has_samples, per_second, share, split_key, trend_stat, without_false_digits

Lines = list[str]

NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class LineStyle:
    """What all lines of one summary share."""

    paint: Painter
    snapshot: Snapshot
    stats: tuple[str, ...]
    time_unit: str
    # k6 before 0.54 wrote the parts of a rate as marks with counts.
    marked_rates: bool = False

    @classmethod
    def of(cls, snapshot: Snapshot, paint: Painter, *, marked_rates: bool = False) -> "LineStyle":
        """The style that the run's own options ask for."""
        run = snapshot.run
        return cls(paint, snapshot, run.summary_trend_stats, run.summary_time_unit, marked_rates)

    def dots(self, count: int) -> str:
        """The leader between a name and its values."""
        return self.paint("." * count + ":", FAINT_WHITE)

    def value(self, text: str) -> str:
        """A main value."""
        return self.paint(text, CYAN)

    def aside(self, text: str) -> str:
        """What stands beside a main value."""
        return self.paint(text, FAINT_CYAN)

    def rate(self, rate: float, contains: Contains = Contains.DEFAULT) -> str:
        """Something per second."""
        return f"{show_value(rate, contains, self.time_unit)}/s"

    def stat(self, state: MetricState, trend: TrendValue, stat: str) -> str:
        """One statistic of a trend; a count is a plain integer whatever the trend contains."""
        value = trend_stat(trend.histogram, stat)
        return (
            str(int(value)) if stat == "count" else show_value(value, state.metric.contains, self.time_unit)
        )


def _shown_percentile(state: MetricState, value: float) -> float:
    """Times are cut to two decimals of their unit anyway; others would show digits that nobody knows."""
    if state.metric.contains is Contains.TIME or not isinstance(state.value, TrendValue):
        return value
    return without_false_digits(state.value.histogram, value)


def pad_to(text: str, width: int) -> str:
    """``text`` filled with blanks to ``width`` characters, counted as k6 counts them."""
    return text + " " * max(0, width - k6_width(text))


def display_name(state: MetricState) -> str:
    """The name in a list: a submetric shows its tags only, as it stands below its parent."""
    name, tags = split_key(printable(state.key))
    return f"  {{ {tags[1:-1].strip()} }}" if tags else name


def metric_lines(states: list[MetricState], style: LineStyle) -> Lines:
    """A line for each of ``states``, all aligned with each other."""
    names = [display_name(state) for state in states]
    longest = max(map(k6_width, names), default=0)
    return [
        name + style.dots(max(3, longest - k6_width(name) + 3)) + " " + data
        for name, data in zip(names, metric_data(states, style), strict=True)
    ]


def metric_data(states: list[MetricState], style: LineStyle) -> Lines:
    """What follows the name in each line."""
    cells = [_cells(state, style) for state in states]
    is_trend = [isinstance(state.value, TrendValue) for state in states]
    trend_widths = _widths([row for row, trend in zip(cells, is_trend, strict=True) if trend])
    other_widths = _widths([row for row, trend in zip(cells, is_trend, strict=True) if not trend])
    return [
        _trend_text(row, trend_widths, style) if trend else _other_text(row, other_widths, style)
        for row, trend in zip(cells, is_trend, strict=True)
    ]


def _cells(state: MetricState, style: LineStyle) -> list[str]:
    """The main value and its extras, or the statistics of a trend; nothing where nothing was measured."""
    value, contains = state.value, state.metric.contains
    # For its own scripts k6 shows noughts, which others parse; the warnings tell that there was nothing.
    shows_nothing = style.snapshot.run.language != "k6" and not isinstance(value, CounterValue)
    if shows_nothing and not has_samples(state):
        return []
    match value:
        case TrendValue() as trend:
            return [style.stat(state, trend, stat) for stat in style.stats]
        case CounterValue(count=count):
            rate = per_second(count, style.snapshot.run)
            return [show_value(count, contains, style.time_unit), style.rate(rate, contains)]
        case GaugeValue(value=last, min=low, max=high):
            shown = [show_value(each, contains, style.time_unit) for each in (last, low, high)]
            return [shown[0], f"min={shown[1]}", f"max={shown[2]}"]
        case RateValue(trues=trues, total=total):
            main = show_percent(share(trues, total))
            if style.marked_rates:
                return [main, f"✓ {trues}", f"✗ {total - trues}"]
            return [main, f"{trues} out of {total}"]


def _widths(rows: list[list[str]]) -> list[int]:
    count = max(map(len, rows), default=0)
    return [max(k6_width(row[index]) for row in rows if index < len(row)) for index in range(count)]


def _trend_text(cells: list[str], widths: list[int], style: LineStyle) -> str:
    if not cells:
        return style.value(NO_DATA)
    columns = zip(style.stats, cells, widths, strict=True)
    return " ".join(f"{stat}={style.value(pad_to(value, width))}" for stat, value, width in columns)


def _other_text(cells: list[str], widths: list[int], style: LineStyle) -> str:
    if not cells:
        return style.value(NO_DATA)
    main, *extras = cells
    text = style.value(pad_to(main, widths[0])) + " "
    if len(extras) == 1:
        return text + style.aside(extras[0])
    padded = [pad_to(extra, width) for extra, width in zip(extras, widths[1:], strict=False)]
    return text + " ".join(style.aside(extra) for extra in padded)


def show_threshold_value(snapshot: Snapshot, result: ThresholdResult, style: LineStyle) -> str:
    """The observed value of a threshold, written as its metric's values are; nought where there was none."""
    observed = result.observed if result.observed is not None else 0.0
    state = snapshot.metric(result.metric) or snapshot.metric(split_key(result.metric)[0])
    if state is None:
        return style.value(show_value(observed, Contains.DEFAULT))
    aggregate = result.source.strip()
    contains = state.metric.contains
    match state.value:
        case RateValue():
            text = show_percent(observed)
        case CounterValue() if aggregate.startswith("rate"):
            text = style.rate(observed, contains)
        case TrendValue() if aggregate.startswith("p("):
            text = show_value(_shown_percentile(state, observed), contains, style.time_unit)
        case _:
            text = show_value(observed, contains, style.time_unit)
    return style.value(text)


def is_left_open(snapshot: Snapshot, result: ThresholdResult) -> bool:
    """Whether the run was ended before a threshold saw a sample: it was neither met nor crossed.

    Of a k6 script's run it counts as met, as in k6.
    """
    return (
        result.no_data and result.ok and snapshot.run.status != "finished" and snapshot.run.language != "k6"
    )
