"""The results as data: what handle_summary receives, ``--summary-export``, and the machine-readable summary.

The three shapes are k6's, with the verdict on the measurement under a key of its own. In ``--summary-export``
a threshold's flag is true where it FAILED and a rate calls its share ``value``, as there.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgspec

from swell.metrics.snapshot import (
    CheckState,
    CounterValue,
    GaugeValue,
    MetricState,
    RateValue,
    Snapshot,
    TrendValue,
)
from swell.report.summary import merged_checks
from swell.report.values import (
    child_groups,
    parent_group,
    per_second,
    run_seconds,
    share,
    shown_metrics,
    trend_stat,
)

_MACHINE_READABLE_VERSION = "1.0.0"
_MACHINE_READABLE_STATS = {
    "avg": "avg",
    "max": "max",
    "med": "med",
    "min": "min",
    "p(90)": "p90",
    "p(95)": "p95",
}
# Above this a float is not written as an integer: not every integer has a float any more.
_EXACT_INTEGERS = 2**53

Json = dict[str, Any]


def summary_data(
    snapshot: Snapshot,
    *,
    stdout_is_tty: bool = False,
    stderr_is_tty: bool = False,
    no_colour: bool = False,
) -> Json:
    """The argument of handle_summary: JSON types only."""
    run = snapshot.run
    data: Json = {
        "root_group": _group(snapshot, "", list, list),
        "options": {
            "summaryTrendStats": list(run.summary_trend_stats),
            "summaryTimeUnit": run.summary_time_unit,
            "noColor": no_colour,
        },
        "state": {
            "isStdOutTTY": stdout_is_tty,
            "isStdErrTTY": stderr_is_tty,
            "testRunDurationMs": _number(run_seconds(run) * 1000),
        },
        "metrics": {state.key: _metric(snapshot, state) for state in shown_metrics(snapshot)},
    }
    return data | _own(snapshot) | _setup_data(snapshot)


def summary_export(snapshot: Snapshot) -> Json:
    """The content of ``--summary-export``."""
    metrics: Json = {}
    for state in shown_metrics(snapshot):
        values = _values(snapshot, state)
        if isinstance(state.value, RateValue):
            values = {"value": values["rate"], "passes": values["passes"], "fails": values["fails"]}
        results = {result.source: not result.ok for result in _results(snapshot, state)}
        metrics[state.key] = values | ({"thresholds": results} if results else {})
    root = _group(snapshot, "", _by_name, _by_name)
    return {"root_group": root, "metrics": metrics} | _own(snapshot) | _setup_data(snapshot)


def machine_readable(snapshot: Snapshot, *, generated_at: str, script_source: str = "") -> Json:
    """The shape that ``--new-machine-readable-summary`` asks for; ``generated_at`` is RFC 3339."""
    run = snapshot.run
    checks = merged_checks(snapshot.checks)
    return {
        "version": _MACHINE_READABLE_VERSION,
        "metadata": {"generated_at": generated_at, "swell_version": run.swell_version},
        "config": {"duration": _number(run_seconds(run)), "execution": "local", "script": script_source},
        "results": {
            "checks": {
                "metrics": _check_metrics(checks),
                "results": [
                    {"name": check.name, "passes": check.passes, "fails": check.fails} for check in checks
                ],
            },
            "metrics": [_machine_readable_metric(state) for state in shown_metrics(snapshot)],
        },
    } | _own(snapshot)


def to_json(data: Json) -> str:
    """``data`` as k6 writes its files: indented by four, with a line break at the end."""
    return json.dumps(data, indent=4, ensure_ascii=False, allow_nan=False) + "\n"


# Metrics.


def _results(snapshot: Snapshot, state: MetricState) -> list[Any]:
    return [result for result in snapshot.thresholds if result.metric == state.key]


def _metric(snapshot: Snapshot, state: MetricState) -> Json:
    results = {result.source: {"ok": result.ok} for result in _results(snapshot, state)}
    return {
        "type": state.metric.type.value,
        "contains": state.metric.contains.value,
        "values": _values(snapshot, state),
    } | ({"thresholds": results} if results else {})


def _values(snapshot: Snapshot, state: MetricState) -> Json:
    match state.value:
        case CounterValue(count=count):
            return {"count": _number(count), "rate": _number(per_second(count, snapshot.run))}
        case GaugeValue(value=value, min=low, max=high):
            return {"value": _number(value), "min": _number(low), "max": _number(high)}
        case RateValue(trues=trues, total=total):
            return {"rate": _number(share(trues, total)), "passes": trues, "fails": total - trues}
        case TrendValue(histogram=histogram):
            stats = snapshot.run.summary_trend_stats
            return {stat: _number(trend_stat(histogram, stat)) for stat in stats}


def _machine_readable_metric(state: MetricState) -> Json:
    values: Json
    match state.value:
        case CounterValue(count=count):
            values = {"count": _number(count)}
        case GaugeValue(value=value, min=low, max=high):
            values = {"max": _number(high), "min": _number(low), "value": _number(value)}
        case RateValue(trues=trues, total=total):
            values = _matches(trues, total)
        case TrendValue(histogram=histogram):
            values = {
                name: _number(trend_stat(histogram, stat)) for stat, name in _MACHINE_READABLE_STATS.items()
            }
    return {
        "name": state.key,
        "type": state.metric.type.value,
        "contains": state.metric.contains.value,
        "values": values,
    }


def _check_metrics(checks: list[CheckState]) -> list[Json]:
    passes = sum(check.passes for check in checks)
    total = passes + sum(check.fails for check in checks)
    if not checks:
        return []
    return [
        {"name": "checks_total", "type": "counter", "contains": "default", "values": {"count": total}},
        *(
            {"name": name, "type": "rate", "contains": "default", "values": _matches(matches, total)}
            for name, matches in (("checks_succeeded", passes), ("checks_failed", total - passes))
        ),
    ]


def _matches(matches: int, total: int) -> Json:
    return {"matches": matches, "total": total, "rate": _number(share(matches, total))}


def _number(value: float) -> float:
    """Whole numbers as integers, so that JSON reads ``8`` as in k6, not ``8.0``."""
    return int(value) if value == int(value) and abs(value) < _EXACT_INTEGERS else value


# Groups and checks.


def _group(
    snapshot: Snapshot,
    path: str,
    gather_groups: Callable[[list[Json]], Any],
    gather_checks: Callable[[list[Json]], Any],
) -> Json:
    checks = merged_checks([check for check in snapshot.checks if check.group == path])
    children = child_groups(snapshot, path)
    return {
        "name": path[len(parent_group(path)) :].removeprefix("::"),
        "path": path,
        "id": _id(path),
        "groups": gather_groups(
            [_group(snapshot, child, gather_groups, gather_checks) for child in children]
        ),
        "checks": gather_checks([_check(check, path) for check in checks]),
    }


def _check(check: CheckState, path: str) -> Json:
    own_path = f"{path}::{check.name}"
    return {
        "name": check.name,
        "path": own_path,
        "id": _id(own_path),
        "passes": check.passes,
        "fails": check.fails,
    }


def _by_name(items: list[Json]) -> Json:
    return {item["name"]: item for item in items}


def _id(path: str) -> str:
    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()


def _own(snapshot: Snapshot) -> Json:
    """Ours, beside k6's keys: the verdict on the measurement, and invariants with ledgers if there are any.

    Nothing of it while the run goes on.
    """
    own: Json = {}
    if snapshot.verdict is not None:
        own["verdict"] = _plain(snapshot.verdict)
    if snapshot.invariants:
        own["invariants"] = _plain(snapshot.invariants)
        own["ledgers"] = _plain(snapshot.ledgers)
    return own


def _plain(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _setup_data(snapshot: Snapshot) -> Json:
    data = msgspec.json.decode(snapshot.setup_data) if bytes(snapshot.setup_data) else None
    return {} if data is None else {"setup_data": data}
