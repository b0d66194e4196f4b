"""Scenarios as written: the keys of each executor, and the rules that hold between them.

The keys, defaults and minima are k6's (its scenario options); ``after`` and ``distribution`` are swell's.
Unlike at the top level an unknown key is a fault, as in k6.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from swell.base.clock import NS_PER_SECOND
from swell.config.layers import Findings, Where, did_you_mean
from swell.config.scenarios import (
    ArrivalBase,
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    Scenario,
    SharedIterations,
)
from swell.config.structured import STAGES
from swell.config.values import (
    ITERATIONS,
    TEXT,
    ValueType,
    WrongValueError,
    choice,
    count,
    describe,
    duration,
    limited,
    positive_duration,
    read_int,
    read_mapping,
    single,
    text_map,
)

_NAME: Final = re.compile(r"[0-9a-zA-Z_-]+")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a scenario: ``name`` in snake case, ``key`` in k6's spelling, ``field`` of the struct."""

    name: str
    type: ValueType
    field: str
    key: str
    required: bool = False


def _key(name: str, type_: ValueType, *, key: str = "", required: bool = False) -> Key:
    first, *rest = name.split("_")
    is_time = type_.name == "duration"
    camel = key or first + "".join(part.capitalize() for part in rest)
    return Key(name, type_, f"{name}_ns" if is_time else name, camel, required)


# Below a second the ramp of a run's own start and end would be most of it: k6's rule.
_LEAST: Final = duration(NS_PER_SECOND)

_COMMON: Final = (
    _key("exec", TEXT),
    _key("start_time", duration()),
    _key("graceful_stop", duration()),
    _key("env", text_map()),
    _key("tags", text_map()),
    _key("after", TEXT),
)
_COUNTED: Final = (
    _key("vus", count(1)),
    _key("iterations", ITERATIONS),
    _key("max_duration", _LEAST),
)
_ARRIVAL: Final = (
    _key("time_unit", positive_duration()),
    _key("pre_allocated_vus", count(), key="preAllocatedVUs", required=True),
    _key("max_vus", count(1), key="maxVUs"),
    _key("distribution", choice("uniform", "poisson")),
)


def _read_rate(value: object, where: Where) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise WrongValueError("must be a whole number", "lengthen the time unit: 1 per '2s' is 0.5 per '1s'")
    return read_int(value, where)


_RATE: Final = ValueType("whole number", single(_read_rate), limited(1, 10**9))

