"""Modules over https: fetched once, kept by content, pinned by a lock file."""

import io
import json
from http.client import HTTPMessage
from pathlib import Path
from urllib.request import OpenerDirector, Request

import pytest

from swell.base.errors import SwellError
from swell.scripts.k6 import remote
from swell.scripts.k6.remote import RemoteModules, cache_folder
from swell.scripts.k6.values import HostError

URL = "https://example.com/a.js"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that were fetched; each gives ``export default N``, N counting up."""
    seen: list[str] = []

    def fetch(url: str) -> bytes:
        seen.append(url)
        return f"export default {len(seen)}".encode()

    monkeypatch.setattr(remote, "_fetch", fetch)
    return seen


def test_a_module_is_fetched_once(fetched: list[str], tmp_path: Path) -> None:
    """Its content comes from the disk the next time, also in another process."""
    texts = [RemoteModules(tmp_path).source(URL) for _ in range(2)]
    assert texts == ["export default 1"] * 2
    assert fetched == [URL]


def test_what_was_damaged_on_disk_is_fetched_again(fetched: list[str], tmp_path: Path) -> None:
    """A content that is not what its name says is not used."""
    RemoteModules(tmp_path).source(URL)
    (kept,) = tmp_path.glob("*.js")
    kept.write_text("half of it")
    assert RemoteModules(tmp_path).source(URL) == "export default 2"


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"0" * 64, b"../../etc/passwd\0 x"])
def test_a_damaged_note_of_a_url_is_made_anew(fetched: list[str], tmp_path: Path, damage: bytes) -> None:
    """Whatever stands where the digest of a URL's content should be, the module is fetched and noted again."""
    RemoteModules(tmp_path).source(URL)
    (note,) = tmp_path.glob("*.url")
    note.write_bytes(damage)
    assert RemoteModules(tmp_path).source(URL) == "export default 2"
    assert RemoteModules(tmp_path).source(URL) == "export default 2"
    assert fetched == [URL] * 2


def test_a_cache_that_cannot_be_written(fetched: list[str], tmp_path: Path) -> None:
    """The module is used all the same, nothing is left behind, and the reason is there to be told."""
    (tmp_path / "file").write_text("in the way")
    modules = RemoteModules(tmp_path / "file" / "cache")
    assert modules.source(URL) == "export default 1"
    assert modules.unkept == f"{tmp_path}/file/cache: Not a directory"
    assert RemoteModules(tmp_path / "file" / "cache").source(URL) == "export default 2"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_user_without_a_home_keeps_nothing(fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a folder nor a failure: modules are fetched each time."""

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    assert cache_folder({}) is None
    assert cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/swell/modules")
    assert [RemoteModules(cache_folder({})).source(URL) for _ in range(2)] == [
        "export default 1",
        "export default 2",
    ]


@pytest.mark.usefixtures("fetched")
def test_what_is_written_appears_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that is cut off leaves neither a part under the final name nor anything else."""
    cut = OSError(28, "No space left on device")

    def half(self: Path, content: bytes) -> int:
        with self.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        raise cut

    monkeypatch.setattr(Path, "write_bytes", half)
    lock = tmp_path / "lock.json"
    modules = RemoteModules(tmp_path / "cache", lock)
    assert modules.source(URL) == "export default 1"
    with pytest.raises(SwellError, match=r"lock\.json cannot be written: No space left on device"):
        modules.save_lock()
    assert [path.name for path in tmp_path.rglob("*")] == ["cache"]


def test_a_lock_pins_contents(fetched: list[str], tmp_path: Path) -> None:
    """It is written at first, then refuses what differs and what it lacks."""
    lock = tmp_path / "lock.json"
    first = RemoteModules(None, lock)
    first.source(URL)
    first.save_lock()
    assert list(json.loads(lock.read_text())["modules"]) == [URL]
    with pytest.raises(HostError, match="has another content"):
        RemoteModules(None, lock).source(URL)
    with pytest.raises(HostError, match="is not in"):
        RemoteModules(None, lock).source("https://example.com/b.js")


def test_a_lock_that_is_none(tmp_path: Path) -> None:
    """Anything else in its place is refused before anything is fetched."""
    lock = tmp_path / "lock.json"
    lock.write_text("[]")
    with pytest.raises(SwellError, match="no lock file"):
        RemoteModules(None, lock)


def test_no_network(tmp_path: Path) -> None:
    """A module that cannot be fetched says so, with a way out."""
    with pytest.raises(HostError, match=r"cannot be fetched: .*; download it"):
        RemoteModules(tmp_path).source("https://127.0.0.1:1/a.js")


@pytest.mark.parametrize("leads_to", ["http://example.com/b.js", "ftp://example.com/b.js"])
def test_no_redirect_leaves_https(leads_to: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not even on the way back to it: whoever can change what goes in the clear could lead anywhere."""
    told = HTTPMessage()
    told["Location"] = leads_to

    def redirect(opener: OpenerDirector, request: Request, timeout: float) -> object:
        assert timeout == remote.TIMEOUT_S
        return opener.error("http", request, io.BytesIO(), 302, "Found", told)

    monkeypatch.setattr(OpenerDirector, "open", redirect)
    with pytest.raises(HostError, match=f"leads to {leads_to}, which is not https; download it"):
        RemoteModules(tmp_path).source(URL)
