"""The worker on the virtual clock, with a script in plain Python and a scripted coordinator."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from gevent.queue import Queue

from swell.base.errors import ExitCode, ScriptError, SwellError
from swell.config.options import Options
from swell.config.scenarios import ConstantVUs, PerVUIterations, Scenario
from swell.engine import frames
from swell.engine.script import IterationFunction, Log, ScriptExports, ScriptRuntime
from swell.engine.vu import VU, RunAborted
from swell.engine.worker import Worker
from swell.metrics.aggregate import SeriesRules
from swell.metrics.snapshot import CounterValue
from swell.testing.clock import VirtualClock

S = 1_000_000_000


@pytest.fixture(autouse=True)
def plain_collector() -> Iterator[None]:
    """A worker tunes the garbage collector for good; here the process lives on."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class PlainScript:
    """A script of functions that get the worker's runtime and the VU."""

    def __init__(self, **hooks: Callable[[ScriptRuntime, VU], Any]) -> None:
        self.hooks = hooks
        self.exports = ScriptExports(
            {}, ("default",), "setup" in hooks, "teardown" in hooks, "summary" in hooks
        )
        self.runtime: Any = None
        self.seen: list[tuple[str, object]] = []

    def prepare(self, runtime: ScriptRuntime) -> None:
        self.runtime = runtime
        self._call("prepare", None)

    def new_vu(self, vu: VU) -> None:
        self._call("new_vu", vu)

    def iteration(self, vu: VU, function: str, setup_data: bytes | None) -> IterationFunction:
        self.seen.append((function, setup_data))
        return lambda: self._call("default", vu)

    def end_iteration(self, vu: VU) -> None:
        pass

    def setup(self, vu: VU) -> bytes | None:
        data: bytes | None = self._call("setup", vu)
        return data

    def teardown(self, vu: VU, setup_data: bytes | None) -> None:
        self.seen.append(("teardown", setup_data))
        self._call("teardown", vu)

    def handle_summary(self, vu: VU, summary: bytes) -> Mapping[str, str | bytes] | None:
        self.seen.append(("summary", summary))
        files: Mapping[str, str | bytes] | None = self._call("summary", vu)
        return files

    def describe_exception(self, error: BaseException) -> str:
        return f"described {error}"

    def _call(self, name: str, vu: Any) -> Any:
        hook = self.hooks.get(name)
        return hook(self.runtime, vu) if hook else None


class FakeChannel:
    """Gives the worker its frames and keeps what it says, with the virtual time."""

    def __init__(self, clock: VirtualClock, answer: Callable[[frames.Up], Sequence[frames.Down]]) -> None:
        self.said: list[tuple[int, frames.Up]] = []
        self.is_backlogged = False
        self._clock = clock
        self._answer = answer
        self._queue: Queue[frames.Down] = Queue()

    def send(self, frame: frames.Up) -> None:
        self.said.append((self._clock.now_ns(), frame))
        for answer in self._answer(frame):
            self._queue.put(answer)

    def flush(self, timeout_s: float) -> bool:
        return True

    def __iter__(self) -> Iterator[frames.Down]:
        while True:
            yield self._queue.get()


