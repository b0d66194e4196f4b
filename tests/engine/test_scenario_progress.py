"""How far a scenario is follows from the plan and the workers' counts alone."""

from swell.config.scenarios import PerVUIterations
from swell.engine.progress import ScenarioSpan, scenario_state


def test_a_scenario_that_waits_for_another_has_its_own_vus() -> None:
    """What is shown of one scenario does not depend on the others being looked at with it."""
    scenario = PerVUIterations(name="second", after="first", vus=3, iterations=2)
    state = scenario_state(scenario, (), ScenarioSpan(), 0)
    assert (state.max_vus, state.iterations_total, state.status) == (3, 6, "waiting")
