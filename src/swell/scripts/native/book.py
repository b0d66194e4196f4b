"""A ledger merged over all workers, and its comparison with what exists at the target.

One row per key in a temporary SQLite database, so that memory is bounded however many writes there were.
Merging takes, per key, the highest (outcome, amount) and the sum of its records: the order in which records
and blocks come does not matter.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, NamedTuple, TypeVar

from swell.metrics.invariants import Finding
from swell.scripts.native.attempt import SHOWN_IDS
from swell.scripts.native.spool import Outcome, Record, key_text

T = TypeVar("T")

# Pages of the database that SQLite keeps in memory, in KiB.
CACHE_KIB = 16 * 1024
BATCH_ROWS = 5_000

_SCHEMA = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -{CACHE_KIB};
CREATE TABLE entry (
    key TEXT PRIMARY KEY, outcome INTEGER NOT NULL, amount REAL NOT NULL, times INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE found (key TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID;
"""
_MERGE = """
INSERT INTO entry VALUES (?, ?, ?, 1)
ON CONFLICT (key) DO UPDATE SET
    amount = iif((excluded.outcome, excluded.amount) > (outcome, amount), excluded.amount, amount),
    times = iif(excluded.outcome = outcome, times + 1, iif(excluded.outcome > outcome, 1, times)),
    outcome = max(outcome, excluded.outcome)
"""
_FIND = "INSERT INTO found VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET times = times + 1"
_WRITTEN = "entry LEFT JOIN found ON found.key = entry.key"


class Totals(NamedTuple):
    """Writes by outcome, each key once, and the sums of their amounts.

    The unknown amounts are summed apart by sign: between ``low`` and ``high`` lies every sum that the target
    may have, whichever of the unknown writes took place.
    """

    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    amount: float = 0.0
    low: float = 0.0
    high: float = 0.0


class Entry(NamedTuple):
    """One key: its outcome, its amount, and how often it was recorded with that outcome."""

    key: str
    outcome: Literal["acknowledged", "refused", "unknown"]
    amount: float
    times: int


class Book:
    """The merged records of one ledger."""

    def __init__(self) -> None:
        # An empty name is a temporary file, removed by SQLite itself.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_SCHEMA)
        # One transaction for ever: nobody else reads it, and one for each row costs ten times as much.
        self._database.execute("BEGIN")
        self._keyless = Totals()

    def __repr__(self) -> str:
        return f"<Book {self.totals()}>"

    def add(self, records: Iterable[Record]) -> None:
        """Merge ``records``, of one worker or several, in any order."""
        for batch in _batches(records):
            for record in batch:
                if record.key is None:
                    self._keyless = _with(self._keyless, record.outcome, 1, record.amount)
            rows = ((r.key, int(r.outcome), r.amount) for r in batch if r.key is not None)
            self._database.executemany(_MERGE, rows)

    def totals(self) -> Totals:
        """Count and sum."""
        totals = self._keyless
        sums = (
            "SELECT outcome, count(*), sum(min(amount, 0)), sum(max(amount, 0)) FROM entry GROUP BY outcome"
        )
        for outcome, count, negative, positive in self._database.execute(sums):
            totals = _with(totals, Outcome(outcome), count, negative)
            totals = _with(totals, Outcome(outcome), 0, positive)
        return totals

    def entries(self) -> Iterator[Entry]:
        """Every key, in order; writes without a key are not among them."""
        for key, outcome, amount, times in self._database.execute("SELECT * FROM entry ORDER BY key"):
            yield Entry(key, _NAMES[Outcome(outcome)], amount, times)

    def compare(
        self, found: Iterable[object], *, times: int | Literal["amount"] = 1, strict: bool = False
    ) -> list[Finding]:
        """Hold the ledger against all ids that exist; each way in which they differ is a finding.

        An acknowledged key must be in ``found`` exactly ``times`` times (or as often as its amount says), a
        refused one not at all, an unknown one at most so often; with ``strict`` nothing else may exist,
        except as many as there are unknown writes without a key.
        """
        database = self._database
        database.execute("DELETE FROM found")
        for batch in _batches(found):
            database.executemany(_FIND, ((key_text(key),) for key in batch))
        wanted = "entry.amount" if times == "amount" else str(int(times))
        acknowledged = f"outcome = {Outcome.ACKNOWLEDGED:d} AND"
        ways = [
            ("acknowledged, and not there", f"{acknowledged} {wanted} > 0 AND found.times IS NULL"),
            ("acknowledged, and there too few times", f"{acknowledged} found.times < {wanted}"),
            ("acknowledged, and there too many times", f"{acknowledged} found.times > {wanted}"),
            ("refused, and there all the same", f"outcome = {Outcome.REFUSED:d} AND found.times > 0"),
            (
                "of unknown outcome, and there too many times",
                f"outcome = {Outcome.UNKNOWN:d} AND found.times > {wanted}",
            ),
        ]
        # All counts in one pass: as a rule they are 0, and that is all. No text of these comes from outside.
        sums = ", ".join(f"total({condition})" for _, condition in ways)
        counts = database.execute(f"SELECT {sums} FROM {_WRITTEN}").fetchone()  # noqa: S608
        findings = [
            Finding(what, int(count), self._first_ids(f"{_WRITTEN} WHERE {condition}"))
            for (what, condition), count in zip(ways, counts, strict=True)
            if count
        ]
        if strict:
            alone = "found LEFT JOIN entry ON entry.key = found.key WHERE entry.key IS NULL"
            (count,) = database.execute(f"SELECT count(*) FROM {alone}").fetchone()  # noqa: S608
            if count > self._keyless.unknown:
                findings.append(Finding("there, and never written", count, self._first_ids(alone)))
        return findings

    def close(self) -> None:
        """Give the file back."""
        self._database.close()

    def _first_ids(self, rows: str) -> tuple[str, ...]:
        ids = f"SELECT coalesce(entry.key, found.key), found.times FROM {rows}"  # noqa: S608
        first = f"{ids} ORDER BY 1 LIMIT {SHOWN_IDS}"
        return tuple(
            f"{key} ({times} times)" if (times or 1) > 1 else key
            for key, times in self._database.execute(first)
        )


_NAMES: dict[Outcome, Literal["acknowledged", "refused", "unknown"]] = {
    Outcome.ACKNOWLEDGED: "acknowledged",
    Outcome.REFUSED: "refused",
    Outcome.UNKNOWN: "unknown",
}


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH_ROWS)):
        yield batch


def _with(totals: Totals, outcome: Outcome, count: int, amount: float) -> Totals:
    match outcome:
        case Outcome.ACKNOWLEDGED:
            return totals._replace(
                acknowledged=totals.acknowledged + count,
                amount=totals.amount + amount,
                low=totals.low + amount,
                high=totals.high + amount,
            )
        case Outcome.REFUSED:
            return totals._replace(refused=totals.refused + count)
        case Outcome.UNKNOWN:
            return totals._replace(
                unknown=totals.unknown + count,
                low=totals.low + min(amount, 0.0),
                high=totals.high + max(amount, 0.0),
            )
