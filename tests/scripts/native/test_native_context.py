"""Tests of swell.scripts.native.context."""

import pytest

from swell import context
from swell.config.scenarios import ConstantVUs
from swell.scripts.native.state import ContextError

SCRIPT = """
from swell import Counter, check, context, group
hits = Counter("hits")
seen = []
def setup():
    seen.append((context.vu.id, context.instance.vus_initialized))
def default():
    vu, scenario, instance = context.vu, context.scenario, context.instance
    seen.append((vu.id, vu.slot, vu.iteration, vu.iteration_in_scenario))
    seen.append((scenario.name, scenario.executor, scenario.progress, scenario.iteration, scenario.elapsed))
    seen.append((instance.iterations_completed, instance.iterations_interrupted, instance.vus_active))
    seen.append((instance.worker, instance.workers, instance.elapsed))
def tag():
    hits.add(1)
    context.vu.tags["tier"] = "gold"
    context.vu.tags["level"] = 3
    with group("g"):
        context.vu.tags["inner"] = True
        hits.add(1)
    hits.add(1)
    assert context.vu.tags["tier"] == "gold" and "tier" in context.vu.tags
def tagged():
    hits.add(1)
    del context.vu.tags["level"]
    hits.add(1)
    assert sorted(context.vu.tags) == ["group", "inner", "scenario", "tier"]
    assert len(context.vu.tags) == 4
def missing(): del context.vu.tags["nothing"]
def wrong(): context.vu.tags["x"] = None
"""


def test_numbers(start):
    """The context tells VU, slot, iteration, scenario and this worker's counts."""
    loaded = start(SCRIPT)
    loaded.run.setup()
    loaded.iterate()
    loaded.run.iterate(ConstantVUs(name="other", duration_ns=1))
    assert loaded.value("seen") == [
        (0, 1),
        (1, 0, 0, 0),
        ("main", "shared-iterations", 0.0, -1, 0.0),
        (0, 0, 1),
        (0, 1, 0.0),
        (1, 0, 1, 0),
        ("other", "constant-vus", 0.0, -1, 0.0),
        (1, 0, 1),
        (0, 1, 0.0),
    ]


def test_tags_last_until_the_next_activation(start):
    """Tags that a script sets stay, through groups and iterations, until the scenario changes."""
    loaded = start(SCRIPT).iterate("tag").iterate("tagged")
    gold = {"tier": "gold", "level": "3", "inner": "true"}
    assert loaded.samples("hits") == [
        ({}, 1.0),
        ({**gold, "group": "::g"}, 1.0),
        (gold, 1.0),
        (gold, 1.0),
        ({"tier": "gold", "inner": "true"}, 1.0),
    ]
    assert loaded.iterate("tag", scenario="other").samples("hits")[5] == ({}, 1.0)
    with pytest.raises(KeyError):
        loaded.iterate("missing")
    with pytest.raises(TypeError, match="tag 'x'"):
        loaded.iterate("wrong")


def test_a_vu_keeps_its_state(start):
    """From one iteration and scenario to the next; setup's is another VU's."""
    loaded = start(
        """
        from swell import context
        states = []
        def setup():
            context.vu.state["token"] = "of setup"
        def default():
            context.vu.state.setdefault("seen", []).append(context.scenario.name)
            states.append(context.vu.state)
        """
    )
    loaded.run.setup()
    loaded.iterate()
    loaded.iterate()
    loaded.iterate(scenario="other")
    assert loaded.value("states") == [{"seen": ["main", "main", "other"]}] * 3


def test_no_scenario_in_setup(start):
    """The scenario's context in setup raises, and says why."""
    loaded = start(
        "from swell import context\ndef setup():\n    context.scenario.name\ndef default(): pass\n"
    )
    with pytest.raises(Exception, match=r"context\.scenario\.name was read in setup"):
        loaded.run.setup()


def test_options(start):
    """The options in force are there as plain values."""
    loaded = start(
        "from swell import context\ndef default():\n    assert context.test.options['max_redirects'] == 10\n"
    )
    loaded.iterate()


def test_outside_a_vu():
    """Without a VU the context says what is missing."""
    with pytest.raises(ContextError, match=r"context\.vu\.id"):
        _ = context.vu.id
