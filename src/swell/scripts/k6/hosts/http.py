"""The Python half of ``k6/http``."""

import itertools
import re
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

import gevent
import msgspec

from swell.base.clock import monotonic_ns
from swell.base.text import well_formed
from swell.config.options import Options
from swell.engine.vu import current_vu
from swell.net.auth import DigestAuth
from swell.net.batch import send_batch
from swell.net.failure import INVALID_URL, Failure, FailureError
from swell.net.ntlm import NTLMAuth
from swell.net.response import RequestError, Response
from swell.net.rounds import REDIRECTS
from swell.scripts.k6 import httpurl
from swell.scripts.k6.gojar import GoJar
from swell.scripts.k6.hosts.httpjars import Jars
from swell.scripts.k6.httpdetail import RefusedResponse, response_detail
from swell.scripts.k6.httpfailure import RefusalError, logged, retell
from swell.scripts.k6.httpparams import Params, expected, read
from swell.scripts.k6.httpurl import shown_url
from swell.scripts.k6.numbering import Numbering
from swell.scripts.k6.values import HostError, HostFunction, Text, raw

if TYPE_CHECKING:
    from swell.net.requestoptions import RequestOptions
    from swell.net.shared import HTTPShared
    from swell.scripts.k6.vuhost import VUHost

# Parameters as JSON text that are remembered, parsed.
MAX_REMEMBERED: Final = 2_000
SHORT: Final = 1 << 16
FIRST_SINGLE: Final = 1 << 32
# Bodies up to this length come with the answer while the script reads them; every so often it is asked anew.
EAGER_BYTES: Final = 4096
EAGER_TIMES: Final = 64
OK: Final = 200
NO_BODY: Final = frozenset({204, 304})
# Methods with which an empty body is announced as one of unknown length (Go).
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_METHOD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")
_UPGRADED: Final = "switched protocols"
_NO_PARAMS: Final = Params()
_MOST_REDIRECTS: Final = Options().max_redirects
_REQUESTS: Final = "Making http requests"


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``http.js`` needs."""
    client = Client(vu)
    jars = client.jars
    return {
        "get": raw(client.get),
        "numberOf": client.urls.number_of,
        "send": client.send,
        "start": client.start,
        "refuse": client.refuse,
        "batchBegin": client.batched.clear,
        "batchAdd": client.batch_add,
        "batchRun": client.batch_run,
        "body": raw(client.body),
        "detail": client.detail,
        "release": raw(client.release),
        "textOf": Text,
        "multipart": client.multipart,
        "boundary": lambda: client.boundary,
        "fileName": lambda: str(time.time_ns()),
        "warn": lambda message: vu.log("warning", message),
        "setExpected": client.set_expected,
        "resolve": resolve,
        "withQuery": lambda url, query: urlsplit(url)._replace(query=query).geturl(),
        "ownJar": lambda: client.prepare("Making cookie jars"),
        "newJar": jars.new,
        "dropJars": jars.drop,
        "jarCookies": jars.cookies,
        "jarSet": jars.set,
        "jarClear": jars.clear,
        "jarDelete": jars.delete,
    }


def shared_of(vu: "VUHost") -> "HTTPShared":
    """What the clients of the worker share, set to k6's rules when it is first asked for."""
    shared: HTTPShared = vu.client.shared
    if shared.retell is None:
        shared.retell = retell
        shared.logs_failures = False
        shared.new_jar = GoJar
        shared.urls.parse = httpurl.parse
        shared.factory.sends_referer = True
        shared.factory.keeps_credentials = True
    return shared


def resolve(base: str, reference: str) -> str:
    """The URL that a link or a form's action in the page ``base`` means. Raises ``HostError``."""
    fault = httpurl.fault(reference)
    if fault:
        raise HostError(fault)
    return urljoin(base, reference)


