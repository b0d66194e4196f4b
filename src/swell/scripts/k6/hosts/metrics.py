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
        vu.require_init("a metric")
        _declare(vu, kind, name, "time" if is_time else "default")
        names.append(name)
        series.append(vu.shared.kept.setdefault("metrics", {}).setdefault(name, {}))
        return len(names) - 1

    def add(index: int, value: float, tags_json: str | None = None) -> Any:
        try:
            engine_vu = vu.engine_vu
            tags = engine_vu.tags if tags_json is None else vu.with_tags(engine_vu.tags, tags_json)
            number = series[index].get(tags)
            runtime = engine_vu.runtime
            if number is None:
                number = series[index][tags] = runtime.registry.series(names[index], tags)
            runtime.recorder.sample(number, runtime.clock.now_ns(), value)
        except BaseException as error:  # noqa: BLE001  # a raw function must not raise
            return vu.context.throw(error)
        return True

    def refused(name: str) -> None:
        message = f"the metric {name!r} got a value that is no finite number"
        if vu.runtime.options.throw:
            raise HostError(message)
        vu.log("warning", message)

    return {"declare": declare, "add": raw(add), "refused": refused}


def _declare(vu: "VUHost", kind: str, name: str, contains: str) -> None:
    if not METRIC_NAME.fullmatch(name):
        raise HostError(
            f"{name!r} is no metric name: it takes 2 to 129 letters, digits and underscores, no digit first"
        )
    builtin = BUILTIN_METRICS.get(name)
    declared = vu.shared.metrics
    if builtin is not None:
        known = (builtin.type.value, builtin.contains.value)
    else:
        if name not in declared and vu.shared.is_loaded:
            raise HostError(f"the metric {name!r} was not declared when the script was first loaded")
        known = declared.setdefault(name, (kind, contains))
    if known != (kind, contains):
        raise HostError(f"metric {name!r} already exists as a {known[0]}, and here it is a {kind}")
