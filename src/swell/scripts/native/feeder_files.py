"""Reading the rows of a feeder from CSV and JSON files, with every malformed line named."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec

# More would bury the first ones.
MAX_FAULTS = 5
JSON_LINES = (".jsonl", ".ndjson")


class RowFaults(Exception):  # noqa: N818  # carries faults, is never shown itself
    """The file cannot be used: (line or None, message) for each thing wrong with it."""

    def __init__(self, faults: list[tuple[int | None, str]]) -> None:
        super().__init__(faults)
        self.faults = faults


def read_text(path: Path, encoding: str) -> str:
    """The file as text; raises ``RowFaults`` where it cannot be read or decoded."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise RowFaults([(None, "does not exist")]) from None
    except OSError as error:
        raise RowFaults([(None, f"cannot be read: {error.strerror}")]) from None
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RowFaults([(line, f"is not {encoding}: byte 0x{raw[error.start]:02x}")]) from None
    except LookupError:
        raise RowFaults([(None, f"cannot be read: there is no encoding {encoding!r}")]) from None


def read_csv(path: Path, delimiter: str, encoding: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The columns of a CSV file (its first line) and its rows; empty lines are skipped.

    Raises ``RowFaults`` for rows that are longer or shorter than the header, and for bad quoting.
    """
    text = read_text(path, encoding)
    faults: list[tuple[int | None, str]] = []
    rows: list[tuple[str, ...]] = []
    columns: tuple[str, ...] = ()
    for line, cells in _numbered(text, delimiter, faults):
        if not cells:
            continue
        if not columns:
            columns = tuple(cell.strip() for cell in cells)
            faults += _header_faults(line, columns)
        elif len(cells) != len(columns):
            fields = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
            faults.append((line, f"has {fields} where the header has {len(columns)}"))
        else:
            rows.append(tuple(cells))
    if not faults and not columns:
        faults.append((None, "is empty; the first line must name the columns"))
    elif not faults and not rows:
        faults.append((None, "has a header but no rows"))
    if faults:
        raise RowFaults(_bounded(faults))
    return columns, rows


def _numbered(
    text: str, delimiter: str, faults: list[tuple[int | None, str]]
) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins on; a quoting error ends the file."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append((line, f"is malformed: {error}"))


def _header_faults(line: int, columns: tuple[str, ...]) -> list[tuple[int | None, str]]:
    faults: list[tuple[int | None, str]] = []
    if not all(columns):
        faults.append((line, "has a column without a name"))
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    faults += [(line, f"names the column {name!r} twice") for name in twice]
    return faults


def read_json(path: Path, encoding: str) -> list[bytes]:
    """The elements of a JSON array, or the lines of a ``.jsonl`` file, each still encoded.

    Raises ``RowFaults`` with the line of what is no JSON.
    """
    text = read_text(path, encoding).removeprefix("\ufeff")
    if path.suffix.lower() in JSON_LINES:
        return _json_lines(text)
    try:
        # Raw: each row stays bytes until a VU takes it; a million rows are a million objects fewer.
        elements = msgspec.json.decode(text.encode(), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise RowFaults([_json_fault(text, error)]) from None
    if not elements:
        raise RowFaults([(None, "is an empty array; a feeder needs at least one row")])
    return [bytes(element) for element in elements]


def _json_lines(text: str) -> list[bytes]:
    rows: list[bytes] = []
    faults: list[tuple[int | None, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        encoded = line.encode()
        try:
            msgspec.json.decode(encoded)
        except (msgspec.DecodeError, RecursionError) as error:
            faults.append((number, f"is not JSON: {error}"))
        else:
            rows.append(encoded)
    if not faults and not rows:
        faults.append((None, "is empty; a feeder needs at least one row"))
    if faults:
        raise RowFaults(_bounded(faults))
    return rows


def _json_fault(text: str, error: Exception) -> tuple[int | None, str]:
    """The standard parser says on which line; msgspec says why where only the shape is wrong."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as found:
        return found.lineno, f"is not JSON: {found.msg} (column {found.colno})"
    except RecursionError:
        return None, "is nested too deeply"
    if not isinstance(value, list):
        kind = "object" if isinstance(value, dict) else type(value).__name__
        return None, f"holds one {kind}; a feeder reads an array of rows"
    return None, f"is not JSON: {error}"


def _bounded(faults: list[tuple[int | None, str]]) -> list[tuple[int | None, str]]:
    if len(faults) <= MAX_FAULTS:
        return faults
    return [*faults[:MAX_FAULTS], (None, f"has {len(faults) - MAX_FAULTS} more faults")]
