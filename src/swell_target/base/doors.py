"""The listening sockets of a service, and the fault that loses connections before they are made.

While a door is shut the kernel drops each SYN, as it does when the queue of connections to accept is full.
Who knocks waits for the retransmission by their own kernel: on Linux one second later, then two more
(RFC 6298, section 2). What is connected already does not notice.
"""

import asyncio
import contextlib
import ctypes
import socket
import struct
import sys
from collections.abc import Callable, Sequence

from swell_target.base.clock import pause
from swell_target.base.faults import Faults, LoseConnects

# Classic BPF is Linux's; its options have no names in Python's socket module (asm-generic/socket.h).
IS_SUPPORTED = sys.platform == "linux"
_ATTACH_FILTER = 26
_DETACH_FILTER = 27
# What arrives with SYN and without ACK is dropped, all else passes: sockets that are accepted inherit it.
# A packet begins with the TCP header, whose flags stand in byte 13.
_PROGRAM = (
    (0x30, 0, 0, 13),  # load the flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # then nothing of it passes
    (0x06, 0, 0, 0xFFFF_FFFF),
)


class Doors:
    """Opens and shuts the ``sockets`` of one service, as its faults say."""

    def __init__(self, faults: Faults, sockets: Sequence[socket.socket]) -> None:
        self._faults = faults
        self._sockets = sockets
        self._knocks: asyncio.Task[None] | None = None
        faults.on_set = self._follow
        self._follow()

    def __repr__(self) -> str:
        return f"<Doors {len(self._sockets)} sockets>"

    def close(self) -> None:
        """Follow no faults any more; the doors stay open."""
        self._faults.on_set = lambda: None
        self._stop()

    def _follow(self) -> None:
        self._stop()
        fault = self._faults.find(LoseConnects)
        if fault is not None and IS_SUPPORTED:
            self._knocks = asyncio.get_running_loop().create_task(self._alternate(fault))

    def _stop(self) -> None:
        if self._knocks is not None:
            self._knocks.cancel()
            self._knocks = None
        self._each(_open)

    async def _alternate(self, fault: LoseConnects) -> None:
        while True:
            self._each(_shut)
            await pause(fault.lost_ms)
            self._each(_open)
            await pause(max(0.0, fault.every_ms - fault.lost_ms))

    def _each(self, act: Callable[[socket.socket], None]) -> None:
        for item in self._sockets:
            act(item)


def _shut(item: socket.socket) -> None:
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in _PROGRAM)
    # The kernel copies it; until then the buffer must stand still.
    buffer = ctypes.create_string_buffer(code, len(code))
    item.setsockopt(
        socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", len(_PROGRAM), ctypes.addressof(buffer))
    )


def _open(item: socket.socket) -> None:
    # There may be none, and one of a process before may still be there.
    with contextlib.suppress(OSError):
        item.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
