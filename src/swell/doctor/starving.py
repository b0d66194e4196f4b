"""Whether a run of the calibration had its machine: server on time, cores free, generator well.

A row says something of calm, or of a saturated generator, only where nothing else held up server or
generator. Injected and reported are compared all the same, because a starved machine is the harder case; but
such a row is called ``starved`` and not ``ok``.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from swell.doctor.accuracy import Reading, Setting
from swell.testing.calibration import Taken

# The server's answers go out within a millisecond where its core is its own, and within some milliseconds
# where a saturated generator asks in bursts.
LATE_P95_LIMIT_MS: Final = 10.0
# Of the cores that server and generator may use, together; a quarter of one takes slices of 4 ms and more.
OTHERS_LIMIT_CORES: Final = 0.25
# Of one core: a generator that has more to do than this is not calm.
CALM_CPU_LIMIT: Final = 0.8
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
# Of a line of /proc/stat: user, nice, system, and what the host of a virtual machine kept. Interrupts are
# left out: those of the calibration's own connections are among them.
_BUSY_FIELDS: Final = (0, 1, 2, 7)


class Cores:
    """Counts what the cores that this process may use have done; ``stat`` is the kernel's file."""

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        self._stat = stat
        self._names = {f"cpu{core}" for core in os.sched_getaffinity(0)}

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._names)

    def busy_s(self) -> float | None:
        """Seconds of work of all of them since the machine started; None where the kernel does not tell."""
        try:
            lines = self._stat.read_text(encoding="ascii").splitlines()
        except OSError:
            return None
        ticks = 0
        for name, *fields in map(str.split, lines):
            if name in self._names and len(fields) > max(_BUSY_FIELDS):
                ticks += sum(int(fields[number]) for number in _BUSY_FIELDS)
        return ticks / _TICKS_PER_S if ticks else None


def starved_by(setting: Setting, done: Taken, reading: Reading) -> dict[str, str]:
    """What kept one run from being what its setting says: kind of reason -> its measured value and limit."""
    found = {}
    late_ms = done.late[1]
    if late_ms > LATE_P95_LIMIT_MS:
        found["server"] = (
            f"the server itself sent 5 % of its answers {late_ms:.3g} ms or more late "
            f"(limit {LATE_P95_LIMIT_MS:g} ms)"
        )
    if reading.others is not None and reading.others > OTHERS_LIMIT_CORES:
        found["others"] = (
            f"other programs took {reading.others:.2f} cores' work (limit {OTHERS_LIMIT_CORES:g})"
        )
    if setting.state != "calm":
        # Saturated by its own script a generator stands still at times, and its verdict says so.
        return found
    if reading.verdict not in ("", "trusted"):
        found["verdict"] = f"the generator's own verdict is {reading.verdict}: {', '.join(reading.reasons)}"
    # Of a generator that judges itself; another one that is not calm under this load shows what it is.
    if reading.verdict and reading.cpu_share > CALM_CPU_LIMIT:
        found["cpu"] = (
            f"the generator's core was at {reading.cpu_share:.0%}, which is not calm "
            f"(limit {CALM_CPU_LIMIT:.0%})"
        )
    return found


def of_most(rounds: Sequence[dict[str, str]]) -> tuple[str, ...]:
    """The reasons that hold in at least half of the rounds: fewer do not bend a median."""
    kinds = dict.fromkeys(kind for found in rounds for kind in found)
    holding = ([found[kind] for found in rounds if kind in found] for kind in kinds)
    return tuple(texts[len(texts) // 2] for texts in holding if 2 * len(texts) >= len(rounds))
