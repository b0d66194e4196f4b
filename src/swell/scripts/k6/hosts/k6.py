"""The Python half of ``k6``: checks, groups and pauses as samples and time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.scripts.k6.values import HostError, HostFunction, raw

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

SEPARATOR = "::"
# Longer pauses end with the run anyway.
MAX_SLEEP_S = 1e9


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``k6.js`` needs."""
    steps = Steps(vu)
    return {
        "record": raw(steps.record),
        "tagged": steps.tagged,
        "enter": steps.enter,
        "leave": steps.leave,
        "sleep": raw(steps.sleep),
    }


class Steps:
    """The steps of one VU's iterations."""

    __slots__ = ("_vu",)

    def __init__(self, vu: "VUHost") -> None:
        self._vu = vu

    def record(self, *told: Any) -> Any:
        """Record checks: (name, met, name, met ...); a name with unusual characters comes boxed."""
        vu = self._vu
        try:
            if vu.phase == "init":
                vu.forbid_init("check()")
            engine_vu = vu.engine_vu
            tags = engine_vu.tags
            worker = vu.worker
            numbers = worker.check_numbers.get(tags) or {}
            runtime = engine_vu.runtime
            now_ns = runtime.clock.now_ns()
            sample = runtime.recorder.sample
            for index in range(0, len(told), 2):
                number = numbers.get(told[index])
                if number is None:
                    number = worker.check_number(tags, _named(vu.context.from_js(told[index])))
                sample(number, now_ns, 1.0 if told[index + 1] else 0.0)
        except BaseException as error:  # noqa: BLE001  # a raw function must not raise
            return vu.context.throw(error)
        return None

    def tagged(self, tags_json: str, *told: Any) -> Any:
        """Record checks with tags of their own."""
        engine_vu = self._vu.engine_vu
        before = engine_vu.tags
        engine_vu.tags = self._vu.with_tags(before, tags_json)
        try:
            return self.record(*told)
        finally:
            engine_vu.tags = before

    def enter(self, name: str) -> str:
        """Enter a group; what ``leave`` has to know, as JSON."""
        vu = self._vu
        vu.forbid_init("group()")
        engine_vu = vu.engine_vu
        outer = engine_vu.group
        engine_vu.group = f"{outer}{SEPARATOR}{name}"
        engine_vu.tags = vu.worker.in_group(engine_vu.tags, engine_vu.group)
        return msgspec.json.encode([outer, engine_vu.runtime.clock.now_ns()]).decode()

    def leave(self, entered: str) -> None:
        """Leave a group and record how long it took."""
        outer, started_ns = msgspec.json.decode(entered)
        vu = self._vu
        engine_vu = vu.engine_vu
        runtime = engine_vu.runtime
        ended_ns = runtime.clock.now_ns()
        number = runtime.registry.series("group_duration", engine_vu.tags)
        runtime.recorder.sample(number, ended_ns, (ended_ns - started_ns) / NS_PER_MS)
        engine_vu.group = outer
        # Not the tags from before: what the script set inside the group stays.
        engine_vu.tags = vu.worker.in_group(engine_vu.tags, outer)

    def sleep(self, seconds: float) -> Any:
        """Pause the VU; returns at once for zero or less."""
        vu = self._vu
        try:
            if seconds > 0:
                vu.sleep_ns(min(seconds, MAX_SLEEP_S) * NS_PER_SECOND)
        except BaseException as error:  # noqa: BLE001  # a raw function must not raise
            return vu.context.throw(error)
        return None


def _named(name: str) -> str:
    """A check's name; raises ``HostError`` where it holds the separator of groups."""
    if SEPARATOR in name:
        raise HostError(f"the check name {name!r} contains {SEPARATOR!r}, which separates groups", "Error")
    return name
