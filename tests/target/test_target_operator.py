"""The operator gets one clear line for each fault, and no stack trace; seeds repeat, and spare production."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from target_platform import ENVIRONMENT, Platform

CLOSED_DATABASE = "postgresql://swell@127.0.0.1:1/test"

# Everything is imported before the rights go: nobody may not read this interpreter's files.
AS_NOBODY = """
import os, sys
import sqlalchemy.dialects.sqlite.pysqlite
import swell_target.base.seeding, swell_target.__main__ as program
from swell_target.services import load
load(["cooly"])
os.setgid(65534)
os.setuid(65534)
sys.exit(program.main(["seed", "--services", "cooly", "--data", sys.argv[1]]))
"""


def run(*arguments: str, secret: bool = True) -> tuple[int, str, str]:
    """Run ``python -m swell_target``; its status and what it wrote."""
    environment = dict(os.environ) | (ENVIRONMENT if secret else {})
    done = subprocess.run(
        [sys.executable, "-m", "swell_target", *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env=environment,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def one_line(error: str) -> str:
    """The one line that there must be."""
    assert "Traceback" not in error
    (line,) = error.splitlines()
    assert line.startswith("swell target: ")
    return line


def test_a_port_in_use(data: Path) -> None:
    """The line names the port and the flag that changes it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for processes in ("1", "2"):
            arguments = ["serve", "--services", "cooly", "--port-base", str(port), "--data", str(data)]
            status, _, error = run(*arguments, "--processes", processes)
            assert status == 1
            assert re.search(rf"port {port} .*in use.*--port-base", one_line(error))


def test_an_unreachable_database(data: Path) -> None:
    """The line names the database without its password, and asks the right questions."""
    url = CLOSED_DATABASE.replace("swell@", "swell:hidden@")
    status, _, error = run(
        "serve", "--services", "cooly", "--port-base", "0", "--data", str(data), "--db", url
    )
    assert status == 1
    assert "cannot be reached: is it running" in one_line(error)
    assert "hidden" not in error


def test_an_unreachable_redis(data: Path) -> None:
    """The line says that it is Redis."""
    arguments = ["serve", "--services", "cooly", "--port-base", "0", "--data", str(data)]
    status, _, error = run(*arguments, "--redis", "redis://127.0.0.1:1")
    assert status == 1
    assert "Redis cannot be reached" in one_line(error)


def test_a_missing_secret(data: Path) -> None:
    """With PostgreSQL the signing secret must be given: several machines share it."""
    arguments = [
        "serve",
        "--services",
        "cooly",
        "--port-base",
        "0",
        "--data",
        str(data),
        "--db",
        CLOSED_DATABASE,
    ]
    status, _, error = run(*arguments, secret=False)
    assert status == 1
    assert "set SWELL_TARGET_SECRET" in one_line(error)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_read_only_database(tmp_path: Path) -> None:
    """A user that may read the files but not write them is told so."""
    data = tmp_path / "data"
    assert run("seed", "--services", "cooly", "--data", str(data))[0] == 0
    for directory in (data, *data.parents):
        if directory.stat().st_uid == 0 and directory.is_relative_to(tmp_path.parents[1]):
            directory.chmod(0o755)
    for path in data.iterdir():
        path.chmod(0o444)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(data)], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 1
    assert re.search(r"read-only|cannot be written", one_line(done.stderr))


