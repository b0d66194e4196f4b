"""Scenarios: the keys of every executor, their defaults, minima, and the rules between them."""

from typing import Any

import pytest
from configuration import faults, hints, resolved, script

from swell.base.clock import NS_PER_SECOND
from swell.config.scenario_values import EXECUTORS, executor_of, show_scenario
from swell.config.scenarios import (
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    Scenario,
    SharedIterations,
    Stage,
)

SECOND = NS_PER_SECOND
STAGES = (Stage(5 * SECOND, 3),)
CAR = {"executor": "constant-arrival-rate", "rate": 10, "duration": "5s", "preAllocatedVUs": 2}


def scenario(**keys: object) -> Scenario:
    """The one scenario with these keys."""
    return resolved(script(scenarios={"a": keys})).scenarios[0]


def wrong(**keys: object) -> list[str]:
    """Its faults, without the place that they share."""
    return [
        fault.removeprefix("script.py options.scenarios.a") for fault in faults(script(scenarios={"a": keys}))
    ]


@pytest.mark.parametrize(
    ("keys", "made"),
    [
        ({"executor": "shared-iterations"}, SharedIterations(name="a")),
        (
            {"executor": "shared-iterations", "vus": 2, "iterations": 9, "maxDuration": "5s"},
            SharedIterations(name="a", vus=2, iterations=9, max_duration_ns=5 * SECOND),
        ),
        ({"executor": "per-vu-iterations", "vus": 3}, PerVUIterations(name="a", vus=3)),
        ({"executor": "constant-vus", "duration": 5000}, ConstantVUs(name="a", duration_ns=5 * SECOND)),
        (
            {"executor": "ramping-vus", "stages": [("5s", 3)], "start_vus": 0, "graceful_ramp_down": "0s"},
            RampingVUs(name="a", start_vus=0, stages=STAGES, graceful_ramp_down_ns=0),
        ),
        (CAR, ConstantArrivalRate(name="a", rate=10, duration_ns=5 * SECOND, pre_allocated_vus=2, max_vus=2)),
        (
            {**CAR, "max_vus": 4, "timeUnit": "1m", "distribution": "poisson"},
            ConstantArrivalRate(
                name="a",
                rate=10,
                duration_ns=5 * SECOND,
                pre_allocated_vus=2,
                max_vus=4,
                time_unit_ns=60 * SECOND,
                distribution="poisson",
            ),
        ),
        (
            {"executor": "ramping-arrival-rate", "stages": [["5s", 3]], "pre_allocated_vus": 1, "maxVUs": 2},
            RampingArrivalRate(name="a", stages=STAGES, pre_allocated_vus=1, max_vus=2),
        ),
        (
            {
                "executor": "constant-vus",
                "duration": "5s",
                "exec": "search",
                "startTime": "3s",
                "gracefulStop": "0s",
                "env": {"A": "1"},
                "tags": {"b": "2"},
            },
            ConstantVUs(
                name="a",
                duration_ns=5 * SECOND,
                exec="search",
                start_time_ns=3 * SECOND,
                graceful_stop_ns=0,
                env={"A": "1"},
                tags={"b": "2"},
            ),
        ),
        (
            {"executor": "constant-vus", "duration": "5s", "vus": None},
            ConstantVUs(name="a", duration_ns=5 * SECOND),
        ),
    ],
    ids=str,
)
def test_scenarios_are_made_with_k6_s_defaults(keys: dict[str, object], made: Scenario) -> None:
    """Both spellings, and a default for each key that is left out."""
    assert scenario(**keys) == made


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, [": has no executor"]),
        ({"executor": "constant-vu"}, [".executor: names the unknown executor 'constant-vu'"]),
        ({"executor": ["x"]}, [".executor: names the unknown executor ['x']"]),
        (
            {"executor": "externally-controlled"},
            [".executor: names the unknown executor 'externally-controlled'"],
        ),
        (
            {"executor": "constant-vus", "iterations": 5},
            [".iterations: is an unknown key of constant-vus", ": has no duration, which constant-vus needs"],
        ),
        (
            {"executor": "constant-arrival-rate", "maxVUs": 3},
            [
                ": has no rate, which constant-arrival-rate needs",
                ": has no duration, which constant-arrival-rate needs",
                ": has no preAllocatedVUs, which constant-arrival-rate needs",
            ],
        ),
        (
            {"executor": "ramping-arrival-rate", "max_vus": 3, "stages": [("1s", 1)]},
            [": has no pre_allocated_vus, which ramping-arrival-rate needs"],
        ),
        ({**CAR, "rate": 0.5}, [".rate: must be a whole number, not 0.5"]),
        ({**CAR, "rate": 0}, [".rate: must be at least 1, not 0"]),
        ({**CAR, "timeUnit": 0}, [".timeUnit: must be positive, not 0s"]),
        ({**CAR, "duration": "999ms"}, [".duration: must be at least 1s, not 999ms"]),
        ({**CAR, "maxVUs": 1}, [".maxVUs: must not be below the pre-allocated VUs: 1 of 2"]),
        ({**CAR, "preAllocatedVUs": 0}, [".preAllocatedVUs: allows no VU at all, so nothing would run"]),
        ({**CAR, "preAllocatedVUs": -1}, [".preAllocatedVUs: must be at least 0, not -1"]),
        ({**CAR, "distribution": "normal"}, [".distribution: must be one of uniform, poisson, not 'normal'"]),
        ({**CAR, "max_vus": 3, "maxVUs": 3}, [".maxVUs: is set twice, also as max_vus"]),
        (
            {"executor": "shared-iterations", "vus": 9, "iterations": 3},
            [".iterations: must not be below the number of VUs: 3 iterations for 9 VUs"],
        ),
        (
            {"executor": "shared-iterations", "vus": 9},
            [": must not be below the number of VUs: 1 iterations for 9 VUs"],
        ),
        (
            {"executor": "per-vu-iterations", "maxDuration": "0s"},
            [".maxDuration: must be at least 1s, not 0s"],
        ),
        ({"executor": "constant-vus", "duration": "5s", "vus": 0}, [".vus: must be at least 1, not 0"]),
        ({"executor": "ramping-vus", "stages": []}, [".stages: must hold at least one stage"]),
        (
            {"executor": "ramping-vus", "startVUs": 0, "stages": [("5s", 0)]},
            [".stages: never rises above 0, so nothing would run"],
        ),
        (
            {"executor": "ramping-vus", "stages": [("5s", -1)], "startTime": "-1s", "gracefulStop": "-2s"},
            [
                ".stages[0].target: must be from 0 to 100000000, not -1",
                ".startTime: must be at least 0s, not -1s",
                ".gracefulStop: must be at least 0s, not -2s",
            ],
        ),
        # What can be read is checked although something else cannot.
        (
            {"executor": "constant-vus", "vuss": 3, "duration": "1ms", "exec": "serch"},
            [
                ".vuss: is an unknown key of constant-vus",
                ".exec: names the function 'serch', which the script does not have",
                ".duration: must be at least 1s, not 1ms",
            ],
        ),
        ({"executor": "constant-vus", "duration": "1s", "exec": 3}, [".exec: must be text, not 3"]),
        ({"executor": "constant-vus", "duration": "1s", "env": {"A": 1}}, [".env.A: must be text, not 1"]),
    ],
    ids=str,
)
def test_wrong_scenarios(keys: dict[str, object], found: list[str]) -> None:
    """Every kind of fault, at the key where it stands."""
    assert sorted(wrong(**keys)) == sorted(found)


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        ({"executor": "constant-vu"}, "did you mean 'constant-vus'?"),
        ({"executor": "externally-controlled"}, "k6 2.0 removed it, and swell does not have it"),
        ({"executor": "constant-vus", "duration": "5s", "vuss": 3}, "did you mean 'vus'?"),
        ({**CAR, "maxvu": 3}, "did you mean 'maxVUs'?"),
        ({**CAR, "rate": 0.5}, "lengthen the time unit: 1 per '2s' is 0.5 per '1s'"),
    ],
)
def test_hints_say_what_to_write(keys: dict[str, object], hint: str) -> None:
    """The nearest name, or the way round."""
    assert hints(script(scenarios={"a": keys})) == [hint]


