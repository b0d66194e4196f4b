"""k6/data, k6/experimental/fs and k6/experimental/csv against what k6 2.2 gave for the same expressions."""

import json
from functools import cache
from typing import Any

import pytest

from swell.scripts.k6.sharedrows import row_tables
from swell.testing.k6 import Trial, TrialError

FILES = {
    "d.csv": 'name,age,city\nAnn,5,"New, York"\nBob,,x\n"q""q", 7,é\n',
    "bad.csv": "a;b\n1;2\n\n3;4;5\n6\n",
    "empty.csv": "",
    "bom.csv": "\ufeffa,b\n1,2\n",
    "q1.csv": 'a,b\nx"y,2\n',
    "q2.csv": 'a,b\n"x"y,2\n',
    "q3.csv": 'a,b\n"xy,2\n',
    "q4.csv": '\n\na,b\r\n  x , y \r\n"l1\r\nl2",""\n',
    "h.txt": "hello world",
}
TOP = """
import { SharedArray } from "k6/data";
import csv from "k6/experimental/csv";
import { open, SeekMode } from "k6/experimental/fs";
const a = new SharedArray("a", () => [{ x: 1, n: { y: [1, 2] } }, "two", 3, null, true, [1, { z: 2 }], new Date(0)]);
const e = new SharedArray("e", () => []);
const parse = async (name, options) => csv.parse(await open(name), options);
const h = await open("./h.txt");
const parser = new csv.Parser(await open("d.csv"), { skipFirstLine: true });
const objects = new csv.Parser(await open("d.csv"), { asObjects: true });
const broken = new csv.Parser(await open("bad.csv"), { delimiter: ";" });
const caught = async (f) => {
  try { const value = await f(); return value === undefined ? "undefined" : value; }
  catch (error) { return `throws ${error.name}: ${error.message}`; }
};
const take = async (size) => { const b = new Uint8Array(size); const n = await h.read(b); return [n, String.fromCharCode(...b)]; };
"""
# Evaluated at the top level of the script, in the init context.
INIT = [
    ('new SharedArray("q", [1])', "throws GoError: a function is expected as the second argument of SharedArray's constructor"),
    ('new SharedArray("q2", () => ({ a: 1 }))', "throws GoError: only arrays can be made into SharedArray"),
    ('new SharedArray("", () => [1])', "throws GoError: empty name provided to SharedArray's constructor"),
    ("new SharedArray(undefined, () => [1]).length", 1),
    ('new SharedArray("q3", async () => [1])', "throws GoError: SharedArray constructor does not support async functions as second argument"),
    ('new SharedArray("q4", () => { throw new TypeError("boo"); })', "throws TypeError: boo"),
    ('new SharedArray("q5", () => null)', "throws TypeError: Cannot convert undefined or null to object"),
    ('new SharedArray("a", () => [9]).length', 7),
    ("[Object.keys(csv), SeekMode]", [["parse", "Parser"], {"Start": 0, "Current": 1, "End": 2}]),
    ('parse("d.csv")', [["name", "age", "city"], ["Ann", "5", "New, York"], ["Bob", "", "x"], ['q"q', " 7", "é"]]),
    ('parse("d.csv", { skipFirstLine: true })', [["Ann", "5", "New, York"], ["Bob", "", "x"], ['q"q', " 7", "é"]]),
    ('parse("d.csv", { asObjects: true, toLine: 1 })', [{"age": "5", "city": "New, York", "name": "Ann"}]),
    ('parse("d.csv", { asObjects: true, skipFirstLine: true })', "throws GoError: failed to create a new parser; reason: the 'header' option cannot be enabled when 'skipFirstLine' is true"),
    ('parse("d.csv", { asObjects: true, fromLine: 2 })', "throws GoError: failed to create a new parser; reason: the 'header' option cannot be enabled when 'fromLine' is set to a value greater than 0"),
    ('parse("d.csv", { fromLine: 2, toLine: 3 })', [["Bob", "", "x"], ['q"q', " 7", "é"]]),
    ('parse("d.csv", { toLine: 1 })', [["name", "age", "city"], ["Ann", "5", "New, York"]]),
    ('parse("d.csv", { skipFirstLine: true, fromLine: 2 })', [["Bob", "", "x"], ['q"q', " 7", "é"]]),
    ('parse("d.csv", { fromLine: 3, toLine: 1 })', "throws GoError: failed to interpret the provided Parser options; reason: fromLine must be less than or equal to toLine"),
    ('parse("d.csv", { fromLine: -1 })', "throws GoError: failed to create a new parser; reason: the 'fromLine' option must be greater than or equal to 0; got -1"),
    ('parse("d.csv", { fromLine: 100 })', "throws GoError: failed to create a new parser; reason: failed to skip lines until line 100; reason: EOF"),
    ('parse("d.csv", { delimiter: ";;" })', "throws GoError: failed to interpret the provided Parser options; reason: delimiter must be a single character"),
    ('parse("d.csv", { delimiter: "\\n" })', "throws GoError: failed to read record; reason: csv: invalid field or comment delimiter"),
    ('parse("d.csv", null)', "throws TypeError: Cannot convert undefined or null to object"),
    ('parse("d.csv", 5).then((rows) => rows.length)', 4),
    ('parse("bad.csv", { delimiter: ";" })', "throws GoError: failed to read record; reason: record on line 4: wrong number of fields"),
    ('parse("bad.csv")', [["a;b"], ["1;2"], ["3;4;5"], ["6"]]),
    ('parse("empty.csv")', []),
    ('parse("empty.csv", { asObjects: true })', "throws GoError: failed to create a new parser; reason: failed to read the first line; reason: EOF"),
    ('parse("bom.csv")', [["\ufeffa", "b"], ["1", "2"]]),
    ('parse("q1.csv")', 'throws GoError: failed to read record; reason: parse error on line 2, column 2: bare " in non-quoted-field'),
    ('parse("q2.csv")', 'throws GoError: failed to read record; reason: parse error on line 2, column 3: extraneous or missing " in quoted-field'),
    ('parse("q3.csv")', 'throws GoError: failed to read record; reason: parse error on line 2, column 7: extraneous or missing " in quoted-field'),
    ('parse("q4.csv")', [["a", "b"], ["  x ", " y "], ["l1\nl2", ""]]),
    ("open()", "throws TypeError: open() failed; reason: path cannot be null or undefined"),
    ('open("")', "throws TypeError: open() failed; reason: path cannot be empty"),
    ('open("nope.txt").catch((error) => error.name)', "NotFoundError"),
    ('open(".").catch((error) => error.name)', "InvalidResourceError"),
]  # fmt: skip
# Evaluated in an iteration, one after the other.
ITERATION = [
    ("[a.length, e.length, a[0], a[1], a['2'], a[3], a[5], a[6]]", [7, 0, {"x": 1, "n": {"y": [1, 2]}}, "two", 3, None, [1, {"z": 2}], "1970-01-01T00:00:00.000Z"]),
    ("[a[-1], a[7], a[0.5], a.foo].map(String)", ["undefined"] * 4),
    ("a[0] === a[0]", False),
    ("a[0] = 1", "throws TypeError: SharedArray is immutable"),
    ("a.push(1)", "throws TypeError: SharedArray is immutable"),
    ("a.pop()", "throws TypeError: SharedArray is immutable"),
    ("a.reverse()", "throws TypeError: SharedArray is immutable"),
    ("a.length = 0", "throws TypeError: SharedArray is immutable"),
    ("delete a[0]", "throws TypeError: SharedArray is immutable"),
    ("a.fill(1)", "throws TypeError: SharedArray is immutable"),
    ("(() => { a[0].x = 5; })().catch", "throws TypeError: Cannot assign to read only property 'x'"),
    ("a[0].n.y.push(3)", "throws TypeError: object is not extensible"),
    ("[Object.isFrozen(a[0]), Object.isFrozen(a[0].n.y), Object.isFrozen(a)]", [True, True, False]),
    ("[Array.isArray(a), a instanceof Array, a instanceof SharedArray, Object.prototype.toString.call(a)]", [True, True, False, "[object Array]"]),
    ("Object.keys(a)", ["0", "1", "2", "3", "4", "5", "6"]),
    ("(() => { const seen = []; for (const i in a) seen.push(i); return seen.length; })()", 7),
    ("[...a].length + a.concat([1]).length", 15),
    ("a.map((_, index) => index)", [0, 1, 2, 3, 4, 5, 6]),
    ("[a.find((x) => x === 'two'), a.indexOf('two'), a.includes(3), a.at(-3), a.reduce((n) => n + 1, 0)]", ["two", 1, True, True, 7]),
    ("a.slice(1, 3)", ["two", 3]),
    ("[0 in a, 100 in a, 'length' in a]", [True, False, True]),
    ("(() => { const [, second] = a; return second; })()", "two"),
    ("JSON.parse(JSON.stringify(a)).length", 7),
    ("Object.getOwnPropertyNames(e)", ["length"]),
    ("new SharedArray('z', () => [1])", "throws GoError: new SharedArray must be called in the init context"),
    ("parser.next()", {"done": False, "value": ["Ann", "5", "New, York"]}),
    ("parser.next()", {"done": False, "value": ["Bob", "", "x"]}),
    ("parser.next()", {"done": False, "value": ['q"q', " 7", "é"]}),
    ("parser.next()", {"done": True, "value": []}),
    ("parser.next()", {"done": True, "value": []}),
    ("objects.next()", {"done": False, "value": {"age": "5", "city": "New, York", "name": "Ann"}}),
    ("broken.next().then(() => broken.next())", {"done": False, "value": ["1", "2"]}),
    ("broken.next()", "throws GoError: failed to read record; reason: record on line 4: wrong number of fields"),
    ("new csv.Parser(h)", "throws GoError: csv Parser constructor must be called in the init context"),
    ("open('h.txt')", "throws ForbiddenError: open() failed; reason: opening a file is allowed only in the Init context"),
    ("[h.path.endsWith('/h.txt'), Object.keys(h)]", [True, ["path", "read", "seek", "stat"]]),
    ("h.stat()", {"name": "h.txt", "size": 11}),
    ("take(4)", [4, "hell"]),
    ("take(4)", [4, "o wo"]),
    ("take(4)", [3, "rld\0"]),
    ("take(4)", [None, "\0\0\0\0"]),
    ("h.seek(0, SeekMode.Start)", 0),
    ("h.seek(2, SeekMode.Current)", 2),
    ("h.seek(-3, SeekMode.End)", 7),
    ("take(4)", [4, "orld"]),
    ("h.seek(-1, SeekMode.Start)", "throws TypeError: offset cannot be negative when using SeekModeStart"),
    ("h.seek(100, SeekMode.Start)", "throws TypeError: seeking beyond end of file"),
    ("h.seek(1, SeekMode.End)", "throws TypeError: offset cannot be positive when using SeekModeEnd"),
    ("h.seek(-100, SeekMode.Current)", "throws TypeError: seeking before start of file"),
    ("h.seek(0, 9)", "throws TypeError: seek() failed; reason: the whence argument must be a SeekMode"),
    ("h.seek()", "throws TypeError: seek() failed; reason: the offset argument cannot be null or undefined"),
    ("h.seek(1)", "throws TypeError: seek() failed; reason: the whence argument cannot be null or undefined"),
    ("h.seek('x', 0)", "throws TypeError: seek() failed; reason: the offset argument must be a number"),
    ("h.read()", "throws TypeError: read() failed; reason: into argument cannot be null or undefined"),
    ("h.read([])", "throws TypeError: read() failed; reason: into argument must be a Uint8Array"),
    ("h.read(new Uint8Array(0))", None),
]  # fmt: skip


