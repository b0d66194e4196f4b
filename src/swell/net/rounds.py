"""Requests that follow from a response: redirects, and answers to a challenge, by digest or NTLM."""

import base64
import re
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from swell.net.auth import DigestAuth, digest_challenge
from swell.net.failure import Failure, FailureError
from swell.net.ntlm import NTLMAuth, negotiate_message, ntlm_offer
from swell.net.url import join
from swell.net.userinfo import userinfo

if TYPE_CHECKING:
    from swell.net.client import HTTPClient
    from swell.net.prepared import PreparedRequest
    from swell.net.requestoptions import Expected
    from swell.net.response import Response
    from swell.net.url import Url

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
UNAUTHORIZED: Final = 401
_HAS_HOST: Final = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.\-]*:|[/\\]{2})")
# What may have a request of its own following it.
MAY_GO_ON: Final = REDIRECTS | {UNAUTHORIZED}


class ExpectsChallenge:
    """k6's rule: the 401 that a handshake begins with is no failure; ``original`` judges everything else."""

    __slots__ = ("original",)

    def __init__(self, original: "Expected") -> None:
        self.original = original

    def __call__(self, status: int) -> int:
        """Whether ``status`` is no failure."""
        return status == UNAUTHORIZED or self.original(status)


class Rounds:
    """The rounds of one request of a script; ``next`` makes the following one."""

    __slots__ = ("_client", "_has_answered", "_has_asked", "_left")

    def __init__(self, client: "HTTPClient", max_redirects: int) -> None:
        self._client = client
        self._left = max_redirects
        # Of an NTLM handshake: whether NEGOTIATE was sent.
        self._has_asked = False
        self._has_answered = False

    def next(self, prepared: "PreparedRequest", response: "Response") -> "PreparedRequest | None":
        """The request that ``response`` to ``prepared`` asks for, or None where it is the last word.

        Raises ``FailureError`` for a redirect to what cannot be requested.
        """
        if response.status_code in REDIRECTS:
            return self._redirected(prepared, response)
        if response.status_code != UNAUTHORIZED or self._has_answered:
            return None
        match prepared.answers:
            case DigestAuth():
                return self._answered(prepared, response)
            case NTLMAuth():
                return self._negotiated(prepared, response, prepared.answers)
            case _:
                return None

    def _redirected(self, prepared: "PreparedRequest", response: "Response") -> "PreparedRequest | None":
        """As Go's client does: 301 to 303 become GET without a body, 307 and 308 keep both."""
        location = response.headers.get("location")
        if not location or self._left <= 0:
            return None
        self._left -= 1
        shared = self._client.shared
        keep = response.status_code in (307, 308)
        method = prepared.method
        if not keep and method not in ("GET", "HEAD"):
            method = "GET"
        try:
            url = shared.urls[self._joined(prepared.url, location)]
        except FailureError as error:
            # Without the URL: the text becomes a tag, and the server may think of a new one each time.
            raise FailureError(Failure(error.failure.code, "redirect to an invalid URL")) from error
        following = shared.factory.redirected(prepared, url, method, keep_body=keep)
        if following is None:
            return None
        if isinstance(following.answers, NTLMAuth):
            # Its connection may belong to the user already: what was said there is not said again.
            self._has_asked = self._has_answered = False
            following = shared.factory.authorized(following, "")
        if following.answers is not None:
            return authorized(self._client, following)
        if isinstance(following.expected, ExpectsChallenge):
            following.expected = following.expected.original
        return following

    def _joined(self, base: "Url", location: str) -> str:
        joined = join(base, location)
        keeps = self._client.shared.factory.keeps_credentials
        if not keeps or base.username is None or _HAS_HOST.match(location):
            return joined
        return joined.replace("://", f"://{userinfo(base.username, base.password)}@", 1)

    def _answered(self, prepared: "PreparedRequest", response: "Response") -> "PreparedRequest | None":
        self._has_answered = True
        client = self._client
        try:
            challenge = digest_challenge(response.header_bytes(b"www-authenticate"))
        except ValueError as error:
            self._warn(prepared, error)
            return None
        client.challenges[prepared.url.key] = challenge
        return authorized(client, prepared)

    def _negotiated(
        self, prepared: "PreparedRequest", response: "Response", auth: NTLMAuth
    ) -> "PreparedRequest | None":
        """The next message of an NTLM handshake; it goes out on the connection that was used last."""
        try:
            scheme, challenge = ntlm_offer(response.header_bytes(b"www-authenticate"))
            message = auth.authenticate(challenge) if self._has_asked else negotiate_message()
        except ValueError as error:
            self._warn(prepared, error)
            return None
        following = self._client.shared.factory.authorized(
            prepared, f"{scheme} {base64.b64encode(message).decode()}"
        )
        expected = prepared.expected
        original = expected.original if isinstance(expected, ExpectsChallenge) else expected
        following.expected = original if self._has_asked else ExpectsChallenge(original)
        self._has_answered, self._has_asked = self._has_asked, True
        return following

    def _warn(self, prepared: "PreparedRequest", error: ValueError) -> None:
        self._client.shared.warn_once(f"{prepared.method} {prepared.template.name}: {error}")


def authorized(client: "HTTPClient", prepared: "PreparedRequest") -> "PreparedRequest":
    """``prepared`` with the answer to the challenge that its server gave last; as it is where none is known.

    Without one the first answer will be a challenge, which is no failure.
    """
    expected = prepared.expected
    original = expected.original if isinstance(expected, ExpectsChallenge) else expected
    challenge = client.challenges.get(prepared.url.key)
    digest = prepared.answers
    if challenge is None or not isinstance(digest, DigestAuth):
        prepared.expected = ExpectsChallenge(original)
        return prepared
    answer = digest.respond(challenge, prepared.method, prepared.url.target)
    following = client.shared.factory.authorized(prepared, answer)
    # The first answer to a challenge must succeed; a remembered one may have grown stale.
    following.expected = original if challenge.count == 1 else ExpectsChallenge(original)
    return following


def follow(client: "HTTPClient", prepared: "PreparedRequest", response: "Response") -> "Response":
    """Send what follows from ``response``; the last response, with those before it in its ``history``."""
    history: list[Response] = []
    rounds = Rounds(client, prepared.max_redirects)
    while True:
        try:
            following = rounds.next(prepared, response)
        except FailureError as error:
            history.append(response)
            now = monotonic_ns()
            response = client.failed(prepared, None, error.failure, now, now)
            break
        if following is None:
            break
        history.append(response)
        prepared = following
        response = client.send(prepared)
        if response.status_code not in MAY_GO_ON:
            break
    response.history = tuple(history)
    return response
