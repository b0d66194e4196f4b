"""Reads CSV as k6 does: strict quotes (RFC 4180), no empty lines, as many fields in every record."""

from collections.abc import Iterator
from typing import Final

from swell.scripts.k6.values import HostError

_QUOTE: Final = '"'
# What Go's reader, and so k6, does not take as a delimiter.
_NO_DELIMITER: Final = frozenset('"\r\n\ufffd')


class CSVReader:
    """Iterates over the records of a text, each a list of fields.

    A record with another number of fields than the first, or with a stray quote, raises ``HostError``; the
    next one can be read after it.
    """

    def __init__(self, text: str, delimiter: str = ",") -> None:
        if delimiter in _NO_DELIMITER:
            raise HostError("csv: invalid field or comment delimiter")
        # Lines end with \n or \r\n, and the latter counts as the former, in quotes too.
        self._lines = text.replace("\r\n", "\n").split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._delimiter = delimiter
        self._at = 0
        self._fields = -1

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        lines = self._lines
        while self._at < len(lines) and not lines[self._at]:
            self._at += 1
        if self._at >= len(lines):
            raise StopIteration
        first = self._at
        line = lines[first]
        self._at += 1
        record = line.split(self._delimiter) if _QUOTE not in line else self._quoted(line)
        if self._fields < 0:
            self._fields = len(record)
        elif len(record) != self._fields:
            raise HostError(f"record on line {first + 1}: wrong number of fields")
        return record

    def _quoted(self, line: str) -> list[str]:
        """A record with quotes, which may go over several lines."""
        begun, record, at = self._at, [], 0
        while True:
            if line[at : at + 1] == _QUOTE:
                field, line, at = self._quoted_field(line, at + 1, begun)
            else:
                end = line.find(self._delimiter, at)
                field = line[at:] if end < 0 else line[at:end]
                if _QUOTE in field:
                    raise self._problem('bare " in non-quoted-field', line, at + field.index(_QUOTE), begun)
                at += len(field)
            record.append(field)
            if at >= len(line):
                return record
            at += 1

    def _quoted_field(self, line: str, at: int, begun: int) -> tuple[str, str, int]:
        """A field from behind its first quote: its text, and the line and place behind its last one."""
        text = ""
        while True:
            end = line.find(_QUOTE, at)
            if end < 0:
                text += line[at:] + "\n"
                if self._at >= len(self._lines):
                    raise self._problem('extraneous or missing " in quoted-field', line, len(line) + 1, begun)
                line = self._lines[self._at]
                self._at += 1
                at = 0
                continue
            text += line[at:end]
            at = end + 1
            if line[at : at + 1] == _QUOTE:
                text += _QUOTE
                at += 1
            elif at == len(line) or line[at] == self._delimiter:
                return text, line, at
            else:
                raise self._problem('extraneous or missing " in quoted-field', line, end, begun)

    def _problem(self, what: str, line: str, at: int, begun: int) -> HostError:
        # In bytes, from 1; at the end of the text it is the place behind the line's end.
        column = len(f"{line}\n"[:at].encode()) + 1
        began = f"record on line {begun}; " if begun != self._at else ""
        return HostError(f"{began}parse error on line {self._at}, column {column}: {what}")
