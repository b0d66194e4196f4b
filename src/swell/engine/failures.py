"""What a script's exceptions become: a row in the error table and a few log lines, never a storm."""

from collections import Counter

from swell.base.clock import NS_PER_SECOND
from swell.engine.script import Script, ScriptRuntime

# The same message at most this often in a second, and this many lines in a second altogether.
SAME_PER_SECOND = 10
LINES_PER_SECOND = 50
# Of every line; an exception of a front end may bring others.
FIELDS = {"hint": "script exception", "source": "stacktrace"}
# Kinds of failures whose stack has been described; the error table is bounded in the same way.
MAX_DESCRIBED = 500
MAX_MESSAGE_CHARACTERS = 500


class ScriptFailures:
    """Counts the exceptions of one worker's iterations and logs the first of each second."""

    def __init__(self, runtime: ScriptRuntime, script: Script) -> None:
        self._runtime = runtime
        self._script = script
        # A front end whose users know every failure logged may ask for more.
        self._same_limit: int = getattr(script, "same_failures_per_second", SAME_PER_SECOND)
        self._lines_limit = self._same_limit * LINES_PER_SECOND // SAME_PER_SECOND
        self._window_end_ns = 0
        self._lines = 0
        self._seen: Counter[str] = Counter()
        self._suppressed: Counter[str] = Counter()
        self._described: set[tuple[str, str]] = set()

    def note(self, error: BaseException, scenario: str, function: str, executor: str) -> None:
        """Count ``error``, raised by an iteration of ``function``; log it unless it has been logged enough.

        The stack is described only when it is needed, which costs more than most iterations.
        """
        message = _one_line(error)
        now_ns = self._runtime.clock.now_ns()
        if now_ns >= self._window_end_ns:
            self.flush()
            self._window_end_ns = now_ns + NS_PER_SECOND
        self._seen[message] += 1
        logged = self._seen[message] <= self._same_limit and self._lines < self._lines_limit
        key = (message, function)
        new = key not in self._described and len(self._described) < MAX_DESCRIBED
        stack = self._script.describe_exception(error) if logged or new else ""
        if new:
            self._described.add(key)
        self._runtime.errors.note(0, message, "", function, stack)
        if logged:
            self._lines += 1
            fields = getattr(error, "log_fields", FIELDS)
            self._runtime.log("error", stack or message, executor=executor, scenario=scenario, **fields)
        else:
            self._suppressed[message] += 1

    def flush(self) -> None:
        """Log how many failures were not logged since the last call, one line for each of the commonest."""
        if self._suppressed:
            for message, times in self._suppressed.most_common(SAME_PER_SECOND):
                self._runtime.log("error", f"{message} ({times} more of the same not shown)")
            others = len(self._suppressed) - SAME_PER_SECOND
            if others > 0:
                self._runtime.log(
                    "error", f"{others} more kinds of exceptions not shown; the report has them"
                )
        self._lines = 0
        self._seen.clear()
        self._suppressed.clear()


def _one_line(error: BaseException) -> str:
    """The type and the first line of the message: what failures are grouped by."""
    summary = getattr(error, "summary", None)
    if isinstance(summary, str):
        # Another language's exception, which brings its own.
        return summary[:MAX_MESSAGE_CHARACTERS]
    kind = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # the script's own class, and faulty
        return kind
    return f"{kind}: {text}".split("\n", 1)[0][:MAX_MESSAGE_CHARACTERS] if text else kind
