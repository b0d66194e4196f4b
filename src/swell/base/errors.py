"""Errors that carry their consequence: the exit code, a hint, and the place in the docs.

The target's failures are values (a response with an error code); what stands here is for faults of the
user (bad input) and of the run itself. Only ``swell.cli.main`` turns them into text.
"""

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """Every exit code of the command; 97 to 110 are k6's, ours start at 111."""

    OK = 0
    THRESHOLDS_FAILED = 99
    SETUP_TIMEOUT = 100
    TEARDOWN_TIMEOUT = 101
    GENERIC_TIMEOUT = 102
    INVALID_CONFIG = 104
    EXTERNAL_ABORT = 105
    SCRIPT_EXCEPTION = 107
    SCRIPT_ABORTED = 108
    INTERNAL_ERROR = 109
    MARKED_FAILED = 110
    UNTRUSTED = 111
    NO_DATA = 112
    INVARIANT_BROKEN = 113
    WORKER_LOST = 114
    WORKER_HUNG = 115
    MEMORY_LIMIT = 116
    OTHER = 255


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the user's input: where it stands, what is wrong, what to do."""

    place: str
    message: str
    hint: str = ""


class SwellError(Exception):
    """Base of every error raised on purpose; ``slug`` is the anchor in docs/messages.md."""

    exit_code: ExitCode = ExitCode.OTHER
    slug: str = ""

    def __init__(
        self, message: str, *, hint: str = "", exit_code: ExitCode | None = None, slug: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        # Whether the log has the message already, and the stack with it.
        self.is_logged = False
        if exit_code is not None:
            self.exit_code = exit_code
        if slug:
            self.slug = slug


class ConfigError(SwellError):
    """The input is wrong; carries every fault, not just the first, and what was warned of on the way."""

    exit_code = ExitCode.INVALID_CONFIG
    slug = "invalid-configuration"

    def __init__(
        self,
        faults: tuple[Fault, ...],
        *,
        warnings: tuple[str, ...] = (),
        exit_code: ExitCode | None = None,
    ) -> None:
        message = "; ".join(f"{fault.place}: {fault.message}" for fault in faults)
        super().__init__(message, exit_code=exit_code)
        self.faults = faults
        self.warnings = warnings


class ScriptError(SwellError):
    """The script raised; ``stack`` is the script's own traceback, without swell's frames."""

    exit_code = ExitCode.SCRIPT_EXCEPTION
    slug = "script-exception"

    def __init__(
        self, message: str, *, stack: str = "", hint: str = "", exit_code: ExitCode | None = None
    ) -> None:
        super().__init__(message, hint=hint, exit_code=exit_code)
        self.stack = stack
