"""What coordinator and workers say to each other: msgspec structs in length-prefixed msgpack frames."""

import struct

import msgspec

from swell.base.errors import ExitCode
from swell.config.options import Options
from swell.config.scenarios import Scenario
from swell.engine.script import ScriptExports
from swell.metrics.aggregate import Delta, SeriesRules
from swell.metrics.delta import TagPairs
from swell.metrics.invariants import InvariantState, LedgerState

LENGTH = struct.Struct("!I")
MAX_FRAME_BYTES = 256 * 1024 * 1024


# Down: coordinator to worker.


class Load(msgspec.Struct, frozen=True, tag="load"):
    """Load the script; the worker answers with Loaded or ScriptFailed."""

    path: str
    language: str
    env: dict[str, str]
    arguments: tuple[str, ...] = ()
    # The script itself, where it is no file: it came over standard input.
    content: bytes | None = None
    # For random values that the script draws while it loads: the same in every worker.
    seed: int = 0


class Plan(msgspec.Struct, frozen=True, tag="plan"):
    """The whole plan; each worker takes its own stripe of it. Answered with Ready."""

    options: Options
    scenarios: tuple[Scenario, ...]
    worker_index: int
    worker_count: int
    seed: int
    rules: SeriesRules


class RunSetup(msgspec.Struct, frozen=True, tag="setup"):
    """Run setup (worker 0 only); answered with SetupDone or ScriptFailed."""


class Start(msgspec.Struct, frozen=True, tag="start"):
    """Start all scenarios at this instant of the monotonic clock."""

    at_ns: int
    setup_data: bytes | None


class StartScenario(msgspec.Struct, frozen=True, tag="start-scenario"):
    """The scenario that ``after`` names is over everywhere: start ``name`` at this instant."""

    name: str
    at_ns: int


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Start no more iterations and interrupt those that run, or setup; always answered with Finished."""

    reason: str


class TakeLedgers(msgspec.Struct, frozen=True, tag="take-ledgers"):
    """Give the next part of the ledgers; answered with LedgerPart."""


class AddLedgers(msgspec.Struct, frozen=True, tag="add-ledgers"):
    """A part of another worker's ledgers (worker 0 only); answered with LedgersAdded."""

    part: bytes


class CheckInvariants(msgspec.Struct, frozen=True, tag="check-invariants"):
    """Check all invariants (worker 0 only); answered with InvariantsChecked or ScriptFailed.

    ``missing`` says what the ledgers lack, such as a lost worker's part; empty where they are complete.
    """

    setup_data: bytes | None
    missing: str = ""


class RunTeardown(msgspec.Struct, frozen=True, tag="teardown"):
    """Run teardown (worker 0 only)."""

    setup_data: bytes | None


class RunHandleSummary(msgspec.Struct, frozen=True, tag="handle-summary"):
    """Run handle_summary (worker 0 only); answered with SummaryHandled or ScriptFailed."""

    summary: bytes


class SamplesTaken(msgspec.Struct, frozen=True, tag="samples-taken"):
    """So many bytes of Samples are written: the worker may send as many more."""

    size: int


class Exit(msgspec.Struct, frozen=True, tag="exit"):
    """Send Bye and end the process."""


Down = (
    Load
    | Plan
    | RunSetup
    | Start
    | StartScenario
    | Stop
    | TakeLedgers
    | AddLedgers
    | CheckInvariants
    | RunTeardown
    | RunHandleSummary
    | SamplesTaken
    | Exit
)


# Up: worker to coordinator.


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The worker is up."""

    pid: int
    python: str


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The script is loaded."""

    exports: ScriptExports


class ScriptFailed(msgspec.Struct, frozen=True, tag="script-failed"):
    """The script raised (or ran out of time: ``timed_out``, or aborted the run: ``aborted``).

    ``stage`` is load, init (a VU's), setup, invariants, teardown or handle_summary.
    """

    stage: str
    message: str
    stack: str
    hint: str = ""
    timed_out: bool = False
    aborted: bool = False
    exit_code: int = ExitCode.SCRIPT_EXCEPTION
    slug: str = "script-exception"


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """All VUs are made."""


class SetupDone(msgspec.Struct, frozen=True, tag="setup-done"):
    """setup returned."""

    data: bytes | None


