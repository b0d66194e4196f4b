"""A WebSocket as a handler sees it: texts in, texts out through a bounded outbox that never blocks who posts.

A reader that does not read (k6 and its scripts sleep for minutes) fills the kernel's buffers, then the
outbox; beyond its limit the oldest messages are dropped and counted. Nobody else waits for it, and nothing
closes it: there are no pings.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from swell_target.base.call import Call
from swell_target.base.clock import pause
from swell_target.base.errors import Problem
from swell_target.base.faults import CutSockets, SlowDisconnect

DEFAULT_OUTBOX = 5_000
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Socket:
    """One connection; iterate over it for the texts that the client sends, until it is gone."""

    def __init__(
        self, call: Call, receive: Receive, send: Send, answer_headers: list[tuple[bytes, bytes]]
    ) -> None:
        self.call = call
        self.limit = DEFAULT_OUTBOX
        self._receive = receive
        self._send = send
        self._headers = answer_headers
        self._outbox: deque[str] = deque()
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._cutter: asyncio.Task[None] | None = None
        self.accepted = False
        self.gone = False

    async def accept(self, limit: int = DEFAULT_OUTBOX) -> None:
        """Upgrade; ``limit`` is how many messages may wait for a slow reader."""
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept", "headers": self._headers})
        self.limit = limit
        self.accepted = True
        self.call.runtime.metrics.sockets.inc()
        self._sender = asyncio.create_task(self._pump())
        cut = self.call.faults.strikes(CutSockets) if self.call.faults.active else None
        if cut is not None:
            self._cutter = asyncio.create_task(self._cut(cut))

    async def _cut(self, fault: CutSockets) -> None:
        await pause(fault.after_ms)
        await self.close(1011)

    def refuse(self, problem: Problem) -> None:
        """Answer with HTTP instead of upgrading."""
        raise problem

    def post(self, text: str) -> None:
        """Send ``text`` when it can be sent; the oldest waiting one goes when the outbox is full."""
        if self.gone:
            return
        if len(self._outbox) >= self.limit:
            self._outbox.popleft()
            self.call.runtime.metrics.messages_dropped.inc()
        self._outbox.append(text)
        self._wake.set()

    def post_json(self, message: object) -> None:
        """Send a message as JSON."""
        self.post(msgspec.json.encode(message).decode())

    async def _pump(self) -> None:
        metrics = self.call.runtime.metrics
        with contextlib.suppress(OSError, RuntimeError):
            while True:
                while self._outbox:
                    await self._send({"type": "websocket.send", "text": self._outbox.popleft()})
                    metrics.messages_out.inc()
                self._wake.clear()
                await self._wake.wait()
        self.gone = True

    def __aiter__(self) -> AsyncIterator[str]:
        return self._texts()

    async def _texts(self) -> AsyncIterator[str]:
        metrics = self.call.runtime.metrics
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                self.gone = True
                return
            metrics.messages_in.inc()
            text = event.get("text")
            yield text if text is not None else bytes(event.get("bytes") or b"").decode("utf-8", "replace")

    async def close(self, code: int = 1000) -> None:
        """Send what waits, then close; for a peer that is gone, nothing."""
        if self.gone or not self.accepted:
            return
        self.gone = True
        if self._sender is not None:
            self._sender.cancel()
        with contextlib.suppress(OSError, RuntimeError):
            while self._outbox:
                await self._send({"type": "websocket.send", "text": self._outbox.popleft()})
            await self._send({"type": "websocket.close", "code": code})

    async def finish(self) -> None:
        """Free what the connection holds (later, under the fault); called once the handler has ended."""
        if not self.accepted:
            return
        for task in (self._sender, self._cutter):
            if task is not None:
                task.cancel()
        self.call.runtime.metrics.sockets.dec()

    async def linger(self) -> None:
        """Wait under the fault of slow disconnects; to be called before a peer leaves the books."""
        fault = self.call.faults.find(SlowDisconnect)
        if fault is not None:
            await pause(fault.ms)
