"""The conductor against scripted workers: every phase and every way out of it, no process and no clock."""

import pytest
from process_runs import FixedPlan
from scripted_workers import FULL, SECOND, Scripted, beat, progress

from swell.base.errors import ConfigError, ExitCode, Fault
from swell.config.options import Options, ThresholdSpec
from swell.config.scenarios import PerVUIterations
from swell.engine import frames
from swell.engine.conductor import ANSWER_NS, LEAVE_NS, ROUND_NS, STOP_NS, Conductor
from swell.engine.lifecycle import TRANSITIONS, Event, Phase
from swell.engine.request import RunRequest
from swell.engine.script import ScriptExports
from swell.metrics.snapshot import GaugeValue

# The table.


def test_every_way_ends() -> None:
    """From every phase, every sequence of events that the table knows leads to the end."""
    following: dict[Phase, set[Phase]] = {}
    for (phase, _), after in TRANSITIONS.items():
        following.setdefault(phase, set()).add(after)
    order = list(Phase)
    assert all(order.index(after) > order.index(phase) for phase in following for after in following[phase])
    assert set(following) == set(Phase) - {Phase.OVER}


def test_every_phase_that_waits_can_be_late_or_lost() -> None:
    """Every phase in which a worker is awaited knows what to do when it does not answer."""
    for phase in set(Phase) - {Phase.OVER, Phase.RUNNING}:
        assert (phase, Event.LATE) in TRANSITIONS
    assert (Phase.RUNNING, Event.STOP) in TRANSITIONS


# The happy path.


def test_the_shortest_run() -> None:
    """Without hooks the phases without work pass by themselves."""
    run = Scripted().to(Phase.OVER)
    kinds = [type(frame).__name__ for _, frame in run.port.sent]
    assert kinds == ["Load", "Plan", "Start", "Exit"]
    assert run.code is ExitCode.OK
    assert run.port.killed == []


def test_the_longest_run() -> None:
    """With all hooks worker 0 runs each, with the data of setup."""
    run = Scripted(exports=FULL, workers=3).to(Phase.OVER)
    assert run.port.spawned == [1, 2]
    assert run.sent(frames.Load) == [0, 1, 2]
    assert run.sent(frames.Plan) == [0, 1, 2]
    assert (
        run.sent(frames.RunSetup) == run.sent(frames.RunTeardown) == run.sent(frames.RunHandleSummary) == [0]
    )
    starts = {frame for _, frame in run.port.sent if isinstance(frame, frames.Start)}
    assert len(starts) == 1
    start = starts.pop()
    assert start.setup_data == b'{"a":1}'
    assert start.at_ns > run.now_ns
    plans = [frame for _, frame in run.port.sent if isinstance(frame, frames.Plan)]
    assert [(plan.worker_index, plan.worker_count, plan.seed) for plan in plans] == [
        (0, 3, 5),
        (1, 3, 5),
        (2, 3, 5),
    ]


def test_options_skip_setup_and_teardown() -> None:
    """no_setup and no_teardown leave the hooks alone."""
    run = Scripted(exports=FULL, options=Options(workers=1, no_setup=True, no_teardown=True))
    run.to(Phase.OVER)
    assert run.sent(frames.RunSetup) == run.sent(frames.RunTeardown) == []


def test_gauges_are_sampled_once_all_workers_have_reported() -> None:
    """The gauges vus and vus_max are sums over workers, one sample a round, none for the final rest."""
    run = Scripted(workers=2).to(Phase.RUNNING)
    run.say(progress(3, vus=2, initialized=4), worker=0)
    assert run.heard.snapshots == []
    run.say(progress(4, vus=1, initialized=3), worker=1)
    assert len(run.heard.snapshots) == 1
    run.all_say(progress(status="done", final=True))
    run.all_say(frames.Finished())
    run.to(Phase.OVER)
    vus = run.conductor.snapshot().metric("vus")
    most = run.conductor.snapshot().metric("vus_max")
    assert vus is not None
    assert most is not None
    assert vus.value == GaugeValue(3, 3, 3, 1)
    assert most.value == GaugeValue(7, 7, 7, 1)


def test_a_round_does_not_wait_for_a_slow_worker() -> None:
    """When one worker does not report its second in time, the others are shown."""
    run = Scripted(workers=2).to(Phase.RUNNING)
    run.say(progress(3), worker=0)
    run.all_say(beat())
    run.wait(1.0 + ROUND_NS / SECOND + 0.1)
    assert len(run.heard.snapshots) == 1


