"""QuickJS contexts: the one file that imports the binding and goes below it with ctypes.

The wheel exports QuickJS's whole C API. What the binding lacks is reached through it: module loader,
bytecode, interrupt handler, buffers, promise rejections. That rests on the layout of the binding's objects
in the pinned version and is checked when this module is imported.

Rules that keep this safe: JavaScript that may call Python runs through the binding only (it keeps the thread
state for the way back); a context is entered by one greenlet; a function given to JavaScript never raises,
which ``Context`` sees to.
"""

import ctypes
from collections.abc import Callable, Mapping
from ctypes import POINTER, Structure, byref, c_bool, c_char_p, c_int, c_int64, c_size_t, c_void_p
from functools import partial
from importlib.metadata import version
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_STACK, getrlimit
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

import _quickjs

from swell.base.errors import SwellError
from swell.scripts.k6.values import UNDEFINED, HostError, HostFunction, RangeError, Text, raw

if TYPE_CHECKING:
    from swell.scripts.k6.modulecache import VUModules

BINDING_VERSION: Final = "0.17.0.2"
# Recursion 20,000 deep fits; a worker raises its own limit to 64 MB for it.
JS_STACK_BYTES: Final = 48 << 20

# The module whose default export is the core's ``api``.
CORE_MODULE: Final = "swell:core"

_TAG_MODULE, _TAG_OBJECT, _TAG_STRING = -3, -1, -7
_TAG_UNDEFINED, _TAG_EXCEPTION = 3, 6
_EVAL_MODULE, _EVAL_COMPILE_ONLY = 1, 1 << 5
_WRITE_BYTECODE, _READ_BYTECODE, _STRIP_SOURCE, _STRIP_DEBUG = 1, 1, 1 << 4, 1 << 5
# Offsets in the binding's objects: runtime and context in a Context; owner and value in an Object.
_AT_RUNTIME, _AT_CONTEXT, _AT_OWNER, _AT_VALUE = 16, 24, 16, 24
_MAX_INT32: Final = 2**31 - 1

JSException = _quickjs.JSException
Object = _quickjs.Object


class _Value(Structure):
    """A JSValue on 64-bit platforms: payload and tag."""

    _fields_ = (("payload", c_int64), ("tag", c_int64))


_LOAD = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_char_p, c_void_p)
_NORMALIZE = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_char_p, c_char_p, c_void_p)
_POLL = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
_INITIALIZE = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
_REJECTED = ctypes.CFUNCTYPE(None, c_void_p, _Value, _Value, c_bool, c_void_p)

