"""Wall-clock time as whole milliseconds, and identifiers."""

import time
from datetime import UTC, datetime
from uuid import uuid4


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def iso(ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, as JavaScript prints it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """A random identifier that may stand in a URL."""
    return str(uuid4())
