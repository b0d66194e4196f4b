"""The suites of Aspire, AIVO and Cooly, run against the real platform with their demo profile."""

from typing import Any

import pytest


@pytest.mark.process
@pytest.mark.parametrize(
    "test",
    [
        "aspire/enrollment",
        "aspire/lessons",
        "aspire/assignments",
        "aivo/gateway",
        "aivo/assessment",
        "aivo/search",
        "cooly/generation",
    ],
)
def test_a_demo_is_passed(suites: Any, test: str) -> None:
    """Objectives are met and invariants hold, and each of them was looked at."""
    suites.pass_demo(test)
