"""Sends many requests at the same moment: a connection for each, all written before any answer is read."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: Any


def post(path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """A request as it goes over the wire; its connection is closed with the answer."""
    lines = [f"POST {path} HTTP/1.1", "host: test", f"content-length: {len(body)}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def burst(url: str, requests: Iterable[bytes]) -> list[Answer]:
    """The answers, in the order of the requests."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    return asyncio.run(_burst(parts.hostname, parts.port or 80, list(requests)))


async def _burst(host: str, port: int, requests: list[bytes]) -> list[Answer]:
    streams = await asyncio.gather(*(asyncio.open_connection(host, port) for _ in requests))
    for (_, writer), request in zip(streams, requests, strict=True):
        writer.write(request)
    raw = await asyncio.gather(*(reader.read() for reader, _ in streams))
    for _, writer in streams:
        writer.close()
        await writer.wait_closed()
    return [_parse(answer) for answer in raw]


def _parse(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]), json.loads(body))
