"""Loads a native script: imports the file as a module and reads what it declares."""

import ast
import importlib.util
import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from swell.base.errors import ExitCode, ScriptError, SwellError
from swell.engine.script import ScriptExports
from swell.engine.vu import RunAborted
from swell.scripts.native.audit import Audit
from swell.scripts.native.functions import argument_fault
from swell.scripts.native.invariants import plan_of
from swell.scripts.native.jsonable import json_faults, plain
from swell.scripts.native.misplaced import misplaced
from swell.scripts.native.places import function_places, option_places
from swell.scripts.native.scenarios import WeightedMix
from swell.scripts.native.script import NativeScript
from swell.scripts.native.stacks import script_stack, summary_line
from swell.scripts.native.state import Declarations, loading

# Siblings of the script are also `from . import x`: its folder is this package.
PACKAGE = "swell_script"
# Lifecycle functions, with the most arguments each may take.
LIFECYCLE = {"setup": 0, "teardown": 1, "handle_summary": 1}
FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, WeightedMix)


def load_script(path: str | Path, env: Mapping[str, str], seed: int = 0) -> NativeScript:
    """Import the script at ``path`` and collect what it exports.

    Faults that leave the module usable (a wrong argument count, options that are not JSON, a missing feeder
    file) are all in ``exports.faults``, to be shown together with the faults of its options.

    Raises ``SwellError`` where there is no such file or it calls ``abort``, and ``ScriptError`` with the
    script's own stack where it is no Python or raises while it is imported.
    """
    file = _script_file(path)
    source = file.read_bytes()
    tree, code = _compile(source, file)
    declarations = Declarations(file, env, seed)
    module = _new_module(file)
    token = loading.set(declarations)
    try:
        _execute(code, module, file)
    finally:
        loading.reset(token)
    return _collect(module, tree, declarations)


def _script_file(path: str | Path) -> Path:
    file = Path(path).absolute()
    if file.is_dir():
        raise _not_found(f"{path} is a folder, not a script")
    if not file.is_file():
        raise _not_found(f"there is no script {path}")
    if file.suffix != ".py":
        raise _not_found(f"{path} is no Python script: its name does not end in .py")
    return file


def _not_found(message: str) -> SwellError:
    hint = "create a first script with: swell new"
    return SwellError(message, hint=hint, exit_code=ExitCode.OTHER, slug="script-not-found")


def _compile(source: bytes, file: Path) -> tuple[ast.Module, Any]:
    try:
        tree = ast.parse(source, str(file))
        return tree, compile(source, str(file), "exec", dont_inherit=True)
    except SyntaxError as error:
        place = f"{file.name}:{error.lineno}" if error.lineno else file.name
        raise ScriptError(f"{place}: {error.msg}", stack=script_stack(error.with_traceback(None))) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ScriptError(f"{file.name} is no Python source: {error}") from None


