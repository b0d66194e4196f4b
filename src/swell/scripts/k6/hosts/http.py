"""The Python half of ``k6/http``."""

import itertools
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import gevent
import msgspec

from swell.base.units import parse_duration_ns
from swell.engine.vu import current_vu
from swell.net.batch import send_batch
from swell.net.cookies import CookieJar
from swell.net.response import RequestError, Response
from swell.scripts.k6.httpdetail import response_detail
from swell.scripts.k6.values import HostError, HostFunction, Text, raw

if TYPE_CHECKING:
    from swell.net.prepared import RequestOptions
    from swell.scripts.k6.vuhost import VUHost

# Parameters as JSON text that are remembered, parsed.
MAX_REMEMBERED: Final = 2_000
SHORT: Final = 1 << 16
NO_BODY: Final = frozenset({204, 304})


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``http.js`` needs."""
    client = Client(vu)
    return {
        "get": raw(client.get),
        "send": client.send,
        "start": client.start,
        "batchBegin": client.batched.clear,
        "batchAdd": client.batch_add,
        "batchRun": client.batch_run,
        "body": raw(client.body),
        "detail": client.detail,
        "release": raw(client.release),
        "multipart": client.multipart,
        "boundary": lambda: client.boundary,
        "fileName": lambda: str(time.time_ns()),
        "warn": lambda message: vu.log("warning", message),
        "setExpected": client.set_expected,
        "ownJar": lambda: vu.forbid_init("http.cookieJar()"),
        "newJar": client.new_jar,
        "jarCookies": lambda jar, url: msgspec.json.encode(client.jar(jar).cookies_for_url(url)).decode(),
        "jarSet": client.jar_set,
        "jarClear": lambda jar, url: client.jar(jar).clear(url),
        "jarDelete": lambda jar, url, name: client.jar(jar).delete(url, name),
    }


class Client:
    """The requests of one VU, and the responses that its script can still reach."""

    def __init__(self, vu: "VUHost") -> None:
        self._vu = vu
        self._context = vu.context
        self._responses: dict[int, Response] = {}
        self._numbers = itertools.count(1)
        self._jars: dict[int, CookieJar] = {}
        self._default_expected: str | None = None
        self._binary: set[int] = set()
        self.batched: list[tuple[str, str, RequestOptions, bool]] = []
        self.boundary = ""
        # Other modules are given the numbers of its jars.
        vu.state["http"] = self

    # Requests

    def get(self, url: str) -> Any:
        """GET without parameters: the hot path. Gives number and status in one."""
        vu = self._vu
        try:
            if vu.phase == "init":
                vu.forbid_init("http.get()")
            if type(url) is not str:
                url = self._context.from_js(url)
            if self._default_expected is None:
                response = vu.vu.client.request("GET", url)  # type: ignore[union-attr]  # there outside init
            else:
                response = self._perform("GET", url, self._options("", None, "{}"))
        except RequestError as error:
            return self._context.throw(HostError(str(error)))
        except BaseException as error:  # noqa: BLE001  # a raw function must not raise
            return self._context.throw(error)
        number = next(self._numbers)
        self._responses[number] = response
        code = number * 1000 + response.status_code
        return code if code < 2**31 else float(code)

    def send(self, method: str, url: str, name: str, body: str | bytes | None, params: str) -> int:
        """Any request; ``params`` as encoded in ``http.js``."""
        self._vu.forbid_init(f"http.{method.lower()}()")
        options = self._options(name, body, params)
        return self._keep(self._perform(method, url, options, throws=_throws(params)))

    def start(self, method: str, url: str, name: str, body: str | bytes | None, params: str) -> int:
        """A request that goes on by itself; the id of its operation."""
        vu = self._vu
        vu.forbid_init("http.asyncRequest()")
        options = self._options(name, body, params)
        engine_vu = vu.engine_vu

        def work() -> None:
            current_vu.set(engine_vu)
            try:
                operation.complete(self._keep(self._perform(method, url, options, throws=_throws(params))))
            except HostError as error:
                operation.fail(error)
            except Exception as error:  # noqa: BLE001  # the promise is rejected with it
                operation.fail(HostError(str(error)))

        operation = vu.loop.begin(lambda: greenlet.kill(block=False))
        greenlet = gevent.spawn(work)
        return operation.id

    def batch_add(self, method: str, url: str, name: str, body: str | bytes | None, params: str) -> None:
        """Put a request aside for ``batch_run``."""
        self._vu.forbid_init("http.batch()")
        self.batched.append((method, url, self._options(name, body, params), _throws(params) is True))

    def batch_run(self) -> str:
        """Send what was put aside, side by side; a JSON list of what ``send`` gives."""
        waiting, self.batched[:] = list(self.batched), []
        vu = self._vu
        try:
            responses = send_batch(
                vu.client, [(method, url, options) for method, url, options, _ in waiting], vu.runtime.options
            )
        except RequestError as error:
            raise HostError(str(error)) from None
        return msgspec.json.encode([self._keep(response) for response in responses]).decode()

    def _perform(
        self, method: str, url: str, options: "RequestOptions", *, throws: bool | None = None
    ) -> Response:
        try:
            response: Response = self._vu.client.request(method, url, **options)
        except RequestError as error:
            if throws is False:
                return error.response
            raise HostError(error.response.error) from None
        if throws and response.error:
            raise HostError(response.error)
        return response

    def _keep(self, response: Response) -> int:
        number = next(self._numbers)
        self._responses[number] = response
        return number * 1000 + response.status_code

    # Parameters

    def _options(self, name: str, body: str | bytes | None, params: str) -> "RequestOptions":
        remembered = self._vu.shared.kept.setdefault("http", {})
        options = remembered.get(params)
        if options is None:
            options = self._read(msgspec.json.decode(params))
            if "jar" not in options and len(remembered) < MAX_REMEMBERED:
                remembered[params] = options
        made: RequestOptions = dict(options)  # type: ignore[assignment]
        if name:
            made["name"] = name
        if body is not None:
            made["content"] = body if isinstance(body, bytes) else body.encode("utf-8", "replace")
        if self._default_expected is not None and "expected" not in made:
            made["expected"] = _expected(self._default_expected)
        return made

    def _read(self, params: dict[str, Any]) -> "RequestOptions":
        made: RequestOptions = {}
        headers = dict(params.get("headers", {}))
        if "type" in params and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = params["type"]
        if headers:
            made["headers"] = headers
        cookies = params.get("cookies")
        if cookies:
            made["cookies"] = {
                name: str(value["value"] if isinstance(value, dict) else value)
                for name, value in cookies.items()
            }
        if params.get("tags"):
            made["tags"] = {name: tag_text(name, value) for name, value in params["tags"].items()}
        if "timeout" in params:
            made["timeout"] = _timeout_s(params["timeout"])
        if "redirects" in params:
            made["max_redirects"] = int(params["redirects"])
        kind = params.get("responseType")
        if kind is not None:
            if kind not in {"text", "binary", "none"}:
                raise HostError(f"responseType is text, binary or none, not {kind!r}")
            made["discard_body"] = kind == "none"
        if "compression" in params:
            made["compression"] = params["compression"]
        if "jar" in params:
            made["jar"] = self.jar(params["jar"])
        if params.get("expected"):
            made["expected"] = _expected(params["expected"])
        return made

    def set_expected(self, text: str) -> None:
        """The VU's default for which statuses are expected."""
        self._default_expected = text or None

    # Responses

    def body(self, number: int, binary: bool) -> Any:
        """The body of a response: text, bytes, or null where there is none."""
        response = self._responses[number]
        content = response.content
        if not content:
            has_none = response.status_code in NO_BODY or not response.status_code
            if has_none or getattr(response.request, "discard", False):
                return None
            return self._context.buffer(b"") if binary else ""
        if binary:
            return self._context.buffer(content)
        # Short text is cheapest as Python's own; the engine takes long text, and any bytes, as they are.
        return (
            str(content, "ascii")
            if len(content) < SHORT and content.isascii()
            else self._context.string(content)
        )

    def detail(self, number: int) -> Text:
        """Everything else of a response, as JSON."""
        return Text(response_detail(self._responses[int(number)]))

    def release(self, *numbers: int) -> None:
        """The script cannot reach these responses any more."""
        for number in numbers:
            self._responses.pop(number, None)

    # Bodies of several parts, and cookies

    def multipart(self, *parts: Any) -> bytes:
        """(name, content, file name, type) of each part as multipart/form-data (RFC 7578)."""
        self.boundary = boundary = secrets.token_hex(30)
        pieces = []
        for index in range(0, len(parts), 4):
            name, content, filename, kind = parts[index : index + 4]
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
            if kind:
                head += f'; filename="{_quoted(filename)}"\r\nContent-Type: {kind}'
            data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
            pieces.append(f"{head}\r\n\r\n".encode() + data + b"\r\n")
        return b"".join(pieces) + f"--{boundary}--\r\n".encode()

    def new_jar(self) -> int:
        """A jar of the script's own."""
        number = len(self._jars) + 1
        self._jars[number] = CookieJar()
        return number

    def jar(self, number: int) -> CookieJar:
        """The jar with this number; 0 is the VU's."""
        return self._jars[int(number)] if number else self._vu.client.jar

    def jar_set(self, number: int, url: str, name: str, value: str, options: str) -> bool:
        """Put a cookie into a jar."""
        given = msgspec.json.decode(options)
        attributes = [f"{name}={value}"]
        for key, label in (
            ("domain", "Domain"),
            ("path", "Path"),
            ("expires", "Expires"),
            ("max_age", "Max-Age"),
        ):
            if given.get(key) not in {None, "", 0}:
                attributes.append(f"{label}={given[key]}")
        attributes += [
            label for key, label in (("secure", "Secure"), ("http_only", "HttpOnly")) if given.get(key)
        ]
        parts = self._vu.client.shared.urls[url]
        self.jar(number).store(parts.scheme, parts.host, parts.path, ["; ".join(attributes)])
        return True


def _throws(params: str) -> bool | None:
    """The parameter ``throw``; None where it is not given."""
    if '"throw":' not in params:
        return None
    return bool(msgspec.json.decode(params).get("throw"))


def _timeout_s(value: object) -> float | str:
    if isinstance(value, int | float):
        return value / 1000
    text = str(value)
    try:
        return float(text) / 1000
    except ValueError:
        return parse_duration_ns(text) / 1e9


def tag_text(name: str, value: object) -> str:
    """A tag's value as text; raises ``TypeError`` for what is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value) if value == int(value) else value)
    raise TypeError(f"the tag {name!r} is neither text nor a number nor a boolean")


_EXPECTED: dict[str, Any] = {}


def _expected(text: str) -> Any:
    """A test of statuses from "200-299,404-404"; the same object each time, for what is remembered."""
    found = _EXPECTED.get(text)
    if found is None:
        allowed: set[int] = set()
        for part in text.split(","):
            first, _, last = part.partition("-")
            allowed.update(range(int(first), min(int(last), 999) + 1))
        found = _EXPECTED[text] = frozenset(allowed).__contains__
    return found


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "%0D").replace("\n", "%0A")
