"""``expect``: what an invariant's function looks at besides ledgers; each call that fails is a finding.

None of them raises: the function goes on, so that one look shows everything that offends.
"""

from collections.abc import Iterable

from swell.metrics.invariants import Finding
from swell.scripts.native.attempt import SHOWN_IDS, looking


def equal(what: str, actual: object, expected: object) -> bool:
    """Whether ``actual`` is ``expected``; numbers may differ by what floats lose in a sum (one in 10⁹)."""
    look = looking("expect.equal()")
    if isinstance(actual, int | float) and isinstance(expected, int | float):
        return look.between(what, actual, expected, expected)
    return actual == expected or look.add(Finding(f"{what}: {actual!r} instead of {expected!r}"))


def between(what: str, actual: float, low: float, high: float) -> bool:
    """Whether ``actual`` lies between ``low`` and ``high``, both allowed."""
    return looking("expect.between()").between(what, actual, low, high)


def none(what: str, offenders: Iterable[object]) -> bool:
    """Whether there are no ``offenders``: ids of what must not be, such as events over capacity.

    All are counted, the first twenty are named.
    """
    look = looking("expect.none()")
    ids: list[str] = []
    count = 0
    for offender in offenders:
        count += 1
        if count <= SHOWN_IDS:
            ids.append(str(offender))
    return not count or look.add(Finding(what, count, tuple(ids)))