_SIGNATURES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "JS_GetRuntime": (c_void_p, (c_void_p,)),
    "JS_SetMaxStackSize": (None, (c_void_p, c_size_t)),
    "JS_UpdateStackTop": (None, (c_void_p,)),
    "JS_SetModuleLoaderFunc": (None, (c_void_p, _NORMALIZE, _LOAD, c_void_p)),
    "JS_SetInterruptHandler": (None, (c_void_p, _POLL, c_void_p)),
    "JS_SetHostPromiseRejectionTracker": (None, (c_void_p, _REJECTED, c_void_p)),
    "JS_IsJobPending": (c_bool, (c_void_p,)),
    "JS_Eval": (_Value, (c_void_p, c_char_p, c_size_t, c_char_p, c_int)),
    "JS_EvalFunction": (_Value, (c_void_p, _Value)),
    "JS_WriteObject": (c_void_p, (c_void_p, POINTER(c_size_t), _Value, c_int)),
    "JS_ReadObject": (_Value, (c_void_p, c_char_p, c_size_t, c_int)),
    "JS_FreeValue": (None, (c_void_p, _Value)),
    "JS_DupValue": (_Value, (c_void_p, _Value)),
    "JS_Call": (_Value, (c_void_p, _Value, _Value, c_int, POINTER(_Value))),
    "JS_Throw": (_Value, (c_void_p, _Value)),
    "JS_GetException": (_Value, (c_void_p,)),
    "JS_NewError": (_Value, (c_void_p,)),
    "JS_SetUncatchableError": (None, (c_void_p, _Value)),
    "JS_NewStringLen": (_Value, (c_void_p, c_char_p, c_size_t)),
    "JS_NewArrayBufferCopy": (_Value, (c_void_p, c_char_p, c_size_t)),
    "JS_GetArrayBuffer": (c_void_p, (c_void_p, POINTER(c_size_t), _Value)),
    "JS_IsArrayBuffer": (c_bool, (_Value,)),
    "JS_ToCStringLen2": (c_void_p, (c_void_p, POINTER(c_size_t), _Value, c_bool)),
    "JS_FreeCString": (None, (c_void_p, c_void_p)),
    "JS_NewCModule": (c_void_p, (c_void_p, c_char_p, _INITIALIZE)),
    "JS_AddModuleExport": (c_int, (c_void_p, c_void_p, c_char_p)),
    "JS_SetModuleExport": (c_int, (c_void_p, c_void_p, c_char_p, _Value)),
    "JS_GetImportMeta": (_Value, (c_void_p, c_void_p)),
    "JS_GetPropertyStr": (_Value, (c_void_p, _Value, c_char_p)),
    "JS_SetPropertyStr": (c_int, (c_void_p, _Value, c_char_p, _Value)),
    "js_strdup": (c_void_p, (c_void_p, c_char_p)),
    "js_free": (None, (c_void_p, c_void_p)),
}


class JSFailure(Exception):  # noqa: N818  # what came of the script, not a fault of ours
    """JavaScript threw through to Python; ``stack`` is the script's own."""

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.stack = stack


def _library() -> Any:
    found = version("quickjs-ng")
    if found != BINDING_VERSION:
        raise SwellError(
            f"k6 scripts need quickjs-ng {BINDING_VERSION}, and {found} is installed",
            hint=f"install it with: pip install quickjs-ng=={BINDING_VERSION}",
            slug="quickjs",
        )
    library = ctypes.PyDLL(_quickjs.__file__)
    try:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise SwellError(f"this build of quickjs-ng does not export {error}", slug="quickjs") from None
    probe = _quickjs.Context()
    if library.JS_GetRuntime(_pointer(probe, _AT_CONTEXT)) != _pointer(probe, _AT_RUNTIME):
        raise SwellError("this build of quickjs-ng keeps its objects in another layout", slug="quickjs")
    return library


