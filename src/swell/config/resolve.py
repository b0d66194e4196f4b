"""From option layers to one set of options and scenarios, or every reason why there is none.

Layers go from low to high: config file, script, variables, flags; a higher one wins option by option. Three
rules are k6's own: a layer that sets any of duration, iterations, stages and scenarios drops all four of the
layers below; ``tags`` and ``thresholds`` are replaced whole; ``dns`` is merged field by field. What remains
of the shortcuts then becomes one scenario named ``default``:

| set | executor |
|---|---|
| iterations (with vus, duration) | shared-iterations; duration is the longest time |
| duration (with vus) | constant-vus |
| stages (with vus) | ramping-vus, starting with vus |
| vus only | shared-iterations, one iteration per VU; scenarios are overridden |
| nothing | per-vu-iterations, one VU, one iteration |

Values of the wrong type are faults in any layer; values out of range only where they take effect.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from swell.base.errors import SwellError
from swell.config.layers import Findings, Layer, Where, did_you_mean
from swell.config.options import Options
from swell.config.row import Option
from swell.config.scenario_values import (
    WrittenScenario,
    check_functions,
    check_scenario,
    executor_of,
    show_written_scenario,
)
from swell.config.scenarios import (
    ConstantVUs,
    PerVUIterations,
    RampingVUs,
    Scenario,
    SharedIterations,
)
from swell.config.table import (
    COMMAND_OPTIONS,
    IGNORED_KEYS,
    REFUSED_KEYS,
    RUN_OPTIONS,
    WORKLOAD_NAMES,
    find_option,
    option,
)

# Called with a metric's key and an expression, None where it has none; raises ValueError or SwellError where
# either is wrong.
CheckThreshold = Callable[[str, str | None], object]

_SHORTCUTS: Final = ("vus", "duration", "iterations", "stages")
# The command's own flags come with the others and are no options of the run.
_COMMAND_NAMES: Final = frozenset(row.name for row in COMMAND_OPTIONS)
# Where a value stands that nobody wrote.
_NO_LAYER: Final = Layer("default", "script")

DEFAULT_ORIGIN: Final = "default"
DEFAULT_SCENARIO: Final = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that one layer sets, and where; None stands for one that is not of the option's type."""

    value: Any
    where: Where


Settings = dict[str, Setting]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a run does, and where each option's value comes from (``origins``: option name to place)."""

    options: Options
    scenarios: tuple[Scenario, ...]
    origins: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def resolve(
    layers: Sequence[Layer],
    functions: Collection[str],
    *,
    defaults: Options | None = None,
    check_threshold: CheckThreshold | None = None,
) -> Resolution:
    """Put ``layers`` (low to high) together into one plan for a script with these ``functions``.

    ``defaults`` are the values below all layers; a front end may have its own. ``check_threshold`` judges a
    threshold's metric and expression.

    Raises:
        ConfigError: anything is wrong; it lists all faults of all layers.
    """
    findings = Findings()
    settings = _merge([read_layer(layer, findings) for layer in layers], findings)
    scenarios = _scenarios(settings, findings)
    script = next((layer for layer in layers if layer.kind == "script"), _NO_LAYER)
    check_functions(scenarios, functions, Where(script), findings)
    _check_values(settings, findings)
    if check_threshold is not None and "thresholds" in settings:
        _check_thresholds(settings["thresholds"], check_threshold, findings)
    findings.raise_if_any()
    return Resolution(
        options=_options(settings, scenarios, defaults or Options()),
        scenarios=tuple(written.scenario for written in scenarios if written.scenario is not None),
        origins=_origins(settings),
        warnings=findings.warnings,
    )


# One layer.


def read_layer(layer: Layer, findings: Findings) -> Settings:
    """Read what ``layer`` sets; a key whose raw value is None is not set."""
    settings: Settings = {}
    for note in layer.notes:
        findings.warn(note)
    for key, raw in layer.values.items():
        where = Where(layer, (key,))
        row = find_option(key)
        if layer.kind == "cli" and key in _COMMAND_NAMES:
            continue
        if row is None or layer.kind not in row.sources:
            _note_unknown(key, raw, row, where, findings)
        elif row.name in settings:
            findings.fault(where, f"is set twice, also as {settings[row.name].where.path[0]}")
        elif raw is not None and not (raw == "" and row.type.may_be_blank and layer.is_k6s):
            settings[row.name] = Setting(row.type.parse(raw, where, findings), where)
    _note_conflicts(settings, findings)
    return settings


def _note_unknown(key: str, raw: object, row: Option | None, where: Where, findings: Findings) -> None:
    if row is not None:
        ways = [flag for flag in row.flags if flag.startswith("--")] + [f"SWELL_{row.env}"]
        findings.warn(f"{where}: {key!r} cannot be set here and is ignored; use {' or '.join(ways)}")
    elif key in REFUSED_KEYS and raw:
        findings.fault(where, f"{key} is not supported", REFUSED_KEYS[key])
    elif key not in IGNORED_KEYS and key not in REFUSED_KEYS:
        known = [each.name if "_" in key else each.key for each in RUN_OPTIONS]
        hint = did_you_mean(key, known)
        if where.layer.strict:
            findings.fault(where, "there is no such option", hint)
        else:
            findings.warn(f"{where}: the unknown option {key!r} is ignored" + (f"; {hint}" if hint else ""))


def _note_conflicts(settings: Settings, findings: Findings) -> None:
    """Note pairs of workload options that one layer must not set together."""
    names = [name for name in WORKLOAD_NAMES if name in settings and settings[name].value != ()]
    allowed = {"duration", "iterations"}
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            if {first, second} != allowed:
                other = settings[first]
                findings.fault(
                    settings[second].where,
                    f"{option(second).name} and {option(first).name} cannot be set together ({other.where})",
                    "keep one of them; a workload with several parts is written as scenarios",
                )


