"""QuickJS contexts, one for each VU: what crosses, what is thrown, host functions, modules.

Rules that keep this safe: JavaScript that may call Python runs through the binding, or ``Runtime.call``, only
(they keep the thread state for the way back); a context is entered by one greenlet; a function given to
JavaScript never raises, and where it waits or runs JavaScript, it does so between ``leave`` and ``back`` of
its runtime. ``Context`` sees to both, unless the function is ``raw``.
"""

import ctypes
import sys
from collections.abc import Callable, Mapping, Sequence
from ctypes import byref, c_size_t, c_void_p
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from swell.scripts.k6.core import CORE_MODULE, OWN, Members, bytecode, host_call
from swell.scripts.k6.quickjs import (
    AT_OWNER,
    AT_VALUE,
    INITIALIZE,
    LOAD,
    NORMALIZE,
    REJECTED,
    JSException,
    Object,
    Value,
    lib,
    released,
)
from swell.scripts.k6.runtime import Runtime
from swell.scripts.k6.values import UNDEFINED, HostError, HostFunction, RangeError, Text, raw

if TYPE_CHECKING:
    from swell.scripts.k6.modulecache import VUModules

_TAG_MODULE, _TAG_OBJECT, _TAG_STRING = -3, -1, -7
_TAG_UNDEFINED, _TAG_EXCEPTION = 3, 6
_EVAL_MODULE, _EVAL_COMPILE_ONLY = 1, 1 << 5
_WRITE_BYTECODE, _READ_BYTECODE, _STRIP_SOURCE, _STRIP_DEBUG = 1, 1, 1 << 4, 1 << 5
_MAX_INT32: Final = 2**31 - 1


class JSFailure(Exception):  # noqa: N818  # what came of the script, not a fault of ours
    """JavaScript threw through to Python; ``stack`` is the script's own."""

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.stack = stack


# The contexts by their C pointers, which is what callbacks are given.
_by_context: WeakValueDictionary[int, "Context"] = WeakValueDictionary()


