"""What crosses between JavaScript and Python, and how host functions say that something went wrong."""

from collections.abc import Callable
from typing import Any, Final

# What may cross; bytes is an ArrayBuffer, None is null.
Primitive = None | bool | int | float | str | bytes
HostFunction = Callable[..., Any]


class _Missing:
    """Type of ``UNDEFINED``."""

    def __repr__(self) -> str:
        return "undefined"


# What a host function returns for JavaScript's undefined.
UNDEFINED: Final = _Missing()


class Text(bytes):
    """A host function's result: UTF-8 that becomes a string without a detour over ``str``."""

    __slots__ = ()


class HostError(Exception):
    """Raised by a host function: JavaScript sees an error of the class ``name`` with this message.

    ``GoError`` is what k6 throws where its own code fails; it is an ``Error`` to ``instanceof``.
    """

    def __init__(self, message: str, name: str = "GoError") -> None:
        super().__init__(message)
        self.message = message
        self.name = name


class RangeError(ValueError):
    """Raised by a host function for a number out of range: JavaScript's RangeError."""


class raw:  # noqa: N801  # used as a decorator
    """Marks a host function for the hot path: it is called without conversions and must never raise.

    Its text arguments may come truncated at a NUL; JavaScript objects come as the binding's objects.
    """

    __slots__ = ("function",)

    def __init__(self, function: HostFunction) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        """Call the function, as Python code does."""
        return self.function(*arguments)
