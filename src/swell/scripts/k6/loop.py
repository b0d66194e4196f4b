"""The event loop of one VU: operations that Python completes, timers, and the wait for them.

Completions come from any greenlet of the process; JavaScript is entered by the VU's own greenlet only, in
``run_until_idle``.
"""

import itertools
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import msgspec

from swell.base.clock import NS_PER_MS
from swell.base.greenlets import spawn_with_context
from swell.net.waiter import Waiter

if TYPE_CHECKING:
    from swell.scripts.k6.engine import Context
    from swell.scripts.k6.values import HostError

_VALUE, _ERROR, _EVENT = 0, 1, 2


class Operation:
    """Something that JavaScript waits for; the iteration does not end before it is over.

    A host function begins one with ``loop.begin()`` and returns its ``id``; the JavaScript side calls
    ``swell.promise(id)`` or ``swell.listen(id, callback)``.
    """

    __slots__ = ("_loop", "id", "is_over", "on_cancel", "timer")

    def __init__(self, loop: "EventLoop", number: int, on_cancel: Callable[[], None] | None) -> None:
        self._loop = loop
        self.id = number
        self.is_over = False
        # Called where the iteration ends without it: closes a socket, stops a greenlet.
        self.on_cancel = on_cancel
        # Its number, where it is a timer of the script.
        self.timer = 0

    def complete(self, value: Any = None) -> None:
        """End it with a value that can cross."""
        self._end(_VALUE, value)

    def fail(self, error: "HostError") -> None:
        """End it with an error: the promise is rejected."""
        self._end(_ERROR, msgspec.json.encode({"name": error.name, "message": error.message}).decode())

    def emit(self, value: Any = None) -> None:
        """Tell the listener; it goes on."""
        if not self.is_over:
            self._loop.put(self.id, _EVENT, value)

    def close(self) -> None:
        """End it without telling anybody."""
        if not self.is_over:
            self.is_over = True
            self._loop.drop(self)

    def _end(self, kind: int, value: Any) -> None:
        if not self.is_over:
            self.is_over = True
            self._loop.put(self.id, kind, value)


