"""Functions that an ES module declares twice at its top level: in k6 the last one stands, here none may be.

Copies that were pasted below each other are the usual case. The earlier ones stay as values that nobody uses.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import tree_sitter

# In the engine's words; it says so of other declarations, too.
MESSAGE: Final = "invalid redefinition of global identifier in module code"
_FUNCTIONS: Final = frozenset({"function_declaration", "generator_function_declaration"})


def without_repeats(text: str) -> str:
    """``text``, a module in JavaScript, with the last of its functions of one name alone; its lines stay."""
    from swell.scripts.k6.typescript.parsing import tree_of  # noqa: PLC0415  # a parser, for few

    data = text.encode("utf-8", "surrogatepass")
    declared: dict[bytes, tree_sitter.Node] = {}
    changes: list[tuple[int, int, bytes]] = []
    for statement in tree_of(data).children:
        function = statement.child_by_field_name("declaration") or statement
        name = function.child_by_field_name("name")
        if function.type not in _FUNCTIONS or name is None or name.text is None:
            continue
        earlier = declared.get(name.text)
        if earlier is not None:
            changes += _as_value(earlier, name.text)
        declared[name.text] = statement
    parts, done = [], 0
    for start, end, new in sorted(changes):
        parts += [data[done:start], new]
        done = end
    return b"".join([*parts, data[done:]]).decode("utf-8", "surrogatepass")


def _as_value(statement: "tree_sitter.Node", name: bytes) -> list[tuple[int, int, bytes]]:
    """The declaration as an expression; what it exported under its name stays exported."""
    function = statement.child_by_field_name("declaration")
    start, end = statement.start_byte, statement.end_byte
    if function is None:
        return [(start, start, b"void "), (end, end, b";")]
    is_default = any(child.type == "default" for child in statement.children)
    exported = name + (b" as default" if is_default else b"")
    return [(start, function.start_byte, b"export { %s }; void " % exported), (end, end, b";")]