def test_scenarios_must_be_maps_with_plain_names() -> None:
    """A name becomes a tag and a file name."""
    good = {"executor": "constant-vus", "duration": "5s"}
    assert faults(script(scenarios={"a b": good, "ok-1_x": good, "": good, "c": 3})) == [
        "script.py options.scenarios.c: must be a map with an executor, not 3",
        "script.py options.scenarios['a b']: has the name 'a b'",
        "script.py options.scenarios['']: has the name ''",
    ]


def chain(**after: str | None) -> dict[str, dict[str, Any]]:
    """Scenarios of which each waits for another."""
    return {
        name: {"executor": "constant-vus", "duration": "5s", "after": other} for name, other in after.items()
    }


def test_scenarios_may_wait_for_others() -> None:
    """A chain, and two that wait for the same one."""
    scenarios = resolved(script(scenarios=chain(a=None, b="a", c="b", d="a"))).scenarios
    assert [scenario.after for scenario in scenarios] == [None, "a", "b", "a"]


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ({"a": "a"}, [".a.after: forms a circle, so none could start: a after a"]),
        (
            {"a": "b", "b": "c", "c": "a"},
            [".a.after: forms a circle, so none could start: a after b after c after a"],
        ),
        (
            {"x": "a", "a": "b", "b": "a"},
            [".a.after: forms a circle, so none could start: a after b after a"],
        ),
        ({"a": "y", "b": None}, [".a.after: names the unknown scenario 'y'"]),
    ],
)
def test_waiting_that_could_never_end(after: dict[str, str | None], found: list[str]) -> None:
    """Circles are reported once, with all their members; unknown names by themselves."""
    prefix = "script.py options.scenarios"
    assert [fault.removeprefix(prefix) for fault in faults(script(scenarios=chain(**after)))] == found


def test_a_browser_is_warned_of() -> None:
    """k6's browser settings are read and have no effect."""
    keys = {"executor": "constant-vus", "duration": "5s", "options": {"browser": {"type": "chromium"}}}
    assert resolved(script(scenarios={"a": keys})).warnings == (
        "script.py options.scenarios.a.options: swell has no browser; the scenario runs without",
    )


@pytest.mark.parametrize("name", EXECUTORS)
def test_a_shown_scenario_reads_back_as_itself(name: str) -> None:
    """What inspect prints can be put into a script."""
    struct, keys = EXECUTORS[name]
    needed: dict[str, Any] = {"stages": [("5s", 3)], "duration": "5s", "rate": 3, "pre_allocated_vus": 2}
    given = {key.name: needed[key.name] for key in keys if key.required}
    made = scenario(executor=name, **given)
    assert type(made) is struct
    assert executor_of(made) == name
    assert scenario(**show_scenario(made)) == made
