"""``blocking``: work that would stop all virtual users goes onto native threads."""

from collections.abc import Callable
from contextvars import copy_context
from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

from swell.engine.vu import current_vu
from swell.scripts.native.state import ContextError, VUState, running_vu

if TYPE_CHECKING:
    from gevent.threadpool import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")
# Not gevent's own pool of ten, which resolves host names: long calls would hold those up.
THREADS = 32


def blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``function(*args, **kwargs)`` on a native thread while the other VUs go on; return what it returns.

    For what blocks outside Python's sockets: sqlite3, password hashing, file systems, C libraries. It waits
    for one of 32 threads. What the function raises is raised here. ``env``, ``context`` and ``swell.random``
    work inside it; requests, checks, groups and metrics belong outside, and say so.
    """
    running_vu("blocking()")
    context = copy_context()
    return _pool().apply(_in_thread, (context.run, _detached, function, args, kwargs))  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _pool() -> "ThreadPool":
    # Imported on first use: gevent must not come with `import swell`.
    from gevent.threadpool import ThreadPool  # noqa: PLC0415

    return ThreadPool(THREADS)


def _in_thread(run: Callable[..., T], *call: Any) -> T:
    return run(*call)


def _detached(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    """Run ``function`` with a copy of the VU that cannot record: the recorder's buffers know no locks."""
    vu = current_vu.get()
    twin = copy(vu)
    twin.client = _Refusing()
    state: VUState = copy(vu.language)
    state.sample = state.keep_sample = _refuse_sample
    twin.language = state
    current_vu.set(twin)
    return function(*args, **kwargs)


class _Refusing:
    """Stands for the VU's client inside ``blocking``."""

    def __getattr__(self, name: str) -> NoReturn:
        raise _refusal(f"http ({name})")


def _refuse_sample(*_record: object) -> NoReturn:
    raise _refusal("a check, group or metric")


def _refusal(what: str) -> ContextError:
    return ContextError(
        f"{what} was used inside blocking(), on a native thread",
        hint="return the value from the function, and use it after blocking()",
    )