def test_a_scenario_is_released_when_its_predecessor_is_over_everywhere() -> None:
    """``after`` waits for the last worker."""
    scenarios = (
        PerVUIterations(name="a", vus=2),
        PerVUIterations(name="b", vus=2, after="a"),
        PerVUIterations(name="c", vus=2, after="b"),
    )
    run = Scripted(scenarios=scenarios, workers=2).to(Phase.RUNNING)
    run.say(frames.ScenarioDone("a"), worker=0)
    assert run.sent(frames.StartScenario) == []
    run.say(frames.ScenarioDone("a"), worker=1)
    assert run.sent(frames.StartScenario) == [0, 1]
    run.all_say(frames.ScenarioDone("b"))
    names = [frame.name for _, frame in run.port.sent if isinstance(frame, frames.StartScenario)]
    assert names == ["b", "b", "c", "c"]


# Faults of the user.


def test_faults_of_the_options_are_raised() -> None:
    """What resolve raises goes to the caller; nothing is planned."""
    run = Scripted()

    def resolve(_: ScriptExports) -> FixedPlan:
        raise ConfigError((Fault("script.py", "bad"),))

    request = RunRequest(path="s", language="native", resolve=resolve, make_summary=lambda _: b"")
    conductor = Conductor(request, run.port, run.heard, 0)
    with pytest.raises(ConfigError):
        conductor.frame(0, frames.Loaded(run.exports), 0)
    assert run.sent(frames.Plan) == []


@pytest.mark.parametrize(
    ("phase", "stage", "following"),
    [
        (Phase.LOADING, "load", Phase.OVER),
        (Phase.INITIALIZING, "init", Phase.OVER),
        (Phase.SETUP, "setup", Phase.SUMMARY),
        (Phase.RUNNING, "init", Phase.STOPPING),
        (Phase.TEARDOWN, "teardown", Phase.SUMMARY),
    ],
)
def test_a_script_that_raises(phase: Phase, stage: str, following: Phase) -> None:
    """107 wherever it raises; setup's failure skips teardown."""
    run = Scripted(exports=FULL).to(phase)
    run.say(frames.ScriptFailed(stage, "ValueError: x", "the stack"))
    assert run.phase is following
    assert run.code is ExitCode.SCRIPT_EXCEPTION
    assert run.conductor.cause is not None
    assert run.conductor.cause.stack == "the stack"
    if phase is Phase.SETUP:
        assert run.sent(frames.RunTeardown) == []


def test_handle_summary_that_raises_costs_only_the_custom_summary() -> None:
    """The exit code stays 0, as in k6; the stack is logged."""
    run = Scripted(exports=FULL).to(Phase.SUMMARY)
    run.say(frames.ScriptFailed("handle_summary", "ValueError: x", "the stack"))
    assert run.phase is Phase.LEAVING
    assert run.code is ExitCode.OK
    assert run.conductor.summary_files is None
    assert "the stack" in run.heard.text


def test_handle_summary_is_not_called_with_the_summary_disabled() -> None:
    """k6's rule; thresholds were judged all the same."""
    run = Scripted(exports=FULL, options=Options(summary_mode="disabled")).to(Phase.TEARDOWN)
    run.say(frames.TeardownDone())
    assert run.phase is Phase.LEAVING
    assert run.sent(frames.RunHandleSummary) == []


@pytest.mark.parametrize(
    ("phase", "code"),
    [
        (Phase.LOADING, ExitCode.GENERIC_TIMEOUT),
        (Phase.INITIALIZING, ExitCode.GENERIC_TIMEOUT),
        (Phase.SETUP, ExitCode.SETUP_TIMEOUT),
        (Phase.TEARDOWN, ExitCode.TEARDOWN_TIMEOUT),
        (Phase.SUMMARY, ExitCode.GENERIC_TIMEOUT),
    ],
)
def test_a_worker_that_never_answers_is_killed(phase: Phase, code: ExitCode) -> None:
    """Each phase has a deadline; who misses it is killed and named with its frame, and the run goes on."""
    run = Scripted(exports=FULL).to(phase)
    run.say(beat(stack="/x/script.py:3 in slow"))
    run.wait(120 + 2 * ANSWER_NS / SECOND)
    assert run.port.killed == [0]
    assert run.code is code
    assert "/x/script.py:3 in slow" in run.message
    run.conductor.worker_ended(0, "was killed by SIGKILL", "", run.now_ns)
    assert run.code is code
    run.wait(LEAVE_NS / SECOND)
    assert run.phase is Phase.OVER


def test_a_worker_that_does_not_leave_is_killed() -> None:
    """After Exit there is a deadline, too; it is no fault of the run."""
    run = Scripted().to(Phase.LEAVING)
    run.wait(LEAVE_NS / SECOND)
    assert run.phase is Phase.OVER
    assert run.port.killed == [0]
    assert run.code is ExitCode.OK


# Ending early.


def test_the_first_signal_stops_the_second_kills() -> None:
    """105: Stop, teardown and summary after one; all workers killed after two."""
    run = Scripted(exports=FULL, workers=2).to(Phase.RUNNING)
    run.conductor.signal("interrupt", run.now_ns)
    assert run.phase is Phase.STOPPING
    assert run.sent(frames.Stop) == [0, 1]
    run.all_say(frames.Finished())
    assert run.phase is Phase.TEARDOWN
    assert run.port.killed == []
    run.conductor.signal("interrupt", run.now_ns)
    assert run.phase is Phase.OVER
    assert run.port.killed == [0, 1]
    assert run.code is ExitCode.EXTERNAL_ABORT
    assert "'interrupt' signal" in run.message


