"""``ws.Room``: whether every participant of a room got every message, how fast, and who missed which.

A message that one participant sends is expected by all who have joined the same room; each arrival is one
value of the delivery Rate and of the Trend, each miss one value of the Rate and an entry of ``missing``.
Participants are the VUs of one worker: those of another neither expect its messages nor are expected to.
"""

from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from swell.engine.vu import current_vu
from swell.scripts.native.latency import DEFAULT_LOST_AFTER, FindId, Latency, Tracker
from swell.scripts.native.state import running_vu

if TYPE_CHECKING:
    from swell.scripts.native.socket import Socket

# Of each worker: enough to find a pattern in. The Rate counts them all.
MAX_MISSING: Final = 1_000
MAX_LOGGED: Final = 20


class Missing(NamedTuple):
    """A message that did not reach a participant: its id, the room, the VU, and its age in seconds."""

    id: Any
    room: str
    vu: int
    age_s: float


class Room(Latency):
    """Declared while the script loads, as the two metrics that it keeps: a Trend of times and a Rate.

    ``id`` is as for ``Latency``. A participant that just closes its connection may have messages on their
    way: those younger than ``lost_after`` (seconds, or text with a unit) count neither way; ``leave`` waits
    for them instead. With ``echo=False`` a sender does not expect its own messages.
    """

    def __init__(
        self,
        trend: str,
        delivered: str | None = None,
        *,
        id: str | FindId = "id",  # noqa: A002  # what it is called everywhere
        lost_after: float | str = DEFAULT_LOST_AFTER,
        echo: bool = True,
    ) -> None:
        super().__init__(trend, delivered, id=id, lost_after=lost_after)
        self.missing: list[Missing] = []
        self._echo = echo
        self._logged = 0
        self._present: dict[str, set[Participant]] = {}

    def __repr__(self) -> str:
        return f"Room({self.trend.name!r}, {self.delivered.name!r})"

    def join(self, socket: "Socket", room: str = "") -> None:
        """Expect what is sent to ``room`` from now on; call it when the server has let the VU in."""
        tracker = self._tracker(socket)
        self.part(tracker)
        tracker.room = room
        if socket.is_open:
            self._present.setdefault(room, set()).add(tracker)

    def leave(self, socket: "Socket", timeout: float | str) -> bool:
        """Expect no more messages, and wait for those on their way; False where some did not come in time.

        What is missing then is counted, whatever its age. The connection stays open.
        """
        tracker = self._tracker(socket)
        self.part(tracker)
        came = self.wait(socket, timeout)
        tracker.judge(monotonic_ns())
        return came

    def participants(self, room: str = "") -> int:
        """How many VUs of this worker are in ``room``."""
        return len(self._present.get(room, ()))

    def part(self, tracker: "Participant") -> None:
        """The participant gets no more messages: it left, or its connection is over."""
        present = self._present.get(tracker.room)
        if present is not None:
            present.discard(tracker)
            if not present:
                del self._present[tracker.room]

    def note_missing(self, missing: Missing) -> None:
        """Count a miss, list it, and log it where it is among the first."""
        self.delivered.add(False)
        if len(self.missing) < MAX_MISSING:
            self.missing.append(missing)
        if self._logged < MAX_LOGGED:
            self._logged += 1
            vu = current_vu.get(None) or running_vu(f"{self!r}")
            place = f" of room {missing.room!r}" if missing.room else ""
            vu.runtime.log(
                "warning",
                f"{self.delivered.name}: message {missing.id!r}{place} did not reach VU {missing.vu}"
                f" within {missing.age_s:.1f} s",
            )

    def _expect(self, tracker: Tracker, id: object, sent_ns: int) -> None:  # noqa: A002
        room = self._tracker_of(tracker).room
        for participant in self._present.get(room, ()):
            if participant is not tracker or self._echo:
                participant.outstanding[id] = sent_ns

    def _give_up(self, tracker: Tracker, id: object) -> None:  # noqa: A002
        """It was not even sent: that is a failure of the sender's connection, which counts once."""
        for participant in self._present.get(self._tracker_of(tracker).room, ()):
            participant.outstanding.pop(id, None)
        self.delivered.add(False)

    def _tracker(self, socket: "Socket") -> "Participant":
        found = socket.trackers.get(self)
        if found is None:
            vu = current_vu.get(None) or running_vu(f"{self!r}")
            found = Participant(self, vu.id)
            socket.track(self, found)
        return self._tracker_of(found)

    @staticmethod
    def _tracker_of(tracker: Tracker) -> "Participant":
        if not isinstance(tracker, Participant):
            raise TypeError(f"{tracker!r} is no participant of a room")
        return tracker


class Participant(Tracker):
    """The messages that one participant expects and has not got."""

    __slots__ = ("_room", "room", "vu_id")

    def __init__(self, owner: Room, vu_id: int) -> None:
        super().__init__(owner)
        self._room = owner
        self.room = ""
        self.vu_id = vu_id

    def settle(self, *, was_cut_short: bool) -> None:  # noqa: ARG002  # others send whenever they like
        """The connection is over: what is old enough is missing."""
        self._room.part(self)
        self.judge(monotonic_ns() - self.latency.lost_after_ns)
        self.outstanding.clear()

    def judge(self, sent_before_ns: int) -> None:
        """Count what was sent before that instant as missing, and expect it no longer."""
        now_ns = monotonic_ns()
        for id, sent_ns in list(self.outstanding.items()):  # noqa: A001
            if sent_ns <= sent_before_ns:
                del self.outstanding[id]
                self._room.note_missing(Missing(id, self.room, self.vu_id, (now_ns - sent_ns) / 1e9))
