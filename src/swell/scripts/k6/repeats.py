"""Functions that an ES module declares twice at its top level: in k6 the last one stands, here none may be.

Copies that were pasted below each other are the usual case. The earlier ones stay as values that nobody uses.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import tree_sitter

    from swell.scripts.k6.typescript.edits import Edits

# In the engine's words; it says so of other declarations, too.
MESSAGE: Final = "invalid redefinition of global identifier in module code"
_FUNCTIONS: Final = frozenset({"function_declaration", "generator_function_declaration"})


def without_repeats(text: str) -> str:
    """``text``, a module in JavaScript, with the last of its functions of one name alone; its lines stay."""
    from swell.scripts.k6.typescript.edits import Edits  # noqa: PLC0415  # with a parser, for few
    from swell.scripts.k6.typescript.parsing import tree_of  # noqa: PLC0415

    data = text.encode("utf-8", "surrogatepass")
    declared: dict[bytes, tree_sitter.Node] = {}
    edits = Edits(data)
    for statement in tree_of(data).children:
        function = statement.child_by_field_name("declaration") or statement
        name = function.child_by_field_name("name")
        if function.type not in _FUNCTIONS or name is None or name.text is None:
            continue
        earlier = declared.get(name.text)
        if earlier is not None:
            _make_value(earlier, name.text.decode(), edits)
        declared[name.text] = statement
    return edits.result()


def _make_value(statement: "tree_sitter.Node", name: str, edits: "Edits") -> None:
    """Write the declaration as an expression; what it exported under its name stays exported."""
    function = statement.child_by_field_name("declaration")
    start, end = statement.start_byte, statement.end_byte
    if function is None:
        edits.put(start, start, "void ")
    else:
        is_default = any(child.type == "default" for child in statement.children)
        exported = f"{name} as default" if is_default else name
        edits.put(start, function.start_byte, f"export {{ {exported} }}; void ")
    edits.put(end, end, ";")
