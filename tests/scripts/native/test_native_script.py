"""Tests of swell.scripts.native.script: lifecycle functions, setup data, stacks."""

import pytest

from swell.base.errors import ScriptError
from swell.engine.vu import VU, RunAborted

VALUE = '{"token": "t", "items": [1, 2.5, None, True, {"deep": "ü"}]}'


def test_setup_data_is_each_vus_own_copy(start):
    """What setup returns reaches every VU as JSON, parsed once; changes stay with the VU that makes them."""
    loaded = start(
        f"seen = []\ndef setup(): return {VALUE}\ndef default(data): seen.append(data); data['n'] = 1\n"
    )
    data = loaded.run.setup()
    loaded.iterate().iterate()
    first, second = loaded.value("seen")
    assert first is second
    assert first == {"token": "t", "items": [1, 2.5, None, True, {"deep": "ü"}], "n": 1}
    other = VU(2, loaded.runtime)
    loaded.script.new_vu(other)
    call = loaded.script.iteration(other, "default", data)
    call()
    assert loaded.value("seen")[2] is not first


def test_without_setup(start):
    """Without setup, or where it returns nothing, the data is None."""
    loaded = start("seen = []\ndef default(data): seen.append(data)\n").iterate()
    assert loaded.value("seen") == [None]
    assert start("def setup(): pass\ndef default(): pass\n").run.setup() is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{1, 2}", "its value is of type set"),
        ('{"f": print}', r"its value\.f is a function"),
        ('{"a": [float("nan")]}', r"its value\.a\[0\] is nan"),
        ('{"a": {1: 2}}', "has the key 1"),
        ('b"x"', "of type bytes"),
        ('"\\ud800"', "surrogates"),
        ("2 ** 70", "64 bits"),
        ("loop", "contains itself"),
    ],
)
def test_setup_data_that_is_no_json(start, value: str, message: str):
    """A value that is no JSON is an error that names where in it the trouble is."""
    loaded = start(f"loop = []\nloop.append(loop)\ndef setup(): return {value}\ndef default(): pass\n")
    with pytest.raises(ScriptError, match=f"setup.. must return JSON values: .*{message}"):
        loaded.run.setup()


def test_exceptions_in_hooks(start):
    """What setup and teardown raise comes with the script's own stack; an abort goes through."""
    loaded = start(
        """
        from swell import abort
        def deeper(): return 1 / 0
        def setup(): deeper()
        def teardown(data): abort("enough")
        def default(): pass
        """
    )
    with pytest.raises(ScriptError, match="ZeroDivisionError: division by zero") as caught:
        loaded.run.setup()
    assert "in deeper" in caught.value.stack
    assert "native/script.py" not in caught.value.stack
    with pytest.raises(RunAborted):
        loaded.run.teardown()


def test_hooks_can_record(start):
    """Setup and teardown run as VU 0 inside their groups; teardown gets the setup data."""
    loaded = start(
        """
        from swell import check
        seen = []
        def setup(): check(1, {"c": True}); return 5
        def teardown(data): check(1, {"c": False}); seen.append(data)
        def default(): pass
        """
    )
    loaded.run.setup()
    loaded.run.teardown()
    assert loaded.value("seen") == [5]
    assert loaded.samples("checks") == [
        ({"check": "c", "group": "::setup"}, 1.0),
        ({"check": "c", "group": "::teardown"}, 0.0),
    ]


def test_feeder_exhausted_in_setup(start):
    """A feeder that is exhausted in setup cannot just stop a VU; the error says where it was."""
    source = "from swell import feeder\nf = feeder.of([1], order='unique')\n"
    loaded = start(source + "def setup(): f.next(); f.next()\ndef default(): pass\n")
    with pytest.raises(ScriptError, match=r"setup\(\) was ended: the unique feeder"):
        loaded.run.setup()


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ('{"stdout": "x", "a.json": b"y"}', {"stdout": "x", "a.json": b"y"}),
        ("{}", {}),
        ("None", None),
        ("''", None),
        ('{"n": str(data["metrics"]["checks"]["values"]["rate"])}', {"n": "0.5"}),
    ],
)
def test_handle_summary(start, returned: str, expected: dict | None):
    """handle_summary gets the data and gives destination -> content; nothing means the default summary."""
    loaded = start(f"def handle_summary(data): return {returned}\ndef default(): pass\n")
    summary = b'{"metrics": {"checks": {"values": {"rate": 0.5}}}}'
    vu = VU(0, loaded.runtime)
    loaded.script.new_vu(vu)
    assert loaded.script.handle_summary(vu, summary) == expected


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("[1]", "of type list"),
        ("5", "of type int"),
        ('{"a": 1, "b": "", "c": None}', "neither text nor bytes for a, c"),
    ],
)
def test_handle_summary_returns_nonsense(start, returned: str, message: str):
    """What cannot be written is an error that says what to return."""
    loaded = start(f"def handle_summary(data): return {returned}\ndef default(): pass\n")
    vu = VU(0, loaded.runtime)
    loaded.script.new_vu(vu)
    with pytest.raises(ScriptError, match=message) as caught:
        loaded.script.handle_summary(vu, b"{}")
    assert caught.value.hint


def test_describe_exception(start):
    """An exception of an iteration is described with its cause, by the script's frames only."""
    loaded = start(
        """
        from swell import check
        def default():
            try:
                check({}, {"c": lambda r: r["missing"]})
            except KeyError as error:
                raise ValueError("odd answer") from error
        """
    )
    with pytest.raises(ValueError, match="odd answer") as caught:
        loaded.iterate()
    text = loaded.script.describe_exception(caught.value)
    assert text.endswith("ValueError: odd answer")
    assert "KeyError: 'missing'" in text
    assert "script.py" in text
    assert "checks.py" not in text
    assert "foreground.py" not in text


def test_not_prepared(load):
    """A VU needs a prepared script."""
    script = load("def default(): pass\n")
    with pytest.raises(RuntimeError):
        script.new_vu(None)
    with pytest.raises(RuntimeError):
        _ = script.http
