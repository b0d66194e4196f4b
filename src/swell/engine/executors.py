"""Which executor runs which kind of scenario."""

from swell.config.scenarios import (
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    Scenario,
    SharedIterations,
)
from swell.engine.arrival import ArrivalExecutor
from swell.engine.closed import (
    ConstantVUsExecutor,
    PerVUIterationsExecutor,
    RampingVUsExecutor,
    SharedIterationsExecutor,
)
from swell.engine.executor import Executor, ExecutorEnvironment


def make_executor(scenario: Scenario, environment: ExecutorEnvironment) -> Executor:
    """The executor for ``scenario``; takes this worker's stripe of its plan."""
    match scenario:
        case ConstantVUs():
            return ConstantVUsExecutor(scenario, environment)
        case SharedIterations():
            return SharedIterationsExecutor(scenario, environment)
        case PerVUIterations():
            return PerVUIterationsExecutor(scenario, environment)
        case RampingVUs():
            return RampingVUsExecutor(scenario, environment)
        case ConstantArrivalRate() | RampingArrivalRate():
            return ArrivalExecutor(scenario, environment)
