"""The headers of a response: a case-insensitive mapping, parsed only when somebody looks.

Bytes are read as latin-1 (RFC 9112 section 2.2 leaves no better choice that cannot fail), so that
``value.encode("latin-1")`` gives back what was on the wire.
"""

from collections.abc import Iterable, Iterator, Mapping


class Headers(Mapping[str, str]):
    """Case-insensitive, in order of arrival; values of a repeated name are joined with ``", "`` (RFC 9110).

    ``Set-Cookie`` cannot be joined without loss: use ``get_list``. Iteration gives each name once, spelled as
    it first came.
    """

    __slots__ = ("_index", "_pairs", "_raw")

    def __init__(
        self, raw: bytes | bytearray | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]] = b""
    ) -> None:
        """Keep ``raw`` unparsed: the header block without the status line, or pairs of text or bytes."""
        self._raw: bytes | bytearray | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]] = raw
        self._pairs: list[tuple[str, str]] | None = None
        self._index: dict[str, list[int]] | None = None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every header line as (name, value), in order, duplicates included; do not change the list."""
        pairs = self._pairs
        if pairs is None:
            raw = self._raw
            if isinstance(raw, (bytes, bytearray)):
                pairs = parse_pairs(raw)
            else:
                pairs = [(_text(name), _text(value)) for name, value in raw]
            self._pairs = pairs
            self._raw = b""
        return pairs

    def _indexed(self) -> dict[str, list[int]]:
        index = self._index
        if index is None:
            index = {}
            for position, (name, _) in enumerate(self.pairs):
                index.setdefault(name.lower(), []).append(position)
            self._index = index
        return index

    def __getitem__(self, name: str) -> str:
        positions = self._indexed()[name.lower()]
        pairs = self.pairs
        if len(positions) == 1:
            return pairs[positions[0]][1]
        return ", ".join([pairs[position][1] for position in positions])

    def get_list(self, name: str) -> list[str]:
        """Every value of ``name``, one per header line; empty when there is none."""
        pairs = self.pairs
        return [pairs[position][1] for position in self._indexed().get(name.lower(), ())]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._indexed()

    def __iter__(self) -> Iterator[str]:
        pairs = self.pairs
        return iter([pairs[positions[0]][0] for positions in self._indexed().values()])

    def __len__(self) -> int:
        return len(self._indexed())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Headers):
            other_items = {name.lower(): other.get_list(name) for name in other}
            return {name.lower(): self.get_list(name) for name in self} == other_items
        if isinstance(other, Mapping):
            return {name.lower(): value for name, value in self.items()} == {
                str(name).lower(): value for name, value in other.items()
            }
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal to mappings, which have none either

    def __repr__(self) -> str:
        return f"Headers({self.pairs!r})"


def _text(part: str | bytes) -> str:
    return part.decode("latin-1") if isinstance(part, bytes) else part


def parse_pairs(block: bytes | bytearray) -> list[tuple[str, str]]:
    """The (name, value) pairs of a header block; never fails.

    Line ends may be CRLF or LF; a line that starts with white space continues the one before (obsolete
    folding, RFC 9112 5.2); a line without a colon is left out.
    """
    pairs: list[tuple[str, str]] = []
    for line in block.decode("latin-1").split("\n"):
        if line[:1] in (" ", "\t"):
            if pairs:
                name, value = pairs[-1]
                pairs[-1] = (name, f"{value} {line.strip()}".strip())
            continue
        name, colon, value = line.partition(":")
        if colon:
            pairs.append((name.strip(" \t"), value.strip(" \t\r")))
    return pairs
