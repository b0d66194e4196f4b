"""Where a call from the script stands: in the init context (the script loads) or inside a virtual user.

``loading`` is set while a script loads and collects what it declares; ``current_vu`` is set in every VU's
greenlet. Neither is set where a script is imported without swell, by a unit test for example: declarations
then do nothing, and calls that need a VU say so.
"""

import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swell.base.errors import ExitCode, Fault, SwellError
from swell.engine.vu import VU, current_vu
from swell.metrics.tags import TagSet

if TYPE_CHECKING:
    from types import FrameType

    from swell.engine.script import ScriptRuntime
    from swell.scripts.native.ledger import Ledger

# Caches keyed by what a script says stop growing here: a script may make a new name in every iteration.
CACHE_LIMIT = 10_000
# Everything below this folder is ours and does not belong in a script's stack.
PACKAGE_FOLDER = str(Path(__file__).resolve().parents[2])

TagValues = Mapping[str, str | int | float | bool]


class ContextError(SwellError):
    """A function was called where it cannot work: a request while the script loads, a new metric in a VU."""

    # What tracebacks call it, and where scripts find it.
    __module__ = "swell"
    exit_code = ExitCode.SCRIPT_EXCEPTION
    slug = "wrong-context"


class DeclaredScenario:
    """One use of the ``scenario`` decorator."""

    __slots__ = ("function", "name", "options", "place")

    def __init__(
        self, name: str, function: Callable[..., object], options: dict[str, Any], place: str
    ) -> None:
        self.name = name
        self.function = function
        self.options = options
        self.place = place


class DeclaredInvariant:
    """One use of the ``invariant`` decorator."""

    __slots__ = ("function", "name", "place", "timeout_ns", "within_ns")

    def __init__(self, name: str, function: Callable[..., object], place: str) -> None:
        self.name = name
        self.function = function
        self.place = place
        self.within_ns = 0
        self.timeout_ns = 0


class Declarations:
    """What a script declares while it loads, and the faults found in it."""

    def __init__(self, script: Path, env: Mapping[str, str], seed: int) -> None:
        self.script = script
        self.folder = script.parent
        self.env = env
        self.seed = seed
        # Number of the next value of swell.random in the init context.
        self.random_state: int | None = None
        self.scenarios: list[DeclaredScenario] = []
        # Metric name -> (type, contains, place).
        self.metrics: dict[str, tuple[str, str, str]] = {}
        self.ledgers: dict[str, Ledger] = {}
        self.invariants: list[DeclaredInvariant] = []
        self.faults: list[Fault] = []
        # Files of feeders whose faults are among them.
        self.broken_files: set[Path] = set()

    def fault(self, message: str, hint: str = "", place: str | None = None) -> None:
        """Note a fault; ``place`` is by default the script's line that runs now."""
        self.faults.append(Fault(place if place is not None else self.place(), message, hint))

    def place(self) -> str:
        """The script's line that runs now, as ``script.py:12``."""
        return calling_place(self.folder)


loading: ContextVar[Declarations | None] = ContextVar("swell_loading", default=None)


def calling_place(folder: Path | None = None) -> str:
    """The nearest frame outside swell as ``file.py:12``, relative to ``folder`` where it lies below it."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE_FOLDER):
        frame = frame.f_back
    if frame is None:
        return "?"
    return f"{short_path(frame.f_code.co_filename, folder)}:{frame.f_lineno}"


def short_path(filename: str, folder: Path | None = None) -> str:
    """``filename`` relative to ``folder`` if it lies below it, else its last part."""
    path = Path(filename)
    if folder is not None and path.is_relative_to(folder):
        return str(path.relative_to(folder))
    return path.name


class WorkerState:
    """What the VUs of one worker share: caches from tags and names to numbers."""

    def __init__(self, runtime: "ScriptRuntime") -> None:
        self.runtime = runtime
        system_tags = runtime.options.system_tags
        self._tags_checks = "check" in system_tags
        self._tags_groups = "group" in system_tags
        self.check_numbers: dict[TagSet, dict[str, int]] = {}
        self._group_tags: dict[tuple[TagSet, str], TagSet] = {}
        self._extended: dict[tuple[TagSet, tuple[tuple[str, object], ...]], TagSet] = {}

    def extend(self, base: TagSet, tags: TagValues) -> TagSet:
        """``base`` with the script's ``tags``, cached."""
        key = (base, tuple(tags.items()))
        found = self._extended.get(key)
        if found is None:
            found = self.runtime.registry.extend(base, {name: tag_text(name, tags[name]) for name in tags})
            if len(self._extended) < CACHE_LIMIT:
                self._extended[key] = found
        return found

    def in_group(self, base: TagSet, path: str) -> TagSet:
        """``base`` inside the group with this path, cached."""
        if not self._tags_groups:
            return base
        key = (base, path)
        found = self._group_tags.get(key)
        if found is None:
            found = self.runtime.registry.extend(base, {"group": path})
            if len(self._group_tags) < CACHE_LIMIT:
                self._group_tags[key] = found
        return found

    def check_number(self, tags: TagSet, name: str) -> int:
        """The series of the check ``name`` under ``tags``."""
        registry = self.runtime.registry
        own = registry.extend(tags, {"check": name}) if self._tags_checks else tags
        number = registry.series("checks", own)
        numbers = self.check_numbers.setdefault(tags, {})
        if len(numbers) < CACHE_LIMIT:
            numbers[name] = number
        return number


