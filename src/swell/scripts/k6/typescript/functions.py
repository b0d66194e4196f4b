"""The source text of functions by their place: what the engine, which keeps none, cannot tell."""

import re
from typing import Final

from tree_sitter import Node

from swell.scripts.k6.typescript.parsing import tree_of

# An arrow with parentheses is placed before them: at what is called with it, or at a template's text.
_BEFORE_ARROW: Final = (
    re.compile(r"[\w$]*\s*[(\[]*\s*"),
    re.compile(r"[`}]?(?:[^`$\\]|\\.|\$(?!\{))*\$\{\s*\(*\s*"),
)
_CLASSES: Final = {"class", "class_declaration"}
_FUNCTIONS: Final = {
    "arrow_function",
    "function_declaration",
    "function_expression",
    "generator_function",
    "generator_function_declaration",
    "method_definition",
}


class Functions:
    """The functions of one file, as it is run."""

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        self._data = _utf8(source)
        self._root = tree_of(self._data)

    def at(self, line: int, column: int, *, is_class: bool) -> str:
        """The text of the function or class whose head the engine places there; empty where there is none.

        The engine's numbers: lines from 1, columns in characters. A class is placed somewhere inside of it.
        """
        if not 0 < line <= len(self._lines):
            return ""
        text = self._lines[line - 1]
        # In the first line, the engine counts columns from 0.
        at = max(column - (line > 1), 0)
        places = [at, *(head.end() for before in _BEFORE_ARROW if (head := before.match(text, at)))]
        for place in places:
            found = self._at(line - 1, text[:place], is_class=is_class)
            if found:
                return found
        return ""

    def _at(self, row: int, before: str, *, is_class: bool) -> str:
        byte = len(_utf8(before))
        node = self._root.descendant_for_point_range((row, byte), (row, byte + 1))
        offset = len(_utf8("\n".join(self._lines[:row]))) + (1 if row else 0) + byte
        while node is not None and not (
            node.type in _CLASSES if is_class else node.type in _FUNCTIONS and _heads(node, offset)
        ):
            node = node.parent
        return "" if node is None else self._text(node)

    def _text(self, node: Node) -> str:
        # `static` is no part of a method.
        first = next((part for part in node.children if part.type != "static"), node)
        return self._data[first.start_byte : node.end_byte].decode("utf-8", "surrogatepass")


def _heads(node: Node, offset: int) -> bool:
    body = node.child_by_field_name("body")
    return body is None or offset < body.start_byte


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
