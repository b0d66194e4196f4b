"""Tests of swell.scripts.native.loader."""

import sys
from pathlib import Path

import pytest

from swell.base.errors import ConfigError, ExitCode, ScriptError, SwellError
from swell.scripts.native.loader import load_script

SMALLEST = "def default(): pass\n"


def test_smallest_script(load):
    """A module with default() exports that function, no options and no hooks."""
    exports = load(SMALLEST).exports
    assert exports.functions == ("default",)
    assert exports.options == {}
    assert (exports.has_setup, exports.has_teardown, exports.has_handle_summary) == (False, False, False)
    assert exports.faults == ()


def test_everything_exported(load):
    """Options, decorated scenarios, hooks and metrics are collected, each option with its line."""
    exports = load(
        """
        from swell import Counter, Trend, scenario

        options = {
            "thresholds": {
                "http_req_duration": ["p(95)<300"],
            },
            "scenarios": {"plain": {"executor": "constant-vus", "duration": "1s", "exec": "browse"}},
        }
        orders = Counter("orders")
        wait = Trend("wait", is_time=True)

        def setup(): return {}
        def teardown(data): pass
        def handle_summary(data): return {}
        def browse(): pass

        @scenario(executor="ramping-vus", stages=[("2m", 100), ("5m", 0)], graceful_stop="30s")
        def search(data): pass
        """
    ).exports
    assert exports.options == {
        "thresholds": {"http_req_duration": ["p(95)<300"]},
        "scenarios": {
            "plain": {"executor": "constant-vus", "duration": "1s", "exec": "browse"},
            "search": {
                "executor": "ramping-vus",
                "stages": [["2m", 100], ["5m", 0]],
                "graceful_stop": "30s",
                "exec": "search",
            },
        },
    }
    assert exports.functions == ("browse", "search")
    assert (exports.has_setup, exports.has_teardown, exports.has_handle_summary) == (True, True, True)
    assert exports.metrics == (("orders", "counter", "default"), ("wait", "trend", "time"))
    assert exports.places["thresholds.http_req_duration"] == "script.py:6"
    assert exports.places["scenarios.plain"] == "script.py:8"
    assert exports.places["scenarios.search"] == "script.py:18"
    assert exports.faults == ()


def test_decorated_function_stays_callable(load):
    """A decorator gives the function back, and several make several scenarios of it."""
    script = load(
        """
        from swell import scenario

        @scenario(name="first", executor="per-vu-iterations")
        @scenario(name="second", executor="shared-iterations")
        def work(): return 42

        answer = work()
        """
    )
    assert vars(sys.modules["swell_script.script"])["answer"] == 42
    scenarios = script.exports.options["scenarios"]
    assert {name: settings["exec"] for name, settings in scenarios.items()} == {
        "first": "work",
        "second": "work",
    }


def test_imports_of_siblings(load):
    """A script imports the modules beside it, absolutely and relatively, also those that declare metrics."""
    script = load(
        """
        from pathlib import Path
        from helper_of_loader_test import browse, seen
        from .helper_of_loader_test import browse as same
        from . import helper_of_loader_test as module

        folder = Path(__file__).parent.name
        default = browse
        """,
        helper_of_loader_test_py="""
        from swell import Counter

        seen = Counter("seen")

        def browse(): pass
        """,
    )
    assert "browse" in script.exports.functions
    assert script.exports.metrics == (("seen", "counter", "default"),)
    assert script.exports.faults == ()


def test_syntax_error(write):
    """A syntax error names the line and shows it with a caret, without a frame of ours."""
    path = write("import os\ndef default(:\n    pass\n")
    with pytest.raises(ScriptError) as caught:
        load_script(path, {})
    assert caught.value.message == "script.py:2: invalid syntax"
    assert caught.value.exit_code is ExitCode.SCRIPT_EXCEPTION
    assert "def default(:" in caught.value.stack
    assert "^" in caught.value.stack
    assert "loader.py" not in caught.value.stack


@pytest.mark.parametrize("source", [b"\x00", b"x = '\xff'", b"# coding: nonsense\n"])
def test_no_python_source(write, source: bytes):
    """Bytes that are no Python source are an error of the script, not of ours."""
    path = write("")
    path.write_bytes(source)
    with pytest.raises(ScriptError):
        load_script(path, {})


