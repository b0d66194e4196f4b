"""Tests of swell.scripts.k6.typescript.repairs: syntax that the grammar does not know."""

import json
from typing import Any

import _quickjs
import pytest

from swell.scripts.k6.typescript import TypeScriptError, translate

START = (
    "'use strict'; const out = []; const tag = (parts, ...values) => parts.raw.join('|') + values.join();\n"
)


def run(source: str) -> Any:
    """What the translated script leaves in ``out``."""
    return json.loads(_quickjs.Context().eval(f"{translate(START + source, 's.ts')}\n;JSON.stringify(out)"))


GENERATORS = """class A {
  x: number
  *gen() { yield 1 }
  y: string
  static *[Symbol.iterator]() { yield 2 }
}
out.push([...new A().gen()], [...A])"""

# What esbuild makes of each leaves the same.
PROGRAMS = [
    # Type arguments before a template, and in calls that may not be.
    ("out.push(tag<string>`a${1}b`, tag<Map<string, number[]>>`c`)", ["a|b1", "c"]),
    ("const o = { tag }; out.push(o.tag<{ a: () => void }>`x\\n`.length, o['tag']<A.B>\n  `y`)", [3, "y"]),
    ("out.push(tag<string>`a${tag<Array<Array<number>>>`b`}c`)", ["a|cb"]),
    ("let a = 1, b = 2; out.push(a < b, b > a, a<b == b>a, b>`1`, a < b && b > `1`)", [True] * 5),
    ("out.push(`<T>${(x => `>`)(1)}>`, '<string>`')", ["<T>>>", "<string>`"]),
    ("let f: any = x => x, g: any; out.push(f?.<number>(1), f<A<B>>?.(2), g?.<string>(3) ?? 4)", [1, 2, 4]),
    ("const f = x => x; out.push(f<<T>(x: T) => T>(1), 1 << 2, (16 >> 1) >>> 1)", [1, 4, 4]),
    ("let f: any = 1, g = 2; out.push(f)\nlet h = f<number>\ng++\nout.push(h, g)", [1, 1, 3]),
    ("let a = 1, b = 2, c = 3; out.push(a < b && c >\n b, a < b == c >\n 'x'.length)", [True, True]),
    # Casts to a part of a type.
    ("const a = { b: 1 }; out.push(a as A['b'].c); const d = a.b as A['x']['y'].z; out.push(d)", [{"b": 1}, 1]),
    # Static signatures of an index.
    ("class A { static [k: string]: number; static readonly [k: symbol]: any; static x = 1 }; out.push(A.x)", [1]),
    ("declare class A { static [k: string]: number; x: 1 }; out.push(2)", [2]),
    # Words of TypeScript as names.
    ("class A { abstract = 1; accessor: number = 2; readonly = 3; declare!: 4; }; out.push(new A())",
     [{"abstract": 1, "accessor": 2, "readonly": 3}]),
    ("class A { abstract; accessor?: any; static; override; type }; out.push(Object.keys(new A()).join())",
     ["abstract,accessor,static,override,type"]),
    ("class A { abstract() { return 1 } accessor<T>(x: T) { return x } }; out.push(new A().accessor(2))", [2]),
    ("class A { readonly abstract: any = 1; private accessor = 2 }; out.push(new A())",
     [{"abstract": 1, "accessor": 2}]),
    ("interface A { abstract: number; accessor?: 1 } var abstract = 1; abstract = abstract + 1; out.push(abstract)",
     [2]),
    ("abstract(1); function abstract(x: number) { out.push(x) }", [1]),
    ("type A = [string: string, number?: any, ...object: any[]]; let a: A = ['x']; out.push(a)", [["x"]]),
    # A cast that ends a line before one with a bracket.
    ("class A { a = 1 as any\n ['b'] = 2\n c = 3 satisfies M<string>\n ['d']() { return 4 } } out.push(new A())",
     [{"a": 1, "b": 2, "c": 3}]),
    # Generators that begin a line of a class.
    (GENERATORS, [[1], [2]]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "wanted"), PROGRAMS)
def test_runs_as_esbuild_translates_it(source: str, wanted: list[Any]) -> None:
    """Each construct that the grammar lacks does what it does in k6, and lines and columns stay."""
    assert run(source) == wanted
    made = translate(source, "s.ts")
    assert [len(line) for line in made.split("\n")] == [len(line) for line in source.split("\n")]


MODULES = [
    ("export import x = require('a'); x()", "export const  x = require('a'); x()"),
    ("import x = require('a'); let y: x.T", "const  x = require('a'); let y     "),
    ("export { a } from 'x' with { type: 'json' }; a: 1", None),
    ("export * from 'x' with { type: 'json' }", None),
    ("import a from 'x' with { type: 'json' }; a()", None),
    ("import {} from 'x'", None),
    ("import { type as } from 'x'; a()", ";                            a()"),
    ("import { type as as x } from 'x'; a()", ";                                 a()"),
    ("import { type as, b } from 'x'; b()", "import {          b } from 'x'; b()"),
    (
        "export default function (x: A): B\nexport default async function <T>(x: T): Promise<T> {}",
        ";                                \nexport default async function    (x   )             {}",
    ),
    ("export default function (x: A) {}", "export default function (x   ) {}"),
    ("import 'x' with { type: 'json' };", None),
]


@pytest.mark.parametrize(("source", "wanted"), MODULES)
def test_modules_keep_what_javascript_has(source: str, wanted: str | None) -> None:
    """``import x = require()`` is a constant, exported or not; attributes of imports and exports stay."""
    assert translate(source, "s.ts") == (wanted if wanted is not None else source)


def test_what_is_repaired_does_not_hide_what_is_wrong() -> None:
    """Behind a construct that is written over, the first token that does not fit is still found."""
    source = "class A { abstract = 1 }\nconst x = tag<string>`a`\nlet y = (2 + ;"
    with pytest.raises(TypeScriptError) as caught:
        translate(source, "s.ts")
    assert (caught.value.line, caught.value.column) == (3, 14)
