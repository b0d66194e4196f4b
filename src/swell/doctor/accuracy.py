"""Injected against reported: what the calibration server did, and what a generator said of the same."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

import msgspec

PERCENTS: Final = (50, 95, 99)
# A figure is true when it is off by no more than the larger of the two.
RELATIVE_LIMIT: Final = 0.03
ABSOLUTE_LIMIT_MS: Final = 0.3


class Setting(msgspec.Struct, frozen=True):
    """What is asked of a generator."""

    scheme: str
    state: str
    profile: str
    vus: int
    seconds: int
    # Mean pause between two requests of a VU, and work after each, which is what saturates a core.
    pause_s: float = 0.0
    burn_us: int = 0


class Reading(msgspec.Struct, frozen=True):
    """One run of one generator: percentiles 50, 95, 99 in milliseconds by quantity, and how it fared."""

    requests: int
    reported: dict[str, tuple[float, ...]]
    # Of one core, over the whole process tree, start-up included.
    cpu_share: float
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    # What programs other than server and generator did meanwhile, in cores; None where that is not known.
    others: float | None = None


class Row(msgspec.Struct, frozen=True):
    """A quantity of one setting: the medians of all rounds, in milliseconds, for 50, 95 and 99 %."""

    generator: str
    setting: Setting
    quantity: str
    requests: int
    injected: tuple[float, ...]
    reported: tuple[float, ...]
    cpu_share: float
    rounds: int = 1
    # Why server or generator did not have the machine to themselves; empty where they had.
    starved: tuple[str, ...] = ()

    @property
    def differences(self) -> tuple[float, ...]:
        """Reported minus injected, in milliseconds."""
        return tuple(said - did for said, did in zip(self.reported, self.injected, strict=True))

    @property
    def is_phase(self) -> bool:
        """Whether this is a part of the duration, which needs pieces that were read one by one."""
        return self.quantity != "duration"

    @property
    def is_true(self) -> bool:
        """Whether each percentile is within the limits."""
        return all(map(within_limits, self.injected, self.reported))


def within_limits(injected_ms: float, reported_ms: float) -> bool:
    """Whether a figure is off by at most 3 % or 300 µs."""
    return abs(reported_ms - injected_ms) <= max(RELATIVE_LIMIT * injected_ms, ABSOLUTE_LIMIT_MS)


def compare(
    generator: str,
    setting: Setting,
    quantity: str,
    rounds: Sequence[tuple[tuple[float, ...], Reading]],
) -> Row:
    """The row of all rounds: the median of what was injected, and of the differences.

    The server's own lateness changes from round to round, on a machine that others use too; a difference is
    always one between two views of the same requests.
    """
    injected = tuple(_medians(did for did, _ in rounds))
    differences = _medians(
        tuple(said - done for said, done in zip(reading.reported[quantity], did, strict=True))
        for did, reading in rounds
    )
    return Row(
        generator=generator,
        setting=setting,
        quantity=quantity,
        requests=round(median(reading.requests for _, reading in rounds)),
        injected=injected,
        reported=tuple(did + off for did, off in zip(injected, differences, strict=True)),
        cpu_share=median(reading.cpu_share for _, reading in rounds),
        rounds=len(rounds),
    )


def _medians(rows: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(median(values) for values in zip(*rows, strict=True))
