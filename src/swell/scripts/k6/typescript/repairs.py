"""Syntax that the grammar does not know, though TypeScript has it: written over for the parser only.

Each is replaced, in the text that is parsed, by something of the same length that the grammar knows. The
translation still works on the text of the user; where the replacement hides from it what must go from there,
too, a ``Change`` says so.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import tree_sitter

Parse = Callable[[bytes], tree_sitter.Node]


class Change(NamedTuple):
    """What must become of a part of the user's text: blanks, or ``text`` over its beginning."""

    start: int
    end: int
    text: str = ""


class Draft:
    """The text for the parser, as long as the user's, and the changes that are due in the user's."""

    def __init__(self, data: bytes) -> None:
        self.text = bytearray(data)
        self.changes: list[Change] = []

    def write_over(self, start: int, end: int, text: str = "") -> None:
        """Put ``text`` at ``start`` for the parser, and blanks up to ``end``; line ends stay."""
        blank = re.sub(rb"[^\r\n]", b" ", bytes(self.text[start:end]))
        self.text[start:end] = text.encode() + blank[len(text) :]

    def take_away(self, start: int, end: int, text: str = "") -> None:
        """The same for the parser and for the user's text."""
        self.write_over(start, end, text)
        self.changes.append(Change(start, end, text))


# --- Always -------------------------------------------------------------------------------------------

# `import('x').Y` as a type argument is taken for a comparison; a name is right in types, and changes nothing
# in expressions.
_IMPORT_TYPE: Final = re.compile(rb"(?<![.\w$])import\(\s*(?:'[^'\n]*'|\"[^\"\n]*\")\s*\)")
# `f<<T>(x: T) => T>(g)`: the first two are no shift.
_GENERIC_FUNCTION: Final = re.compile(rb"(?<=[\w$])<(?P<over><[^<>()]*>)(?=\s*\([^()]*\)\s*=>)")


def before_parsing(draft: Draft) -> None:
    """What would be parsed, but as something else."""
    data = bytes(draft.text)
    for found in _IMPORT_TYPE.finditer(data):
        draft.text[found.start() : found.end()] = b"i" * len(found[0])
    for found in _GENERIC_FUNCTION.finditer(data):
        draft.write_over(found.start("over"), found.end("over"))


# --- Where parsing failed -----------------------------------------------------------------------------

# `abstract` and `accessor` as names of members and variables; names of types as labels in tuples.
_NAMES: Final = re.compile(
    rb"(?<![\w$.#])(?:(?:abstract|accessor)(?=\s*[=:(;?!},)<*/+-])"
    rb"|(?:any|boolean|infer|keyof|never|number|object|readonly|string|symbol|unique|unknown)(?=\s*\??:))"
)
# `as` as the name that an import or export of a type brings: `{ type as }`, `{ type as as x }`.
_NAME_AS: Final = re.compile(rb"(?<=[{,])\s*type\s+(?P<over>as)(?=\s*(?:[,}]|as\s+[\w$]+\s*[,}]))")
# Parts that go for the parser, and stay in the user's text or go with what is around them.
_FOR_THE_PARSER: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # Variance: `class Box<in out T>`.
        rb"(?:(?<=[<,])|(?<=\*/))\s*(?P<over>(?:in\s+out|in|out)\s)(?=\s*[\w$]+\s*(?:[,>=]|extends\b))",
        # `export { a } from 'x' with { type: 'json' }`.
        rb"\bexport\b[^;'\"]*\bfrom\s*(?:'[^'\n]*'|\"[^\"\n]*\")\s*(?P<over>with\s*\{[^{}]*\})",
        # A generator that begins a line: the grammar ends no member before it.
        rb"(?m)^[ \t]*(?P<over>\*)(?=\s*[\w$\[]+\s*[(<])",
    )
)
# The others, with what the parser reads in their place.
_INSTEAD: Final = (
    # `export type * from`: as a list of types without names.
    (re.compile(rb"\bexport\s+type\s*(?P<over>\*(?:\s*as\s+[\w$]+)?\s+)(?=from\b)"), "{}"),
    # `static declare x`, which the grammar wants the other way round.
    (re.compile(rb"\b(?P<over>static[ \t]+declare)(?=[ \t]+[\w$#'\"\[])"), "declare static"),
)
# Signatures of an index that are static.
_STATIC_INDEX: Final = re.compile(rb"(?<![\w$.])(?P<over>static)(?=\s+(?:readonly\s+)?\[\s*[\w$]+\s*:)")
_EXPORTED_REQUIRE: Final = re.compile(rb"\bexport\s+(?P<over>import)(?=\s+[\w$]+\s*=\s*require\s*\()")
# A cast that ends a line before one that begins with a bracket: a type does not go on there.
_CAST_BEFORE_BRACKET: Final = re.compile(
    rb"\b(?:as|satisfies)[ \t]+[\w$.]+(?:<[\w$., \t|\[\]]*>)?(?:\[\])*[ \t]*(?P<end>\r?\n)(?=\s*\[)"
)
_DEFAULT_FUNCTION: Final = re.compile(
    rb"(?<![\w$.])export\s+default\s+(?:async\s+)?function\s*(?:\*\s*)?(?=[(<])"
)
_TYPES_OF_CALL_IF_THERE: Final = re.compile(rb"\?\.\s*(?=<)")
_CALL_IF_THERE_AFTER_TYPES: Final = re.compile(rb">(?=\s*\?\.\s*\()")


