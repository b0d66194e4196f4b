"""How busy others kept the machine while a suite ran: they are what makes a healthy platform look slow."""

import contextlib
import time
from dataclasses import dataclass

import psutil

from swell.doctor.starving import Cores
from swell.report.suite import Others

# Below this nobody is held up: a quarter of a core is in slices of 4 ms.
OTHERS_CORES = 0.25
# Of all cores together; with more to spare, each who wanted one had one.
FULL_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds of work until ``at_s``: of all programs, and of the suite with all that it has started."""

    at_s: float
    busy_s: float
    own_s: float


class Machine:
    """Measures the cores that this process may use; the others are whoever it has not started."""

    def __init__(self, cores: Cores | None = None) -> None:
        self._cores = cores or Cores()
        self._me = psutil.Process()

    def __repr__(self) -> str:
        return f"<Machine with {self._cores.count} cores>"

    def read(self) -> Reading | None:
        """How much has been done so far; None where the kernel does not tell."""
        busy_s = self._cores.busy_s()
        return None if busy_s is None else Reading(time.monotonic(), busy_s, self._own_s())

    def others(self, begin: Reading | None, end: Reading | None) -> Others | None:
        """How busy others kept it between two readings; None where that held up nobody."""
        if begin is None or end is None or end.at_s <= begin.at_s:
            return None
        took_s, count = end.at_s - begin.at_s, self._cores.count
        busy = (end.busy_s - begin.busy_s) / took_s
        others = min(float(count), busy - (end.own_s - begin.own_s) / took_s)
        if others < OTHERS_CORES or busy < FULL_SHARE * count:
            return None
        return Others(others, count)

    def _own_s(self) -> float:
        total = 0.0
        for process in (self._me, *self._me.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total