def stack_bytes() -> int:
    """How much of the process's stack JavaScript may use: three quarters of it, so that Python keeps some."""
    limit, _ = getrlimit(RLIMIT_STACK)
    return JS_STACK_BYTES if limit == RLIM_INFINITY else min(JS_STACK_BYTES, limit // 4 * 3)


def _pointer(owner: object, offset: int) -> Any:
    return c_void_p.from_address(id(owner) + offset).value


_lib = _library()
# The contexts by their C pointers, which is what callbacks are given.
_by_context: WeakValueDictionary[int, "Context"] = WeakValueDictionary()
_by_runtime: WeakValueDictionary[int, "Context"] = WeakValueDictionary()
_CORE: Final = Path(__file__).with_name("modules") / "core.js"
_core_bytecode: bytes = b""


class Context:
    """One QuickJS runtime with one context, for one VU.

    Args:
        modules: finds and compiles what is imported.
        poll: called now and then while JavaScript runs (every 10,000 jumps or calls); it may switch
            greenlets, and an exception that it raises ends the running JavaScript past every ``catch`` and
            ``finally`` and is raised again by the call that entered it.
        memory_limit: bytes; 0 for none.
    """

    def __init__(self, modules: "VUModules", poll: Callable[[], None], memory_limit: int = 0) -> None:
        self.modules = modules
        # What the binding's functions raise, for hot paths that call them without ``run``.
        self.binding_error = JSException
        self.poll = poll
        # What a host function or ``poll`` raised that the script must not catch.
        self.thrown: BaseException | None = None
        # Set where a promise was rejected and nobody caught it yet: ``core.settle`` looks.
        self.has_rejections = False
        self._binding = binding = _quickjs.Context()
        self._context = _pointer(binding, _AT_CONTEXT)
        self._runtime = _pointer(binding, _AT_RUNTIME)
        _by_context[self._context] = _by_runtime[self._runtime] = self
        # Runs the next promise reaction; False where there is none. It raises ``binding_error``.
        self.step: Callable[[], bool] = binding.execute_pending_job
        self._hosts: dict[int, Any] = {}
        self._made: dict[str, int] = {}
        binding.set_max_stack_size(stack_bytes())
        if memory_limit:
            binding.set_memory_limit(memory_limit)
        _lib.JS_SetModuleLoaderFunc(self._runtime, _c_normalize, _c_load, None)
        _lib.JS_SetInterruptHandler(self._runtime, _c_poll, None)
        _lib.JS_SetHostPromiseRejectionTracker(self._runtime, _c_rejected, None)
        self._undefined = self.wrap(_Value(0, _TAG_UNDEFINED))
        self._exception = self.wrap(_Value(0, _TAG_EXCEPTION))
        self.core: dict[str, Any] = {}
        self._start_core()

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
        if self.thrown is not None:
            thrown, self.thrown = self.thrown, None
            return thrown
        message, _, stack = str(error).partition("\n")
        return JSFailure(message, stack.rstrip())

    def evaluate(self, source: str) -> Any:
        """The value of a piece of JavaScript; objects come as ``Object``."""
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

    @property
    def has_jobs(self) -> bool:
        """Whether promise reactions wait."""
        return bool(_lib.JS_IsJobPending(self._runtime))

    def close(self) -> None:
        """Free all at once, not with the next look for cycles; nothing can be called any more."""
        self.core.clear()
        self._undefined = self._exception = self._binding = None
        self.step = bool

    # Compiling

    def compile(self, source: str, name: str, *, keep_lines: bool = True) -> bytes:
        """Bytecode of the module ``name``. Raises ``JSFailure`` for a syntax error.

        Its source is left out; ``keep_lines`` keeps names and lines for stacks.
        """
        return self._compile(source, name, _EVAL_MODULE, keep_lines=keep_lines)

    def _compile(self, source: str, name: str, kind: int, *, keep_lines: bool) -> bytes:
        text = source.encode("utf-8", "surrogatepass")
        _lib.JS_UpdateStackTop(self._runtime)
        compiled = _lib.JS_Eval(self._context, text, len(text), name.encode(), kind | _EVAL_COMPILE_ONLY)
        if compiled.tag == _TAG_EXCEPTION:
            raise self._take_exception()
        size = c_size_t()
        flags = _WRITE_BYTECODE | _STRIP_SOURCE | (0 if keep_lines else _STRIP_DEBUG)
        memory = _lib.JS_WriteObject(self._context, byref(size), compiled, flags)
        try:
            if not memory:
                raise self._take_exception()
            if kind == _EVAL_MODULE:
                # Compiling has made the module in this context: loading it must not make a second one.
                self._made[name] = compiled.payload
            return ctypes.string_at(memory, size.value)
        finally:
            _lib.js_free(self._context, memory)
            _lib.JS_FreeValue(self._context, compiled)

    def _take_exception(self) -> JSFailure:
        """The pending exception as text, taken off the context."""
        error = _lib.JS_GetException(self._context)
        stack = _lib.JS_GetPropertyStr(self._context, error, b"stack")
        taken = JSFailure(self.text_of(error), self.text_of(stack).rstrip())
        _lib.JS_FreeValue(self._context, stack)
        _lib.JS_FreeValue(self._context, error)
        return taken

    # Values

    def wrap(self, value: _Value) -> Any:
        """A value as the binding's ``Object``, which owns it from now on."""
        made = Object()
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._binding))
        c_void_p.from_address(id(made) + _AT_OWNER).value = id(self._binding)
        slot = _Value.from_address(id(made) + _AT_VALUE)
        slot.payload, slot.tag = value.payload, value.tag
        return made

    def buffer(self, content: bytes) -> Any:
        """An ArrayBuffer with a copy of ``content``, to return or to pass."""
        return self.wrap(_lib.JS_NewArrayBufferCopy(self._context, content, len(content)))

    def string(self, content: bytes) -> Any:
        """A string from UTF-8; surrogates may stand in it."""
        return self.wrap(_lib.JS_NewStringLen(self._context, content, len(content)))

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
        slot = _Value.from_address(id(value) + _AT_VALUE)
        if _lib.JS_IsArrayBuffer(slot):
            size = c_size_t()
            memory = _lib.JS_GetArrayBuffer(self._context, byref(size), slot)
            return ctypes.string_at(memory, size.value) if size.value else b""
        return self.text_of(slot)

    def text_of(self, value: _Value) -> str:
        """The string of a value, whatever stands in it."""
        size = c_size_t()
        memory = _lib.JS_ToCStringLen2(self._context, byref(size), value, False)
        if not memory:
            _lib.JS_FreeValue(self._context, _lib.JS_GetException(self._context))
            return "an exception that cannot be shown"
        text = ctypes.string_at(memory, size.value)
        _lib.JS_FreeCString(self._context, memory)
        return text.decode("utf-8", "surrogatepass")

    # Host functions

    def add_functions(self, functions: Mapping[str, HostFunction]) -> _Value:
        """A JavaScript object with ``functions`` as its members; the caller owns it."""
        names = []
        for name, function in functions.items():
            called = function.function if isinstance(function, raw) else self._guarded(function)
            names.append(f"!{name}" if isinstance(function, raw) else name)
            self._binding.add_callable(f"swell {name}", called)
        return self._call_pure("collect", ",".join(names))

    def throw(self, error: BaseException) -> Any:
        """Throw ``error`` into JavaScript: what a raw host function returns in place of raising."""
        if not isinstance(error, Exception):
            self.thrown = error
            interrupted = _lib.JS_NewError(self._context)
            _lib.JS_SetUncatchableError(self._context, interrupted)
            _lib.JS_Throw(self._context, interrupted)
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
        _lib.JS_Throw(self._context, self._call_pure("makeError", name, message, stack))
        return self._exception

    def _guarded(self, function: HostFunction) -> HostFunction:
        to_js, from_js, throw = self.to_js, self.from_js, self.throw

        def call(*arguments: Any) -> Any:
            try:
                for argument in arguments:
                    if type(argument) is Object:
                        arguments = tuple(map(from_js, arguments))
                        break
                return to_js(function(*arguments))
            except BaseException as error:  # noqa: BLE001  # nothing may go through the binding
                return throw(error)

        return call

    def attach(self, name: str, function: HostFunction) -> None:
        """Give the core a function of its own, ``api.host.NAME``."""
        self._binding.add_callable(f"swell {name}", self._guarded(function))
        self.run(self.core["attach"], name)

    # The core

    def _start_core(self) -> None:
        global _core_bytecode  # noqa: PLW0603  # compiled once per process
        if not _core_bytecode:
            source = _CORE.read_text(encoding="utf-8")
            # With lines: import() asks for the name of the file it stands in.
            _core_bytecode = self._compile(source, CORE_MODULE, 0, keep_lines=True)
        compiled = _lib.JS_ReadObject(self._context, _core_bytecode, len(_core_bytecode), _READ_BYTECODE)
        members = _lib.JS_EvalFunction(self._context, compiled)
        if members.tag == _TAG_EXCEPTION:
            raise self._take_exception()
        # The core's last expression sets it; taken off so that no script sees it.
        names = self._binding.eval("globalThis['swell core'].names")
        for name in names.split(","):
            self.core[name] = self._binding.eval(f"globalThis['swell core'].{name}")
        self._binding.eval("delete globalThis['swell core']")
        _lib.JS_FreeValue(self._context, members)

    def _call_pure(self, name: str, *arguments: str) -> _Value:
        """Call a function of the core that calls no Python, from inside a callback; its value is ours."""
        function = _Value.from_address(id(self.core[name]) + _AT_VALUE)
        values = (_Value * len(arguments))(
            *(
                _lib.JS_NewStringLen(self._context, text, len(text))
                for text in (argument.encode("utf-8", "surrogatepass") for argument in arguments)
            )
        )
        result: _Value = _lib.JS_Call(
            self._context, function, _Value(0, _TAG_UNDEFINED), len(arguments), values
        )
        for value in values:
            _lib.JS_FreeValue(self._context, value)
        return result

    # Called by the callbacks below, inside QuickJS

    def _load_module(self, name: str) -> int:
        functions = self.modules.host(name)
        if functions is not None or name == CORE_MODULE:
            module = _lib.JS_NewCModule(self._context, name.encode(), _c_initialize)
            _lib.JS_AddModuleExport(self._context, module, b"default")
            made = self._call_pure("api") if functions is None else self.add_functions(functions)
            self._hosts[module] = made
            return int(module)
        code = self.modules.bytecode(self, name)
        module = self._made.pop(name, 0)
        if not module:
            loaded = _lib.JS_ReadObject(self._context, code, len(code), _READ_BYTECODE)
            if loaded.tag != _TAG_MODULE:
                # The exception is pending.
                return 0
            module = loaded.payload
            _lib.JS_FreeValue(self._context, loaded)
        url = self.modules.meta_url(name)
        if url:
            meta = _lib.JS_GetImportMeta(self._context, module)
            text = url.encode()
            string = _lib.JS_NewStringLen(self._context, text, len(text))
            _lib.JS_SetPropertyStr(self._context, meta, b"url", string)
            holder = self.add_functions({"resolve": partial(self.modules.resolve, name)})
            resolve = _lib.JS_GetPropertyStr(self._context, holder, b"resolve")
            _lib.JS_SetPropertyStr(self._context, meta, b"resolve", resolve)
            _lib.JS_FreeValue(self._context, holder)
            _lib.JS_FreeValue(self._context, meta)
        return int(module)


