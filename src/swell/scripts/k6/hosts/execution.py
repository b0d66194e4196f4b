"""The Python half of ``k6/execution``."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from swell.base.clock import NS_PER_MS, monotonic_ns, wall_ns
from swell.config.show import show_given
from swell.engine.vu import VU, RunAborted
from swell.scripts.k6.values import HostError, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``execution.js`` needs."""

    def read(section: str, member: str) -> str:
        return msgspec.json.encode(_SECTIONS[section](vu)[member]()).decode()

    def abort(why: str, place: str) -> None:
        # k6 tells the place of iterations and of what it loads only.
        message = why if vu.phase in {"setup", "teardown"} else f"{why} {place}".strip()
        if vu.phase == "summary":
            # The run is over: k6 takes it for an exception, and shows its own summary.
            raise HostError(f"test aborted: {message}")
        if vu.vu is not None and vu.phase != "init":
            vu.runtime.abort_run(message)
        raise RunAborted(message, is_complete=True)

    def fail(message: str) -> None:
        if vu.phase == "init":
            raise HostError("execution.test.fail() called outside of VU context")
        vu.log("error", f"test marked as failed: {message}" if message else "test marked as failed")
        if vu.phase != "summary" and not vu.shared.is_marked_failed:
            vu.shared.is_marked_failed = True
            vu.runtime.mark_failed(message)

    def set_tag(name: str, value: str) -> None:
        engine_vu = _engine_vu(vu)
        tags = {name: value}
        engine_vu.tags = vu.worker.extend(engine_vu.tags, tags)
        # Each iteration begins with the base, and what is set lasts until the next activation.
        engine_vu.base_tags = vu.worker.extend(engine_vu.base_tags, tags)

    def delete_tag(name: str) -> None:
        engine_vu = _engine_vu(vu)
        registry = engine_vu.runtime.registry
        for attribute in ("tags", "base_tags"):
            left = {
                key: value for key, value in getattr(engine_vu, attribute).as_dict().items() if key != name
            }
            setattr(engine_vu, attribute, registry.intern(left))

    def set_metadata(name: str, value: str) -> None:
        engine_vu = _engine_vu(vu)
        engine_vu.metadata = tuple(sorted({**dict(engine_vu.metadata), name: value}.items()))

    def delete_metadata(name: str) -> None:
        engine_vu = _engine_vu(vu)
        engine_vu.metadata = tuple(pair for pair in engine_vu.metadata if pair[0] != name)

    return {
        "metadata": lambda: msgspec.json.encode(dict(_engine_vu(vu).metadata)).decode(),
        "setMetadata": set_metadata,
        "deleteMetadata": delete_metadata,
        "read": read,
        "abort": abort,
        "fail": fail,
        "tags": lambda: msgspec.json.encode(_engine_vu(vu).tags.as_dict()).decode(),
        "setTag": set_tag,
        "deleteTag": delete_tag,
        "options": lambda: _options(vu),
    }


def _engine_vu(vu: "VUHost") -> VU:
    """The engine's VU; raises ``HostError`` in the init context."""
    if vu.phase == "init":
        raise HostError("getting VU information in the init context is not supported")
    return vu.engine_vu


def _options(vu: "VUHost") -> str:
    if vu.phase == "init":
        raise HostError("getting test options in the init context is not supported")
    runtime = vu.runtime
    return msgspec.json.encode(show_given(runtime.options)).decode()


Section = dict[str, Callable[[], Any]]


def _vu(vu: "VUHost") -> Section:
    engine_vu = _engine_vu(vu)
    return {
        "idInInstance": lambda: engine_vu.id,
        "idInTest": lambda: engine_vu.id,
        "iterationInInstance": lambda: engine_vu.iteration,
        "iterationInScenario": lambda: engine_vu.iteration_in_scenario,
    }


def _scenario(vu: "VUHost") -> Section:
    engine_vu = vu.vu
    if engine_vu is None or not engine_vu.scenario or vu.phase != "iteration":
        raise HostError("getting scenario information outside of the VU context is not supported")

    def progress() -> float:
        current = engine_vu.scenario_progress
        return float(current()) if callable(current) else 0.0

    return {
        "name": lambda: engine_vu.scenario,
        "executor": lambda: engine_vu.executor,
        "startTime": lambda: (wall_ns() - monotonic_ns() + engine_vu.scenario_started_ns) // NS_PER_MS,
        "progress": progress,
        "iterationInInstance": lambda: _iteration_number(engine_vu),
        "iterationInTest": lambda: _iteration_number(engine_vu),
    }


def _iteration_number(vu: VU) -> int:
    """The iteration's number over all VUs: k6 counts those that began, with every executor."""
    runtime = vu.runtime
    if runtime.worker_count > 1 and vu.iteration_number >= 0:
        return vu.iteration_number
    # No two workers give the same, but one may be ahead of another.
    return vu.iteration_in_worker * runtime.worker_count + runtime.worker_index


def _instance(vu: "VUHost") -> Section:
    # While a VU starts they are there, and once all VUs have ended they are not: so in k6.
    starts = vu.phase == "init" and (vu.vu is None or not vu.vu.id)
    if starts or vu.phase in ("teardown", "summary"):
        raise HostError("getting instance information in the init context is not supported")
    statistics = vu.runtime.run_statistics
    return {
        "currentTestRunDuration": lambda: statistics().elapsed_ns / NS_PER_MS,
        "iterationsCompleted": lambda: statistics().iterations_completed,
        "iterationsInterrupted": lambda: statistics().iterations_interrupted,
        "vusActive": lambda: statistics().vus_active,
        "vusInitialized": lambda: statistics().vus_initialized,
    }


_SECTIONS: dict[str, Callable[["VUHost"], Section]] = {
    "vu": _vu,
    "scenario": _scenario,
    "instance": _instance,
}
