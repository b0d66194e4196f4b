"""Loads a k6 script: runs its top level once, as VU 0, and reads what it exports."""

import json
import resource
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from swell.base.errors import ExitCode, Fault, ScriptError, SwellError
from swell.engine.script import ScriptExports
from swell.scripts.k6.archive import Archive, is_archive, read_archive
from swell.scripts.k6.files import STDIN, ScriptFiles, file_name
from swell.scripts.k6.hosts.secrets import KEPT
from swell.scripts.k6.remote import RemoteModules, cache_folder
from swell.scripts.k6.script import K6Script, load
from swell.scripts.k6.vuhost import Shared, VUHost

# JavaScript's own stack is three quarters of it: recursion 20,000 deep works, one without end is caught.
STACK_BYTES: Final = 64 << 20
LIFECYCLE: Final = ("setup", "teardown", "handleSummary")
# Where it is no function k6 says so when the run is over, and the exit code is the run's.
_LATE: Final = "handleSummary"
# What every CommonJS module exports, by its name, as JSON.
_EXPORTED: Final = """JSON.stringify(Object.fromEntries(
    Array.from(globalThis.require.begun, ([name, { exports }]) => [name, Object.keys(exports ?? {})])))"""
Log = Callable[..., None]


def load_script(
    path: str,
    env: Mapping[str, str],
    log: Log,
    *,
    content: bytes | None = None,
    arguments: Sequence[str] = (),
    seen: dict[str, bytes] | None = None,
) -> K6Script:
    """Load the script or archive at ``path``; ``content`` is what came over standard input in its place.

    ``arguments`` are pairs of a name and a value: ``module-lock`` and a path, ``secrets`` and JSON. ``seen``
    takes what is read, by module name.

    Raises ``ScriptError`` with the script's own stack for what its top level throws, and ``SwellError`` where
    it exports no function or is no archive.
    """
    raise_stack_limit()
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    lock = given.get("module-lock")
    archive: Archive | None = None
    contents: dict[str, bytes] | None = None
    if content is not None:
        main = STDIN
        contents = {STDIN: content}
    elif path.endswith(".tar") or is_archive(Path(path)):
        archive = read_archive(Path(path))
        main, contents = archive.main, archive.contents
    else:
        main = file_name(str(Path(path).absolute()))
    remote = RemoteModules(cache_folder(), None if lock is None else Path(lock))
    files = ScriptFiles(main, contents, remote, str(Path(path).absolute().parent))
    files.seen = seen
    prints = False

    def noted(level: str, message: str, **fields: str) -> None:
        nonlocal prints
        prints = prints or fields.get("source") == "console"
        log(level, message, **fields)

    shared = Shared(files, noted, {**(archive.env if archive is not None else {}), **env})
    shared.kept[KEPT] = given.get("secrets", "{}")
    host = _load_first(shared)
    shared.is_loaded = True
    shared.first = host
    remote.save_lock()
    if remote.unkept:
        log(
            "warning",
            f"modules from the network cannot be kept in {remote.unkept}; each run fetches them again",
        )
    exports = _exports(host, Path(path).name)
    shared.options = exports.options
    if prints:
        # k6 runs the top level once more at the end of every run, which shows where that prints.
        exports = msgspec.structs.replace(exports, has_handle_summary=True)
    if archive is not None:
        # Consolidated when the archive was made: they take the place of the script's own.
        options = {key: value for key, value in archive.options.items() if value is not None}
        exports = msgspec.structs.replace(exports, options=options)
    return K6Script(exports, shared)


def raise_stack_limit() -> None:
    """Let this process's stack grow to ``STACK_BYTES``, where the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if soft == resource.RLIM_INFINITY or soft >= STACK_BYTES:
        return
    wanted = STACK_BYTES if hard == resource.RLIM_INFINITY else min(STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))


def _load_first(shared: Shared) -> VUHost:
    """Load the script; again where it imports names that a builtin module lacks or a CommonJS module has."""
    while True:
        host = VUHost(shared)
        try:
            load(host)
        except ScriptError as error:
            if not (shared.modules.admit(error.message) or _learn(host)):
                raise
        else:
            if not _learn(host):
                return host
        host.close()
        shared.metrics.clear()


def _learn(host: VUHost) -> bool:
    """Look at what CommonJS modules export; whether others import more of it than could be known before."""
    return host.shared.modules.learn(json.loads(host.context.evaluate(_EXPORTED)))


def _exports(host: VUHost, name: str) -> ScriptExports:
    context = host.context
    told = json.loads(context.run(context.core["exports"]))
    functions = tuple(told["functions"])
    faults = [
        Fault(name, f"exported {hook!r} must be a function")
        for hook in LIFECYCLE
        if hook in told["names"] and hook not in functions and hook != _LATE
    ]
    if told["odd"]:
        listed = ", ".join(f"the value of {key!r} is {what}" for key, what in told["odd"])
        raise SwellError(
            f"{name}: the options cannot be JSON: {listed}",
            hint="a number out of a variable that is not set is NaN: parseInt(__ENV.VUS || '1')",
            exit_code=ExitCode.OTHER,
            slug="options-not-json",
        )
    if not told["isObject"]:
        faults.append(Fault(name, "the exported options must be an object"))
    if not functions:
        raise SwellError(
            f"{name} exports no function",
            hint="a k6 script has: export default function () { ... }",
            exit_code=ExitCode.OTHER,
            slug="no-functions",
        )
    host.shared.has_wrong_summary = _LATE in told["names"] and _LATE not in functions
    options = json.loads(told["options"]) if told["isObject"] else {}
    return ScriptExports(
        options={key: value for key, value in options.items() if value is not None},
        functions=tuple(function for function in functions if function not in LIFECYCLE),
        has_setup="setup" in functions,
        has_teardown="teardown" in functions,
        has_handle_summary=_LATE in told["names"],
        metrics=tuple((metric, kind, contains) for metric, (kind, contains) in host.shared.metrics.items()),
        faults=tuple(faults),
    )
