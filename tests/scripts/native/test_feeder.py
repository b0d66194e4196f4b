"""Tests of swell.scripts.native.feeder and feeder_files."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.base.errors import ScriptError
from swell.config.options import Options
from swell.engine.foreground import ForegroundRuntime
from swell.engine.vu import VU, RunAborted, VUStopped, current_vu
from swell.scripts.native import feeder
from swell.scripts.native.feeder import FeederExhausted
from swell.scripts.native.state import ContextError

USERS = "name,password\nann,1\nbob,2\ncyn,3\n"


def _script(call: str) -> str:
    return f"""
from swell import feeder
rows = {call}
drawn = []
def default(): drawn.append(rows.next())
"""


def test_csv(start):
    """Rows are dictionaries under the header's names; quotes, line breaks, blank lines and a BOM work."""
    content = '\ufeffname, note\r\nann,"a ""b"", \r\nc"\r\n\r\nbob,\r\n'
    loaded = start(_script('feeder.csv("users.csv", order="circular")'), users_csv=content.encode())
    loaded.iterate().iterate().iterate()
    ann, bob = {"name": "ann", "note": 'a "b", \r\nc'}, {"name": "bob", "note": ""}
    assert loaded.value("drawn") == [ann, bob, ann]
    assert len(loaded.value("rows")) == 2
    assert loaded.value("rows")[-1] == bob
    assert list(loaded.value("rows")) == [ann, bob]


def test_rows_are_copies(start):
    """What a VU does to its row does not reach the next VU."""
    for call, files in (
        ('feeder.csv("users.csv", order="circular")', {"users_csv": "a\n1\n"}),
        ('feeder.json("users.json", order="circular")', {"users_json": '[{"a": "1"}]'}),
        ('feeder.of([{"a": "1"}], order="circular")', {}),
    ):
        loaded = start(_script(call), **files).iterate()
        loaded.value("drawn")[0]["a"] = "changed"
        assert loaded.iterate().value("drawn")[1] == {"a": "1"}


@pytest.mark.parametrize(
    ("name", "content"), [("rows_json", '[1, {"b": [2]}, null]'), ("rows_jsonl", '1\n\n{"b": [2]}\nnull\n')]
)
def test_json(start, name: str, content: str):
    """A JSON array, or a file with one value per line; values are any JSON."""
    path = name.replace("_", ".")
    loaded = start(_script(f'feeder.json("{path}", order="unique")'), **{name: content})
    loaded.iterate().iterate().iterate()
    assert loaded.value("drawn") == [1, {"b": [2]}, None]


def test_of_any_objects(start):
    """feeder.of deals out what it is given, objects that are no JSON themselves."""
    loaded = start(_script("feeder.of((len, print), order='unique')")).iterate()
    assert loaded.value("drawn") == [len]


@pytest.mark.parametrize(
    ("setting", "error"), [("stop-vu", VUStopped), ("stop-run", RunAborted), ("error", FeederExhausted)]
)
def test_exhausted(start, setting: str, error: type[BaseException]):
    """An exhausted unique feeder ends the VU, the run, or the iteration, as chosen; the message names it."""
    loaded = start(
        _script(f'feeder.csv("users.csv", order="unique", on_exhausted="{setting}")'), users_csv=USERS
    )
    loaded.iterate().iterate().iterate()
    for _ in range(2):
        with pytest.raises(error, match=r"users\.csv has given out all of its 3 rows"):
            loaded.iterate()
    assert (loaded.runtime.aborted is not None) == (setting == "stop-run")


def test_random_repeats_under_a_seed(start):
    """A random feeder draws by swell.random."""
    runs = []
    for _ in range(2):
        loaded = start(_script("feeder.of(range(1000))"), settings={"seed": 3})
        for _ in range(5):
            loaded.iterate()
        runs.append(loaded.value("drawn"))
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 1


def _draw(rows: int, workers: int, draws: int, order: str) -> list[list[int]]:
    """What each of ``workers`` deals out in ``draws`` draws."""
    dealt = []
    for index in range(workers):
        fed = feeder.of(range(rows), order=order)
        vu = VU(1, ForegroundRuntime(Options(), {}, _NoClock(), worker_index=index, worker_count=workers))
        token = current_vu.set(vu)
        got: list[int] = []
        try:
            got.extend(next(fed) for _ in range(draws))
        except VUStopped:
            pass
        finally:
            current_vu.reset(token)
        dealt.append(got)
    return dealt


class _NoClock:
    def now_ns(self) -> int:
        return 0

    def sleep_until_ns(self, deadline_ns: int) -> None:
        raise AssertionError(deadline_ns)


@given(st.integers(1, 40), st.integers(1, 9))
def test_unique_over_workers(rows: int, workers: int):
    """All workers together deal out each row of a unique feeder exactly once, in stripes."""
    dealt = _draw(rows, workers, rows + 1, "unique")
    assert sorted(row for got in dealt for row in got) == list(range(rows))
    assert all(row % workers == index for index, got in enumerate(dealt) for row in got)