class Context:
    """The JavaScript of one VU: a context of ``runtime``, with its own globals and modules.

    Args:
        modules: finds and compiles what is imported.
        runtime: where it lives, maybe beside others.
    """

    def __init__(self, modules: "VUModules", runtime: Runtime) -> None:
        self.modules = modules
        self.runtime = runtime
        # What the binding's functions raise, for hot paths that call them without ``run``.
        self.binding_error = JSException
        # What a host function raised that the script must not catch.
        self.thrown: BaseException | None = None
        # Set where a promise was rejected and nobody caught it yet: ``core.settle`` looks.
        self.has_rejections = False
        self._binding = binding = runtime.binding
        self._context = runtime.new_context()
        _by_context[self._context] = self
        # Runs the next promise reaction; False where there is none. It raises ``binding_error``.
        self.step: Callable[[], bool] = binding.execute_pending_job
        # Modules that are objects, by name; those that are not initialized yet, with what they export.
        self._instances: dict[str, Any] = {}
        self._uninitialized: dict[int, tuple[Any, Sequence[str] | None]] = {}
        self._made: dict[str, int] = {}
        lib.JS_SetModuleLoaderFunc(runtime.pointer, _c_normalize, _c_load, None)
        lib.JS_SetHostPromiseRejectionTracker(runtime.pointer, _c_rejected, None)
        self._undefined = self.wrap(Value(0, _TAG_UNDEFINED))
        self._exception = self.wrap(Value(0, _TAG_EXCEPTION))
        # Python's functions by the numbers that JavaScript calls them by.
        self._functions: list[HostFunction] = []
        self.core = self._start_core()

    # Running JavaScript

    def run(self, function: Any, *arguments: Any) -> Any:
        """Call a function of ``core`` or of the binding.

        Raises ``JSFailure`` for what JavaScript threw, and again what a host function let through.
        """
        try:
            return function(*arguments)
        except JSException as error:
            raise self.failure(error) from None

    def failure(self, error: Exception) -> BaseException:
        """What an exception of the binding stands for."""
        interruption = self.interruption()
        if interruption is not None:
            return interruption
        message, _, stack = str(error).partition("\n")
        return JSFailure(message, stack.rstrip())

    def interruption(self) -> BaseException | None:
        """What ended the JavaScript that ran last, once. A promise may have made a rejection of it."""
        thrown, self.thrown = self.thrown, None
        return self.runtime.take_thrown() or thrown

    def evaluate(self, source: str) -> Any:
        """The value of a piece of JavaScript; objects come as ``Object``."""
        with self.runtime.entered(self._context):
            return self.run(self._binding.eval, source)

    def run_jobs(self) -> bool:
        """Run promise reactions until none is left; whether there were any."""
        ran = False
        try:
            while self.step():
                ran = True
        except JSException as error:
            raise self.failure(error) from None
        return ran

    def drop_jobs(self) -> bool:
        """Forget its promise reactions that wait: nobody else shall run them; whether there were any."""
        return self.runtime.drop_jobs(self._context)

    def close(self) -> None:
        """Free all at once, not with the next look for cycles; nothing can be called any more."""
        self.core = {}
        self._functions.clear()
        self._instances.clear()
        self._uninitialized.clear()
        self._undefined = self._exception = self._binding = None
        self.step = bool
        self._free()
        self.runtime.collect()

    def _free(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        context, self._context = self._context, 0
        if context and not is_finalizing():
            self.runtime.free_context(context)

    __del__ = _free

    # Compiling

    def compile(self, source: str, name: str, *, keep_lines: bool = True, is_module: bool = True) -> bytes:
        """Bytecode of the module or script ``name``. Raises ``JSFailure`` for a syntax error.

        Its source is left out; ``keep_lines`` keeps names and lines for stacks.
        """
        return self._compile(source, name, _EVAL_MODULE if is_module else 0, keep_lines=keep_lines)

    def _compile(self, source: str, name: str, kind: int, *, keep_lines: bool) -> bytes:
        text = source.encode("utf-8", "surrogatepass")
        lib.JS_UpdateStackTop(self.runtime.pointer)
        with self.runtime.unlimited():
            compiled = lib.JS_Eval(self._context, text, len(text), name.encode(), kind | _EVAL_COMPILE_ONLY)
        if compiled.tag == _TAG_EXCEPTION:
            raise self._take_exception()
        size = c_size_t()
        flags = _WRITE_BYTECODE | _STRIP_SOURCE | (0 if keep_lines else _STRIP_DEBUG)
        memory = lib.JS_WriteObject(self._context, byref(size), compiled, flags)
        try:
            if not memory:
                raise self._take_exception()
            if kind == _EVAL_MODULE:
                # Compiling has made the module in this context: loading it must not make a second one.
                self._made[name] = compiled.payload
            return ctypes.string_at(memory, size.value)
        finally:
            lib.js_free(self._context, memory)
            lib.JS_FreeValue(self._context, compiled)

    def _take_exception(self) -> JSFailure:
        """The pending exception as text, taken off the context."""
        error = lib.JS_GetException(self._context)
        stack = lib.JS_GetPropertyStr(self._context, error, b"stack")
        taken = JSFailure(self.text_of(error), self.text_of(stack).rstrip())
        lib.JS_FreeValue(self._context, stack)
        lib.JS_FreeValue(self._context, error)
        return taken

    # Values

    def wrap(self, value: Value) -> Any:
        """A value as the binding's ``Object``, which owns it from now on."""
        made = Object()
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._binding))
        c_void_p.from_address(id(made) + AT_OWNER).value = id(self._binding)
        slot = Value.from_address(id(made) + AT_VALUE)
        slot.payload, slot.tag = value.payload, value.tag
        return made

    def buffer(self, content: bytes) -> Any:
        """An ArrayBuffer with a copy of ``content``, to return or to pass."""
        return self.wrap(lib.JS_NewArrayBufferCopy(self._context, content, len(content)))

    def string(self, content: bytes) -> Any:
        """A string from UTF-8; surrogates may stand in it."""
        return self.wrap(lib.JS_NewStringLen(self._context, content, len(content)))

    def to_js(self, value: Any) -> Any:
        """What the binding can pass for ``value``. Raises ``TypeError`` for what cannot cross."""
        kind = type(value)
        if value is None or kind is bool or kind is float or kind is Object:
            return value
        if kind is str:
            return value if value.isascii() else self._checked(value)
        if kind is int:
            return value if -_MAX_INT32 <= value <= _MAX_INT32 else float(value)
        if kind is Text:
            return self.string(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.buffer(bytes(value))
        if value is UNDEFINED:
            return self._undefined
        if isinstance(value, str | int | float):
            # A subclass, as of an enumeration.
            return self.to_js(kind.__mro__[-2](value))
        raise TypeError(f"a value of type {kind.__name__} cannot cross to JavaScript; pass it as JSON text")

    def _checked(self, text: str) -> Any:
        try:
            text.encode()
        except UnicodeEncodeError:
            return self.string(text.encode("utf-8", "surrogatepass"))
        return text

    def from_js(self, value: Any) -> Any:
        """An argument as Python value: ArrayBuffers are bytes, boxed text is ``str``."""
        if type(value) is not Object:
            return value
        slot = Value.from_address(id(value) + AT_VALUE)
        if lib.JS_IsArrayBuffer(slot):
            size = c_size_t()
            memory = lib.JS_GetArrayBuffer(self._context, byref(size), slot)
            return ctypes.string_at(memory, size.value) if size.value else b""
        return self.text_of(slot)

    def text_of(self, value: Value) -> str:
        """The string of a value, whatever stands in it; a script's own ``toString()`` may be asked.

        Raises what a host function let through meanwhile.
        """
        size = c_size_t()
        memory = self.runtime.call(released.JS_ToCStringLen2, self._context, byref(size), value, False)
        if not memory:
            lib.JS_FreeValue(self._context, lib.JS_GetException(self._context))
            interruption = self.interruption()
            if interruption is not None:
                raise interruption
            return "an exception that cannot be shown"
        text = ctypes.string_at(memory, size.value)
        lib.JS_FreeCString(self._context, memory)
        return text.decode("utf-8", "surrogatepass")

    # Host functions

    def add_functions(self, functions: Mapping[str, HostFunction]) -> Value:
        """A JavaScript object with ``functions`` as its members; the caller owns it."""
        first = len(self._functions)
        self._functions += functions.values()
        names = [f"!{name}" if isinstance(function, raw) else name for name, function in functions.items()]
        with self.runtime.entered(self._context):
            for name, function in zip(names, functions.values(), strict=True):
                if isinstance(function, raw):
                    self._binding.add_callable(f"swell {name}", function.function)
        half = self._call_pure("half", ",".join(names), str(first))
        if half.tag == _TAG_EXCEPTION:
            raise self._take_exception()
        return half

    def throw(self, error: BaseException) -> Any:
        """Throw ``error`` into JavaScript: what a raw host function returns in place of raising."""
        if not isinstance(error, Exception):
            self.thrown = error
            interrupted = lib.JS_NewError(self._context)
            lib.JS_SetUncatchableError(self._context, interrupted)
            lib.JS_Throw(self._context, interrupted)
            return self._exception
        stack = ""
        if isinstance(error, HostError):
            name, message = error.name, error.message
        elif isinstance(error, JSFailure):
            # What compiling a module threw.
            name, _, message = error.message.partition(": ")
            stack = error.stack
        elif isinstance(error, TypeError | RangeError):
            name, message = type(error).__name__, str(error)
        else:
            name, message = "GoError", str(error) or type(error).__name__
        lib.JS_Throw(self._context, self._call_pure("makeError", name, message, stack))
        return self._exception

    def attach(self, functions: Mapping[str, HostFunction]) -> None:
        """Give the core functions of its own, ``api.host.NAME``."""
        self.run(self.core["attach"], self.wrap(self.add_functions(functions)))

    # The core, and what else the contexts of a runtime share

    def _start_core(self) -> dict[str, Any]:
        """Make the VU's core; the first context of a runtime makes what they share."""
        runtime = self.runtime
        if runtime.shared is None:
            make = self.wrap(self._value_of(bytecode(self, "shared"), runtime.first))
            shared = self.run(make, runtime.is_shared)
            runtime.factories[CORE_MODULE] = self.wrap(self._value_of(bytecode(self, "core"), runtime.first))
            # Last: where something fails, the next context makes it all anew.
            runtime.shared = shared
        with runtime.entered(self._context):
            self._binding.add_callable("swell call", host_call(self, self._functions))
        own = self.wrap(self._value_of(bytecode(self, OWN), self._context))
        members = self.run(runtime.factories[CORE_MODULE], own, runtime.shared)

        def take(name: str) -> Any:
            slot = Value.from_address(id(members) + AT_VALUE)
            return self.wrap(lib.JS_GetPropertyStr(self._context, slot, name.encode()))

        return Members(take)

    def _value_of(self, code: bytes, context: int) -> Value:
        """The value of a compiled script in one of the runtime's contexts; the caller owns it."""
        compiled = lib.JS_ReadObject(context, code, len(code), _READ_BYTECODE)
        value: Value = lib.JS_EvalFunction(context, compiled)
        if value.tag == _TAG_EXCEPTION:
            raise self._take_exception()
        return value

    def _instance(self, name: str) -> Any:
        """A module that is an object: the core, a Python half, or one whose code is shared."""
        made = self._instances.get(name)
        if made is None:
            made = self._instances[name] = self._new_instance(name)
        return made

    def _new_instance(self, name: str) -> Any:
        if name == CORE_MODULE:
            return self.run(self.core["api"])
        factory = self.modules.factory(name)
        if factory is None:
            return self.wrap(self.add_functions(self.modules.host(name)))
        runtime = self.runtime
        make = runtime.factories.get(name)
        if make is None:
            make = self.wrap(self._value_of(self.modules.bytecode(self, name), runtime.first))
            runtime.factories[name] = make
        return self.run(self.core["instantiate"], make, *map(self._instance, factory.imports))

    def _call_pure(self, name: str, *arguments: str) -> Value:
        """Call a function of the core that calls no Python, from inside a callback; its value is ours."""
        function = Value.from_address(id(self.core[name]) + AT_VALUE)
        values = (Value * len(arguments))(
            *(
                lib.JS_NewStringLen(self._context, text, len(text))
                for text in (argument.encode("utf-8", "surrogatepass") for argument in arguments)
            )
        )
        result: Value = self.runtime.call_briefly(
            released.JS_Call, self._context, function, Value(0, _TAG_UNDEFINED), len(arguments), values
        )
        for value in values:
            lib.JS_FreeValue(self._context, value)
        return result

    # Called by the callbacks below, inside QuickJS

    def _load_module(self, name: str) -> int:
        factory = self.modules.factory(name)
        if factory is not None or name == CORE_MODULE or self.modules.is_host(name):
            exports = ("default",) if factory is None else factory.exports
            module = lib.JS_NewCModule(self._context, name.encode(), _c_initialize)
            if not module:
                # Out of memory; the exception is pending.
                return 0
            for export in exports:
                lib.JS_AddModuleExport(self._context, module, export.encode())
            # Owned by an object: a module that cannot be linked is never initialized.
            self._uninitialized[module] = self._instance(name), None if factory is None else exports
            return int(module)
        code = self.modules.bytecode(self, name)
        module = self._made.pop(name, 0)
        if not module:
            loaded = lib.JS_ReadObject(self._context, code, len(code), _READ_BYTECODE)
            if loaded.tag != _TAG_MODULE:
                # The exception is pending.
                return 0
            module = loaded.payload
            lib.JS_FreeValue(self._context, loaded)
        url = self.modules.meta_url(name)
        if url:
            meta = lib.JS_GetImportMeta(self._context, module)
            text = url.encode()
            string = lib.JS_NewStringLen(self._context, text, len(text))
            lib.JS_SetPropertyStr(self._context, meta, b"url", string)
            holder = self.add_functions({"resolve": partial(self.modules.resolve, name)})
            resolve = lib.JS_GetPropertyStr(self._context, holder, b"resolve")
            lib.JS_SetPropertyStr(self._context, meta, b"resolve", resolve)
            lib.JS_FreeValue(self._context, holder)
            lib.JS_FreeValue(self._context, meta)
        return int(module)


def _normalize(context: int, base: bytes, name: bytes, _opaque: int) -> int | None:
    owner = _by_context[context]
    try:
        resolved = owner.runtime.outside(owner.modules.resolve, base.decode(), name.decode())
    except BaseException as error:  # noqa: BLE001  # becomes the import's exception
        owner.throw(error)
        return None
    # None where memory is out; the exception is pending.
    copied: int | None = lib.js_strdup(context, resolved.encode())
    return copied


def _load(context: int, name: bytes, _opaque: int) -> int | None:
    owner = _by_context[context]
    try:
        return owner.runtime.outside(owner._load_module, name.decode()) or None
    except BaseException as error:  # noqa: BLE001  # becomes the import's exception
        owner.throw(error)
        return None


def _initialize(context: int, module: int) -> int:
    owner, exports = _by_context[context]._uninitialized.pop(module)
    value = Value.from_address(id(owner) + AT_VALUE)
    if exports is None:
        return int(lib.JS_SetModuleExport(context, module, b"default", lib.JS_DupValue(context, value)))
    for name in map(str.encode, exports):
        lib.JS_SetModuleExport(context, module, name, lib.JS_GetPropertyStr(context, value, name))
    return 0


def _rejected(context: int, promise: Value, reason: Value, is_handled: bool, _opaque: int) -> None:
    owner = _by_context[context]
    owner.has_rejections = True
    function = Value.from_address(id(owner.core["handled" if is_handled else "rejected"]) + AT_VALUE)
    arguments = (Value * 2)(promise, reason)
    undefined = Value(0, _TAG_UNDEFINED)
    result = owner.runtime.call_briefly(released.JS_Call, context, function, undefined, 2, arguments)
    lib.JS_FreeValue(context, result)


_c_normalize, _c_load, _c_initialize = NORMALIZE(_normalize), LOAD(_load), INITIALIZE(_initialize)
_c_rejected = REJECTED(_rejected)
