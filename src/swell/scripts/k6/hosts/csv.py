"""The Python half of ``k6/experimental/csv``."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from swell.scripts.k6.csvreader import CSVReader
from swell.scripts.k6.hosts.fs import opened_files
from swell.scripts.k6.sharedrows import SharedRows, row_tables
from swell.scripts.k6.values import HostError, HostFunction, Primitive, Text

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

_encode = msgspec.json.encode


class Settings(msgspec.Struct, frozen=True, rename="camel"):
    """A parser's options; ``to_line`` 0 is no end."""

    delimiter: str = ","
    skip_first_line: bool = False
    from_line: int = 0
    to_line: int = 0
    as_objects: bool = False


class Records:
    """The records that the settings ask for, one after the other, as JSON."""

    def __init__(self, content: bytes, settings: Settings) -> None:
        """Raises ``HostError`` where the settings are no use for ``content``."""
        self._reader = CSVReader(content.decode("utf-8", "replace"), settings.delimiter)
        self._header: list[str] | None = None
        self._left = -1
        skipped = max(settings.from_line, 1 if settings.skip_first_line else 0)
        if settings.as_objects:
            self._header = self._skip(1, "failed to read the first line")[0]
        elif settings.from_line > 0:
            self._skip(skipped, f"failed to skip lines until line {settings.from_line}")
        elif skipped:
            self._skip(1, "failed to skip the first line")
        if settings.to_line > 0:
            # The first line has the number 0, and the last one is included.
            self._left = settings.to_line + 1 - (skipped if self._header is None else 1)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._left == 0:
            raise StopIteration
        record = next(self._reader)
        self._left -= 1
        if self._header is None:
            return _encode(record)
        return _encode(dict(sorted(zip(self._header, record, strict=True))))

    def _skip(self, count: int, what: str) -> list[list[str]]:
        records = list(islice(self._reader, count))
        if len(records) < count:
            raise HostError(f"failed to create a new parser; reason: {what}; reason: EOF")
        return records


def checked(options: str) -> Settings:
    """The options of a call; raises ``HostError`` for those that contradict each other."""
    settings = msgspec.json.decode(options, type=Settings)
    if len(settings.delimiter.encode()) != 1:
        raise HostError(_OPTIONS + "delimiter must be a single character")
    if settings.to_line and settings.from_line > settings.to_line:
        raise HostError(_OPTIONS + "fromLine must be less than or equal to toLine")
    if settings.from_line < 0:
        raise HostError(
            f"{_PARSER}the 'fromLine' option must be greater than or equal to 0; got {settings.from_line}"
        )
    if settings.as_objects and settings.skip_first_line:
        raise HostError(f"{_PARSER}the 'header' option cannot be enabled when 'skipFirstLine' is true")
    if settings.as_objects and settings.from_line > 0:
        raise HostError(
            f"{_PARSER}the 'header' option cannot be enabled when 'fromLine' is set to a value greater than 0"
        )
    return settings


_OPTIONS = "failed to interpret the provided Parser options; reason: "
_PARSER = "failed to create a new parser; reason: "


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``experimental_csv.js`` needs."""
    tables = row_tables(vu.shared)
    files = opened_files(vu)
    parsers: list[Records] = []

    def parse(number: int, options: str) -> int:
        # The same file with the same options is one table, whichever VU asks first.
        name = f"csv of {number}: {options}"
        found = tables.find(name)
        if found >= 0:
            return found
        rows = SharedRows()
        try:
            rows.extend(Records(files[number].content, checked(options)))
        except HostError as error:
            raise _reading(error) from None
        return tables.add(rows, name)

    def new_parser(number: int, options: str) -> int:
        if vu.phase != "init":
            raise HostError("csv Parser constructor must be called in the init context")
        parsers.append(Records(files[number].content, checked(options)))
        return len(parsers) - 1

    def following(number: int) -> Primitive:
        try:
            return Text(next(parsers[number]))
        except StopIteration:
            return None
        except HostError as error:
            raise _reading(error) from None

    return {"parse": parse, "newParser": new_parser, "next": following}


def _reading(error: HostError) -> HostError:
    if error.message.startswith("failed to"):
        return error
    return HostError(f"failed to read record; reason: {error.message}")
