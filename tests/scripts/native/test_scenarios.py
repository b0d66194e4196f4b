"""Tests of swell.scripts.native.scenarios."""

from collections import Counter

import pytest

from swell import scenario, weighted
from swell.scripts.native.state import ContextError


def test_weighted_mix(start):
    """A mix is a function: the parts come by their weights, with the setup data where they take it."""
    loaded = start(
        """
        from swell import scenario, weighted
        seen = []
        def browse(): seen.append("browse")
        def search(data): seen.append(("search", data))
        def never(): seen.append("never")
        def setup(): return {"a": 1}
        default = weighted({browse: 3, search: 1.0, never: 0})
        declared = scenario(executor="constant-vus", name="mixed")(weighted({browse: 1}))
        """
    )
    loaded.run.setup()
    for _ in range(400):
        loaded.iterate()
    counts = Counter(entry if isinstance(entry, str) else entry[0] for entry in loaded.value("seen"))
    assert set(counts) == {"browse", "search"}
    assert 260 < counts["browse"] < 340
    assert ("search", {"a": 1}) in loaded.value("seen")
    exports = loaded.script.exports
    assert {"default", "declared"} <= set(exports.functions)
    assert exports.options["scenarios"]["mixed"]["exec"] in exports.functions


def test_weighted_repeats_under_a_seed(start):
    """Which part runs depends on the seed and the iteration alone."""
    source = """
        from swell import weighted
        seen = []
        def a(): seen.append(1)
        def b(): seen.append(2)
        default = weighted({a: 1, b: 1})
        """
    runs = []
    for _ in range(2):
        loaded = start(source, settings={"seed": 5})
        for _ in range(30):
            loaded.iterate()
        runs.append(loaded.value("seen"))
    assert runs[0] == runs[1]
    assert set(runs[0]) == {1, 2}


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ({}, ValueError),
        ({"browse": 1}, TypeError),
        ({print: "1"}, ValueError),
        ({print: True}, ValueError),
        ({print: -1}, ValueError),
        ({print: float("nan")}, ValueError),
        ({print: 0}, ValueError),
    ],
)
def test_bad_weights(parts: dict, error: type[Exception]):
    """A mix needs functions with weights from 0 up, one of them above."""
    with pytest.raises(error):
        weighted(parts)


def test_scenario_on_no_function(faults):
    """Decorating a class, or a name, is a fault at the decorator."""
    found = faults(
        "from swell import scenario\n@scenario(executor='x')\nclass Flow: pass\ndef default(): pass\n"
    )
    assert found == [
        "script.py:2: scenario() decorates <class 'swell_script.script.Flow'>, which is no function"
    ]


def test_scenario_with_exec(faults):
    """What is decorated is what runs; an exec beside it is a fault, not ignored in silence."""
    (found,) = faults("from swell import scenario\n@scenario(executor='x', exec='b')\ndef a(): pass\n")
    assert found == (
        "script.py:2: the scenario 'a' names a function with exec, but runs the decorated one"
        " (leave exec out)"
    )


def test_scenario_options_that_are_no_json(faults):
    """Options of a decorator are checked like those of `options`."""
    (found,) = faults(
        "from swell import scenario\n@scenario(executor='x', tags={'a': len})\ndef work(): pass\n"
    )
    assert found == "script.py:2: scenario work.tags.a is a function, which is not JSON"


def test_scenario_with_a_name_of_its_own(load):
    """Functions from elsewhere with one name get scenarios of their own."""
    exports = load(
        """
        from swell import scenario
        def make(tag):
            @scenario(executor="constant-vus", name=tag)
            def flow(): pass
        make("one"); make("two")
        """
    ).exports
    assert {name: item["exec"] for name, item in exports.options["scenarios"].items()} == {
        "one": "one",
        "two": "two",
    }
    assert exports.functions == ("make", "one", "two")


def test_scenario_in_a_vu(start):
    """A scenario is declared while the script loads."""
    loaded = start("from swell import scenario\ndef default(): scenario(executor='constant-vus')\n")
    with pytest.raises(ContextError):
        loaded.iterate()


def test_without_swell():
    """In a plain Python program the decorator leaves the function as it is."""

    def work() -> int:
        return 1

    assert scenario(executor="constant-vus", vus=1, duration="1s")(work) is work
