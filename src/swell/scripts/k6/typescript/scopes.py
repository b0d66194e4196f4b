"""Names and where they are visible: what an identifier in a script refers to."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tree_sitter import Node


@dataclass(slots=True, eq=False)
class Members:
    """What an enum or namespace of one name exports, over all the blocks that declare it."""

    name: str
    names: set[str] = field(default_factory=set)
    """Names that are visible without their owner's name in every block, and are read from the object."""
    nested: "dict[str, Members]" = field(default_factory=dict)
    exported: bool = False


@dataclass(slots=True, eq=False)
class Scope:
    """One block, function, class or file."""

    parent: "Scope | None"
    is_function: bool = False
    names: dict[str, str] = field(default_factory=dict)
    """Declared names with their kind: ``value``, ``import``, ``class``, ``function``, or ``object``."""
    members: dict[str, Members] = field(default_factory=dict)
    """The enums and namespaces declared here."""
    own: Members | None = None
    """Set in the body of an enum or namespace: whose it is."""
    qualified: set[str] = field(default_factory=set)
    """Names exported by this block that have no binding of their own: ``x`` is ``N.x``."""
    parameter: str = ""
    """The name that the object has in this body."""
    opened: set[str] = field(default_factory=set)
    """Enums and namespaces declared here whose object an earlier block has made."""

    def declare(self, name: str, kind: str = "value") -> None:
        """Bind ``name``; a value takes the place of an import of that name, as in TypeScript."""
        if name not in self.names or kind in {"class", "function"} or self.names[name] == "import":
            self.names[name] = kind

    def export(self, name: str) -> None:
        """Make ``name`` a member of the namespace whose body this is."""
        if self.own is not None:
            self.own.names.add(name)

    def function(self) -> "Scope":
        """The scope to which ``var`` belongs."""
        scope = self
        while not scope.is_function and scope.parent is not None:
            scope = scope.parent
        return scope

    def outward(self) -> Iterator["Scope"]:
        """The scope itself and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


class Reference(NamedTuple):
    """An identifier that is read or written: its place, where it stands, and how it is written."""

    start: int
    end: int
    name: str
    scope: Scope
    shape: str
    """``plain``, ``call`` (as the callee), or ``shorthand`` (``{x}``, the key is the name)."""
    arguments: Node | None = None
    """Of a call."""


class Found(NamedTuple):
    """What a reference means: the scope that binds it, and whether as a property of an object."""

    scope: Scope
    through_object: bool


def resolve(name: str, scope: Scope) -> Found | None:
    """The binding of ``name`` seen from ``scope``; None where the file declares none."""
    for around in scope.outward():
        if name in around.qualified:
            return Found(around, through_object=True)
        if name in around.names:
            return Found(around, through_object=False)
        if around.own is not None and name in around.own.names:
            return Found(around, through_object=True)
    return None