class EventLoop(Waiter):
    """Pending operations and timers of one VU; ``now_ns`` is the monotonic clock."""

    def __init__(
        self,
        context: "Context",
        now_ns: Callable[[], int],
        on_timer_stopped: Callable[[str], None] = lambda _name: None,
    ) -> None:
        super().__init__()
        self._context = context
        # Told of each timer that an iteration's end cut off, as "setTimeout 3".
        self._on_timer_stopped = on_timer_stopped
        self._now_ns = now_ns
        self._numbers = itertools.count(1)
        # By number; for reading only.
        self.pending: dict[int, Operation] = {}
        self._queue: deque[tuple[int, int, Any]] = deque()
        # (due, order, operation): a heap.
        self._timers: list[tuple[int, int, Operation]] = []
        # Of the repeating ones.
        self._periods: dict[int, int] = {}
        # The script's own, by the numbers that it knows.
        self._script_timers: dict[int, Operation] = {}

    def begin(self, on_cancel: Callable[[], None] | None = None) -> Operation:
        """A new operation, pending from now on."""
        operation = Operation(self, next(self._numbers), on_cancel)
        self.pending[operation.id] = operation
        return operation

    def after(self, delay_ms: float, number: int = 0) -> Operation:
        """An operation that completes by itself after ``delay_ms``; ``number`` is the script's for it."""
        operation = self._begin_timer(number)
        due_ns = self._now_ns() + int(max(delay_ms, 0.0) * NS_PER_MS)
        heappush(self._timers, (due_ns, operation.id, operation))
        return operation

    def every(self, period_ms: float, number: int = 0) -> Operation:
        """An operation that tells its listener each ``period_ms`` until it is cancelled."""
        operation = self._begin_timer(number)
        period_ns = int(max(period_ms, 0.001) * NS_PER_MS)
        self._periods[operation.id] = period_ns
        heappush(self._timers, (self._now_ns() + period_ns, operation.id, operation))
        return operation

    def _begin_timer(self, number: int) -> Operation:
        operation = self.begin()
        if number:
            operation.timer = number
            self._script_timers[number] = operation
        return operation

    def cancel_timer(self, number: int) -> int:
        """Forget the script's timer with this number; the id of its operation, 0 where there is none."""
        operation = self._script_timers.pop(number, None)
        if operation is None:
            return 0
        operation.close()
        return operation.id

    def cancel(self, number: int) -> None:
        """Forget the operation with this id, if it is still pending."""
        operation = self.pending.get(number)
        if operation is not None:
            operation.close()

    def put(self, number: int, kind: int, value: Any) -> None:
        """Queue what an operation tells JavaScript."""
        if number in self.pending:
            self._queue.append((number, kind, value))
            self._wake_later()

    def drop(self, operation: Operation) -> None:
        """An operation is over without a word."""
        if self.pending.pop(operation.id, None) is not None:
            self._periods.pop(operation.id, None)
            if not self.pending:
                # Those that are left were cancelled: nobody waits until they would be due.
                self._timers.clear()
            self._wake_later()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is pending and nothing is queued."""
        return not (self.pending or self._queue)

    def clear(self) -> None:
        """Forget everything: the iteration is over, however it ended."""
        operations = list(self.pending.values())
        for number, operation in self._script_timers.items():
            kind = "setInterval" if operation.id in self._periods else "setTimeout"
            self._on_timer_stopped(f"{kind} {number}")
        self._script_timers.clear()
        self.pending.clear()
        self._queue.clear()
        self._timers.clear()
        self._periods.clear()
        self._stop_timer()
        for operation in operations:
            operation.is_over = True
            if operation.on_cancel is not None:
                operation.on_cancel()

    def run_until_idle(self, state: int) -> int:
        """Run reactions, completions and timers until nothing is pending or something failed.

        Args:
            state: what ``core.call`` returned.

        Returns:
            The state at the end: 1 done, 2 failed; 0 where a promise of the script can never be settled.
        """
        context = self._context
        core = context.core
        while True:
            ran = context.run_jobs()
            if context.has_rejections:
                context.has_rejections = False
                state = context.run(core["settle"])
            elif ran or state == _RUNNING:
                state = context.run(core["state"])
            if state == _FAILED or not (self.pending or self._queue):
                return state
            number, kind, value = self._next()
            state = context.run(core["dispatch"], number, kind, context.to_js(value))

    def _next(self) -> tuple[int, int, Any]:
        """What comes next; waits for it."""
        while True:
            if self._queue:
                number, kind, value = self._queue.popleft()
                if kind != _EVENT:
                    self.pending.pop(number, None)
                return number, kind, value
            while self._timers and self._timers[0][2].is_over:
                heappop(self._timers)
            due_ns = 0
            if self._timers:
                due_ns, number, operation = self._timers[0]
                if due_ns <= self._now_ns():
                    return self._fire(number, operation)
            if not self.pending:
                return 0, _EVENT, None
            self._wait(due_ns)

    def _fire(self, number: int, operation: Operation) -> tuple[int, int, Any]:
        """The first timer is due."""
        due_ns, _, _ = heappop(self._timers)
        period_ns = self._periods.get(number)
        if period_ns is not None:
            # Beats that were missed are not made up for.
            heappush(self._timers, (max(due_ns + period_ns, self._now_ns()), number, operation))
            return number, _EVENT, None
        operation.is_over = True
        self.pending.pop(number, None)
        self._script_timers.pop(operation.timer, None)
        return number, _VALUE, None


_RUNNING, _FAILED = 0, 2


def spawn(function: Callable[..., None], *arguments: Any) -> Any:
    """Start a greenlet for an operation's work, on behalf of the running VU."""
    return spawn_with_context(function, *arguments)
