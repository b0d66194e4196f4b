"""QuickJS as its wheel exports it: the one file that imports the binding.

The wheel exports QuickJS's whole C API, and what the binding lacks is called with ctypes: module loader,
bytecode, interrupt handler, buffers, promise rejections, several contexts in a runtime. That rests on the
layout of the binding's objects and of ``JSRuntime`` in the pinned version, which is checked when this module
is imported.
"""

import ctypes
from ctypes import POINTER, Structure, c_bool, c_char_p, c_int, c_int64, c_size_t, c_void_p
from importlib.metadata import version
from typing import Any, Final

import _quickjs

from swell.base.errors import SwellError

BINDING_VERSION: Final = "0.17.0.2"
# Offsets in the binding's objects: in a Context its runtime, its context and, while JavaScript runs, the
# thread's state; in an Object its owner and its value.
AT_RUNTIME, AT_CONTEXT, AT_THREAD, AT_OWNER, AT_VALUE = 16, 24, 48, 16, 24
# Offsets in JSRuntime: bytes in use, the frame that runs, and the list of jobs (its last and its first).
AT_SIZE, AT_FRAME, AT_JOBS = 48, 1264, 0x530

JSException = _quickjs.JSException
Object = _quickjs.Object
Binding = _quickjs.Context


class Value(Structure):
    """A JSValue on 64-bit platforms: payload and tag."""

    _fields_ = (("payload", c_int64), ("tag", c_int64))


LOAD = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_char_p, c_void_p)
NORMALIZE = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_char_p, c_char_p, c_void_p)
POLL = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
INITIALIZE = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
REJECTED = ctypes.CFUNCTYPE(None, c_void_p, Value, Value, c_bool, c_void_p)

_SIGNATURES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "JS_GetRuntime": (c_void_p, (c_void_p,)),
    "JS_SetMaxStackSize": (None, (c_void_p, c_size_t)),
    "JS_UpdateStackTop": (None, (c_void_p,)),
    "JS_NewContext": (c_void_p, (c_void_p,)),
    "JS_FreeContext": (None, (c_void_p,)),
    "JS_GetFunctionProto": (Value, (c_void_p,)),
    "JS_GetClassID": (c_int, (Value,)),
    "JS_SetClassProto": (None, (c_void_p, c_int, Value)),
    "JS_RunGC": (None, (c_void_p,)),
    "JS_SetGCThreshold": (None, (c_void_p, c_size_t)),
    "JS_SetModuleLoaderFunc": (None, (c_void_p, NORMALIZE, LOAD, c_void_p)),
    "JS_SetInterruptHandler": (None, (c_void_p, POLL, c_void_p)),
    "JS_SetHostPromiseRejectionTracker": (None, (c_void_p, REJECTED, c_void_p)),
    "JS_Eval": (Value, (c_void_p, c_char_p, c_size_t, c_char_p, c_int)),
    "JS_EvalFunction": (Value, (c_void_p, Value)),
    "JS_WriteObject": (c_void_p, (c_void_p, POINTER(c_size_t), Value, c_int)),
    "JS_ReadObject": (Value, (c_void_p, c_char_p, c_size_t, c_int)),
    "JS_FreeValue": (None, (c_void_p, Value)),
    "JS_DupValue": (Value, (c_void_p, Value)),
    "JS_Call": (Value, (c_void_p, Value, Value, c_int, POINTER(Value))),
    "JS_Throw": (Value, (c_void_p, Value)),
    "JS_GetException": (Value, (c_void_p,)),
    "JS_NewError": (Value, (c_void_p,)),
    "JS_SetUncatchableError": (None, (c_void_p, Value)),
    "JS_NewStringLen": (Value, (c_void_p, c_char_p, c_size_t)),
    "JS_NewArrayBufferCopy": (Value, (c_void_p, c_char_p, c_size_t)),
    "JS_GetArrayBuffer": (c_void_p, (c_void_p, POINTER(c_size_t), Value)),
    "JS_IsArrayBuffer": (c_bool, (Value,)),
    "JS_ToCStringLen2": (c_void_p, (c_void_p, POINTER(c_size_t), Value, c_bool)),
    "JS_FreeCString": (None, (c_void_p, c_void_p)),
    "JS_NewCModule": (c_void_p, (c_void_p, c_char_p, INITIALIZE)),
    "JS_AddModuleExport": (c_int, (c_void_p, c_void_p, c_char_p)),
    "JS_SetModuleExport": (c_int, (c_void_p, c_void_p, c_char_p, Value)),
    "JS_GetImportMeta": (Value, (c_void_p, c_void_p)),
    "JS_GetPropertyStr": (Value, (c_void_p, Value, c_char_p)),
    "JS_SetPropertyStr": (c_int, (c_void_p, Value, c_char_p, Value)),
    "js_strdup": (c_void_p, (c_void_p, c_char_p)),
    "js_free": (None, (c_void_p, c_void_p)),
}


