"""Builtin modules: where they are, and how one is written.

A module ``k6/NAME`` is one ES module, ``modules/NAME.js`` (slashes in NAME become underscores; ``k6`` itself
is ``modules/k6.js``): the file makes it known, there is no list. It exports the names and a default object
with the same members. Helpers shared by several are ``modules/lib/NAME.js``, imported as ``swell:lib/NAME``.

What needs Python stands in ``hosts/NAME.py``::

    def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
        return {"digest": lambda algorithm, data: hashlib.new(algorithm, data).hexdigest()}

and is imported by JavaScript as an object: ``import host from "swell:host/NAME"``. Only builtin modules may
import ``swell:...``; the functions are made for a context when a module first asks for them there. ``vu`` is
``swell.scripts.k6.vuhost.VUHost``.

What crosses: None is null, bool, int and float are numbers, str is a string, bytes is an ArrayBuffer (typed
arrays and DataViews arrive as bytes too), ``Text(utf8)`` becomes a string without decoding, ``UNDEFINED`` is
undefined. Anything larger crosses as JSON text. Objects and functions of JavaScript do not cross: keep
callbacks on the JavaScript side. A host function may raise ``HostError(message, name)``, ``TypeError`` or
``RangeError`` (``swell.scripts.k6.values`` has all of these), which JavaScript can catch; other exceptions
arrive as a ``GoError``. It may block (other VUs run meanwhile). ``@raw`` skips all conversion, for hot paths;
such a function must not raise.

Asynchronous work::

    def fetch(url):                                  import swell from "swell:core";
        operation = vu.loop.begin()                  import host from "swell:host/NAME";
        spawn(work, url, operation)                  export function fetch(url) {
        return operation.id                            return swell.promise(host.fetch(url));
                                                     }
    # in the greenlet: operation.complete(value), operation.fail(HostError(...)), or, for many events to
    # swell.listen(id, callback): operation.emit(value) ... operation.close()

``swell:core`` also has ``bytes(data)`` (ArrayBuffer or view -> ArrayBuffer, else undefined), ``GoError`` and
``makeError(name, message)``. Tests use ``swell.testing.k6.Trial``. The code of the modules that nearly every
script loads is shared by VUs: ``swell.scripts.k6.factories`` says what may stand in them.
"""

import importlib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from swell.scripts.k6.values import HostError, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

FOLDER: Final = Path(__file__).with_name("modules")
PREFIX: Final = "swell:"
HOST_PREFIX: Final = "swell:host/"
LIB_PREFIX: Final = "swell:lib/"

# Parts of k6 that this version does not have, each with what to do.
MISSING: Final[dict[str, str]] = {
    "k6/browser": "browser tests are not supported yet",
    "k6/experimental/browser": "browser tests are not supported yet",
    "k6/net/grpc": "gRPC is not supported yet",
    "k6/experimental/grpc": "gRPC is not supported yet",
}


# Other names of modules: what was experimental before it became an extension.
ALIASES: Final[dict[str, str]] = {"k6/x/redis": "k6/experimental/redis"}


# Of other modules a name that is not there is null.
_UNDEFINED: Final = frozenset({"k6/execution", "k6/html", "k6/http", "k6/ws"})


def is_builtin(name: str) -> bool:
    """Whether ``name`` is one of k6's modules or a part of ours, known or not."""
    return name == "k6" or name.startswith(("k6/", PREFIX))


# Files beside the modules that are none.
NO_MODULES: Final = frozenset({"core", "own", "shared"})


@cache
def names() -> tuple[str, ...]:
    """The modules that scripts can import."""
    stems = [path.stem for path in FOLDER.glob("*.js") if path.stem not in NO_MODULES]
    return tuple(sorted("k6" if stem == "k6" else f"k6/{stem.replace('_', '/')}" for stem in stems))


@cache
def source(name: str) -> str:
    """The source of a builtin module. Raises ``HostError`` for one that does not exist."""
    if name.startswith(LIB_PREFIX):
        path = FOLDER / "lib" / f"{name.removeprefix(LIB_PREFIX)}.js"
    elif name == "k6":
        path = FOLDER / "k6.js"
    else:
        path = FOLDER / f"{name.removeprefix('k6/').replace('/', '_')}.js"
    if path.stem in NO_MODULES or not path.is_file():
        raise HostError(unknown(name), "Error")
    return path.read_text(encoding="utf-8")


def absent_value(module: str) -> str:
    """What k6 makes of a name that is imported from ``module`` and not there, as source."""
    return "undefined" if module in _UNDEFINED else "null"


def unknown(name: str) -> str:
    """What to say of a builtin module that does not exist."""
    if name in MISSING:
        return f'"{name}": {MISSING[name]} in this version of swell'
    if name.startswith("k6/x/"):
        return f'"{name}" is an extension of k6, and extensions cannot be loaded by swell'
    near = get_close_matches(name, names(), n=1)
    hint = f'; did you mean "{near[0]}"?' if near else f"; there are: {', '.join(names())}"
    return f'unknown module "{name}"{hint}'


def host_functions(name: str, vu: "VUHost") -> Mapping[str, HostFunction]:
    """The Python half ``name`` (without prefix) for one VU."""
    module = importlib.import_module(f"swell.scripts.k6.hosts.{name}")
    make: Callable[[VUHost], Mapping[str, HostFunction]] = module.functions
    return make(vu)
