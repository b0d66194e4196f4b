"""The environment: which variable sets which option, the command's own settings, the script's variables."""

import pytest

from swell.base.errors import ConfigError
from swell.config.environment import (
    CommandSettings,
    command_settings,
    env_layer,
    script_environment,
    variable_names,
)
from swell.config.table import RUN_OPTIONS, option

# k6.md 1.3, those that swell has.
K6_VARIABLES = (
    "VUS DURATION ITERATIONS STAGES NO_SETUP SETUP_TIMEOUT NO_TEARDOWN TEARDOWN_TIMEOUT "
    "HANDLE_SUMMARY_TIMEOUT RPS DNS MAX_REDIRECTS USER_AGENT BATCH BATCH_PER_HOST HTTP_DEBUG "
    "INSECURE_SKIP_TLS_VERIFY TLS_CIPHER_SUITES TLSAUTH THROW THRESHOLDS BLACKLIST_IPS "
    "BLOCK_HOSTNAMES HOSTS NO_CONNECTION_REUSE NO_VU_CONNECTION_REUSE MIN_ITERATION_DURATION "
    "SUMMARY_TREND_STATS SUMMARY_TIME_UNIT SYSTEM_TAGS TAGS NO_COOKIES_RESET DISCARD_RESPONSE_BODIES "
    "CONSOLE_OUTPUT LOCAL_IPS NO_THRESHOLDS SUMMARY_MODE SUMMARY_EXPORT NEW_MACHINE_READABLE_SUMMARY "
    "OUT"
)


def test_every_variable_of_k6_is_known() -> None:
    """The names of k6 and the same with SWELL_; swell's own options have the latter only."""
    known = {name for row in RUN_OPTIONS for name in variable_names(row)}
    assert {f"K6_{name}" for name in K6_VARIABLES.split()} == {
        name for name in known if name.startswith("K6_")
    }
    assert {f"SWELL_{name}" for name in K6_VARIABLES.split()} < known
    assert variable_names(option("workers")) == ("SWELL_WORKERS",)
    assert variable_names(option("scenarios")) == ()


def test_swell_s_variable_wins_and_an_empty_one_sets_nothing() -> None:
    """The place is the variable that was used."""
    layer = env_layer({"K6_VUS": "3", "SWELL_VUS": "4", "K6_RPS": "5", "SWELL_RPS": "", "K6_BATCH": ""})
    assert layer.values == {"vus": "4", "rps": "5"}
    assert layer.places == {"vus": "SWELL_VUS", "rps": "K6_RPS"}
    assert layer.kind == "env"


def test_a_misspelt_variable_is_warned_of_and_a_script_s_own_is_not() -> None:
    """Only what is nearly an option's variable is worth a word."""
    layer = env_layer({"SWELL_DURATON": "3s", "SWELL_API_TOKEN": "x", "K6_USRAGENT": "x", "SWELLVUS": "3"})
    assert layer.notes == (
        "K6_USRAGENT: no option has this variable; did you mean K6_USER_AGENT?",
        "SWELL_DURATON: no option has this variable; did you mean SWELL_DURATION?",
    )


def test_command_settings_come_from_flags_then_variables() -> None:
    """A flag beats a variable, which beats the default."""
    assert command_settings({}, {}) == CommandSettings()
    settings = command_settings(
        {"quiet": "true", "config": "flag.json", "env": ["A=1", "B", "C=x=y", "A=2"]},
        {"K6_CONFIG": "variable.json", "SWELL_INCLUDE_SYSTEM_ENV_VARS": "false", "K6_NO_COLOR": "0"},
    )
    assert settings == CommandSettings(
        env={"A": "2", "B": "", "C": "x=y"},
        include_system_env_vars=False,
        config="flag.json",
        quiet=True,
        no_color=True,
    )
    assert command_settings({}, {"K6_CONFIG": "variable.json"}).config == "variable.json"


def test_colours() -> None:
    """NO_COLOR counts when it is there at all, ours when it is not empty, and the flag above both."""
    assert command_settings({}, {"NO_COLOR": ""}).no_color
    assert not command_settings({}, {"SWELL_NO_COLOR": ""}).no_color
    assert not command_settings({"no_color": "false"}, {"NO_COLOR": ""}).no_color


def test_wrong_settings_are_all_reported() -> None:
    """Names of variables and values, each with its flag or variable."""
    with pytest.raises(ConfigError) as caught:
        command_settings(
            {"quiet": "maybe", "env": ["1A=2", "=3", "B-C=1"]}, {"K6_INCLUDE_SYSTEM_ENV_VARS": "x"}
        )
    assert [f"{fault.place}: {fault.message}" for fault in caught.value.faults] == [
        "--quiet: must be true or false, not 'maybe'",
        "K6_INCLUDE_SYSTEM_ENV_VARS: must be true or false, not 'x'",
        "--env: '1A' is not a variable's name",
        "--env: '' is not a variable's name",
        "--env: 'B-C' is not a variable's name",
    ]


def test_the_script_s_variables() -> None:
    """The process's below those given, or none of the process's."""
    environ = {"PATH": "/bin", "A": "0"}
    assert script_environment(CommandSettings(env={"A": "1"}), environ) == {"PATH": "/bin", "A": "1"}
    alone = CommandSettings(env={"A": "1"}, include_system_env_vars=False)
    assert script_environment(alone, environ) == {"A": "1"}
