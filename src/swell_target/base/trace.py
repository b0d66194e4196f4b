"""W3C trace context: the caller's trace goes on, or a new one starts (https://www.w3.org/TR/trace-context/)."""

import os
import re

TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?"
)


def continue_trace(traceparent: str | None) -> tuple[str, str]:
    """The trace's id and the ``traceparent`` to answer with: same trace, own span."""
    match = TRACEPARENT.fullmatch(traceparent) if traceparent else None
    trace_id, flags = (match[1], match[2]) if match else (os.urandom(16).hex(), "00")
    return trace_id, f"00-{trace_id}-{os.urandom(8).hex()}-{flags}"
