"""A row of the option table: what an option is, and what its name and type give unless said otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypedDict, Unpack

import msgspec

from swell.config.layers import LayerKind
from swell.config.options import Options
from swell.config.values import BOOL, ValueType

EVERYWHERE: Final[frozenset[LayerKind]] = frozenset({"file", "script", "env", "cli"})
# k6's runtime options: how a run is shown and judged is not the script's business.
TYPED: Final[frozenset[LayerKind]] = frozenset({"env", "cli"})
NOT_SCRIPT: Final[frozenset[LayerKind]] = frozenset({"file", "env", "cli"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option.

    ``name`` is its snake-case key and the name of its flag's parameter, ``key`` k6's spelling. ``field`` is
    the field of ``Options`` that it fills, empty where it fills scenarios or several fields. ``env`` is the
    name of its variable without the prefix. ``implied`` is the flag's value when it is given without one.
    """

    name: str
    key: str
    type: ValueType
    help: str
    group: str
    field: str = ""
    flags: tuple[str, ...] = ()
    metavar: str = ""
    env: str = ""
    sources: frozenset[LayerKind] = EVERYWHERE
    repeat: bool = False
    implied: str = ""
    own: bool = False

    @property
    def is_k6s(self) -> bool:
        """Whether scripts of k6 set it and are shown it."""
        return not self.own and "script" in self.sources

    @property
    def is_switch(self) -> bool:
        """Whether its flag stands alone."""
        return self.type is BOOL

    @property
    def default(self) -> object:
        """The value without any layer; None for what fills scenarios."""
        return _DEFAULTS.get(self.field)


_DEFAULTS: Final[Mapping[str, object]] = MappingProxyType(msgspec.structs.asdict(Options()))


class Details(TypedDict, total=False):
    """What a row may say beside its name, type, help and flags."""

    key: str
    field: str
    env: str
    metavar: str
    sources: frozenset[LayerKind]
    repeat: bool
    implied: str
    own: bool


def make_row(name: str, type_: ValueType, help_: str, *flags: str, **details: Unpack[Details]) -> Option:
    """Make a row, deriving from the name and type what ``details`` leaves out."""
    first, *rest = name.split("_")
    sources = details.pop("sources", EVERYWHERE)
    derived: Details = {
        "key": first + "".join(part.capitalize() for part in rest),
        "field": name,
        "env": name.upper(),
        "sources": sources if flags else sources - {"cli"},
    }
    if type_ is not BOOL:
        derived["metavar"] = "|".join(filter(None, type_.choices)) or _METAVARS.get(type_.name, "TEXT")
    given: dict[str, Any] = {**derived, **details}
    if not given["env"]:
        given["sources"] -= {"env"}
    return Option(name=name, type=type_, help=help_, group="", flags=flags, **given)


_METAVARS: Final = {
    "whole number": "N",
    "duration": "DURATION",
    "byte size": "SIZE",
    "list": "LIST",
    "map": "NAME=VALUE",
    "PEM file": "FILE",
}
