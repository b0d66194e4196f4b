"""The suites as they are written: complete, without faults, and clear about what they cannot work with."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from swell.base.errors import ExitCode
from swell.scripts.native.loader import load_script
from swell.testing import run_cli

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "suites"
# What is no test of its own.
SHARED = ("__init__.py", "api.py", "common.py")
TESTS = sorted(f"{path.parent.name}/{path.stem}" for path in SUITES.rglob("*.py") if path.name not in SHARED)


def error_line(stderr: str) -> str:
    """The one line that says why there was no run."""
    (line,) = [line for line in stderr.splitlines() if line.startswith("error: ")]
    return line


def test_the_tests_are_those_of_the_documents() -> None:
    """Fifteen that the documents name, and WWMAA's further one for the API."""
    assert len(TESTS) == 16


@pytest.mark.parametrize("test", TESTS)
def test_scripts_load_alone(test: str) -> None:
    """Each loads without variables, with objectives, and without faults."""
    exports = load_script(SUITES / f"{test}.py", {}).exports
    assert exports.faults == ()
    assert exports.options["thresholds"]
    assert exports.has_setup


@pytest.mark.parametrize("suite", sorted({test.partition("/")[0] for test in TESTS}))
def test_every_profile_has_every_test(suite: str) -> None:
    """So that a suite can be run with any of its profiles; demo, smoke and load are in each."""
    profiles = tomllib.loads((SUITES / suite / "profiles.toml").read_text())
    tests = {test.partition("/")[2] for test in TESTS if test.startswith(f"{suite}/")}
    assert {"demo", "smoke", "load"} <= profiles.keys()
    assert profiles.pop("target")["service"] == suite
    for name, profile in profiles.items():
        assert profile.keys() - {"about", "env"} == tests, name
        assert profile["about"], name


@pytest.mark.process
@pytest.mark.parametrize(
    "test", [test for test in TESTS if test.partition("/")[0] in ("aspire", "aivo", "wwmaa")]
)
def test_stress_goes_on_beyond_the_critical_levels(test: str) -> None:
    """What comes after them is what it asks; the run of another profile ends there."""
    script = str(SUITES / f"{test}.py")
    endings = [run_cli("inspect", script, "--profile", name).stdout for name in ("load", "stress")]
    assert ['"abortOnFail": true' in shown for shown in endings] == [True, False]


def test_peak_has_a_limit_for_all_requests() -> None:
    """Aspire's document promises a p95 of 500 ms at its peak, whatever the method."""
    profiles = tomllib.loads((SUITES / "aspire" / "profiles.toml").read_text())
    for test in ("enrollment", "lessons", "assignments"):
        script = SUITES / "aspire" / f"{test}.py"
        peak = load_script(script, profiles["peak"]["env"]).exports.options["thresholds"]
        assert peak["http_req_duration"] == ["p(95)<500"]
        assert "http_req_duration" not in load_script(script, {}).exports.options["thresholds"]


@pytest.mark.process
@pytest.mark.parametrize("test", ["cooly/generation", "wwmaa/search"])
def test_a_target_that_is_not_up(suites: Any, test: str) -> None:
    """It is said before anything starts, in one line, with the command that starts one."""
    nowhere = {"BASE_URL": "http://127.0.0.1:1", "API_BASE": "http://127.0.0.1:1"}
    done = suites.run(test, "--profile", "demo", env=nowhere)
    assert done.exit_code is ExitCode.SCRIPT_ABORTED
    line = error_line(done.stderr)
    assert "no target at http://127.0.0.1:1 (dial: connection refused)" in line
    assert f"swell target serve --services {test.partition('/')[0]}" in line


