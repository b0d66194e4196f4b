"""Rows that all VUs of a worker read: compact JSON in one buffer, so that they cost their memory once."""

from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from swell.scripts.k6.values import Text

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import Shared

_KEPT: Final = "shared rows"


class SharedRows:
    """A list of JSON values that only grows; 8 bytes for each besides its text."""

    __slots__ = ("_buffer", "_ends")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ends = array("Q")

    def __len__(self) -> int:
        return len(self._ends)

    def __repr__(self) -> str:
        return f"<SharedRows {len(self)} rows, {len(self._buffer)} bytes>"

    def extend(self, rows: Iterable[bytes]) -> None:
        """Add the JSON texts ``rows``."""
        buffer, ends = self._buffer, self._ends
        for row in rows:
            buffer += row
            ends.append(len(buffer))

    def row(self, index: int) -> Text:
        """The JSON text of a row; ``IndexError`` beyond the last."""
        start = self._ends[index - 1] if index else 0
        return Text(self._buffer[start : self._ends[index]])


class RowTables:
    """All rows of one worker: each table has a number, and a name where the script gave it one."""

    def __init__(self) -> None:
        self._tables: list[SharedRows] = []
        self._names: dict[str, int] = {}

    def __getitem__(self, number: int) -> SharedRows:
        return self._tables[number]

    def find(self, name: str) -> int:
        """The number of the table ``name``, or -1."""
        return self._names.get(name, -1)

    def add(self, rows: SharedRows, name: str | None = None) -> int:
        """Keep a table; its number."""
        self._tables.append(rows)
        number = len(self._tables) - 1
        if name is not None:
            self._names[name] = number
        return number


def row_tables(shared: "Shared") -> RowTables:
    """The tables of a worker."""
    tables: RowTables = shared.kept.setdefault(_KEPT, RowTables())
    return tables