@cache
def results(phase: str) -> list[Any]:
    """What all expressions of a phase give, in order, in one context."""
    cases = INIT if phase == "init" else ITERATION
    listed = "".join(f"told.push(await caught(async () => ({expression})));\n" for expression, _ in cases)
    run = f"{listed} return told.map((x) => JSON.parse(JSON.stringify(x)));"
    if phase == "init":
        source = f"{TOP} const told = [];\n{listed}\nexport default () => told;"
    else:
        source = f"{TOP} export default async () => {{ const told = []; {run} }}"
    made: list[Any] = Trial(source, files=FILES).run()
    return made


@pytest.mark.parametrize("index", range(len(INIT)), ids=[case[0] for case in INIT])
def test_in_the_init_context(index: int) -> None:
    """Each expression gives the recorded value or error."""
    assert results("init")[index] == INIT[index][1]


@pytest.mark.parametrize("index", range(len(ITERATION)))
def test_in_an_iteration(index: int) -> None:
    """Each expression gives the recorded value or error."""
    expected = ITERATION[index][1]
    assert results("iteration")[index] == expected, ITERATION[index][0]


def held(trial: Trial) -> int:
    """Bytes that a trial's runtime holds."""
    return int(trial.vu.context._binding.memory()["malloc_size"])


def test_a_shared_array_is_made_once_per_worker_and_kept_outside_of_the_contexts() -> None:
    """The function runs in the first context only; the memory is that of the rows' text, whoever reads."""
    source = """
    import { SharedArray } from "k6/data";
    const rows = new SharedArray("rows", () => {
      globalThis.made = true;
      return Array.from({ length: 20000 }, (_, i) => ({ id: i, name: "user" + i }));
    });
    export default () => [rows.length, rows[19999].name, globalThis.made === true];
    """
    trial = Trial(source)
    assert trial.run() == [20_000, "user19999", True]
    before = held(trial)
    second = Trial(source, shared=trial.shared)
    assert second.run() == [20_000, "user19999", False]
    assert held(second) < before
    tables = row_tables(trial.shared)
    assert len(tables[0]) == 20_000
    text = b"".join(tables[0].row(index) for index in range(20_000))
    assert json.loads(b"[" + text.replace(b"}{", b"},{") + b"]")[7] == {"id": 7, "name": "user7"}


def test_a_file_that_is_none_of_ours_is_refused() -> None:
    """csv.parse takes what open() gave, and says so."""
    source = 'import csv from "k6/experimental/csv"; await csv.parse("d.csv"); export default () => 1;'
    with pytest.raises(TrialError, match=r"parse\(\) takes a file that open\(\) of k6/experimental/fs gave"):
        Trial(source)