class Kit:
    """A worker whose coordinator goes through the phases as fast as it can."""

    def __init__(
        self,
        script: PlainScript | BaseException,
        *,
        scenarios: Sequence[Scenario] = (PerVUIterations(name="a", vus=2),),
        options: Options | None = None,
        react: Callable[[frames.Up], Sequence[frames.Down]] | None = None,
    ) -> None:
        self.clock = VirtualClock(start_ns=1000 * S)
        self.react = react or (lambda _: ())
        self.scenarios = tuple(scenarios)
        self.options = options or Options()
        self.script = script
        self.channel = FakeChannel(self.clock, self.answer)
        channel: Any = self.channel
        self.worker = Worker(channel, self.load, clock=self.clock)

    def load(self, frame: frames.Load, log: Log) -> PlainScript:
        if isinstance(self.script, BaseException):
            raise self.script
        return self.script

    def answer(self, frame: frames.Up) -> list[frames.Down]:
        exports = self.script.exports if isinstance(self.script, PlainScript) else None
        data = next((said.data for _, said in self.channel.said if isinstance(said, frames.SetupDone)), None)
        answers: list[frames.Down] = list(self.react(frame))
        match frame:
            case frames.Hello():
                answers.append(frames.Load("script", "plain", {"K": "v"}, seed=3))
            case frames.Loaded():
                answers.append(frames.Plan(self.options, self.scenarios, 0, 1, 9, SeriesRules()))
            case frames.Ready() if exports is not None and exports.has_setup:
                answers.append(frames.RunSetup())
            case frames.Ready() | frames.SetupDone():
                answers.append(frames.Start(self.clock.now_ns() + S // 2, data))
            case frames.Finished() if exports is not None and exports.has_teardown:
                answers.append(frames.RunTeardown(data))
            case frames.Finished() | frames.TeardownDone() if (
                exports is not None and exports.has_handle_summary
            ):
                answers.append(frames.RunHandleSummary(b"{}"))
            case frames.Finished() | frames.TeardownDone() | frames.SummaryHandled() | frames.ScriptFailed():
                answers.append(frames.Exit())
        return answers

    def run(self) -> "Kit":
        self.clock.run(self.worker.run)
        return self

    def kinds(self) -> list[str]:
        """What was said, in order, without reports of seconds."""
        return [
            type(frame).__name__ for _, frame in self.channel.said if not isinstance(frame, frames.Progress)
        ]

    def only(self, kind: type) -> Any:
        (frame,) = [frame for _, frame in self.channel.said if isinstance(frame, kind)]
        return frame

    def reports(self) -> list[tuple[int, frames.Progress]]:
        """The reports with their time since the start of the scenarios."""
        start = self.worker._start_ns
        return [(at - start, said) for at, said in self.channel.said if isinstance(said, frames.Progress)]


def sleeping(seconds: float) -> Callable[[ScriptRuntime, VU], None]:
    """A hook that sleeps on the virtual clock."""

    def hook(runtime: ScriptRuntime, vu: VU) -> None:
        runtime.clock.sleep_until_ns(runtime.clock.now_ns() + int(seconds * S))

    return hook


def raising(error: BaseException) -> Callable[[ScriptRuntime, VU], None]:
    """A hook that raises."""

    def hook(runtime: ScriptRuntime, vu: VU) -> None:
        raise error

    return hook


def test_a_whole_run() -> None:
    """Every frame is answered, in order; setup's data reaches iterations and teardown; text becomes bytes."""
    script = PlainScript(
        setup=lambda *_: b"[1]", teardown=lambda *_: None, summary=lambda *_: {"a": "x", "b": b"y"}
    )
    kit = Kit(script).run()
    assert kit.kinds() == [
        "Hello",
        "Loaded",
        "Ready",
        "SetupDone",
        "ScenarioDone",
        "Finished",
        "TeardownDone",
        "SummaryHandled",
        "Bye",
    ]
    assert script.seen == [("default", b"[1]"), ("default", b"[1]"), ("teardown", b"[1]"), ("summary", b"{}")]
    assert kit.only(frames.SummaryHandled).files == {"a": b"x", "b": b"y"}
    runtime = kit.worker
    assert (runtime.seed, runtime.env, runtime.worker_count) == (9, {"K": "v"}, 1)


def test_setup_and_teardown_are_vu_zero_in_a_group_of_their_name() -> None:
    """As in k6; handle_summary is in none."""
    seen = []

    def look(runtime: ScriptRuntime, vu: VU) -> None:
        seen.append((vu.id, vu.group, vu.tags.as_dict()))

    Kit(PlainScript(setup=look, teardown=look, summary=look)).run()
    assert seen == [
        (0, "::setup", {"group": "::setup"}),
        (0, "::teardown", {"group": "::teardown"}),
        (0, "", {}),
    ]


def test_reports_come_on_the_seconds_of_the_start() -> None:
    """Each whole second from the start, and the rest at the end; their sum is everything."""
    kit = Kit(
        PlainScript(default=sleeping(0.3)), scenarios=(ConstantVUs(name="a", vus=2, duration_ns=5 * S // 2),)
    ).run()
    reports = kit.reports()
    assert [(at, report.final) for at, report in reports] == [
        (S, False),
        (2 * S, False),
        (27 * S // 10, True),
    ]
    values = [report.delta.values["iterations"] for _, report in reports]
    assert values == [CounterValue(6.0)] * 3
    assert [report.scenarios[0].vus for _, report in reports] == [2, 2, 0]
    assert [report.scenarios[0].completed for _, report in reports] == [6, 12, 18]
    assert [report.scenarios[0].status for _, report in reports] == ["running", "running", "done"]
    assert (reports[0][1].delta.from_ns, reports[1][1].delta.from_ns) == (
        1000 * S,
        kit.worker._start_ns + S,
    )


def test_a_stalled_hub_shows_in_the_health() -> None:
    """Code that holds the hub for 300 ms makes the tick late by as much as was left of it."""

    def stall(runtime: Any, vu: VU) -> None:
        runtime.clock.stall_ns(300_000_000)
        sleeping(0.1)(runtime, vu)

    kit = Kit(PlainScript(default=stall), scenarios=(PerVUIterations(name="a"),)).run()
    lags = [report.health.hub_lag_max_ns for _, report in kit.reports()]
    assert 250_000_000 <= max(lags) <= 300_000_000


def test_a_coordinator_that_is_behind_gets_fewer_but_whole_reports() -> None:
    """While frames pile up the delta grows; log lines are dropped and counted."""

    def chatty(runtime: ScriptRuntime, vu: VU) -> None:
        kit.channel.is_backlogged = runtime.clock.now_ns() - kit.worker._start_ns < 3 * S // 2
        runtime.log("info", "line")
        sleeping(0.5)(runtime, vu)

    kit = Kit(PlainScript(default=chatty), scenarios=(PerVUIterations(name="a", iterations=5),))
    kit.run()
    assert [at for at, _ in kit.reports()] == [2 * S, 5 * S // 2]
    total = sum(report.delta.values["iterations"].count for _, report in kit.reports())  # type: ignore[union-attr]
    assert total == 5
    lines = [said.message for _, said in kit.channel.said if isinstance(said, frames.LogLine)]
    assert lines == ["3 log lines were dropped: there were more than could be shown", "line", "line"]


def test_a_scenario_waits_for_its_frame() -> None:
    """With ``after`` a scenario starts when the coordinator says so."""

    def react(frame: frames.Up) -> list[frames.Down]:
        if frame == frames.ScenarioDone("a"):
            return [frames.StartScenario("b", kit.clock.now_ns() + S)]
        return []

    scenarios = (PerVUIterations(name="a"), PerVUIterations(name="b", after="a"))
    kit = Kit(PlainScript(default=sleeping(1)), scenarios=scenarios, react=react)
    kit.run()
    ends = [
        at - kit.worker._start_ns for at, said in kit.channel.said if isinstance(said, frames.ScenarioDone)
    ]
    assert ends == [S, 3 * S]


# Stopping.


def test_stop_interrupts_iterations_and_forgets_what_waits() -> None:
    """Finished follows at once, also for a scenario that never started."""

    def react(frame: frames.Up) -> list[frames.Down]:
        return [frames.Stop("enough")] if isinstance(frame, frames.Progress) and not frame.final else []

    scenarios = (
        ConstantVUs(name="a", vus=3, duration_ns=60 * S),
        PerVUIterations(name="b", after="a"),
    )
    kit = Kit(PlainScript(default=sleeping(50)), scenarios=scenarios, react=react).run()
    assert kit.kinds()[-3:] == ["ScenarioDone", "Finished", "Bye"]
    counts = kit.reports()[-1][1].scenarios[0]
    assert (counts.interrupted, counts.status) == (3, "interrupted")
    assert kit.clock.now_ns() - kit.worker._start_ns < 2 * S


def test_stop_in_setup_interrupts_it() -> None:
    """Finished, without SetupDone or ScriptFailed; nothing iterates afterwards."""

    def react(frame: frames.Up) -> list[frames.Down]:
        return [frames.Stop("enough")] if isinstance(frame, frames.Progress) and not frame.final else []

    kit = Kit(PlainScript(setup=sleeping(50)), react=react).run()
    assert kit.kinds() == ["Hello", "Loaded", "Ready", "Finished", "Bye"]


# What scripts raise.


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("hook", ["prepare", "new_vu", "setup", "teardown", "summary"])
def test_whatever_a_hook_raises_is_reported(hook: str, error: BaseException) -> None:
    """With its stage, its type and the script's own stack; the worker lives on."""
    kit = Kit(PlainScript(**{hook: raising(error)})).run()
    failed = kit.only(frames.ScriptFailed)
    stage = {"prepare": "init", "new_vu": "init", "summary": "handle_summary"}.get(hook, hook)
    assert failed.stage == stage
    assert type(error).__name__ in failed.message
    assert failed.stack == f"described {error}"
    assert kit.kinds()[-1] == "Bye"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ScriptError("m", stack="s", hint="h"),
            frames.ScriptFailed("load", "m", "s", "h"),
        ),
        (
            SwellError("m", hint="h", exit_code=ExitCode.OTHER, slug="no-file"),
            frames.ScriptFailed("load", "m", "", "h", exit_code=ExitCode.OTHER, slug="no-file"),
        ),
        (RunAborted("enough"), frames.ScriptFailed("load", "enough", "", aborted=True)),
    ],
)
def test_loading_errors_keep_their_consequence(error: BaseException, expected: frames.ScriptFailed) -> None:
    """Exit code, hint and place in the docs travel with the message."""
    assert Kit(error).run().only(frames.ScriptFailed) == expected


@pytest.mark.parametrize(
    ("hook", "options"),
    [
        ("setup", Options(setup_timeout_ns=3 * S)),
        ("teardown", Options(teardown_timeout_ns=3 * S)),
        ("summary", Options(handle_summary_timeout_ns=3 * S)),
    ],
)
def test_a_hook_out_of_time_is_cut(hook: str, options: Options) -> None:
    """Exactly at its time-out."""
    kit = Kit(PlainScript(**{hook: sleeping(100)}), options=options).run()
    assert kit.only(frames.ScriptFailed).timed_out
    assert kit.kinds()[-1] == "Bye"
    assert kit.clock.now_ns() < 1010 * S


def test_the_script_speaks_to_the_run() -> None:
    """Log, abort, mark as failed, and the statistics of the run."""
    seen = []

    def speak(runtime: ScriptRuntime, vu: VU) -> None:
        runtime.log("warning", "careful", source="console")
        runtime.mark_failed("wrong")
        runtime.abort_run("enough")
        sleeping(1)(runtime, vu)
        seen.append(runtime.run_statistics())

    kit = Kit(PlainScript(default=speak), scenarios=(PerVUIterations(name="a"),)).run()
    assert kit.only(frames.LogLine) == frames.LogLine("warning", "careful", {"source": "console"})
    assert kit.only(frames.MarkedFailed).message == "wrong"
    assert kit.only(frames.AbortRequested).message == "enough"
    assert (seen[0].elapsed_ns, seen[0].vus_active, seen[0].vus_initialized) == (S, 1, 1)
