"""Tests of the pool of VUs."""

import pytest
from executor_harness import Harness, takes

from swell.engine.vu import VU


def test_ids_are_strided_over_workers() -> None:
    """The ids of all workers together are 1 to 6."""
    ids = []
    for index in range(3):
        pool = Harness(takes(1), worker_index=index, worker_count=3).environment.pool
        pool.initialize(2)
        ids.append([pool.acquire().id for _ in range(2)])
    assert ids == [[1, 4], [2, 5], [3, 6]]


def test_initialize_makes_what_is_missing() -> None:
    """Calling it again makes no more than asked for."""
    pool = Harness(takes(1)).environment.pool
    pool.initialize(2)
    pool.initialize(3)
    assert (pool.initialized, pool.idle) == (3, 3)


def test_longest_idle_vu_is_lent_first() -> None:
    """VUs take turns, and keep their state."""
    pool = Harness(takes(1)).environment.pool
    pool.initialize(2)
    first, second = pool.acquire(), pool.acquire()
    pool.release(second)
    pool.release(first)
    assert pool.acquire() is second


def test_empty_pool_makes_a_vu() -> None:
    """More VUs than were planned are made when they are needed."""
    pool = Harness(takes(1)).environment.pool
    assert pool.acquire().id == 1
    assert (pool.initialized, pool.idle) == (1, 0)


def test_fault_in_the_script_is_not_a_vu() -> None:
    """What the script's VU code raises is raised, and the VU is not counted."""

    class Broken(Harness):
        def new_vu(self, vu: VU) -> None:
            raise LookupError("missing")

    pool = Broken(takes(1)).environment.pool
    with pytest.raises(LookupError):
        pool.initialize(1)
    assert pool.initialized == 0
