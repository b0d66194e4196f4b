"""Wall-clock time as whole milliseconds, pauses, and identifiers."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import uuid4


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


async def pause(ms: float) -> None:
    """Wait for at least `ms` milliseconds.

    An event loop's timer counts from the start of the loop's turn and may end a fraction of a millisecond
    early; an injected latency that is shorter than promised would make a right measurement look wrong.
    """
    until = time.monotonic() + ms / 1_000
    await asyncio.sleep(ms / 1_000)
    while (left := until - time.monotonic()) > 0:
        await asyncio.sleep(left)


def iso(ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, as JavaScript prints it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """A random identifier that may stand in a URL."""
    return str(uuid4())