def _new_module(file: Path) -> ModuleType:
    folder = str(file.parent)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    _find_packages_of(file)
    package = ModuleType(PACKAGE, "The script's folder, so that its modules can be imported relatively.")
    package.__path__ = [folder]
    sys.modules[PACKAGE] = package
    name = f"{PACKAGE}.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None:
        raise _not_found(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    return module


def _find_packages_of(file: Path) -> None:
    """Let scripts in a package import from all of it: ``from suites.common import ...``.

    Folders with an ``__init__.py`` are packages; what holds the topmost of them is searched last, so that it
    hides nothing.
    """
    top = file.parent
    while (top / "__init__.py").is_file():
        top = top.parent
    if top != file.parent and str(top) not in sys.path:
        sys.path.append(str(top))


def _execute(code: Any, module: ModuleType, file: Path) -> None:
    """Run the module's body; whatever it raises becomes a ``ScriptError`` with its own stack."""
    try:
        exec(code, module.__dict__)  # noqa: S102  # running the user's script is the purpose
    except RunAborted as error:
        message = f"test aborted: {error.message}"
        raise SwellError(message, exit_code=ExitCode.SCRIPT_ABORTED, slug="script-aborted") from None
    except SystemExit as error:
        message = f"{file.name} ended the process with sys.exit({error.code!r}) while it was loaded"
        raise ScriptError(message, stack=script_stack(error)) from None
    except Exception as error:  # noqa: BLE001  # whatever the user's script may raise
        raise ScriptError(summary_line(error), stack=script_stack(error), hint=_hint(error, file)) from None


def _hint(error: Exception, file: Path) -> str:
    """What helps against ``error``: the hint of our own, and where to get a module that is not there."""
    if isinstance(error, SwellError):
        return error.hint
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    top = error.name.partition(".")[0]
    if top in sys.modules:
        return ""
    near = get_close_matches(top, [path.stem for path in file.parent.iterdir() if path != file], n=1)
    if near:
        return f"did you mean {near[0]!r}, which stands beside the script?"
    return (
        f"swell runs scripts with {sys.executable}, which does not have it: {sys.executable} -m pip install "
        f"{top} (a package may bear another name than its module)"
    )


# What the module exports


def _collect(module: ModuleType, tree: ast.Module, declarations: Declarations) -> NativeScript:
    name = declarations.script.name
    namespace = module.__dict__
    lines = function_places(tree, name)
    places = option_places(tree, name)
    functions = _functions(namespace)
    options = _options(namespace, declarations, places)
    _add_scenarios(options, functions, namespace, declarations, places)
    declarations.faults += misplaced(tree, name)
    for hook, most in LIFECYCLE.items():
        _check_hook(hook, most, namespace.get(hook), declarations, lines.get(hook, name))
    for called, place in _called(options, functions, lines, places, name):
        problem = argument_fault(functions[called], 1)
        if problem:
            declarations.fault(f"{called}() {problem}", place=place)
    places.pop("", None)
    exports = ScriptExports(
        options=options,
        functions=tuple(functions),
        has_setup=callable(namespace.get("setup")),
        has_teardown=callable(namespace.get("teardown")),
        has_handle_summary=callable(namespace.get("handle_summary")),
        places=places,
        metrics=tuple(
            (metric, kind, contains) for metric, (kind, contains, _) in declarations.metrics.items()
        ),
        invariants=tuple(plan_of(declared) for declared in declarations.invariants),
        faults=tuple(declarations.faults),
    )
    audit = Audit(declarations.ledgers, [declared.function for declared in declarations.invariants])
    return NativeScript(exports, functions, {hook: namespace.get(hook) for hook in LIFECYCLE}, audit)


def _functions(namespace: dict[str, Any]) -> dict[str, Callable[..., object]]:
    """The functions that a scenario may name: public ones, the script's own or imported from its modules."""
    return {
        name: value
        for name, value in namespace.items()
        if isinstance(value, FUNCTIONS)
        and not name.startswith("_")
        and name not in LIFECYCLE
        and (isinstance(value, WeightedMix) or not str(value.__module__).startswith("swell."))
    }


def _options(namespace: dict[str, Any], declarations: Declarations, places: dict[str, str]) -> dict[str, Any]:
    """A copy of the script's ``options`` as plain JSON values; what is no JSON is a fault and left out."""
    written = namespace.get("options", {})
    place = places.get("", declarations.script.name)
    if not isinstance(written, Mapping):
        declarations.fault(
            f"options is of type {type(written).__name__}; it must be a dictionary",
            'write it like options = {"vus": 10, "duration": "30s"}',
            place=place,
        )
        return {}
    options: dict[str, Any] = {}
    for key, value in written.items():
        if not isinstance(key, str):
            declarations.fault(f"options has the key {key!r}; keys must be strings", place=place)
            continue
        problems = json_faults(value, f"options.{key}")
        for path, problem in problems:
            declarations.fault(f"{path} {problem}", place=places.get(key, place))
        if not problems:
            options[key] = plain(value)
    return options


def _add_scenarios(
    options: dict[str, Any],
    functions: dict[str, Callable[..., object]],
    namespace: dict[str, Any],
    declarations: Declarations,
    places: dict[str, str],
) -> None:
    """Put the decorated scenarios beside those of ``options``, each name once."""
    if not declarations.scenarios:
        return
    scenarios = options.setdefault("scenarios", {})
    if not isinstance(scenarios, dict):
        # The option's own reader reports it.
        return
    for number, declared in enumerate(declarations.scenarios):
        name, path = declared.name, f"scenarios.{declared.name}"
        if name in scenarios:
            first = places.get(path, declarations.script.name)
            declarations.fault(
                f"the scenario {name!r} is declared twice, first at {first}",
                "give one of them another name: @scenario(name=...)",
                place=declared.place,
            )
            # It never runs; under a name of its own whatever else is wrong with it is listed too.
            name = f"{name}_{number}"
            path = f"scenarios.{name}"
        problems = json_faults(declared.options, f"scenario {declared.name}")
        for where, problem in problems:
            declarations.fault(f"{where} {problem}", place=declared.place)
        places[path] = declared.place
        called = _function_name(name, declared.function, namespace, functions)
        functions[called] = declared.function
        if not problems:
            scenarios[name] = {**plain(declared.options), "exec": called}


def _function_name(
    scenario: str,
    function: Callable[..., object],
    namespace: dict[str, Any],
    functions: dict[str, Callable[..., object]],
) -> str:
    """The name by which ``exec`` finds a decorated function: its own where the module has it so."""
    own = getattr(function, "__name__", "")
    if own and namespace.get(own) is function:
        return str(own)
    if functions.get(scenario, function) is function:
        return scenario
    return f"{scenario}()"


def _check_hook(hook: str, most: int, function: Any, declarations: Declarations, place: str) -> None:
    if function is None:
        return
    if not callable(function):
        declarations.fault(f"{hook} is of type {type(function).__name__}; it must be a function", place=place)
        return
    problem = argument_fault(function, most)
    if problem:
        declarations.fault(f"{hook}() {problem}", place=place)


def _called(
    options: dict[str, Any],
    functions: dict[str, Callable[..., object]],
    lines: dict[str, str],
    places: dict[str, str],
    script: str,
) -> list[tuple[str, str]]:
    """The functions that iterations call, as far as the script says, each with its place."""
    called = {"default": lines.get("default", script)}
    scenarios = options.get("scenarios")
    for name, settings in scenarios.items() if isinstance(scenarios, dict) else ():
        target = settings.get("exec") if isinstance(settings, dict) else None
        if isinstance(target, str):
            called.setdefault(target, lines.get(target, places.get(f"scenarios.{name}", script)))
    return [(name, place) for name, place in called.items() if name in functions]
