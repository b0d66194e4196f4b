"""The Python half of ``k6``: checks, groups and pauses as samples and time."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.scripts.k6.numbering import Numbering
from swell.scripts.k6.values import HostError, HostFunction, raw

if TYPE_CHECKING:
    from swell.engine.vu import VU
    from swell.metrics.tags import TagSet
    from swell.scripts.k6.vuhost import VUHost

    # The VU, the series by tags and name, the clock's now_ns, the recorder's sample.
    Hot = tuple[VU, dict[TagSet, dict[str, int]], Callable[[], int], Callable[..., None]]

SEPARATOR = "::"
# Longer pauses end with the run anyway.
MAX_SLEEP_S = 1e9


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``k6.js`` needs."""
    steps = Steps(vu)
    return {
        "numberOf": steps.names.number_of,
        "record": raw(steps.record),
        "recordNamed": raw(steps.record_named),
        "tagged": steps.tagged,
        "enter": steps.enter,
        "leave": steps.leave,
        "sleep": raw(steps.sleep),
    }


class Steps:
    """The steps of one VU's iterations."""

    __slots__ = ("_hot", "_vu", "names")

    def __init__(self, vu: "VUHost") -> None:
        self._vu = vu
        # What each check needs, bound at the first.
        self._hot: Hot | None = None
        # Names of checks.
        self.names: Numbering = vu.shared.kept.setdefault("checks", Numbering())

    def record(self, *codes: int) -> Any:
        """Record checks: twice the number of the name, and one more where it is met."""
        try:
            hot = self._hot
            if hot is None:
                hot = self._bind()
            engine_vu, numbers_by_tags, now, sample = hot
            tags = engine_vu.tags
            numbers = numbers_by_tags.get(tags)
            names = self.names.texts
            now_ns = now()
            for code in codes:
                name = names[code >> 1]
                number = numbers.get(name) if numbers is not None else None
                if number is None:
                    number = self._vu.worker.check_number(tags, _named(name))
                    numbers = numbers_by_tags.get(tags)
                sample(number, now_ns, code & 1)
        except BaseException as error:  # noqa: BLE001  # a raw function must not raise
            return self._vu.context.throw(error)
        return None

    def record_named(self, *told: Any) -> Any:
        """Record checks: (name, 1 or 0, name, 1 or 0 ...); a name with unusual characters comes boxed."""
        try:
            engine_vu, _, now, sample = self._hot or self._bind()
            now_ns = now()
            rest = iter(told)
            for name, met in zip(rest, rest, strict=True):
                text = _named(self._vu.context.from_js(name))
                sample(self._vu.worker.check_number(engine_vu.tags, text), now_ns, met)
        except BaseException as error:  # noqa: BLE001  # a raw function must not raise
            return self._vu.context.throw(error)
        return None

    def _bind(self) -> "Hot":
        vu = self._vu
        vu.forbid_init("Using check()")
        engine_vu = vu.engine_vu
        runtime = engine_vu.runtime
        self._hot = (engine_vu, vu.worker.check_numbers, runtime.clock.now_ns, runtime.recorder.sample)
        return self._hot

    def tagged(self, tags_json: str, count: int, *told: Any) -> Any:
        """Record checks with tags of their own: ``count`` as ``record`` takes them, the rest named."""
        engine_vu = self._vu.engine_vu
        before = engine_vu.tags
        engine_vu.tags = self._vu.with_tags(before, tags_json)
        try:
            return self.record(*told[:count]) or self.record_named(*told[count:])
        finally:
            engine_vu.tags = before

    def enter(self, name: str) -> str:
        """Enter a group; what ``leave`` has to know, as JSON."""
        vu = self._vu
        vu.forbid_init("Using group()")
        engine_vu = vu.engine_vu
        outer = engine_vu.group
        if name or outer:
            # One without a name is the root itself, where it stands in no other.
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
                vu.context.runtime.outside(vu.sleep_ns, min(seconds, MAX_SLEEP_S) * NS_PER_SECOND)
        except BaseException as error:  # noqa: BLE001  # a raw function must not raise
            return vu.context.throw(error)
        return None


def _named(name: str) -> str:
    """A check's name; raises ``HostError`` where it holds the separator of groups."""
    if SEPARATOR in name:
        raise HostError(f"group and check names may not contain '{SEPARATOR}'")
    return name
