"""What one translation gathers while it walks the tree: edits, scopes, references, what waits."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tree_sitter import Node

from swell.scripts.k6.typescript.edits import Edits
from swell.scripts.k6.typescript.errors import TypeScriptError, error_at
from swell.scripts.k6.typescript.parsing import skip_blanks
from swell.scripts.k6.typescript.scopes import Members, Reference, Scope

_LINE_OPENS_BRACKET = re.compile(rb"(?:[\r\n]|\xe2\x80[\xa8\xa9]|\*/)\s*[\[<]")
# Statements that a line end may close, and after which the next line must not go on with the expression.
_CLOSED_BY_LINE_END = {
    "expression_statement",
    "lexical_declaration",
    "variable_declaration",
    "return_statement",
    "throw_statement",
    "public_field_definition",
    "export_statement",
    "do_statement",
}


def child(node: Node, field: str) -> Node:
    """The child that the grammar always gives to a node of this type."""
    found = node.child_by_field_name(field)
    if found is None:
        raise AssertionError(f"{node.type} without {field}")
    return found


class Part(NamedTuple):
    """One name of an enum or namespace: where it is declared, and the scope inside."""

    members: Members
    outside: Scope
    inside: Scope
    exported: bool


@dataclass(slots=True)
class Block:
    """One enum or one body of a namespace, to be written as a function over its object."""

    start: int
    """Where the declaration begins: at ``export``, where that stands before it."""
    parts: tuple[Part, ...]
    """One for each part of its (dotted) name, the outermost first."""
    body: Node


class Translation:
    """One file on its way; handlers walk with ``descend`` and change it through ``edits``."""

    def __init__(self, data: bytes, filename: str) -> None:
        self.data = data
        self.filename = filename
        self.edits = Edits(data)
        self.module = Scope(None, is_function=True)
        self.scopes = [self.module]
        self.references: list[Reference] = []
        self.import_statements: list[Node] = []
        self.alias_statements: list[tuple[Node, Scope]] = []
        self.export_clauses: list[Node] = []
        self.type_names: set[str] = set()
        self.default_names: list[tuple[Node, str]] = []
        self.blocks: list[Block] = []
        self.assigned: list[tuple[int, str, Scope]] = []
        self.pending: list[tuple[Node, Scope]] = []

    # What handlers ask.

    def text(self, node: Node) -> str:
        """The source of ``node``."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass")

    def breaks(self, start: int, end: int) -> bool:
        """Whether a line ends between two places."""
        part = self.data[start:end]
        return b"\n" in part or b"\r" in part or b"\xe2\x80\xa8" in part or b"\xe2\x80\xa9" in part

    def refuse(self, place: Node | int, reason: str, *, hint: str = "") -> TypeScriptError:
        """The error for ``place``, to be raised."""
        offset = place if isinstance(place, int) else place.start_byte
        return error_at(self.data, offset, self.filename, reason, hint=hint)

    def goes_on_wrongly(self, node: Node) -> bool:
        """Whether a line end closes the statement that ends with ``node``, and would not without its end.

        ``a = b as T`` before a line that begins with a parenthesis, bracket or template would become a call.
        """
        following = skip_blanks(self.data, node.end_byte)
        opens = self.data[following : following + 1] in {b"(", b"[", b"`"}
        if not opens or not self.breaks(node.end_byte, following):
            return False
        around: Node | None = node
        while around is not None and around.end_byte == node.end_byte:
            if around.type in _CLOSED_BY_LINE_END:
                return True
            around = around.parent
        # What the grammar takes for a call: a cast is no callee.
        return (
            around is not None
            and around.type == "call_expression"
            and node.type != "instantiation_expression"
        )

    # What handlers do.

    def walk(self, root: Node, handlers: "Mapping[str, Handler]") -> None:
        """Walk the tree under ``root`` without recursion: a chain of a thousand ``+`` is no trouble."""
        pending = self.pending
        pending.append((root, self.module))
        while pending:
            node, scope = pending.pop()
            handler = handlers.get(node.type)
            if handler is not None:
                handler(self, node, scope)
            elif node.named_child_count:
                self.descend(node, scope)

    def descend(self, node: Node, scope: Scope) -> None:
        """Walk the children of ``node``, in order, before what was still to be walked."""
        self.follow(node.named_children, scope)

    def follow(self, nodes: Iterable[Node], scope: Scope) -> None:
        """Walk ``nodes``."""
        self.pending.extend([(node, scope) for node in nodes][::-1])

    def inner(self, scope: Scope, *, is_function: bool = False) -> Scope:
        """A new scope inside ``scope``."""
        made = Scope(scope, is_function)
        self.scopes.append(made)
        return made

    def erase(self, node: Node, _scope: Scope | None = None) -> None:
        """Take ``node`` away."""
        self.check_line_ends(node)
        self.edits.blank(node.start_byte, node.end_byte)

    def check_line_ends(self, node: Node) -> None:
        """The grammar lets ``T[]`` and ``T<U>`` go on over a line end, where TypeScript ends the type."""
        text = self.data[node.start_byte : node.end_byte]
        pending = [node] if _LINE_OPENS_BRACKET.search(text) else []
        while pending:
            inner = pending.pop()
            if inner.type in {"lookup_type", "array_type", "generic_type"}:
                bracket = inner.children[1]
                if self.breaks(inner.children[0].end_byte, bracket.start_byte):
                    raise self.refuse(
                        bracket, "a type must not go on here", hint="end the line before with ';'"
                    )
            pending += inner.named_children

    def remove_statement(self, node: Node, _scope: Scope | None = None) -> None:
        """Take a statement or class member away; the semicolon keeps its neighbours apart."""
        self.edits.blank(node.start_byte, node.end_byte, first=";")

    def refer(self, node: Node, scope: Scope, shape: str = "plain", arguments: Node | None = None) -> None:
        """Note that ``node`` is an identifier in an expression."""
        place = (node.start_byte, node.end_byte)
        self.references.append(Reference(*place, self.text(node), scope, shape, arguments))

    def bind(self, pattern: Node | None, scope: Scope, walk: Scope, on_name: "OnName | None" = None) -> None:
        """Declare every name of a binding pattern in ``scope``; keys and defaults are walked in ``walk``.

        With ``on_name`` the names are not declared but handed to it, with their node.
        """
        nodes = [pattern] if pattern is not None else []
        while nodes:
            node = nodes.pop()
            match node.type:
                case "identifier" | "shorthand_property_identifier_pattern":
                    if on_name is not None:
                        on_name(node)
                    else:
                        scope.declare(self.text(node))
                case "pair_pattern":
                    key, value = node.child_by_field_name("key"), node.child_by_field_name("value")
                    if key is not None and key.type == "computed_property_name":
                        self.descend(key, walk)
                    nodes += [value] if value is not None else []
                case "object_assignment_pattern" | "assignment_pattern":
                    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
                    nodes += [left] if left is not None else []
                    self.follow([right] if right is not None else [], walk)
                case "object_pattern" | "array_pattern" | "rest_pattern":
                    nodes += node.named_children
                case "comment":
                    pass
                case "non_null_expression" | "as_expression":
                    raise self.refuse(node, "a type has no place in what is declared")
                case _:
                    self.follow([node], walk)


OnName = Callable[[Node], None]
Handler = Callable[[Translation, Node, Scope], None]