@given(st.integers(1, 40), st.integers(1, 9))
def test_circular_over_workers(rows: int, workers: int):
    """Where all workers draw as often, all rows are dealt out as often, by each round after round."""
    dealt = _draw(rows, workers, 2 * rows, "circular")
    assert set(Counter(row for got in dealt for row in got).values()) == {2 * workers}
    for index, got in enumerate(dealt):
        assert got == [(index + turn * workers) % rows for turn in range(2 * rows)]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "rows_csv",
            "a,b\n1,2\n1\n3,4,5\n",
            ["rows.csv:3: the line has 1 field where the header has 2", "rows.csv:4: the line has 3 fields"],
        ),
        ("rows_csv", "a,b,a\n1,2,3\n", ["rows.csv:1: the line names the column 'a' twice"]),
        ("rows_csv", "a,,b\n1,2,3\n", ["rows.csv:1: the line has a column without a name"]),
        ("rows_csv", "", ["script.py:3: "]),
        ("rows_csv", "a,b\n\n", ["script.py:3: "]),
        ("rows_csv", 'a,b\n1,"2\n', ["rows.csv:2: the line is malformed: unexpected end of data"]),
        ("rows_csv", b"a\n1\n\xff\n", ["rows.csv:3: the line is not utf-8-sig: byte 0xff"]),
        ("rows_csv", "a\n" + "1,2\n" * 9, ["rows.csv:2"] + ["rows.csv:"] * 4 + ["script.py:3: "]),
        ("rows_json", "[1, 2\n, }", ["rows.json:2: the line is not JSON"]),
        ("rows_json", '{"a": 1}', ["script.py:3: "]),
        ("rows_json", "[]", ["script.py:3: "]),
        ("rows_json", "[" * 100_000, ["script.py:3: "]),
        (
            "rows_jsonl",
            "1\n{\n2\n[\n",
            ["rows.jsonl:2: the line is not JSON", "rows.jsonl:4: the line is not JSON"],
        ),
        ("rows_jsonl", "\n", ["script.py:3: "]),
    ],
)
def test_malformed_files(faults, name: str, content: str | bytes, expected: list[str]):
    """Every malformed line is a fault with its number, a useless file one at the script's line."""
    kind = "csv" if name.endswith("csv") else "json"
    found = faults(_script(f'feeder.{kind}("{name.replace("_", ".")}")'), **{name: content})
    assert len(found) == len(expected), found
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start), found


def test_missing_file_and_bad_choices(faults):
    """A missing file, an unknown order and an unknown end are faults of one script, listed together."""
    found = faults(
        """
        from swell import feeder
        a = feeder.csv("nowhere.csv", order="randm", on_exhausted="stop")
        b = feeder.json("folder")
        c = feeder.csv("script.py", encoding="klingon")
        d = feeder.of([])
        def default(): pass
        """
    )
    assert len(found) == 6
    assert found[0].startswith("script.py:3: unknown order 'randm'")
    assert found[0].endswith("(did you mean 'random'?)")
    assert "unknown on_exhausted 'stop'" in found[1]
    assert found[2].endswith("nowhere.csv does not exist")
    assert "there is no encoding 'klingon'" in found[4]
    assert found[5].startswith("script.py:6: feeder.of() was given no rows")


def test_a_broken_file_of_two_feeders(faults):
    """What is wrong inside a file is listed once; that it is missing, at each line that names it."""
    found = faults(
        """
        from swell import feeder
        a, b = feeder.csv("rows.csv"), feeder.csv("rows.csv", order="circular")
        c = feeder.csv("nowhere.csv")
        d = feeder.csv("nowhere.csv")
        def default(): pass
        """,
        rows_csv="a,b\n1\n",
    )
    places = [line.partition(": ")[0] for line in found]
    assert places == ["rows.csv:2", "script.py:4", "script.py:5"], found


def test_wrong_context(start, load):
    """Feeders are made while the script loads, and drawn from in VUs; both say so."""
    loaded = start("from swell import feeder\ndef default(): feeder.of([1])\n")
    with pytest.raises(ContextError, match=r"feeder\.of"):
        loaded.iterate()
    with pytest.raises(ScriptError, match="init context"):
        load("from swell import feeder\nfeeder.of([1]).next()\n")


def test_without_swell(tmp_path):
    """In a plain Python program faults are exceptions, and rows can be looked at."""
    (tmp_path / "rows.csv").write_text("a\n1\n")
    assert feeder.csv(tmp_path / "rows.csv")[0] == {"a": "1"}
    with pytest.raises(IndexError):
        feeder.csv(tmp_path / "rows.csv")[1]
    with pytest.raises(ValueError, match="does not exist"):
        feeder.csv(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="unknown order"):
        feeder.of([1], order="sorted")