class VUState:
    """What the native front end keeps per VU, at ``vu.language``."""

    __slots__ = (
        "data",
        "groups",
        "has_data",
        "keep_sample",
        "kept",
        "now",
        "random_state",
        "recorder",
        "sample",
        "sockets",
        "worker",
    )

    def __init__(self, vu: VU, worker: WorkerState) -> None:
        self.worker = worker
        # Bound once: a check costs two attribute lookups less.
        self.recorder = vu.runtime.recorder
        self.sample: Callable[[int, int, float], None] = self.recorder.sample
        # For ``check``, which packs its records itself.
        self.keep_sample: Callable[[bytes], None] = self.recorder.keep_sample
        self.now: Callable[[], int] = vu.runtime.clock.now_ns
        # The VU's own copy of the setup data.
        self.data: Any = None
        self.has_data = False
        # What the script puts aside for this VU; made when it asks.
        self.kept: dict[Any, Any] | None = None
        # The open groups, innermost last: (path of the one around it, when it was entered).
        self.groups: list[tuple[str, int]] = []
        # State of swell.random in this iteration; None: not used yet.
        self.random_state: int | None = None
        # Open WebSockets: what the iteration leaves open is closed with it.
        self.sockets: set[Any] = set()

    def close_sockets(self) -> None:
        """Close the WebSockets that are still open, waiting for nothing."""
        for socket in tuple(self.sockets):
            socket.abandon()


def running_vu(what: str) -> VU:
    """The VU of the running greenlet, or ``ContextError`` that names ``what`` was called."""
    vu = current_vu.get(None) or _inherited_vu()
    if vu is not None:
        return vu
    if loading.get() is not None:
        raise ContextError(
            f"{what} was called while the script loads (the init context), where no virtual user runs",
            hint="move the call into default(), a scenario function, setup() or teardown()",
        )
    raise ContextError(
        f"{what} needs a running virtual user, and there is none here",
        hint="run the script with: swell run SCRIPT.py",
    )


def _inherited_vu() -> VU | None:
    """The VU of the greenlet that spawned this one.

    gevent starts greenlets with an empty context (CPython's threads do so too), so a pool that a script
    makes would lose its VU. The first call in such a greenlet finds it and sets it for all that follow.
    """
    gevent = sys.modules.get("gevent")
    if gevent is None:
        return None
    greenlet = gevent.getcurrent()
    while (spawner := getattr(greenlet, "spawning_greenlet", None)) is not None:
        greenlet = spawner()
        context = getattr(greenlet, "gr_context", None)
        vu: VU | None = context.get(current_vu) if context is not None else None
        if vu is not None:
            current_vu.set(vu)
            return vu
    return None


def init_context(what: str) -> Declarations | None:
    """The declarations of the loading script; None where the script was imported without swell.

    Raises ``ContextError`` inside a VU: ``what`` belongs at the top level of the script.
    """
    if current_vu.get(None) is not None:
        raise ContextError(
            f"{what} was called by a running virtual user, but belongs in the init context",
            hint="move it to the top level of the script, outside all functions",
        )
    return loading.get()


def tag_text(name: str, value: object) -> str:
    """A tag's value as text, as k6 writes it.

    Raises ``TypeError`` for anything but a string, a number or a boolean (k6's rule).
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise TypeError(
        f"tag {name!r} has a value of type {type(value).__name__}; tags are strings, numbers or booleans"
    )
