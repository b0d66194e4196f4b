"""Tests of the spool: whatever is appended comes back once, in order, from memory or from the file."""

import errno
from io import FileIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.scripts.native import spool as module
from swell.scripts.native.spool import Outcome, Record, Spool, decode_block, encode_record, key_text

KEYS = st.none() | st.text(max_size=40).map(key_text)
AMOUNTS = st.floats(allow_nan=False, allow_infinity=False)
RECORDS = st.lists(st.builds(Record, KEYS, st.sampled_from(Outcome), AMOUNTS), max_size=200)


def read(spool: Spool) -> list[Record]:
    """Everything in it."""
    return [record for block in spool.take_blocks() for record in decode_block(block)]


@given(RECORDS)
def test_a_block_is_its_records(records: list[Record]):
    """Encoding records one after another and decoding the whole is the identity."""
    assert list(decode_block(b"".join(map(encode_record, records)))) == records


@given(RECORDS, st.integers(1, 200))
def test_nothing_is_lost_through_the_file(records: list[Record], block_bytes: int):
    """For any size of block the records come back in order, once, and the spool serves again."""
    spool = Spool()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", block_bytes)
        for _ in range(2):
            for record in records:
                spool.append(record)
            assert read(spool) == records
            assert read(spool) == []


def test_a_long_key_is_refused():
    """A key of more than 1,024 bytes is an error, and leaves the spool as it was."""
    spool = Spool()
    spool.append(Record("x" * 1024, Outcome.UNKNOWN))
    with pytest.raises(ValueError, match="at most 1024 bytes; this one has 1025"):
        spool.append(Record("x" * 1025, Outcome.UNKNOWN))
    assert read(spool) == [Record("x" * 1024, Outcome.UNKNOWN)]


def test_numbers_and_lone_surrogates_are_keys():
    """Ids are compared as text; what is no Unicode is escaped, not refused."""
    assert key_text(7) == "7"
    assert key_text("é\ud800") == "é\\ud800"


class FullOnce(FileIO):
    """A file that takes half of its second write and then says that the disk is full."""

    writes = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.writes += 1
        if self.writes == 2:
            super().write(bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_costs_one_block(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """A block that cannot be written is an OSError; those before and after it can still be read."""
    monkeypatch.setattr(module, "BLOCK_BYTES", 1)
    file = FullOnce(tmp_path / "spool", "w+b")
    monkeypatch.setattr(module.tempfile, "TemporaryFile", lambda **_: file)
    spool = Spool()
    a, b, c = (Record(key, Outcome.ACKNOWLEDGED, 1.5) for key in "abc")
    spool.append(a)
    with pytest.raises(OSError, match="No space left"):
        spool.append(b)
    spool.append(c)
    assert read(spool) == [a, c]
