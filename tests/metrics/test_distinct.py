"""The different numbers of an array, as numpy's own function gives them, and what it costs a worker."""

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from swell.metrics.distinct import counted, distinct, first_places

NUMBERS = st.lists(st.integers(-5, 5) | st.integers(-(2**62), 2**62))


@given(NUMBERS)
def test_it_is_numpys_unique(numbers: list[int]) -> None:
    """Values, counts and first places are those that ``numpy.unique`` gives, of no values too."""
    values = np.array(numbers, dtype=np.int64)
    expected, places, counts = np.unique(values, return_index=True, return_counts=True)
    assert distinct(values).tolist() == expected.tolist()
    assert [part.tolist() for part in counted(values)] == [expected.tolist(), counts.tolist()]
    assert [part.tolist() for part in first_places(values)] == [expected.tolist(), places.tolist()]


def test_a_worker_imports_nothing_when_it_aggregates() -> None:
    """All is there before the load begins: an import holds up the VUs, and needs a descriptor."""
    code = """
import sys
from swell.metrics.delta import SeriesRules
from swell.metrics.samples import HTTP, HTTP_FIELDS, SAMPLE
from swell.metrics.tags import TagRegistry
from swell.metrics.worker_aggregate import WorkerAggregator
registry = TagRegistry()
aggregator = WorkerAggregator(registry, SeriesRules())
tags = registry.intern({"method": "GET", "name": "/", "status": "200"})
series = registry.series("iteration_duration", tags)
before = set(sys.modules)
rest = [1] * (len(HTTP_FIELDS) - 2)
http = b"".join(HTTP.pack(tags.number, second * 10**9, *rest) for second in range(3))
samples = b"".join(SAMPLE.pack(series, second * 10**9, 1.0) for second in range(3))
aggregator.consume(http, samples)
aggregator.take_delta(0, 3 * 10**9, [])
print(sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
