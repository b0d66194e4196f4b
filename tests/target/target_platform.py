"""Starts platforms and PostgreSQL clusters for tests, and talks to them."""

import contextlib
import functools
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
import requests
import requests.adapters

START_TIMEOUT_S = 90
ADMIN_TOKEN = "admin-token-of-the-tests"
ENVIRONMENT = {"SWELL_TARGET_SECRET": "secret-of-the-tests", "SWELL_TARGET_ADMIN_TOKEN": ADMIN_TOKEN}


class Client:
    """HTTP to one service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ws_url = url.replace("http", "ws", 1)
        self.session = requests.Session()
        self.session.trust_env = False
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=64))

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request; cookies are not kept, redirects not followed."""
        options = {"timeout": 90, "allow_redirects": False} | options
        response = self.session.request(method, self.url + path, **options)
        self.session.cookies.clear()
        return response

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> requests.Response:
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.request("DELETE", path, **options)

    def options(self, path: str, **options: Any) -> requests.Response:
        return self.request("OPTIONS", path, **options)

    def admin(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request with the operator's token."""
        return self.request(method, path, headers={"X-Admin-Token": ADMIN_TOKEN}, **options)


class Platform:
    """A running ``python -m swell_target serve``."""

    def __init__(self, data: Path, *arguments: str, db: str = "", services: str = "") -> None:
        self.data = data
        command = [sys.executable, "-m", "swell_target", "serve", "--port-base", "0", "--data", str(data)]
        command += ["--db", db] if db else []
        command += ["--services", services] if services else []
        self.command = [*command, *arguments]
        self.stderr_path = data.parent / f"{data.name}-stderr.txt"
        self._clients: dict[str, Client] = {}

    def __enter__(self) -> Self:
        self.data.mkdir(parents=True, exist_ok=True)
        with self.stderr_path.open("wb") as stderr:
            self.process = subprocess.Popen(
                self.command, stdout=subprocess.PIPE, stderr=stderr, env=os.environ | ENVIRONMENT
            )
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], START_TIMEOUT_S)[0]:
            self.process.kill()
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.process.stdout.close()
            raise AssertionError(f"the platform did not start: {self.stderr}")
        self.hello = json.loads(line)
        self._clients = {name: Client(url) for name, url in self.hello["services"].items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            client.session.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def __getitem__(self, service: str) -> Client:
        return self._clients[service]

    @property
    def stderr(self) -> str:
        """What the operator has been told."""
        return self.stderr_path.read_text()

    @contextlib.contextmanager
    def faults(self, service: str, faults: list[dict[str, Any]]) -> Iterator[None]:
        """Set faults of a service, and take them away again."""
        response = self[service].admin("PUT", "/admin/faults", json={"faults": faults})
        assert response.status_code == 200, response.text
        try:
            yield
        finally:
            assert self[service].admin("DELETE", "/admin/faults").status_code == 204


def find_postgres() -> Path:
    """Where Debian keeps the server's programs, or where PATH does."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    assert initdb is not None, "PostgreSQL is missing: sh tools/system-packages.sh"
    return Path(initdb).parent


@contextlib.contextmanager
def postgres_cluster(directory: Path) -> Iterator[str]:
    """A new cluster in ``directory`` for as long as the context lasts; the URL of an empty database in it.

    PostgreSQL refuses to run as root, so root runs it as Debian's user for it.
    """
    programs = find_postgres()
    user = "postgres" if os.geteuid() == 0 else None
    # A Unix socket's path may have 107 bytes only, and the other user must be able to reach it.
    place = Path("/tmp") / f"swell-target-{os.getpid()}-{secrets.token_hex(3)}"
    place.mkdir(mode=0o755)
    if user:
        shutil.chown(place, user, user)
    cluster = place / "data"
    run = functools.partial(
        subprocess.run, user=user, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    try:
        run([programs / "initdb", "-D", cluster, "-U", "swell", "-A", "trust", "-E", "UTF8", "--no-sync"])
        log = (directory / "postgres.log").open("wb")
        server = subprocess.Popen(
            [programs / "postgres", "-D", cluster, "-k", place]
            + [f"-c{setting}" for setting in ("listen_addresses=", "fsync=off", "max_connections=300")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=user,
            cwd=place,
        )
        try:
            wait_for_postgres(programs, place, server)
            run([programs / "createdb", "-h", place, "-U", "swell", "swell_test"])
            yield f"postgresql://swell@/swell_test?host={place}"
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(60)
            log.close()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def create_database(url: str) -> str:
    """A new database in the cluster of ``url``; its URL."""
    name = f"swell_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    parts = urlsplit(url)
    return parts._replace(path=f"/{name}").geturl()


def wait_for_postgres(programs: Path, place: Path, server: "subprocess.Popen[bytes]") -> None:
    """Until it answers; pg_isready waits between its tries itself."""
    while server.poll() is None:
        done = subprocess.run(
            [programs / "pg_isready", "-q", "-h", place, "-t", "1"], check=False, capture_output=True
        )
        if done.returncode == 0:
            return
    raise AssertionError("PostgreSQL did not start")
