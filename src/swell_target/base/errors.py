"""The two kinds of error: what a client is told, and what the operator is told."""

import os
import traceback


class OperatorError(Exception):
    """Why the platform cannot start or seed, in one line with the remedy; never a stack trace."""


class Problem(Exception):  # noqa: N818 - it is an answer, not a failure of the program
    """An answer other than the wanted one, raised anywhere in a request; a transaction rolls back.

    ``fields`` stand beside ``error`` in the JSON body; ``headers`` are added to the answer.
    """

    def __init__(
        self, status: int, error: str, *, headers: tuple[tuple[str, str], ...] = (), **fields: object
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.headers = headers
        self.fields = fields


def first_line(error: BaseException) -> str:
    """What an error says, in one line and without the statement that met it."""
    origin = getattr(error, "orig", None) or error
    return (str(origin).strip().splitlines() or [type(origin).__name__])[0]


def where(error: BaseException) -> str:
    """The error with the line that raised it: one line, not a stack."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119
    return f"{type(error).__name__}: {first_line(error)}{place}"
