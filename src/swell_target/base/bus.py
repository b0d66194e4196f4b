"""Messages to all processes of the platform, the own one too: presence, chat, faults.

One process delivers to itself. Several pass messages through the supervisor (a pair of sockets to each), or
through Redis where the platform runs on several machines. Publishing never blocks; order is kept for each
sender.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import msgspec

from swell_target.base.control import Control
from swell_target.base.operator import tell

Message = dict[str, Any]
Callback = Callable[[Message], None]
CHANNEL = "swell-target"


class Bus:
    """Channels of small JSON messages."""

    def __init__(self, control: Control | None = None, redis_url: str = "") -> None:
        self._callbacks: dict[str, list[Callback]] = {}
        self._control = control
        self._redis_url = redis_url
        self._redis: Any = None
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._own = str(id(self))
        if control is not None:
            control.on_bus = self._receive

    def subscribe(self, channel: str, callback: Callback) -> Callable[[], None]:
        """Call ``callback`` for each message of ``channel``; returns what ends it."""
        callbacks = self._callbacks.setdefault(channel, [])
        callbacks.append(callback)

        def end() -> None:
            with contextlib.suppress(ValueError):
                callbacks.remove(callback)
            if not callbacks and self._callbacks.get(channel) is callbacks:
                del self._callbacks[channel]

        return end

    def publish(self, channel: str, message: Message, *, retain: bool = False) -> None:
        """Send to every process; a ``retain`` message is given to a process that starts later, too."""
        if self._redis_url:
            self._outbox.put_nowait(msgspec.json.encode([self._own, channel, message]))
        if self._control is not None and (retain or not self._redis_url):
            self._control.send_bus(channel, message, retain=retain)
        self._receive(channel, message)

    def _receive(self, channel: str, message: Message) -> None:
        for callback in list(self._callbacks.get(channel, ())):
            callback(message)

    async def start(self) -> None:
        """Connect to Redis, where it is used."""
        if not self._redis_url:
            return
        from redis.asyncio import Redis  # noqa: PLC0415 - an extra, and only where it is used

        self._own = f"{id(self)}-{asyncio.get_running_loop().time()}"
        self._redis = Redis.from_url(self._redis_url)
        await self._redis.ping()
        listener = self._redis.pubsub()
        await listener.subscribe(CHANNEL)
        self._task = asyncio.create_task(self._run(listener))

    async def _run(self, listener: Any) -> None:
        async def send() -> None:
            while True:
                await self._redis.publish(CHANNEL, await self._outbox.get())

        async with contextlib.AsyncExitStack() as stack:
            sender = asyncio.create_task(send())
            stack.callback(sender.cancel)
            try:
                async for item in listener.listen():
                    if item["type"] == "message":
                        sender_id, channel, message = msgspec.json.decode(item["data"])
                        if sender_id != self._own:
                            self._receive(channel, message)
            except Exception as error:  # noqa: BLE001 - whatever the client library raises when Redis goes
                tell(f"Redis went away: {error}")

    async def stop(self) -> None:
        """Close the connection."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._redis is not None:
            await self._redis.aclose()
