"""The Python half of ``k6/metrics``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from swell.metrics.model import BUILTIN_METRICS, METRIC_NAME
from swell.scripts.k6.values import HostError, HostFunction, raw

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``metrics.js`` needs."""
    # This VU's metrics: name, and the series of the tag sets seen so far.
    names: list[str] = []
    series: list[dict[Any, int]] = []

    def declare(kind: str, name: str, is_time: bool) -> int:
        vu.require_init("metrics")
        _declare(vu, kind, name, "time" if is_time else "default")
        names.append(name)
        series.append(vu.shared.kept.setdefault("metrics", {}).setdefault(name, {}))
        return len(names) - 1

    def add(index: int, value: float, tags_json: str | None = None) -> Any:
        try:
            engine_vu = vu.engine_vu
            tags = engine_vu.tags
            if tags_json is not None:
                tags = vu.with_tags(
                    tags, tags_json, f"cannot add tags for the '{names[index]}' custom metric: "
                )
            number = series[index].get(tags)
            runtime = engine_vu.runtime
            if number is None:
                number = series[index][tags] = runtime.registry.series(names[index], tags)
            runtime.recorder.sample(number, runtime.clock.now_ns(), value)
        except BaseException as error:  # noqa: BLE001  # a raw function must not raise
            early = HostError("Adding to metrics in the init context is not supported")
            return vu.context.throw(early if vu.phase == "init" else error)
        return True

    def refused(name: str, is_given: bool, value: str) -> None:
        what = f"'{value}' is an invalid value" if is_given else "no value was provided"
        message = f"{what} for metric '{name}', a number or a boolean value is expected"
        if vu.runtime.options.throw:
            raise HostError(message)
        vu.log("warning", message)

    return {"declare": declare, "add": raw(add), "refused": refused}


def _declare(vu: "VUHost", kind: str, name: str, contains: str) -> None:
    if not METRIC_NAME.fullmatch(name):
        raise HostError(
            f"Invalid metric name: '{name}'. Metric names must only include up to 128 ASCII letters, "
            "numbers, or underscores and start with a letter or an underscore."
        )
    builtin = BUILTIN_METRICS.get(name)
    declared = vu.shared.metrics
    if builtin is not None:
        known = (builtin.type.value, builtin.contains.value)
    else:
        if name not in declared and vu.shared.is_loaded:
            raise HostError(f"the metric {name!r} was not declared when the script was first loaded")
        known = declared.setdefault(name, (kind, contains))
    if known[0] != kind:
        raise HostError(f"metric '{name}' already exists but with type {known[0]}, instead of {kind}")
    if known[1] != contains:
        raise HostError(
            f"metric '{name}' already exists but with a value type {known[1]}, instead of {contains}"
        )
