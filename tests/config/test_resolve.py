"""Precedence of layers, derivation of the workload, and what is warned of; k6's rules."""

import copy
from typing import Any

import pytest
from configuration import cli, env, faults, file, hints, resolved, script

from swell.base.clock import NS_PER_SECOND
from swell.base.errors import ConfigError, SwellError
from swell.config.layers import Layer
from swell.config.options import DNSOptions, Options, ThresholdSpec
from swell.config.resolve import resolve
from swell.config.scenarios import (
    ConstantVUs,
    PerVUIterations,
    RampingVUs,
    SharedIterations,
    Stage,
)

SECOND = NS_PER_SECOND
NAME = "default"
ONE = {"a": {"executor": "constant-vus", "duration": "5s"}}
ONE_SCENARIO = ConstantVUs(name="a", duration_ns=5 * SECOND)


# What the shortcuts stand for.


@pytest.mark.parametrize(
    ("options", "scenario"),
    [
        ({}, PerVUIterations(name=NAME)),
        ({"iterations": 7}, SharedIterations(name=NAME, iterations=7)),
        ({"iterations": 7, "vus": 3}, SharedIterations(name=NAME, vus=3, iterations=7)),
        (
            {"iterations": 7, "vus": 3, "duration": "9s"},
            SharedIterations(name=NAME, vus=3, iterations=7, max_duration_ns=9 * SECOND),
        ),
        ({"duration": "9s"}, ConstantVUs(name=NAME, duration_ns=9 * SECOND)),
        ({"duration": 9000, "vus": 3}, ConstantVUs(name=NAME, vus=3, duration_ns=9 * SECOND)),
        ({"stages": [("9s", 5)]}, RampingVUs(name=NAME, stages=(Stage(9 * SECOND, 5),))),
        (
            {"stages": [{"duration": "9s", "target": 5}], "vus": 3},
            RampingVUs(name=NAME, start_vus=3, stages=(Stage(9 * SECOND, 5),)),
        ),
        ({"vus": 4}, SharedIterations(name=NAME, vus=4, iterations=4)),
    ],
    ids=str,
)
def test_shortcuts_become_one_scenario(options: dict[str, object], scenario: object) -> None:
    """Each combination of shortcuts is the scenario that k6 makes of it."""
    assert resolved(script(**options)).scenarios == (scenario,)


@pytest.mark.parametrize(
    ("lower", "higher", "scenario"),
    [
        # A layer that sets one of the four drops those below.
        ({"stages": [("9s", 5)]}, {"duration": "5s"}, ConstantVUs(name=NAME, duration_ns=5 * SECOND)),
        ({"duration": "9s"}, {"iterations": "5"}, SharedIterations(name=NAME, iterations=5)),
        ({"iterations": 3}, {"stages": "5s:2"}, RampingVUs(name=NAME, stages=(Stage(5 * SECOND, 2),))),
        ({"scenarios": ONE}, {"iterations": "5"}, SharedIterations(name=NAME, iterations=5)),
        # vus is not one of them: it is combined.
        ({"duration": "9s", "vus": 2}, {"vus": "8"}, ConstantVUs(name=NAME, vus=8, duration_ns=9 * SECOND)),
        ({"vus": 2}, {"duration": "9s"}, ConstantVUs(name=NAME, vus=2, duration_ns=9 * SECOND)),
        # Alone, it overrides scenarios.
        ({"scenarios": ONE}, {"vus": "4"}, SharedIterations(name=NAME, vus=4, iterations=4)),
        # A wrong value that does not take effect does no harm.
        ({"duration": "0s"}, {"duration": "5s"}, ConstantVUs(name=NAME, duration_ns=5 * SECOND)),
        ({"vus": 0, "iterations": 3}, {"vus": "3"}, SharedIterations(name=NAME, vus=3, iterations=3)),
    ],
    ids=str,
)
def test_flags_replace_the_script_s_workload(
    lower: dict[str, object], higher: dict[str, object], scenario: object
) -> None:
    """duration, iterations, stages and scenarios are replaced together, vus by itself."""
    assert resolved(script(**lower), cli(**higher)).scenarios == (scenario,)


def test_a_script_s_scenarios_replace_the_file_s_workload() -> None:
    """Scenarios count as workload too."""
    assert resolved(file(duration="9s", iterations=4), script(scenarios=ONE)).scenarios == (ONE_SCENARIO,)


