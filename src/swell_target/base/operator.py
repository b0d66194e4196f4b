"""Lines for the operator on standard error: one for each event, the same line at most once a second."""

import sys
import time

_last: dict[str, float] = {}
MAX_REMEMBERED = 1_000


def tell(line: str) -> None:
    """Write one line; whatever ``line`` holds, it stays one line."""
    line = " ".join(line.split())
    now = time.monotonic()
    if now - _last.get(line, -1.0) < 1.0:
        return
    if len(_last) > MAX_REMEMBERED:
        _last.clear()
    _last[line] = now
    sys.stderr.write(f"swell target: {line}\n")
    sys.stderr.flush()
