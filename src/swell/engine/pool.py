"""The VUs of one worker, shared by all its scenarios."""

from collections import deque

from swell.engine.script import Script, ScriptRuntime
from swell.engine.vu import VU


class VUPool:
    """Makes VUs and lends them to scenarios; a VU keeps its state from one scenario to the next.

    Worker k of n makes the ids k + 1, k + 1 + n, ...: unique over all workers, and 1, 2, 3 ... with one.
    """

    def __init__(self, runtime: ScriptRuntime, script: Script) -> None:
        self._runtime = runtime
        self._script = script
        self._idle: deque[VU] = deque()
        self._next_id = runtime.worker_index + 1
        self.initialized = 0

    def __repr__(self) -> str:
        return f"<VUPool initialized={self.initialized} idle={len(self._idle)}>"

    @property
    def idle(self) -> int:
        """How many VUs wait for a scenario."""
        return len(self._idle)

    def initialize(self, vus: int) -> None:
        """Make VUs until there are ``vus``. Raises what the script's VU code raises."""
        while self.initialized < vus:
            self._idle.append(self._new())

    def acquire(self) -> VU:
        """An idle VU, the one that has waited longest; made now when there is none."""
        return self._idle.popleft() if self._idle else self._new()

    def release(self, vu: VU) -> None:
        """Give ``vu`` back."""
        self._idle.append(vu)

    def _new(self) -> VU:
        vu = VU(self._next_id, self._runtime)
        self._next_id += self._runtime.worker_count
        self._script.new_vu(vu)
        self.initialized += 1
        return vu
