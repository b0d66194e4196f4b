"""Builtin modules as functions: the VUs of a runtime share their code, and no script sees that."""

import json
from collections.abc import Callable

import pytest

from swell.scripts.k6 import builtins, modulecache
from swell.scripts.k6.factories import SHARED, factory
from swell.testing.cli import CLIResult
from swell.testing.k6 import Trial

RunScript = Callable[..., CLIResult]

# Where values of the modules come from, and functions, as a script may ask.
ASKED = """
    import http from "k6/http";
    import * as names from "k6/http";
    import k6, { check, fail, group } from "k6";
    import { Counter } from "k6/metrics";
    const counter = new Counter("calls");
    http.get.mine = 1;
    function thrown(run) { try { run(); } catch (error) { return error; } }
    const unsent = () => http.request("GET", null);
    export const options = { scenarios: { all: { executor: "per-vu-iterations", vus: 3, iterations: 1 } } };
    export default () => console.log(JSON.stringify([
      [http.get, http.post, http.CookieJar, check, group, Counter, console.log, open, require, JSON.parse].every((one) => one instanceof Function),
      [http, k6, console, unsent(), http.batch([null]), http.batch({ a: null })].every((one) => one instanceof Object),
      http.batch([null]) instanceof Array,
      [thrown(() => fail("x")), thrown(() => check(1)), thrown(() => http.batch())].every((one) => one instanceof Error),
      [thrown(() => check(1, null)), thrown(() => { unsent().other = 1; })].every((one) => one instanceof TypeError),
      thrown(() => check(1, { a: async () => 1 })).message.includes("async functions"),
      names.get === http.get && http.get.name === "get" && http.get.length === 2 && http.get.mine === 1,
      Object.getPrototypeOf(unsent()) === Object.prototype && "hasOwnProperty" in unsent(),
      Object.keys(unsent()).includes("status") && unsent().status === 0,
    ]));
"""


def exports_of(name: str) -> list[str]:
    """The names that an import of the module sees."""
    trial = Trial("export default () => 0")
    context = trial.vu.context
    context.run(context.core["load"], name)
    assert trial.vu.loop.run_until_idle(0) == 1
    names: list[str] = json.loads(context.run(context.core["exports"]))["names"]
    return sorted(names)


@pytest.mark.parametrize("name", sorted(SHARED))
def test_exports_are_those_of_the_module(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an import sees is the same whether the module is one or a function."""
    assert factory(builtins.source(name)) is not None
    shared = exports_of(name)
    monkeypatch.setattr(modulecache, "SHARED", frozenset())
    assert shared == exports_of(name)


@pytest.mark.parametrize("source", [" export const a = 1;", "export * from 'k6';", "import 'k6';"])
def test_what_is_written_otherwise_stays_a_module(source: str) -> None:
    """Nothing is guessed: such a module is compiled as one."""
    assert factory(source) is None


def test_a_script_sees_its_own_context_only(run: RunScript) -> None:
    """Functions, errors, lists and objects of the shared modules are those of the script's own globals."""
    result = run(ASKED)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count(f"msg={json.dumps(json.dumps([True] * 9, separators=(',', ':')))}") == 3, (
        result.stderr
    )


# Each VU marks every object that it can get at, by properties, accessors, prototypes, and what the functions of other
# contexts give that it finds so; it tells of the marks of others, and of constructors by which it could compile code
# of another context.
MARKING = """
    import * as http from "k6/http";
    import * as k6 from "k6";
    import * as metrics from "k6/metrics";
    const counter = new metrics.Counter("calls");
    const MARK = Symbol.for("mark");
    const OWN = [() => 0, async () => 0, function* () {}, async function* () {}].map(Reflect.getPrototypeOf);
    // What a function makes of a text, a number, a list, a set and an iterator.
    const THESE = ["x", 1, Symbol(), 1n, true, ["x"], new Set(["x"]), ["x"].values()];
    function madeBy(run) {
      const isOwn = OWN.includes(Reflect.getPrototypeOf(run));
      return isOwn ? [] : THESE.flatMap((one) => [() => 0, "x", undefined].map((given) => {
        try { return Reflect.apply(run, one, [given]); } catch (error) { return error; }
      }));
    }
    function thrown(run) { try { run(); } catch (error) { return error; } }
    function frames(run) {
      const before = Error.prepareStackTrace;
      Error.prepareStackTrace = (error, sites) => { error.sites = sites; return ""; };
      try { return [thrown(run)?.sites].flat().map((site) => site?.getFunction?.()); }
      finally { Error.prepareStackTrace = before; }
    }
    export const options = { scenarios: { all: { executor: "per-vu-iterations", vus: 3, iterations: 1 } } };
    export default () => {
      const response = http.request("GET", null);
      const roots = [
        globalThis, http, k6, metrics, counter, response, response.json, response.html, response.headers,
        response.submitForm, http.batch([null]), http.cookieJar(), http.url`a${1}`, http.expectedStatuses(200),
        http.file("a"), () => 0, [], async () => 0, Promise.resolve(),
        thrown(() => k6.fail("x")), thrown(() => k6.check(1)), thrown(() => k6.check(1, null)),
        thrown(() => k6.group("a::b")), thrown(() => http.batch()), thrown(() => counter.add(Symbol())),
        Error.prepareStackTrace,
        thrown(() => response.json()), thrown(() => http.get(Symbol())), thrown(() => metrics.Counter("a b")),
        ...frames(() => http.get("\\ud800", { tags: 1 })), ...frames(() => k6.check(1)), ...frames(() => response.json()),
        ...frames(() => k6.check(1, { "a::b": 1 })),
      ];
      const seen = new Set(), leaks = [];
      while (roots.length) {
        const one = roots.pop();
        if (one === null || (typeof one !== "object" && typeof one !== "function") || seen.has(one)) continue;
        seen.add(one);
        const mark = Reflect.getOwnPropertyDescriptor(one, MARK)?.value;
        if (mark !== undefined && mark !== __VU) leaks.push(Reflect.ownKeys(one).map(String).join());
        Reflect.defineProperty(one, MARK, { value: __VU, configurable: true, writable: true });
        roots.push(Reflect.getPrototypeOf(one), ...(typeof one === "function" ? madeBy(one) : []));
        for (const key of Reflect.ownKeys(one)) {
          const { value, get, set } = Reflect.getOwnPropertyDescriptor(one, key) ?? {};
          roots.push(value, get, set);
          if (key === "constructor" && typeof value === "function" && value.name.endsWith("Function")) {
            if (!OWN.includes(Reflect.getPrototypeOf(value("")))) leaks.push("code of another context");
          }
        }
      }
      console.log(JSON.stringify([seen.size > 500, leaks]));
    };
"""


def test_virtual_users_that_share_code_share_nothing_that_can_be_changed(run: RunScript) -> None:
    """Whatever a script can reach by way of a function, a prototype, an error or a stack is its own or frozen."""
    result = run(MARKING)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count('msg="[true,[]]"') == 3, result.stderr
