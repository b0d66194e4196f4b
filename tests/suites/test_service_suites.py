"""The suites of AIaaS and WWMAA, run against the real platform with their demo profile."""

from typing import Any

import pytest


@pytest.mark.process
@pytest.mark.parametrize(
    "test",
    [
        "aiaas/rest",
        "aiaas/websocket",
        "aiaas/mixed",
        "wwmaa/search",
        "wwmaa/live",
        "wwmaa/webhooks",
        "wwmaa/rsvp",
        "wwmaa/pages",
        "wwmaa/rates",
    ],
)
def test_a_demo_is_passed(suites: Any, test: str) -> None:
    """Objectives are met and invariants hold, and each of them was looked at."""
    suites.pass_demo(test)