class ScenarioCounts(msgspec.Struct, frozen=True):
    """One scenario's counts in one worker, since the start of the run; ``vus`` is the current number."""

    name: str
    status: str
    started: int
    completed: int
    interrupted: int
    dropped: int
    vus: int
    initialized_vus: int


class Health(msgspec.Struct, frozen=True):
    """How the worker itself fared since the last delta; input of the verdict."""

    hub_lag_max_ns: int = 0
    hub_lag_frame: str = ""
    # What of the longest lag the worker waited for a processor that others had.
    hub_lag_waited_ns: int = 0
    cpu_ns: int = 0
    clock_steps: int = 0
    clock_step_max_ns: int = 0
    rss_bytes: int = 0
    open_files: int = 0
    tag_sets: int = 0
    overflowed: int = 0
    gc_pause_max_ns: int = 0
    gc_pause_ns: int = 0
    # Of the network namespace, in which workers of one machine are together.
    segments_sent: int = 0
    segments_resent: int = 0
    listen_drops: int = 0


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """Once a second: what was measured since the last one.

    ``final`` marks the rest that is sent when a stage of the run ends, between two seconds.
    """

    delta: Delta
    scenarios: tuple[ScenarioCounts, ...]
    health: Health
    final: bool = False


class Samples(msgspec.Struct, frozen=True, tag="samples"):
    """Raw records as ``metrics.samples`` packs them, with the tag sets and series numbered since the last.

    A mark stands beside each record; metadata is there for the records (by position) that have some.
    """

    http: bytes
    http_marks: bytes
    samples: bytes
    sample_marks: bytes
    http_metadata: tuple[tuple[int, TagPairs], ...] = ()
    sample_metadata: tuple[tuple[int, TagPairs], ...] = ()
    tag_sets: tuple[TagPairs, ...] = ()
    series: tuple[tuple[str, int], ...] = ()

    @property
    def size(self) -> int:
        """Bytes that count against what a worker may send ahead."""
        return len(self.http) + len(self.samples)


class LogLine(msgspec.Struct, frozen=True, tag="log"):
    """A line for the run's log; ``fields`` such as source=console follow the message."""

    level: str
    message: str
    fields: dict[str, str] = {}


class ScenarioDone(msgspec.Struct, frozen=True, tag="scenario-done"):
    """The worker's part of a scenario is over."""

    name: str


class AbortRequested(msgspec.Struct, frozen=True, tag="abort-requested"):
    """The script aborts the run."""

    message: str


class MarkedFailed(msgspec.Struct, frozen=True, tag="marked-failed"):
    """The script marks the run as failed."""

    message: str


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """All scenarios of this worker are over and its last Progress was sent."""


class LedgerPart(msgspec.Struct, frozen=True, tag="ledger-part"):
    """A part of this worker's ledgers, of bounded length."""

    part: bytes
    is_last: bool


class LedgersAdded(msgspec.Struct, frozen=True, tag="ledgers-added"):
    """The part is taken; the next may come."""


class InvariantsChecked(msgspec.Struct, frozen=True, tag="invariants-checked"):
    """What came of each invariant, in the order of the script, and what the ledgers hold."""

    invariants: tuple[InvariantState, ...]
    ledgers: tuple[LedgerState, ...]


class TeardownDone(msgspec.Struct, frozen=True, tag="teardown-done"):
    """teardown returned."""


class SummaryHandled(msgspec.Struct, frozen=True, tag="summary-handled"):
    """handle_summary returned; None where the default summary is wanted."""

    files: dict[str, bytes] | None


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """From the native thread: how long the hub has not turned, and where the main thread is."""

    hub_age_ns: int
    stack: str
    rss_bytes: int


class Bye(msgspec.Struct, frozen=True, tag="bye"):
    """The worker ends."""


Up = (
    Hello
    | Loaded
    | ScriptFailed
    | Ready
    | SetupDone
    | Progress
    | Samples
    | LogLine
    | ScenarioDone
    | AbortRequested
    | MarkedFailed
    | Finished
    | LedgerPart
    | LedgersAdded
    | InvariantsChecked
    | TeardownDone
    | SummaryHandled
    | Heartbeat
    | Bye
)

# What a worker measured and said counts, even after it was killed.
ALWAYS_HEARD = Progress | Samples | LogLine
