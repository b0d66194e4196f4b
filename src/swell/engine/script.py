"""What a front end implements: the one seam between the engine and a script language."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from swell.base.errors import Fault

if TYPE_CHECKING:
    from swell.base.clock import Clock
    from swell.config.options import Options
    from swell.config.scenarios import Scenario
    from swell.engine.vu import VU
    from swell.metrics.samples import ErrorTable, Recorder
    from swell.metrics.tags import TagRegistry, TagSet

JSONValue = dict[str, "JSONValue"] | list["JSONValue"] | str | int | float | bool | None

# One iteration of one VU; blocks until it is over. Raises what the script raises.
IterationFunction = Callable[[], None]


class InvariantPlan(msgspec.Struct, frozen=True):
    """An invariant that the script declares: it must hold ``within_ns`` after the scenarios' end.

    ``timeout_ns`` is what one attempt to see it hold may take.
    """

    name: str
    within_ns: int
    timeout_ns: int


# The level of a line that is for no log: its message is a value that must stand nowhere from now on.
LEARNED = "learned"
# Writes a line of the log: log(level, message, **fields), as ``ScriptRuntime.log``.
Log = Callable[..., None]


class ScriptExports(msgspec.Struct, frozen=True):
    """What loading a script has shown."""

    # The script's options as plain JSON values, scenarios included, in the front end's own spelling.
    options: dict[str, object]
    functions: tuple[str, ...]
    has_setup: bool = False
    has_teardown: bool = False
    has_handle_summary: bool = False
    # Where each option stands in the script, for messages: option key -> "script.py:12".
    places: dict[str, str] = {}
    # Custom metrics that the script declares: (name, type, contains).
    metrics: tuple[tuple[str, str, str], ...] = ()
    # What must hold after the scenarios; where there is one, the script is an ``InvariantScript``.
    invariants: tuple[InvariantPlan, ...] = ()
    # What is wrong with the script although it loads; to be listed together with the faults of its options.
    faults: tuple[Fault, ...] = ()


class Script(Protocol):
    """A loaded script inside one worker."""

    exports: ScriptExports

    def prepare(self, runtime: "ScriptRuntime") -> None:
        """Called once when the plan is known, before any VU is made."""
        ...

    def new_vu(self, vu: "VU") -> None:
        """Attach what the language needs to ``vu`` (its client, its globals)."""
        ...

    def iteration(self, vu: "VU", function: str, setup_data: bytes | None) -> IterationFunction:
        """Make the callable that runs one iteration of ``function``; once per VU and activation."""
        ...

    def end_iteration(self, vu: "VU") -> None:
        """After each iteration, however it ended: reset cookies and whatever else is per iteration."""
        ...

    def setup(self, vu: "VU") -> bytes | None:
        """Run setup; its value as JSON, or None where there is none. Raises ``ScriptError``."""
        ...

    def teardown(self, vu: "VU", setup_data: bytes | None) -> None:
        """Run teardown."""
        ...

    def handle_summary(self, vu: "VU", summary: bytes) -> Mapping[str, str | bytes] | None:
        """Run handle_summary with the summary as JSON; destination -> content, or None for the default."""
        ...

    def describe_exception(self, error: BaseException) -> str:
        """The script's own stack of ``error``, without the engine's frames."""
        ...


class ScriptRuntime(Protocol):
    """What a worker offers to a front end."""

    options: "Options"
    scenarios: "tuple[Scenario, ...]"
    worker_index: int
    worker_count: int
    seed: int
    registry: "TagRegistry"
    recorder: "Recorder"
    errors: "ErrorTable"
    clock: "Clock"
    # Run tags, interned: the base of every VU's tags.
    run_tags: "TagSet"
    env: dict[str, str]

    def log(self, level: str, message: str, **fields: str) -> None:
        """Send a log line up; ``level`` is debug, info, warning, error or ``LEARNED``."""
        ...

    def abort_run(self, message: str) -> None:
        """The script asks for the end of the whole run (exit code 108)."""
        ...

    def mark_failed(self, message: str) -> None:
        """The script marks the run as failed (exit code 110); it goes on."""
        ...

    def run_statistics(self) -> "RunStatistics":
        """Give the worker's own share of what is running now."""
        ...


class RunStatistics(msgspec.Struct, frozen=True):
    """Counts of one worker at one moment, for the execution context."""

    elapsed_ns: int
    iterations_completed: int
    iterations_interrupted: int
    vus_active: int
    vus_initialized: int
