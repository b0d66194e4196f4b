"""The Python half of ``k6/experimental/fs``: files that all VUs of a worker read from one copy."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from swell.scripts.k6.files import path_of
from swell.scripts.k6.values import HostError, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

_KEPT: Final = "fs files"


class OpenedFile(msgspec.Struct, frozen=True):
    """A file's path and content."""

    path: str
    content: bytes


def opened_files(vu: "VUHost") -> list[OpenedFile]:
    """The files that scripts opened in this worker, by their number."""
    files: list[OpenedFile] = vu.shared.kept.setdefault(_KEPT, [])
    return files


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``lib/fsfile.js`` needs."""
    opened = opened_files(vu)

    def open_file(path: str) -> int:
        if vu.phase != "init":
            raise HostError(
                "open() failed; reason: opening a file is allowed only in the Init context", "ForbiddenError"
            )
        if not path:
            raise HostError("open() failed; reason: path cannot be empty", "TypeError")
        files = vu.shared.files
        try:
            name, content = files.open((), path)
        except HostError as error:
            if Path(path).is_dir():
                message = f'cannot open "{path}": opening a directory is not supported'
                raise HostError(message, "InvalidResourceError") from None
            raise HostError(error.message, "NotFoundError") from None
        found = path_of(name)
        for number, known in enumerate(opened):
            if known.path == found:
                return number
        opened.append(OpenedFile(found, content))
        return len(opened) - 1

    return {
        "open": open_file,
        "path": lambda number: opened[number].path,
        "name": lambda number: Path(opened[number].path).name,
        "size": lambda number: len(opened[number].content),
        "read": lambda number, offset, size: opened[number].content[int(offset) : int(offset) + int(size)],
    }
