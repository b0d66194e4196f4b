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

from swell_target.base.clock import new_id
from swell_target.base.control import Control
from swell_target.base.operator import tell

Message = dict[str, Any]
Callback = Callable[[Message], None]
CHANNEL = "swell-target"
RETRY_S = 0.5


class Bus:
    """Channels of small JSON messages."""

    def __init__(self, control: Control | None = None, redis_url: str = "") -> None:
        self._callbacks: dict[str, list[Callback]] = {}
        self._control = control
        self._redis_url = redis_url
        self._redis: Any = None
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._own = ""
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

        self._own = new_id()
        self._redis = Redis.from_url(self._redis_url)
        await self._redis.ping()
        # Subscribed before anything is served, so that no message of another process is missed.
        listener = await self._subscribe()
        self._tasks = [asyncio.create_task(self._listen(listener)), asyncio.create_task(self._send())]

    async def _subscribe(self) -> Any:
        listener = self._redis.pubsub()
        await listener.subscribe(CHANNEL)
        return listener

    async def _listen(self, listener: Any) -> None:
        """Deliver others' messages; after Redis was away, from then on."""
        from redis import RedisError  # noqa: PLC0415

        while True:
            try:
                if listener is None:
                    listener = await self._subscribe()
                async for item in listener.listen():
                    if item["type"] == "message":
                        sender_id, channel, message = msgspec.json.decode(item["data"])
                        if sender_id != self._own:
                            self._receive(channel, message)
            except (RedisError, OSError) as error:
                tell(f"Redis does not answer: {error}")
                listener = None
                await asyncio.sleep(RETRY_S)

    async def _send(self) -> None:
        """Publish in order; what cannot be sent is lost, as a late chat message helps nobody."""
        from redis import RedisError  # noqa: PLC0415

        while True:
            message = await self._outbox.get()
            with contextlib.suppress(RedisError, OSError):
                await self._redis.publish(CHANNEL, message)

    async def stop(self) -> None:
        """Close the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._redis is not None:
            await self._redis.aclose()
