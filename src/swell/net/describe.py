"""An exchange as text, for people who look on: what was sent and what came back, without the secrets.

The values of ``Authorization``, ``Proxy-Authorization``, ``Cookie`` and ``Set-Cookie`` are masked; what
surrounds them (the scheme, the cookies' names and attributes) is what debugging needs, and stays.
"""

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from swell.net.response import Response

# Bodies are cut after this many characters: a page, not a download.
BODY_CHARACTERS: Final = 4_000
MASK: Final = "****"
_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization"})
_COOKIE_PAIR: Final = re.compile(r"([^=;\s]+)=[^;]*")


def masked(name: str, value: str) -> str:
    """The value of a header field without its secrets."""
    lower = name.lower()
    if lower in _CREDENTIALS:
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {MASK}" if space else MASK
    if lower == "cookie":
        return _COOKIE_PAIR.sub(rf"\1={MASK}", value) if "=" in value else MASK
    if lower == "set-cookie":
        pair, semicolon, attributes = value.partition(";")
        cookie, found, _ = pair.partition("=")
        return f"{cookie}={MASK}{semicolon}{attributes}" if found else f"{MASK}{semicolon}{attributes}"
    return value


def describe_exchange(response: "Response", *, with_bodies: bool = True) -> str:
    """One request and its response as text: ``>`` what was sent, ``<`` what came back."""
    request = response.request
    lines = [f"> {request.method} {request.text}"]
    lines += [f"> {name}: {masked(name, value)}" for name, value in request.headers.items()]
    if response.sent_cookies:
        lines.append(f"> Cookie: {masked('cookie', response.sent_cookies)}")
    if with_bodies:
        given = (value for name, value in request.headers.items() if name.lower() == "content-type")
        sent = _body_text(request.body or b"", next(given, ""))
        lines += [f"> {line}" for line in ["", *sent] if sent]
    if response.error:
        lines.append(f"< error {response.error_code}: {response.error}")
        return "\n".join(lines)
    timings = response.timings
    lines.append(
        f"< {response.status_code} {response.reason}   {timings.duration:.2f} ms"
        f" (blocked {timings.blocked:.2f}, connecting {timings.connecting:.2f},"
        f" tls {timings.tls_handshaking:.2f}, sending {timings.sending:.2f},"
        f" waiting {timings.waiting:.2f}, receiving {timings.receiving:.2f})"
    )
    # Pair by pair: several cookies in one line could not be told apart.
    lines += [f"< {name}: {masked(name, value)}" for name, value in response.headers.pairs]
    if with_bodies:
        got = _body_text(response.content, response.headers.get("content-type", ""))
        lines += [f"< {line}" for line in ["", *got] if got]
    return "\n".join(lines)


def _body_text(body: bytes, content_type: str) -> list[str]:
    if not body:
        return []
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return [f"({len(body)} bytes of {content_type or 'binary data'})"]
    if "json" in content_type:
        # What is no JSON is shown as it came: a wrong content type is what somebody may be looking for.
        with suppress(ValueError):
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    if len(text) > BODY_CHARACTERS:
        text = f"{text[:BODY_CHARACTERS]}\n({len(text) - BODY_CHARACTERS} more characters)"
    return text.splitlines()