def test_imports_within_a_package(tmp_path):
    """A script in a package imports from all of it, also from the folders beside its own."""
    folder = tmp_path / "loader_test_package" / "one"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").touch()
    (folder.parent / "common.py").write_text("shared = 42\n")
    (folder / "script.py").write_text(
        "from loader_test_package.common import shared\noptions = {'vus': shared}\ndef default(): pass\n"
    )
    assert load_script(folder / "script.py", {}).exports.options == {"vus": 42}
    assert sys.path[-1] == str(tmp_path)
    sys.path.remove(str(tmp_path))


def test_exception_at_import(load):
    """What a script raises while it is imported comes with the script's own frames only."""
    with pytest.raises(ScriptError) as caught:
        load('def read():\n    return {}["key"]\n\nread()\n')
    assert caught.value.message == "KeyError: 'key'"
    assert "line 4, in <module>" in caught.value.stack
    assert "line 2, in read" in caught.value.stack
    assert "loader.py" not in caught.value.stack
    assert "importlib" not in caught.value.stack


def test_missing_module(load):
    """An import that fails is told as Python tells it."""
    with pytest.raises(ScriptError, match="No module named 'nowhere_to_be_found'"):
        load("import nowhere_to_be_found\n")


def test_exit_at_import(load):
    """sys.exit in a script does not end the worker in silence."""
    with pytest.raises(ScriptError, match=r"sys\.exit\(3\)"):
        load("import sys\nsys.exit(3)\n")


def test_abort_at_import(load):
    """abort() while the script loads has the exit code of an abort and names its line."""
    with pytest.raises(SwellError) as caught:
        load('from swell import abort\nabort("wrong stage")\n')
    assert caught.value.exit_code is ExitCode.SCRIPT_ABORTED
    assert caught.value.message == "test aborted: wrong stage (script.py:2)"


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.py", "there is no script"), (".", "is a folder"), ("script.txt", "does not end in .py")],
)
def test_no_script(tmp_path: Path, name: str, message: str):
    """A path that leads to no script is told with a remedy, with k6's exit code."""
    (tmp_path / "script.txt").write_text(SMALLEST)
    with pytest.raises(SwellError, match=message) as caught:
        load_script(tmp_path / name, {})
    assert caught.value.exit_code is ExitCode.OTHER
    assert caught.value.hint


def test_all_faults_at_once(faults):
    """All that is wrong with a script that loads is listed, each with its place."""
    found = faults(
        """
        from swell import Counter, Rate, feeder, scenario

        options = {
            "vus": {1, 2},
            "tags": {"build": len},
            "stages": [{"target": float("nan")}],
            3: 4,
        }
        broken = Counter("9lives")
        once = Counter("once")
        again = Rate("once")
        taken = Rate("http_reqs")
        rows = feeder.csv("missing.csv")
        setup = 5

        @scenario(executor="constant-vus")
        def work(a, b): pass

        @scenario(executor="constant-vus", name="work")
        def other(): pass

        @scenario(executor="constant-vus")
        async def later(): pass

        def default():
            yield
        """
    )
    expected = [
        "script.py:10: '9lives' is no metric name",
        "script.py:12: the metric 'once' is declared at script.py:11 as a counter",
        "script.py:13: the metric 'http_reqs' is built in as a counter",
        "script.py:14: ",
        "script.py:5: options.vus is of type set, which is not JSON",
        "script.py:6: options.tags.build is a function, which is not JSON",
        "script.py:7: options.stages[0].target is nan",
        "script.py:4: options has the key 3",
        "script.py:20: the scenario 'work' is declared twice, first at script.py:17",
        "script.py: setup is of type int; it must be a function",
        "script.py:26: default() is a generator function",
        "script.py:18: work() takes 2 arguments",
        "script.py:24: later() is an async function",
    ]
    assert len(found) == len(expected)
    for start in expected:
        assert any(line.startswith(start) for line in found), (start, found)


