"""The type of the option thresholds: expressions per metric, some of which end the run."""

import re
from collections.abc import Mapping
from typing import Any, Final

from swell.base.units import format_duration
from swell.config.layers import Findings, Where, note_unknown_key
from swell.config.options import ThresholdSpec
from swell.config.values import (
    ValueType,
    describe,
    read_bool,
    read_duration,
    read_mapping,
    read_text,
    single,
)


def _parse_thresholds(
    value: object, where: Where, findings: Findings
) -> dict[str, tuple[ThresholdSpec, ...]] | None:
    if where.layer.kind == "cli" and isinstance(value, list | tuple):
        value = _gather_flags(value, where, findings)
    entries = None if value is None else read_mapping(value, where, findings)
    if entries is None:
        return None
    thresholds: dict[str, tuple[ThresholdSpec, ...]] = {}
    for metric, raw in entries.items():
        items = raw if isinstance(raw, list | tuple) else [raw]
        place = where.at(metric)
        if raw is None and where.layer.is_k6s:
            # None at all; the metric is shown.
            items = []
        elif items is not raw and where.layer.is_k6s:
            # As in k6, which would not start either.
            findings.fault(place, "must be a list of thresholds", "write ['p(95)<300']")
        specs = [_parse_threshold(item, place.at(index), findings) for index, item in enumerate(items)]
        thresholds[metric] = tuple(spec for spec in specs if spec is not None)
    return thresholds


def _gather_flags(values: list[object] | tuple[object, ...], where: Where, findings: Findings) -> object:
    """Gather repeated ``METRIC=EXPRESSION`` flags; the first ``=`` outside braces ends the metric."""
    gathered: dict[str, list[str]] = {}
    for value in values:
        match = re.fullmatch(r"([^={]+(?:\{[^}]*\})?)=(.+)", str(value))
        if match is None:
            findings.fault(where, f"must be written as METRIC=EXPRESSION, not {describe(value)}")
            return None
        gathered.setdefault(match[1].strip(), []).append(match[2].strip())
    return gathered


_THRESHOLD_KEYS: Final = {
    "threshold": "threshold",
    "abortOnFail": "abort_on_fail",
    "abort_on_fail": "abort_on_fail",
    "delayAbortEval": "delay_abort_eval",
    "delay_abort_eval": "delay_abort_eval",
}


def _parse_threshold(value: object, where: Where, findings: Findings) -> ThresholdSpec | None:
    if isinstance(value, str):
        return ThresholdSpec(value)
    if not isinstance(value, Mapping):
        hint = "write 'p(95)<300', or {threshold: 'p(95)<300', abortOnFail: true, delayAbortEval: '10s'}"
        findings.fault(where, f"must be an expression, not {describe(value)}", hint)
        return None
    read: dict[str, Any] = {"abort_on_fail": False}
    parsers = {"threshold": read_text, "abort_on_fail": read_bool, "delay_abort_eval": read_duration}
    for key, raw in value.items():
        name = _THRESHOLD_KEYS.get(str(key))
        if name is None:
            note_unknown_key(key, _THRESHOLD_KEYS, where, findings)
        elif raw is not None:
            read[name] = single(parsers[name])(raw, where.at(str(key)), findings)
    if "threshold" not in read:
        findings.fault(where, "has no threshold", "write {threshold: 'p(95)<300', abortOnFail: true}")
    if read.get("threshold") is None or None in read.values():
        return None
    return ThresholdSpec(read["threshold"], read["abort_on_fail"], read.get("delay_abort_eval"))


def _check_thresholds(
    thresholds: dict[str, tuple[ThresholdSpec, ...]], where: Where, findings: Findings
) -> None:
    for metric, specs in thresholds.items():
        for index, spec in enumerate(specs):
            if (spec.delay_abort_eval_ns or 0) < 0:
                findings.fault(where.at(metric, index, "delayAbortEval"), "must be at least 0s")


def show_thresholds(thresholds: dict[str, tuple[ThresholdSpec, ...]]) -> dict[str, object]:
    """Write thresholds as k6's JSON does."""
    return {metric: [show_threshold(spec) for spec in specs] for metric, specs in thresholds.items()}


def show_threshold(spec: ThresholdSpec) -> object:
    """Write one threshold as k6's JSON does: its expression alone where it does not end the run."""
    if not spec.abort_on_fail:
        return spec.source
    delay_ns = spec.delay_abort_eval_ns
    delay = None if delay_ns is None else format_duration(delay_ns)
    return {"threshold": spec.source, "abortOnFail": True, "delayAbortEval": delay}


THRESHOLDS: Final = ValueType("thresholds per metric", _parse_thresholds, _check_thresholds, show_thresholds)
