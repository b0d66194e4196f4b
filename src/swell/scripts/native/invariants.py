"""The ``invariant`` decorator: what must hold at the target when the scenarios are over."""

from collections.abc import Callable
from typing import TypeVar

from swell.base.units import parse_duration_ns
from swell.engine.script import InvariantPlan
from swell.scripts.native.functions import argument_fault
from swell.scripts.native.state import Declarations, DeclaredInvariant, init_context

F = TypeVar("F", bound=Callable[..., object])
Duration = str | int | float


def invariant(name: str, *, within: Duration = "10s", timeout: Duration = "1m") -> Callable[[F], F]:
    """Declare that what the function below looks at must hold when the scenarios are over.

    The function takes no argument, or one: what ``setup`` returned. It runs once, in one process, before
    ``teardown``; it may use ``http``, ``env``, any library, ledgers (``orders.compare(ids)``) and ``expect``.
    What these find, or a failed ``assert``, means that the invariant does not hold yet: it is looked at again
    until it does, or until ``within`` is over. Any other exception means that it could not be seen. A run
    with an invariant that does not hold, or could not be seen to, ends with exit code 113.

    Args:
        name: what must hold, as a sentence.
        within: time that the target has to become consistent, such as ``"30s"``; a number is milliseconds.
        timeout: time that one look may take.
    """
    declarations = init_context(f"invariant({name!r})")
    place = declarations.place() if declarations is not None else ""

    def declare(function: F) -> F:
        if declarations is not None:
            _declare(declarations, DeclaredInvariant(name, function, place), within, timeout)
        return function

    return declare


def _declare(
    declarations: Declarations, declared: DeclaredInvariant, within: Duration, timeout: Duration
) -> None:
    name, place = declared.name, declared.place
    if not isinstance(name, str) or not name:
        hint = 'write what must hold: @invariant("every order exists once")'
        declarations.fault(f"{name!r} is no name for an invariant", hint, place=place)
        return
    if any(other.name == name for other in declarations.invariants):
        declarations.fault(f"the invariant {name!r} is declared twice", "name it otherwise", place=place)
    if not callable(declared.function):
        declarations.fault(f"invariant() decorates {declared.function!r}, which is no function", place=place)
        return
    problem = argument_fault(declared.function, 1)
    if problem:
        declarations.fault(f"the invariant {name!r} {problem}", place=place)
    for key, value in (("within", within), ("timeout", timeout)):
        try:
            duration_ns = parse_duration_ns(value)
        except (ValueError, TypeError) as error:
            declarations.fault(f"{key} of the invariant {name!r}: {error}", place=place)
            continue
        if key == "within":
            declared.within_ns = duration_ns
        else:
            declared.timeout_ns = duration_ns
    declarations.invariants.append(declared)


def plan_of(declared: DeclaredInvariant) -> InvariantPlan:
    """What the engine needs to know of an invariant."""
    return InvariantPlan(declared.name, declared.within_ns, declared.timeout_ns)
