"""Several requests of one VU at once, within the limits that browsers (and k6) keep to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import gevent
from gevent.lock import BoundedSemaphore

from swell.base.greenlets import spawn_with_context

if TYPE_CHECKING:
    from swell.config.options import Options
    from swell.net.client import BatchItem, HTTPClient
    from swell.net.requestoptions import RequestOptions
    from swell.net.response import Response


def send_batch(client: "HTTPClient", requests: Sequence["BatchItem"], options: "Options") -> "list[Response]":
    """Send ``requests`` from greenlets of their own and give the responses in the same order.

    At most ``batch`` run at once, and ``batch_per_host`` to one host (0: no limit). What one of them raises
    (a script's fault, never the target's) is raised here after the others are stopped; so is an interruption.
    """
    described = [describe(item) for item in requests]
    total = BoundedSemaphore(options.batch) if options.batch > 0 else None
    hosts: dict[str, BoundedSemaphore] = {}

    def send(method: str, url: str, request_options: "RequestOptions") -> "Response":
        host = url.partition("://")[2].partition("/")[0]
        limit = hosts.get(host)
        if limit is None and options.batch_per_host > 0:
            limit = hosts[host] = BoundedSemaphore(options.batch_per_host)
        # The host's limit first: requests that wait for a crowded host must not hold the places of others.
        with limit or _FREE, total or _FREE:
            return client.request(method, url, **request_options)

    greenlets = [spawn_with_context(send, *item) for item in described]
    for greenlet in greenlets:
        # What one raises is raised again below; it must not be printed as unhandled besides.
        greenlet.link_exception(_ignore)
    try:
        gevent.joinall(greenlets, raise_error=True)
    finally:
        gevent.killall([greenlet for greenlet in greenlets if not greenlet.ready()], block=False)
    return [greenlet.get() for greenlet in greenlets]


def describe(item: "BatchItem") -> "tuple[str, str, RequestOptions]":
    """A batch item in its full form; raises ``TypeError`` for what is none."""
    if isinstance(item, str):
        return ("GET", item, {})
    if isinstance(item, tuple) and len(item) == 2:  # noqa: PLR2004
        return (item[0], item[1], {})
    if isinstance(item, tuple) and len(item) == 3:  # noqa: PLR2004
        return (item[0], item[1], item[2])
    # Without the item itself: its options may hold credentials.
    what = f"{type(item).__name__} of {len(item)}" if isinstance(item, (tuple, list)) else type(item).__name__
    raise TypeError(f"a batch item is a URL, (method, url) or (method, url, options), not a {what}")


def _ignore(_greenlet: object) -> None:
    return


class _Free:
    """No limit."""

    def __enter__(self) -> None:
        return

    def __exit__(self, *_details: object) -> None:
        return


_FREE = _Free()