def _normalize(context: int, base: bytes, name: bytes, _opaque: int) -> int | None:
    owner = _by_context[context]
    try:
        resolved = owner.modules.resolve(base.decode(), name.decode())
    except BaseException as error:  # noqa: BLE001  # becomes the import's exception
        owner.throw(error)
        return None
    return int(_lib.js_strdup(context, resolved.encode()))


def _load(context: int, name: bytes, _opaque: int) -> int | None:
    owner = _by_context[context]
    try:
        return owner._load_module(name.decode()) or None
    except BaseException as error:  # noqa: BLE001  # becomes the import's exception
        owner.throw(error)
        return None


def _initialize(context: int, module: int) -> int:
    value = _by_context[context]._hosts.pop(module)
    return int(_lib.JS_SetModuleExport(context, module, b"default", value))


def _poll(runtime: int, _opaque: int) -> int:
    owner = _by_runtime[runtime]
    try:
        owner.poll()
    except BaseException as error:  # noqa: BLE001  # raised again by whoever entered the context
        owner.thrown = error
        return 1
    return 0


def _rejected(context: int, promise: _Value, reason: _Value, is_handled: bool, _opaque: int) -> None:
    owner = _by_context[context]
    owner.has_rejections = True
    function = _Value.from_address(id(owner.core["handled" if is_handled else "rejected"]) + _AT_VALUE)
    arguments = (_Value * 2)(promise, reason)
    result = _lib.JS_Call(context, function, _Value(0, _TAG_UNDEFINED), 2, arguments)
    _lib.JS_FreeValue(context, result)


_c_normalize, _c_load, _c_initialize = _NORMALIZE(_normalize), _LOAD(_load), _INITIALIZE(_initialize)
_c_poll, _c_rejected = _POLL(_poll), _REJECTED(_rejected)
