"""Greenlets that belong to the VU which starts them, and turns for those of others."""

from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final

from gevent import Greenlet, sleep

# Shorter than anything: due as soon as the hub looks.
_INSTANT_S: Final = 1e-6


def spawn_with_context(function: Callable[..., Any], *arguments: Any) -> "Greenlet[..., Any]":
    """As ``gevent.spawn``, but ``function`` sees the caller's context variables: the running VU is one."""
    greenlet: Greenlet[..., Any] = Greenlet(function, *arguments)
    greenlet.gr_context = copy_context()
    greenlet.start()
    return greenlet


def give_way() -> None:
    """Let the hub look at its sockets and timers, and everything run that is due, before the caller goes on.

    ``gevent.sleep(0)`` does not: the hub takes up to a hundred who wait that way before it looks at anything
    else, and one that computes all the time may be each of them.
    """
    sleep(_INSTANT_S)
