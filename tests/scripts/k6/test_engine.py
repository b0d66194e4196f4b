"""Contexts: what crosses, what is thrown, and what builtin modules may do."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pytest

from swell.scripts.k6 import builtins
from swell.scripts.k6.loop import spawn
from swell.scripts.k6.values import UNDEFINED, HostError, RangeError, Text, raw
from swell.scripts.k6.vuhost import VUHost
from swell.testing.k6 import Trial, TrialError

Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes a builtin module ``k6/try`` with host functions of the test's own."""

    def put(source: str, functions: Callable[[Any], Mapping[str, Callable[..., Any]]]) -> None:
        module = ModuleType("swell.scripts.k6.hosts.try_")
        module.functions = functions  # type: ignore[attr-defined]
        monkeypatch.setitem(__import__("sys").modules, "swell.scripts.k6.hosts.try_", module)
        original = builtins.source
        monkeypatch.setattr(builtins, "names", lambda: ("k6/try",))
        monkeypatch.setattr(builtins, "source", lambda name: source if name == "k6/try" else original(name))

    return put


HOST = 'import host from "swell:host/try_"; import swell from "swell:core"; export default host;\n'


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (None, [True, "object", None]),
        (UNDEFINED, [False, "undefined", None]),
        (True, [False, "boolean", True]),
        (7, [False, "number", 7]),
        (2**40, [False, "number", 2**40]),
        (0.5, [False, "number", 0.5]),
        ("e\0é€😀", [False, "string", "e\0é€😀"]),
        ("\ud800", [False, "string", "\ud800"]),
        (Text("é".encode()), [False, "string", "é"]),
        (b"\x00\xff", [False, "object", [0, 255]]),
    ],
)
def test_what_python_returns(install: Install, value: object, seen: list[object]) -> None:
    """Every kind of value arrives as what the module's conventions say."""
    install(HOST, lambda _vu: {"give": lambda: value})
    source = "const v = host.give(); return [v === null, typeof v, v === undefined ? null : v]"
    assert Trial(f'import host from "k6/try"; export default () => {{ {source} }}').run() == seen


@pytest.mark.parametrize(
    ("expression", "seen"),
    [
        ("undefined", "None"),
        ("-1.5", "-1.5"),
        ("true", "True"),
        ("'a\\0é'", "'a\\x00é'"),
        ("'\\ud800'", "'\\ud800'"),
        ("new Uint8Array([1, 2, 3]).subarray(1)", "b'\\x02\\x03'"),
        ("new DataView(new ArrayBuffer(2))", "b'\\x00\\x00'"),
        ("new Uint16Array([258]).buffer", "b'\\x02\\x01'"),
        ("new ArrayBuffer(0)", "b''"),
        # Concatenated to more than the engine keeps in one piece.
        ("('a'.repeat(2000) + 'b'.repeat(2000)).length", "4000"),
        ("'a'.repeat(2000) + 'b'.repeat(2000)", repr(repr("a" * 2000 + "b" * 2000))[1:-1]),
    ],
)
def test_what_python_receives(install: Install, expression: str, seen: str) -> None:
    """Text arrives whole, buffers and views as their bytes."""
    install(HOST, lambda _vu: {"show": repr})
    assert Trial(f'import h from "k6/try"; export default () => h.show({expression})').run() == seen


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (HostError("no"), "GoError true no"),
        (HostError("no", "Error"), "Error true no"),
        (HostError("no", "InvalidStateError"), "InvalidStateError true no"),
        (TypeError("no"), "TypeError true no"),
        (RangeError("no"), "RangeError true no"),
        (ZeroDivisionError("no\0é"), "GoError true no\0é"),
        (KeyError(), "GoError true KeyError"),
    ],
)
def test_what_python_raises(install: Install, error: Exception, seen: str) -> None:
    """A host function's exception is one that JavaScript can catch, and the context goes on."""

    def bad() -> None:
        raise error

    install(HOST, lambda _vu: {"bad": bad})
    source = "try { h.bad() } catch (e) { return `${e.name} ${e instanceof Error} ${e.message}` }"
    trial = Trial(f'import h from "k6/try"; export default () => {{ {source} }}')
    assert [trial.run(), trial.run()] == [seen, seen]


def test_what_cannot_cross_is_refused(install: Install) -> None:
    """A dictionary as result is a TypeError that says what to do."""
    install(HOST, lambda _vu: {"bad": dict})
    with pytest.raises(TrialError, match="a value of type dict cannot cross"):
        Trial('import h from "k6/try"; h.bad()')


