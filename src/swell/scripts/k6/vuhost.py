"""What a builtin module's Python half sees of its virtual user."""

import os
from collections.abc import Callable
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

import gevent
import msgspec

from swell.base.clock import monotonic_ns
from swell.base.greenlets import give_way
from swell.scripts.k6.engine import Context
from swell.scripts.k6.loop import EventLoop
from swell.scripts.k6.modulecache import ModuleCache, VUModules
from swell.scripts.k6.runtime import Runtime
from swell.scripts.k6.values import HostError
from swell.scripts.k6.wording import Wording
from swell.scripts.native.state import WorkerState

if TYPE_CHECKING:
    from swell.engine.script import ScriptRuntime
    from swell.engine.vu import VU
    from swell.metrics.tags import TagSet
    from swell.net.client import HTTPClient
    from swell.net.shared import HTTPShared
    from swell.scripts.k6.files import ScriptFiles

# Where the running code stands: the init context, a lifecycle function, or an iteration.
Phase = Literal["init", "setup", "iteration", "teardown", "summary"]
Log = Callable[..., None]
ONLY_PLAIN = "only String, Boolean and Number types are accepted as a metric tag values"
# JavaScript that computes for longer lets other VUs run.
SLICE_NS = 5_000_000
# VUs whose contexts share a runtime: more would save little, and a look for cycles goes over all of them.
GROUP = 20
# Contexts that hold more have little to save by sharing.
MAX_SHARED_BYTES = 4 << 20
# What the JavaScript of one VU may hold, but no more than a quarter of the machine's memory.
MAX_MEMORY_BYTES = 1 << 30


