"""The Python half of ``k6/data``, and of the arrays that ``k6/experimental/csv`` gives."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from swell.scripts.k6.sharedrows import SharedRows, row_tables
from swell.scripts.k6.values import HostError, HostFunction, Text

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``data.js`` and ``lib/rows.js`` need."""
    tables = row_tables(vu.shared)
    filling: list[SharedRows] = []

    def find(name: str) -> int:
        if vu.phase != "init":
            raise HostError("new SharedArray must be called in the init context")
        if not name:
            raise HostError("empty name provided to SharedArray's constructor")
        return tables.find(name)

    def begin() -> None:
        filling.append(SharedRows())

    def add(lines: str) -> None:
        filling[-1].extend(lines.encode("utf-8", "surrogatepass").split(b"\n"))

    def keep(name: str) -> int:
        return tables.add(filling.pop(), name)

    def length(number: int) -> int:
        return len(tables[number])

    def row(number: int, index: int) -> Text:
        return tables[number].row(index)

    return {"find": find, "begin": begin, "add": add, "keep": keep, "length": length, "row": row}
