"""Source text to a syntax tree without errors, or a located error."""

import functools
import re

import tree_sitter
import tree_sitter_typescript

from swell.scripts.k6.typescript.errors import TypeScriptError, error_at

# Syntax that the grammar does not know, though TypeScript has it. Each is written over, in the text that is
# parsed only, by something of the same length and meaning that it knows; the translation still works on the
# text of the user. Tried only where parsing failed, and kept only where it then succeeds.
REPAIRS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    # `export type * from`: as a list of types without names.
    (re.compile(rb"(?P<keep>\bexport\s+type\s*)(?P<over>\*(?:\s*as\s+[\w$]+)?\s+)(?=from\b)"), "{}"),
    # Variance: `class Box<in out T>`.
    (
        re.compile(
            rb"(?P<keep>(?:[<,]|\*/)\s*)(?P<over>(?:in\s+out|in|out)\s)(?=\s*[\w$]+\s*(?:[,>=]|extends\b))"
        ),
        "",
    ),
    # `static declare x`, which the grammar wants the other way round.
    (re.compile(rb"(?P<keep>\b)(?P<over>static[ \t]+declare)(?=[ \t]+[\w$#'\"\[])"), "declare static"),
)


# A signature that begins a line in an interface, where the line before has no semicolon: `<T>(x: T): T`. The
# semicolon is put in for the parser only, and only in types, where it is without consequence.
_SIGNATURE = re.compile(rb"(?m)^([ \t]*)[ \t]<")
_TYPE_BODIES = {"interface_body", "object_type"}

_CAST_WITH_PROPERTY = """
(member_expression object: [(as_expression) (satisfies_expression)] !optional_chain) @member
"""

# `import('x').Y` as a type argument is taken for a comparison; written over by a name, which is right in
# types and changes nothing in expressions.
_IMPORT_TYPE = re.compile(rb"(?<![.\w$])import\(\s*(?:'[^'\n]*'|\"[^\"\n]*\")\s*\)")

_BLANKS = re.compile(rb"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)


def skip_blanks(data: bytes, offset: int) -> int:
    """The offset of the next token at or after ``offset``, past white space and comments."""
    found = _BLANKS.match(data, offset)
    return found.end() if found else offset


@functools.cache
def _language() -> tree_sitter.Language:
    return tree_sitter.Language(tree_sitter_typescript.language_typescript())


def parse(data: bytes, filename: str) -> tree_sitter.Node:
    """The root of the tree of ``data``; raises ``TypeScriptError`` at the first token that does not fit."""
    parser = tree_sitter.Parser(_language())
    repaired = _IMPORT_TYPE.sub(lambda found: b"i" * len(found[0]), data)
    root = _parse_whole_names(parser, repaired)
    if not root.has_error:
        return root
    for pattern, text in REPAIRS:
        repaired = pattern.sub(functools.partial(_write_over, text), repaired)
    root = _parse_whole_names(parser, repaired)
    if root.has_error:
        root = _parse_whole_names(parser, _separate_signatures(parser, repaired))
    if not root.has_error:
        return root
    raise _syntax_error(data, _first_error(repaired), filename)


def _parse_whole_names(parser: tree_sitter.Parser, data: bytes) -> tree_sitter.Node:
    """Parse, with ``x as A.B.C`` as a cast to a type: the grammar takes it for a property of ``x as A.B``.

    The dots of such names are written over, for the parser only, until none is left.
    """
    query = tree_sitter.Query(_language(), _CAST_WITH_PROPERTY)
    text = bytearray(data)
    while True:
        root = parser.parse(bytes(text)).root_node
        before = bytes(text)
        for member in tree_sitter.QueryCursor(query).captures(root).get("member", ()):
            cast, name = member.named_children[0], member.named_children[-1]
            qualified = cast.named_children[-1]
            while qualified.named_children and qualified.type != "nested_type_identifier":
                qualified = qualified.named_children[-1]
            if qualified.type == "nested_type_identifier" and name.start_byte == cast.end_byte + 1:
                start, end = qualified.start_byte, name.start_byte
                text[start:end] = text[start:end].replace(b".", b"_")
        if before == text:
            return root


def _separate_signatures(parser: tree_sitter.Parser, data: bytes) -> bytes:
    """Put the semicolons in everywhere, then keep those that turn out to stand in the body of a type."""
    everywhere = _SIGNATURE.sub(rb"\g<1>;<", data)
    root = parser.parse(everywhere).root_node
    separated = bytearray(data)
    for found in _SIGNATURE.finditer(data):
        at = found.end() - 2
        node = root.descendant_for_byte_range(at, at + 1)
        if node is not None and node.parent is not None and node.parent.type in _TYPE_BODIES:
            separated[at : at + 1] = b";"
    return bytes(separated)


def _write_over(text: str, found: re.Match[bytes]) -> bytes:
    over = found["over"]
    if len(text) > len(over):
        return found[0]
    blank = re.sub(rb"[^\r\n]", b" ", over[len(text) :])
    return found["keep"] + text.encode() + blank


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
