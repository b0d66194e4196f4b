"""``http``: requests of the running virtual user, with the names of httpx and requests.

Every function takes the same keyword options:

- ``params``, ``headers``, ``cookies``: mappings; ``auth``: a (user, password) pair;
- the body: ``json``, ``data`` (a form, text or bytes), ``content`` (raw, also an iterator) or ``files``;
- ``timeout``: seconds, or text such as ``"500ms"``; 60 s by default, for the whole request with its body;
- ``max_redirects``, ``discard_body``, ``jar`` (in place of the VU's own), ``compression`` of the body;
- ``name``: groups URLs with changing parts under one name; ``tags``: more tags for the samples;
- ``expected``: which statuses are no failure, from ``expected_statuses``.

A failed request is a response with an ``error``, not an exception.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Unpack

from swell.engine.vu import current_vu
from swell.scripts.native.state import running_vu

if TYPE_CHECKING:
    from swell.net.client import HTTPClient
    from swell.net.cookies import CookieJar
    from swell.net.prepared import RequestOptions
    from swell.net.response import Response

STATUS_MIN = 100
STATUS_MAX = 599


def get(url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send a GET request."""
    return (current_vu.get(None) or running_vu("http.get()")).client.request("GET", url, **options)  # type: ignore[no-any-return]


def head(url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send a HEAD request."""
    return _client("http.head()").request("HEAD", url, **options)


def post(url: str, **options: "Unpack[RequestOptions]") -> "Response":
    """Send a POST request."""
    return (current_vu.get(None) or running_vu("http.post()")).client.request(  # type: ignore[no-any-return]
        "POST", url, **options
    )


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
    """Send a request with any method."""
    return _client("http.request()").request(method, url, **options)


def batch(requests: "Iterable[str | tuple[str, str] | tuple[str, str, RequestOptions]]") -> "list[Response]":
    """Send requests side by side, as a browser does, and return their responses in the same order.

    An item is a URL, a (method, URL) pair, or (method, URL, {options}). At most ``batch`` (20) run at once,
    and ``batch_per_host`` (6) to one host.
    """
    return _client("http.batch()").batch(list(requests))


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


def _client(what: str) -> "HTTPClient":
    client: HTTPClient = (current_vu.get(None) or running_vu(what)).client
    return client
