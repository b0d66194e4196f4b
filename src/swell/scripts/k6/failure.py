"""What a script threw, as k6 tells it: text, and a stack of the script's own lines."""

import json
import re
from typing import TYPE_CHECKING, Final

from swell.engine.failures import FIELDS
from swell.scripts.k6.engine import JSFailure

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

# "    at name (file:///dir/a.js:3:9)": k6 shows a line of the stack with a tab.
_FRAME: Final = re.compile(r"^\s*at (?:(?P<name>.*?) \()?(?P<place>[^()\s]+:\d+:\d+|native)\)?$")
_OURS: Final = ("swell:", "k6/", "k6:", "<", "native")


class ScriptThrew(Exception):  # noqa: N818  # reads as the event it is
    """JavaScript's exception, out of an iteration or a lifecycle function.

    ``summary`` is its first line, by which failures are counted; ``stack`` is the whole as it is logged.
    ``is_promise`` says that a promise was rejected, and nothing thrown.
    """

    def __init__(self, text: str, stack: str, *, is_promise: bool = False) -> None:
        super().__init__(text)
        self.is_promise = is_promise
        # k6's line tells no more of a promise; what is thrown has the fields of every exception.
        self.log_fields = {} if is_promise else FIELDS
        self.summary = text.split("\n", 1)[0]
        self.stack = stack


def script_threw(vu: "VUHost") -> ScriptThrew:
    """What the running function of ``vu`` failed with; takes it off the context."""
    context = vu.context
    try:
        told = json.loads(context.run(context.core["describe"]))
    except JSFailure as failure:
        # Nothing can be told any more: out of memory, most likely.
        vu.is_broken = True
        return threw(failure)
    text = told["text"]
    if told["isPromise"]:
        text = f"Uncaught (in promise) {text}"
    if "out of memory" in text:
        vu.is_broken = True
    return ScriptThrew(text, with_stack(text, told["stack"]), is_promise=told["isPromise"])


def threw(failure: JSFailure) -> ScriptThrew:
    """A failure that came past the core's own handlers."""
    return ScriptThrew(failure.message, with_stack(failure.message, failure.stack))


def with_stack(text: str, stack: str) -> str:
    """``text`` and the script's frames below it, without those of builtin modules."""
    lines = [text]
    for line in stack.splitlines():
        frame = _FRAME.match(line)
        if frame is None:
            continue
        place = frame["place"]
        if place.startswith(_OURS):
            continue
        name = frame["name"] or "<anonymous>"
        lines.append(f"\tat {name} ({place})" if frame["name"] else f"\tat {place}")
    return "\n".join(lines) + ("\n" if len(lines) > 1 else "")
