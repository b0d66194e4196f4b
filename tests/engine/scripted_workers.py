"""A conductor whose workers are played by the test."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from process_runs import FixedPlan, Recording

from swell.base.errors import ExitCode
from swell.config.options import Options
from swell.config.scenarios import PerVUIterations, Scenario
from swell.engine import frames
from swell.engine.conductor import Conductor
from swell.engine.lifecycle import Phase
from swell.engine.request import RunRequest
from swell.engine.script import ScriptExports
from swell.metrics.aggregate import Delta, series_rules
from swell.metrics.snapshot import CounterValue
from swell.metrics.thresholds import parse_metric_key

SECOND = 1_000_000_000
ONE = (PerVUIterations(name="default", vus=8),)


@dataclass
class FakePort:
    """Keeps what the conductor did to workers."""

    sent: list[tuple[int, frames.Down]] = field(default_factory=list)
    spawned: list[int] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)

    def send(self, worker: int, frame: frames.Down) -> None:
        self.sent.append((worker, frame))

    def spawn(self, worker: int) -> None:
        self.spawned.append(worker)

    def kill(self, worker: int) -> None:
        self.killed.append(worker)


class Scripted:
    """A conductor, and what its workers say at which second."""

    def __init__(
        self,
        *,
        options: Options | None = None,
        scenarios: Sequence[Scenario] = ONE,
        exports: ScriptExports | None = None,
        workers: int = 1,
        language: str = "native",
    ) -> None:
        self.port = FakePort()
        self.heard = Recording()
        self.now_ns = 1_000 * SECOND
        self.exports = exports or ScriptExports({}, ("default",))
        self.workers = workers
        options = options or Options(workers=workers)
        keys = [parse_metric_key(key) for key in options.thresholds]
        plan = FixedPlan(options, tuple(scenarios), series_rules((), keys))
        request = RunRequest(
            path="/x/script.py",
            language=language,
            resolve=lambda _: plan,
            make_summary=lambda _: b"{}",
            seed=5,
        )
        self.conductor = Conductor(request, self.port, self.heard, self.now_ns)
        self.conductor.start(self.now_ns)

    def say(self, *said: frames.Up, worker: int = 0) -> None:
        """A worker sends frames."""
        for frame in said:
            self.conductor.frame(worker, frame, self.now_ns)

    def all_say(self, frame: frames.Up) -> None:
        """Every worker sends the same frame."""
        for worker in range(self.workers):
            self.say(frame, worker=worker)

    def wait(self, seconds: float) -> None:
        """Time passes, with heartbeats of all workers that are alive."""
        self.now_ns += int(seconds * SECOND)
        self.conductor.time(self.now_ns)

    def to(self, phase: Phase) -> "Scripted":
        """Bring the run into ``phase`` on the shortest way."""
        steps: dict[Phase, frames.Up] = {
            Phase.LOADING: frames.Loaded(self.exports),
            Phase.INITIALIZING: frames.Ready(),
            Phase.SETUP: frames.SetupDone(b'{"a":1}'),
            Phase.RUNNING: frames.Finished(),
            Phase.STOPPING: frames.Finished(),
            Phase.TEARDOWN: frames.TeardownDone(),
            Phase.SUMMARY: frames.SummaryHandled(None),
            Phase.LEAVING: frames.Bye(),
        }
        for _ in range(len(steps)):
            if self.phase is phase:
                break
            self.all_say(steps[self.phase])
        assert self.phase is phase
        return self

    def sent(self, kind: type) -> list[int]:
        """The workers that got a frame of ``kind``, in order."""
        return [worker for worker, frame in self.port.sent if isinstance(frame, kind)]

    @property
    def phase(self) -> Phase:
        return self.conductor.phase

    @property
    def code(self) -> ExitCode:
        cause = self.conductor.cause
        return cause.code if cause else ExitCode.OK

    @property
    def message(self) -> str:
        return self.conductor.cause.message if self.conductor.cause else ""


FULL = ScriptExports({}, ("default",), has_setup=True, has_teardown=True, has_handle_summary=True)


def progress(
    iterations: int = 0, *, vus: int = 0, initialized: int = 0, status: str = "running", final: bool = False
) -> frames.Progress:
    """What a worker reports."""
    values = {"iterations": CounterValue(float(iterations))} if iterations else {}
    counts = frames.ScenarioCounts("default", status, iterations, iterations, 0, 0, vus, initialized)
    return frames.Progress(Delta(0, 1, values), (counts,), frames.Health(), final)


def beat(age_ns: int = 0, stack: str = "", rss_bytes: int = 0) -> frames.Heartbeat:
    """A heartbeat."""
    return frames.Heartbeat(age_ns, stack, rss_bytes)
