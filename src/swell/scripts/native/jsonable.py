"""Which values are JSON: options and setup data cross process boundaries as nothing else."""

import math
from collections.abc import Iterator
from typing import Any


def json_faults(value: object, path: str) -> list[tuple[str, str]]:
    """What in ``value`` is not JSON, as (path such as ``options.stages[0]``, message)."""
    return list(_faults(value, path, ()))


def _faults(value: object, path: str, around: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            yield path, "is an integer that does not fit into 64 bits"
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path, f"is {value}, which JSON has no number for"
    elif id(value) in around:
        yield path, "contains itself"
    elif isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str):
                yield from _faults(inner, f"{path}.{key}" if path else key, (*around, id(value)))
            else:
                yield path, f"has the key {key!r}; keys must be strings"
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _faults(inner, f"{path}[{index}]", (*around, id(value)))
    else:
        kind = (
            "a function"
            if callable(value) and not isinstance(value, type)
            else f"of type {type(value).__name__}"
        )
        yield path, f"is {kind}, which is not JSON"


def plain(value: Any) -> Any:
    """A deep copy of JSON values, with tuples as lists."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
