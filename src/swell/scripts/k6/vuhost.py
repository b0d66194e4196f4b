"""What a builtin module's Python half sees of its virtual user."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from swell.base.clock import monotonic_ns
from swell.scripts.k6.engine import Context
from swell.scripts.k6.loop import EventLoop
from swell.scripts.k6.modulecache import ModuleCache, VUModules
from swell.scripts.k6.values import HostError

if TYPE_CHECKING:
    from swell.engine.script import ScriptRuntime
    from swell.engine.vu import VU
    from swell.net.client import HTTPClient

# Where the running code stands: the init context, a lifecycle function, or an iteration.
Phase = Literal["init", "setup", "iteration", "teardown", "summary"]
Log = Callable[..., None]


class Shared:
    """What the VUs of one worker have in common."""

    def __init__(self, modules: ModuleCache, log: Log, env: dict[str, str]) -> None:
        self.modules = modules
        # log(level, message, **fields), as ScriptRuntime.log.
        self.log = log
        self.env = env
        # Set by ``Script.prepare``, before any VU is made; not there yet when the script is loaded first.
        self.runtime: ScriptRuntime | None = None
        # What modules keep for all VUs, by module name: parsed shared arrays, opened files.
        self.kept: dict[str, Any] = {}


class VUHost:
    """One virtual user's JavaScript: its context, its event loop, and where it stands.

    ``phase`` is "init" while the script's top level runs, and ``vu`` is None while the script is loaded for
    the first time (to read its options): there is no engine and no client then.
    """

    __slots__ = ("context", "loop", "number", "phase", "shared", "state", "vu")

    def __init__(
        self, shared: Shared, poll: Callable[[], None], number: int = 0, memory_limit: int = 0
    ) -> None:
        self.shared = shared
        # __VU
        self.number = number
        self.phase: Phase = "init"
        self.vu: VU | None = None
        # What modules keep for this VU, by module name.
        self.state: dict[str, Any] = {}
        self.context = Context(VUModules(shared.modules, self), poll, memory_limit)
        self.loop = EventLoop(self.context, monotonic_ns)

    @property
    def runtime(self) -> "ScriptRuntime":
        """The run; raises ``HostError`` while the script is loaded for the first time."""
        if self.shared.runtime is None:
            raise HostError("not available in the init context")
        return self.shared.runtime

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
            raise HostError(f"{what} is only available in the init stage")

    def forbid_init(self, what: str) -> None:
        """Raise ``HostError`` while the script's top level runs."""
        if self.phase == "init":
            raise HostError(f"{what} can't be used in the init stage")

    def log(self, level: str, message: str, **fields: str) -> None:
        """Write a log line: debug, info, warning or error."""
        self.shared.log(level, message, **fields)
