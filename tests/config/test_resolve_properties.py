"""Whatever is written, resolving gives a plan or a ConfigError with places: never another exception."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from swell.base.errors import ConfigError
from swell.config.environment import env_layer, variable_names
from swell.config.layers import Layer
from swell.config.resolve import Resolution, resolve
from swell.config.scenario_values import EXECUTORS
from swell.config.table import RUN_OPTIONS

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 50)
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["10s", "1m", "5s:3", "0", "inf", "auto", "tls1.2", "url", "a=b", "1.2.3.4", "default"])
)
KEYS = st.sampled_from(["duration", "target", "threshold", "ttl", "min", "cert", "key", "a"]) | st.text(
    max_size=3
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
SCENARIO_KEYS = st.sampled_from(
    sorted({spelling for _, keys in EXECUTORS.values() for key in keys for spelling in (key.name, key.key)})
)
SCENARIO = st.builds(
    lambda executor, keys: {"executor": executor, **keys},
    st.sampled_from([*EXECUTORS, "other"]),
    st.dictionaries(SCENARIO_KEYS, JSON, max_size=6),
)
OPTIONS = st.dictionaries(
    st.sampled_from([spelling for row in RUN_OPTIONS for spelling in (row.name, row.key)]), JSON, max_size=4
)


def attempt(*layers: Layer) -> Resolution | None:
    """Resolve; None for a ConfigError, whose faults must all have a place and a message."""
    try:
        return resolve(layers, ["default"])
    except ConfigError as error:
        found = error.faults
    assert found
    assert all(fault.place and fault.message for fault in found)
    return None


@settings(max_examples=150)
@given(OPTIONS, OPTIONS)
def test_no_options_break_the_resolution(lower: dict[str, Any], higher: dict[str, Any]) -> None:
    """Values of any type at any option, in a file and in a script."""
    attempt(Layer("file", "c.json", lower), Layer("script", "s.py", higher))


@settings(max_examples=150)
@given(st.dictionaries(st.text(max_size=3), SCENARIO | JSON, max_size=3))
def test_no_scenarios_break_the_resolution(scenarios: dict[str, Any]) -> None:
    """Values of any type at any key of any executor."""
    attempt(Layer("script", "s.py", {"scenarios": scenarios}))


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from([name for row in RUN_OPTIONS for name in variable_names(row)]),
        st.text(max_size=12) | st.sampled_from(["[", "{}", "[[]]", '{"a": 1}', "a=b,c", "1:2", "5s:3,1s"]),
        max_size=5,
    )
)
def test_no_variable_breaks_the_resolution(environ: dict[str, str]) -> None:
    """Any text in any variable."""
    attempt(env_layer(environ))


@settings(max_examples=100)
@given(st.lists(st.dictionaries(st.sampled_from(["vus", "rps", "batch", "throw"]), st.none()), max_size=4))
def test_layers_that_set_nothing_change_nothing(layers: list[dict[str, None]]) -> None:
    """Any number of empty layers is the same as none."""
    assert attempt(*(Layer("script", "s.py", values) for values in layers)) == attempt()
