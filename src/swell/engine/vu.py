"""A virtual user: one concurrent actor with its own state, cookies and connections, run by one greenlet."""

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swell.engine.script import ScriptRuntime
    from swell.metrics.delta import TagPairs
    from swell.metrics.tags import TagSet


class ControlFlow(BaseException):
    """Base of what the engine throws into a VU; not an ``Exception``, so that scripts do not catch it."""


class IterationInterrupted(ControlFlow):
    """The running iteration is over: its time is up, or the run was stopped."""


class VUStopped(ControlFlow):
    """Raised inside an iteration that ends its VU's iterations (an exhausted feeder); not a failure."""


class RunAborted(ControlFlow):
    """Raised inside an iteration that ends the whole run; ``is_complete`` makes it count, as in k6."""

    def __init__(self, message: str, *, is_complete: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_complete = is_complete


class VU:
    """The state of one VU that the engine and the front ends share.

    ``id`` counts from 1 over all workers (0 in setup, teardown and handle_summary). ``slot`` is the VU's
    position in its scenario's whole plan, the same however many workers there are. ``iteration_number`` is
    the number of the iteration in its scenario, unique over all VUs and workers, or -1 where the executor
    does not number them over VUs; an arrival's number counts the dropped ones too.
    """

    __slots__ = (
        "__weakref__",
        "base_tags",
        "client",
        "env",
        "exec_name",
        "executor",
        "greenlet",
        "group",
        "id",
        "iteration",
        "iteration_in_scenario",
        "iteration_in_worker",
        "iteration_number",
        "language",
        "metadata",
        "runtime",
        "scenario",
        "scenario_progress",
        "scenario_started_ns",
        "slot",
        "start_lag_ns",
        "tags",
    )

    def __init__(self, vu_id: int, runtime: "ScriptRuntime") -> None:
        self.id = vu_id
        self.runtime = runtime
        self.slot = 0
        self.scenario = ""
        self.exec_name = ""
        # The executor's name, such as "constant-vus"; "" in setup, teardown and handle_summary.
        self.executor = ""
        # The run's environment with the scenario's ``env`` on top; set at each activation.
        self.env: dict[str, str] = runtime.env
        self.group = ""
        # Iterations that this VU has begun before the current one, in all scenarios and in the current one.
        self.iteration = 0
        self.iteration_in_scenario = 0
        self.iteration_number = -1
        # Iterations of its scenario that this worker's VUs began before the current one.
        self.iteration_in_worker = 0
        self.scenario_started_ns = 0
        # How late the current iteration started, until the client takes it; -1 in the closed model.
        self.start_lag_ns = -1
        # Progress of the scenario from 0 to 1: a callable, as it depends on the executor.
        self.scenario_progress: Any = None
        # Tags of the activation (run + scenario + ``group``); ``tags`` adds groups and what the script sets.
        self.base_tags: TagSet = runtime.run_tags
        self.tags: TagSet = runtime.run_tags
        # What stands beside the tags of raw samples, sorted by name; until the VU's next activation.
        self.metadata: TagPairs = ()
        self.greenlet: Any = None
        # Owned by the front end: its protocol client, and whatever else it keeps per VU.
        self.client: Any = None
        self.language: Any = None

    def __repr__(self) -> str:
        return f"<VU {self.id} scenario={self.scenario!r} slot={self.slot} iteration={self.iteration}>"


# The VU that runs in the current greenlet. gevent starts a greenlet with an empty context, so in one that a
# script spawned the front end finds the VU by its spawner.
current_vu: ContextVar[VU] = ContextVar("swell_current_vu")
