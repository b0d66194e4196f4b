"""Parsed HTML documents of one VU: nodes by number, for the Python half of k6/html.

selectolax (the Lexbor engine) parses as browsers do and selects by CSS. What scripts know from goquery beyond
CSS is rewritten, in ``swell.scripts.k6.pseudoclasses``.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from swell.base.text import well_formed
from swell.scripts.k6.pseudoclasses import contents, rewritten

# What ``innerHTML`` writes, as Go's html package does: all five characters, in attributes and in text.
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"})
# HTML, 13.1.2: elements without content.
_VOID: Final = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img"),
        *("input", "link", "meta", "param", "source", "track", "wbr"),
    }
)
# Their text is written as it stands.
_RAW: Final = frozenset(["iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "xmp"])
# Carried for an instant by the elements that a pseudo-class is about.
_MARK: Final = "swell-mark-{}"
_KINDS: Final = {
    "-document": ("#document", 9),
    "-doctype": ("", 10),
    "-text": ("#text", 3),
    "-comment": ("#comment", 8),
}
_ELEMENT: Final = 1


class Document:
    """One document; node 0 is the document itself."""

    def __init__(self, source: str) -> None:
        self._parser = LexborHTMLParser(well_formed(source))
        html = self._parser.root
        if html is None or html.parent is None:  # pragma: no cover - the parser always makes <html>
            raise ValueError("the document has no root")
        self._nodes: list[LexborNode] = []
        self._numbers: dict[int, int] = {}
        self.number(html.parent)

    def number(self, node: LexborNode) -> int:
        """The number of a node, the same each time."""
        found = self._numbers.get(node.mem_id)
        if found is None:
            found = self._numbers[node.mem_id] = len(self._nodes)
            self._nodes.append(node)
        return found

    def node(self, number: int) -> LexborNode:
        """The node with this number."""
        return self._nodes[number]

    def find(self, numbers: Iterable[int], selector: str) -> list[int]:
        """The descendants of these nodes that match, each once; none for what is no selector."""
        matching = self._matching(selector)
        found: dict[int, None] = {}
        for number in numbers:
            if number == 0:
                found.update(dict.fromkeys(matching))
                continue
            inside = [match for match in matching if match != number and self._is_inside(match, number)]
            found.update(dict.fromkeys(inside))
        return list(found)

    def matches(self, numbers: Iterable[int], selector: str) -> list[bool]:
        """Which of these nodes match."""
        matching = set(self._matching(selector))
        return [number in matching for number in numbers]

    def related(self, numbers: Iterable[int], kind: str) -> list[int]:
        """The nodes that stand in a relation to these, each once, in the order they are met."""
        walk = _RELATIONS[kind]
        found: dict[int, None] = {}
        for number in numbers:
            for node in walk(self._nodes[number]):
                found.setdefault(self.number(node))
        return list(found)

    def _matching(self, selector: str) -> list[int]:
        marks: list[tuple[str, list[LexborNode]]] = []

        def mark(holds: Callable[[LexborNode], bool]) -> str:
            name = _MARK.format(len(marks))
            holders = [node for node in self._elements() if holds(node)]
            marks.append((name, holders))
            for node in holders:
                node.attrs[name] = ""
            return f"[{name}]"

        try:
            return [self.number(node) for node in self._parser.css(rewritten(well_formed(selector), mark))]
        except (SelectolaxError, re.error):
            return []
        finally:
            for name, holders in marks:
                for node in holders:
                    del node.attrs[name]

    def _elements(self) -> Iterator[LexborNode]:
        root = self._parser.root
        return root.traverse() if root is not None else iter(())

    def _is_inside(self, number: int, outer: int) -> bool:
        node = self._nodes[number].parent
        while node is not None:
            if self._numbers.get(node.mem_id) == outer:
                return True
            node = node.parent
        return False


def describe(node: LexborNode) -> tuple[str, int]:
    """Name and type of a node as the DOM has them, the name in lower case (k6's rule)."""
    tag = node.tag or ""
    return _KINDS.get(tag, (tag, _ELEMENT))


def inner_html(node: LexborNode) -> str:
    """The markup inside a node."""
    return "".join(_markup(child, node.tag or "") for child in contents(node) if child.tag != "-doctype")


def _markup(node: LexborNode, parent: str) -> str:
    if node.is_text_node:
        text = node.text_content or ""
        return text if parent in _RAW else text.translate(_ESCAPES)
    if node.is_comment_node:
        return node.html or ""
    tag = node.tag or ""
    attributes = "".join(
        f' {name}="{(value or "").translate(_ESCAPES)}"' for name, value in node.attributes.items()
    )
    return f"<{tag}{attributes}/>" if tag in _VOID else f"<{tag}{attributes}>{inner_html(node)}</{tag}>"


# Relations: all but contents are between elements.


def _children(node: LexborNode) -> Iterator[LexborNode]:
    return (child for child in contents(node) if child.is_element_node)


def _elements_along(step: str) -> Callable[[LexborNode], Iterator[LexborNode]]:
    """The elements on one side of a node, the nearest first."""

    def walk(node: LexborNode) -> Iterator[LexborNode]:
        other = getattr(node, step)
        while other is not None:
            if other.is_element_node:
                yield other
            other = getattr(other, step)

    return walk


_following = _elements_along("next")
_preceding = _elements_along("prev")


def _ancestors(node: LexborNode) -> Iterator[LexborNode]:
    other = node.parent
    while other is not None and other.is_element_node:
        yield other
        other = other.parent


def _first(
    walk: Callable[[LexborNode], Iterator[LexborNode]],
) -> Callable[[LexborNode], Iterator[LexborNode]]:
    def first(node: LexborNode) -> Iterator[LexborNode]:
        for other in walk(node):
            yield other
            return

    return first


def _siblings(node: LexborNode) -> Iterator[LexborNode]:
    if node.parent is None:
        return iter(())
    return (other for other in _children(node.parent) if other.mem_id != node.mem_id)


def _neighbours(step: str) -> Callable[[LexborNode], Iterator[LexborNode]]:
    """One step to any kind of node."""

    def walk(node: LexborNode) -> Iterator[LexborNode]:
        other = getattr(node, step)
        if other is not None:
            yield other

    return walk


_RELATIONS: Final[dict[str, Callable[[LexborNode], Iterator[LexborNode]]]] = {
    "children": _children,
    "contents": contents,
    "parent": _first(_ancestors),
    "parents": _ancestors,
    "next": _first(_following),
    "nextAll": _following,
    "prev": _first(_preceding),
    "prevAll": _preceding,
    "siblings": _siblings,
    "parentNode": _neighbours("parent"),
    "nextNode": _neighbours("next"),
    "prevNode": _neighbours("prev"),
}
