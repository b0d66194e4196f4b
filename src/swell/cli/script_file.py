"""The script that a command was given: where it is, and which front end it is for."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from swell.base.errors import SwellError
from swell.cli.system import System

K6_SUFFIXES: Final = frozenset({".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tar"})
# A tar file, and so an archive, whatever its name (POSIX.1-1988).
_TAR_MAGIC_AT: Final = 257
_TAR_MAGIC: Final = b"ustar"
# A locustfile is known by its import at the start of a line.
_LOCUST_IMPORT: Final = re.compile(rb"^(from|import)\s+locust\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script; ``shown`` is its name as the user wrote it."""

    path: Path
    shown: str
    language: str
    # The script's text, where it came over standard input.
    content: bytes | None = None


def find_script(shown: str, system: System) -> ScriptFile:
    """Find the script and its language by suffix and content.

    Raises:
        SwellError: there is no such file, it cannot be read, or its front end does not exist.
    """
    if shown == "-":
        return ScriptFile(system.cwd / "-", shown, "k6", system.stdin.read().encode())
    path = system.path(shown)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        near = get_close_matches(path.name, _siblings(path), n=1)
        hint = f"did you mean {Path(shown).with_name(near[0])}?" if near else "check the path"
        raise SwellError(f"there is no script {shown}", hint=hint, slug="script-not-found") from None
    except IsADirectoryError:
        raise SwellError(f"{shown} is a directory, not a script", slug="script-not-found") from None
    except OSError as error:
        raise SwellError(f"{shown} cannot be read: {error.strerror}", slug="script-not-found") from None
    if path.suffix in K6_SUFFIXES or content[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
        return ScriptFile(path, shown, "k6")
    if path.suffix != ".py":
        hint = "a native script is a Python file (.py), a k6 script a .js or .ts file"
        raise _no_front_end(shown, f"a file of the kind {path.suffix or 'without a suffix'}", hint)
    if _LOCUST_IMPORT.search(content):
        hint = "write it as a native script: 'swell new' makes a first one"
        raise _no_front_end(shown, "a locustfile", hint)
    return ScriptFile(path, shown, "native")


def _siblings(path: Path) -> list[str]:
    try:
        return [
            entry.name
            for entry in path.parent.iterdir()
            if entry.suffix == ".py" or entry.suffix in K6_SUFFIXES
        ]
    except OSError:
        return []


def _no_front_end(shown: str, kind: str, hint: str) -> SwellError:
    message = f"{shown} is {kind}, and this version of swell cannot run it"
    return SwellError(message, hint=hint, slug="no-front-end")
