"""The pair of sockets between the supervisor and a worker process: lines of JSON in both directions."""

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

Frame = dict[str, Any]
MAX_LINE_BYTES = 4 * 1024 * 1024


class Control:
    """A worker's end: what it reports, and the bus messages that pass through the supervisor."""

    def __init__(self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
        self._writer = writer
        self._reader = reader
        self.on_bus: Callable[[str, Frame], None] = lambda _channel, _message: None

    @classmethod
    async def open(cls, fd: int) -> "Control":
        """Take over the socket with number ``fd``."""
        reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=fd), limit=MAX_LINE_BYTES)
        return cls(writer, reader)

    def send(self, kind: str, **fields: object) -> None:
        """Send a frame; it never waits."""
        self._writer.write(msgspec.json.encode({"kind": kind} | fields) + b"\n")

    def send_bus(self, channel: str, message: Frame, *, retain: bool) -> None:
        """Pass a message to the other processes."""
        self.send("bus", channel=channel, message=message, retain=retain)

    async def listen(self) -> None:
        """Deliver bus messages until the supervisor closes its end, or is gone."""
        while line := await self._reader.readline():
            frame = msgspec.json.decode(line)
            if frame["kind"] == "bus":
                self.on_bus(frame["channel"], frame["message"])

    async def close(self) -> None:
        """Send what is left, and close."""
        try:
            await self._writer.drain()
            self._writer.close()
            await self._writer.wait_closed()
        except OSError:
            return