@pytest.mark.parametrize(
    ("layers", "warning"),
    [
        (
            (script(scenarios=ONE), cli(duration="5s")),
            '"cli" level configuration overrode scenarios configuration entirely',
        ),
        (
            (script(scenarios=ONE), env(iterations="5")),
            '"env" level configuration overrode scenarios configuration entirely',
        ),
        (
            (file(scenarios=ONE), script(stages=[("1s", 1)])),
            '"script" level configuration overrode scenarios configuration entirely',
        ),
        ((script(scenarios=ONE), cli(vus="4")), "`vus=4` overrides scenarios configuration"),
        ((script(scenarios=ONE, vus=4),), "`vus=4` overrides scenarios configuration"),
        (
            (script(stages=[]),),
            "`stages` was explicitly set to an empty value, running the script with 1 iteration in 1 VU",
        ),
        (
            (script(scenarios={}),),
            "`scenarios` was explicitly set to an empty value, running the script with 1 iteration in 1 VU",
        ),
        (
            (Layer("script", "script.py", {"stages": []}, strict=True),),
            "script.py options.stages: stages is empty; one VU runs one iteration",
        ),
    ],
)
def test_a_workload_that_is_lost_is_warned_of(layers: tuple[Layer, ...], warning: str) -> None:
    """What the user wrote and does not get is said, in k6's words."""
    assert resolved(*layers).warnings == (warning,)


def test_an_empty_workload_still_drops_the_one_below() -> None:
    """Explicitly empty stages are a setting: the file's duration is gone."""
    resolution = resolved(file(duration="9s"), script(stages=[]))
    assert resolution.scenarios == (PerVUIterations(name=NAME),)


# Options.


def test_the_higher_layer_wins_and_the_origin_is_known() -> None:
    """File, script, variables, flags: each beats those before, option by option."""
    layers = [
        file(rps=1, batch=1, maxRedirects=1, userAgent="file"),
        script({"rps": "script.py:3"}, rps=2, batch=2, max_redirects=2),
        env(rps="3", batch="3"),
        cli(rps="4"),
    ]
    resolution = resolved(*layers)
    options = resolution.options
    assert (options.rps, options.batch, options.max_redirects, options.user_agent) == (4, 3, 2, "file")
    assert resolution.origins["rps"] == "--rps"
    assert resolution.origins["batch"] == "SWELL_BATCH"
    assert resolution.origins["max_redirects"] == "script.py options.max_redirects"
    assert resolution.origins["user_agent"] == "config.json: userAgent"
    assert resolution.origins["throw"] == "default"
    assert resolved(layers[1]).origins["rps"] == "script.py:3 options.rps"


def test_tags_and_thresholds_are_replaced_whole() -> None:
    """Maps of a lower layer do not shine through."""
    options = resolved(
        script(tags={"a": "1"}, thresholds={"checks": ["rate>0.9"]}),
        cli(tags=["b=2"], thresholds=["http_reqs=count>1"]),
    ).options
    assert options.tags == {"b": "2"}
    assert options.thresholds == {"http_reqs": (ThresholdSpec("count>1"),)}


def test_dns_is_merged_field_by_field() -> None:
    """Each layer adds the fields that it sets."""
    options = resolved(script(dns={"ttl": "1m", "select": "first"}), cli(dns="select=roundRobin")).options
    assert options.dns == DNSOptions(ttl_ns=60 * SECOND, select="roundRobin", policy="preferIPv4")


def test_without_layers_everything_has_its_default() -> None:
    """No layer is needed; a front end may give defaults of its own."""
    plain = resolve([], ["default"]).options
    assert plain == Options(given_scenarios=plain.given_scenarios)
    assert [key for key, value in plain.given_scenarios["default"].items() if value is not None] == [
        "executor"
    ]
    other = Options(require_data=False)
    assert resolve([cli(rps="3")], ["default"], defaults=other).options == Options(
        require_data=False, rps=3, given={"rps": 3}, given_scenarios=plain.given_scenarios
    )


def test_none_is_not_a_setting() -> None:
    """A key with null leaves the lower layer's value, as in k6."""
    assert resolved(file(rps=3), script(rps=None, tags=None)).options.rps == 3


def test_both_spellings_are_one_option() -> None:
    """k6's spelling, in any case, and snake case name the same row."""
    for key in ("maxRedirects", "max_redirects", "MaxRedirects"):
        assert resolved(Layer("script", "s.py", {key: 3})).options.max_redirects == 3
    twice = Layer("script", "s.py", {"max_redirects": 3, "maxRedirects": 4})
    assert faults(twice) == ["s.py options.maxRedirects: is set twice, also as max_redirects"]


