"""``swell archive`` and ``swell run archive.tar``: k6's format, both ways."""

import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swell.base.errors import ExitCode, SwellError
from swell.scripts.k6.archive import Archive, read_archive, write_archive
from swell.testing.cli import CLIResult, run_cli

Command = Callable[..., CLIResult]
SCRIPT = """
import { f } from "./sub/lib.js";
import { SharedArray } from "k6/data";
import { open as fopen } from "k6/experimental/fs";
const text = open("./sub/data.txt"), bytes = open("sub/bin.dat", "b");
const rows = new SharedArray("rows", () => JSON.parse(open("./sub/rows.json")));
const file = await fopen("sub/fs file.txt");
export const options = { iterations: 2, vus: 1, tags: { q: "w" }, tlsVersion: "tls1.3", setupTimeout: "5s" };
export default function () {
  console.log(f(), text.trim(), bytes.byteLength, rows[1].n, file.path.endsWith("fs file.txt"), __ENV.FOO);
}
"""
FILES = {
    "main.js": SCRIPT,
    "sub/lib.js": 'import { g } from "../more.js"; export const f = () => g;',
    "more.js": 'export const g = "lib";',
    "sub/data.txt": "hello\n",
    "sub/bin.dat": "\0\1\2\3",
    "sub/rows.json": '[{"n":1},{"n":2}]',
    "sub/fs file.txt": "x",
    "sub/unused.js": "",
}


@pytest.fixture
def swell(tmp_path: Path) -> Command:
    """Run a command beside the files of a script."""
    for name, text in FILES.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def command(*arguments: str, env: dict[str, str] | None = None) -> CLIResult:
        return run_cli(*arguments, env={"HOME": str(tmp_path), **(env or {})}, cwd=tmp_path)

    return command


def run_archive(swell: Command, *flags: str, env: dict[str, str] | None = None) -> CLIResult:
    """Run a.tar quietly."""
    return swell("run", "-q", "--no-save", "--summary-mode=disabled", "a.tar", *flags, env=env)


def test_an_archive_runs_where_its_files_are_gone(swell: Command, tmp_path: Path) -> None:
    """Modules, opened files, options and variables are in it, and nothing else is read."""
    packed = swell("archive", "src/main.js", "-O", "a.tar", "-e", "FOO=bar")
    assert packed.exit_code == ExitCode.OK
    assert re.fullmatch(r"a\.tar: the script and all that it reads, \d files\n", packed.stdout)
    (tmp_path / "src").rename(tmp_path / "moved")
    result = run_archive(swell)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert result.stderr.count('msg="lib hello 4 2 true bar" source=console') == 2
    # Variables of the run win over those of the archive.
    assert 'lib hello 4 2 true now"' in run_archive(swell, "-e", "FOO=now").stderr
    assert run_archive(swell, "-i", "1").stderr.count("source=console") == 1


def test_the_layout_is_k6s(swell: Command, tmp_path: Path) -> None:
    """metadata.json, data, and each file under its own path; the main script is a link to data."""
    swell("archive", "src/main.js", "-O", "a.tar", "-e", "FOO=bar", "--exclude-env-vars", "--rps", "7")
    with tarfile.open(tmp_path / "a.tar") as tar:
        members = {member.name: member for member in tar}
        stream = tar.extractfile("metadata.json")
        assert stream is not None
        metadata = json.load(stream)
    source = f"file{tmp_path}/src"
    read = [
        "main.js",
        "more.js",
        "sub/bin.dat",
        "sub/data.txt",
        "sub/fs file.txt",
        "sub/lib.js",
        "sub/rows.json",
    ]
    assert list(members) == ["metadata.json", "data", *(f"{source}/{name}" for name in read)]
    link = members[f"{source}/main.js"]
    assert (link.islnk(), link.linkname) == (True, "data")
    assert metadata["type"] == "js"
    assert metadata["env"] == {}
    assert metadata["filename"] == f"file://{tmp_path}/src/main.js"
    assert metadata["pwd"] == f"file://{tmp_path}/src"
    options: dict[str, Any] = metadata["options"]
    workload = options.pop("scenarios")["default"]
    assert options == {
        "rps": 7,
        "setupTimeout": "5s",
        "tags": {"q": "w"},
        "tlsVersion": {"min": "tls1.3", "max": "tls1.3"},
    }
    assert workload == {
        "executor": "shared-iterations",
        "vus": 1,
        "iterations": 2,
        "maxDuration": "10m0s",
        "exec": "default",
        "startTime": "0s",
        "gracefulStop": "30s",
        "env": {},
        "tags": {},
    }


