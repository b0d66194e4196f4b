"""Requests made ready: everything about a request that does not change from one sending to the next.

Most requests of a load test are sent thousands of times. What they share (the parsed URL, the encoded header
lines, the tags) is worked out once and kept; a request with a new URL costs a few microseconds more.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from swell.metrics.tags import TagRegistry, TagSet
from swell.net.auth import Answering, DigestAuth
from swell.net.body import Body, compress, encode_body
from swell.net.ntlm import NTLMAuth
from swell.net.proxy import NO_PROXIES, Proxy, ProxyRules, parse_proxy
from swell.net.requestoptions import (
    Expected,
    RequestOptions,
    authorization_of,
    check_options,
    merge_headers,
    timeout_ns,
)
from swell.net.resolver import family_of
from swell.net.sentcookies import cookie_text
from swell.net.tagging import TagTemplate
from swell.net.url import Url, UrlCache, with_params

if TYPE_CHECKING:
    from swell.net.cookies import CookieJar
    from swell.net.sentcookies import OwnCookies

MAX_REMEMBERED: Final = 5_000
# What of a redirect's URL its tags show.
MAX_SHOWN_URL: Final = 500
DEFAULT_TIMEOUT_NS: Final = 60 * 1_000_000_000
# What a client may send again by itself when a kept connection turns out to be closed (RFC 9110, 9.2.2).
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BREAKS: Final = re.compile(r"[\r\n\x00]")
# Not sent on to another host (Go's net/http), and what describes a body that is not sent on.
_SENSITIVE_HEADERS: Final = frozenset({"authorization", "cookie", "cookie2", "www-authenticate"})
# Decided anew for each URL.
_PROXY_HEADERS: Final = frozenset({"proxy-authorization"})
_BODY_HEADERS: Final = frozenset({"content-length", "content-type", "content-encoding", "transfer-encoding"})

PoolKey = tuple[object, ...]


def is_expected(status: int) -> bool:
    """k6's default rule: 200 to 399."""
    return 200 <= status < 400  # noqa: PLR2004


class PreparedRequest:
    """One request ready to be sent, any number of times unless its body is an iterator."""

    __slots__ = (
        "answers",
        "body",
        "body_stream",
        "cookies",
        "discard",
        "expected",
        "expects_continue",
        "headers",
        "is_head",
        "jar",
        "lines",
        "max_redirects",
        "may_repeat",
        "method",
        "origin",
        "payload",
        "proxy",
        "proxy_is_given",
        "refers",
        "seen_context",
        "seen_number",
        "seen_status",
        "template",
        "text",
        "timeout_ns",
        "url",
        "wire",
    )

    def __init__(self, method: str, url: Url, template: TagTemplate) -> None:
        self.method = method
        self.url = url
        self.text = url.href
        # Which idle connections can serve it.
        self.origin: PoolKey = url.key
        self.proxy: Proxy | None = None
        self.proxy_is_given = False
        # Whether its Referer is ours.
        self.refers = False
        self.template = template
        self.is_head = method == "HEAD"
        self.headers: dict[str, str] = {}
        self.body: bytes = b""
        self.body_stream: Iterator[bytes] | None = None
        self.payload: Body | None = None
        # The head's lines without the empty one, and the whole request where no cookie is added.
        self.lines = b""
        self.wire = b""
        self.cookies: str | OwnCookies = ""
        self.jar: CookieJar | None = None
        self.timeout_ns = DEFAULT_TIMEOUT_NS
        self.max_redirects = 0
        self.may_repeat = False
        self.discard = False
        self.expected: Expected = is_expected
        # Credentials that wait for the server's challenge.
        self.answers: Answering | None = None
        self.expects_continue = False
        # The last answer that was expected and its tag set's number: most answers are like the one before.
        self.seen_status = self.seen_number = 0
        self.seen_context: TagSet | None = None

    def __repr__(self) -> str:
        return f"<PreparedRequest {self.method} {self.url.tag}>"

    def with_cookies(self, cookies: str) -> bytes:
        """The bytes to send with a Cookie header of ``cookies``."""
        body = b"" if self.expects_continue else self.body
        return b"%bCookie: %b\r\n\r\n%b" % (self.lines, cookies.encode("latin-1", "replace"), body)

    def route(self, proxy: Proxy | None) -> None:
        """Send it through ``proxy``: https through a tunnel of its own, http as a request to the proxy."""
        self.proxy = proxy
        if proxy is None:
            self.origin = self.url.key
        elif self.url.secure:
            self.origin = (*self.url.key, *proxy.key)
        else:
            self.origin = ("proxy", *proxy.key)
            if proxy.authorization is not None:
                self.headers["Proxy-Authorization"] = proxy.authorization
        if isinstance(self.answers, NTLMAuth):
            # Connections belong to the user: nobody else's requests may go out on them.
            self.origin = (*self.origin, *self.answers.identity)


