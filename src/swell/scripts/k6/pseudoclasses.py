"""Pseudo-classes that scripts of k6 know from goquery beyond CSS, rewritten for an engine of CSS.

These are ``:contains(text)``, ``:matches(regex)``, both for an element's own text with ``Own`` at the end,
``:haschild(selector)``, ``:input``, ``[name!=value]``, ``[name#=regex]``, and ``:enabled``, ``:disabled`` by
goquery's rules. What looks at text becomes a selector for a mark that the elements carry meanwhile.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from selectolax.lexbor import LexborNode

Holds = Callable[[LexborNode], bool]
# Marks the elements for which a condition holds; the selector for them.
Mark = Callable[[Holds], str]

_FUNCTION: Final = re.compile(r":(contains|containsOwn|matches|matchesOwn|haschild)\(")
_PLAIN: Final = re.compile(r":(input|enabled|disabled)\b")
_ATTRIBUTE: Final = re.compile(
    r"""\[\s*([\w-]+)\s*(!=|\#=)\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\]]*))\s*\]"""
)
_QUOTED: Final = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*""")
_CONTROLS: Final = frozenset({"button", "input", "select", "textarea"})


def rewritten(selector: str, mark: Mark) -> str:
    """``selector`` in plain CSS. Raises ``re.error`` for what is no regular expression."""
    made = _attributes(_functions(selector, mark), mark)

    def plain(found: re.Match[str]) -> str:
        if found[1] == "input":
            return ":is(input,select,textarea,button)"
        return mark(is_disabled if found[1] == "disabled" else is_enabled)

    return _PLAIN.sub(plain, made)


def _functions(selector: str, mark: Mark) -> str:
    made, at = "", 0
    while (found := _FUNCTION.search(selector, at)) is not None:
        end = _closing(selector, found.end())
        if end < 0:
            break
        made += selector[at : found.start()] + _condition(found[1], selector[found.end() : end], mark)
        at = end + 1
    return made + selector[at:]


def _condition(name: str, argument: str, mark: Mark) -> str:
    if name == "haschild":
        return f":has(> {_functions(argument, mark)})"
    text = _own_text if name.endswith("Own") else text_of
    if name.startswith("matches"):
        search = re.compile(argument.strip()).search
        return mark(lambda node: bool(argument) and search(text(node)) is not None)
    quoted = _QUOTED.fullmatch(argument)
    wanted = (
        argument.strip() if quoted is None else next(part for part in quoted.groups() if part is not None)
    )
    return mark(lambda node: wanted in text(node))


def _closing(selector: str, start: int) -> int:
    """Where the bracket before ``start`` is closed; below 0 where it is not."""
    depth, quote, at = 1, "", start
    while at < len(selector):
        letter = selector[at]
        if letter == "\\":
            at += 1
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        else:
            depth += (letter == "(") - (letter == ")")
            if not depth:
                return at
        at += 1
    return -1


def _attributes(selector: str, mark: Mark) -> str:
    def condition(found: re.Match[str]) -> str:
        name, value = found[1], next(part for part in found.groups()[2:] if part is not None)
        if found[2] == "!=":
            return mark(lambda node: node.attributes.get(name) != value)
        search = re.compile(value).search
        return mark(lambda node: name in node.attributes and search(node.attributes[name] or "") is not None)

    return _ATTRIBUTE.sub(condition, selector)


def is_disabled(node: LexborNode) -> bool:
    """Whether it is a part of a form that is switched off, itself or with its ``fieldset``."""
    tag = node.tag
    if tag in _CONTROLS:
        return "disabled" in node.attributes or _in_disabled_fieldset(node)
    return tag in {"fieldset", "optgroup", "option"} and "disabled" in node.attributes


def is_enabled(node: LexborNode) -> bool:
    """Whether it is a part of a form that is not switched off, or a link (goquery's rule)."""
    tag = node.tag
    if tag in {"a", "area", "link"}:
        return "href" in node.attributes
    if tag in _CONTROLS or tag in {"fieldset", "optgroup", "option"}:
        return not is_disabled(node)
    return False


def _in_disabled_fieldset(node: LexborNode) -> bool:
    """Whether a ``fieldset`` around it is switched off and this is not in its legend (HTML, 4.10.15)."""
    inner, outer = node, node.parent
    while outer is not None:
        if outer.tag == "fieldset" and "disabled" in outer.attributes:
            legend = next((child for child in contents(outer) if child.tag == "legend"), None)
            if legend is None or legend.mem_id != inner.mem_id:
                return True
        inner, outer = outer, outer.parent
    return False


def _own_text(node: LexborNode) -> str:
    return "".join(child.text_content or "" for child in contents(node) if child.is_text_node)


def text_of(node: LexborNode) -> str:
    """The text of a node and of all below it."""
    if node.is_text_node:
        return node.text_content or ""
    if node.is_comment_node:
        return ""
    return "".join(text_of(child) for child in contents(node))


def contents(node: LexborNode) -> Iterator[LexborNode]:
    """The children of a node, text and comments too."""
    child = node.first_child
    while child is not None:
        yield child
        child = child.next