@pytest.mark.parametrize("command", ["serve", "seed"])
def test_an_older_schema(data: Path, command: str) -> None:
    """The line names both versions, and the way out works."""
    assert run("seed", "--services", "cooly", "--data", str(data))[0] == 0
    with sqlite3.connect(data / "cooly.sqlite3") as connection:
        connection.execute("UPDATE swell_target_schema SET version = 0")
    connection.close()
    ports = ["--port-base", "0"] if command == "serve" else []
    status, _, error = run(command, "--services", "cooly", "--data", str(data), *ports)
    assert status == 1
    assert "schema 0, this program needs 1" in one_line(error)
    assert run("seed", "--services", "cooly", "--data", str(data), "--drop")[0] == 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [("{", "are not valid"), ('{"faults": [{"type": "x"}]}', "are not valid"), (None, "cannot be read")],
)
def test_wrong_faults(tmp_path: Path, content: str | None, expected: str) -> None:
    """A faults file that is no such thing is refused before anything starts."""
    path = tmp_path / "faults.json"
    if content is not None:
        path.write_text(content)
    status, _, error = run("serve", "--data", str(tmp_path), "--port-base", "0", "--faults", str(path))
    assert status == 1
    assert expected in one_line(error)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--port-base", "70000"), "--port-base must be from 1 to 65531 for 5 services, or 0 for free ports"),
        (("--port-base", "-1"), "--port-base must be from 1 to 65531 for 5 services, or 0 for free ports"),
        (("--processes", "0"), "--processes must be from 1 to 64"),
        (("--pool-size", "0"), "--pool-size must be from 1 to 200"),
        (("--mock-latency", "-5"), "--mock-latency must be from 0 to 600000"),
        *(
            (("--db", url), "--db must be the URL of a PostgreSQL: postgresql://user@host/name")
            for url in ("mysql://a@b/c", "foo", "postgresql://user@host:port/x", "postgresql://[x/y")
        ),
    ],
)
def test_wrong_settings(data: Path, arguments: tuple[str, ...], expected: str) -> None:
    """One line that says what is possible."""
    assert run("serve", "--data", str(data), *arguments) == (1, "", f"swell target: {expected}\n")


def test_a_file_that_is_no_database(data: Path) -> None:
    """It is left alone."""
    data.mkdir()
    (data / "cooly.sqlite3").write_text("this is no database, but the notes of somebody")
    status, output, error = run("serve", "--services", "cooly", "--port-base", "0", "--data", str(data))
    reason = "is the directory there, and yours? (file is not a database)"
    assert (status, output) == (1, "")
    assert error == f"swell target: the database in {data} cannot be opened: {reason}\n"
    assert "notes of somebody" in (data / "cooly.sqlite3").read_text()


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_leash_ends_a_temporary_platform(tmp_path: Path, is_killed: bool) -> None:
    """When the other end closes the platform is gone with its files; also where it was itself killed."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "swell_target", "serve", "--services", "cooly", "--port-base", "0"]
    with ours, theirs:
        process = subprocess.Popen(
            [*command, "--temporary", str(tmp_path / "all"), "--leash", str(theirs.fileno())],
            stdout=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            env=os.environ | {"TMPDIR": str(tmp_path)},
            cwd=tmp_path,
        )
        theirs.close()
        assert process.stdout is not None
        with process.stdout:
            assert process.stdout.readline()
        family = psutil.Process(process.pid).children(recursive=True)
        assert (tmp_path / "all" / "data" / "cooly.sqlite3").is_file()
        if is_killed:
            process.kill()
    assert process.wait(60) == (-signal.SIGKILL if is_killed else 0)
    assert psutil.wait_procs(family, timeout=60)[1] == []
    assert list(tmp_path.iterdir()) == []


def test_a_leash_that_is_none(data: Path) -> None:
    """A number that is no inherited descriptor is one line."""
    status, _, error = run(
        *("serve", "--services", "cooly", "--port-base", "0", "--data", str(data), "--leash", "999")
    )
    assert status == 1
    assert one_line(error) == "swell target: --leash 999 is no inherited socket or pipe"


def test_a_temporary_directory_that_is_there(tmp_path: Path) -> None:
    """It is somebody's: it is neither used nor removed."""
    status, _, error = run(
        *("serve", "--services", "cooly", "--port-base", "0", "--temporary", str(tmp_path))
    )
    assert status == 1
    assert "no directory for temporary files can be made: " in one_line(error)
    assert tmp_path.is_dir()


def test_an_unknown_service(data: Path) -> None:
    """The line lists those that there are."""
    status, _, error = run("seed", "--services", "nonsense", "--data", str(data))
    assert status == 1
    assert "there are" in one_line(error)
    assert "cooly" in error


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@db.prod.example.com/app",
        "postgresql://u:p@127.0.0.1/wwmaa_production",
        "postgresql://u:p@x.rds.amazonaws.com/wwmaa",
        "postgresql://live@127.0.0.1/app",
    ],
)
def test_production_is_spared(url: str, tmp_path: Path) -> None:
    """Whatever looks like production is refused without a connection."""
    status, _, error = run("seed", "--services", "cooly", "--db", url, "--data", str(tmp_path))
    assert status == 1
    assert "looks like production: seeding it is refused" in one_line(error)


