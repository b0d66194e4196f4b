"""Tests of swell.scripts.k6.typescript: what a translated script does, and where its code stands."""

import json
from typing import Any

import _quickjs
import pytest

from swell.scripts.k6.typescript import TypeScriptError, translate


def run(source: str) -> Any:
    """What the translated script leaves in ``out``."""
    code = translate(f"'use strict'; const out: any = [];{source}\n;JSON.stringify(out)", "script.ts")
    return json.loads(_quickjs.Context().eval(code))


def words(code: str) -> list[str]:
    """The words of a program, without the semicolons that stand where statements went."""
    return code.replace(";", " ").split()


# --- Types ----------------------------------------------------------------------------------------------

TYPES = [
    "any",
    "string[]",
    "A.B.C",
    "A.B.C<D> | undefined",
    "Map<string, Array<Array<number>>>",
    "(a: string, b?: number) => void",
    "new () => Foo",
    "{ a: number; readonly b?: string; [key: string]: any }",
    "[first: string, second?: number]",
    "typeof x.y.z",
    "keyof typeof x",
    "Foo['a'][number]",
    "T extends (infer U)[] ? U : never",
    "`id-${string}`",
    "unique symbol",
    "readonly string[]",
    "'a' | 'b' | -1 | null",
    "import('k6').Options",
]


@pytest.mark.parametrize("type_", TYPES)
def test_annotations_are_blanks(type_: str) -> None:
    """Every kind of type goes from every place that has one, and what is left does not move."""
    source = f"let v: {type_} = e; function f(p: {type_}, q?: {type_}) {{}} g = (p: {type_}) => e;"
    annotation, optional = " " * len(f": {type_}"), " " * len(f"?: {type_}")
    wanted = f"let v{annotation} = e; function f(p{annotation}, q{optional}) {{}} g = (p{annotation}) => e;"
    assert translate(source, "script.ts") == wanted


@pytest.mark.parametrize("type_", [t for t in TYPES if "extends" not in t and "unique" not in t])
def test_casts_and_arguments_are_blanks(type_: str) -> None:
    """Casts, ``satisfies``, type arguments and ``!`` leave the value."""
    source = f"x = a as {type_}; y = [a satisfies {type_}, b!]; z = new F<{type_}>(c); w = f<{type_}>(d)!.e"
    assert "".join(translate(source, "s.ts").split()) == "x=a;y=[a,b];z=newF(c);w=f(d).e"


REMOVED = [
    "interface A<T> extends B<T> { (x: T): void; new (x: T): A<T>; method?(): void }",
    "type A<T> = { [K in keyof T as `get${K}`]-?: T[K] }",
    "declare const x: number",
    "declare function f(a: string): void",
    "declare global { interface Window { a: string } }",
    "declare module 'x' { export const y: number }",
    "declare enum E { A }",
    "import type { A } from 'a'",
    "import { type A } from 'a'",
    "import type A from 'a'",
    "import A from 'a'",
    "import * as A from 'a'",
    "export type { A } from 'a'",
    "export type * from 'a'",
    "export type * as N from 'a'",
    "export interface A {}",
    "export default interface A {}",
    "export declare const x: string",
    "namespace N { export type X = 1; interface Y {} }",
    "function f(a: string): void",
    "export as namespace Foo",
    "import A = B.C",
]


@pytest.mark.parametrize("statement", REMOVED)
def test_statements_without_a_meaning_at_run_time_go(statement: str) -> None:
    """What declares types only is a semicolon and blanks."""
    assert translate(statement, "script.ts").strip() == ";"


PLAIN = [
    "const a = 1 < 2, b = 3 > (4), c = a < b || b > (c)",
    "f(a < b, c > d)",
    "const re = /<T>(x as y)!/g, s = 'a as b', t = `x as ${y} <T>`",
    "const o = { type: 1, as: 2, async, get, set, get a() { return 1 }, set a(v) {}, async *b() {} }",
    "var type = 1, declare = 2, as = 3, satisfies = 4, namespace = 5, module = 6, readonly = 7, of = 8",
    "label: for (const x of y) { if (x) continue label; else break label }",
    "class A { static #p = 1; static { this.x = 1 } get; set; async *m() { yield* this.#q } #q() {} }",
    "a ? (b) : c => d",
    "import './side-effect.js'\nimport http, { get as g } from 'k6/http'\nhttp.get(g)",
    "export { a as b } from './x.js'\nexport * from './y.js'\nexport default async () => { await 0 }",
    "#!/usr/bin/env k6\nlet x = 1\r\nlet y = 2\r\n",
    "\ufeffconst é = '日本😀'",
    "let a = b\n++c\nd\n!e",
]