def test_an_archive_as_k6_writes_it(swell: Command, tmp_path: Path) -> None:
    """Folders of their own, nulls among the options; also the old form, where the script is named by a path."""
    source = b'import { f } from "./lib.js"; export const options = { iterations: 9 }; export default () => console.log(f());'
    for filename in ("file:///far/away/main.js", "/far/away/main.js"):
        metadata = {
            "type": "js",
            "options": {"iterations": 3, "vus": None},
            "filename": filename,
            "k6version": "2.2.0",
        }
        with tarfile.open(tmp_path / "a.tar", "w") as tar:
            for name, content in {"metadata.json": json.dumps(metadata).encode(), "data": source}.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            for folder in ("file", "file/far", "file/far/away"):
                member = tarfile.TarInfo(folder)
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            member = tarfile.TarInfo("file/far/away/lib.js")
            content = b'export const f = () => "far";'
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        result = run_archive(swell)
        # Its options were settled when it was made.
        assert result.stderr.count("msg=far source=console") == 3, result.stderr


def test_libraries_by_url_are_packed(swell: Command, tmp_path: Path) -> None:
    """Ours go into the archive under the URL, so that k6 runs it without a network; not what k6 cannot run.

    An archive's own modules win over ours, as k6 has packed those that the network gave it.
    """
    utils, url = "https://jslib.k6.io/k6-utils/1.4.0/index.js", "https://jslib.k6.io/url/1.0.0/index.js"
    (tmp_path / "a.js").write_text(f"""
        import {{ randomString }} from "{utils}";
        import {{ URL }} from "{url}";
        export default () => console.log(randomString(3).length, new URL("http://a/b").pathname);
    """)
    assert swell("archive", "a.js", "-O", "a.tar").exit_code == ExitCode.OK
    assert 'msg="3 /b"' in run_archive(swell).stderr
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert [name for name in tar.getnames() if name.startswith("https")] == [utils.replace("://", "/")]
    archive = read_archive(tmp_path / "a.tar")
    archive.contents[utils] = b"export const randomString = () => 'theirs';"
    with (tmp_path / "a.tar").open("wb") as stream:
        write_archive(stream, archive)
    assert 'msg="6 /b"' in run_archive(swell).stderr


def test_an_archive_on_standard_output(swell: Command, tmp_path: Path) -> None:
    """``-O -`` is for the next command of a pipe."""
    command = [sys.executable, "-m", "swell", "archive", "src/main.js", "-O", "-"]
    packed = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60).stdout
    (tmp_path / "a.tar").write_bytes(packed)
    assert "lib hello" in run_archive(swell).stderr


def test_an_archive_of_any_name_is_known_by_its_content(swell: Command, tmp_path: Path) -> None:
    """The suffix does not matter."""
    swell("archive", "src/main.js", "-O", "test.k6")
    assert swell("inspect", "test.k6").exit_code == ExitCode.OK


def test_what_is_missing_in_an_archive_is_named(swell: Command, tmp_path: Path) -> None:
    """A file beside the archive does not stand in for one inside it."""
    name = f"file://{tmp_path}/src/main.js"
    with (tmp_path / "a.tar").open("wb") as stream:
        write_archive(stream, Archive(name, {name: SCRIPT.encode()}, {}, {}))
    result = run_archive(swell)
    assert result.exit_code == ExitCode.SCRIPT_EXCEPTION
    assert "sub/lib.js" in result.stderr
    assert "is not in the archive" in result.stderr


def test_faults(swell: Command, tmp_path: Path) -> None:
    """What is no archive, what is no k6 script, and where nothing can be written: one clear error each."""
    (tmp_path / "broken.tar").write_bytes(b"no tar at all")
    with pytest.raises(SwellError, match=r"broken\.tar is no archive of a k6 script"):
        read_archive(tmp_path / "broken.tar")
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    with pytest.raises(SwellError, match=r"it has no metadata\.json that"):
        read_archive(tmp_path / "empty.tar")
    result = swell("run", "--no-save", "empty.tar")
    assert result.exit_code == ExitCode.OTHER
    assert "empty.tar is no archive of a k6 script" in result.stderr
    (tmp_path / "native.py").write_text('"""A script."""\ndef default(): ...\n')
    assert "native.py is no k6 script" in swell("archive", "native.py").stderr
    result = swell("archive", "src/main.js", "-O", "missing/a.tar")
    assert result.exit_code == ExitCode.OTHER
    assert "missing/a.tar cannot be written" in result.stderr


@pytest.mark.parametrize("odd", ['"env": [1]', '"env": 5', '"options": [1]', '"options": "x"'])
def test_metadata_of_another_shape(odd: str, tmp_path: Path) -> None:
    """An archive whose variables or options are no object is none: one clear error."""
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as tar:
        for name, content in (("metadata.json", f'{{"filename": "/a.js", {odd}}}'.encode()), ("data", b"")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(SwellError, match=r"odd\.tar is no archive of a k6 script"):
        read_archive(path)
