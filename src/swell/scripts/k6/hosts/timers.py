"""The Python half of the timers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from swell.scripts.k6.values import HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``lib/timers.js`` needs."""
    return {
        "after": lambda delay_ms, number: vu.loop.after(delay_ms, int(number)).id,
        "every": lambda delay_ms, number: vu.loop.every(delay_ms, int(number)).id,
        "cancel": lambda number: vu.loop.cancel_timer(int(number)),
    }
