"""check, group, sleep, fail and abort: k6's five, with Python's manners."""

import inspect
import math
import time
from collections.abc import Callable, Mapping
from functools import wraps
from types import TracebackType
from typing import NoReturn, ParamSpec, TypeVar, overload

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.engine.vu import ControlFlow, RunAborted, current_vu
from swell.metrics.samples import SAMPLE
from swell.metrics.tags import TagSet
from swell.scripts.native.randomness import random
from swell.scripts.native.state import TagValues, VUState, calling_place, running_vu

P = ParamSpec("P")
T = TypeVar("T")
# k6's separator of group paths; it may not stand in a name.
SEPARATOR = "::"
_pack = SAMPLE.pack


class IterationFailed(Exception):  # noqa: N818  # reads as the event it is, in logs and in `except`
    """Raised by ``fail``: the iteration ends here and is counted as complete."""

    __module__ = "swell"


# Checks


def check(
    value: T, conditions: Mapping[str, Callable[[T], object] | object], tags: TagValues | None = None
) -> bool:
    """Record for each named condition whether ``value`` meets it, and return whether it meets them all.

    A condition is a function of ``value`` or a plain value; what counts is its truth. A failed check never
    stops the iteration. Where a condition raises, its check is recorded as failed and the exception goes on;
    the conditions after it are not looked at (k6's rule).

    Args:
        value: what is checked, most often a response.
        conditions: name of each check -> condition; a name may not contain ``::``.
        tags: more tags for these samples.
    """
    vu = current_vu.get(None) or running_vu("check()")
    state: VUState = vu.language
    keep = state.keep_sample
    tag_set = vu.tags if tags is None else state.worker.extend(vu.tags, tags)
    numbers = state.worker.check_numbers.get(tag_set) or {}
    at = state.now()
    all_met = True
    number = -1
    try:
        for name, condition in conditions.items():
            number = numbers.get(name, -1)
            if number < 0:
                number = _first_check(state, tag_set, name, condition)
            if condition(value) if callable(condition) else condition:
                keep(_pack(number, at, 1.0))
            else:
                keep(_pack(number, at, 0.0))
                all_met = False
    except Exception:
        if number >= 0:
            keep(_pack(number, at, 0.0))
        raise
    if state.recorder.is_full:
        # A loop of checks that waits for nothing: the tick that empties the recorder cannot run.
        state.recorder.flush()
    return all_met


def _first_check(state: VUState, tag_set: TagSet, name: object, condition: object) -> int:
    """The series of a check that is new under these tags; refuses a bad name or condition."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"the name of a check is a non-empty string, not {name!r}")
    if SEPARATOR in name:
        raise ValueError(f"the check name {name!r} contains {SEPARATOR!r}, which separates groups")
    if inspect.iscoroutinefunction(condition):
        raise TypeError(f"the condition of check {name!r} is an async function; write a plain function")
    return state.worker.check_number(tag_set, name)


# Groups


class Group:
    """A named part of an iteration; made by ``group``. Usable any number of times, by many VUs at once."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"the name of a group is a non-empty string, not {name!r}")
        if SEPARATOR in name:
            raise ValueError(f"the group name {name!r} contains {SEPARATOR!r}, which separates nested groups")
        self.name = name

    def __repr__(self) -> str:
        return f"group({self.name!r})"

    def __enter__(self) -> None:
        vu = current_vu.get(None) or running_vu("group()")
        state: VUState = vu.language
        outer = vu.group
        vu.group = path = f"{outer}{SEPARATOR}{self.name}"
        vu.tags = state.worker.in_group(vu.tags, path)
        state.groups.append((outer, state.now()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        vu = running_vu("group()")
        state: VUState = vu.language
        outer, started_ns = state.groups.pop()
        # An interrupted iteration leaves no samples of what it did not finish (k6's rule).
        if kind is None or not issubclass(kind, ControlFlow):
            ended_ns = state.now()
            number = vu.runtime.registry.series("group_duration", vu.tags)
            state.sample(number, ended_ns, (ended_ns - started_ns) / NS_PER_MS)
        vu.group = outer
        # Not the tags from before: what the script set inside the group stays.
        vu.tags = state.worker.in_group(vu.tags, outer)

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Make every call of ``function`` run inside this group."""
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"{self!r} decorates an async function; write a plain function")

        @wraps(function)
        def in_group(*args: P.args, **kwargs: P.kwargs) -> T:
            with self:
                return function(*args, **kwargs)

        return in_group


@overload
def group(name: str) -> Group: ...
@overload
def group(name: str, function: Callable[[], T]) -> T: ...
def group(name: str, function: Callable[[], T] | None = None) -> Group | T:
    """Give what runs inside a name: its samples carry the tag ``group`` with the path ``::outer::name``.

    Three forms: ``with group("login"): ...``, ``@group("login")`` above a function, and
    ``group("login", function)``, which returns what the function returns. Records ``group_duration``.
    """
    entered = Group(name)
    return entered if function is None else entered(function)()


# Time, and the end of it


def sleep(seconds: float, up_to: float | None = None) -> None:
    """Pause this VU for ``seconds``; with ``up_to``, for a random time between the two.

    Returns at once for zero or less. The random time comes from ``swell.random`` and so repeats under
    ``--seed``.
    """
    if up_to is not None:
        seconds = random.uniform(seconds, up_to)
    if not math.isfinite(seconds):
        raise ValueError(f"cannot sleep for {seconds} seconds")
    if seconds <= 0:
        return
    vu = current_vu.get(None)
    if vu is None:
        # k6 allows it while the script loads.
        time.sleep(seconds)
        return
    clock = vu.runtime.clock
    clock.sleep_until_ns(clock.now_ns() + int(seconds * NS_PER_SECOND))


def fail(message: str = "") -> NoReturn:
    """End this iteration as an exception does: it is counted, logged, and the VU goes on with the next."""
    raise IterationFailed(message)


def abort(message: str = "") -> NoReturn:
    """End the whole run: no new iterations, running ones are interrupted, then teardown and the summary.

    The exit code is 108. Allowed everywhere, the init context included.
    """
    text = f"{message} ({calling_place()})" if message else f"at {calling_place()}"
    vu = current_vu.get(None)
    if vu is not None:
        # Not by the exception alone: a greenlet that the script spawned would swallow it.
        vu.runtime.abort_run(text)
    raise RunAborted(text)


def mark_failed(message: str = "") -> None:
    """Mark the run as failed (exit code 110) and go on."""
    vu = current_vu.get(None) or running_vu("context.test.fail()")
    vu.runtime.mark_failed(message)
