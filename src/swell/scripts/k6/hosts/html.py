"""The Python half of k6/html: nodes cross as numbers, lists of them as text such as "3,4"."""

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import msgspec

from swell.scripts.k6 import httpurl
from swell.scripts.k6.markup import Document, describe, inner_html
from swell.scripts.k6.pseudoclasses import text_of
from swell.scripts.k6.values import UNDEFINED, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost


def functions(_vu: "VUHost") -> Mapping[str, HostFunction]:
    """What selections and elements are made of."""
    documents = Documents()
    return {
        "parse": documents.parse,
        "resolve": _resolved,
        "release": documents.release,
        "find": documents.find,
        "matches": documents.matches,
        "related": documents.related,
        "text": documents.text,
        "inner": documents.inner,
        "attribute": documents.attribute,
        "attributes": documents.attributes,
        "describe": documents.describe,
    }


class Documents:
    """The documents that a VU's script can still reach."""

    def __init__(self) -> None:
        self._documents: dict[int, Document] = {}
        self._numbers = itertools.count(1)

    def parse(self, source: str) -> int:
        """Parse a document; its number."""
        number = next(self._numbers)
        self._documents[number] = Document(source)
        return number

    def release(self, *numbers: int) -> None:
        """The script cannot reach these documents any more."""
        for number in numbers:
            self._documents.pop(number, None)

    def find(self, document: int, nodes: str, selector: str) -> str:
        """Descendants by selector."""
        return _join(self._documents[document].find(_split(nodes), selector))

    def matches(self, document: int, nodes: str, selector: str) -> str:
        """A digit per node: 1 where it matches."""
        return "".join("01"[match] for match in self._documents[document].matches(_split(nodes), selector))

    def related(self, document: int, nodes: str, kind: str) -> str:
        """Nodes by relation."""
        return _join(self._documents[document].related(_split(nodes), kind))

    def text(self, document: int, nodes: str) -> str:
        """The text of nodes, one after the other."""
        found = self._documents[document]
        return "".join(text_of(found.node(number)) for number in _split(nodes))

    def inner(self, document: int, node: int) -> str:
        """The markup inside a node."""
        return inner_html(self._documents[document].node(node))

    def attribute(self, document: int, node: int, name: str) -> object:
        """The value of an attribute; undefined where there is none."""
        attributes = self._documents[document].node(node).attributes
        return (attributes[name] or "") if name in attributes else UNDEFINED

    def attributes(self, document: int, node: int) -> str:
        """All attributes of a node as JSON."""
        attributes = self._documents[document].node(node).attributes
        return msgspec.json.encode({name: value or "" for name, value in attributes.items()}).decode()

    def describe(self, document: int, node: int) -> str:
        """Name and type of a node, as JSON, and the text of one that is text or a comment."""
        found = self._documents[document].node(node)
        name, kind = describe(found)
        value = found.text_content if found.is_text_node else None
        if found.is_comment_node:
            value = (found.html or "").removeprefix("<!--").removesuffix("-->")
        return msgspec.json.encode((name, kind, value)).decode()


def _split(nodes: str) -> list[int]:
    return [int(number) for number in nodes.split(",")] if nodes else []


def _join(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def _resolved(base: str, reference: str) -> str:
    """The address that an attribute in the page ``base`` means; empty for what is none."""
    return "" if httpurl.fault(reference) else urljoin(base, reference)
