"""The Python half of the timers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from swell.scripts.k6.values import HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``lib/timers.js`` needs."""
    return {
        "after": lambda delay_ms: vu.loop.after(delay_ms).id,
        "every": lambda delay_ms: vu.loop.every(delay_ms).id,
        "cancel": vu.loop.cancel,
    }
