"""What the conductor can do to workers, and what it knows of each."""

from dataclasses import dataclass, field
from typing import Protocol

from swell.engine import frames
from swell.engine.lifecycle import Phase


class Port(Protocol):
    """What a conductor can do to workers."""

    def send(self, worker: int, frame: frames.Down) -> None:
        """Send ``frame``; nothing happens where the worker is gone."""
        ...

    def spawn(self, worker: int) -> None:
        """Start one more worker. Raises ``OSError``."""
        ...

    def kill(self, worker: int) -> None:
        """End the process at once; ``Conductor.worker_ended`` follows."""
        ...


@dataclass(slots=True)
class WorkerView:
    """What is known of one worker."""

    is_alive: bool = True
    is_ready: bool = False
    is_finished: bool = False
    # It has not reported in the current round.
    owes_delta: bool = True
    heard_ns: int = 0
    hub_age_ns: int = 0
    stack: str = ""
    rss_bytes: int = 0
    scenarios_done: set[str] = field(default_factory=set)

    def owes_answer(self, phase: Phase, index: int) -> bool:
        """Whether ``phase`` waits for this worker, the one with number ``index``."""
        match phase:
            case Phase.INITIALIZING:
                return not self.is_ready
            case Phase.STOPPING:
                return not self.is_finished
            case Phase.LEAVING:
                return False
            case _:
                return index == 0