def after_failure(draft: Draft, parse: Parse) -> None:
    """What the parser stumbles at."""
    data = bytes(draft.text)
    for found in _NAMES.finditer(data):
        draft.text[found.start() : found.end()] = b"n" * len(found[0])
    for found in _NAME_AS.finditer(data):
        draft.write_over(*found.span("over"), "nn")
    for found in _CAST_BEFORE_BRACKET.finditer(data):
        draft.text[found.start("end") : found.end("end")] = b";".ljust(len(found["end"]), b"\n")
    _name_overloads(draft, data, parse)
    for pattern in _FOR_THE_PARSER:
        for found in pattern.finditer(data):
            draft.write_over(*found.span("over"))
    for pattern, text in _INSTEAD:
        for found in pattern.finditer(data):
            draft.write_over(*found.span("over"), text)
    for found in _STATIC_INDEX.finditer(data):
        draft.take_away(*found.span("over"))
    for found in _EXPORTED_REQUIRE.finditer(data):
        draft.take_away(*found.span("over"), "const")
    for found in _CALL_IF_THERE_AFTER_TYPES.finditer(data):
        _take_types_away(draft, data, found.start(), parse)
    for found in _TYPES_OF_CALL_IF_THERE.finditer(data):
        end = _end_of_types(data, found.end(), parse)
        if end:
            draft.take_away(found.end(), end)


def _name_overloads(draft: Draft, data: bytes, parse: Parse) -> None:
    """``export default function (x: T): U`` without a body, which the grammar knows with a name only."""
    found = [found.span() for found in _DEFAULT_FUNCTION.finditer(data)]
    if len(found) < 2:  # noqa: PLR2004  # an overload and what it is one of
        return
    trial = Draft(bytes(draft.text))
    for span in found:
        trial.write_over(*span, "function n")
    root = parse(bytes(trial.text))
    for span in found:
        node = root.descendant_for_byte_range(span[0], span[0] + 1)
        if node is not None and node.parent is not None and node.parent.type == "function_signature":
            draft.write_over(*span, "function n")


# --- Type arguments -----------------------------------------------------------------------------------

_MOST_OF_A_TYPE: Final = 2_000
_AFTER_TYPES: Final = re.compile(rb"(?<!=)>(?:\s*`|[ \t]*\r?\n\s*[\w$\"'{!~])")
_NO_CODE: Final = {"comment", "string", "string_fragment", "template_string", "regex", "regex_pattern"}
_TYPES: Final = {"type_arguments", "type_parameters"}


def mistaken_types(draft: Draft, root: tree_sitter.Node, parse: Parse) -> bool:
    """``tag<T>`...` ``, and ``f<T>`` before a line end, which the grammar takes for two comparisons.

    Returns whether there was one.
    """
    data = bytes(draft.text)
    found_one = False
    for found in _AFTER_TYPES.finditer(data):
        last = found.start()
        operator = root.descendant_for_byte_range(last, last + 1)
        around = operator.parent if operator is not None else None
        if operator is None or operator.type in _NO_CODE:
            continue
        # Types that end a line are none of ours; a template after types is, however the parser got past it.
        if around is not None and around.type in _TYPES and not found[0].endswith(b"`"):
            continue
        found_one |= _take_types_away(draft, data, last, parse)
    return found_one


def _take_types_away(draft: Draft, data: bytes, last: int, parse: Parse) -> bool:
    """Take away the type arguments that end at ``last``; whether there are some."""
    for start in _starts_of_types(data, last):
        if is_type_arguments(data[start : last + 1], parse):
            draft.take_away(start, last + 1)
            return True
    return False


def _starts_of_types(data: bytes, last: int) -> Iterator[int]:
    """Where type arguments that end at ``last`` may begin: after a name, a call or an index."""
    start = last
    while (start := data.rfind(b"<", max(0, last - _MOST_OF_A_TYPE), start)) >= 0:
        before = data[:start].rstrip()[-1:]
        if before.isalnum() or before in {b"_", b"$", b")", b"]"}:
            yield start


def _end_of_types(data: bytes, start: int, parse: Parse) -> int:
    """Where the type arguments that begin at ``start`` end; 0 where there are none."""
    end = start
    while (end := data.find(b">", end + 1, start + _MOST_OF_A_TYPE)) >= 0:
        if is_type_arguments(data[start : end + 1], parse):
            return end + 1
    return 0


def is_type_arguments(text: bytes, parse: Parse) -> bool:
    """Whether ``<...>`` is a list of types, as the grammar has them before a call."""
    root = parse(b"x" + text + b"()")
    call = root.named_children[0].named_children[0] if root.named_child_count == 1 else root
    types = call.child_by_field_name("type_arguments") if call.type == "call_expression" else None
    return not root.has_error and types is not None and types.end_byte == len(text) + 1
