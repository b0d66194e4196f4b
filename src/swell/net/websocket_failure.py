"""What can go wrong with a WebSocket, as ``Failure`` values: codes 1250 to 1259, all swell's own.

What stops the dialling has the codes of ``net.failure``, and an answer of 400 and more to the upgrade has
1000 + status, as every response. The texts hold nothing that a peer can vary without end: they become tags.
"""

from typing import Final

from websockets.exceptions import (
    InvalidHeader,
    InvalidMessage,
    InvalidStatus,
    InvalidUpgrade,
    NegotiationError,
    PayloadTooBig,
    ProtocolError,
)
from websockets.frames import CLOSE_CODE_EXPLANATIONS

from swell.net.failure import MALFORMED_RESPONSE, Failure, failure_from, status_code

NOT_SWITCHED: Final = 1250
BAD_HANDSHAKE: Final = 1251
BAD_FRAME: Final = 1252
BAD_TEXT: Final = 1253
TOO_BIG: Final = 1254
CUT_OFF: Final = 1255
NOT_READING: Final = 1256
CLOSED_BY_PEER: Final = 1257
UNRESPONSIVE: Final = 1258
NO_GOODBYE: Final = 1259

WEBSOCKET_CODES: Final[dict[int, str]] = {
    NOT_SWITCHED: "The server answered the upgrade with a status below 400 that is not 101.",
    BAD_HANDSHAKE: "The server's 101 is no valid answer: key, headers, subprotocol or extension are wrong.",
    BAD_FRAME: "The peer broke the protocol's rules for frames; we closed with 1002.",
    BAD_TEXT: "A text message or a close reason is not UTF-8; we closed with 1007.",
    TOO_BIG: "A message is larger than max_size, decompressed; we closed with 1009.",
    CUT_OFF: "The connection ended without a close frame.",
    NOT_READING: "The peer did not read what was sent, within the send timeout.",
    CLOSED_BY_PEER: "The peer closed with a code that says that something is wrong (not 1000, 1001 or none).",
    UNRESPONSIVE: "The peer did not answer a keep-alive ping in time: half-open, or stuck.",
    NO_GOODBYE: "The peer did not answer our close frame in time.",
}
"""Every code with its meaning."""

REFUSALS: Final = {BAD_FRAME: 1002, BAD_TEXT: 1007, TOO_BIG: 1009}
"""The close code that tells a peer what was wrong with its frames."""

NORMAL_CLOSE: Final = frozenset({1000, 1001, 1005})


def handshake_failure(error: Exception) -> Failure:
    """Why the server's answer to the upgrade is none."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return Failure(status_code(status) or NOT_SWITCHED, f"upgrade: the server answered {status}")
    if isinstance(error, InvalidUpgrade):
        return Failure(BAD_HANDSHAKE, f"upgrade: the header {error.name} does not say that it was done")
    if isinstance(error, NegotiationError):
        return Failure(BAD_HANDSHAKE, "upgrade: the server chose a subprotocol or extension not asked for")
    if isinstance(error, InvalidHeader):
        return Failure(BAD_HANDSHAKE, f"upgrade: the header {error.name} is missing or wrong")
    if isinstance(error, InvalidMessage):
        if isinstance(error.__cause__, EOFError):
            return failure_from(error.__cause__, "read")
        return Failure(MALFORMED_RESPONSE, "read: the answer to the upgrade is not HTTP/1.1")
    return Failure(BAD_HANDSHAKE, f"upgrade: {type(error).__name__}")


def frame_failure(error: BaseException) -> Failure:
    """Why the frames could not be read on; for whatever else ended the stream, the failure of that."""
    if isinstance(error, ProtocolError):
        return Failure(BAD_FRAME, f"read: {error}")
    if isinstance(error, PayloadTooBig):
        return Failure(TOO_BIG, "read: message larger than max_size")
    if isinstance(error, UnicodeDecodeError):
        return Failure(BAD_TEXT, "read: text that is not UTF-8")
    if isinstance(error, EOFError):
        return Failure(CUT_OFF, "read: connection ended without a close frame")
    return failure_from(error, "read")


def close_failure(code: int) -> Failure | None:
    """What a close frame of the peer stands for; None where it just says goodbye."""
    if code in NORMAL_CLOSE:
        return None
    meaning = CLOSE_CODE_EXPLANATIONS.get(code)
    # Codes without a registered meaning are the application's: 3000 to 4999, two thousand at most.
    return Failure(CLOSED_BY_PEER, f"closed by the server: {code}" + (f" {meaning}" if meaning else ""))
