"""Why a run failed, by the last lines that it wrote."""

import pytest

from swell.cli.suites.running import told_reason


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["error: no such file", "  hint: look"], "no such file"),
        (["  -- a fault", "more"], "-- a fault"),
        (
            ['time="x" level=error msg="Error: \\"a\\"\\n\\tat setup (s.js:1:2)\\n" source=stacktrace'],
            'Error: "a"',
        ),
        (["time=x level=error msg=first", "level=error msg=last"], "last"),
        (["all is well", "level=info msg=fine"], ""),
        ([], ""),
    ],
)
def test_a_reason_is_found(lines: list[str], reason: str) -> None:
    """In an error of the command's, or in the log of a k6 script's run."""
    assert told_reason(lines) == reason
