"""Archives in k6's format: the script, every file that it reads, and its options in one tar.

``metadata.json`` holds options and variables, ``data`` the main script, and the trees ``file/`` and
``https/`` every module and opened file under its own path; there the main script is a link to ``data``.
"""

import io
import json
import posixpath
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from swell.base.errors import ExitCode, SwellError
from swell.scripts.k6.files import file_name, path_of

# More than this unpacked is no archive of a script.
MAX_BYTES: Final = 2 << 30
# The version whose archives these are.
K6_VERSION: Final = "2.2.0"


@dataclass(frozen=True, slots=True)
class Archive:
    """The main module's name, all files by module name, and what the archive says of the run."""

    main: str
    contents: dict[str, bytes]
    options: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)


class _Metadata(msgspec.Struct):
    """What is read of ``metadata.json``."""

    filename: str
    options: dict[str, Any] | None = None
    env: dict[str, Any] | None = None


def read_archive(path: Path) -> Archive:
    """Read the archive at ``path``. Raises ``SwellError`` where it is none."""
    try:
        with tarfile.open(path) as tar:
            files = _files(tar)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise _unreadable(path, str(error)) from None
    try:
        metadata = msgspec.json.decode(files["metadata.json"], type=_Metadata)
        main, data = _module(metadata.filename), files["data"]
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
    env = {key: str(value) for key, value in (metadata.env or {}).items()}
    return Archive(main, contents, metadata.options or {}, env)


def _files(tar: tarfile.TarFile) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    size = 0
    for member in tar:
        if member.isfile():
            size += member.size
            if size > MAX_BYTES:
                raise tarfile.TarError(f"its files have more than {MAX_BYTES >> 30} GB")
            files[posixpath.normpath(member.name)] = (tar.extractfile(member) or io.BytesIO()).read()
    return files


def _module(filename: str) -> str:
    """The module name of the archived script: newer archives have a URL, older ones a path."""
    return filename if "://" in filename else file_name(filename)


def _unreadable(path: Path, reason: str) -> SwellError:
    return SwellError(
        f"{path.name} is no archive of a k6 script: {reason}",
        hint="archives are made with: swell archive SCRIPT, or k6 archive SCRIPT",
        exit_code=ExitCode.OTHER,
        slug="archive",
    )


def is_archive(path: Path) -> bool:
    """Whether the file at ``path`` is a tar file, whatever its name."""
    try:
        return tarfile.is_tarfile(path)
    except OSError:
        return False


def write_archive(stream: BinaryIO, archive: Archive) -> None:
    """Write ``archive`` as a tar file. Raises ``OSError``."""
    main = archive.main
    metadata = {
        "type": "js",
        "options": archive.options,
        "filename": main,
        "pwd": main.rpartition("/")[0],
        "env": archive.env,
        "compatibilityMode": "extended",
        "k6version": K6_VERSION,
        "goos": "linux",
    }
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, "metadata.json", json.dumps(metadata, indent=2, ensure_ascii=False).encode())
        _add(tar, "data", archive.contents[main])
        link = tarfile.TarInfo(_member(main))
        link.type, link.linkname = tarfile.LNKTYPE, "data"
        tar.addfile(link)
        for name in sorted(archive.contents.keys() - {main}):
            _add(tar, _member(name), archive.contents[name])


def _member(name: str) -> str:
    scheme, _, rest = name.partition("://")
    return f"https/{rest}" if scheme == "https" else f"file{path_of(name)}"


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mtime = int(time.time())
    tar.addfile(member, io.BytesIO(content))