# All layers.


def _merge(layers: Sequence[Settings], findings: Findings) -> Settings:
    merged: Settings = {}
    for settings in layers:
        workload = [name for name in WORKLOAD_NAMES if name in settings]
        if workload:
            for name in WORKLOAD_NAMES:
                lost = merged.pop(name, None)
                if name == "scenarios" and lost is not None and lost.value:
                    level = settings[workload[0]].where.layer.kind
                    findings.warn(f'"{level}" level configuration overrode scenarios configuration entirely')
        for name, setting in settings.items():
            below = merged.get(name)
            if name == "dns" and below is not None and below.value is not None and setting.value is not None:
                merged[name] = Setting({**below.value, **setting.value}, setting.where)
            else:
                merged[name] = setting
    return merged


def _check_values(settings: Settings, findings: Findings) -> None:
    """Check the range of every value in effect; those of a derived scenario were checked with it."""
    for name, setting in settings.items():
        if name not in _SHORTCUTS and setting.value is not None:
            option(name).type.check(setting.value, setting.where, findings)


def _check_thresholds(setting: Setting, check: CheckThreshold, findings: Findings) -> None:
    for metric, specs in (setting.value or {}).items():
        place = setting.where.at(metric)
        for where, source in [(place.at(index), spec.source) for index, spec in enumerate(specs)] or [
            (place, None)
        ]:
            try:
                check(metric, source)
            except SwellError as error:
                findings.fault(where, error.message, error.hint)
            except ValueError as error:
                findings.fault(where, str(error))


def _options(settings: Settings, scenarios: Iterable[WrittenScenario], defaults: Options) -> Options:
    fields = {option(name).field: setting.value for name, setting in settings.items()}
    fields.pop("", None)
    rows = ((option(name), setting.value) for name, setting in settings.items() if name != "scenarios")
    fields["given"] = {row.key: row.type.show(value) for row, value in rows if row.is_k6s}
    fields["given_scenarios"] = {one.name: show_written_scenario(one) for one in scenarios}
    if "dns" in settings:
        fields["dns"] = msgspec.structs.replace(defaults.dns, **settings["dns"].value)
    if "tls_version" in settings:
        fields["tls_version_min"], fields["tls_version_max"] = settings["tls_version"].value
    return msgspec.structs.replace(defaults, **fields)


def _origins(settings: Settings) -> dict[str, str]:
    return {
        row.name: str(settings[row.name].where) if row.name in settings else DEFAULT_ORIGIN
        for row in RUN_OPTIONS
    }


# The workload.


def _scenarios(settings: Settings, findings: Findings) -> Sequence[WrittenScenario]:
    """Give the scenarios in effect, and drop from ``settings`` those that are overridden."""
    written = settings.get("scenarios")
    given: Sequence[WrittenScenario] = () if written is None else written.value or ()
    if any(settings[name].value is None for name in (*_SHORTCUTS, "scenarios") if name in settings):
        return given
    shortcut = _shortcut(settings)
    if given:
        # With any of the other shortcuts they are in conflict, which was noted where they were read.
        if shortcut is None or any(name in settings for name in WORKLOAD_NAMES if name != "scenarios"):
            return given
        findings.warn(f"`vus={settings['vus'].value}` overrides scenarios configuration")
        del settings["scenarios"]
    if shortcut is None:
        for name in ("stages", "scenarios"):
            if name in settings:
                where = settings.pop(name).where
                if where.layer.strict:
                    findings.warn(f"{where}: {name} is empty; one VU runs one iteration")
                else:
                    text = "was explicitly set to an empty value, running the script with 1 iteration in 1 VU"
                    findings.warn(f"`{name}` {text}")
        shortcut = PerVUIterations(name=DEFAULT_SCENARIO)
    where = next((settings[name].where for name in _SHORTCUTS if name in settings), Where(_NO_LAYER))
    fields = {
        field: settings[name].where
        for name, field in _shortcut_fields(shortcut)
        if name in settings and hasattr(shortcut, field)
    }
    values = {field: getattr(shortcut, field) for field in fields}
    derived = WrittenScenario(DEFAULT_SCENARIO, where, shortcut, executor_of(shortcut), fields, values)
    check_scenario(derived, findings)
    return (derived,)


def _shortcut(settings: Settings) -> Scenario | None:
    """Make the scenario that the shortcuts stand for; None where none is set."""

    def value(name: str, default: Any) -> Any:
        return settings[name].value if name in settings else default

    name, vus, duration_ns = DEFAULT_SCENARIO, value("vus", 1), value("duration", None)
    if "iterations" in settings:
        limit = {} if duration_ns is None else {"max_duration_ns": duration_ns}
        return SharedIterations(name=name, vus=vus, iterations=settings["iterations"].value, **limit)
    if duration_ns is not None:
        return ConstantVUs(name=name, vus=vus, duration_ns=duration_ns)
    if value("stages", ()):
        return RampingVUs(name=name, start_vus=vus, stages=settings["stages"].value)
    if "vus" in settings and "stages" not in settings:
        return SharedIterations(name=name, vus=vus, iterations=vus)
    return None


def _shortcut_fields(shortcut: Scenario) -> tuple[tuple[str, str], ...]:
    """Pair the shortcuts with the fields of the scenario that they fill."""
    return (
        ("vus", "start_vus" if isinstance(shortcut, RampingVUs) else "vus"),
        ("iterations", "iterations"),
        ("duration", "max_duration_ns" if isinstance(shortcut, SharedIterations) else "duration_ns"),
        ("stages", "stages"),
    )
