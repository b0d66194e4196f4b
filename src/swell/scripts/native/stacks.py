"""A script's own traceback: without the frames of swell, gevent and Python's importer."""

import traceback
from pathlib import Path

from swell.base.errors import SwellError
from swell.scripts.native.state import PACKAGE_FOLDER

_LIBRARY_PARTS = ("/gevent/", "<frozen importlib")


def script_stack(error: BaseException) -> str:
    """The traceback of ``error`` and its causes, with the frames of the script and its libraries only."""
    found = traceback.TracebackException.from_exception(error)
    folder = Path.cwd()
    _strip(found, folder)
    return "".join(found.format()).rstrip("\n")


def summary_line(error: BaseException) -> str:
    """The last line of the traceback, type and message; of our own errors the message alone."""
    if isinstance(error, SwellError):
        return error.message
    return "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]


def _strip(found: traceback.TracebackException, folder: Path) -> None:
    pending: list[traceback.TracebackException | None] = [found]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        frames = [frame for frame in current.stack if not _is_ours(frame.filename)]
        for frame in frames:
            path = Path(frame.filename)
            if path.is_relative_to(folder):
                frame.filename = str(path.relative_to(folder))
        current.stack[:] = frames
        pending += [current.__cause__, current.__context__, *(current.exceptions or ())]


def _is_ours(filename: str) -> bool:
    return filename.startswith(PACKAGE_FOLDER) or any(part in filename for part in _LIBRARY_PARTS)
