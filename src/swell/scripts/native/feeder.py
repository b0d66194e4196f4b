"""``feeder``: test data, held once per worker and dealt out to its virtual users.

Worker k of n deals out the rows k, k+n, k+2n and so on, round the end where they are ``circular``. So each
``unique`` row goes to one VU only over all workers, and nothing is negotiated while the test runs.
"""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, Literal, NoReturn, TypeVar

import msgspec

from swell.engine.vu import VU, RunAborted, VUStopped, current_vu
from swell.scripts.native.feeder_files import RowFaults, read_csv, read_json
from swell.scripts.native.jsonable import json_faults
from swell.scripts.native.randomness import random
from swell.scripts.native.state import Declarations, init_context, running_vu, short_path

T = TypeVar("T")
Order = Literal["random", "circular", "unique"]
OnExhausted = Literal["stop-vu", "stop-run", "error"]
ORDERS = ("random", "circular", "unique")
ON_EXHAUSTED = ("stop-vu", "stop-run", "error")


class FeederExhausted(Exception):  # noqa: N818  # reads as what happened
    """A ``unique`` feeder has no row left for this worker, and was told to raise."""

    __module__ = "swell"


class Feeder(Generic[T]):
    """Rows that VUs draw from with ``next``; also a sequence of all of them."""

    def __init__(
        self, name: str, count: int, row: Callable[[int], T], order: Order, on_exhausted: OnExhausted
    ) -> None:
        self.name = name
        self.order = order
        self.on_exhausted = on_exhausted
        self._count = count
        self._row = row
        # How many rows this worker has dealt out.
        self._dealt = 0
        self._has_warned = False

    def __repr__(self) -> str:
        return f"<feeder {self.name}: {self._count} rows, {self.order}>"

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> T:
        """The row at ``index``, whatever the order; allowed while the script loads, too."""
        if index < 0:
            index += self._count
        if not 0 <= index < self._count:
            raise IndexError(f"feeder {self.name} has {self._count} rows; there is no row {index}")
        return self._row(index)

    def next(self) -> T:  # what an iterator is asked
        """The next row for this VU, a copy of its own.

        ``random``: any row, by ``swell.random``; ``circular``: each in turn, again and again; ``unique``:
        each once in the whole run. An exhausted unique feeder ends this VU's iterations (``stop-vu``), the
        run (``stop-run``), or raises ``FeederExhausted`` (``error``).
        """
        vu = current_vu.get(None) or running_vu(f"next() of feeder {self.name}")
        if self.order == "random":
            return self._row(random.randrange(self._count))
        index = vu.runtime.worker_index + self._dealt * vu.runtime.worker_count
        if self.order == "circular":
            index %= self._count
        elif index >= self._count:
            self._exhausted(vu)
        self._dealt += 1
        return self._row(index)

    def __next__(self) -> T:
        return self.next()

    def _exhausted(self, vu: VU) -> NoReturn:
        message = f"the unique feeder {self.name} has given out all of its {self._count} rows"
        if vu.runtime.worker_count > 1:
            message += " that belong to this worker"
        if self.on_exhausted == "error":
            raise FeederExhausted(message)
        if self.on_exhausted == "stop-vu":
            if not self._has_warned:
                self._has_warned = True
                vu.runtime.log("warning", f"{message}: the VUs that ask for another end here")
            raise VUStopped(message)
        vu.runtime.abort_run(message)
        raise RunAborted(message)


# The functions of `feeder`


def csv(
    path: str | Path,
    *,
    order: Order = "random",
    on_exhausted: OnExhausted = "stop-vu",
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
) -> Feeder[dict[str, str]]:
    """Read a CSV file whose first line names the columns; each row is a dictionary of texts.

    ``path`` is relative to the script. What is wrong with the file is reported, with its line numbers,
    when the script is loaded.
    """

    def read(file: Path) -> tuple[int, Callable[[int], dict[str, str]]]:
        columns, rows = read_csv(file, delimiter, encoding)
        return len(rows), lambda index: dict(zip(columns, rows[index], strict=True))

    return _from_file("feeder.csv()", path, order, on_exhausted, read)


def json(
    path: str | Path,
    *,
    order: Order = "random",
    on_exhausted: OnExhausted = "stop-vu",
    encoding: str = "utf-8",
) -> Feeder[Any]:
    """Read a JSON file that holds an array of rows, or a ``.jsonl`` file with one row per line.

    ``path`` is relative to the script.
    """

    def read(file: Path) -> tuple[int, Callable[[int], Any]]:
        rows = read_json(file, encoding)
        return len(rows), lambda index: msgspec.json.decode(rows[index])

    return _from_file("feeder.json()", path, order, on_exhausted, read)


def of(rows: Sequence[T], *, order: Order = "random", on_exhausted: OnExhausted = "stop-vu") -> Feeder[T]:
    """Deal out the elements of a sequence; those of JSON types as copies, others themselves."""
    declarations = init_context("feeder.of()")
    _check_choices(declarations, order, on_exhausted)
    kept = list(rows)
    if not kept and declarations is not None:
        declarations.fault("feeder.of() was given no rows", "a feeder needs at least one row")
    return Feeder("of(...)", len(kept), _copier(kept), order, on_exhausted)


def _copier(rows: list[T]) -> Callable[[int], T]:
    """Rows that a VU may change are decoded anew for each; the rest cannot be changed, or not be copied."""
    if not any(isinstance(row, dict | list) for row in rows) or any(json_faults(row, "") for row in rows):
        return rows.__getitem__
    encoded = [msgspec.json.encode(row) for row in rows]
    return lambda index: msgspec.json.decode(encoded[index])


def _from_file(
    what: str,
    path: str | Path,
    order: Order,
    on_exhausted: OnExhausted,
    read: Callable[[Path], tuple[int, Callable[[int], T]]],
) -> Feeder[T]:
    declarations = init_context(what)
    _check_choices(declarations, order, on_exhausted)
    folder = declarations.folder if declarations is not None else Path()
    file = folder / path
    try:
        count, row = read(file)
    except RowFaults as error:
        if declarations is None:
            raise ValueError("; ".join(f"{file}: {message}" for _, message in error.faults)) from None
        # What stands in the file is listed once; that it is not there, for each feeder that names it.
        is_known = file in declarations.broken_files and file.exists()
        declarations.broken_files.add(file)
        for line, message in error.faults if not is_known else ():
            name = short_path(str(file), folder)
            where = f"{name}:{line}" if line is not None else declarations.place()
            declarations.fault(f"{file} {message}" if line is None else f"the line {message}", place=where)
        # The load goes on, so that all faults are listed; the run does not.
        count, row = 0, _no_row
    return Feeder(file.name, count, row, order, on_exhausted)


def _no_row(_index: int) -> Any:
    raise IndexError("this feeder's file could not be read")


def _check_choices(declarations: Declarations | None, order: str, on_exhausted: str) -> None:
    for name, value, allowed in (
        ("order", order, ORDERS),
        ("on_exhausted", on_exhausted, ON_EXHAUSTED),
    ):
        if value in allowed:
            continue
        message = f"unknown {name} {value!r} of a feeder; choose {', '.join(allowed)}"
        close = get_close_matches(str(value), allowed, n=1)
        if declarations is None:
            raise ValueError(message)
        declarations.fault(message, f"did you mean {close[0]!r}?" if close else "")
