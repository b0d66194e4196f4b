"""Options as k6 prints them: what ``swell inspect`` shows, and what scripts see of them."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from swell.config.layers import Findings, Layer
from swell.config.options import Options
from swell.config.resolve import Resolution, read_layer
from swell.config.row import Option
from swell.config.scenario_values import show_scenario
from swell.config.scenarios import Scenario
from swell.config.table import REFUSED_KEYS, RUN_OPTIONS, WORKLOAD_NAMES

JSONObject = dict[str, Any]


def show_written(layer: Layer) -> JSONObject:
    """Write the options of one layer under k6's keys; those that it leaves out are null.

    Raises:
        ConfigError: a value is not of its option's type.
    """
    findings = Findings()
    settings = read_layer(layer, findings)
    findings.raise_if_any()
    return {
        row.key: row.type.show(settings[row.name].value) if row.name in settings else None
        for row in RUN_OPTIONS
        if "script" in row.sources
    }


def show_resolved(resolution: Resolution) -> JSONObject:
    """Write the options in effect under k6's keys, the workload as scenarios."""
    return show_options(resolution.options, resolution.scenarios)


def show_changed(resolution: Resolution, defaults: Options) -> JSONObject:
    """Write what k6 knows and differs from ``defaults``, as a script would set it."""
    options = resolution.options
    shown = show_resolved(resolution)
    changed = {
        row.key: shown[row.key]
        for row in RUN_OPTIONS
        if row.is_k6s and row.field and getattr(options, row.field) != getattr(defaults, row.field)
    }
    if shown["tlsVersion"] is not None:
        changed["tlsVersion"] = shown["tlsVersion"]
    # Without what is swell's own, where it says nothing.
    workloads = {
        name: {key: value for key, value in scenario.items() if value not in (None, "", "uniform", False)}
        for name, scenario in shown["scenarios"].items()
    }
    return changed | {"scenarios": workloads}


def show_options(options: Options, scenarios: Iterable[Scenario]) -> JSONObject:
    """Write ``options`` and ``scenarios`` under k6's keys."""
    shown = {row.key: _show_option(row, options) for row in RUN_OPTIONS}
    shown["scenarios"] = {scenario.name: show_scenario(scenario) for scenario in scenarios}
    return shown


# What stands there however it was set, or filled in.
_EFFECTIVE: Final = ("consoleOutput", "localIPs", "summaryTrendStats", "systemTags")
# What k6 lists and no run has.
_UNKNOWN: Final = (*REFUSED_KEYS, "ext", "features", "metricSamplesBufferSize")


def show_given(options: Options) -> JSONObject:
    """Write what layers have set under k6's keys, the rest as null: what a script is shown.

    Of a workload there are the ``scenarios`` alone, those that shortcuts stand for too.
    """
    given = options.given
    shown: JSONObject = {
        row.key: given.get(row.key)
        for row in RUN_OPTIONS
        if row.is_k6s and row.name not in WORKLOAD_NAMES and row.name != "vus"
    }
    effective = show_options(options, ())
    dns: JSONObject = {"ttl": None, "select": None, "policy": None}
    return (
        dict.fromkeys(_UNKNOWN)
        | shown
        | {key: effective[key] or None for key in _EFFECTIVE}
        | {"dns": dns | (shown["dns"] or {}), "systemTags": sorted(options.system_tags) or None}
        | {"scenarios": options.given_scenarios}
    )


def _show_option(row: Option, options: Options) -> object:
    if row.field:
        value = getattr(options, row.field)
        if row.name == "dns":
            value = msgspec.structs.asdict(value)
        return row.type.show(value)
    if row.name == "tls_version" and (options.tls_version_min or options.tls_version_max):
        return row.type.show((options.tls_version_min, options.tls_version_max))
    # The shortcuts have become scenarios.
    return None
