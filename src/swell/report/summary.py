"""The end-of-test summary in the layout of k6 2.x, modes ``compact`` and ``full``.

A text is a list of items; each but a lone line break is preceded by a line break (k6's rule, which is why
the summary starts with an empty line and blocks end with one). Columns are aligned within one block: the
totals, one group, or one scenario. A metric finds its family, and is hidden, by the beginning of its name: a
custom metric called ``http_reqs_slow`` therefore stands under HTTP, as it does in k6.
"""

import re
from dataclasses import dataclass

from swell.metrics.model import HTTP_PHASES
from swell.metrics.snapshot import CheckState, MetricState, Section, Snapshot, ThresholdResult
from swell.report.ansi import BOLD, GREEN, RED, WHITE, Painter, printable
from swell.report.metriclines import (
    Lines,
    LineStyle,
    is_left_open,
    metric_lines,
    pad_to,
    show_threshold_value,
)
from swell.report.numbers import show_percent
from swell.report.values import (
    collation,
    has_samples,
    key_order,
    parent_group,
    per_second,
    share,
    shown_metrics,
    split_key,
)

# Ours, beside k6's: lateness of the start, and the time from the intended start to the end.
OWN_ITERATION_METRICS = ("iteration_start_lag", "iteration_response_time")
OK_MARK = "✓"
FAIL_MARK = "✗"

# k6's families in its order with the beginnings of the names that belong there; the rest is custom. A longer
# beginning wins, so that web vitals are not taken for the browser's other metrics.
_FAMILIES: dict[str, tuple[str, ...]] = {
    "CUSTOM": (),
    "HTTP": ("http_reqs", "http_req_duration", "http_req_failed", "http_req_response_time", *HTTP_PHASES),
    "EXECUTION": ("vus", "iterations", "iteration_duration", "dropped_iterations", *OWN_ITERATION_METRICS),
    "NETWORK": ("data_sent", "data_received"),
    "BROWSER": ("browser_",),
    "WEB_VITALS": ("browser_web_vital_",),
    "GRPC": ("grpc_",),
    "WEBSOCKET": ("ws_",),
}
_BY_PREFIX = sorted(
    ((prefix, family) for family, prefixes in _FAMILIES.items() for prefix in prefixes),
    key=lambda pair: -len(pair[0]),
)
_HIDDEN_ALWAYS = ("checks", "group_duration")
# The start lag is ours: it is in the verdict, so the short form leaves it out.
_HIDDEN_IN_COMPACT = (*_HIDDEN_ALWAYS, *HTTP_PHASES, "iteration_start_lag")
_OPERATOR = re.compile(r"[=><!]")


@dataclass(frozen=True, slots=True)
class SummaryStyle:
    """How the summary is written."""

    mode: str = "compact"
    colour: bool = False


def k6_summary(snapshot: Snapshot, style: SummaryStyle) -> str:
    """The summary as k6 prints it, without the line breaks that k6 prints around it."""
    paint = Painter(style.colour)
    line_style = LineStyle.of(snapshot, paint)
    hidden = _HIDDEN_IN_COMPACT if style.mode == "compact" else _HIDDEN_ALWAYS
    writer = _Writer(line_style, hidden)
    text = ""
    if snapshot.thresholds:
        text += writer.thresholds(snapshot)
    text += writer.totals(snapshot)
    if style.mode == "full":
        text += writer.sections(snapshot)
    return text


def joined(items: list[str]) -> str:
    """k6's join: every item on a line of its own, a lone line break as nothing but itself."""
    return "".join(item if item == "\n" else f"\n{item}" for item in items)


