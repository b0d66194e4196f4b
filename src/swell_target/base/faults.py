"""Faults on demand, declared as data: so that every objective of every suite can be shown to fail.

A list of faults replaces the one before. ``service`` and ``endpoint`` (a route's name) narrow a fault; ``*``
is all. Chances are drawn from a seeded generator: the same requests in the same order meet the same faults.
"""

import math
from random import Random
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

if TYPE_CHECKING:
    from collections.abc import Callable

Share = Annotated[float, Meta(ge=0, le=1)]
Millis = Annotated[float, Meta(ge=0, le=600_000)]
Count = Annotated[int, Meta(ge=0, le=10_000_000)]
Status = Annotated[int, Meta(ge=400, le=599)]


class Constant(Struct, tag="constant", frozen=True, forbid_unknown_fields=True):
    """Always ``ms``."""

    ms: Millis

    def draw(self, random: Random) -> float:  # noqa: ARG002 - the distributions' common form
        """Milliseconds."""
        return self.ms


class Uniform(Struct, tag="uniform", frozen=True, forbid_unknown_fields=True):
    """Any time between ``low_ms`` and ``high_ms``, each as likely."""

    low_ms: Millis
    high_ms: Millis

    def draw(self, random: Random) -> float:
        """Milliseconds."""
        return random.uniform(self.low_ms, self.high_ms)


class Exponential(Struct, tag="exponential", frozen=True, forbid_unknown_fields=True):
    """Waiting times of mean ``mean_ms``."""

    mean_ms: Annotated[float, Meta(gt=0, le=600_000)]

    def draw(self, random: Random) -> float:
        """Milliseconds."""
        return random.expovariate(1 / self.mean_ms)


class LogNormal(Struct, tag="lognormal", frozen=True, forbid_unknown_fields=True):
    """Half of the times below ``median_ms``, with a long tail; ``sigma`` 0.5 is usual, 1 is bad."""

    median_ms: Annotated[float, Meta(gt=0, le=600_000)]
    sigma: Annotated[float, Meta(ge=0, le=3)] = 0.5

    def draw(self, random: Random) -> float:
        """Milliseconds, at most ten minutes."""
        return min(random.lognormvariate(math.log(self.median_ms), self.sigma), 600_000.0)


Distribution = Constant | Uniform | Exponential | LogNormal


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all faults have: the service that they befall."""

    service: str = "*"


class EndpointFault(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault of one endpoint, named by its route, or of all."""

    endpoint: str = "*"


