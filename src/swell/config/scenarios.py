"""One frozen type per executor: what a scenario is, without any behaviour.

Names and defaults are k6's (its scenario options), in snake case; durations are nanoseconds. ``after`` and
``distribution`` are ours.
"""

from typing import Literal

import msgspec

from swell.base.clock import NS_PER_SECOND

DEFAULT_GRACE_NS = 30 * NS_PER_SECOND
DEFAULT_MAX_DURATION_NS = 600 * NS_PER_SECOND


class Stage(msgspec.Struct, frozen=True):
    """A linear change to ``target`` (VUs, or iterations per time unit) over ``duration_ns``."""

    duration_ns: int
    target: int


class ScenarioBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="executor"):
    """What all executors share."""

    name: str
    exec: str = "default"
    start_time_ns: int = 0
    after: str | None = None
    graceful_stop_ns: int = DEFAULT_GRACE_NS
    env: dict[str, str] = {}
    tags: dict[str, str] = {}


class SharedIterations(ScenarioBase, frozen=True, kw_only=True, tag="shared-iterations"):
    """``iterations`` shared among ``vus``."""

    vus: int = 1
    iterations: int = 1
    max_duration_ns: int = DEFAULT_MAX_DURATION_NS


class PerVUIterations(ScenarioBase, frozen=True, kw_only=True, tag="per-vu-iterations"):
    """``iterations`` for each of ``vus``."""

    vus: int = 1
    iterations: int = 1
    max_duration_ns: int = DEFAULT_MAX_DURATION_NS


class ConstantVUs(ScenarioBase, frozen=True, kw_only=True, tag="constant-vus"):
    """``vus`` looping for ``duration_ns``."""

    vus: int = 1
    duration_ns: int


class RampingVUs(ScenarioBase, frozen=True, kw_only=True, tag="ramping-vus"):
    """VUs looping, their number following ``stages`` from ``start_vus``."""

    start_vus: int = 1
    stages: tuple[Stage, ...]
    graceful_ramp_down_ns: int = DEFAULT_GRACE_NS


class ArrivalBase(ScenarioBase, frozen=True, kw_only=True):
    """What the open-model executors share."""

    time_unit_ns: int = NS_PER_SECOND
    pre_allocated_vus: int
    max_vus: int
    distribution: Literal["uniform", "poisson"] = "uniform"


class ConstantArrivalRate(ArrivalBase, frozen=True, kw_only=True, tag="constant-arrival-rate"):
    """``rate`` iterations started per ``time_unit_ns`` for ``duration_ns``.

    An arrival that falls on the very end starts with ``includes_end`` only; k6 starts it.
    """

    rate: int
    duration_ns: int
    includes_end: bool = False


class RampingArrivalRate(ArrivalBase, frozen=True, kw_only=True, tag="ramping-arrival-rate"):
    """Iterations started at a rate that follows ``stages`` from ``start_rate``."""

    start_rate: int = 0
    stages: tuple[Stage, ...]


Scenario = (
    SharedIterations | PerVUIterations | ConstantVUs | RampingVUs | ConstantArrivalRate | RampingArrivalRate
)