@dataclass(frozen=True, slots=True)
class _Writer:
    style: LineStyle
    hidden: tuple[str, ...]

    def title(self, text: str, level: int, *, nested: bool = False) -> str:
        mark = "↳" if nested else "█"
        return f"{'  ' * level}{mark} {self.style.paint(printable(text), BOLD)} \n"

    # Thresholds.

    def thresholds(self, snapshot: Snapshot) -> str:
        by_metric: dict[str, list[ThresholdResult]] = {}
        for result in snapshot.thresholds:
            by_metric.setdefault(result.metric, []).append(result)
        items = [self.title("THRESHOLDS", 1)]
        for key in sorted(by_metric, key=key_order):
            name, tags = split_key(key)
            is_nested = bool(tags) and name in by_metric
            indent = "      " if is_nested else "    "
            items.append(indent + printable(tags if is_nested else key))
            items += [indent + self.threshold(snapshot, result) for result in by_metric[key]]
            items.append("\n")
        return joined([*items, "\n"])

    def threshold(self, snapshot: Snapshot, result: ThresholdResult) -> str:
        paint = self.style.paint
        mark = paint(OK_MARK, GREEN) if result.ok else paint(FAIL_MARK, RED)
        source = printable(result.source.strip())
        shown = show_threshold_value(snapshot, result, self.style)
        if result.no_data and not result.ok:
            return f"{mark} {paint(repr_quoted(source), WHITE)} no data"
        if is_left_open(snapshot, result):
            return f"· {paint(repr_quoted(source), WHITE)} no data when the run was ended"
        aggregate = _OPERATOR.split(source, maxsplit=1)[0].strip()
        note = " (no data)" if result.no_data and snapshot.run.language != "k6" else ""
        return f"{mark} {paint(repr_quoted(source), WHITE)} {paint(f'{aggregate}=', WHITE)}{shown}{note}"

    # Results.

    def totals(self, snapshot: Snapshot) -> str:
        items = [self.title("TOTAL RESULTS", 1)]
        states = shown_metrics(snapshot)
        has_checks = bool(snapshot.checks) or any(state.key == "checks" for state in states)
        items += self.block(snapshot, states, merged_checks(snapshot.checks), has_checks, level=1)
        return joined([*items, "\n"])

    def block(
        self,
        snapshot: Snapshot,
        states: list[MetricState],
        checks: list[CheckState],
        has_checks: bool,
        *,
        level: int,
    ) -> list[str]:
        items: list[str] = []
        indent = "  " * (level + 1)
        if has_checks:
            items += [indent + line for line in self.check_totals(snapshot, checks)] + ["\n"]
            items += [self.check(check, level) for check in checks] + ["\n"]
        visible = [state for state in states if not state.metric.name.startswith(self.hidden)]
        lines = metric_lines(visible, self.style)
        for family, members in _by_family(visible, lines):
            items += [indent + self.style.paint(family, BOLD)]
            items += [indent + line for line in members] + ["\n"]
        return items

    def check_totals(self, snapshot: Snapshot, checks: list[CheckState]) -> list[str]:
        passes = sum(check.passes for check in checks)
        total = passes + sum(check.fails for check in checks)
        style = self.style
        rate = per_second(total, snapshot.run)
        values = (
            ("checks_total", str(total), style.rate(rate)),
            ("checks_succeeded", show_percent(share(passes, total)), f"{passes} out of {total}"),
            ("checks_failed", show_percent(share(total - passes, total)), f"{total - passes} out of {total}"),
        )
        longest = max(len(name) for name, _, _ in values)
        widest = max(len(value) for _, value, _ in values)
        return [
            f"{name}{style.dots(longest - len(name) + 3)} "
            f"{style.value(pad_to(value, widest))} {style.aside(aside)}"
            for name, value, aside in values
        ]

    def check(self, check: CheckState, level: int) -> str:
        indent = "  " * (level + 1)
        name = printable(check.name)
        if not check.fails:
            return indent + self.style.paint(f"{OK_MARK} {name}", GREEN)
        total = check.passes + check.fails
        # k6's indent of the second line grows by two steps with each level (seen there, kept).
        detail = " " * ((level + level + 1) * 2)
        percent = check.passes * 100 // total
        return (
            indent
            + self.style.paint(f"{FAIL_MARK} {name}", RED)
            + "\n"
            + self.style.paint(
                f"{detail}↳  {percent}% — {OK_MARK} {check.passes} / {FAIL_MARK} {check.fails}", RED
            )
        )

    # Full mode: groups of the default scenario, then each other scenario with its groups.

    def sections(self, snapshot: Snapshot) -> str:
        tree = _SectionTree(snapshot)
        text = ""
        for path in tree.children("default", ""):
            text += joined([*self.section(snapshot, tree, "default", path, level=1), "\n"])
        for scenario in tree.scenarios():
            text += joined([*self.section(snapshot, tree, scenario, "", level=1), "\n"])
        return text

    def section(
        self, snapshot: Snapshot, tree: "_SectionTree", scenario: str, path: str, *, level: int
    ) -> list[str]:
        name = f"GROUP: {path.rpartition('::')[2]}" if path else f"SCENARIO: {scenario}"
        items = [self.title(name, level, nested=level > 1)]
        checks = tree.checks(scenario, path)
        items += self.block(snapshot, tree.metrics(scenario, path), checks, bool(checks), level=level)
        for child in tree.children(scenario, path):
            items += self.section(snapshot, tree, scenario, child, level=level + 1)
        return items


