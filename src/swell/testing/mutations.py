"""Bytes made a little wrong: flipped, cut, doubled, mixed up."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

_MOSTLY: Final = 0.7


def mutate(data: bytes, rng: Random) -> bytes:
    """``data`` with one to four things wrong."""
    spoilt = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        rng.choice(_MUTATIONS)(spoilt, rng)
    return bytes(spoilt)


_TOKENS: Final = (
    b"\r\n", b"\r\n\r\n", b"\n", b"\x00", b"\xff" * 5, b":", b" ", b"\t", b"0\r\n\r\n", b"HTTP/1.1 ",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Connection: close\r\n", b"\r\n ", b"100 ", b"304", b"ffffffff", b"-1", b";", b"Set-Cookie: a=b\r\n",
)  # fmt: skip


def _flip(data: bytearray, rng: Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _truncate(data: bytearray, rng: Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _remove(data: bytearray, rng: Random) -> None:
    start = rng.randrange(len(data) + 1)
    del data[start : start + rng.randint(1, 20)]


def _duplicate(data: bytearray, rng: Random) -> None:
    start = rng.randrange(len(data) + 1)
    piece = data[start : start + rng.randint(1, 200)]
    data[start:start] = piece * rng.choice((1, 1, 2, 50))


def _insert(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice(_TOKENS) if rng.random() < _MOSTLY else rng.randbytes(rng.randint(1, 30))


def _swap(data: bytearray, rng: Random) -> None:
    lines = bytes(data).split(b"\r\n")
    rng.shuffle(lines)
    data[:] = b"\r\n".join(lines)


_MUTATIONS: Final[Sequence[Callable[[bytearray, Random], None]]] = (
    _flip, _flip, _flip, _truncate, _remove, _duplicate, _insert, _insert, _swap,
)  # fmt: skip
