"""The end-of-test summary in the layout of k6 before v1, which many teams parse.

Checks and groups come first, nested by two blanks; then one sorted list of all metrics, with a mark before
those that a threshold judges. Rates are written as marks with counts, as k6 did up to 0.53.
"""

from swell.metrics.snapshot import CheckState, MetricState, Snapshot
from swell.report.ansi import GREEN, RED, Painter, k6_width, printable
from swell.report.metriclines import LineStyle, display_name, metric_data
from swell.report.summary import FAIL_MARK, OK_MARK, merged_checks
from swell.report.values import child_groups, shown_metrics

_METRIC_INDENT = "   "
_GROUP_INDENT = "     "


def legacy_summary(snapshot: Snapshot, *, colour: bool = False) -> str:
    """The summary without the line breaks that k6 prints around it."""
    paint = Painter(colour)
    lines = _group_lines(snapshot, "", _GROUP_INDENT, paint)
    if lines:
        lines.append("")
    style = LineStyle.of(snapshot, paint, marked_rates=True)
    return "\n".join([*lines, *_metric_list(snapshot, style)]) + "\n"


def _group_lines(snapshot: Snapshot, path: str, indent: str, paint: Painter) -> list[str]:
    checks = merged_checks([check for check in snapshot.checks if check.group == path])
    lines = [line for check in checks for line in _check_lines(check, indent, paint)]
    for child in child_groups(snapshot, path):
        if lines and lines[-1]:
            lines.append("")
        lines += [f"{indent}█ {printable(child.rpartition('::')[2])}", ""]
        lines += _group_lines(snapshot, child, indent + "  ", paint)
    return lines


def _check_lines(check: CheckState, indent: str, paint: Painter) -> list[str]:
    name = printable(check.name)
    if not check.fails:
        return [paint(f"{indent}{OK_MARK} {name}", GREEN)]
    percent = check.passes * 100 // (check.passes + check.fails)
    return [
        paint(f"{indent}{FAIL_MARK} {name}", RED),
        paint(f"{indent} ↳  {percent}% — {OK_MARK} {check.passes} / {FAIL_MARK} {check.fails}", RED),
    ]


def _metric_list(snapshot: Snapshot, style: LineStyle) -> list[str]:
    states = shown_metrics(snapshot)
    names = [display_name(state) for state in states]
    longest = max(map(k6_width, names), default=0)
    lines = []
    for state, name, data in zip(states, names, metric_data(states, style), strict=True):
        bare = name.lstrip(" ")
        indent = _METRIC_INDENT + " " * (len(name) - len(bare))
        dots = style.dots(longest - k6_width(name) + 3)
        lines.append(f"{indent}{_mark(snapshot, state, style.paint)} {bare}{dots} {data}")
    return lines


def _mark(snapshot: Snapshot, state: MetricState, paint: Painter) -> str:
    results = [result.ok for result in snapshot.thresholds if result.metric == state.key]
    if not results:
        return " "
    return paint(OK_MARK, GREEN) if all(results) else paint(FAIL_MARK, RED)
