"""Files that are written whole."""

import os
from pathlib import Path

import pytest

from swell.base.files import write_whole


def test_a_file_is_replaced(tmp_path: Path) -> None:
    """The new content stands there and nothing beside it; who reads the old file goes on with that."""
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_whole(path, b"new")
        assert reader.read() == b"old"
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a.json", b"new")]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is written, be it there or not."""
    for name in ("there", "absent"):
        link, real = tmp_path / f"link to {name}", tmp_path / name
        link.symlink_to(real)
    (tmp_path / "there").write_bytes(b"old")
    for name in ("there", "absent"):
        write_whole(tmp_path / f"link to {name}", b"new")
        assert (tmp_path / f"link to {name}").is_symlink()
        assert (tmp_path / name).read_bytes() == b"new"


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    """What only its owner may read stays so."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_whole(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    """A pipe stays one, and its reader gets the content."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(path, b"new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """The error goes through, and the old file is as it was."""
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "absent" / "a", b"new")
    assert list(tmp_path.iterdir()) == []
