"""What each context begins with: its core, and the one function by which JavaScript calls Python's."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from swell.scripts.k6.quickjs import Object
from swell.scripts.k6.values import HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.engine import Context

# The module whose default export is the core's ``api``.
CORE_MODULE: Final = "swell:core"
# Compiled in each context; core.js and shared.js once for those of a runtime.
OWN: Final = "own"
_MODULES: Final = Path(__file__).with_name("modules")
# By name: compiled once per process.
_bytecode: dict[str, bytes] = {}


class Members(dict[str, Any]):
    """The members of a JavaScript object by name, taken when they are first asked for."""

    __slots__ = ("_take",)

    def __init__(self, take: Callable[[str], Any]) -> None:
        super().__init__()
        self._take = take

    def __missing__(self, name: str) -> Any:
        found = self[name] = self._take(name)
        return found


def bytecode(context: "Context", name: str) -> bytes:
    """Bytecode of ``own``, ``core`` or ``shared``, which stand among the modules and are none."""
    if name not in _bytecode:
        source = (_MODULES / f"{name}.js").read_text(encoding="utf-8")
        # The lines of own.js: import() asks for the name of the file it stands in.
        file = CORE_MODULE if name == OWN else f"swell:{name}"
        _bytecode[name] = context.compile(source, file, keep_lines=name == OWN, is_module=False)
    return _bytecode[name]


def host_call(context: "Context", functions: list[HostFunction]) -> HostFunction:
    """What JavaScript calls each of ``functions`` by, with its number: an object for each would cost 1 KB."""
    to_js, from_js, throw = context.to_js, context.from_js, context.throw
    leave, back = context.runtime.leave, context.runtime.back

    def call(number: int, *arguments: Any) -> Any:
        try:
            inside = leave()
            try:
                for argument in arguments:
                    if type(argument) is Object:
                        arguments = tuple(map(from_js, arguments))
                        break
                return to_js(functions[number](*arguments))
            finally:
                back(inside)
        except BaseException as error:  # noqa: BLE001  # nothing may go through the binding
            return throw(error)

    return call