def test_the_faults_of_a_second_scenario_of_one_name(faults):
    """Its name is one fault and does not hide what else is wrong with it."""
    found = faults(
        """
        from swell import scenario

        @scenario(executor="constant-vus", vus=1, duration="1s")
        def work(): pass

        @scenario(executor="constant-vus", name="work", vus={1}, duration="1s")
        def other(): pass
        """
    )
    assert [line.partition(": ")[0] for line in found] == ["script.py:7", "script.py:7"]
    assert "declared twice, first at script.py:4" in found[0]
    assert "vus is of type set" in found[1]


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        ("def default(): pass", None),
        ("def default(data): pass", None),
        ("def default(data=None, more=1): pass", None),
        ("def default(*args, **kwargs): pass", None),
        ("default = lambda: None", None),
        ("def default(a, b): pass", "takes 2 arguments"),
        ("def default(*, key): pass", "required keyword argument 'key'"),
        ("def setup(data): pass\ndef default(): pass", "setup() takes 1 argument; it may take no argument"),
        ("def teardown(a, b): pass\ndef default(): pass", "teardown() takes 2"),
        ("def handle_summary(a, b): pass\ndef default(): pass", "handle_summary() takes 2"),
    ],
)
def test_arity(faults, function: str, problem: str | None):
    """An iteration takes no argument or one, setup none, teardown and handle_summary none or one."""
    found = faults(function)
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1
        assert problem in found[0]


@pytest.mark.parametrize("value", ["[]", "None", "'vus'", "7"])
def test_options_of_the_wrong_type(faults, value: str):
    """Options that are no dictionary are one fault at their line."""
    (found,) = faults(f"def default(): pass\noptions = {value}\n")
    assert found.startswith("script.py:2: options is of type")


def test_places_of_computed_options(load):
    """Keys of dict() calls and of later item assignments have places too; the last assignment counts."""
    places = load(
        """
        options = {"vus": 1}
        options = dict(
            vus=2,
            tags={"a": "b"},
        )
        options["duration"] = "1s"
        options["thresholds"] = {
            "checks": ["rate>0.9"],
        }
        def default(): pass
        """
    ).exports.places
    assert places == {
        "vus": "script.py:4",
        "tags": "script.py:5",
        "tags.a": "script.py:5",
        "duration": "script.py:7",
        "thresholds": "script.py:8",
        "thresholds.checks": "script.py:9",
        "thresholds.checks.0": "script.py:9",
    }


def test_faults_stop_the_run(load, start):
    """A script with faults cannot be prepared, whoever forgot to look at them."""
    with pytest.raises(ConfigError) as caught:
        start("options = 5\ndef default(): pass\n")
    assert caught.value.exit_code is ExitCode.INVALID_CONFIG


@pytest.mark.parametrize(
    ("source", "fault", "hint"),
    [
        ("thresholds = {}", "thresholds is an option, but stands where no option is read", "inside options"),
        ("vus: int = 3", "vus is an option, but stands where no option is read", "inside options"),
        ("insecureSkipTLSVerify = True", "insecureSkipTLSVerify is an option", "inside options"),
        ("optoins = {'vus': 3}", "nothing reads optoins", "did you mean 'options'?"),
        ("def handleSummary(data): ...", "nothing calls handleSummary()", "did you mean 'handle_summary'?"),
        ("def set_up(): ...", "nothing calls set_up()", "did you mean 'setup'?"),
    ],
)
def test_what_would_be_passed_over_in_silence_is_a_fault(load, source: str, fault: str, hint: str):
    """Options beside ``options``, and lifecycle functions under another name, with their line."""
    (found,) = load(f"def default(): ...\n{source}\n").exports.faults
    assert found.place == "script.py:2"
    assert found.message.startswith(fault)
    assert hint in found.hint


@pytest.mark.parametrize(
    "source",
    [
        "duration = 3\ndef default(): print(duration)",
        "thresholds = {}\noptions = {'thresholds': thresholds}\ndef default(): ...",
        "def set_up(): ...\noptions = {'scenarios': {'a': {'exec': 'set_up'}}}",
        "def set_up(): ...\ndef default(): set_up()",
    ],
)
def test_names_that_the_script_uses_are_its_own_affair(load, source: str):
    """A variable that functions read, or a function that a scenario names, is no mistake."""
    assert load(source).exports.faults == ()


def test_a_module_that_is_nearly_there_is_suggested(load, tmp_path):
    """A sibling's misspelt name is no package to install."""
    (tmp_path / "helpers.py").write_text("")
    with pytest.raises(ScriptError) as caught:
        load("import helper\ndef default(): ...")
    assert caught.value.hint == "did you mean 'helpers', which stands beside the script?"
