"""The ``scenario`` decorator and ``weighted`` mixes: which function runs, and how."""

from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal, TypedDict, TypeVar, Unpack

from swell.scripts.native.functions import accepts_data
from swell.scripts.native.randomness import random
from swell.scripts.native.state import DeclaredScenario, init_context

F = TypeVar("F", bound=Callable[..., object])
Duration = str | int | float
ExecutorName = Literal[
    "shared-iterations",
    "per-vu-iterations",
    "constant-vus",
    "ramping-vus",
    "constant-arrival-rate",
    "ramping-arrival-rate",
]


class ScenarioOptions(TypedDict, total=False):
    """The keys of a scenario; names, defaults and meanings are k6's, in snake case.

    Durations are text with a unit, or milliseconds. ``after`` (start when that scenario is over) and
    ``distribution`` are swell's.
    """

    start_time: Duration
    after: str
    graceful_stop: Duration
    env: Mapping[str, str]
    tags: Mapping[str, str]
    vus: int
    iterations: int
    duration: Duration
    max_duration: Duration
    start_vus: int
    stages: Sequence[tuple[Duration, int] | Mapping[str, Any]]
    graceful_ramp_down: Duration
    rate: int
    start_rate: int
    time_unit: Duration
    pre_allocated_vus: int
    max_vus: int
    distribution: Literal["uniform", "poisson"]


def scenario(
    *, executor: ExecutorName, name: str | None = None, **options: Unpack[ScenarioOptions]
) -> Callable[[F], F]:
    """Declare the function below as a scenario, named after the function unless ``name`` is given.

    The function takes no argument, or one: the VU's own copy of what ``setup`` returned. It stays an
    ordinary function, and several decorators make several scenarios of it. ``stages`` are
    (duration, target) pairs. What is wrong with the options is reported when the script is loaded,
    together with all other faults.
    """
    declarations = init_context("scenario()")
    place = declarations.place() if declarations is not None else ""

    def declare(function: F) -> F:
        if declarations is None:
            return function
        if not callable(function) or isinstance(function, type):
            declarations.fault(f"scenario() decorates {function!r}, which is no function", place=place)
            return function
        own: str = name if name is not None else getattr(function, "__name__", "scenario")
        if "exec" in options:
            # A type checker sees it; whoever has none would wonder which function runs.
            message = f"the scenario {own!r} names a function with exec, but runs the decorated one"
            declarations.fault(message, "leave exec out", place=place)
        declared = {"executor": executor, **options}
        declarations.scenarios.append(DeclaredScenario(own, function, declared, place))
        return function

    return declare


class WeightedMix:
    """A function that runs one of several, at random by weight; made by ``weighted``."""

    def __init__(self, parts: Mapping[Callable[..., object], float]) -> None:
        if not parts:
            raise ValueError("weighted() needs at least one function")
        for function, weight in parts.items():
            if not callable(function):
                raise TypeError(f"weighted() mixes functions; {function!r} is none")
            if (
                isinstance(weight, bool)
                or not isinstance(weight, int | float)
                or not 0 <= weight < float("inf")
            ):
                raise ValueError(
                    f"the weight of {_name(function)} is {weight!r}; it must be a number from 0 up"
                )
        self.functions = tuple(parts)
        self.__name__ = "weighted_" + "_".join(_name(function) for function in self.functions)
        self._takes_data = tuple(accepts_data(function) for function in self.functions)
        self._bounds = list(accumulate(parts.values()))
        self._total = self._bounds[-1]
        if self._total <= 0:
            raise ValueError("weighted() needs at least one weight above 0")

    def __repr__(self) -> str:
        return f"weighted({', '.join(_name(function) for function in self.functions)})"

    def __call__(self, data: Any = None) -> object:
        """Run one of the functions, with ``data`` where it takes an argument."""
        chosen = bisect(self._bounds, random.random() * self._total)
        function = self.functions[chosen]
        return function(data) if self._takes_data[chosen] else function()


def weighted(parts: Mapping[Callable[..., object], float]) -> WeightedMix:
    """Mix functions by weight.

    ``default = weighted({browse: 60, search: 30, buy: 10})`` is a full example. Each call runs one of the
    functions, chosen with ``swell.random``; weights need not add up to 100. The mix is a function like any
    other: assign it to ``default`` or to a name that a scenario's ``exec`` gives, or pass it to
    ``scenario(...)``.

    Raises ``TypeError`` or ``ValueError`` for what is no function or no weight.
    """
    return WeightedMix(parts)


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__name__", None) or repr(function)
