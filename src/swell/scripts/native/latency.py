"""``ws.Latency``: how long messages take to come back, and how many do.

A message goes out with an id; the echo, reply or broadcast that carries the id comes back on the same
connection. The latency runs from handing the message to the socket to the kernel's receive stamp of the
answer, so it does not matter when the script takes it, or whether it does. What has not come back when the
connection is over is lost: it counts as not delivered.
"""

import json
import os
from collections.abc import Callable, Iterator
from itertools import count
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from swell.base.clock import NS_PER_MS
from swell.base.units import parse_duration_ns
from swell.scripts.native.metrics import Rate, Trend

if TYPE_CHECKING:
    from swell.scripts.native.socket import Socket

DEFAULT_LOST_AFTER = "5s"

FindId = Callable[[str | bytes], Any]


class Latency:
    """Declared while the script loads, as the two metrics that it keeps: a Trend of times and a Rate.

    ``id`` says where a message carries its id: a key of a JSON object, with dots for nested ones, or a
    function from the message to the id, or None. An iteration that is cut short leaves messages on their way:
    those younger than ``lost_after`` (seconds, or text with a unit) count neither as delivered nor as lost.
    """

    def __init__(
        self,
        trend: str,
        delivered: str | None = None,
        *,
        id: str | FindId = "id",  # noqa: A002  # what it is called everywhere
        lost_after: float | str = DEFAULT_LOST_AFTER,
    ) -> None:
        self.trend = Trend(trend, True)
        self.delivered = Rate(delivered or f"{trend}_delivered")
        self.lost_after_ns = (
            parse_duration_ns(lost_after) if isinstance(lost_after, str) else int(lost_after * 1_000_000_000)
        )
        self._path = id.split(".") if isinstance(id, str) else []
        self._find: FindId = self._find_in_json if isinstance(id, str) else id
        self._ids: Iterator[int] | None = None
        self._prefix = ""

    def __repr__(self) -> str:
        return f"Latency({self.trend.name!r}, {self.delivered.name!r})"

    def new_id(self) -> str:
        """An id that no other message of this run has, in no worker."""
        if self._ids is None:
            self._ids = count(1)
            self._prefix = os.urandom(5).hex()
        return f"{self._prefix}-{next(self._ids)}"

    def send(self, socket: "Socket", message: Any, id: object = None) -> object:  # noqa: A002
        """Send ``message`` and watch for its return; its id.

        A dictionary is sent as JSON with its id put in, a new one unless ``id`` is given or it has one; text
        and bytes are sent as they are, and ``id`` says what they carry.
        """
        if isinstance(message, dict):
            message, id = self._with_id(message, id)  # noqa: A001
        elif id is None:
            raise TypeError("Latency.send() needs the id= that a message of text or bytes carries")
        tracker = self._tracker(socket)
        sent_ns = monotonic_ns()
        # Noted before: the answer may be there before send() returns.
        self._expect(tracker, id, sent_ns)
        if not socket.send(message):
            self._give_up(tracker, id)
        return id

    def wait(self, socket: "Socket", timeout: float | str) -> bool:
        """Take messages until all that were sent have come back; False where time was up or the end came.

        Messages go to the socket's callbacks; ``recv`` does not see them again.
        """
        tracker = self._tracker(socket)
        timeout_ns = parse_duration_ns(timeout) if isinstance(timeout, str) else int(timeout * 1e9)
        deadline = monotonic_ns() + timeout_ns
        while tracker.outstanding:
            if socket.receive(max(0, deadline - monotonic_ns())) is None:
                break
        return not tracker.outstanding

    def outstanding(self, socket: "Socket") -> int:
        """How many messages have not come back yet, as far as messages were taken."""
        return len(self._tracker(socket).outstanding)

    def _expect(self, tracker: "Tracker", id: object, sent_ns: int) -> None:  # noqa: A002
        tracker.outstanding[id] = sent_ns

    def _give_up(self, tracker: "Tracker", id: object) -> None:  # noqa: A002
        if tracker.outstanding.pop(id, None) is not None:
            self.delivered.add(False)

    def _tracker(self, socket: "Socket") -> "Tracker":
        tracker = socket.trackers.get(self)
        if tracker is None:
            tracker = Tracker(self)
            socket.track(self, tracker)
        return tracker

    # Ids

    def find(self, message: str | bytes) -> Any:
        """The id that ``message`` carries, or None."""
        return self._find(message)

    def _find_in_json(self, message: str | bytes) -> Any:
        try:
            value = json.loads(message)
        except ValueError:
            return None
        for key in self._path:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value if isinstance(value, str | int) else None

    def _with_id(self, message: dict[str, Any], given: object) -> tuple[str, object]:
        """``message`` as JSON with its id, and that id; the dictionary itself stays as it is."""
        if not self._path:
            raise TypeError("Latency.send() takes a dictionary where id= of Latency is a key")
        whole = inner = dict(message)
        for key in self._path[:-1]:
            inner[key] = dict(inner.get(key) or {})
            inner = inner[key]
        last = self._path[-1]
        found = given if given is not None else inner.get(last)
        inner[last] = found = found if found is not None else self.new_id()
        return json.dumps(whole), found


class Tracker:
    """The messages of one ``Latency`` on one socket that have not come back."""

    __slots__ = ("latency", "outstanding")

    def __init__(self, latency: Latency) -> None:
        self.latency = latency
        # Id -> when it was sent.
        self.outstanding: dict[Any, int] = {}

    def see(self, message: str | bytes, at_ns: int) -> None:
        """A message came in at ``at_ns``: it may be one of ours."""
        if not self.outstanding:
            return
        sent_ns = self.outstanding.pop(self.latency.find(message), None)
        if sent_ns is not None:
            self.latency.trend.add(max(0, at_ns - sent_ns) / NS_PER_MS)
            self.latency.delivered.add(True)

    def settle(self, *, was_cut_short: bool) -> None:
        """Nothing more will come: what is outstanding is lost, unless we left before it could come."""
        limit = monotonic_ns() - self.latency.lost_after_ns
        for sent_ns in self.outstanding.values():
            if not was_cut_short or sent_ns < limit:
                self.latency.delivered.add(False)
        self.outstanding.clear()
