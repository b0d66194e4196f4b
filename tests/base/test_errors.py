"""Errors: each kind carries its exit code, and a wrong configuration carries all its faults."""

from swell.base.errors import ConfigError, ExitCode, Fault, ScriptError, SwellError


def test_a_config_error_names_every_fault() -> None:
    """The text holds each fault with its place."""
    error = ConfigError((Fault("--vus", "must be a whole number"), Fault("script.py:3", "has no executor")))
    assert str(error) == "--vus: must be a whole number; script.py:3: has no executor"
    assert error.exit_code is ExitCode.INVALID_CONFIG


def test_the_exit_code_may_be_given() -> None:
    """An error's own code wins over its class's."""
    assert SwellError("x").exit_code is ExitCode.OTHER
    assert SwellError("x", exit_code=ExitCode.WORKER_LOST, slug="s").exit_code is ExitCode.WORKER_LOST
    assert ScriptError("x", stack="line 1").exit_code is ExitCode.SCRIPT_EXCEPTION


def test_k6_exit_codes_keep_their_numbers_and_ours_follow() -> None:
    """Codes 97 to 110 are k6's; ours start at 111 and stay below 124."""
    assert ExitCode.THRESHOLDS_FAILED == 99
    assert ExitCode.MARKED_FAILED == 110
    assert all(111 <= code < 124 for code in ExitCode if 110 < code < 255)
