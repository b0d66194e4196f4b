"""TypeScript as people write it for k6, and programs made at random: the JavaScript in them is what runs."""

import json
import re
from typing import Any

import _quickjs
from hypothesis import given
from hypothesis import strategies as st

from swell.scripts.k6.typescript import TypeScriptError, translate

PAGE_OBJECTS = """\
import http, { RefinedResponse } from 'k6/http';
import { check, sleep } from 'k6';
import { Options } from 'k6/options';
import type { Counter } from 'k6/metrics';

interface Credentials { readonly user: string; password?: string }
type Reply<T> = { status: number; body: T } & Partial<Credentials>;

export const enum Path { Login = '/login', Items = '/items' }
enum Weight { Light = 1, Heavy = Light << 3 }

export const options: Options = { vus: 1, thresholds: { checks: ['rate>0.9'] } };

abstract class Page {
  private static count = 0;
  protected visits: Map<string, number> = new Map<string, number>();
  constructor(protected readonly base: string, public weight: Weight = Weight.Heavy) { Page.count += 1; }
  abstract get path(): Path;
  protected url<K extends string>(...parts: K[]): `${string}` {
    return [this.base, this.path, ...parts].join('') as `${string}`;
  }
  static get made(): number { return Page.count; }
}

class LoginPage extends Page {
  override get path(): Path { return Path.Login; }
  open(credentials?: Credentials): Reply<{ token: string }> {
    const response = http.get(this.url('?u=', credentials?.user ?? 'none')) as RefinedResponse<any>;
    check(response, { 'is 200': (r): r is any => r!.status === 200 });
    return { status: response.status, body: JSON.parse(response.body as string)! } satisfies Reply<any>;
  }
}

const pick = <T,>(items: readonly T[], at: number = 0): T => items[at]!;
function isReply(value: unknown): value is Reply<unknown> { return typeof value === 'object'; }

namespace Data {
  export interface Row { id: number }
  export const rows: Row[] = [{ id: 1 }, { id: 2 }];
  export function last(): Row { return rows[rows.length - 1]; }
}

export default function (): void {
  const page = new LoginPage('http://host');
  const reply = page.open({ user: pick<string>(['ann', 'bob'], 1) });
  sleep(0 as number);
  out.push(reply, isReply(reply), page.weight, Weight[8], Page.made, Data.last().id);
}
"""

AROUND = """\
'use strict';
const out = [];
const http = { get: (url) => ({ status: 200, body: JSON.stringify({ token: url }) }) };
const check = (value, sets) => Object.values(sets).forEach((test) => out.push(test(value)));
const sleep = () => {};
"""


def run(source: str) -> Any:
    """What a script, as a plain program, leaves in ``out``."""
    return json.loads(_quickjs.Context().eval(f"{source}\n;JSON.stringify(out)"))


def test_a_script_with_page_objects_runs() -> None:
    """Interfaces, enums, abstract classes, generics and namespaces together do what their author meant."""
    made = translate(PAGE_OBJECTS, "pages.ts")
    lines = made.split("\n")
    assert [line.replace(";", "").split() for line in lines[:4]] == [
        ["import", "http", "from", "'k6/http'"],
        ["import", "{", "check,", "sleep", "}", "from", "'k6'"],
        [],
        [],
    ]
    program = "\n".join(line for line in lines if not line.startswith("import "))
    program = program.replace("export default function ()", "function main()").replace("export ", "")
    assert run(f"{AROUND}{program}main();") == [
        True,
        {"status": 200, "body": {"token": "http://host/login?u=bob"}},
        True,
        8,
        "Heavy",
        1,
        2,
    ]


def test_lines_and_columns_are_those_of_the_file() -> None:
    """Words of the script that are left stand where their author wrote them."""
    made = translate(PAGE_OBJECTS, "pages.ts").split("\n")
    source = PAGE_OBJECTS.split("\n")
    assert len(made) == len(source)
    for mark in ("http.get(", "check(", "JSON.parse", "items[at]", "pick(", "out.push", "sleep(0"):
        line = next(at for at, text in enumerate(made) if mark in text.replace("pick  ", "pick("))
        word = mark.rstrip("(")
        assert made[line].index(word) == source[line].index(word)


