"""The numbers that exec.scenario gives iterations: data rows are chosen by them."""

import json
import re
from collections.abc import Callable

import pytest

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]

SCENARIOS = {
    "constant-vus": {"vus": 3, "duration": "1s"},
    "ramping-vus": {"startVUs": 3, "stages": [{"duration": "1s", "target": 3}]},
    "per-vu-iterations": {"vus": 3, "iterations": 2},
    "shared-iterations": {"vus": 3, "iterations": 6},
    "constant-arrival-rate": {"rate": 20, "duration": "1s", "preAllocatedVUs": 3},
}


def _numbers(result: CLIResult, what: str) -> list[int]:
    return [int(number) for number in re.findall(rf"{what}=(\d+)", result.stderr)]


@pytest.mark.parametrize("executor", SCENARIOS)
def test_iterations_are_numbered_over_all_vus(run: RunScript, executor: str) -> None:
    """From 0 in the order in which they begin, none twice and none left out, whatever the executor."""
    scenario = {"executor": executor, **SCENARIOS[executor]}
    source = """
        import exec from "k6/execution";
        import { sleep } from "k6";
        export const options = {scenarios: {one: SCENARIO}};
        export default function () {
          console.log("test=" + exec.scenario.iterationInTest, "instance=" + exec.scenario.iterationInInstance);
          sleep(0.4);
        }
    """
    result = run(source.replace("SCENARIO", json.dumps(scenario)))
    assert result.exit_code == 0
    numbers = _numbers(result, "test")
    assert len(numbers) >= 3
    assert sorted(numbers) == list(range(len(numbers)))
    assert _numbers(result, "instance") == numbers


def test_no_two_workers_give_the_same_number(run: RunScript) -> None:
    """Each VU's iterations too, where the executor does not share them out."""
    source = """
        import exec from "k6/execution";
        export const options = {scenarios: {one: {executor: "per-vu-iterations", vus: 4, iterations: 5}}};
        export default function () { console.log("test=" + exec.scenario.iterationInTest); }
    """
    numbers = _numbers(run(source, "--workers=2"), "test")
    assert sorted(numbers) == list(range(20))
