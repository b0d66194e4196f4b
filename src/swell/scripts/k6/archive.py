"""Archives as ``k6 archive`` makes them: the script, every file that it reads, and its options in one tar."""

import io
import posixpath
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from swell.base.errors import ExitCode, SwellError
from swell.scripts.k6.files import file_name

# More than this unpacked is no archive of a script.
MAX_BYTES: Final = 2 << 30


@dataclass(frozen=True, slots=True)
class Archive:
    """The main module's name, all files by module name, and what the archive says of the run."""

    main: str
    contents: dict[str, bytes]
    options: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)


def read_archive(path: Path) -> Archive:
    """Read the archive at ``path``. Raises ``SwellError`` where it is none."""
    try:
        with tarfile.open(path) as tar:
            files = {posixpath.normpath(member.name): _read(tar, member) for member in tar if member.isfile()}
    except (tarfile.TarError, OSError, EOFError) as error:
        raise _unreadable(path, str(error)) from None
    try:
        metadata = msgspec.json.decode(files["metadata.json"], type=dict[str, Any])
        main, data = _module(str(metadata["filename"])), files["data"]
    except (KeyError, msgspec.MsgspecError):
        raise _unreadable(path, "it has no metadata.json that names the script, or no data") from None
    contents = {}
    for name, content in files.items():
        scheme, _, rest = name.partition("/")
        if scheme == "file":
            contents[file_name(f"/{rest}")] = content
        elif scheme == "https":
            contents[f"https://{rest}"] = content
    contents[main] = data
    options = metadata.get("options") or {}
    env = {str(key): str(value) for key, value in (metadata.get("env") or {}).items()}
    return Archive(main, contents, options, env)


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > MAX_BYTES:
        raise tarfile.TarError(f"{member.name} has {member.size} bytes")
    opened = tar.extractfile(member)
    return (opened or io.BytesIO()).read()


def _module(filename: str) -> str:
    """The module name of the archived script: newer archives have a URL, older ones a path."""
    return filename if "://" in filename else file_name(filename)


def _unreadable(path: Path, reason: str) -> SwellError:
    return SwellError(
        f"{path.name} is no archive of a k6 script: {reason}",
        hint="archives are made with: k6 archive SCRIPT",
        exit_code=ExitCode.OTHER,
        slug="archive",
    )