@pytest.mark.parametrize("source", PLAIN)
def test_javascript_comes_out_as_it_is(source: str) -> None:
    """A script without types is not changed by a character."""
    assert translate(source, "script.ts") == source


def test_places_survive_characters_of_every_width() -> None:
    """Blanks are counted in characters, so columns hold after types with any of them; line ends are kept."""
    source = "let x: 'é日😀' = 1; mark\r\nlet y: {\r\n  a: '日'\r\n} = 2; mark"
    made = translate(source, "script.ts")
    assert len(made) == len(source)
    assert [made.index("mark"), made.rindex("mark")] == [source.index("mark"), source.rindex("mark")]
    assert made.count("\r\n") == source.count("\r\n")


# --- Line ends that close statements --------------------------------------------------------------------

LINE_ENDS = [
    ("const f = (x: any) => 2\nlet a = f as any\n(1); out.push(typeof a)", ["function"]),
    ("const f = [5]\nlet a = f\ntype X = number\n[0].forEach(() => out.push(a.length))", [1]),
    ("const f = [5]\nlet a = f\ninterface X {}\n[0].forEach(() => out.push(a.length))", [1]),
    ("function f() { return <any>\n  7 }\nout.push(f())", [7]),
    ("const f = (a: number): {\n  n: number\n} => ({ n: a })\nout.push(f(3).n)", [3]),
    ("const f = async <\n  T\n>(x: T) => x\nout.push(typeof f)", ["function"]),
    ("const f = () => <any>{ a: 1 }\nout.push(f().a)", [1]),
    ("class A { get: any\n foo() { return 1 } }\nout.push(new A().foo())", [1]),
    ("class A { a = 1\n public ['b'] = 2 }\nout.push(new A())", [{"a": 1, "b": 2}]),
    ("class A { a = 1\n public *g() { yield 3 } }\nout.push([...new A().g()])", [[3]]),
    ("let a = 1, b = 2, c = 4\nout.push(a + b as number * c, 0 as any || a + b as number * c)", [12, 12]),
    ("let a = { b: 1 as number | null }\nout.push(a!?.b!.toFixed(1), (<any>a).b, a.b! / 2)", ["1.0", 1, 0.5]),
]


@pytest.mark.parametrize(("source", "wanted"), LINE_ENDS)
def test_blanks_join_no_statements(source: str, wanted: list[Any]) -> None:
    """Where a type's end closed a statement, or held an expression together, the program stays the same."""
    assert run(source) == wanted


# --- Enums and namespaces -------------------------------------------------------------------------------

ENUMS = [
    (
        "enum A { B, C = 5, D, 'e-f' = -2, G }\nout.push(A)",
        [
            {
                "0": "B",
                "5": "C",
                "6": "D",
                "-1": "G",
                "-2": "e-f",
                "B": 0,
                "C": 5,
                "D": 6,
                "e-f": -2,
                "G": -1,
            }
        ],
    ),
    (
        "enum A { B = 'x', C = B + 'y', D = `z` }\nout.push(A)",
        [{"B": "x", "C": "xy", "D": "z"}],
    ),
    (
        "enum A { B = 1 << 3, C = B | 1, D = A.C + 1, E }\nout.push(A.B, A.C, A.D, A.E, A[9])",
        [8, 9, 10, 11, "C"],
    ),
    ("const enum A { B = 'b' }\nout.push(A.B)", ["b"]),
    ("enum A { B = 1 }\nenum A { C = B + 1, D }\nout.push(A.B, A.C, A.D)", [1, 2, 3]),
    ("enum A { B = 7 }\nenum C { D = A.B, E }\nout.push(C.E)", [8]),
    ("function f() { enum A { B = 2 } return A.B }\nout.push(f())", [2]),
    ("enum A { A = 1, B = A + 1 }\nout.push(A.B)", [2]),
    ("const n = () => 4\nenum A { B = n(), C = 'abc'.length }\nout.push(A.B, A[4], A[3])", [4, "B", "C"]),
    ("enum A { B }\nnamespace A { export const of = (s: string) => A[s as any] }\nout.push(A.of('B'))", [0]),
]