def test_resolving_changes_none_of_its_input() -> None:
    """Layers are the same before and after, and resolving again gives the same."""
    values: dict[str, Any] = {
        "scenarios": {"a": {"executor": "ramping-vus", "stages": [["1s", 2]], "tags": {"x": "y"}}},
        "tags": {"a": "b"},
        "dns": {"ttl": "1m"},
        "thresholds": {"checks": [{"threshold": "rate>0.9"}]},
    }
    before = copy.deepcopy(values)
    layers = [Layer("script", "s.py", values), cli(dns="ttl=0")]
    first = resolve(layers, ["default"])
    assert values == before
    assert resolve(layers, ["default"]) == first


# Unknown, refused and misplaced options.


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        (
            {"durations": "3s"},
            "options.durations: the unknown option 'durations' is ignored; did you mean 'duration'?",
        ),
        (
            {"max_redirect": 3},
            (
                "options.max_redirect: the unknown option 'max_redirect' is ignored; "
                "did you mean 'max_redirects'?"
            ),
        ),
        ({"zzz": 3}, "options.zzz: the unknown option 'zzz' is ignored"),
        (
            {"consoleOutput": "x"},
            (
                "options.consoleOutput: 'consoleOutput' cannot be set here and is ignored; "
                "use --console-output or SWELL_CONSOLE_OUTPUT"
            ),
        ),
        ({"verbose": True}, "options.verbose: the unknown option 'verbose' is ignored"),
    ],
)
def test_an_option_without_effect_is_warned_of(options: dict[str, object], warning: str) -> None:
    """Unknown at the top level is a warning, as in k6, with the nearest known name."""
    assert resolved(script(**options)).warnings == (f"script.py {warning}",)


def test_k6_options_without_a_meaning_here_are_passed_over() -> None:
    """Cloud settings and the like do no harm and are not worth a word."""
    assert resolved(script(cloud={"projectID": 1}, ext={}, metricSamplesBufferSize=5)).warnings == ()


def test_k6_options_that_would_change_the_run_are_refused() -> None:
    """Running the whole where a part was asked for would be worse than not running."""
    assert faults(script(executionSegment="0:1/2", paused=True)) == [
        "script.py options.executionSegment: executionSegment is not supported",
        "script.py options.paused: paused is not supported",
    ]


def test_the_command_s_own_flags_are_no_options() -> None:
    """The command line's layer may hold them; nothing is said."""
    assert resolved(cli(quiet="true", config="x", env=["A=1"])).warnings == ()


def test_a_layer_s_notes_become_warnings() -> None:
    """What was met while a layer was gathered is passed on."""
    assert resolved(Layer("env", "environment", notes=("a note",))).warnings == ("a note",)


# Conflicts.


@pytest.mark.parametrize(
    "names",
    [
        ("iterations", "stages"),
        ("duration", "stages"),
        ("duration", "scenarios"),
        ("iterations", "scenarios"),
        ("stages", "scenarios"),
    ],
)
def test_workloads_of_one_layer_conflict(names: tuple[str, str]) -> None:
    """Two kinds of workload in one layer are a fault; both places are named."""
    values = {"iterations": 5, "duration": "5s", "stages": [("5s", 1)], "scenarios": ONE}
    first, second = sorted(names, key=["duration", "iterations", "stages", "scenarios"].index)
    found = faults(script(**{name: values[name] for name in names}))
    place = (
        f"script.py options.{second}: {second} and {first} cannot be set together (script.py options.{first})"
    )
    assert found == [place]


def test_the_same_workloads_in_two_layers_do_not_conflict() -> None:
    """The higher one has replaced the lower one."""
    assert resolved(script(stages=[("5s", 1)]), cli(duration="5s")).scenarios[0].name == NAME


@pytest.mark.parametrize(
    ("layers", "fault"),
    [
        ((cli(duration="0s"),), "--duration: must be at least 1s, not 0s"),
        ((cli(duration="-5s"),), "--duration: must be at least 1s, not -5s"),
        ((script(duration="500ms"),), "script.py options.duration: must be at least 1s, not 500ms"),
        (
            (script(duration="100ms", iterations=3),),
            "script.py options.duration: must be at least 1s, not 100ms",
        ),
        ((cli(vus="0"),), "--vus: must be at least 1, not 0"),
        ((env(vus="-1"),), "SWELL_VUS: must be at least 1, not -1"),
        ((cli(iterations="0"),), "--iterations: must be at least 1, not 0"),
        (
            (script(vus=10), cli(iterations="5")),
            "--iterations: must not be below the number of VUs: 5 iterations for 10 VUs",
        ),
        ((cli(stages=["5s:-1"]),), "--stage[0].target: must be from 0 to 100000000, not -1"),
        (
            (script(stages=[("-5s", 1)]),),
            "script.py options.stages[0].duration: must be at least 0s, not -5s",
        ),
        (
            (script(stages=[("5s", 0)], vus=0),),
            "script.py options.stages: never rises above 0, so nothing would run",
        ),
    ],
)
def test_a_shortcut_out_of_range_is_reported_once_at_its_own_place(
    layers: tuple[Layer, ...], fault: str
) -> None:
    """The derived scenario's faults stand where the shortcut was written."""
    assert faults(*layers) == [fault]


