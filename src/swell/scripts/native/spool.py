"""What one worker's ledger writes down: an append-only temporary file of small records, in blocks.

A record is a byte (outcome in the low bits, a flag for an amount), the length of its key in two bytes, the
key in UTF-8, and the amount as a double where there is one. A key of length ``KEYLESS`` is none. A block is
a run of whole records; the blocks of all workers together, in any order, are the ledger.
"""

import tempfile
from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from io import FileIO

# What a block may hold: large enough that a million writes are some hundred of them, small enough for memory.
BLOCK_BYTES = 256 * 1024
KEYLESS = 0xFFFF
# A key longer than this is no id.
MAX_KEY_BYTES = 1024

_HEAD = Struct("<BH")
_AMOUNT = Struct("<d")
_LENGTH = Struct("<I")
_HAS_AMOUNT = 0x10
_OUTCOME = 0x0F


class Outcome(IntEnum):
    """What became of a write; of several for one key the highest counts."""

    REFUSED = 0
    UNKNOWN = 1
    ACKNOWLEDGED = 2


# By number: calling the class costs three times as much.
_OUTCOMES = tuple(Outcome)


class Record(NamedTuple):
    """One write: ``key`` is None where nobody knows under which id it would be found."""

    key: str | None
    outcome: Outcome
    amount: float = 0.0


def key_text(key: object) -> str:
    """An id as the text by which it is compared: numbers and text alike; what is no Unicode is escaped."""
    text = str(key)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def encode_record(record: Record) -> bytes:
    """``record`` as bytes. Raises ``ValueError`` for a key that is too long."""
    flags = record.outcome | (_HAS_AMOUNT if record.amount else 0)
    key = b"" if record.key is None else record.key.encode()
    if len(key) > MAX_KEY_BYTES:
        raise ValueError(f"a ledger's key has at most {MAX_KEY_BYTES} bytes; this one has {len(key)}")
    head = _HEAD.pack(flags, KEYLESS if record.key is None else len(key))
    return head + key + (_AMOUNT.pack(record.amount) if record.amount else b"")


def decode_block(block: bytes) -> Iterator[Record]:
    """The records of a block that ``encode_record`` made."""
    at, end = 0, len(block)
    while at < end:
        flags, length = _HEAD.unpack_from(block, at)
        at += _HEAD.size
        key = None
        if length != KEYLESS:
            key = block[at : at + length].decode()
            at += length
        amount = 0.0
        if flags & _HAS_AMOUNT:
            (amount,) = _AMOUNT.unpack_from(block, at)
            at += _AMOUNT.size
        yield Record(key, _OUTCOMES[flags & _OUTCOME], amount)


class Spool:
    """An append-only file of records that vanishes with the process; made with the first full block."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._file: FileIO | None = None
        self._end = 0

    def __repr__(self) -> str:
        return f"<Spool {len(self._buffer)} bytes buffered, {self._end} in the file>"

    def append(self, record: Record) -> None:
        """Write ``record`` down.

        Raises ``ValueError`` for a key that is too long, and ``OSError`` where the disk is full: then the
        block that was to be written is lost.
        """
        self._buffer += encode_record(record)
        if len(self._buffer) >= BLOCK_BYTES:
            self._spill()

    def take_blocks(self) -> Iterator[bytes]:
        """Every block, once; the spool is empty afterwards."""
        file, end = self._file, self._end
        self._file, self._end = None, 0
        if file is not None:
            with file:
                file.seek(0)
                while file.tell() < end:
                    yield file.read(_LENGTH.unpack(file.read(_LENGTH.size))[0])
        if self._buffer:
            block = bytes(self._buffer)
            self._buffer.clear()
            yield block

    def _spill(self) -> None:
        block = memoryview(_LENGTH.pack(len(self._buffer)) + self._buffer)
        self._buffer.clear()
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="swell-ledger-", buffering=0)  # noqa: SIM115 - kept
        # What a failed write left behind it is written over.
        self._file.seek(self._end)
        size = len(block)
        while block:
            block = block[self._file.write(block) :]
        self._end += size
