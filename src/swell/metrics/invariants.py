"""What came of a run's invariants and what its ledgers hold: parts of a snapshot, free of arrays."""

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One way in which an invariant does not hold: how many offend, and the first of their ids."""

    message: str
    count: int = 1
    ids: tuple[str, ...] = ()


class InvariantState(msgspec.Struct, frozen=True):
    """What came of an invariant; ``reason`` says why it is ``unchecked``, or what the ledgers lack."""

    name: str
    status: Literal["held", "broken", "unchecked"]
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    attempts: int = 0
    # From the first attempt's start to the last one's end.
    took_ns: int = 0


class LedgerState(msgspec.Struct, frozen=True):
    """How many writes a ledger holds by outcome, and the sums of their amounts."""

    name: str
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    acknowledged_amount: float = 0.0
    unknown_amount: float = 0.0
