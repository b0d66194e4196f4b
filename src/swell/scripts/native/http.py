"""``http``: requests of the running virtual user, with the names of httpx and requests.

Every function takes the same keyword options:

- ``params``, ``headers``, ``cookies``: mappings;
- ``auth``: a (user, password) pair, or what ``basic``, ``digest``, ``ntlm`` and ``bearer`` make;
- ``proxy``: a URL in place of the environment's proxy, or ``""`` for none;
- the body: ``json``, ``data`` (a form, text or bytes), ``content`` (raw, also an iterator) or ``files``;
- ``timeout``: seconds, or text such as ``"500ms"``; 60 s by default, for the whole request with its body;
- ``max_redirects``, ``discard_body``, ``jar`` (in place of the VU's own), ``compression`` of the body;
- ``name``: groups URLs with changing parts under one name; ``tags``: more tags for the samples;
- ``expected``: which statuses are no failure, from ``expected_statuses``.

A failed request is a response with an ``error``, not an exception.
"""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Unpack

from swell.engine.vu import current_vu
from swell.scripts.native.state import running_vu

if TYPE_CHECKING:
    from swell.net.auth import BasicAuth, BearerAuth, DigestAuth
    from swell.net.client import BatchItem, HTTPClient
    from swell.net.cookies import CookieJar
    from swell.net.events import EventStream
    from swell.net.ntlm import NTLMAuth
    from swell.net.requestoptions import RequestOptions
    from swell.net.response import Response
    from swell.net.streaming import StreamedResponse

# RFC 9110, 9.1: a token.
_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
STATUS_MIN = 100
STATUS_MAX = 599


def get(url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send a GET request."""
    client: HTTPClient = (current_vu.get(None) or running_vu("http.get()")).client
    return client.request("GET", url, **options) if options else client.plain_request("GET", url)


def head(url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send a HEAD request."""
    return _client("http.head()").request("HEAD", url, **options)


def post(url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send a POST request."""
    return _client("http.post()").request("POST", url, **options)


def put(url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send a PUT request."""
    return _client("http.put()").request("PUT", url, **options)


def patch(url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send a PATCH request."""
    return _client("http.patch()").request("PATCH", url, **options)


def delete(url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send a DELETE request."""
    return _client("http.delete()").request("DELETE", url, **options)


def options(url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send an OPTIONS request."""
    return _client("http.options()").request("OPTIONS", url, **options)


def request(method: str, url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send a request with any method, which goes out in upper case (as with httpx and requests)."""
    return _client("http.request()").request(_checked(method), url, **options)


def batch(requests: "Iterable[BatchItem]") -> "list[Response]":
    """Send requests side by side, as a browser does, and return their responses in the same order.

    An item is a URL, a (method, URL) pair, or (method, URL, {options}). At most ``batch`` (20) run at once,
    and ``batch_per_host`` (6) to one host.
    """
    return _client("http.batch()").batch([_with_checked_method(item) for item in requests])


def stream(
    method: str,
    url: str,
    *,
    chunk_timeout: float | str | None = None,
    **options: "Unpack[RequestOptions]",
) -> "StreamedResponse":
    """Send a request and read its response while it arrives; use it in a ``with``.

    ::

        with http.stream("GET", url) as response:
            for line in response.iter_lines():
                ...

    ``timeout`` is the time to the head of the response, ``chunk_timeout`` (by default the same) the longest
    wait for each further part.
    """
    return _client("http.stream()").stream(_checked(method), url, chunk_timeout=chunk_timeout, **options)


def events(
    url: str,
    *,
    method: str = "GET",
    chunk_timeout: float | str | None = None,
    last_event_id: str = "",
    **options: "Unpack[RequestOptions]",
) -> "EventStream":
    """Ask for server-sent events, and iterate over them as they arrive.

    Each has ``event``, ``data``, ``id``, ``retry``, ``latency`` (ms since the request was sent), ``gap`` (ms
    since the event before) and ``received_ns`` (the kernel's receive stamp).
    """
    return _client("http.events()").events(
        _checked(method), url, chunk_timeout=chunk_timeout, last_event_id=last_event_id, **options
    )


def basic(username: str, password: str) -> "BasicAuth":
    """For ``auth``: user and password with every request (RFC 7617); the same as the pair."""
    from swell.net.auth import BasicAuth  # noqa: PLC0415  # importing swell stays cheap

    return BasicAuth(username, password)


def digest(username: str, password: str) -> "DigestAuth":
    """For ``auth``: user and password as the answer to a server's challenge (RFC 7616).

    The first request of a VU to a server takes two rounds, each with a sample of its own, where the 401 of
    the first is no failure; later requests of the iteration answer the same challenge at once.
    """
    from swell.net.auth import DigestAuth  # noqa: PLC0415  # importing swell stays cheap

    return DigestAuth(username, password)


def ntlm(username: str, password: str) -> "NTLMAuth":
    r"""For ``auth``: NTLM version 2 ([MS-NLMP]); ``username`` is ``DOMAIN\user``, ``user@domain`` or plain.

    It authenticates a connection: the first request on each takes three rounds with a sample each, further
    ones take one. The 401s on the way are no failures.
    """
    from swell.net.ntlm import NTLMAuth  # noqa: PLC0415  # importing swell stays cheap

    return NTLMAuth(username, password)


def bearer(token: str) -> "BearerAuth":
    """For ``auth``: a token with every request (RFC 6750)."""
    from swell.net.auth import BearerAuth  # noqa: PLC0415  # importing swell stays cheap

    return BearerAuth(token)


def cookies() -> "CookieJar":
    """The VU's cookie jar; it is emptied after each iteration unless ``no_cookies_reset`` is set."""
    return _client("http.cookies()").jar


def expected_statuses(*statuses: int | tuple[int, int]) -> Callable[[int], bool]:
    """Which statuses are no failure: numbers, and (first, last) pairs with both ends included.

    For the option ``expected`` of a request; without it 200 to 399 are expected (k6's rule).
    """
    allowed: set[int] = set()
    for status in statuses:
        first, last = status if isinstance(status, tuple) else (status, status)
        if not STATUS_MIN <= first <= last <= STATUS_MAX:
            raise ValueError(
                f"{status!r} is no status or range of statuses within {STATUS_MIN} to {STATUS_MAX}"
            )
        allowed.update(range(first, last + 1))
    if not allowed:
        raise ValueError("expected_statuses() needs at least one status")
    return frozenset(allowed).__contains__


def _with_checked_method(item: "BatchItem") -> "BatchItem":
    """A batch item with its method checked; what is no such item stays, and is refused."""
    match item:
        case (method, url):
            return (_checked(method), url)
        case (method, url, options):
            return (_checked(method), url, options)
        case _:
            return item


def _checked(method: str) -> str:
    """The method in upper case; a script's data must not break out of the request line."""
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise ValueError(f"{method!r} is no valid method")
    return method.upper()


def _client(what: str) -> "HTTPClient":
    client: HTTPClient = (current_vu.get(None) or running_vu(what)).client
    return client
