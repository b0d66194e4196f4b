"""What an attack is made of: steps on one connection, and what a client may make of them."""

from dataclasses import dataclass
from typing import Final

LONG_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Send:
    """Send ``data`` as it is, in pieces that end at ``cuts`` with ``gap_s`` seconds between them."""

    data: bytes
    cuts: tuple[int, ...] = ()
    gap_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Flood:
    """Send ``data`` again and again, ``total`` bytes or until the client has enough."""

    data: bytes
    total: int = 1 << 26


@dataclass(frozen=True, slots=True)
class Drip:
    """Send ``data`` byte by byte, ``gap_s`` between two."""

    data: bytes
    gap_s: float


@dataclass(frozen=True, slots=True)
class Raw:
    """Send ``data`` beneath TLS: what is no record, or a record that nobody encrypted."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Flight:
    """Answer a TLS hello with a real flight, ``share`` of its bytes, ``flips`` of its bits turned over."""

    share: float = 1.0
    flips: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """How the connection ends.

    ``close``, ``reset``, ``half-close``, ``drop`` (without close_notify), ``wait`` for the client to close,
    or ``ignore`` it: leave unread what it sends.
    """

    how: str = "close"


Step = Send | Flood | Drip | Raw | Flight | End


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack; ``outcomes`` are the statuses and error codes that are right, ``body`` what then comes."""

    seed: int
    family: str
    steps: tuple[Step, ...]
    outcomes: frozenset[int] | None = None
    body: bytes | None = None
    timeout_s: float = LONG_S
    method: str = "GET"
    tls: bool = False
    upload: int = 0

    @property
    def is_handshake(self) -> bool:
        """Whether it takes the place of a TLS handshake; the client names it by ``server_name``."""
        return self.family == "handshake"

    @property
    def server_name(self) -> str:
        """The name that a client asks for in its TLS hello to meet a handshake attack."""
        return f"h{self.seed}.hostile.test"
