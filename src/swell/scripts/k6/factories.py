"""Builtin modules as functions: their bytecode is there once for all VUs that share a runtime.

A module becomes a function of the VU's ``globalThis`` and of what it imports, which gives its exports. It is
compiled in a context that belongs to no VU; the names of globals mean the VU's own all the same, so that its
errors and what it tests with ``instanceof`` are the script's. Only literals are of the other context: what a
script is given must be made with ``Object()`` and ``Array()`` there, or pass through ``swell.own``, as
exports do.
"""

import re
from typing import Final, NamedTuple

# Modules that nearly every script loads; the others are not worth the difference.
SHARED: Final = frozenset(
    {
        "k6",
        "k6/http",
        "k6/metrics",
        "swell:lib/data",
        "swell:lib/forms",
        "swell:lib/globals",
        "swell:lib/response",
    }
)
GLOBALS: Final = (
    "Array",
    "ArrayBuffer",
    "Boolean",
    "Date",
    "Error",
    "Function",
    "JSON",
    "Map",
    "Math",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "Reflect",
    "Set",
    "String",
    "SyntaxError",
    "TypeError",
    "encodeURIComponent",
)
_IMPORT: Final = re.compile(r'^import (?:(\w+)|\{ ([^}]+) \}) from "([^"]+)";$', re.MULTILINE)
_DECLARED: Final = re.compile(r"^export (?:function|class) (\w+)", re.MULTILINE)
_CONSTANTS: Final = re.compile(r"^export const (.+)$", re.MULTILINE)
_CONSTANT: Final = re.compile(r"(?:^|, )(\w+) = ")
_LISTED: Final = re.compile(r"^export \{ ([^}]+) \};$", re.MULTILINE)
_DEFAULT: Final = re.compile(r"^export default ", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=const|function|class)", re.MULTILINE)
_UNKNOWN: Final = re.compile(r"^\s*(?:import|export)\b", re.MULTILINE)


class Factory(NamedTuple):
    """A module as a function: its source, what it is given besides ``globalThis``, and what it exports."""

    source: str
    imports: tuple[str, ...]
    exports: tuple[str, ...]


def factory(source: str) -> Factory | None:
    """A builtin module as a function; None where it is not written as those of ``SHARED`` are."""
    imports: list[str] = []
    exports = [*_DECLARED.findall(source)]

    def imported(found: re.Match[str]) -> str:
        imports.append(found[3])
        names = found[1] or f"{{ {found[2].replace(' as ', ': ')} }}"
        return f"const {names} = imported{len(imports) - 1};"

    for line in _CONSTANTS.findall(source):
        exports += _CONSTANT.findall(line)
    for line in _LISTED.findall(source):
        exports += line.split(", ")
    body = _LISTED.sub("", _IMPORT.sub(imported, source))
    members = list(exports)
    if _DEFAULT.search(body):
        body = _DEFAULT.sub("const defaultExport = ", body)
        members.append("default: defaultExport")
        exports.append("default")
    body = _EXPORT.sub("", body)
    if _UNKNOWN.search(body):
        return None
    used = [name for name in GLOBALS if re.search(rf"\b{name}\b", body)]
    arguments = ", ".join(["globalThis", *(f"imported{index}" for index in range(len(imports)))])
    text = f'({arguments}) => {{\n"use strict";\nconst {{ {", ".join(used)} }} = globalThis;\n{body}\n'
    return Factory(f"{text}return {{ {', '.join(members)} }};\n}}", tuple(imports), tuple(exports))
