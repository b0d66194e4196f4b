"""The Python half of the globals: console, open, require, the environment."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from swell.base.clock import NS_PER_MS, monotonic_ns
from swell.scripts.k6.values import HostError, HostFunction, Primitive, Text

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``lib/globals.js`` needs."""
    files = vu.shared.files

    def open_file(path: str, mode: str, caller: str) -> Primitive:
        if vu.phase != "init":
            raise HostError(
                "open() can only be called in the init context: read the file at the top level of the script"
            )
        name, content = files.open(caller, path)
        allowed = vu.shared.kept.setdefault("open", set())
        if vu.shared.is_loaded and name not in allowed:
            raise HostError(f'open() of "{path}" that was not opened when the script was first loaded')
        allowed.add(name)
        if "b" in mode:
            return content
        return Text(content.removeprefix(b"\xef\xbb\xbf"))

    def require(specifier: str, caller: str) -> str:
        if vu.phase != "init":
            raise HostError("require() can only be called in the init context")
        return vu.shared.modules.resolve(caller or files.main, specifier)

    return {
        "log": lambda level, message: vu.log(level, message, source="console"),
        "number": lambda: vu.number,
        "environment": lambda: msgspec.json.encode(vu.shared.env).decode(),
        "open": open_file,
        "require": require,
        "now": lambda: monotonic_ns() / NS_PER_MS,
    }
