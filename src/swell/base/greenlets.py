"""Greenlets that belong to the VU which starts them."""

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from gevent import Greenlet


def spawn_with_context(function: Callable[..., Any], *arguments: Any) -> "Greenlet[..., Any]":
    """As ``gevent.spawn``, but ``function`` sees the caller's context variables: the running VU is one."""
    greenlet: Greenlet[..., Any] = Greenlet(function, *arguments)
    greenlet.gr_context = copy_context()
    greenlet.start()
    return greenlet