class Client:
    """The requests of one VU, and the responses that its script can still reach."""

    def __init__(self, vu: "VUHost") -> None:
        self._vu = vu
        self._context = vu.context
        self._runtime = vu.context.runtime
        self._responses: dict[int, Response | RefusedResponse] = {}
        # Responses that JavaScript is given at once, in this order, are let go several together; a large one,
        # and what comes at any time, is numbered apart and let go alone.
        self._numbers = itertools.count()
        self._single_numbers = itertools.count(FIRST_SINGLE)
        # Statuses that the VU expects unless a request says otherwise, as a parameter's text.
        self._expected: RequestOptions = {}
        self._is_ready = False
        # URLs by the numbers that JavaScript gives in their place, the same for all VUs of the worker.
        self.urls: Numbering = vu.shared.kept.setdefault("http urls", Numbering())
        # For how many more responses the body is given at once.
        self._eager = 0
        self.jars = Jars(vu)
        self.batched: list[tuple[str, str, RequestOptions, Params]] = []
        self.boundary = ""
        # Other modules are given the numbers of its jars.
        vu.state["http"] = self

    # Requests

    def get(self, target: Any, following: float) -> Any:
        """GET without parameters: the hot path; ``target`` is a URL or its number.

        Gives number and status in one, or the body alone where the response has status 200 and the number
        that JavaScript expects (``following``, with a status of 0): a script that reads bodies need not ask
        for them.
        """
        try:
            inside = self._runtime.leave()
            try:
                url = self.urls.texts[target] if type(target) is int else self._context.from_js(target)
                if self._expected or not self._is_ready:
                    code = self.send("GET", url, "", None, "{}")
                else:
                    response = self._vu.vu.client.plain_request("GET", url)  # type: ignore[union-attr]  # there outside init
                    status, content = response.status_code, response.content
                    if not status or response.error or status in REDIRECTS or len(content) > SHORT:
                        code = self._settle(response, _NO_PARAMS)
                    else:
                        number = next(self._numbers)
                        self._responses[number] = response
                        if self._eager and status == OK and content and number * 1000 == following:
                            self._eager -= 1
                            if len(content) <= EAGER_BYTES and content.isascii() and b"\0" not in content:
                                return str(content, "ascii")
                        code = number * 1000 + status
            except RequestError as error:
                code = self._settle(error.response, _NO_PARAMS)
            finally:
                self._runtime.back(inside)
        except BaseException as error:  # noqa: BLE001  # a raw function must not raise
            return self._context.throw(error)
        return code if 0 <= code < 2**31 else float(code)

    def send(self, method: str, url: str, name: str, body: str | bytes | None, params: str) -> int:
        """Any request; ``params`` as encoded in ``http.js``."""
        self.prepare(_REQUESTS)
        return self._send(method, url, name, body, params, is_single=False)

    def _send(
        self, method: str, url: str, name: str, body: str | bytes | None, params: str, *, is_single: bool
    ) -> int:
        try:
            options, given = self._options(method, url, name, body, params)
        except RefusalError as refusal:
            return self.refuse("Request Failed", refusal.message, refusal.code)
        return self._settle(self._exchange(method, url, options, given), given, is_single=is_single)

    def start(self, method: str, url: str, name: str, body: str | bytes | None, params: str) -> int:
        """A request that goes on by itself; the id of its operation."""
        vu = self._vu
        self.prepare(_REQUESTS)
        engine_vu = vu.engine_vu
        kept: list[int] = []

        def work() -> None:
            current_vu.set(engine_vu)
            try:
                code = self._send(method, url, name, body, params, is_single=True)
                kept.append(code)
                if operation.is_over:
                    # The iteration ended in the same turn of the hub: nobody asks for it.
                    self._forget(kept)
                operation.complete(code)
            except HostError as error:
                operation.fail(error)
            except Exception as error:  # noqa: BLE001  # the promise is rejected with it
                operation.fail(HostError(str(error)))

        def cancel() -> None:
            greenlet.kill(block=False)
            # It may have come, but the script was not told any more.
            self._forget(kept)

        operation = vu.loop.begin(cancel)
        greenlet = gevent.spawn(work)
        return operation.id

    def refuse(self, what: str, message: str, code: int) -> int:
        """The response to a request that was not made because of ``message``, which is logged as ``what``.

        Without ``message`` it is empty. Raises ``HostError`` instead where the option ``throw`` is on.
        """
        self.prepare(_REQUESTS)
        if message:
            if shared_of(self._vu).options.throw:
                raise HostError(message)
            self._vu.log("warning", what, error=message)
        number = next(self._single_numbers)
        self._responses[number] = RefusedResponse(message, int(code))
        return -number * 1000

    def batch_add(self, method: str, url: str, name: str, body: str | bytes | None, params: str) -> str:
        """Put a request aside for ``batch_run``; message and code as JSON where it cannot be sent."""
        self.prepare("Using batch")
        try:
            options, given = self._options(method, url, name, body, params)
        except RefusalError as refusal:
            return msgspec.json.encode([refusal.message, refusal.code]).decode()
        if given.problem is not None:
            return msgspec.json.encode([given.problem.message, given.problem.code]).decode()
        self.batched.append((method, self._addressed(url, options, given), options, given))
        return ""

    def batch_run(self) -> str:
        """Send what was put aside, side by side; a JSON list of what ``send`` gives."""
        waiting, self.batched[:] = list(self.batched), []
        responses = send_batch(
            _Sender(self),  # type: ignore[arg-type]  # of a client it needs this only
            [(method, url, options) for method, url, options, _ in waiting],
            shared_of(self._vu).options,
        )
        codes: list[int] = []
        try:
            for response, (*_, given) in zip(responses, waiting, strict=True):
                codes.append(self._settle(response, given, is_single=True))
        except HostError:
            self._forget(codes)
            raise
        return msgspec.json.encode(codes).decode()

    def exchange(self, method: str, url: str, options: "RequestOptions", problem: Failure | None) -> Response:
        """Send a request; what Go's client would refuse fails as it would there."""
        client = self._vu.client
        if problem is None and not _METHOD.fullmatch(method):
            problem = Failure(1000, f'net/http: invalid method "{method}"')
        if problem is not None:
            known: RequestOptions = {}
            if options.get("tags"):
                known["tags"] = options["tags"]
            prepared = client.prepare(method, url, known)
            now_ns = monotonic_ns()
            return client.failed(prepared, None, problem, now_ns, now_ns)
        try:
            return client.request(method or "GET", url, **options)
        except RequestError as error:
            return error.response

    def _exchange(self, method: str, url: str, options: "RequestOptions", given: Params) -> Response:
        return self.exchange(method, self._addressed(url, options, given), options, given.problem)

    def _addressed(self, url: str, options: "RequestOptions", given: Params) -> str:
        """The URL to ask; credentials in it that answer a challenge are put into ``options``."""
        kind = given.auth.lower()
        parts = self._vu.client.shared.urls[url] if kind in {"digest", "ntlm"} else None
        if parts is None:
            return url
        if kind == "ntlm":
            if parts.username is not None:
                options["auth"] = NTLMAuth(parts.username, parts.password)
            return url
        # Every request of k6's asks for a challenge of its own.
        self._vu.client.challenges.clear()
        options["auth"] = DigestAuth(parts.username or "", parts.password)
        return shown_url(parts, with_credentials=False)

    def prepare(self, what: str) -> None:
        """Before ``what`` is done: the clients work by k6's rules. Raises in the init context."""
        if not self._is_ready or self._vu.phase == "init":
            self._vu.forbid_init(what)
            shared_of(self._vu)
            self._is_ready = True

    def _settle(self, response: Response, given: Params, *, is_single: bool = False) -> int:
        """Number and status of a response in one, below zero where it is let go alone.

        What k6 logs about it is logged; what it throws raises ``HostError``.
        """
        vu = self._vu
        # Of an answer that could not be decompressed the script sees nothing, either.
        status = 0 if response.error else response.status_code
        if response.error:
            if _UPGRADED in response.error:
                raise HostError("unsupported response status: 101 Switching Protocols")
            if response.error_code == INVALID_URL:
                return self.refuse("Request Failed", response.error, response.error_code)
            text = logged(response)
            if given.throws or (given.throws is None and vu.client.shared.options.throw):
                raise HostError(text)
            vu.log("warning", "Request Failed", error=text)
        elif response.status_code in REDIRECTS and not given.has_redirects:
            self._warn_of_redirects(response)
        if is_single or len(response.content) > SHORT:
            number = next(self._single_numbers)
            self._responses[number] = response
            return -(number * 1000 + status)
        number = next(self._numbers)
        self._responses[number] = response
        return number * 1000 + status

    def _warn_of_redirects(self, response: Response) -> None:
        followed = len(response.history)
        # Who set another limit knows of it.
        most = self._vu.client.shared.options.max_redirects
        if "location" in response.headers and followed >= most == _MOST_REDIRECTS:
            self._vu.log(
                "warning",
                f"Stopped after {followed + 1} redirects and returned the redirection;"
                " pass { redirects: n } in request params or set global maxRedirects to silence this",
                url=shown_url(response.history[0].request.url),  # type: ignore[attr-defined]  # it was sent
            )

    # Parameters

    def _is_nameless(self, made: "RequestOptions") -> bool:
        """Whether a request takes the name that http.url gives: a system tag, after those of the script."""
        tags = self._vu.engine_vu.tags
        is_tagged = "name" in made.get("tags", {}) or tags.get("name") is not None  # type: ignore[operator]  # never None here
        return not is_tagged and "name" in self._vu.runtime.options.system_tags

    def _options(
        self, method: str, url: str, name: str, body: str | bytes | None, params: str
    ) -> tuple["RequestOptions", Params]:
        """What the client needs. Raises ``RefusalError`` for what k6 does not even try to send."""
        try:
            _ = shared_of(self._vu).urls[url]
        except FailureError as error:
            raise RefusalError(error.failure.message, error.failure.code) from None
        remembered = self._vu.shared.kept.setdefault("http", {})
        given: Params | None = remembered.get(params)
        if given is None:
            parsed = msgspec.json.decode(params)
            given = read(parsed)
            if "jar" in parsed:
                given.options["jar"] = self.jars.jar(parsed["jar"])
            elif len(remembered) < MAX_REMEMBERED:
                remembered[params] = given
        made: RequestOptions = {**self._expected, **given.options}
        if name and self._is_nameless(made):
            made["name"] = name
        if body is not None:
            content = body if isinstance(body, bytes) else well_formed(body).encode()
            made["content"] = content
            if not content:
                made["content"] = [] if method in _WITH_BODY else None
        self._warn_of_encoding(method, url, made)
        if given.length and given.length != str(len(made.get("content") or b"")):  # type: ignore[arg-type]
            size = len(made.get("content") or b"")  # type: ignore[arg-type]  # bytes or an empty list
            self._vu.log(
                "warning",
                f'The specified Content-Length header "{given.length}" in the {method} request for {url}'
                f" doesn't match the actual request body length of {size}, so it will be ignored!",
            )
        return made, given

    def _warn_of_encoding(self, method: str, url: str, made: "RequestOptions") -> None:
        wanted, headers = made.get("compression"), made.get("headers") or {}
        stated = headers.get("Content-Encoding", "")
        if wanted and stated and made.get("content") is not None and stated != re.sub(r",\s*", ", ", wanted):
            self._vu.log(
                "warning",
                "There's a mismatch between the desired `compression` the manually set `Content-Encoding`"
                f" header in the {method} request for '{url}', the custom header has precedence and won't be"
                " overwritten. This may result in invalid data being sent to the server.",
            )

    def set_expected(self, text: str | None) -> None:
        """The VU's default for which statuses are expected; None: nobody asks."""
        self._expected = {"expected": expected(text)}

    # Responses

    def body(self, number: int, binary: bool) -> Any:
        """The body of a response: text, bytes, or null where there is none."""
        response = self._responses[int(number)]
        content = response.content
        self._eager = EAGER_TIMES
        if not content:
            has_none = response.status_code in NO_BODY or not response.status_code or response.error
            if has_none or getattr(response.request, "discard", False):
                return None
            return self._context.buffer(b"") if binary else ""
        if binary:
            return self._context.buffer(content)
        # Short text is cheapest as Python's own; the engine takes long text, and any bytes, as they are.
        if len(content) < SHORT and content.isascii() and b"\0" not in content:
            return str(content, "ascii")
        return self._context.string(content)

    def detail(self, number: int) -> Text:
        """Everything else of a response, as JSON."""
        return Text(response_detail(self._responses[int(number)]))

    def release(self, first: int, count: int) -> None:
        """The script cannot reach these responses any more."""
        take, first = self._responses.pop, int(first)
        for number in range(first, first + count):
            take(number, None)

    def _forget(self, codes: list[int]) -> None:
        """Responses with numbers of their own that the script was never given."""
        for code in codes:
            self.release(abs(code) // 1000, 1)

    # Bodies of several parts

    def multipart(self, *parts: Any) -> bytes:
        """(name, content, file name, type) of each part as multipart/form-data (RFC 7578)."""
        self.boundary = boundary = secrets.token_hex(30)
        pieces = []
        for index in range(0, len(parts), 4):
            name, content, filename, kind = parts[index : index + 4]
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
            if kind:
                head += f'; filename="{_quoted(filename)}"\r\nContent-Type: {kind}'
            data = content if isinstance(content, bytes) else well_formed(content).encode()
            pieces.append(f"{head}\r\n\r\n".encode() + data + b"\r\n")
        return b"".join(pieces) + f"--{boundary}--\r\n".encode()


class _Sender:
    """What ``send_batch`` sends with."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def request(self, method: str, url: str, **options: Any) -> Response:
        """Send one of the batch."""
        return self._client.exchange(method, url, options, None)  # type: ignore[arg-type]  # as they were put in


def tag_text(name: str, value: object) -> str:
    """A tag's value as text; raises ``TypeError`` for what is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value) if value == int(value) else value)
    raise TypeError(f"the tag {name!r} is neither text nor a number nor a boolean")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "%0D").replace("\n", "%0A")
