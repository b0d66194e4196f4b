"""What a request gives back: a response, or one that carries an error; never an exception by itself."""

import codecs
import json as stdlib_json
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from swell.net.headers import Headers

if TYPE_CHECKING:
    from swell.net.http1 import ResponseHead
    from swell.net.transport import Connection

NS_PER_MS = 1e6
_decode = msgspec.json.decode


# Python's codecs that are no charsets, and of which some raise whatever the error handler says.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})


def text_codec(charset: str) -> str:
    """The codec for a charset that a server names: UTF-8 where Python knows no such charset."""
    try:
        "".encode(charset)
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):  # unknown, no text encoding (hex), or a NUL in its name
        return "utf-8"
    return "utf-8" if name in _NO_CHARSETS else charset


class Timings(NamedTuple):
    """The phases of one exchange in milliseconds; ``duration`` = sending + waiting + receiving."""

    duration: float
    blocked: float
    connecting: float
    tls_handshaking: float
    sending: float
    waiting: float
    receiving: float
    looking_up: float = 0.0


class Request:
    """What was to be sent, where it could not even be prepared."""

    __slots__ = ("body", "headers", "method", "text")

    def __init__(self, method: str, url: str, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.text = url
        self.headers = headers
        self.body = body


class SentRequest(Protocol):
    """What a response tells about its request; ``text`` is the URL."""

    method: str
    text: str
    headers: dict[str, str]
    body: bytes


class RequestError(Exception):
    """Raised by ``raise_for_status``, and for failed requests when the option ``throw`` is on."""

    def __init__(self, message: str, response: "Response") -> None:
        super().__init__(message)
        self.response = response


class Response:
    """One answer, or the failure to get one: then ``status_code`` is 0 and ``error`` says why."""

    __slots__ = (
        "__dict__",
        "_connection",
        "_head",
        "_phases",
        "content",
        "request",
        "status_code",
    )

    # Set on the few responses that have them: a class attribute costs nothing per response.
    error: str = ""
    error_code: int = 0
    # What ``error`` was before the front end's rules made it shorter; empty where they did not.
    cause: str = ""
    history: "tuple[Response, ...]" = ()
    # The Cookie header that was sent: it is no part of the prepared request.
    sent_cookies: str = ""

    def __init__(
        self,
        status_code: int,
        request: SentRequest,
        head: "ResponseHead | None",
        content: bytes,
        phases: tuple[int, int, int, int, int, int],
        connection: "Connection | None",
    ) -> None:
        self.status_code = status_code
        self.request = request
        self.content = content
        self._head = head
        self._phases = phases
        self._connection = connection

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>" if not self.error else f"<Response [0] {self.error}>"

    @property
    def url(self) -> str:
        """The URL that answered: after redirects, the last one."""
        return self.request.text

    @property
    def connection(self) -> "Connection | None":
        """The connection it came over."""
        return self._connection

    @property
    def remote_ip(self) -> str:
        """The address that answered; empty where there was no connection."""
        return self._connection.address.ip if self._connection is not None else ""

    @property
    def remote_port(self) -> int:
        """The port that answered, or 0."""
        return self._connection.address.port if self._connection is not None else 0

    @property
    def tls_version(self) -> str:
        """Such as ``tls1.3``; empty without TLS."""
        return self._connection.tls_version if self._connection is not None else ""

    @property
    def tls_cipher_suite(self) -> str:
        """The cipher suite by its registered name; empty without TLS."""
        return self._connection.tls_cipher if self._connection is not None else ""

    @property
    def ok(self) -> bool:
        """True for a status below 400 and no error."""
        return 0 < self.status_code < 400  # noqa: PLR2004  # the first error status

    @property
    def reason(self) -> str:
        """The reason phrase the server sent, or the standard one."""
        if self._head is not None and self._head.reason:
            return self._head.reason
        try:
            return HTTPStatus(self.status_code).phrase
        except ValueError:
            return ""

    @property
    def http_version(self) -> str:
        """``HTTP/1.1`` or ``HTTP/1.0``; empty where there was no response."""
        return f"HTTP/{self._head.http_version}" if self._head is not None else ""

    @cached_property
    def headers(self) -> Headers:
        """The response's header fields."""
        if self._head is None:
            return Headers()
        return Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._head.fields)

    def header_bytes(self, name: bytes) -> list[bytes]:
        """All values of the header field ``name`` (lower case) as they came."""
        return self._head.values(name) if self._head is not None else []

    @property
    def encoding(self) -> str:
        """The charset that ``text`` is decoded with: the header's, else UTF-8."""
        content_type = self.headers.get("content-type", "") or ""
        for parameter in content_type.split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip('"') or "utf-8"
        return "utf-8"

    @cached_property
    def text(self) -> str:
        """The body as text; bytes that are none become U+FFFD."""
        return self.content.decode(text_codec(self.encoding), "replace")

    def json(self) -> Any:
        """The body parsed as JSON.

        Raises ``ValueError`` where it is no JSON; the message names the request.
        """
        try:
            return _decode(self.content)
        except msgspec.DecodeError:
            pass
        try:
            # The standard parser takes what msgspec does not: NaN, infinities, huge integers.
            return stdlib_json.loads(self.content)
        except ValueError as error:
            if self.error:
                raise ValueError(
                    f"{self.request.method} {self.url} has no JSON: it got no answer ({self.error})"
                ) from None
            raise ValueError(
                f"the response to {self.request.method} {self.url} is not JSON: {error}"
                f" (status {self.status_code}, {len(self.content)} bytes)"
            ) from None

    @property
    def timings(self) -> Timings:
        """The phases of the last exchange, in milliseconds."""
        blocked, connecting, tls, sending, waiting, receiving = (ns / NS_PER_MS for ns in self._phases)
        return Timings(sending + waiting + receiving, blocked, connecting, tls, sending, waiting, receiving)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that this response set: name to value."""
        found: dict[str, str] = {}
        if self._head is not None and self._head.has_cookies:
            for value in self._head.values(b"set-cookie"):
                name, separator, rest = value.decode("latin-1").partition("=")
                if separator:
                    found[name.strip()] = rest.partition(";")[0].strip().strip('"')
        return found

    def raise_for_status(self) -> "Response":
        """Raise ``RequestError`` for an error or a status of 400 and above; else give the response back."""
        if self.error or self.status_code >= 400:  # noqa: PLR2004
            what = self.error or f"{self.status_code} {self.reason}"
            raise RequestError(f"{self.request.method} {self.url}: {what}", self)
        return self
