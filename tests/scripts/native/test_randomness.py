"""Tests of swell.scripts.native.randomness."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.scripts.native.randomness import mix, random, stream_start

SCRIPT = """
from swell import random
at_load = [random.random() for _ in range(3)]
drawn = []
def default(): drawn.append((random.random(), random.randint(1, 100), random.choice("abc"), random.gauss()))
def different(): random.random(); drawn.append(random.random())
"""
numbers = st.integers(min_value=0, max_value=2**40)


def _drawn(start, seed: int, iterations: int = 3) -> tuple[object, object]:
    loaded = start(SCRIPT, settings={"seed": seed}, seed=seed)
    for _ in range(iterations):
        loaded.iterate()
    return loaded.value("at_load"), loaded.value("drawn")


def test_repeats_under_a_seed(start):
    """The same seed draws the same values, in each iteration others; another seed draws others."""
    at_load, drawn = _drawn(start, 7)
    assert (at_load, drawn) == _drawn(start, 7)
    assert len(set(drawn)) == 3
    assert len(set(at_load)) == 3
    other_at_load, other_drawn = _drawn(start, 8)
    assert at_load != other_at_load
    assert not set(drawn) & set(other_drawn)


def test_an_iteration_depends_on_itself_only(start):
    """How much earlier iterations drew changes nothing: each has a stream of its own."""
    loaded = start(SCRIPT)
    loaded.iterate("different").iterate()
    second = loaded.value("drawn")[1]
    loaded = start(SCRIPT)
    loaded.iterate().iterate()
    assert loaded.value("drawn")[1] == second


def test_known_values():
    """The streams are pinned: the same in every process, and from release to release."""
    assert mix(1) == 0x5692161D100B05E5
    assert stream_start(42, "browse", 3, 5, -1) == stream_start(42, "browse", 3, 5, -1)
    code = "from swell.scripts.native.randomness import stream_start as s; print(s(42, 'browse', 3, 5, -1))"
    for hash_seed in ("1", "2"):
        shown = subprocess.run(  # our own interpreter
            [sys.executable, "-c", code], capture_output=True, env={"PYTHONHASHSEED": hash_seed}, check=True
        )
        assert int(shown.stdout) == stream_start(42, "browse", 3, 5, -1)


@given(
    st.lists(
        st.tuples(numbers, numbers, st.one_of(st.just(-1), numbers)), unique=True, min_size=2, max_size=30
    )
)
def test_streams_differ(keys):
    """Different iterations have different streams; the slot counts where there is no iteration number."""
    streams: dict[int, tuple[int, ...]] = {}
    for slot, iteration, number in keys:
        key = (number,) if number >= 0 else (slot, iteration, -1)
        assert streams.setdefault(stream_start(1, "s", slot, iteration, number), key) == key


def test_numbered_iterations_ignore_the_slot():
    """An arrival draws the same values whichever VU and worker runs it."""
    assert stream_start(1, "s", 0, 0, 12) == stream_start(1, "s", 9, 4, 12)
    assert stream_start(1, "s", 0, 0, 12) != stream_start(1, "other", 0, 0, 12)


@pytest.mark.parametrize("bits", [0, 1, 7, 64, 65, 200])
def test_getrandbits(bits: int):
    """Getrandbits gives a number of that many bits, also beyond one step."""
    assert all(0 <= random.getrandbits(bits) < 2**bits for _ in range(50))
    assert len(random.randbytes(5)) == 5


def test_looks_uniform(start):
    """10,000 values of one stream, and the first values of 10,000 streams, fill ten equal bins evenly."""
    loaded = start(
        """
        from swell import random
        values = []
        def default(): values.extend(random.random() for _ in range(10_000))
        """
    ).iterate()
    firsts = [(stream_start(1, "s", slot, 0, -1) >> 11) * 2.0**-53 for slot in range(10_000)]
    for values in (loaded.value("values"), firsts):
        bins = [0] * 10
        for value in values:
            assert 0 <= value < 1
            bins[int(value * 10)] += 1
        # Chi-squared with 9 degrees of freedom exceeds 40 once in 130,000 seeds; the seed is fixed.
        assert sum((count - 1000) ** 2 / 1000 for count in bins) < 40


def test_state_is_not_the_scripts():
    """Seed does nothing, and there is no state to save."""
    random.seed(1)
    first = random.random()
    random.seed(1)
    assert random.random() != first
    with pytest.raises(NotImplementedError):
        random.getstate()
    with pytest.raises(NotImplementedError):
        random.setstate(None)
    with pytest.raises(ValueError, match="negative"):
        random.getrandbits(-1)