def test_a_broken_workload_brings_no_faults_that_follow_from_it() -> None:
    """Where scenarios cannot be read, nobody is told that default() is missing."""
    assert faults(script(scenarios=3), functions=("search",)) == [
        "script.py options.scenarios: must be a map of names to values, not 3"
    ]


# Functions.


def test_a_script_must_have_a_function() -> None:
    """Without any there is one fault, not one per way to look at it."""
    assert faults(script(vus=2), functions=()) == ["script.py: has no function to run"]
    assert hints(script(vus=2), functions=()) == ["define default(), or a function for a scenario"]


def test_the_default_function_must_be_there() -> None:
    """A derived scenario runs default(); the script is the place of the fault, and what it has is named."""
    assert faults(script(vus=2), functions=("search", "pay")) == ["script.py: has no function default()"]
    assert hints(script(vus=2), functions=("search", "pay")) == [
        "define default(), or scenarios for pay, search"
    ]


def test_a_scenario_s_function_must_be_there() -> None:
    """The key exec must name a function of the script; the nearest one is suggested."""
    layer = script(
        {"scenarios.a": "script.py:7"},
        scenarios={
            "a": {"executor": "constant-vus", "duration": "5s", "exec": "serch"},
            "b": {"executor": "constant-vus", "duration": "5s"},
            "default": {"executor": "constant-vus", "duration": "5s"},
        },
    )
    assert faults(layer, functions=("search",)) == [
        "script.py:7 options.scenarios.a.exec: names the function 'serch', which the script does not have",
        "script.py options.scenarios.b: has no exec, and the script has no function default()",
        "script.py: has no function default()",
    ]
    assert hints(layer, functions=("search",))[0] == "did you mean 'search'?"


# Thresholds.


def test_thresholds_are_judged_by_the_given_function() -> None:
    """Its errors become faults at the expression's place, with their hints."""

    def check(metric: str, source: str | None) -> None:
        if metric.startswith("unknown"):
            raise SwellError("is no metric", hint="did you mean 'known'?")
        if source == "bad":
            raise ValueError("cannot be parsed")

    layers = [script(thresholds={"unknown": ["x"], "known{a:b}": ["good", "bad"], "unknown2": []})]
    with pytest.raises(ConfigError) as caught:
        resolve(layers, ["default"], check_threshold=check)
    assert [(fault.place, fault.message, fault.hint) for fault in caught.value.faults] == [
        ("script.py options.thresholds.unknown[0]", "is no metric", "did you mean 'known'?"),
        ("script.py options.thresholds['known{a:b}'][1]", "cannot be parsed", ""),
        ("script.py options.thresholds.unknown2", "is no metric", "did you mean 'known'?"),
    ]


def test_all_faults_of_all_layers_are_listed_at_once() -> None:
    """One run of the resolution shows everything there is to mend."""
    layers = [
        file(rps="many", stages=[{"target": "x"}]),
        script({"thresholds": "script.py:9"}, batch=-1, thresholds={"checks": [3]}),
        env(summary_mode="ful", seed="-1"),
        cli(duration="10", tags=["a"], system_tags=["url"]),
    ]
    assert faults(*layers) == [
        "config.json: rps: must be a whole number, not 'many'",
        "config.json: stages[0]: has no duration",
        "script.py:9 options.thresholds.checks[0]: must be an expression, not 3",
        "SWELL_SUMMARY_MODE: must be one of compact, full, legacy, disabled, not 'ful'",
        "SWELL_SEED: must be from 0 to 2**63 - 1, not '-1'",
        "--duration: '10' has no unit; write it like 30s, 1m30s or 500ms",
        "--tag: must be written as name=value, not 'a'",
        "script.py options.batch: must be at least 0, not -1",
    ]
    assert hints(env(summary_mode="ful")) == ["did you mean 'full'?"]


def test_a_config_error_carries_the_warnings_too() -> None:
    """An option that is ignored may be the reason for a fault elsewhere."""
    with pytest.raises(ConfigError) as caught:
        resolve([script(durations="5s", iterations=0)], ["default"])
    assert [warning.partition(";")[2] for warning in caught.value.warnings] == [" did you mean 'duration'?"]
