"""What the forms of output have in common: tag sets that keep their text, and the parts of an exchange."""

from collections.abc import Sequence
from typing import Final, Protocol

from swell.metrics.delta import TagPairs
from swell.metrics.model import HTTP_PHASES

# The metrics that one exchange stands for, in k6's order; the last only where the outcome was judged.
EXCHANGE: Final = ("http_reqs", "http_req_duration", *HTTP_PHASES, "http_req_failed")


class Tags:
    """One tag set of one worker; compared by identity, so that what is made for it is found at once."""

    __slots__ = ("__weakref__", "pairs")

    def __init__(self, pairs: TagPairs) -> None:
        self.pairs = pairs

    def __repr__(self) -> str:
        return f"<Tags {self.pairs!r}>"


class Encoder(Protocol):
    """Turns samples into the lines of one form."""

    def begin(self) -> str:
        """What stands before the first sample."""
        ...

    def exchange(
        self, tags: Tags, at_ns: int, phases: Sequence[int], failed: int | None, metadata: TagPairs
    ) -> str:
        """The lines of one exchange.

        Args:
            tags: of all its samples.
            at_ns: when it ended, on the wall clock.
            phases: blocked, connecting, TLS, sending, waiting, receiving, in nanoseconds.
            failed: 1 or 0; None where the script switched judging off.
            metadata: what stands beside the tags.
        """
        ...

    def point(self, name: str, tags: Tags, at_ns: int, value: float, metadata: TagPairs) -> str:
        """The line of one value of any other metric."""
        ...
