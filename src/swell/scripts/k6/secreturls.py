"""Secrets that a server keeps: what ``--secret-source=url`` asks for when a script wants a value.

A value is asked for once per worker: who wants one that is being asked for waits for the answer. As in k6, a
server that is down or busy is asked again, up to ``max_retries`` times; what it answers otherwise is an error
that the script can catch.
"""

import random
import re
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec
from gevent.event import AsyncResult

from swell.base.clock import NS_PER_SECOND, monotonic_ns
from swell.scripts.k6.values import HostError

# A longer answer is no secret (k6).
MAX_BYTES: Final = 24 << 10
KEY: Final = "{key}"
_OK: Final = 200
_BUSY: Final = 429
_BROKEN: Final = 500
NS_PER_MINUTE: Final = 60 * NS_PER_SECOND


class SecretURL(msgspec.Struct, frozen=True):
    """One source: where it is, how it is asked, and how often at most. Durations are in nanoseconds."""

    url_template: str
    method: str = "GET"
    headers: dict[str, str] = {}
    # Where the value stands in a JSON answer, such as data.value; empty where it is the answer itself.
    response_path: str = ""
    timeout_ns: int = 30 * NS_PER_SECOND
    max_retries: int = 3
    retry_backoff_ns: int = NS_PER_SECOND
    requests_per_minute_limit: int = 300
    requests_burst: int = 10


class _RetryableError(HostError):
    """The server may answer when it is asked again."""


class SecretServer:
    """Fetches the values of one ``SecretURL`` and keeps them."""

    def __init__(self, source: SecretURL, sleep: Callable[[float], None] = time.sleep) -> None:
        self._source = source
        self._sleep = sleep
        self._known: dict[str, str] = {}
        self._asking: dict[str, AsyncResult[HostError | None]] = {}
        # The instant from which on the bucket of requests is full again.
        self._full_ns = 0

    def get(self, key: str) -> str:
        """The value of ``key``. Raises ``HostError`` where it cannot be had."""
        while (found := self._known.get(key)) is None:
            mine: AsyncResult[HostError | None] = AsyncResult()
            asked = self._asking.setdefault(key, mine)
            if asked is mine:
                self._answer(key, mine)
            elif (error := asked.get()) is not None:
                raise HostError(error.message, error.name)
        return found

    def _answer(self, key: str, asked: "AsyncResult[HostError | None]") -> None:
        """Ask, and tell those who wait of a failure; where we are interrupted, one of them asks."""
        error: HostError | None = None
        try:
            self._known[key] = self._ask(key)
        except HostError as raised:
            error = raised
            raise
        finally:
            del self._asking[key]
            asked.set(error)

    def _ask(self, key: str) -> str:
        self._wait_for_turn()
        source = self._source
        attempt = 0
        while True:
            try:
                return _value(_fetch(source, key), source.response_path)
            except _RetryableError:
                attempt += 1
                if attempt > source.max_retries:
                    raise
            # k6's rule: whole seconds of a power of the back-off, and up to one more.
            backoff_s = source.retry_backoff_ns / NS_PER_SECOND
            self._sleep(int(backoff_s**attempt) + random.random())  # noqa: S311  # only to spread the load

    def _wait_for_turn(self) -> None:
        """Take a token from a bucket of ``requests_burst`` that is filled ``requests_per_minute_limit``."""
        source = self._source
        interval_ns = NS_PER_MINUTE // source.requests_per_minute_limit
        now_ns = monotonic_ns()
        self._full_ns = max(self._full_ns, now_ns) + interval_ns
        early_ns = self._full_ns - now_ns - interval_ns * source.requests_burst
        if early_ns > 0:
            self._sleep(early_ns / NS_PER_SECOND)


class _Redirects(HTTPRedirectHandler):
    """Headers, of which one lets us in, go to no other host, and to none in the clear after TLS."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if following is not None and (
            before.hostname != after.hostname or (before.scheme, after.scheme) == ("https", "http")
        ):
            following.headers.clear()
        return following


_open: Final = build_opener(_Redirects).open


def _fetch(source: SecretURL, key: str) -> bytes:
    url = source.url_template.replace(KEY, key)
    try:
        request = Request(url, method=source.method, headers=source.headers)  # noqa: S310  # the user's own
        with _open(request, timeout=source.timeout_ns / NS_PER_SECOND) as response:
            status: int = response.status
            content: bytes = response.read(MAX_BYTES + 1)
    except HTTPError as error:
        status, content = error.code, b""
    except (OSError, HTTPException, ValueError) as error:
        cause = getattr(error, "reason", None) or error
        raise _RetryableError(f"failed to get secret: {getattr(cause, 'strerror', None) or cause}") from None
    if status != _OK:
        kind = _RetryableError if status == _BUSY or status >= _BROKEN else HostError
        raise kind(f"status code {status}: failed to get secret")
    if len(content) > MAX_BYTES:
        raise HostError(f"failed to extract secret: the answer has more than {MAX_BYTES} bytes")
    return content


def _value(content: bytes, path: str) -> str:
    """The text at ``path`` of a JSON document: names and indexes with dots between; all of it without one."""
    if not path:
        return content.decode("utf-8", "replace")
    try:
        found: Any = msgspec.json.decode(content)
    except msgspec.MsgspecError:
        raise HostError("failed to extract secret: the answer is no JSON") from None
    for part in re.split(r"(?<!\\)\.", path):
        name = part.replace("\\.", ".")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            raise HostError(f'failed to extract secret: path "{path}" not found in response')
    if not isinstance(found, str):
        raise HostError(f'failed to extract secret: secret value at path "{path}" is not a string')
    return found
