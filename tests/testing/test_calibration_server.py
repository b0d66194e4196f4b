"""The calibration server: what it says it did is what a client sees, and what its profiles ask for."""

import http.client
import select
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from swell.testing import calibration
from swell.testing.calibration import CalibrationServer, exact_percentiles
from swell.testing.profiles import BODY, PROFILES, Profile
from swell.testing.selfsigned import self_signed_pem

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="epoll and kernel stamps are Linux's")


@pytest.fixture(scope="module")
def server() -> Iterator[CalibrationServer]:
    """One process for all tests; each takes what it caused."""
    with CalibrationServer() as running:
        yield running


def get(url: str, times: int = 1) -> list[bytes]:
    """Bodies of requests on one connection."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    if parts.scheme == "https":
        context = ssl._create_unverified_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, context=context, timeout=60
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    bodies = []
    for _ in range(times):
        connection.request("GET", parts.path)
        bodies.append(connection.getresponse().read())
    connection.close()
    return bodies


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", PROFILES)
def test_each_profile_answers_no_sooner_than_it_says(
    server: CalibrationServer, scheme: str, name: str
) -> None:
    """The whole body comes, and the server's own figures are at least the injected times."""
    server.take()
    base = server.url if scheme == "http" else server.https_url
    assert get(f"{base}{name}", 2) == [BODY, BODY]
    (taken,) = server.take().values()
    profile = PROFILES[name]
    assert taken.count == 2
    assert taken.duration[0] >= profile.usual[-1] / 1e6
    assert taken.waiting[0] >= profile.usual[0] / 1e6
    if len(profile.usual) > 1:
        assert taken.receiving[0] > 0


def test_what_was_taken_is_not_told_again(server: CalibrationServer) -> None:
    """Each run at the server is its own."""
    get(f"{server.url}fixed")
    server.take()
    assert server.take() == {}


def test_what_it_does_not_know_ends_the_connection(server: CalibrationServer) -> None:
    """No profile of that name, no answer, and the server goes on."""
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        get(f"{server.url}unknown")
    assert get(f"{server.url}fixed") == [BODY]
    server.take()


def test_rare_answers_have_their_exact_share() -> None:
    """Of each whole number of requests so many are rare, evenly spread."""
    rare = PROFILES["rare"]
    assert sum(rare.plan(number) == rare.rare for number in range(9_000)) == 100
    bimodal = PROFILES["bimodal"]
    assert sum(bimodal.plan(number) == bimodal.rare for number in range(1_000)) == 300


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_pieces_and_times_belong_together(profile: Profile) -> None:
    """One piece per time, and together they are the answer."""
    assert len(profile.pieces()) == len(profile.usual)
    assert not profile.rare or len(profile.rare) == len(profile.usual)
    assert b"".join(profile.pieces()).endswith(b"\r\n\r\n" + BODY)
    assert list(profile.usual) == sorted(profile.usual)


def test_percentiles_interpolate_between_ranks() -> None:
    """As k6's do, from nanoseconds to milliseconds."""
    from array import array  # noqa: PLC0415

    values = array("q", [ms * 1_000_000 for ms in range(1, 102)])
    assert exact_percentiles(values) == (51.0, 96.0, 100.0)
    assert exact_percentiles(array("q", [5_000_000])) == (5.0, 5.0, 5.0)


def test_a_server_that_cannot_start_says_so() -> None:
    """A core that is not there is an error of the process, not a hang."""
    with pytest.raises(RuntimeError, match="did not start"), CalibrationServer(core=100_000):
        pass


def test_the_certificate_is_a_certificate(tmp_path: Path) -> None:
    """Python's own TLS verifies it by itself as authority, for its name and address; so does openssl."""
    path = tmp_path / "server.pem"
    path.write_text(self_signed_pem("localhost"))
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(path)
    client_context = ssl.create_default_context(cafile=str(path))
    for name in ("localhost", "127.0.0.1"):
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
        server = server_context.wrap_bio(to_server, to_client, server_side=True)
        for side in (client, server, client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
        assert client.getpeercert() != {}
    openssl = shutil.which("openssl")
    if openssl is not None:
        check = subprocess.run([openssl, "verify", "-CAfile", path, path], capture_output=True, check=False)
        assert check.returncode == 0, check.stderr


def test_a_connection_that_ended_since_it_was_listed_is_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load generator that leaves by the thousand must not make the server wait for its standard input."""
    unknown, stdin = 9_999, 0
    listed = iter([[(unknown, select.EPOLLIN)], [(stdin, select.EPOLLIN)]])
    polls: list[float] = []

    class Polling:
        """Lists what is ready, without any kernel."""

        def register(self, fd: int, events: int) -> None:
            """Nothing is watched."""

        def poll(self, timeout: float) -> list[tuple[int, int]]:
            """The next of the lists."""
            polls.append(timeout)
            return next(listed)

    monkeypatch.setattr("swell.testing.calibration.select.epoll", Polling)
    monkeypatch.setattr("swell.testing.calibration.os.read", lambda _fd, _size: b"")
    server = calibration._Server(calibration._context())
    monkeypatch.setattr(server, "_wait", lambda: None)
    server.serve()
    for listener, _ in server._listeners.values():
        listener.close()
    assert len(polls) == 2