def repr_quoted(source: str) -> str:
    """The source of a threshold between the quotes that k6 sets."""
    return f"'{source}'"


def merged_checks(checks: tuple[CheckState, ...] | list[CheckState]) -> list[CheckState]:
    """One line per name in the order first seen, whatever group or scenario it ran in."""
    merged: dict[str, CheckState] = {}
    for check in checks:
        seen = merged.get(check.name)
        passes = check.passes + (seen.passes if seen else 0)
        fails = check.fails + (seen.fails if seen else 0)
        merged[check.name] = CheckState(check.name, "", "", passes, fails)
    return list(merged.values())


def _by_family(states: list[MetricState], lines: Lines) -> list[tuple[str, list[str]]]:
    families: dict[str, list[str]] = {family: [] for family in _FAMILIES}
    for state, line in zip(states, lines, strict=True):
        families[family_of(state.metric.name)].append(line)
    return [(family, members) for family, members in families.items() if members]


def family_of(name: str) -> str:
    """The family under which the metric ``name`` is listed."""
    return next((family for prefix, family in _BY_PREFIX if name.startswith(prefix)), "CUSTOM")


class _SectionTree:
    """Which groups exist in which scenario, and what each holds."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._sections: dict[tuple[str, str], Section] = {}
        self._checks: dict[tuple[str, str], list[CheckState]] = {}
        paths: dict[tuple[str, str], None] = {}
        for section in snapshot.sections:
            self._sections[section.scenario, section.group] = section
            paths[section.scenario, section.group] = None
        for check in snapshot.checks:
            self._checks.setdefault((check.scenario, check.group), []).append(check)
            paths[check.scenario, check.group] = None
        self._paths = [
            (scenario, ancestor)
            for scenario, path in paths
            if not _is_lifecycle(path)
            for ancestor in _with_ancestors(path)
        ]
        self._paths = list(dict.fromkeys(self._paths))

    def scenarios(self) -> list[str]:
        """Every scenario but k6's default one, sorted."""
        names = {scenario for scenario, _ in self._paths if scenario not in {"", "default"}}
        return sorted(names, key=collation)

    def children(self, scenario: str, path: str) -> list[str]:
        """The groups right below ``path``, in the order first seen."""
        return [
            child
            for owner, child in self._paths
            if owner == scenario and child and parent_group(child) == path
        ]

    def metrics(self, scenario: str, path: str) -> list[MetricState]:
        """What was measured in exactly this group of this scenario; without a group, in all of it."""
        section = self._sections.get((scenario, path))
        states = [state for state in section.metrics if has_samples(state)] if section else []
        return sorted(states, key=lambda state: key_order(state.key))

    def checks(self, scenario: str, path: str) -> list[CheckState]:
        """The checks of exactly this group of this scenario; without a group, all of the scenario's."""
        found = [
            check
            for (owner, group), checks in self._checks.items()
            if owner == scenario and (group == path or not path)
            for check in checks
        ]
        return merged_checks(found)


def _with_ancestors(path: str) -> list[str]:
    found = [path]
    while path:
        path = parent_group(path)
        found.append(path)
    return found[::-1]


def _is_lifecycle(path: str) -> bool:
    return path in {"::setup", "::teardown"}