EXECUTORS: Final[Mapping[str, tuple[type[Any], tuple[Key, ...]]]] = MappingProxyType(
    {
        "shared-iterations": (SharedIterations, (*_COUNTED, *_COMMON)),
        "per-vu-iterations": (PerVUIterations, (*_COUNTED, *_COMMON)),
        "constant-vus": (
            ConstantVUs,
            (_key("vus", count(1)), _key("duration", _LEAST, required=True), *_COMMON),
        ),
        "ramping-vus": (
            RampingVUs,
            (
                _key("start_vus", count(), key="startVUs"),
                _key("stages", STAGES, required=True),
                _key("graceful_ramp_down", duration()),
                *_COMMON,
            ),
        ),
        "constant-arrival-rate": (
            ConstantArrivalRate,
            (
                _key("rate", _RATE, required=True),
                _key("duration", _LEAST, required=True),
                *_ARRIVAL,
                *_COMMON,
            ),
        ),
        "ramping-arrival-rate": (
            RampingArrivalRate,
            (_key("start_rate", count()), _key("stages", STAGES, required=True), *_ARRIVAL, *_COMMON),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class WrittenScenario:
    """A scenario with what was read of its fields, and their places.

    ``scenario`` is None where something is wrong with it; what could be read is checked all the same.
    """

    name: str
    where: Where
    scenario: Scenario | None = None
    executor: str = ""
    fields: Mapping[str, Where] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def place(self, field_name: str) -> Where:
        """Give the address of a field, or of the scenario where the field is left out."""
        return self.fields.get(field_name, self.where)


# Reading.


def _parse_scenarios(value: object, where: Where, findings: Findings) -> tuple[WrittenScenario, ...] | None:
    entries = read_mapping(value, where, findings)
    if entries is None:
        return None
    return tuple(_parse_scenario(name, raw, where.at(name), findings) for name, raw in entries.items())


def _parse_scenario(name: str, raw: object, where: Where, findings: Findings) -> WrittenScenario:
    unread = WrittenScenario(name, where)
    if not isinstance(raw, Mapping):
        findings.fault(where, f"must be a map with an executor, not {describe(raw)}")
        return unread
    executor = raw.get("executor")
    if executor is None:
        findings.fault(where, "has no executor", f"known: {', '.join(EXECUTORS)}")
        return unread
    if not isinstance(executor, str) or executor not in EXECUTORS:
        hint = _executor_hint(executor)
        findings.fault(where.at("executor"), f"names the unknown executor {describe(executor)}", hint)
        return unread
    struct, keys = EXECUTORS[executor]
    before = len(findings.faults)
    values, places = _read_keys(raw, keys, where, findings)
    for key in keys:
        if key.required and key.field not in values and key.field not in places:
            findings.fault(where, f"has no {_spelling(key, raw)}, which {executor} needs")
    if "max_vus" not in values and "pre_allocated_vus" in values and issubclass(struct, ArrivalBase):
        values["max_vus"] = values["pre_allocated_vus"]
    if len(findings.faults) > before:
        return WrittenScenario(name, where, None, executor, places, values)
    return WrittenScenario(name, where, struct(name=name, **values), executor, places, values)


def _executor_hint(executor: object) -> str:
    if executor == "externally-controlled":
        return "k6 2.0 removed it, and swell does not have it"
    return did_you_mean(str(executor), EXECUTORS)


def _read_keys(
    raw: Mapping[str, Any], keys: tuple[Key, ...], where: Where, findings: Findings
) -> tuple[dict[str, Any], dict[str, Where]]:
    """Read all keys of a scenario; a key that is set but wrong has a place and no value."""
    by_spelling = {spelling: key for key in keys for spelling in (key.name, key.key.lower())}
    values: dict[str, Any] = {}
    places: dict[str, Where] = {}
    for written, raw_value in raw.items():
        place = where.at(str(written))
        key = by_spelling.get(str(written)) or by_spelling.get(str(written).lower())
        if written == "executor":
            continue
        if written == "options":
            _warn_of_browser(raw_value, place, findings)
        elif key is None:
            known = [spelling for each in keys for spelling in {each.name, each.key}]
            hint = did_you_mean(str(written), known)
            findings.fault(place, f"is an unknown key of {raw['executor']}", hint)
        elif key.field in places:
            findings.fault(place, f"is set twice, also as {places[key.field].path[-1]}")
        elif raw_value is not None:
            places[key.field] = place
            value = key.type.parse(raw_value, place, findings)
            if value is not None:
                values[key.field] = value
    return values, places


def _warn_of_browser(value: object, place: Where, findings: Findings) -> None:
    if isinstance(value, Mapping) and value.get("browser"):
        findings.warn(f"{place}: swell has no browser; the scenario runs without")


def _spelling(key: Key, raw: Mapping[str, Any]) -> str:
    """Name a missing key in the spelling that the scenario's other keys have."""
    in_k6_form = any(str(written) != str(written).lower() for written in raw)
    return key.key if in_k6_form else key.name


# Checking.


def _check_scenarios(scenarios: tuple[WrittenScenario, ...], _where: Where, findings: Findings) -> None:
    for written in scenarios:
        if not _NAME.fullmatch(written.name):
            findings.fault(
                written.where,
                f"has the name {written.name!r}",
                "use letters, digits, - and _ only",
            )
        if written.executor:
            check_scenario(written, findings)
    _check_order(scenarios, findings)


def check_scenario(written: WrittenScenario, findings: Findings) -> None:
    """Note every value of a scenario that is out of range, and every pair that cannot be."""
    before = len(findings.faults)
    for key in EXECUTORS[written.executor][1]:
        # A default needs no check: it has no place either.
        if key.field in written.fields and key.field in written.values:
            key.type.check(written.values[key.field], written.place(key.field), findings)
    scenario = written.scenario
    if scenario is None or len(findings.faults) > before:
        return
    if isinstance(scenario, SharedIterations) and scenario.iterations < scenario.vus:
        findings.fault(
            written.place("iterations"),
            f"must not be below the number of VUs: {scenario.iterations} iterations for {scenario.vus} VUs",
            "a VU without an iteration would do nothing; lower vus or raise iterations",
        )
    elif isinstance(scenario, RampingVUs | RampingArrivalRate):
        _check_ramp(written, scenario, findings)
    if isinstance(scenario, ArrivalBase):
        _check_pool(written, scenario, findings)


def _check_ramp(
    written: WrittenScenario, scenario: RampingVUs | RampingArrivalRate, findings: Findings
) -> None:
    start = scenario.start_vus if isinstance(scenario, RampingVUs) else scenario.start_rate
    if not scenario.stages:
        findings.fault(written.place("stages"), "must hold at least one stage")
    elif not start and not any(stage.target for stage in scenario.stages):
        findings.fault(written.place("stages"), "never rises above 0, so nothing would run")


def _check_pool(written: WrittenScenario, scenario: ArrivalBase, findings: Findings) -> None:
    if scenario.max_vus < scenario.pre_allocated_vus:
        findings.fault(
            written.place("max_vus"),
            f"must not be below the pre-allocated VUs: {scenario.max_vus} of {scenario.pre_allocated_vus}",
        )
    elif scenario.max_vus == 0:
        findings.fault(written.place("pre_allocated_vus"), "allows no VU at all, so nothing would run")


def _check_order(scenarios: tuple[WrittenScenario, ...], findings: Findings) -> None:
    """Check that each ``after`` names another scenario, and that they form no circle."""
    by_name = {written.name: written for written in scenarios}
    after = {written.name: written.values["after"] for written in scenarios if "after" in written.values}
    for name, other in after.items():
        if other not in by_name:
            hint = did_you_mean(other, [known for known in by_name if known != name])
            findings.fault(by_name[name].place("after"), f"names the unknown scenario {other!r}", hint)
    reported: set[str] = set()
    for name in after:
        circle = _circle(name, after)
        if circle and not reported.intersection(circle):
            reported.update(circle)
            text = " after ".join([*circle, circle[0]])
            findings.fault(by_name[name].place("after"), f"forms a circle, so none could start: {text}")


def _circle(name: str, after: Mapping[str, str]) -> list[str]:
    """Follow ``after`` from ``name``; the names on the way if it leads back to ``name``, else nothing."""
    path = [name]
    current = after.get(name)
    while current is not None and current not in path:
        path.append(current)
        current = after.get(current)
    return path if current == name else []


def check_functions(
    scenarios: Collection[WrittenScenario], functions: Collection[str], script: Where, findings: Findings
) -> None:
    """Check that every scenario's function is one that the script has."""
    for written in scenarios:
        name = written.values.get("exec", "default")
        place = written.fields.get("exec")
        if not written.executor or name in functions or (place is not None and "exec" not in written.values):
            continue
        if place is not None:
            hint = did_you_mean(name, functions) or "the script has no function for a scenario"
            findings.fault(place, f"names the function {name!r}, which the script does not have", hint)
        elif written.where.layer.kind == "default" or written.name == "default":
            if functions:
                hint = f"define default(), or scenarios for {', '.join(sorted(functions))}"
                findings.fault(script, "has no function default()", hint)
            else:
                findings.fault(
                    script, "has no function to run", "define default(), or a function for a scenario"
                )
        else:
            hint = "set exec to the name of a function, or define default()"
            findings.fault(written.where, "has no exec, and the script has no function default()", hint)


def executor_of(scenario: Scenario) -> str:
    """Name the executor of a scenario, such as ``constant-vus``."""
    return str(scenario.__struct_config__.tag)


def _show_scenarios(scenarios: tuple[WrittenScenario, ...]) -> dict[str, object]:
    return {written.name: show_scenario(written.scenario) for written in scenarios if written.scenario}


def show_scenario(scenario: Scenario) -> dict[str, object]:
    """Write a scenario as k6's JSON does, defaults included."""
    executor = executor_of(scenario)
    _, keys = EXECUTORS[executor]
    shown: dict[str, object] = {"executor": executor}
    for key in keys:
        value = getattr(scenario, key.field)
        shown[key.key] = None if value is None else key.type.show(value)
    return shown


# The order in which k6 shows what it knows.
_SHOWN_FIRST_TO_LAST: Final = (
    *("startTime", "gracefulStop", "env", "exec", "tags"),
    *("vus", "startVUs", "rate", "startRate", "timeUnit", "duration", "stages", "iterations", "maxDuration"),
    *("gracefulRampDown", "preAllocatedVUs", "maxVUs"),
)


def show_written_scenario(written: WrittenScenario) -> dict[str, object]:
    """Write what a scenario sets as k6's JSON does, and null for what it leaves out."""
    _, keys = EXECUTORS[written.executor]
    by_key = {key.key: key for key in keys}
    shown: dict[str, object] = {"executor": written.executor}
    for name in _SHOWN_FIRST_TO_LAST:
        key = by_key.get(name)
        if key is not None:
            value = written.values.get(key.field) if key.field in written.fields else None
            shown[name] = None if value is None else key.type.show(value)
    return shown


SCENARIOS: Final = ValueType("scenarios by name", _parse_scenarios, _check_scenarios, _show_scenarios)
