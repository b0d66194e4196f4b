"""Source text to a syntax tree without errors, or a located error."""

import functools
import re

import tree_sitter
import tree_sitter_typescript

from swell.scripts.k6.typescript import repairs
from swell.scripts.k6.typescript.errors import TypeScriptError, error_at
from swell.scripts.k6.typescript.repairs import Change, Draft

# A signature that begins a line in an interface, where the line before has no semicolon: `<T>(x: T): T`. The
# semicolon is put in for the parser only, and only in types, where it is without consequence.
_SIGNATURE = re.compile(rb"(?m)^([ \t]*)[ \t]<")
_TYPE_BODIES = {"interface_body", "object_type"}

_CAST_WITH_PROPERTY = """
(member_expression object: [(as_expression) (satisfies_expression)] !optional_chain) @member
"""

# Of texts between quotes; templates are nodes of another kind.
_ESCAPE = "(string (escape_sequence) @escape)"

_THROW = "(throw_statement (_)) @statement"
_MAKING = {"await_expression", "call_expression", "new_expression"}

# What only an ES module has: at its own level, or outside every function.
_MODULE_PARTS = {"import_statement", "export_statement"}
_MODULE_EXPRESSION = """
[(await_expression) (for_in_statement "await") (meta_property)] @expression
"""
_FUNCTIONS = {
    *("arrow_function", "function_declaration", "function_expression", "generator_function"),
    *("generator_function_declaration", "method_definition"),
}

_BLANKS = re.compile(rb"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)


def skip_blanks(data: bytes, offset: int) -> int:
    """The offset of the next token at or after ``offset``, past white space and comments."""
    found = _BLANKS.match(data, offset)
    return found.end() if found else offset


@functools.cache
def _language() -> tree_sitter.Language:
    return tree_sitter.Language(tree_sitter_typescript.language_typescript())


def parse(data: bytes, filename: str) -> tuple[tree_sitter.Node, list[Change]]:
    """The root of the tree of ``data``, and what is to be changed in it besides what the tree tells.

    Raises ``TypeScriptError`` at the first token that does not fit.
    """
    draft = Draft(data)
    repairs.before_parsing(draft)
    root = _parse_whole(draft)
    if root.has_error:
        repairs.after_failure(draft, tree_of)
        root = _parse_whole(draft)
    if root.has_error:
        _separate_signatures(draft)
        root = _parse_whole(draft)
    if root.has_error:
        raise _syntax_error(data, _first_error(bytes(draft.text)), filename)
    return root, draft.changes


def tree_of(data: bytes) -> tree_sitter.Node:
    """The root of the tree of ``data``, which may have errors."""
    return tree_sitter.Parser(_language()).parse(data).root_node


def escapes_of(data: bytes) -> list[int]:
    """Where the escapes in texts between quotes begin, in their order; ``data`` may have errors."""
    cursor = tree_sitter.QueryCursor(tree_sitter.Query(_language(), _ESCAPE))
    return sorted(node.start_byte for node in cursor.captures(tree_of(data)).get("escape", ()))


def throws_of(data: bytes) -> list[int]:
    """Where ``throw`` ends if nothing makes what it throws there; nowhere if ``data`` has errors."""
    root = tree_of(data)
    if root.has_error:
        return []
    cursor = tree_sitter.QueryCursor(tree_sitter.Query(_language(), _THROW))
    found = cursor.captures(root).get("statement", ())
    return sorted(node.children[0].end_byte for node in found if node.named_children[0].type not in _MAKING)


def is_module(data: bytes) -> bool:
    """Whether ``data``, which may have errors, imports, exports, or awaits at its top."""
    root = tree_of(data)
    if any(node.type in _MODULE_PARTS for node in root.children):
        return True
    cursor = tree_sitter.QueryCursor(tree_sitter.Query(_language(), _MODULE_EXPRESSION))
    found = cursor.captures(root).get("expression", ())
    return any(node.text == b"import.meta" or not _is_in_function(node) for node in found)


def _is_in_function(node: tree_sitter.Node) -> bool:
    outer = node.parent
    while outer is not None and outer.type not in _FUNCTIONS:
        outer = outer.parent
    return outer is not None


def _parse_whole(draft: Draft) -> tree_sitter.Node:
    """Parse, with whole names in casts, and with type arguments before templates and line ends."""
    root = _parse_whole_names(draft)
    while repairs.mistaken_types(draft, root, tree_of):
        root = _parse_whole_names(draft)
    return root


def _parse_whole_names(draft: Draft) -> tree_sitter.Node:
    """Parse, with ``x as A.B.C`` as a cast to a type: the grammar takes it for a property of ``x as A.B``.

    The dots of such names are written over, for the parser only, until none is left. After ``x as A['b']``
    the name goes as a whole.
    """
    query = tree_sitter.Query(_language(), _CAST_WITH_PROPERTY)
    while True:
        root = tree_of(bytes(draft.text))
        before = bytes(draft.text)
        for member in tree_sitter.QueryCursor(query).captures(root).get("member", ()):
            cast, name = member.named_children[0], member.named_children[-1]
            if name.start_byte != cast.end_byte + 1:
                continue
            last = cast.named_children[-1]
            while last.named_children and last.type not in {"nested_type_identifier", "lookup_type"}:
                last = last.named_children[-1]
            if last.type == "nested_type_identifier":
                start, end = last.start_byte, name.start_byte
                draft.text[start:end] = draft.text[start:end].replace(b".", b"_")
            elif last.type == "lookup_type":
                draft.take_away(cast.end_byte, name.end_byte)
        if before == draft.text:
            return root


def _separate_signatures(draft: Draft) -> None:
    """Put the semicolons in everywhere, then keep those that turn out to stand in the body of a type."""
    data = bytes(draft.text)
    root = tree_of(_SIGNATURE.sub(rb"\g<1>;<", data))
    for found in _SIGNATURE.finditer(data):
        at = found.end() - 2
        node = root.descendant_for_byte_range(at, at + 1)
        if node is not None and node.parent is not None and node.parent.type in _TYPE_BODIES:
            draft.text[at : at + 1] = b";"


def _first_error(data: bytes) -> int:
    """Where the parser first gave up and began to guess: its log tells, the tree does not."""
    messages: list[str] = []
    parser = tree_sitter.Parser(_language())
    parser.logger = lambda _kind, message: messages.append(message)
    parser.parse(data)
    row = column = 0
    for message in messages:
        if message.startswith("process "):
            row, column = map(int, re.findall(r"(?:row|col):(\d+)", message))
        elif message.startswith(("recover", "skip_token")):
            break
    return skip_blanks(data, sum(len(line) + 1 for line in data.split(b"\n")[:row]) + column)


def _syntax_error(data: bytes, offset: int, filename: str) -> TypeScriptError:
    if offset >= len(data):
        return error_at(data, len(data.rstrip()), filename, "syntax error: unexpected end of file")
    token = re.compile(rb"[\w$\x80-\xff]+|[^\w\s]").match(data, offset)
    name = token[0].decode("utf-8", "replace") if token else ""
    return error_at(data, offset, filename, f"syntax error: unexpected {name!r}")
