"""Stacks as short text: one ``file.py:12 in function`` a line, innermost first, without source lines.

Made in the watchdog's thread while the hub is stuck, so nothing here opens a file.
"""

from types import FrameType

# Innermost frames to keep: enough to reach from a library's depths up to the script.
MAX_FRAMES = 24
# Where our own loop begins; what is below says nothing about who holds up the hub.
_ENGINE_FILES = ("/swell/engine/", "/gevent/greenlet.py", "/gevent/hub.py", "/gevent/_")


def format_frames(frame: FrameType | None, limit: int = MAX_FRAMES) -> str:
    """The stack that ends in ``frame``, innermost first; empty for None."""
    lines: list[str] = []
    while frame is not None and len(lines) < limit:
        code = frame.f_code
        lines.append(f"{code.co_filename}:{frame.f_lineno} in {code.co_qualname}")
        frame = frame.f_back
    while len(lines) > 1 and is_engine_line(lines[-1]):
        lines.pop()
    return "\n".join(lines)


def is_engine_line(line: str) -> bool:
    """Whether a line of ``format_frames`` is of the engine or of gevent."""
    return any(part in line for part in _ENGINE_FILES)


def blocking_frame(stack: str, script_path: str = "") -> str:
    """The one line of ``stack`` that tells a user most: the innermost of the script, else the innermost."""
    lines = stack.splitlines()
    if not lines:
        return ""
    if script_path:
        for line in lines:
            if line.startswith(f"{script_path}:"):
                return line
    return lines[0]
