"""A script's ledgers and invariants as the engine runs them: parts out, parts in, one look at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from swell.base.errors import SwellError
from swell.engine.invariants import Attempt
from swell.engine.vu import ControlFlow
from swell.metrics.invariants import Finding, LedgerState
from swell.scripts.native.attempt import Look, looking_at
from swell.scripts.native.ledger import Ledger
from swell.scripts.native.spool import decode_block
from swell.scripts.native.stacks import script_stack, summary_line


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A block of one worker's ledger on its way to worker 0; ``missing`` says what that worker lost of it."""

    ledger: str
    block: bytes
    missing: str = ""


class Audit:
    """The ledgers and invariants of one loaded script in one worker."""

    def __init__(self, ledgers: Mapping[str, Ledger], invariants: Sequence[Callable[..., object]]) -> None:
        self._ledgers = ledgers
        self._invariants = invariants
        self._parts: Iterator[Part] | None = None
        self._next: Part | None = None

    def __repr__(self) -> str:
        return f"<Audit ledgers={list(self._ledgers)} invariants={len(self._invariants)}>"

    def take(self) -> tuple[bytes, bool]:
        """The next part of the ledgers, and whether it is the last; an empty part where there is nothing."""
        if self._parts is None:
            self._parts = self._all_parts()
            self._next = next(self._parts, None)
        part, self._next = self._next, next(self._parts, None)
        return (msgspec.msgpack.encode(part) if part is not None else b""), self._next is None

    def add(self, encoded: bytes) -> None:
        """Merge a part of another worker."""
        if not encoded:
            return
        part = msgspec.msgpack.decode(encoded, type=Part)
        book = self._ledgers[part.ledger]
        book.missing = book.missing or part.missing
        book.add(decode_block(part.block))

    def states(self) -> tuple[LedgerState, ...]:
        """What the ledgers hold, in the order of the script."""
        return tuple(book.state() for book in self._ledgers.values())

    def look(self, number: int, call: Callable[[Callable[..., Any]], Any]) -> Attempt:
        """Look once at the invariant ``number``; ``call`` calls its function as the script's VU.

        A function that returns a value other than None or True does not hold either: ``return a == b`` is as
        natural as ``assert``.
        """
        look = Look()
        error = ""
        token = looking_at.set(look)
        try:
            returned = call(self._invariants[number])
            if returned is not None and returned is not True:
                look.add(Finding(f"it returned {returned!r}"))
        except ControlFlow:
            raise
        except AssertionError as failed:
            look.add(Finding(str(failed) or _failed_line(failed)))
        except Exception as raised:  # noqa: BLE001  # whatever the user's function may raise
            hint = raised.hint if isinstance(raised, SwellError) else ""
            error = "; ".join(part for part in (summary_line(raised), hint) if part)
        finally:
            looking_at.reset(token)
        missing = [book.missing for book in self._ledgers.values() if book.missing]
        if missing and look.uses_ledger and not error:
            error = f"the ledgers lack {missing[0]}" if look.findings else ""
        return Attempt(tuple(look.findings), error, look.uses_ledger)

    def _all_parts(self) -> Iterator[Part]:
        for name, book in self._ledgers.items():
            for block in book.take_blocks():
                yield Part(name, block, book.missing)


def _failed_line(failed: AssertionError) -> str:
    """The line of an assertion without a message: it says what was looked at."""
    lines = [line.strip() for line in script_stack(failed).splitlines()]
    return next((line for line in reversed(lines) if line.startswith("assert")), "an assertion failed")