def test_a_signal_in_setup_skips_teardown_unless_setup_was_done() -> None:
    """An interrupted setup made nothing to tear down; one that returned meanwhile did."""
    run = Scripted(exports=FULL).to(Phase.SETUP)
    run.conductor.signal("interrupt", run.now_ns)
    run.say(frames.Finished())
    assert run.phase is Phase.SUMMARY
    late = Scripted(exports=FULL).to(Phase.SETUP)
    late.conductor.signal("interrupt", late.now_ns)
    late.say(frames.SetupDone(None), frames.Finished())
    assert late.phase is Phase.TEARDOWN


@pytest.mark.parametrize("phase", [Phase.TEARDOWN, Phase.SUMMARY, Phase.LEAVING])
def test_a_signal_after_the_scenarios_does_not_cut_the_rest(phase: Phase) -> None:
    """Teardown runs to its end, as in k6; the exit code is that of the signal."""
    run = Scripted(exports=FULL).to(phase)
    run.conductor.signal("interrupt", run.now_ns)
    assert run.phase is phase
    run.to(Phase.OVER)
    assert run.code is ExitCode.EXTERNAL_ABORT


def test_who_does_not_stop_is_killed() -> None:
    """After Stop there is a deadline; the others' teardown and summary go on."""
    run = Scripted(exports=FULL, workers=2).to(Phase.RUNNING)
    run.conductor.signal("interrupt", run.now_ns)
    run.say(frames.Finished(), worker=0)
    run.all_say(beat())
    run.wait(STOP_NS / SECOND)
    assert run.port.killed == [1]
    assert run.phase is Phase.TEARDOWN
    assert run.code is ExitCode.EXTERNAL_ABORT
    assert "worker 1 did not stop in time" in run.heard.text
    assert run.conductor.results.lost_workers == [1]


def test_the_script_aborts() -> None:
    """108 with the message; the run stops."""
    run = Scripted(exports=FULL).to(Phase.RUNNING)
    run.say(frames.AbortRequested("enough"))
    assert run.phase is Phase.STOPPING
    assert run.code is ExitCode.SCRIPT_ABORTED
    assert run.message == "test aborted: enough"


def test_abort_in_setup() -> None:
    """108, and no teardown."""
    run = Scripted(exports=FULL).to(Phase.SETUP)
    run.say(frames.ScriptFailed("setup", "enough", "", aborted=True))
    assert run.code is ExitCode.SCRIPT_ABORTED
    assert run.phase is Phase.SUMMARY


def test_marking_failed_does_not_end_the_run() -> None:
    """110 at the end; an abort after it goes before it, as in k6, and not one after that."""
    run = Scripted().to(Phase.RUNNING)
    run.say(frames.MarkedFailed("wrong total"))
    assert run.phase is Phase.RUNNING
    assert run.code is ExitCode.MARKED_FAILED
    run.say(frames.AbortRequested("later"))
    assert run.code is ExitCode.SCRIPT_ABORTED
    run.say(frames.MarkedFailed("again"))
    assert run.code is ExitCode.SCRIPT_ABORTED


def test_a_threshold_is_judged_on_every_delta() -> None:
    """The delta that crosses ends the run; a delay holds it back."""
    limits = {"iterations": (ThresholdSpec("count<5", abort_on_fail=True),)}
    run = Scripted(options=Options(workers=2, thresholds=limits), workers=2).to(Phase.RUNNING)
    run.say(progress(4), worker=0)
    assert run.phase is Phase.RUNNING
    run.say(progress(2), worker=1)
    assert run.phase is Phase.STOPPING
    assert run.code is ExitCode.THRESHOLDS_FAILED
    delayed = {"iterations": (ThresholdSpec("count<5", abort_on_fail=True, delay_abort_eval_ns=5 * SECOND),)}
    slow = Scripted(options=Options(workers=1, thresholds=delayed)).to(Phase.RUNNING)
    slow.say(progress(9))
    assert slow.phase is Phase.RUNNING


def test_thresholds_at_the_end() -> None:
    """99 after the last judgement; not when thresholds are switched off."""
    limits = {"iterations": (ThresholdSpec("count<5"),)}
    for options, code in (
        (Options(workers=1, thresholds=limits), ExitCode.THRESHOLDS_FAILED),
        (Options(workers=1, thresholds=limits, no_thresholds=True), ExitCode.OK),
    ):
        run = Scripted(options=options).to(Phase.RUNNING)
        run.say(progress(9), frames.Finished())
        assert run.code is code
        assert run.conductor.snapshot().run.status == "finished"
