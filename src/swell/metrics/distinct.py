"""The different numbers of an array: ``numpy.unique`` without what it imports on its first call.

That call loads numpy's masked arrays: 40 ms in which a worker's VUs stand still, in the first second of their
load, and the end of the worker where no descriptor is left to open the file with.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def distinct(values: NDArray[Number]) -> NDArray[Number]:
    """The different ``values``, ascending."""
    ordered = np.sort(values)
    return ordered[_starts(ordered)]


def counted(values: NDArray[Number]) -> tuple[NDArray[Number], NDArray[np.int64]]:
    """The different ``values``, ascending, and how often each occurs."""
    ordered = np.sort(values)
    (places,) = np.nonzero(_starts(ordered))
    return ordered[places], np.diff(places, append=len(ordered))


def first_places(values: NDArray[Number]) -> tuple[NDArray[Number], NDArray[np.int64]]:
    """The different ``values``, ascending, and where each occurs first."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = _starts(ordered)
    return ordered[starts], order[starts]


def _starts(ordered: NDArray[Number]) -> NDArray[np.bool_]:
    starts = np.empty(len(ordered), dtype=np.bool_)
    starts[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=starts[1:])
    return starts
