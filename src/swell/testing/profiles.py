"""What the calibration server injects: when it sends each piece of an answer, counted from the request.

A profile has two plans, a usual and a rare one; which of them a request gets depends only on its number, so
that the shares are exact. A plan is the time of each piece in nanoseconds: one piece is the whole answer, of
several the first is the head and the others are the body.
"""

from typing import Final, NamedTuple

from swell.base.clock import NS_PER_MS

BODY: Final = b'{"calibration": "every byte of this answer was sent on time"}\n' * 2


class Profile(NamedTuple):
    """One kind of answer; ``rare`` is given to ``share[0]`` of ``share[1]`` requests."""

    name: str
    title: str
    usual: tuple[int, ...]
    rare: tuple[int, ...] = ()
    share: tuple[int, int] = (0, 1)

    def plan(self, number: int) -> tuple[int, ...]:
        """The times of the pieces for the request with this number, counted from 0."""
        part, whole = self.share
        return self.rare if number * part % whole < part else self.usual

    def pieces(self) -> tuple[bytes, ...]:
        """The bytes that belong to the times of the plans."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)
        parts = len(self.usual) - 1
        if not parts:
            return (head + BODY,)
        size = -(-len(BODY) // parts)
        return (head, *(BODY[start : start + size] for start in range(0, len(BODY), size)))


def _ms(*times: float) -> tuple[int, ...]:
    return tuple(round(time * NS_PER_MS) for time in times)


PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile("fixed", "10 ms", _ms(10)),
        # One in 90, so that the 99th percentile lies inside the slow part and not on its edge.
        Profile("rare", "10 ms, 1 % at 50 ms", _ms(10), _ms(50), (1, 90)),
        Profile("bimodal", "5 ms, 30 % at 25 ms", _ms(5), _ms(25), (3, 10)),
        Profile("slow-first-byte", "first byte after 20 ms, last after 25 ms", _ms(20, 25)),
        Profile("slow-body", "first byte after 2 ms, last after 22 ms", _ms(2, 7, 12, 17, 22)),
    )
}