WRONG = {
    "aspire/enrollment": ({"STRIPE_WEBHOOK_SECRET": "wrong"}, "set STRIPE_WEBHOOK_SECRET"),
    "aspire/lessons": ({"AUTH_TOKEN": "wrong"}, "AUTH_TOKEN is not accepted"),
    "aivo/search": ({"API_KEY": "wrong"}, "API_KEY or TENANT_ID is not accepted"),
    "cooly/generation": ({"TEST_PASSWORD": "wrong"}, "cannot log in as test@example.com"),
    "aiaas/rest": ({"TENANTS": "nobody"}, "there is no tenant nobody"),
    "wwmaa/webhooks": ({"STRIPE_WEBHOOK_SECRET": "wrong"}, "set STRIPE_WEBHOOK_SECRET"),
    "wwmaa/search": ({"SWELL_TARGET_ADMIN_TOKEN": "wrong"}, "SWELL_TARGET_ADMIN_TOKEN is not the target's"),
    "wwmaa/pages": ({"MEMBERS": "99999"}, "member 99998 cannot log in"),
    "wwmaa/rsvp": ({"TEST_EVENT_ID": "evt_nowhere"}, "there is no event evt_nowhere"),
}


@pytest.mark.parametrize(
    ("test", "name", "value"),
    [
        ("cooly/generation", "PACE", "slow"),
        ("aiaas/websocket", "STAY_S", "-1"),
        ("wwmaa/live", "MESSAGES", "inf"),
        ("wwmaa/pages", "MEMBERS", "0"),
    ],
)
def test_a_number_that_is_none(test: str, name: str, value: str, tmp_path: Path) -> None:
    """One line names the variable before anything starts."""
    done = run_cli("run", str(SUITES / f"{test}.py"), env={name: value}, cwd=tmp_path)
    assert done.exit_code is ExitCode.SCRIPT_ABORTED
    assert f"{name} is {value!r}: it must be a number, {int(value == '0')} or more" in error_line(done.stderr)


PRODUCTION = dict.fromkeys(("BASE_URL", "API_BASE"), "https://www.platform.nowhere")
# What else a suite calls.
BESIDE = {
    "aiaas/rest": {"BASE_URL": "", "TEST_BASE_URL": "https://www.platform.nowhere"},
    "aiaas/websocket": {"WS_URL": "wss://www.platform.nowhere"},
    "wwmaa/search": {"API_URL": "https://www.platform.nowhere/api"},
    "wwmaa/live": {"WS_URL": "wss://www.platform.nowhere/ws"},
}


@pytest.mark.parametrize(("test", "env"), [*((test, PRODUCTION) for test in TESTS), *BESIDE.items()], ids=str)
def test_production_is_refused(test: str, env: dict[str, str], tmp_path: Path) -> None:
    """By a plain run of each test, whichever variable leads there, before anything is sent."""
    done = run_cli("run", str(SUITES / f"{test}.py"), "--profile", "demo", env=env, cwd=tmp_path)
    assert done.exit_code is ExitCode.INVALID_CONFIG
    assert "www.platform.nowhere looks like production" in done.stderr
    assert "hint: if it is for load tests: --allow-host www.platform.nowhere" in done.stderr


@pytest.mark.process
@pytest.mark.parametrize("suite", sorted({test.partition("/")[0] for test in TESTS}))
def test_missing_seed_data_is_told_once(suite: str, empty: dict[str, str], tmp_path: Path) -> None:
    """Before any of a suite's tests starts, with the command that seeds."""
    env = {"BASE_URL": empty[suite], "API_BASE": empty[suite]}
    done = run_cli("suite", "run", str(SUITES / suite), "--profile", "demo", env=env, cwd=tmp_path)
    assert done.exit_code is ExitCode.INVALID_CONFIG
    assert f"seed data is missing at {empty[suite]}: /" in done.stderr
    assert f"hint: seed it: swell target seed --services {suite}" in done.stderr
    assert not (tmp_path / "swell-results").exists()


@pytest.mark.process
@pytest.mark.parametrize("test", WRONG)
def test_a_wrong_secret_or_missing_data(suites: Any, test: str) -> None:
    """One line says what is wrong and what to do; nothing is started."""
    env, words = WRONG[test]
    done = suites.run(test, "--profile", "demo", env=env)
    assert done.exit_code is ExitCode.SCRIPT_ABORTED
    assert words in error_line(done.stderr)