@pytest.mark.parametrize(("source", "wanted"), ENUMS)
def test_enums_are_objects(source: str, wanted: list[Any]) -> None:
    """Members have their values and numbers their names; strings have none."""
    assert run(source) == wanted


NAMESPACES = [
    ("namespace N { export const x = 1, y = x + 1; const z = 3; export function f() { return y + z } }", 5),
    ("namespace N { const g = 2; export namespace M { export let x = g } export const f = () => M.x }", 2),
    ("namespace N { export const x = 1 }\nnamespace N { export function f() { return x } }", 1),
    ("namespace N { export const { a, b: [c], ...d } = { a: 1, b: [2] }; export const f = () => c }", 2),
    ("namespace N { export class C { v = 6 } export enum E { A = 3 } export const f = () => E.A }", 3),
    ("namespace N { export let x = 1; export function f() { x++; [x] = [x + 4]; return { x }.x } }", 6),
    ("namespace N { export const x = 1; export function f() { const x = 2; return { x }.x } }", 2),
    ("function N() {}\nnamespace N { export const f = () => 8 }", 8),
    (
        (
            "namespace N { export function g(this: any) { return this } }\n"
            "namespace N { export const f = () => g() ?? 1 }"
        ),
        1,
    ),
    ("namespace N { export class N { v = 4 } export const f = () => new N().v }", 4),
    ("namespace N { export import p = Math.PI; export const f = () => Math.floor(p) }", 3),
]


@pytest.mark.parametrize(("source", "wanted"), NAMESPACES)
def test_namespaces_are_objects(source: str, wanted: int) -> None:
    """Exports are properties, also where the namespace's own code reads and writes them."""
    assert run(f"{source}\nout.push(N.f())") == [wanted]


def test_dotted_namespaces_are_nested() -> None:
    """``namespace A.B`` makes both objects, and merges with what is there."""
    assert run("namespace A.B { export const x = 1 }\nnamespace A { export const y = B.x }\nout.push(A)") == [
        {"B": {"x": 1}, "y": 1}
    ]


# --- Classes --------------------------------------------------------------------------------------------

CLASSES = [
    (
        "class A { constructor(public x: number, private readonly y = 2) {} }\nout.push(new A(1))",
        [{"x": 1, "y": 2}],
    ),
    (
        (
            "class B { b = 0 }\n"
            "class A extends B { z = 1; constructor(public x: number) { super(); out.push(x) } }\n"
            "out.push(Object.entries(new A(5)))"
        ),
        [5, [["b", 0], ["x", 5], ["z", 1]]],
    ),
    (
        (
            "class B {}\n"
            "class A extends B { constructor(public x = 3) { if (x > 1) { super() } else super() } }\n"
            "out.push(new A())"
        ),
        [{"x": 3}],
    ),
    (
        (
            "abstract class B { abstract n: any; abstract m(): any; protected k() { return this.m() } }\n"
            "class A extends B { override n = 2; m() { return 'm' + this.n } }\n"
            "out.push((new A() as any).k())"
        ),
        ["m2"],
    ),
    (
        (
            "class A { declare d: number; u: any; static readonly s = 4; [k: string]: any; m(a: any): void\n"
            " m(a: any) { return a } }\nout.push('d' in new A(), 'u' in new A(), A.s, new A().m(1))"
        ),
        [False, True, 4, 1],
    ),
    (
        (
            "class A<T> { #v!: T; set v(x: T) { this.#v = x } get v(): T { return this.#v } }\n"
            "const a = new A<number>(); a.v = 3; out.push(a.v)"
        ),
        [3],
    ),
]


@pytest.mark.parametrize(("source", "wanted"), CLASSES)
def test_classes_keep_their_values(source: str, wanted: list[Any]) -> None:
    """Parameter properties come first and are set after ``super``; types of members leave the members."""
    assert run(source) == wanted


# --- Imports and exports --------------------------------------------------------------------------------

