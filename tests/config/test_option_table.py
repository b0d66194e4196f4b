"""The option table: consistent in itself and with Options, and what is printed from it."""

import msgspec
import pytest
from configuration import cli, resolved, script

from swell.base.errors import ConfigError
from swell.config.options import Options
from swell.config.row import Option
from swell.config.show import show_resolved, show_written
from swell.config.table import COMMAND_OPTIONS, OPTIONS, RUN_OPTIONS, find_option, option

# k6.md 1.2: the flags of k6 run for what swell has.
K6_FLAGS = (
    "-u --vus -d --duration -i --iterations -s --stage --no-setup --no-teardown --min-iteration-duration -w "
    "--throw --rps --max-redirects --batch --batch-per-host --user-agent --http-debug "
    "--insecure-skip-tls-verify --no-connection-reuse --no-vu-connection-reuse --blacklist-ip "
    "--block-hostnames --local-ips --dns --discard-response-bodies --summary-trend-stats "
    "--summary-time-unit --system-tags --tag --no-thresholds --summary-mode --summary-export "
    "--new-machine-readable-summary --console-output --include-system-env-vars -e --env -c --config "
    "--no-color -q --quiet -v --verbose --log-format --log-output -o --out --secret-source"
)
OWN_FLAGS = (
    "--workers --seed --max-memory --hang-timeout --tls-ca --max-response-body --require-data "
    "--results-dir --no-save --hosts --threshold"
)


def test_the_flags_are_k6_s_and_our_own() -> None:
    """No flag of k6 for what swell has is missing or named otherwise; what is not k6's says so."""
    flags = {flag: row for row in OPTIONS for flag in row.flags}
    assert set(f"{K6_FLAGS} {OWN_FLAGS}".split()) <= set(flags)
    extra = {row.name for flag, row in flags.items() if flag not in K6_FLAGS.split() and not row.own}
    # k6 has these options, but no flag for them.
    assert extra == {"hosts", "thresholds"}


def test_names_keys_and_variables_are_unique() -> None:
    """A spelling means one option."""
    spellings = [spelling for row in OPTIONS for spelling in {row.name, row.key.lower()}]
    assert len(spellings) == len(set(spellings))
    variables = [row.env for row in OPTIONS if row.env]
    assert len(variables) == len(set(variables))


def test_every_field_of_options_has_a_row() -> None:
    """Nothing in Options can be set only by a programmer."""
    fields = {row.field for row in RUN_OPTIONS} | {"tls_version_min", "tls_version_max"}
    shown = {"given", "given_scenarios"}
    assert {field.name for field in msgspec.structs.fields(Options)} == fields - {""} | shown


@pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.name)
def test_each_row_is_complete(row: Option) -> None:
    """A help text that is a sentence; a metavar where a flag takes a value; a way to set it."""
    assert row.help.endswith(".")
    assert row.sources
    assert row.is_switch or not row.flags or row.metavar
    assert ("cli" in row.sources) == bool(row.flags)
    assert not row.env or "env" in row.sources
    assert find_option(row.key) == (None if row in COMMAND_OPTIONS else row)


@pytest.mark.parametrize(
    "key",
    ["insecureSkipTLSVerify", "noVUConnectionReuse", "blacklistIPs", "localIPs", "tlsAuth", "setupTimeout"],
)
def test_keys_are_spelled_as_in_k6(key: str) -> None:
    """Those whose capitals do not follow from the name."""
    row = find_option(key)
    assert row is not None
    assert row.key == key


def test_defaults_come_from_options() -> None:
    """The row knows what holds without any layer."""
    assert option("max_redirects").default == 10
    assert option("scenarios").default is None


def test_written_options_are_shown_with_null_for_the_rest() -> None:
    """As k6's inspect prints a script's options."""
    shown = show_written(script(vus=3, stages=[("1m", 5)], dns={"ttl": "0"}, tlsVersion="tls1.2"))
    assert shown["vus"] == 3
    assert shown["stages"] == [{"duration": "1m0s", "target": 5}]
    assert shown["dns"] == {"ttl": "0", "select": None, "policy": None}
    assert shown["tlsVersion"] == {"min": "tls1.2", "max": "tls1.2"}
    assert shown["duration"] is None
    assert "consoleOutput" not in shown
    with pytest.raises(ConfigError):
        show_written(script(vus="many"))


def test_resolved_options_are_shown_with_scenarios_for_the_shortcuts() -> None:
    """All options in effect under k6's keys, as JSON; the shortcuts are null."""
    threshold = {"threshold": "rate>0.9", "abortOnFail": True, "delayAbortEval": "5s"}
    shown = show_resolved(
        resolved(
            script(duration="5s", vus=2, thresholds={"checks": [threshold], "vus": ["max<3"]}),
            cli(dns="ttl=inf", max_memory="1GB", workers="2"),
        )
    )
    assert shown["duration"] is None
    assert shown["scenarios"]["default"]["executor"] == "constant-vus"
    assert shown["scenarios"]["default"]["duration"] == "5s"
    assert shown["thresholds"] == {"checks": [threshold], "vus": ["max<3"]}
    assert shown["dns"] == {"ttl": "inf", "select": "random", "policy": "preferIPv4"}
    assert (shown["maxMemory"], shown["workers"], shown["setupTimeout"]) == ("1GB", 2, "1m0s")
    assert shown["tlsVersion"] is None
    msgspec.json.encode(shown)


def test_what_is_shown_resolves_to_the_same() -> None:
    """The JSON of inspect is a config file for the same run."""
    layers = [
        script(stages=[("5s", 3)], tags={"a": "b"}, dns={"ttl": "1m"}),
        cli(rps="3", block_hostnames=["*.x"]),
    ]
    first = resolved(*layers)
    shown = {key: value for key, value in show_resolved(first).items() if value not in (None, "")}
    second = resolved(script(**shown))
    shown_only = {"given": first.options.given, "given_scenarios": first.options.given_scenarios}
    assert msgspec.structs.replace(second.options, **shown_only) == first.options
    assert second.scenarios == first.scenarios
