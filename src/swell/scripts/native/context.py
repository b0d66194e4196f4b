"""``context``: where the running code stands in the run: its VU, scenario, worker and test."""

from collections.abc import Iterator, MutableMapping
from typing import Any, NoReturn

import msgspec

from swell.base.clock import NS_PER_SECOND
from swell.engine.script import RunStatistics
from swell.engine.vu import VU
from swell.metrics.tags import TagSet
from swell.scripts.native import checks
from swell.scripts.native.state import ContextError, VUState, running_vu, tag_text


class VUTags(MutableMapping[str, str]):
    """The running VU's tags; what is set stays on its samples until its scenario is over for it."""

    __slots__ = ()

    def __getitem__(self, name: str) -> str:
        value = _vu("tags").tags.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: str | float) -> None:
        vu = _vu("tags")
        state: VUState = vu.language
        tags = {name: tag_text(name, value)}
        vu.tags = state.worker.extend(vu.tags, tags)
        # Each iteration begins with the base, and what is set lasts until the next activation (k6's rule).
        vu.base_tags = state.worker.extend(vu.base_tags, tags)

    def __delitem__(self, name: str) -> None:
        vu = _vu("tags")
        if vu.tags.get(name) is None:
            raise KeyError(name)
        vu.tags = _without(vu, vu.tags, name)
        vu.base_tags = _without(vu, vu.base_tags, name)

    def __iter__(self) -> Iterator[str]:
        return iter(_vu("tags").tags.as_dict())

    def __len__(self) -> int:
        return len(_vu("tags").tags.pairs)

    def __repr__(self) -> str:
        return repr(dict(self))


class VUContext:
    """The running virtual user."""

    __slots__ = ()
    tags = VUTags()

    @property
    def state(self) -> dict[Any, Any]:
        """A dictionary of this VU's own, for what it keeps from one iteration to the next, such as a token.

        It lasts as long as the VU, over scenarios too; globals are those of all VUs of the worker.
        """
        state: VUState = _vu("state").language
        if state.kept is None:
            state.kept = {}
        return state.kept

    @property
    def id(self) -> int:
        """Its number over all workers, from 1; 0 in setup, teardown and handle_summary."""
        return _vu("id").id

    @property
    def slot(self) -> int:
        """Its position in the scenario's plan, from 0; the same for any number of workers."""
        return _vu("slot").slot

    @property
    def iteration(self) -> int:
        """How many iterations it began before this one, over all scenarios."""
        return _vu("iteration").iteration

    @property
    def iteration_in_scenario(self) -> int:
        """How many iterations it began before this one in this scenario."""
        return _vu("iteration_in_scenario").iteration_in_scenario


class ScenarioContext:
    """The scenario of the running iteration."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """Its name."""
        return _in_scenario("name").scenario

    @property
    def executor(self) -> str:
        """Its executor, such as ``constant-vus``."""
        return _in_scenario("executor").executor

    @property
    def elapsed(self) -> float:
        """Seconds since it started."""
        vu = _in_scenario("elapsed")
        return (vu.runtime.clock.now_ns() - vu.scenario_started_ns) / NS_PER_SECOND

    @property
    def progress(self) -> float:
        """How much of it is over: 0 to 1."""
        progress = _in_scenario("progress").scenario_progress
        return float(progress()) if callable(progress) else 0.0

    @property
    def iteration(self) -> int:
        """The iteration's number over all VUs and workers of the scenario; -1 where it has none."""
        return _in_scenario("iteration").iteration_number


class InstanceContext:
    """The share of the run that falls to this worker."""

    __slots__ = ()

    @property
    def elapsed(self) -> float:
        """Seconds since the run started."""
        return _statistics("elapsed").elapsed_ns / NS_PER_SECOND

    @property
    def iterations_completed(self) -> int:
        """Iterations that ran to their end, or to an exception."""
        return _statistics("iterations_completed").iterations_completed

    @property
    def iterations_interrupted(self) -> int:
        """Iterations that were cut short."""
        return _statistics("iterations_interrupted").iterations_interrupted

    @property
    def vus_active(self) -> int:
        """VUs that belong to a running scenario now."""
        return _statistics("vus_active").vus_active

    @property
    def vus_initialized(self) -> int:
        """VUs that exist."""
        return _statistics("vus_initialized").vus_initialized

    @property
    def worker(self) -> int:
        """The number of this worker, from 0."""
        return running_vu("context.instance.worker").runtime.worker_index

    @property
    def workers(self) -> int:
        """How many workers the run has."""
        return running_vu("context.instance.workers").runtime.worker_count


class TestContext:
    """The whole run."""

    __slots__ = ()
    # Not a test, whatever its name says to pytest.
    __test__ = False

    @property
    def options(self) -> dict[str, object]:
        """The options in force, as plain values; durations in nanoseconds."""
        options = running_vu("context.test.options").runtime.options
        values: dict[str, object] = msgspec.to_builtins(options)
        return values

    def abort(self, message: str = "") -> NoReturn:
        """End the whole run, with exit code 108."""
        checks.abort(message)

    def fail(self, message: str = "") -> None:
        """Mark the run as failed (exit code 110) and go on."""
        checks.mark_failed(message)


class Context:
    """The execution context: ``vu``, ``scenario``, ``instance`` and ``test``."""

    __slots__ = ()
    vu = VUContext()
    scenario = ScenarioContext()
    instance = InstanceContext()
    test = TestContext()


context = Context()


def _without(vu: VU, tags: TagSet, name: str) -> TagSet:
    return vu.runtime.registry.intern({key: value for key, value in tags.pairs if key != name})


def _vu(attribute: str) -> VU:
    return running_vu(f"context.vu.{attribute}")


def _in_scenario(attribute: str) -> VU:
    vu = running_vu(f"context.scenario.{attribute}")
    if not vu.scenario:
        raise ContextError(
            f"context.scenario.{attribute} was read in setup(), teardown() or handle_summary()",
            hint="there is a scenario only while an iteration runs",
        )
    return vu


def _statistics(attribute: str) -> RunStatistics:
    return running_vu(f"context.instance.{attribute}").runtime.run_statistics()
