"""Request bodies on their way out: pieces from the script's own iterators, and ``Expect: 100-continue``."""

from collections.abc import Iterator
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from swell.net.failure import ExchangeTimeoutError, FailureError
from swell.net.http1 import CONTINUE

if TYPE_CHECKING:
    from swell.net.transport import Connection

# A server that does not know the field never answers it; Go's client waits as long, and so does curl.
CONTINUE_TIMEOUT_NS: Final = 1_000_000_000


class RequestBodyError(Exception):
    """The script's own iterator raised ``cause`` while its pieces were being sent."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def next_piece(body: Iterator[bytes]) -> bytes | None:
    """The next piece, None at the end; what a script's iterator raises comes as ``RequestBodyError``."""
    try:
        return next(body, None)
    except (FailureError, ExchangeTimeoutError):
        raise
    except Exception as error:
        raise RequestBodyError(error) from error


class ContinueBody:
    """A body that is sent when the server asks for it with 100, or says nothing for a second (RFC 9110).

    ``is_withheld`` is True when the server gave its final answer instead: it never got the body.
    """

    __slots__ = ("_connection", "_deadline_ns", "_pieces", "_waited", "is_withheld")

    def __init__(self, connection: "Connection", pieces: Iterator[bytes], deadline_ns: int) -> None:
        self._connection = connection
        self._pieces = pieces
        self._deadline_ns = deadline_ns
        self._waited = False
        self.is_withheld = False
        connection.parser.last_interim = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._waited:
            self._waited = True
            self._wait()
        if self.is_withheld:
            raise StopIteration
        return next(self._pieces)

    def _wait(self) -> None:
        connection = self._connection
        parser = connection.parser
        until_ns = min(self._deadline_ns, monotonic_ns() + CONTINUE_TIMEOUT_NS)
        while parser.last_interim != CONTINUE and parser.head is None and not connection.has_failed:
            try:
                connection.poll(until_ns)
            except ExchangeTimeoutError:
                if until_ns == self._deadline_ns:
                    raise
                return
        if parser.head is not None or connection.has_failed:
            self.is_withheld = True
        else:
            # The answer to the request is still to come: waiting is counted to its first byte, not to this.
            connection.first_byte_ns = 0