# --- Programs at random ---------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
TYPES = st.recursive(
    st.sampled_from(["any", "string", "A.B", "A.B.C", "'x'", "1", "typeof a.b", "A['x']", "keyof A"]),
    lambda inner: st.one_of(
        st.builds("{}[]".format, st.sampled_from(["any", "A.B.C"])),
        st.builds("({} | {})".format, inner, inner),
        st.builds("Map<{}, {}>".format, inner, inner),
        st.builds("{{ a: {}; b?: {} }}".format, inner, inner),
        st.builds("(a: {}, b?: {}) => {}".format, inner, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
    ),
    max_leaves=6,
)
# Pairs of JavaScript and the same with types.
Pair = tuple[str, str]


def both(template: str, *parts: st.SearchStrategy[Any], types: int = 1) -> st.SearchStrategy[Pair]:
    """A template with ``{}`` for parts and ``⟦...⟧`` around what only TypeScript has."""

    def make(types_: list[str], parts_: tuple[Pair, ...]) -> Pair:
        plain = re.sub("⟦.*?⟧", "", template, flags=re.DOTALL)
        typed = template.replace("⟦", "").replace("⟧", "")
        for type_ in types_:
            typed = typed.replace("TYPE", type_, 1)
        for number, (plain_part, typed_part) in enumerate(parts_):
            plain = plain.replace(f"${number}", plain_part)
            typed = typed.replace(f"${number}", typed_part)
        return plain, typed

    return st.builds(make, st.lists(TYPES, min_size=types, max_size=types), st.tuples(*parts))


VALUES: st.SearchStrategy[Pair] = st.recursive(
    st.one_of(
        st.builds(lambda n: (str(n), str(n)), st.integers(0, 9)),
        st.builds(lambda n: (n, n), NAMES),
    ),
    lambda inner: st.one_of(
        both("($0⟦ as TYPE⟧)", inner),
        both("($0 + $1⟦ as TYPE⟧)", inner, inner),
        both("($0⟦ satisfies TYPE⟧ ? $1 : $2⟦ as TYPE⟧)", inner, inner, inner, types=2),
        both("$0⟦!⟧", st.builds(lambda n: (n, n), NAMES)),
        both("[$0⟦!⟧, $1⟦ as TYPE⟧].length", inner, inner),
        both("(⟦<TYPE>⟧$0)", inner),
        both("((x⟦: TYPE⟧)⟦: TYPE⟧ => x + $0)($1)", inner, inner, types=2),
        both("id⟦<TYPE>⟧($0)", inner),
        both("`${$0⟦ as TYPE⟧}`", inner),
        both("({ k: $0⟦ as TYPE⟧ }).k", inner),
        both("(function ⟦<T>⟧(⟦this: TYPE, ⟧y⟦?: TYPE⟧) { return $0; })($1)", inner, inner, types=2),
        both("new (class ⟦<T>⟧{ ⟦private ⟧v⟦: TYPE⟧ = $0 })().v", inner),
        both("tag⟦<TYPE>⟧`x${$0}`", inner),
        both("id?.⟦<TYPE>⟧($0)", inner),
        both("new (class { ⟦static [k: string]: TYPE; ⟧abstract⟦: TYPE⟧ = $0 })().abstract", inner, types=2),
    ),
    max_leaves=8,
)
STATEMENTS = st.one_of(
    both("a = $0⟦ as TYPE⟧\n", VALUES),
    both("{ let z⟦: TYPE⟧ = $0\nout.push(z⟦!⟧) }\n", VALUES),
    both("⟦type X = TYPE\n⟧out.push($0)\n", VALUES),
    both("for (const q of [$0] ⟦as TYPE⟧) { out.push(q⟦!⟧) }\n", VALUES),
    both("⟦interface I { a: TYPE; b(): void }\n⟧b = $0\n", VALUES),
    both("try { c = $0 } catch (e⟦: unknown⟧) { throw e⟦ as TYPE⟧ }\n", VALUES),
    both("if ($0⟦ as TYPE⟧) { b = $1 }\n", VALUES, VALUES),
)
START = "'use strict'; const out = []; let a = 1, b = 2, c = 3; const id = (x) => x, tag = (p, x) => x;\n"


@given(st.lists(STATEMENTS, min_size=1, max_size=6))
def test_types_make_no_difference(statements: list[Pair]) -> None:
    """A program with types leaves what it leaves without; without, not a character is changed."""
    plain = START + "".join(statement[0] for statement in statements) + "out.push(a, b, c)"
    typed = START + "".join(statement[1] for statement in statements) + "out.push(a, b, c)"
    assert translate(plain, "plain.ts") == plain
    made = translate(typed, "typed.ts")
    assert made.count("\n") == typed.count("\n")
    assert "".join(made.replace(";", "").split()).replace("(", "").replace(")", "") == "".join(
        plain.replace(";", "").split()
    ).replace("(", "").replace(")", "")
    assert run(made) == run(plain)


def translated_or_refused(source: str) -> None:
    """Assert that a text gives a program with the same lines, or an error with a place inside it."""
    refused = None
    try:
        made = translate(source, "x.ts")
    except TypeScriptError as error:
        refused = error
    if refused is None:
        assert made.count("\n") == source.count("\n")
    else:
        assert 1 <= refused.line <= source.count("\n") + 1
        assert refused.column >= 1


@given(st.text(alphabet="aé😀<>(){}[]=:;,.!?'`$\n as", max_size=30))
def test_any_text_is_translated_or_refused(source: str) -> None:
    """Whatever comes, there is no other exception."""
    translated_or_refused(source)


WORDS = [
    "as",
    "enum",
    "class",
    "type",
    "let",
    "namespace",
    "export",
    "=>",
    "function",
    "'s'",
    "declare",
    "abstract",
    "accessor",
    "satisfies",
    "require",
    "static",
    "import",
    "from",
    "x",
    "y",
]


@given(st.lists(st.sampled_from([*" \n(){}<>=:;,.!?[]`", *(f"{word} " for word in WORDS)]), max_size=25))
def test_words_in_any_order_are_translated_or_refused(pieces: list[str]) -> None:
    """The same for what looks more like a program."""
    translated_or_refused("".join(pieces))
