"""Whether a script's functions can be called, and with how many arguments."""

import inspect
from collections.abc import Callable
from typing import Any


def argument_fault(function: Callable[..., Any], most: int) -> str:
    """Why ``function`` cannot be called with ``most`` positional arguments or fewer; empty where it can."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return "is an async function; write a plain one: what blocks in it lets the other VUs run"
    if inspect.isgeneratorfunction(function):
        return "is a generator function, which would run nothing; take the yield out"
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        # Some functions written in C do not tell.
        return ""
    required = 0
    for parameter in signature.parameters.values():
        if parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY:
            return f"has the required keyword argument {parameter.name!r}, which nobody passes"
        required += 1
    if required <= most:
        return ""
    allowed = "no argument" if most == 0 else "no argument or one (the setup data)"
    noun = "argument" if required == 1 else "arguments"
    return f"takes {required} {noun}; it may take {allowed}"


def accepts_data(function: Callable[..., Any]) -> bool:
    """Whether ``function`` can be called with one positional argument."""
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        return True
    return True