@cache
def memory_limit() -> int:
    """Bytes that a VU's JavaScript may hold before it is told that memory is out."""
    return min(MAX_MEMORY_BYTES, machine_memory() // 4)


def machine_memory() -> int:
    """Bytes that the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class Shared:
    """What the VUs of one worker have in common."""

    def __init__(self, files: "ScriptFiles", log: Log, env: dict[str, str]) -> None:
        self.files = files
        self.modules = ModuleCache(files)
        self.wording = Wording(files.source)
        # log(level, message, **fields), as ScriptRuntime.log.
        self.log = log
        self.env = env
        # Whether the script was loaded once: what it opened and declared then is all that there is.
        self.is_loaded = False
        # The context that the script was loaded in first: kept, as its modules are compiled in it.
        self.first: VUHost | None = None
        # Set by ``Script.prepare``, before any VU is made; not there yet when the script is loaded first.
        self.runtime: ScriptRuntime | None = None
        self.worker: WorkerState | None = None
        self.http: HTTPShared | None = None
        # What modules keep for all VUs, by module name: parsed shared arrays, opened files.
        self.kept: dict[str, Any] = {}
        # The options as the script itself has them, under k6's keys.
        self.options: dict[str, Any] = {}
        # Whether handleSummary is exported and no function.
        self.has_wrong_summary = False
        # Custom metrics: name -> (type, contains), in order of declaration.
        self.metrics: dict[str, tuple[str, str]] = {}
        # Whether the script has marked the run as failed; what it says after that is only logged, as in k6.
        self.is_marked_failed = False
        # When JavaScript was last let run after a pause.
        self.resumed_ns = monotonic_ns()
        # Where the next VU's context is made.
        self._group: Runtime | None = None

    def js_runtime(self, *, is_alone: bool = False) -> Runtime:
        """Where the context of a new VU lives: beside others, unless it ``is_alone`` or scripts hold much."""
        limit = memory_limit()
        if is_alone or not self.is_loaded or self._is_large:
            return Runtime(self._poll, limit)
        limit = max(limit, min(limit * GROUP, machine_memory() // 4))
        group = self._group
        if (
            group is None
            or group.binding is None
            or group.contexts >= GROUP
            # Where the others have used up their memory, none is left for a new one.
            or group.memory_used > limit // 2
        ):
            group = self._group = Runtime(self._poll, limit, is_shared=True)
        return group

    @cached_property
    def _is_large(self) -> bool:
        return self.first is not None and self.first.context.runtime.memory_used > MAX_SHARED_BYTES

    def _poll(self) -> None:
        """Let others run where JavaScript computes for long."""
        now_ns = monotonic_ns()
        if now_ns - self.resumed_ns > SLICE_NS:
            give_way()
            self.resumed_ns = monotonic_ns()

    def prepare(self, runtime: "ScriptRuntime", http: "HTTPShared") -> None:
        """The plan is known: VUs can be made."""
        self.runtime = runtime
        self.worker = WorkerState(runtime)
        self.http = http
        self.log = runtime.log


class VUHost:
    """One virtual user's JavaScript: its context, its event loop, and where it stands.

    ``phase`` is "init" while the script's top level runs, and ``vu`` is None while the script is loaded for
    the first time (to read its options): there is no engine and no client then.
    """

    __slots__ = ("context", "is_broken", "loop", "number", "phase", "shared", "state", "vu")

    def __init__(self, shared: Shared, number: int = 0, *, is_alone: bool = False) -> None:
        self.shared = shared
        # __VU
        self.number = number
        self.phase: Phase = "init"
        self.vu: VU | None = None
        # What modules keep for this VU, by module name.
        self.state: dict[str, Any] = {}
        # Whether the context must not be used again.
        self.is_broken = False
        self.context = Context(VUModules(shared.modules, self), shared.js_runtime(is_alone=is_alone))
        self.context.attach({"begin": self._begin_module, "reword": shared.wording.reword})
        self.loop = EventLoop(self.context, monotonic_ns, self._timer_stopped)

    @property
    def runtime(self) -> "ScriptRuntime":
        """The run; raises ``HostError`` while the script is loaded for the first time."""
        if self.shared.runtime is None:
            raise HostError("not available in the init context")
        return self.shared.runtime

    @property
    def worker(self) -> WorkerState:
        """Caches of tags and series that the VUs of the worker share."""
        if self.shared.worker is None:
            raise HostError("not available in the init context")
        return self.shared.worker

    @property
    def engine_vu(self) -> "VU":
        """The engine's VU; raises ``HostError`` in the init context."""
        if self.vu is None or self.phase == "init":
            raise HostError("not available in the init context")
        return self.vu

    @property
    def client(self) -> "HTTPClient":
        """The VU's HTTP client; raises ``HostError`` in the init context."""
        client: HTTPClient = self.engine_vu.client
        return client

    def require_init(self, what: str) -> None:
        """Raise ``HostError`` unless the script's top level runs."""
        if self.phase != "init":
            raise HostError(f"{what} must be declared in the init context")

    def forbid_init(self, what: str) -> None:
        """Raise ``HostError`` while the script's top level runs."""
        if self.phase == "init":
            raise HostError(f"{what} in the init context is not supported")

    def log(self, level: str, message: str, **fields: str) -> None:
        """Write a log line: debug, info, warning or error."""
        self.shared.log(level, message, **fields)

    def with_tags(self, base: "TagSet", tags_json: str, doing: str = "") -> "TagSet":
        """``base`` with the tags of a JavaScript object, as JSON text.

        Raises ``HostError``, its message begun by ``doing``, for what is no tag.
        """
        return self.worker.extend(base, tag_values(tags_json, doing))

    def close(self) -> None:
        """Let go of all that the script holds; it cannot be called any more."""
        self.state.clear()
        self.context.close()

    def sleep_ns(self, duration_ns: float) -> None:
        """Pause the VU."""
        if self.shared.runtime is None:
            gevent.sleep(duration_ns / 1e9)
            return
        clock = self.shared.runtime.clock
        clock.sleep_until_ns(clock.now_ns() + int(duration_ns))
        self.shared.resumed_ns = monotonic_ns()

    def _timer_stopped(self, name: str) -> None:
        self.log("warning", f"{name} was stopped because the VU iteration was interrupted")

    def _begin_module(self, name: str) -> None:
        self.context.run(self.context.core["begin"], name)
        self.context.run_jobs()


def tag_values(tags_json: str, doing: str) -> dict[str, str | int | float | bool]:
    """The tags of a JavaScript object; null, undefined and objects are refused, as in k6."""
    given: dict[str, Any] = msgspec.json.decode(tags_json)
    for name, value in given.items():
        if not isinstance(value, str | int | float | bool):
            raise HostError(f"{doing}invalid value for metric tag '{name}': {ONLY_PLAIN}")
        if isinstance(value, float) and value.is_integer():
            given[name] = int(value)
    return given
