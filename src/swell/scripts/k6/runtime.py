"""A QuickJS runtime and its contexts: several VUs share its names, its classes and its memory.

A runtime runs one thing at a time, and so do the VUs of a worker; but a VU that waits in a host function is
in the middle of its JavaScript while others run theirs. What belongs to the one that runs is therefore taken
out of the runtime where a host function may wait (``leave``) and put back when it goes on (``back``): the
frame that runs, from which stacks are told, and the promise reactions that are due.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import Structure, addressof, c_int64, c_size_t, c_void_p, sizeof
from resource import RLIM_INFINITY, RLIMIT_STACK, getrlimit
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakValueDictionary

from gevent import getcurrent

from swell.scripts.k6.quickjs import (
    AT_CONTEXT,
    AT_FRAME,
    AT_JOBS,
    AT_RUNTIME,
    AT_SIZE,
    AT_THREAD,
    FUNCTION_CLASS,
    POLL,
    Binding,
    Value,
    lib,
    pointer,
    this_thread,
)

# Recursion 20,000 deep fits; a worker raises its own limit to 64 MB for it.
JS_STACK_BYTES: Final = 48 << 20
# While a context is made and its script loaded, cycles are not looked for until so much was added.
LOADING_BYTES: Final = 1 << 20

_MAX_INT32: Final = 2**31 - 1

# What belongs to code that waits: its frame, and its reactions if there are any.
Inside = tuple[int | None, "_List | None"]


def stack_bytes() -> int:
    """How much of the process's stack JavaScript may use: three quarters of it, so that Python keeps some."""
    limit, _ = getrlimit(RLIMIT_STACK)
    return JS_STACK_BYTES if limit == RLIM_INFINITY else min(JS_STACK_BYTES, limit // 4 * 3)


class Runtime:
    """A QuickJS runtime.

    Args:
        poll: called now and then while JavaScript runs (every 10,000 jumps or calls); it may switch
            greenlets, and an exception that it raises ends the running JavaScript past every ``catch`` and
            ``finally`` and is raised again by the call that entered it.
        memory_limit: bytes for all contexts together; 0 for none.
        is_shared: whether there will be several contexts: the first one that a runtime has cannot be freed
            before the runtime is, so that it is used by one that is alone only.
    """

    def __init__(self, poll: Callable[[], None], memory_limit: int = 0, *, is_shared: bool = False) -> None:
        self.is_shared = is_shared
        self.poll = poll
        # What ``poll`` raised, by the greenlet whose JavaScript it ends: others may run before it is taken.
        self._thrown: WeakKeyDictionary[Any, BaseException] = WeakKeyDictionary()
        # Set while what runs must not be interrupted.
        self._is_brief = False
        self.binding: Any = Binding()
        # What its contexts share: an object of functions, and modules as functions by name.
        self.shared: Any = None
        self.factories: dict[str, Any] = {}
        # How many were made, and how many are in use.
        self.contexts = 0
        self._used = 0
        self._pointer: int = pointer(self.binding, AT_RUNTIME)
        self._first: int = pointer(self.binding, AT_CONTEXT)
        self._current = c_void_p.from_address(id(self.binding) + AT_CONTEXT)
        self._thread = c_void_p.from_address(id(self.binding) + AT_THREAD)
        self._size = c_size_t.from_address(self._pointer + AT_SIZE)
        self._frame = c_void_p.from_address(self._pointer + AT_FRAME)
        # The list of reactions, and those of code that waits.
        self._jobs = self._pointer + AT_JOBS
        self._first_job = c_void_p.from_address(self._jobs + _List.next.offset)
        self._held: dict[int, _List] = {}
        _by_runtime[self._pointer] = self
        self.binding.set_max_stack_size(stack_bytes())
        self.limit_memory(memory_limit)
        lib.JS_SetInterruptHandler(self._pointer, _c_poll, None)

    @property
    def pointer(self) -> int:
        """The ``JSRuntime``."""
        return self._pointer

    @property
    def memory_used(self) -> int:
        """Bytes that all contexts hold."""
        return self._size.value

    def limit_memory(self, limit: int) -> None:
        """All contexts together may hold ``limit`` bytes; 0 for no limit."""
        self._limit = limit
        self.binding.set_memory_limit(limit)

    @property
    def first(self) -> int:
        """The context that it was made with: of what several contexts share, or that of the only one."""
        return self._first

    def new_context(self) -> int:
        """A new ``JSContext``; ``free_context`` ends it. Raises ``MemoryError`` at the limit."""
        lib.JS_SetGCThreshold(self._pointer, self._size.value + LOADING_BYTES)
        context = self._first
        if self.is_shared:
            # One that is made in part, until memory is out, would never be freed whole.
            is_full = 0 < self._limit < self._size.value + LOADING_BYTES
            context = 0 if is_full else lib.JS_NewContext(self._pointer)
            if not context:
                raise MemoryError("there is no memory left for one more JavaScript context")
            lib.JS_SetClassProto(context, FUNCTION_CLASS, lib.JS_GetFunctionProto(context))
        self.contexts += 1
        self._used += 1
        return context

    def free_context(self, context: int) -> None:
        """The context is not used any more; what it holds goes with the next look for cycles."""
        self._used -= 1
        if not self.is_shared:
            return
        for jobs in (self._jobs, *map(addressof, self._held.values())):
            _forget(jobs, context)
        lib.JS_FreeContext(context)

    def drop_jobs(self, context: int) -> bool:
        """Forget the reactions of ``context`` that are due; whether there were any."""
        return _forget(self._jobs, context)

    def collect(self) -> None:
        """Free what cannot be reached; all of the runtime where no context is used any more."""
        if self._used:
            lib.JS_RunGC(self._pointer)
        else:
            self.factories.clear()
            self.shared = self.binding = None

    @contextmanager
    def entered(self, context: int) -> Iterator[None]:
        """What the binding evaluates and adds is the context's, not the first one's; nothing may wait."""
        self._current.value = context
        try:
            yield
        finally:
            self._current.value = self._first

    @contextmanager
    def unlimited(self) -> Iterator[None]:
        """Memory is not out while code is compiled, where the engine would crash; nothing may wait."""
        self.binding.set_memory_limit(0)
        try:
            yield
        finally:
            self.binding.set_memory_limit(self._limit)

    # Running and interrupting

    def call(self, function: Any, *arguments: Any) -> Any:
        """Call a function of ``quickjs.released`` as the binding does: JavaScript may call Python."""
        at = self._thread
        before, at.value = at.value, this_thread()
        try:
            return function(*arguments)
        finally:
            at.value = before

    def call_briefly(self, function: Any, *arguments: Any) -> Any:
        """The same, uninterrupted: nobody could be told that it was."""
        self._is_brief = True
        try:
            return self.call(function, *arguments)
        finally:
            self._is_brief = False

    def interrupt(self) -> bool:
        """Call ``poll``; whether the running JavaScript is to end."""
        if self._is_brief:
            return False
        current = getcurrent()
        if current not in self._thrown:
            try:
                self.outside(self.poll)
            except BaseException as error:  # noqa: BLE001  # raised again by whoever entered JavaScript
                self._thrown[current] = error
        # Until it is taken: a promise makes a rejection of it, which the script may catch.
        return current in self._thrown

    def take_thrown(self) -> BaseException | None:
        """What ``poll`` raised in this greenlet, once."""
        return self._thrown.pop(getcurrent(), None) if self._thrown else None

    # Waiting inside JavaScript

    def leave(self) -> Inside:
        """The running JavaScript may wait now, and others run: what ``back`` has to be given."""
        at = self._frame
        frame, at.value = at.value, None
        if self._first_job.value == self._jobs:
            return frame, None
        held = _List()
        held.previous = held.next = addressof(held)
        _move(self._jobs, addressof(held))
        self._held[id(held)] = held
        return frame, held

    def back(self, inside: Inside) -> None:
        """It goes on."""
        self._frame.value, held = inside
        if held is not None:
            # Before the reactions that came meanwhile.
            _move(addressof(held), self._jobs)
            del self._held[id(held)]

    def outside(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call what may wait from a callback of QuickJS's own: the binding believes that JavaScript runs."""
        at = self._thread
        thread, at.value = at.value, None
        inside = self.leave()
        try:
            return function(*arguments)
        finally:
            self.back(inside)
            at.value = thread


class _List(Structure):
    """QuickJS's ``list_head``, of a list and of each of its items; an empty list is its own neighbours."""

    _fields_ = (("previous", c_size_t), ("next", c_size_t))


class _Job(Structure):
    """QuickJS's ``JSJobEntry``, up to the arguments."""

    _fields_ = (("link", _List), ("context", c_size_t), ("function", c_size_t), ("count", c_int64))


def _move(source: int, target: int) -> None:
    """Move all items of a list to the front of another one."""
    left, right = _List.from_address(source), _List.from_address(target)
    first, last, after = left.next, left.previous, right.next
    if first != source:
        _List.from_address(first).previous = target
        _List.from_address(last).next = after
        _List.from_address(after).previous = last
        right.next = first
        left.previous = left.next = source


def _forget(jobs: int, context: int) -> bool:
    """Drop the jobs of ``context`` from a list; whether there were any."""
    found = False
    at = _List.from_address(jobs).next
    while at != jobs:
        job = _Job.from_address(at)
        address, at = at, job.link.next
        if job.context == context:
            found = True
            _List.from_address(job.link.previous).next = job.link.next
            _List.from_address(job.link.next).previous = job.link.previous
            for index in range(job.count & _MAX_INT32):
                lib.JS_FreeValue(context, Value.from_address(address + sizeof(_Job) + index * sizeof(Value)))
            lib.js_free(context, address)
    return found


_by_runtime: WeakValueDictionary[int, Runtime] = WeakValueDictionary()


def _poll(pointer: int, _opaque: int) -> int:
    return int(_by_runtime[pointer].interrupt())


_c_poll = POLL(_poll)