IMPORTS = [
    ("import { A, B } from 'x'; B()", "import { B } from 'x'; B()"),
    ("import { A, type B } from 'x'; A(B)", "import { A, } from 'x'; A(B)"),
    ("import D, { A } from 'x'; D()", "import D from 'x'; D()"),
    ("import D, { A } from 'x'; A()", "import { A } from 'x'; A()"),
    ("import D, * as S from 'x'; let y: S.T = D", "import D from 'x'; let y = D"),
    ("import { A } from 'x'; { const A = 1; f(A) }", "{ const A = 1; f(A) }"),
    ("import { A } from 'x'; o.A = { A: 1 }", "o.A = { A: 1 }"),
    ("import { A } from 'x'; o = { A }", "import { A } from 'x'; o = { A }"),
    (
        "import { A } from 'x'; class B extends A implements C {}",
        "import { A } from 'x'; class B extends A {}",
    ),
    ("import { A } from 'x'; export { A }", "import { A } from 'x'; export { A }"),
    ("import { A } from 'x'; function f(a = A) { var A = 1 }", None),
    ("import { A } from 'x'; let y: typeof A", "let y"),
    ("import 'x'", "import 'x'"),
    ("import a = require('x'); a()", "const a = require('x'); a()"),
    ("import a = b.c; import d = a.e; d()", "const a = b.c; const d = a.e; d()"),
    ("type X = 1; const y = 2; export { X, y }", "const y = 2; export { y }"),
    ("interface X {}; export default X", ""),
    ("export { type A, b } from 'x'", "export { b } from 'x'"),
    ("export = f", "module.exports = f"),
]


@pytest.mark.parametrize(("source", "wanted"), IMPORTS)
def test_imports_go_when_only_types_use_them(source: str, wanted: str | None) -> None:
    """An import stays for any mention as a value that is no other variable; exports of types go."""
    expected = wanted if wanted is not None else source
    assert words(translate(source, "script.ts")) == words(expected)


# --- Errors ---------------------------------------------------------------------------------------------

ERRORS = [
    ("let a = 1\nlet b = (2 + ;", 2, 14, "syntax error: unexpected ';'"),
    ("if (a {\n b()\n}\n", 1, 7, "syntax error: unexpected '{'"),
    ("function f( {\n return 1\n}", 2, 9, "syntax error: unexpected '1'"),
    ("const é = '日';  let x: = 5", 1, 24, "syntax error: unexpected '='"),
    ("f(1, 2", 1, 7, "syntax error: unexpected end of file"),
    ("@dec class A {}", 1, 1, "decorators are not supported"),
    ("class A {\n  @dec() m() {}\n}", 2, 3, "decorators are not supported"),
    ("class A { accessor x = 1 }", 1, 11, "'accessor' is not supported"),
    ("{ using x = f() }", 1, 3, "'using' is not supported"),
    ("let a = b\n  as string", 2, 6, "syntax error: unexpected 'string'"),
    ("x = y as any\n[z]", 2, 1, "a type must not go on here"),
    ("let x = a<b>// c\nd", 1, 10, "type arguments or a comparison?"),
    ("const x = <div>a</div>", 1, 23, "syntax error: unexpected end of file"),
    ("export default enum A { B }", 1, 16, "syntax error: a default export must be a value"),
    ("namespace N { export { a } }", 1, 15, "syntax error: a namespace exports declarations only"),
    ("class B extends C { constructor(public x) { const f = (x) => super(x); f(x) } }", 1, 62, "super(...)"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "line", "column", "reason"), ERRORS)
def test_errors_have_their_place(source: str, line: int, column: int, reason: str) -> None:
    """What cannot be translated names file, line and column, and shows the line with a caret."""
    with pytest.raises(TypeScriptError) as caught:
        translate(source, "dir/script.ts")
    head, shown, caret = str(caught.value).splitlines()
    assert head.startswith(f"dir/script.ts:{line}:{column}: {reason}")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert shown.strip() == source.splitlines()[line - 1].strip()
    assert caret.index("^") == 4 + column - 1


def test_deep_expressions_need_no_stack() -> None:
    """Neither a long chain of operators nor deep nesting ends in a RecursionError."""
    chain = "x = " + " + ".join(["(a as any)"] * 5_000)
    assert "as" not in translate(chain, "script.ts")
    nested = "x = " + "[" * 1_500 + "a!" + "]" * 1_500
    assert "!" not in translate(nested, "script.ts")