def test_an_interruption_runs_no_catch_and_no_finally(install: Install) -> None:
    """What is no Exception goes past the script's handlers, and the context can be used again."""

    class Interrupted(BaseException):
        pass

    seen: list[str] = []

    def stop() -> None:
        raise Interrupted

    install(HOST, lambda _vu: {"stop": stop, "note": raw(seen.append)})
    body = "try { h.stop() } catch (e) { h.note('catch') } finally { h.note('finally') }"
    trial = Trial(
        f'import h from "k6/try"; export default () => {{ {body} }};'
        f"export async function later() {{ await null; {body} }} export const again = () => 1"
    )
    for name in ("default", "later"):
        with pytest.raises(Interrupted):
            trial.run(name)
    assert seen == []
    assert trial.run("again") == 1


def test_operations_are_awaited(install: Install) -> None:
    """Promises of host functions settle from other greenlets; events come in order until the end."""

    def functions(vu: Any) -> Mapping[str, Callable[..., Any]]:
        def work(fails: object) -> int:
            operation = vu.loop.begin()
            end = (lambda: operation.fail(HostError("late", "TypeError"))) if fails else operation.complete
            spawn(end)
            return int(operation.id)

        def events() -> int:
            operation = vu.loop.begin()

            def tell() -> None:
                for number in range(3):
                    operation.emit(number)
                operation.complete(b"end")

            spawn(tell)
            return int(operation.id)

        return {"work": work, "events": events, "after": lambda ms: vu.loop.after(ms).id}

    install(HOST + "export const promise = swell.promise; export const listen = swell.listen;", functions)
    trial = Trial("""
        import host, { promise, listen } from "k6/try";
        const told = [];
        export default async function () {
          listen(host.events(), (e) => told.push(e instanceof ArrayBuffer ? e.byteLength : e));
          await promise(host.after(1));
          try { await promise(host.work(true)); } catch (e) { told.push(e.name + e.message); }
          told.push(await promise(host.work(false)));
        }
        export const result = () => told;""")
    trial.run()
    assert trial.run("result") == [0, 1, 2, 3, "TypeErrorlate", None]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("async () => { throw new Error('a') }", "Error: a"),
        ("() => { throw null }", "null"),
        ("() => { Promise.reject('b') }", "b"),
        ("() => { const f = () => f() + 1; f() }", "RangeError: Maximum call stack size exceeded"),
    ],
)
def test_failures_are_told(body: str, message: str) -> None:
    """Exceptions, rejected promises and endless recursion end the call with their text."""
    with pytest.raises(TrialError) as caught:
        Trial(f"export default {body}").run()
    assert caught.value.text == message


def test_a_caught_rejection_is_none() -> None:
    """A handler that is attached in the same turn is enough."""
    assert Trial("export default () => { Promise.reject(1).catch(() => 0); return 2 }").run() == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('import "swell:core"', 'unknown module "swell:core"'),
        ('import "swell:host/try_"', 'unknown module "swell:host/try_"'),
        ('import "k6/browser"', "browser tests are not supported yet"),
        ('import "k6/x/sql"', "extensions cannot be loaded"),
        ("let a = ;", "SyntaxError: unexpected token"),
    ],
)
def test_what_cannot_be_loaded(source: str, message: str) -> None:
    """Python is out of reach of a script, and missing parts are named."""
    with pytest.raises(TrialError) as caught:
        Trial(source)
    assert message in caught.value.text


def test_missing_names_of_builtin_modules_are_null(install: Install) -> None:
    """Importing a name that a builtin module lacks is no error, as in k6."""
    install(HOST, lambda _vu: {})
    assert (
        Trial('import { gone, too } from "k6/try"; export default () => `${gone}${too}`').run() == "nullnull"
    )


def test_modules_are_native() -> None:
    """Bindings are live, cycles work, and import.meta is there."""
    trial = Trial(
        'import { n, up } from "./n.js"; export const two = 2; up();'
        "export default () => [n, import.meta.url, import.meta.resolve('./n.js')]",
        files={
            "n.js": 'import { two } from "./trial.js"; export let n = 0; export const up = () => { n += two }'
        },
    )
    assert trial.run() == [2, "file:///trial.js", "file:///n.js"]


def test_parts_are_loaded_once(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of ours that a module asks for again and again, as responses do, is imported the first time only."""
    begun: list[str] = []
    begin = VUHost._begin_module
    monkeypatch.setattr(VUHost, "_begin_module", lambda vu, name: (begun.append(name), begin(vu, name))[1])
    install(
        'import swell from "swell:core"; export default () => swell.load("swell:lib/gjson").select;',
        lambda _vu: {},
    )
    source = "const found = [0, 1, 2].map(() => part()); return [new Set(found).size, typeof found[0]]"
    assert Trial(f'import part from "k6/try"; export default () => {{ {source} }}').run() == [1, "function"]
    assert begun == ["swell:lib/gjson"]