# Those of them that may run the script's code, which may call Python: for ``Runtime.call``, without the GIL.
_RUNNING: Final = ("JS_Call", "JS_ToCStringLen2")


def pointer(owner: object, offset: int) -> Any:
    """The pointer in one of the binding's objects."""
    return c_void_p.from_address(id(owner) + offset).value


def _library() -> tuple[Any, Any]:
    found = version("quickjs-ng")
    if found != BINDING_VERSION:
        raise SwellError(
            f"k6 scripts need quickjs-ng {BINDING_VERSION}, and {found} is installed",
            hint=f"install it with: pip install quickjs-ng=={BINDING_VERSION}",
            slug="quickjs",
        )
    library, released = ctypes.PyDLL(_quickjs.__file__), ctypes.CDLL(_quickjs.__file__)
    try:
        for name, (result, arguments) in _SIGNATURES.items():
            for loaded in (library, released) if name in _RUNNING else (library,):
                function = getattr(loaded, name)
                function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise SwellError(f"this build of quickjs-ng does not export {error}", slug="quickjs") from None
    return library, released


def _probe(library: Any) -> int:
    """The class of Python's functions in JavaScript; raises ``SwellError`` where the layout is another."""
    probe = Binding()
    runtime = pointer(probe, AT_RUNTIME)
    seen: list[tuple[bool, bool]] = []

    def look(*_: object) -> int:
        at = (runtime + AT_FRAME, id(probe) + AT_THREAD)
        frame, thread = (bool(c_void_p.from_address(address).value) for address in at)
        seen.append((frame, thread))
        return 0

    def jobs() -> bool:
        return bool(c_void_p.from_address(runtime + AT_JOBS + 8).value != runtime + AT_JOBS)

    is_right = library.JS_GetRuntime(pointer(probe, AT_CONTEXT)) == runtime
    if is_right:
        had_jobs = jobs()
        probe.add_callable("look", look)
        handler = POLL(look)
        look()
        library.JS_SetInterruptHandler(runtime, handler, None)
        # Long enough for the handler to be called once.
        probe.eval("look(); Promise.resolve().then(() => 0); for (let i = 0; i < 15000; i++); 0")
        library.JS_SetInterruptHandler(runtime, ctypes.cast(0, POLL), None)
        look()
        is_right = not had_jobs and jobs() and probe.execute_pending_job() and not jobs()
        # At rest, in a host function, in the handler, at rest.
        is_right = is_right and seen[0] == seen[-1] == (False, False)
        is_right = is_right and {(True, False), (True, True)} < set(seen)
        size = c_size_t.from_address(runtime + AT_SIZE).value
        is_right = is_right and size == probe.memory()["malloc_size"]
    if not is_right:
        raise SwellError("this build of quickjs-ng keeps its objects in another layout", slug="quickjs")
    function = probe.get("look")
    return int(library.JS_GetClassID(Value.from_address(id(function) + AT_VALUE)))


lib, released = _library()
this_thread = ctypes.pythonapi.PyThreadState_Get
this_thread.restype = c_void_p
FUNCTION_CLASS: Final = _probe(lib)
