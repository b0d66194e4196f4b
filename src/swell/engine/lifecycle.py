r"""The phases of a run and the table of what follows what: data only, applied by ``Conductor``.

    loading -> initializing -> setup -> running -> invariants -> teardown -> summary -> leaving -> over
                                  \         \-> stopping -/
                                   \-> stopping

``DONE`` means that all workers that the phase waits for have answered; ``STOP`` that the run shall end early
(a signal, an abort, a crossed threshold, a lost worker); ``FAILED`` that the script raised; ``LATE`` that the
phase's deadline has passed, and who has not answered was killed; ``KILL`` that everything ends at once.
Setup that fails is followed by the summary, without teardown, as in k6.
"""

from dataclasses import dataclass
from enum import StrEnum

from swell.base.errors import ExitCode, ScriptError, SwellError


class Phase(StrEnum):
    """Where a run stands; the value is what the live view shows."""

    LOADING = "loading"
    INITIALIZING = "initializing"
    SETUP = "setup"
    RUNNING = "running"
    STOPPING = "stopping"
    INVARIANTS = "invariants"
    TEARDOWN = "teardown"
    SUMMARY = "summary"
    LEAVING = "leaving"
    OVER = "over"


class Event(StrEnum):
    """What moves a run from one phase to the next."""

    DONE = "done"
    STOP = "stop"
    FAILED = "failed"
    LATE = "late"
    KILL = "kill"


TRANSITIONS: dict[tuple[Phase, Event], Phase] = {
    (Phase.LOADING, Event.DONE): Phase.INITIALIZING,
    (Phase.LOADING, Event.STOP): Phase.LEAVING,
    (Phase.LOADING, Event.FAILED): Phase.LEAVING,
    (Phase.LOADING, Event.LATE): Phase.LEAVING,
    (Phase.INITIALIZING, Event.DONE): Phase.SETUP,
    (Phase.INITIALIZING, Event.STOP): Phase.LEAVING,
    (Phase.INITIALIZING, Event.FAILED): Phase.LEAVING,
    (Phase.INITIALIZING, Event.LATE): Phase.LEAVING,
    (Phase.SETUP, Event.DONE): Phase.RUNNING,
    (Phase.SETUP, Event.STOP): Phase.STOPPING,
    (Phase.SETUP, Event.FAILED): Phase.SUMMARY,
    (Phase.SETUP, Event.LATE): Phase.SUMMARY,
    (Phase.RUNNING, Event.DONE): Phase.INVARIANTS,
    (Phase.RUNNING, Event.STOP): Phase.STOPPING,
    (Phase.STOPPING, Event.DONE): Phase.INVARIANTS,
    (Phase.STOPPING, Event.LATE): Phase.INVARIANTS,
    (Phase.INVARIANTS, Event.DONE): Phase.TEARDOWN,
    (Phase.INVARIANTS, Event.STOP): Phase.TEARDOWN,
    (Phase.INVARIANTS, Event.FAILED): Phase.TEARDOWN,
    (Phase.INVARIANTS, Event.LATE): Phase.TEARDOWN,
    (Phase.TEARDOWN, Event.DONE): Phase.SUMMARY,
    (Phase.TEARDOWN, Event.FAILED): Phase.SUMMARY,
    (Phase.TEARDOWN, Event.LATE): Phase.SUMMARY,
    (Phase.SUMMARY, Event.DONE): Phase.LEAVING,
    (Phase.SUMMARY, Event.FAILED): Phase.LEAVING,
    (Phase.SUMMARY, Event.LATE): Phase.LEAVING,
    (Phase.LEAVING, Event.DONE): Phase.OVER,
    (Phase.LEAVING, Event.LATE): Phase.OVER,
    **{(phase, Event.KILL): Phase.OVER for phase in Phase if phase is not Phase.OVER},
}

# The phases before anything was measured: a fault there is an error, not the result of a run.
BEFORE_RUN = frozenset({Phase.LOADING, Phase.INITIALIZING})


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run ended early or failed; the first one decides the exit code.

    ``slug`` is the anchor in docs/messages.md; ``stack`` is the script's own, where it raised.
    """

    code: ExitCode
    message: str
    slug: str
    hint: str = ""
    stack: str = ""

    def as_error(self) -> SwellError:
        """The error to raise where there is no run whose result could carry the cause."""
        if self.code is ExitCode.SCRIPT_EXCEPTION or self.stack:
            return ScriptError(self.message, stack=self.stack, hint=self.hint, exit_code=self.code)
        return SwellError(self.message, hint=self.hint, exit_code=self.code, slug=self.slug)
