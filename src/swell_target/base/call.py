"""A request as a handler sees it, and its answer."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from swell_target.base.database import Database
from swell_target.base.faults import Faults
from swell_target.base.runtime import Runtime

if TYPE_CHECKING:
    from swell_target.base.service import Route

Scope = dict[str, Any]


class Call:
    """One request (or the opening handshake of a WebSocket)."""

    __slots__ = ("_headers", "identity", "raw_body", "route", "runtime", "scope", "trace_id")

    def __init__(self, scope: Scope, runtime: Runtime, route: "Route", trace_id: str) -> None:
        self.scope = scope
        self.runtime = runtime
        self.route = route
        self.trace_id = trace_id
        self.raw_body = b""
        self.identity: Any = None
        self._headers: dict[str, str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Lower-case names; of a header sent twice, the last (cookies: see ``cookies``)."""
        if self._headers is None:
            self._headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]
            }
        return self._headers

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        """The query string's pairs, in order."""
        return parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)

    @property
    def cookies(self) -> list[tuple[str, str]]:
        """All cookies, in order; one name may come several times (k6 sends its own and the jar's)."""
        pairs = []
        for name, value in self.scope["headers"]:
            if name == b"cookie":
                for part in value.decode("latin-1").split(";"):
                    key, _, content = part.strip().partition("=")
                    pairs.append((key, content))
        return pairs

    @property
    def bearer(self) -> str | None:
        """The token of ``Authorization: Bearer``, or None."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    @property
    def client(self) -> str:
        """The caller's address; "" where it has none (a Unix socket)."""
        peer = self.scope.get("client")
        return str(peer[0]) if peer else ""

    @property
    def db(self) -> Database:
        """The service's database."""
        return self.runtime.db

    @property
    def faults(self) -> Faults:
        """The service's faults."""
        return self.runtime.faults


class Reply:
    """An answer that is more than a value with the usual status.

    ``content`` is encoded as JSON, unless it is text or bytes with a ``media`` type of their own; ``stream``
    is sent piece by piece as it comes.
    """

    __slots__ = ("content", "headers", "media", "status", "stream")

    def __init__(
        self,
        content: object = None,
        status: int = 200,
        *,
        headers: Sequence[tuple[str, str]] = (),
        media: str = "application/json",
        stream: AsyncIterator[bytes] | None = None,
    ) -> None:
        self.content = content
        self.status = status
        self.headers = headers
        self.media = media
        self.stream = stream