def test_seeding_repeats(data: Path) -> None:
    """Seeding twice changes nothing; --only-clean leaves nothing."""
    files = ["--services", "cooly", "--data", str(data)]

    def users() -> int:
        with sqlite3.connect(data / "cooly.sqlite3") as connection:
            (count,) = connection.execute("SELECT count(*) FROM cooly_users").fetchone()
        connection.close()
        return int(count)

    first = run("seed", *files)
    assert first[0] == 0
    count = users()
    assert run("seed", *files)[1] == first[1]
    assert users() == count > 0
    assert run("seed", *files, "--only-clean")[0] == 0
    assert users() == 0


def test_a_running_platform_stops_cleanly(data: Path) -> None:
    """Control-C ends it with status 0, nothing on standard error, and nobody left."""
    with Platform(data, "--processes", "2", services="cooly") as platform:
        assert platform.hello["pid"] == platform.process.pid
        assert set(platform.hello["ports"]) == {"cooly"}
        platform.process.send_signal(signal.SIGINT)
        assert platform.process.wait(60) == 0
        assert platform.stderr == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("busy", [False, True])
def test_nobody_stays_behind(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, *, busy: bool
) -> None:
    """However the supervisor ends, with requests under way or not: its workers and its files go with it."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    slow = [{"type": "latency", "distribution": {"type": "constant", "ms": 600_000}}]
    with Platform(data, "--processes", "2", services="cooly") as platform, ExitStack() as stack:
        workers = psutil.Process(platform.process.pid).children()
        assert len(workers) == 2
        assert platform["cooly"].admin("PUT", "/admin/faults", json={"faults": slow}).status_code == 200
        for _ in range(10 if busy else 0):
            address = ("127.0.0.1", platform.hello["ports"]["cooly"])
            connection = stack.enter_context(socket.create_connection(address))
            connection.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        platform.process.send_signal(number)
        status = platform.process.wait(60)
        assert status == (-signal.SIGKILL if number == signal.SIGKILL else 0)
        gone, left = psutil.wait_procs(workers, timeout=60)
        assert (len(gone), left) == (2, [])
    assert list(tmp_path.glob("swell-target-*")) == []


def test_orders_that_are_cut_short_end_a_worker_in_silence() -> None:
    """Its supervisor was killed while it wrote them: there is nobody to tell."""
    command = [sys.executable, "-m", "swell_target", "worker"]
    done = subprocess.run(command, input=b'{"settings": {', capture_output=True, timeout=90, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nobody_stays_behind_a_start_that_is_broken_off(data: Path, number: signal.Signals) -> None:
    """While the first worker still fills the database."""
    command = [sys.executable, "-m", "swell_target", "serve", "--size", "full", "--port-base", "0"]
    with subprocess.Popen(
        [*command, "--data", str(data)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        supervisor = psutil.Process(process.pid)
        while not (workers := supervisor.children()):
            assert process.poll() is None
        process.send_signal(number)
        process.wait(60)
        assert psutil.wait_procs(workers, timeout=60)[1] == []
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_starting_with_faults(tmp_path: Path) -> None:
    """Faults of the file are there from the first request."""
    path = tmp_path / "faults.json"
    path.write_text(json.dumps({"faults": [{"type": "errors", "rate": 1, "status": 503, "endpoint": "me"}]}))
    with Platform(tmp_path / "data", "--faults", str(path), services="cooly") as platform:
        assert platform["cooly"].get("/api/auth/me").status_code == 503
        assert platform["cooly"].get("/health").status_code == 200


def test_a_mistake_of_the_program_is_one_line(data: Path) -> None:
    """It is told with its place, without a stack: here a module that is broken."""
    broken = (
        "import sys, swell_target.__main__ as program, swell_target.base.seeding as seeding\n"
        "seeding.seed = None\n"
        "sys.exit(program.main(['seed', '--data', sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken, str(data)], capture_output=True, text=True, timeout=90, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    expected = (
        "swell target: internal error, please report it: TypeError: 'NoneType' object is not callable at "
    )
    assert done.stderr.startswith(expected)