class RatedFault(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault that strikes a share of the occasions."""

    rate: Share = 1.0


class Latency(EndpointFault, tag="latency", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``share`` of the requests wait first."""

    distribution: Distribution
    share: Share = 1.0


class Errors(EndpointFault, tag="errors", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``rate`` of the requests after the first ``after_requests`` get ``status`` and do nothing."""

    rate: Share
    status: Status = 500
    after_requests: Count = 0


class Capacity(EndpointFault, tag="capacity", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Beyond ``limit`` requests at once each further one waits ``ms`` and gets ``status`` (0: is served)."""

    limit: Count
    ms: Millis = 1_000
    status: Annotated[int, Meta(ge=0, le=599)] = 503


class PoolDry(Fault, tag="pool", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``size`` connections, each kept ``hold_ms`` longer; who waits ``timeout_ms`` in vain gets 503."""

    size: Annotated[int, Meta(ge=1, le=1000)] = 1
    hold_ms: Millis = 100
    timeout_ms: Millis = 1_000


class SlowDatabase(Fault, tag="slow_database", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each transaction takes longer, with its connection."""

    distribution: Distribution


class ColdCache(RatedFault, tag="cold_cache", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is in the cache is not found there."""


class DropWebhooks(RatedFault, tag="drop_webhooks", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook is answered as usual, and forgotten."""


class DuplicateWebhooks(
    RatedFault, tag="duplicate_webhooks", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A webhook delivered again is processed again."""


class RepeatWebhooks(
    RatedFault, tag="repeat_webhooks", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A webhook is delivered twice on its way, as by a proxy that tries again: the second answer goes out."""


class RsvpRace(RatedFault, tag="rsvp_race", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Capacity is checked before the transaction, ``gap_ms`` earlier, instead of in it: overbooked."""

    gap_ms: Millis = 5


class LoseChat(RatedFault, tag="lose_chat", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chat message is not passed on to one of its readers."""


class DelayChat(Fault, tag="delay_chat", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chat message reaches its readers ``ms`` later."""

    ms: Millis


class RefuseChat(RatedFault, tag="refuse_chat", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client says in a live session is answered with an error, and does nothing.

    ``message`` is the type of what is refused (``*``: all).
    """

    message: str = "*"


class CutSockets(RatedFault, tag="cut_sockets", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A WebSocket is closed by the platform ``after_ms`` after it was opened: 1011, an internal error."""

    after_ms: Millis


class LoseConnects(Fault, tag="lose_connects", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of every ``every_ms`` the first ``lost_ms`` no connection is taken: its client's kernel tries again."""

    lost_ms: Millis = 700
    every_ms: Annotated[float, Meta(gt=0, le=600_000)] = 2_000


class LoseWrites(EndpointFault, tag="lose_writes", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``rate`` of the requests write is answered as usual, and rolled back."""

    rate: Share = 1.0


class SlowDisconnect(Fault, tag="slow_disconnect", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A WebSocket that its client closed stays in the books (presence, memory) for ``ms`` more."""

    ms: Millis = 5_000


class LoseCredit(RatedFault, tag="lose_credit", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A credit is taken from the balance and not written into the ledger."""


class MemoryLeak(EndpointFault, tag="memory_leak", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each request leaves ``bytes`` behind, up to ``limit_bytes`` in all."""

    bytes: Count = 10_000
    limit_bytes: Annotated[int, Meta(ge=0, le=4_000_000_000)] = 500_000_000


class Crash(EndpointFault, tag="crash", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The process dies, without cleaning up, and is started again.

    ``after_requests`` requests of the endpoint pass first. ``after_statements`` None: at the request's start;
    n: within its write transaction after the n-th statement (0: before the first); -1: after the commit,
    before the answer.
    """

    after_requests: Count = 0
    after_statements: Annotated[int, Meta(ge=-1, le=1000)] | None = None


AnyFault = (
    Latency
    | Errors
    | Capacity
    | PoolDry
    | SlowDatabase
    | ColdCache
    | DropWebhooks
    | DuplicateWebhooks
    | RepeatWebhooks
    | RsvpRace
    | LoseChat
    | DelayChat
    | RefuseChat
    | CutSockets
    | LoseConnects
    | LoseWrites
    | SlowDisconnect
    | LoseCredit
    | MemoryLeak
    | Crash
)
F = TypeVar("F", bound=Fault)
R = TypeVar("R", bound=RatedFault)
C = TypeVar("C", Crash, Errors)


class FaultList(Struct, forbid_unknown_fields=True):
    """All faults of a platform; sent to ``/admin/faults`` or read from the file of ``--faults``."""

    faults: list[AnyFault]


class Faults:
    """The faults of one service in one process; ``active`` is False where there are none: no cost."""

    def __init__(self, service: str, seed: int) -> None:
        self.service = service
        self._seed = seed
        self.random = self._new_random()
        self.active = False
        self._all: list[AnyFault] = []
        self.leaked: list[bytearray] = []
        # How many requests pass before a fault strikes.
        self._countdown: dict[Crash | Errors, int] = {}
        # Told of each change.
        self.on_set: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"<Faults {self.service} {self._all}>"

    @property
    def all(self) -> list[AnyFault]:
        """What is set for this service."""
        return list(self._all)

    def set(self, faults: list[AnyFault]) -> None:
        """Replace what was set; chance begins anew, leaked memory is given back when no leak is left."""
        self.random = self._new_random()
        self._all = [fault for fault in faults if fault.service in ("*", self.service)]
        self.active = bool(self._all)
        self._countdown = {
            fault: fault.after_requests for fault in self._all if isinstance(fault, Crash | Errors)
        }
        if self.find(MemoryLeak) is None:
            self.leaked.clear()
        self.on_set()

    def _new_random(self) -> Random:
        return Random(f"faults:{self.service}:{self._seed}")  # noqa: S311 - repeatable on purpose

    def find(self, kind: type[F], endpoint: str | None = None) -> F | None:
        """The first fault of ``kind`` (that befalls ``endpoint``), or None."""
        for fault in self._all:
            if isinstance(fault, kind) and (
                endpoint is None or not isinstance(fault, EndpointFault) or fault.endpoint in ("*", endpoint)
            ):
                return fault
        return None

    def strikes(self, kind: type[R]) -> R | None:
        """The fault of ``kind``, when it is set and its rate hits this time."""
        fault = self.find(kind)
        return fault if fault is not None and self.random.random() < fault.rate else None

    def leak(self, endpoint: str) -> None:
        """Keep some memory for ever, if a leak is set."""
        fault = self.find(MemoryLeak, endpoint)
        if fault is not None and fault.bytes and len(self.leaked) * fault.bytes < fault.limit_bytes:
            self.leaked.append(bytearray(b"\1" * fault.bytes))

    def due(self, kind: type[C], endpoint: str) -> C | None:
        """The fault of ``kind`` that this request meets, counting down the requests that pass before it."""
        fault = self.find(kind, endpoint)
        if fault is None:
            return None
        left = self._countdown[fault]
        self._countdown[fault] = left - 1
        return fault if left <= 0 else None


def parse_faults(raw: bytes) -> list[AnyFault]:
    """Faults from JSON; ``msgspec.ValidationError`` or ``DecodeError`` names what is wrong and where."""
    return msgspec.json.decode(raw, type=FaultList).faults
