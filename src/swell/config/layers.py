"""Option layers as they were written, and the findings about them, each with its place."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

from swell.base.errors import ConfigError, ExitCode, Fault

LayerKind = Literal["default", "file", "script", "env", "cli"]

# Keys that can stand in a path without quotes.
_BARE_KEY: Final = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Layer:
    """The options that one source sets, as raw values under their own spelling.

    ``name`` is what messages call the source (``script.py``, ``config.json``). ``places`` says where keys
    stand: for a script ``{"vus": "script.py:12", "scenarios.search": "script.py:30"}``, for flags and
    variables their names (``{"vus": "--vus"}``). File names in values are relative to ``directory``.
    """

    kind: LayerKind
    name: str
    values: Mapping[str, object] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    directory: Path = field(default_factory=Path)
    # Warnings met while the layer was gathered.
    notes: tuple[str, ...] = ()
    # Whether an unknown option is a fault. Of k6's scripts and config files it is none, as in k6.
    strict: bool = False

    @property
    def is_k6s(self) -> bool:
        """Whether it is the options of a k6 script, which are taken and refused as k6 does it."""
        return self.kind == "script" and not self.strict

    @property
    def is_textual(self) -> bool:
        """Whether values are what somebody typed, not values of a language."""
        return self.kind in {"env", "cli"}

    def place(self, path: tuple[str | int, ...]) -> str:
        """Name the place of the value under ``path``, as precisely as ``places`` allows."""
        if not path:
            return self.name
        if self.is_textual:
            known = self.places.get(str(path[0]), str(path[0]))
            return known + path_text(path[1:], start=False)
        if self.kind == "script":
            return f"{self._line(path)} options.{path_text(path)}"
        return f"{self.name}: {path_text(path)}"

    def _line(self, path: tuple[str | int, ...]) -> str:
        for length in range(len(path), 0, -1):
            known = self.places.get(".".join(str(key) for key in path[:length]))
            if known is not None:
                return known
        return self.name


def path_text(path: Iterable[str | int], *, start: bool = True) -> str:
    """Write a path of keys and indices: ``stages[1].target``; ``start`` False continues another path."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif _BARE_KEY.fullmatch(key):
            text += key if start and not text else f".{key}"
        else:
            text += f"[{key!r}]"
    return text


@dataclass(frozen=True, slots=True)
class Where:
    """One value's address: its layer and the keys that lead to it."""

    layer: Layer
    path: tuple[str | int, ...] = ()

    def at(self, *keys: str | int) -> "Where":
        """Give the address of a value further inside."""
        return Where(self.layer, self.path + keys)

    def __str__(self) -> str:
        return self.layer.place(self.path)


class Findings:
    """The faults and warnings met while layers are read; reading goes on after each."""

    def __init__(self) -> None:
        self._faults: dict[Fault, ExitCode] = {}
        self._warnings: dict[str, None] = {}

    def fault(
        self,
        where: Where | str,
        message: str,
        hint: str = "",
        *,
        k6_exit_code: ExitCode = ExitCode.INVALID_CONFIG,
    ) -> None:
        """Note something that keeps the run from starting; k6 has another exit code for a few of a script."""
        is_k6s = isinstance(where, Where) and where.layer.is_k6s
        self._faults[Fault(str(where), message, hint)] = k6_exit_code if is_k6s else ExitCode.INVALID_CONFIG

    def warn(self, message: str) -> None:
        """Note something that does not."""
        self._warnings[message] = None

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All faults in the order in which they were met, each once."""
        return tuple(self._faults)

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings in the order in which they were met, each once."""
        return tuple(self._warnings)

    def raise_if_any(self) -> None:
        """Raise ``ConfigError`` with all faults, and all warnings: an ignored option may be the cause."""
        if self._faults:
            codes = set(self._faults.values())
            code = codes.pop() if len(codes) == 1 else ExitCode.INVALID_CONFIG
            raise ConfigError(self.faults, warnings=self.warnings, exit_code=code)


def note_unknown_key(key: object, known: Iterable[str], where: Where, findings: Findings) -> None:
    """A key that a value has and should not: k6 reads over it in a script."""
    hint = did_you_mean(str(key), known)
    if where.layer.is_k6s:
        findings.warn(f"{where}: the unknown key {key!r} is ignored" + (f"; {hint}" if hint else ""))
    else:
        findings.fault(where, f"has the unknown key {key!r}", hint)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the known word nearest to ``word``, or list what is known where none is near; may be empty."""
    names = sorted(set(known))
    lowered = {name.lower(): name for name in names}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f"did you mean {lowered[near[0]]!r}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= _LISTED else ""


# A longer list helps nobody.
_LISTED: Final = 20