class RequestFactory:
    """Makes prepared requests and remembers those that may come again."""

    def __init__(
        self,
        registry: TagRegistry,
        urls: UrlCache,
        *,
        user_agent: str,
        system_tags: Iterable[str],
        max_redirects: int,
        discard: bool,
        keep_alive: bool,
        proxies: ProxyRules = NO_PROXIES,
    ) -> None:
        self._registry = registry
        self._proxies = proxies
        self._system = frozenset(system_tags)
        self._user_agent = user_agent
        self._max_redirects = max_redirects
        self._discard = discard
        self._keep_alive = keep_alive
        # Requests without options: (method, url) -> prepared. Read directly by the client's hot path.
        self.plain: dict[tuple[str, str], PreparedRequest] = {}
        self._urls = urls
        # Whether the request after a redirect names the one before, as browsers and Go's client do.
        self.sends_referer = False
        # Whether credentials belong to URLs, as in Go: they stay in one that is relative, and nowhere else.
        # What a script wrote into headers goes along to the hosts below its own, too.
        self.keeps_credentials = False
        self._templates: dict[tuple[Any, ...], TagTemplate] = {}

    def prepare(self, method: str, url: str, options: RequestOptions | None = None) -> PreparedRequest:
        """Make a request ready.

        Raises ``FailureError`` (code 1020) for an invalid URL, ``TypeError`` or ``ValueError`` for options
        that make no sense: those are the script's faults.
        """
        if not options:
            prepared = self._make(method, url, {})
            if len(self.plain) >= MAX_REMEMBERED:
                self.plain.clear()
            self.plain[(method, url)] = prepared
            return prepared
        check_options(options)
        return self._make(method, url, options)

    def _make(self, method: str, url: str, options: RequestOptions) -> PreparedRequest:
        if not isinstance(url, str):
            raise TypeError(f"a URL is text, not of type {type(url).__name__}: is a variable missing?")
        params = options.get("params")
        parts = self._urls[with_params(url, params) if params else url]
        tags = options.get("tags")
        name = options.get("name")
        extra: tuple[tuple[str, str], ...] = ()
        if tags:
            name = name or tags.get("name")
            # A tag of the script's own is there though ``name`` be no system tag (k6).
            own = (
                tags.items()
                if "name" not in self._system
                else [tag for tag in tags.items() if tag[0] != "name"]
            )
            extra = tuple(sorted((key, str(value)) for key, value in own))
        template = self._template(method, parts.tag, name, extra)
        prepared = PreparedRequest(method, parts, template)
        prepared.discard = self._discard
        prepared.max_redirects = self._max_redirects
        headers = prepared.headers = self._headers(parts, options)
        proxy = options.get("proxy")
        prepared.proxy_is_given = proxy is not None
        if proxy is None:
            prepared.route(self._proxies.for_url(parts))
        else:
            prepared.route(parse_proxy(proxy) if proxy else None)
        if options:
            self._apply(prepared, options)
            body = _body_of(options)
            if body is not None:
                self._attach(prepared, body, headers)
        if method in ("POST", "PUT", "PATCH") and not prepared.body and prepared.body_stream is None:
            headers["Content-Length"] = "0"
        if prepared.answers is not None and prepared.payload is not None and prepared.payload.again() is None:
            raise ValueError(
                "digest and NTLM may send the body more than once: give bytes, a file or a list, no iterator"
            )
        self._encode(prepared)
        return prepared

    def redirected(
        self, source: PreparedRequest, url: Url, method: str, *, keep_body: bool
    ) -> PreparedRequest | None:
        """The request that follows ``source`` to ``url``; secrets stay behind when the host changes.

        None where the body would have to be sent again and cannot: it was a stream.
        """
        like = source.template
        # The server chose the URL; a megabyte of it in each tag set would be the worker's memory.
        shown = url.tag[:MAX_SHOWN_URL]
        template = self._template(method, shown, like.name if like.is_named else None, like.extra)
        prepared = PreparedRequest(method, url, template)
        dropped = _PROXY_HEADERS if keep_body else _PROXY_HEADERS | _BODY_HEADERS
        if url.host == source.url.host:
            prepared.cookies = source.cookies
            prepared.answers = source.answers
        elif not (self.keeps_credentials and _is_below(url.host, source.url.host)):
            dropped = dropped | _SENSITIVE_HEADERS
        if not isinstance(source.cookies, str):
            prepared.cookies = source.cookies.following()
        if self.sends_referer and (url.secure or not source.url.secure):
            # A referer that a script gave stays.
            prepared.refers = "Referer" not in source.headers or source.refers
            if prepared.refers:
                dropped = dropped | {"referer"}
                prepared.headers = {"Referer": source.text}
        proxy = source.proxy if source.proxy_is_given else self._proxies.for_url(url)
        authorization = ""
        if self.keeps_credentials and source.headers.get("Authorization") == source.url.authorization:
            dropped = dropped | {"authorization"}
            authorization = url.authorization or ""
        return self._derive(
            prepared, source, proxy, dropped, keep_body=keep_body, authorization=authorization
        )

    def authorized(self, source: PreparedRequest, authorization: str) -> PreparedRequest:
        """``source`` once more, with an ``Authorization`` header; without one where it is empty."""
        prepared = PreparedRequest(source.method, source.url, source.template)
        prepared.cookies = source.cookies
        prepared.answers = source.answers
        dropped = _PROXY_HEADERS | {"authorization"}
        made = self._derive(
            prepared, source, source.proxy, dropped, keep_body=True, authorization=authorization
        )
        if made is None:
            raise AssertionError("the body was found repeatable when the request was prepared")
        return made

    def _derive(
        self,
        prepared: PreparedRequest,
        source: PreparedRequest,
        proxy: Proxy | None,
        dropped: frozenset[str],
        *,
        keep_body: bool,
        authorization: str = "",
    ) -> PreparedRequest | None:
        """Give ``prepared`` what it has in common with ``source``; None where the body cannot be repeated."""
        prepared.discard = source.discard
        prepared.max_redirects = source.max_redirects
        prepared.timeout_ns = source.timeout_ns
        prepared.expected = source.expected
        prepared.jar = source.jar
        prepared.proxy_is_given = source.proxy_is_given
        prepared.headers |= {
            name: value for name, value in source.headers.items() if name.lower() not in dropped
        }
        prepared.headers["Host"] = prepared.url.host_header
        if authorization:
            prepared.headers["Authorization"] = authorization
        prepared.route(proxy)
        if keep_body and source.payload is not None:
            payload = source.payload.again()
            if payload is None:
                return None
            self._attach(prepared, payload, prepared.headers)
        self._encode(prepared)
        return prepared

    # Parts

    def _template(
        self, method: str, shown: str, name: str | None, extra: tuple[tuple[str, str], ...]
    ) -> TagTemplate:
        key = (method, name or shown, name is None, extra)
        template = self._templates.get(key)
        if template is None:
            if len(self._templates) >= MAX_REMEMBERED:
                self._templates.clear()
            template = self._templates[key] = TagTemplate(
                self._registry, self._system, method, name or shown, extra, is_named=name is not None
            )
        return template

    def _headers(self, url: Url, options: RequestOptions) -> dict[str, str]:
        headers = {"Host": url.host_header}
        if self._user_agent:
            headers["User-Agent"] = self._user_agent
        if not self._keep_alive:
            headers["Connection"] = "close"
        auth = options.get("auth")
        authorization = authorization_of(auth) if auth is not None else url.authorization
        if authorization is not None:
            headers["Authorization"] = authorization
        if options.get("headers"):
            merge_headers(headers, options)
        return headers

    def _attach(self, prepared: PreparedRequest, body: Body, headers: dict[str, str]) -> None:
        """Give ``prepared`` its body and the headers that describe it."""
        prepared.payload = body
        given = {name.lower() for name in headers}
        if body.content_type is not None and "content-type" not in given:
            headers["Content-Type"] = body.content_type
        if body.content_encoding is not None and "content-encoding" not in given:
            headers["Content-Encoding"] = body.content_encoding
        if isinstance(body.content, bytes):
            prepared.body = body.content
            headers["Content-Length"] = str(len(body.content))
        elif body.length is not None:
            prepared.body_stream = iter(body.content)
            headers["Content-Length"] = str(body.length)
        else:
            prepared.body_stream = _chunked(body.content)
            headers["Transfer-Encoding"] = "chunked"

    def _apply(self, prepared: PreparedRequest, options: RequestOptions) -> None:
        """Take over the options that change how the request is sent rather than what."""
        timeout = options.get("timeout")
        if timeout is not None:
            prepared.timeout_ns = timeout_ns(timeout, "timeout")
        redirects = options.get("max_redirects")
        if redirects is not None:
            prepared.max_redirects = redirects
        expected = options.get("expected")
        if expected is not None:
            prepared.expected = expected
        discard = options.get("discard_body")
        if discard is not None:
            prepared.discard = discard
        cookies = options.get("cookies")
        if cookies:
            prepared.cookies = cookie_text(cookies) if isinstance(cookies, Mapping) else cookies
        prepared.jar = options.get("jar")
        auth = options.get("auth")
        if isinstance(auth, DigestAuth | NTLMAuth):
            prepared.answers = auth
            prepared.route(prepared.proxy)

    def _encode(self, prepared: PreparedRequest) -> None:
        """Write the request line and header lines.

        Raises ``ValueError`` for a name or value that would break the head: no script's data may do that.
        """
        prepared.may_repeat = prepared.method in IDEMPOTENT and prepared.body_stream is None
        # A proxy that is to fetch it itself is told the whole URL (RFC 9112, 3.2.2).
        through_proxy = prepared.proxy is not None and not prepared.url.secure
        target = prepared.url.href if through_proxy else prepared.url.target
        lines = [f"{prepared.method} {target} HTTP/1.1"]
        for name, value in prepared.headers.items():
            if not _TOKEN.fullmatch(name):
                raise ValueError(f"{name!r} is no valid header name")
            if not value and name.lower() == "user-agent":
                # One that is empty is none, as in Go.
                continue
            if _BREAKS.search(value):
                raise ValueError(f"the value of header {name} contains a line break or NUL")
            lines.append(f"{name}: {value}")
        text = "\r\n".join(lines)
        try:
            prepared.lines = text.encode("latin-1") + b"\r\n"
        except UnicodeEncodeError:
            prepared.lines = text.encode("utf-8") + b"\r\n"
        prepared.wire = prepared.lines + b"\r\n" + prepared.body
        if (prepared.body or prepared.body_stream is not None) and _waits_for_continue(prepared.headers):
            prepared.expects_continue = True
            prepared.wire = prepared.lines + b"\r\n"


def _is_below(host: str, parent: str) -> bool:
    """Whether ``host`` is a name below ``parent``; addresses are below nothing."""
    return host.endswith(f".{parent}") and not family_of(host)


def _waits_for_continue(headers: Mapping[str, str]) -> bool:
    given = ((name.lower(), value.lower()) for name, value in headers.items())
    return ("expect", "100-continue") in given


def _body_of(options: RequestOptions) -> Body | None:
    json = options.get("json")
    data, content, files = options.get("data"), options.get("content"), options.get("files")
    if json is None and data is None and content is None and files is None:
        return None
    body = encode_body(json=json, data=data, content=content, files=files)
    compression = options.get("compression")
    return compress(body, compression) if body is not None and compression else body


def _chunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces in chunked transfer coding (RFC 9112, 7.1)."""
    for piece in pieces:
        if piece:
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"
