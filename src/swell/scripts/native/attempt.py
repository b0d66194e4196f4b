"""One look at an invariant: what its function finds is collected here."""

from collections.abc import Iterable
from contextvars import ContextVar

from swell.metrics.invariants import Finding
from swell.scripts.native.state import ContextError

# Offending ids that a finding names; the rest is a number.
SHOWN_IDS = 20


class Look:
    """The findings of one attempt."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.uses_ledger = False

    def __repr__(self) -> str:
        return f"<Look {len(self.findings)} findings>"

    def add(self, finding: Finding) -> bool:
        """Note ``finding``; False, as what was looked at does not hold."""
        self.findings.append(finding)
        return False

    def compared(self, name: str, findings: Iterable[Finding]) -> bool:
        """Note what the comparison of the ledger ``name`` found; whether it found nothing."""
        self.uses_ledger = True
        found = [Finding(f"{name}: {one.message}", one.count, one.ids) for one in findings]
        self.findings += found
        return not found

    def between(self, what: str, actual: float, low: float, high: float) -> bool:
        """Note ``what`` unless ``actual`` lies between the two, give or take what floats lose in a sum."""
        allowed = 1e-9 * max(abs(actual), abs(low), abs(high))
        if low - allowed <= actual <= high + allowed:
            return True
        wanted = f"{low:.15g}" if low == high else f"{low:.15g} to {high:.15g}"
        return self.add(Finding(f"{what}: {actual:.15g} instead of {wanted}"))


looking_at: ContextVar[Look | None] = ContextVar("swell_looking_at", default=None)


def looking(what: str) -> Look:
    """The running attempt, or ``ContextError`` that names ``what`` was called."""
    look = looking_at.get()
    if look is None:
        raise ContextError(
            f"{what} was called outside of an invariant",
            hint="call it in a function below @invariant(...), which runs when the scenarios are over",
        )
    return look
