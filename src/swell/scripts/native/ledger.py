"""``ledger``: what became of every write, so that an invariant can hold the target to it."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Literal, Protocol, TypeVar

from swell.engine.vu import current_vu
from swell.metrics.invariants import LedgerState
from swell.scripts.native.attempt import looking
from swell.scripts.native.book import Book, Entry, Totals
from swell.scripts.native.spool import Outcome, Record, Spool, decode_block, key_text
from swell.scripts.native.state import init_context

# From here on the target says that it does not know itself what became of the request.
SERVER_ERRORS = 500
SUCCESSES = range(200, 300)


class Answer(Protocol):
    """What ``record`` needs of a response: its status, 0 where there was no answer."""

    @property
    def status_code(self) -> int:
        """The status, or 0."""
        ...


A = TypeVar("A", bound=Answer)
Key = str | int | None


class Ledger:
    """The writes of one kind; made by ``ledger`` at the top level of a script.

    Iterations fill it; invariants read it, merged over all workers. A key is the id under which the write
    would be found at the target; without one (None: the target gives ids, and did not answer) the write is
    counted only. Of several records of a key the strongest counts: acknowledged, then unknown, then refused.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._spool = Spool()
        self._book: Book | None = None
        # Why records are missing here; the first reason is kept.
        self.missing = ""

    def __repr__(self) -> str:
        return f"ledger({self.name!r})"

    # What iterations call.

    def write(
        self,
        key: Key,
        send: Callable[[], A],
        *,
        amount: float = 0.0,
        expected: int | Collection[int] = SUCCESSES,
    ) -> A:
        """Call ``send``, record its response and give it back: ``orders.write(id, lambda: http.post(...))``.

        Unlike ``record`` it misses nothing: a write that is cut short by the end of the run, or by an
        exception, is recorded as unknown.
        """
        try:
            answer = send()
        except BaseException:
            self.unknown(key, amount=amount)
            raise
        self.record(key, answer, amount=amount, expected=expected)
        return answer

    def record(
        self,
        key: Key,
        response: Answer,
        *,
        amount: float = 0.0,
        expected: int | Collection[int] = SUCCESSES,
    ) -> None:
        """Record what ``response`` says became of the write ``key``.

        Acknowledged: an ``expected`` status (2xx). Refused: any other below 500. Unknown: no answer, or a
        server error: the write may have taken place or not.
        """
        status = response.status_code
        if status == expected if isinstance(expected, int) else status in expected:
            self._append(key, Outcome.ACKNOWLEDGED, amount)
        elif 0 < status < SERVER_ERRORS:
            self._append(key, Outcome.REFUSED, amount)
        else:
            self._append(key, Outcome.UNKNOWN, amount)

    def acknowledged(self, key: Key, *, amount: float = 0.0) -> None:
        """Record that the target has taken the write ``key``."""
        self._append(key, Outcome.ACKNOWLEDGED, amount)

    def refused(self, key: Key, *, amount: float = 0.0) -> None:
        """Record that the target has refused the write ``key``."""
        self._append(key, Outcome.REFUSED, amount)

    def unknown(self, key: Key, *, amount: float = 0.0) -> None:
        """Record that nobody knows whether the write ``key`` took place."""
        self._append(key, Outcome.UNKNOWN, amount)

    # What invariants call.

    def compare(
        self, found: Iterable[object], *, times: int | Literal["amount"] = 1, strict: bool = False
    ) -> bool:
        """Hold the ledger against the ids ``found`` at the target; whether they agree.

        Every acknowledged key must be there exactly once, no refused one, an unknown one at most once. What
        is not in the ledger is ignored, unless ``strict``. ``found`` may be a generator that asks page by
        page; ``times`` is how often a key must be there instead of once, as a number or (``"amount"``) the
        amount recorded with it.
        """
        look = looking(f"{self!r}.compare()")
        return look.compared(self.name, self._merged().compare(found, times=times, strict=strict))

    def count(self, what: str, actual: float) -> bool:
        """Whether ``actual`` is as many as were acknowledged, or up to as many more as are unknown."""
        totals = self.totals()
        low, high = totals.acknowledged, totals.acknowledged + totals.unknown
        return looking(f"{self!r}.count()").between(what, actual, low, high)

    def balance(self, what: str, actual: float) -> bool:
        """Whether ``actual`` is the sum of the amounts acknowledged, give or take the unknown ones."""
        totals = self.totals()
        return looking(f"{self!r}.balance()").between(what, actual, totals.low, totals.high)

    def totals(self) -> Totals:
        """Counts by outcome, each key once, and sums of amounts."""
        looking(f"{self!r}.totals()").uses_ledger = True
        return self._merged().totals()

    def entries(self) -> Iterator[Entry]:
        """Every key with its outcome, amount and how often it was recorded so, in the order of the keys."""
        looking(f"{self!r}.entries()").uses_ledger = True
        return self._merged().entries()

    def keys(self) -> Iterator[str]:
        """The acknowledged keys, each as often as it was recorded: to compare another ledger with."""
        for entry in self.entries():
            if entry.outcome == "acknowledged":
                for _ in range(entry.times):
                    yield entry.key

    # What the engine calls, through the script.

    def take_blocks(self) -> Iterator[bytes]:
        """What this worker wrote down, block by block, once."""
        return self._spool.take_blocks()

    def add(self, records: Iterable[Record]) -> None:
        """Merge another worker's records."""
        self._opened().add(records)

    def state(self) -> LedgerState:
        """Count for the summary."""
        totals = self._merged().totals()
        unknown_amount = totals.high + totals.low - 2 * totals.amount
        return LedgerState(
            self.name, totals.acknowledged, totals.refused, totals.unknown, totals.amount, unknown_amount
        )

    # Helpers.

    def _append(self, key: Key, outcome: Outcome, amount: float) -> None:
        if not math.isfinite(amount):
            raise ValueError(f"{self!r}: the amount {amount} is not finite")
        text = None if key is None else key_text(key)
        try:
            self._spool.append(Record(text, outcome, amount))
        except OSError as error:
            self._lack(f"records that could not be written: {error.strerror or error}")

    def _lack(self, what: str) -> None:
        if self.missing:
            return
        self.missing = what
        vu = current_vu.get(None)
        if vu is not None:
            vu.runtime.log("warning", f"the ledger {self.name!r} lacks {what}")

    def _opened(self) -> Book:
        if self._book is None:
            self._book = Book()
        return self._book

    def _merged(self) -> Book:
        """The book with what this worker wrote down since it was last asked."""
        book = self._opened()
        for block in self._spool.take_blocks():
            book.add(decode_block(block))
        return book


def ledger(name: str) -> Ledger:
    """Declare a ledger; at the top level of the script, each name once.

    Its records are kept in a temporary file in each worker (about 45 bytes a write), merged by worker 0 when
    the scenarios are over.
    """
    made = Ledger(name)
    declarations = init_context(f"ledger({name!r})")
    if declarations is None:
        return made
    if not isinstance(name, str) or not name:
        declarations.fault(f"{name!r} is no name for a ledger", "give it a text, such as ledger('orders')")
    elif name in declarations.ledgers:
        declarations.fault(f"the ledger {name!r} is declared twice", "give one of them another name")
    else:
        declarations.ledgers[name] = made
    return made
