"""The conductor when workers die, hang, fall silent, grow too large or talk nonsense."""

import itertools

import pytest
from scripted_workers import FULL, SECOND, Scripted, beat, progress

from swell.base.errors import ExitCode
from swell.config.options import Options
from swell.config.scenarios import ConstantVUs
from swell.engine import frames
from swell.engine.conductor import SILENCE_NS
from swell.engine.lifecycle import Phase
from swell.metrics.aggregate import SeriesRules
from swell.metrics.snapshot import CounterValue


@pytest.mark.parametrize("phase", [Phase.LOADING, Phase.INITIALIZING])
def test_a_worker_that_dies_before_the_start_ends_everything(phase: Phase) -> None:
    """114, without a run."""
    run = Scripted(exports=FULL, workers=2).to(phase)
    run.conductor.worker_ended(0, "exited with status 1", "ImportError: x", run.now_ns)
    assert run.code is ExitCode.WORKER_LOST
    assert "worker 0 exited with status 1; its last words: ImportError: x" in run.message
    assert run.phase is Phase.OVER
    # Whoever still loads or makes its VUs would not read a frame.
    assert run.port.killed == ([1] if phase is Phase.INITIALIZING else [])


def test_what_a_lost_worker_measured_is_kept() -> None:
    """Its iterations count, its VUs do not; the verdict says that data is missing."""
    run = Scripted(workers=2).to(Phase.RUNNING)
    run.say(progress(10, vus=4, initialized=4), worker=0)
    run.say(progress(7, vus=4, initialized=4), worker=1)
    run.conductor.worker_ended(1, "was killed by SIGKILL", "", run.now_ns)
    assert run.phase is Phase.STOPPING
    run.say(progress(0, vus=0, status="interrupted", final=True), frames.Finished(), worker=0)
    run.to(Phase.LEAVING)
    snapshot = run.conductor.snapshot()
    iterations = snapshot.metric("iterations")
    assert iterations is not None
    assert iterations.value == CounterValue(17)
    assert snapshot.scenarios[0].vus == 0
    assert snapshot.run.status == "failed"
    assert snapshot.verdict is not None
    assert "lost-workers" in {reason.slug for reason in snapshot.verdict.reasons}
    assert run.conductor.cause is not None
    assert "memory" in run.conductor.cause.hint


def test_teardown_cannot_run_without_worker_0() -> None:
    """The log says so, and the default summary remains."""
    run = Scripted(exports=FULL).to(Phase.RUNNING)
    run.conductor.worker_ended(0, "was killed by SIGSEGV", "", run.now_ns)
    assert run.phase is Phase.OVER
    assert "teardown was not run" in run.heard.text
    assert run.conductor.summary_files is None


def test_a_stuck_hub_is_a_hang_only_beyond_the_limit() -> None:
    """115, naming the script's frame, when the heartbeat tells of more than the hang timeout."""
    run = Scripted(options=Options(workers=1, hang_timeout_ns=2 * SECOND)).to(Phase.RUNNING)
    stack = "/lib/json.py:9 in dumps\n/x/script.py:12 in report"
    run.wait(1.9)
    run.say(beat(int(1.9 * SECOND), stack))
    run.wait(0)
    assert run.phase is Phase.RUNNING
    run.wait(0.2)
    run.say(beat(int(2.1 * SECOND), stack))
    run.wait(0)
    assert run.port.killed == [0]
    assert run.code is ExitCode.WORKER_HUNG
    assert "held by /x/script.py:12 in report" in run.message
    assert run.phase is Phase.OVER


def test_a_long_load_is_no_hang() -> None:
    """A heartbeat that tells of a slow start does not count once scenarios run."""
    run = Scripted().to(Phase.INITIALIZING)
    run.wait(60)
    run.say(beat(59 * SECOND, "/x/script.py:1 in <module>"))
    run.to(Phase.RUNNING)
    run.say(beat(60 * SECOND))
    run.wait(0.1)
    assert run.phase is Phase.RUNNING


def test_a_silent_worker_is_a_hang() -> None:
    """A process that holds the interpreter lock, or is stopped, cannot even beat."""
    run = Scripted(workers=2).to(Phase.RUNNING)
    run.wait(Options().hang_timeout_ns / SECOND)
    run.say(beat(), worker=1)
    run.wait(SILENCE_NS / SECOND + 0.1)
    assert run.port.killed == [0]
    assert "does not answer at all" in run.message
    assert run.phase is Phase.STOPPING


def test_a_finished_worker_may_be_silent() -> None:
    """Whoever is done is not missed."""
    run = Scripted(workers=2).to(Phase.RUNNING)
    run.say(frames.Finished(), worker=0)
    run.wait(10)
    run.say(beat(), worker=1)
    run.wait(10)
    run.say(beat(), worker=1)
    assert run.phase is Phase.RUNNING


def test_memory_of_all_workers_together_is_limited() -> None:
    """116: a stop at the limit, a kill far beyond it."""
    options = Options(workers=2, max_memory_bytes=1000)
    run = Scripted(options=options, workers=2).to(Phase.RUNNING)
    run.say(beat(rss_bytes=600), worker=0)
    assert run.phase is Phase.RUNNING
    run.say(beat(rss_bytes=500), worker=1)
    assert run.phase is Phase.STOPPING
    assert run.code is ExitCode.MEMORY_LIMIT
    run.say(beat(rss_bytes=1100), worker=1)
    assert run.port.killed == [0, 1]
    assert run.phase is Phase.OVER


def test_frames_out_of_order_change_nothing() -> None:
    """No frame of a confused worker leads anywhere but forward, or makes the conductor raise."""
    confused: list[frames.Up] = [
        frames.Hello(1, "3"),
        frames.Loaded(FULL),
        frames.Ready(),
        frames.TeardownDone(),
        frames.SummaryHandled({}),
        frames.ScenarioDone("unknown"),
        progress(1),
    ]
    for phase, frame in itertools.product(
        [Phase.LOADING, Phase.INITIALIZING, Phase.SETUP, Phase.RUNNING, Phase.TEARDOWN, Phase.SUMMARY],
        confused,
    ):
        run = Scripted(exports=FULL).to(phase)
        run.say(frame)
        assert list(Phase).index(run.phase) >= list(Phase).index(phase)
        run.to(Phase.OVER)


def test_a_constant_load_needs_no_deadline() -> None:
    """While heartbeats come, a run may take as long as its plan says."""
    run = Scripted(scenarios=(ConstantVUs(name="default", vus=1, duration_ns=7200 * SECOND),))
    run.to(Phase.RUNNING)
    for _ in range(720):
        run.say(beat())
        run.wait(10)
    assert run.phase is Phase.RUNNING


def test_rules_are_the_plans() -> None:
    """Workers and coordinator keep the same series."""
    run = Scripted().to(Phase.INITIALIZING)
    plan = next(frame for _, frame in run.port.sent if isinstance(frame, frames.Plan))
    assert isinstance(plan.rules, SeriesRules)
    assert plan.rules == run.conductor.plan.rules  # type: ignore[union-attr]
