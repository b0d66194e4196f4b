"""The Python half of the globals: console, open, require, the environment."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from swell.base.clock import NS_PER_MS, monotonic_ns
from swell.scripts.k6.values import HostError, HostFunction, Primitive, Text

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

_INIT_ONLY: Final = (
    'the "{}" function is only available in the init stage (i.e. the global scope), '
    "see https://grafana.com/docs/k6/latest/using-k6/test-lifecycle/ for more information"
)


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``lib/globals.js`` needs."""
    files = vu.shared.files

    def open_file(path: str, mode: str, running: str, caller: str) -> Primitive:
        if vu.phase != "init":
            raise HostError(_INIT_ONLY.format("open"))
        name, content = files.open((running, caller), path)
        allowed = vu.shared.kept.setdefault("open", set())
        if vu.shared.is_loaded and name not in allowed:
            raise HostError(f'open() of "{path}" that was not opened when the script was first loaded')
        allowed.add(name)
        if "b" in mode:
            return content
        return Text(content.removeprefix(b"\xef\xbb\xbf"))

    def require(specifier: str, caller: str) -> str:
        if vu.phase != "init":
            raise HostError(_INIT_ONLY.format("require"))
        if not specifier:
            raise HostError("require() can't be used with an empty specifier")
        return vu.shared.modules.resolve(caller or files.main, specifier)

    def function_text(name: str, line: int, column: int, is_class: bool) -> str:
        from swell.scripts.k6.typescript.functions import Functions  # noqa: PLC0415  # a parser, for few

        known = vu.shared.kept.setdefault("functions", {})
        if name not in known:
            known[name] = Functions(files.source(name))
        text: str = known[name].at(line, column, is_class=is_class)
        return text

    return {
        "functionText": function_text,
        "zone": lambda ms: time.localtime(ms // 1000).tm_zone,
        "log": lambda level, message: vu.log(level, message, source="console"),
        "number": lambda: vu.number,
        "environment": lambda: msgspec.json.encode(vu.shared.env).decode(),
        "open": open_file,
        "require": require,
        "now": lambda: monotonic_ns() / NS_PER_MS,
    }
