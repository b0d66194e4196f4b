"""The gauges vus and vus_max of k6 scripts while no scenario runs: k6 samples them from setup to teardown."""

import pytest
from scripted_workers import FULL, Scripted

from swell.engine import frames
from swell.engine.lifecycle import Phase
from swell.metrics.snapshot import GaugeValue, SinkValue


def gauge(run: Scripted, name: str) -> SinkValue | None:
    """What the gauge has come to."""
    state = run.conductor.snapshot().metric(name)
    return None if state is None else state.value


def test_setup_and_teardown_are_sampled_every_second() -> None:
    """No VU is active there, all are initialised; the seconds count from the begin of setup."""
    run = Scripted(exports=FULL, language="k6").to(Phase.SETUP)
    for _ in range(5):
        run.wait(0.5)
    assert gauge(run, "vus") == GaugeValue(0, 0, 0, 2)
    assert gauge(run, "vus_max") == GaugeValue(8, 8, 8, 2)
    run.to(Phase.TEARDOWN)
    run.wait(0.4)
    assert gauge(run, "vus") == GaugeValue(0, 0, 0, 2)
    run.wait(0.2)
    assert gauge(run, "vus") == GaugeValue(0, 0, 0, 3)


@pytest.mark.parametrize(("seconds", "value"), [(0.9, None), (1.1, GaugeValue(8, 8, 8, 1))])
def test_a_second_that_setup_and_scenarios_share(seconds: float, value: SinkValue | None) -> None:
    """A run too short for a sample of its scenarios has one all the same, if it took a second in all."""
    run = Scripted(exports=FULL, language="k6").to(Phase.SETUP)
    run.wait(seconds - 0.5)
    run.to(Phase.RUNNING)
    run.now_ns += 500_000_000
    run.all_say(frames.Finished())
    run.to(Phase.OVER)
    assert gauge(run, "vus") == value


def test_native_runs_are_sampled_while_scenarios_run() -> None:
    """Their gauges are of the load."""
    run = Scripted(exports=FULL).to(Phase.SETUP)
    run.wait(3)
    run.to(Phase.OVER)
    assert gauge(run, "vus") is None
