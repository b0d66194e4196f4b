"""Service time and response time: what a stall of the target looks like under an arrival rate."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from swell.base.errors import ExitCode
from swell.metrics.snapshot import Snapshot, TrendValue
from swell.testing.certificates import Authority
from swell.testing.cli import CLIResult

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
STALL_S = 0.8
STALLED = 20

SCRIPT = """
from swell import env, http

options = {
    "scenarios": {"rate": {"executor": "constant-arrival-rate", "rate": 50, "duration": "1500ms",
                           "pre_allocated_vus": 80}},
    "insecure_skip_tls_verify": True,
    "no_vu_connection_reuse": True,
}

def default():
    http.get(env.STALLING, name="/")
"""


def serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    """One connection after the other; before one of them the server does nothing for a while."""
    for number in range(1_000_000):
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        if number == STALLED:
            time.sleep(STALL_S)
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(ANSWER)


@pytest.fixture
def stalling() -> Iterator[str]:
    """The URL of a server with one thread, which stalls once, before a handshake."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        thread = threading.Thread(target=serve, args=(listener, Authority().server_context()))
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def values(snapshot: Snapshot, name: str) -> TrendValue:
    """A trend of the run."""
    state = snapshot.metric(name)
    assert state is not None
    assert isinstance(state.value, TrendValue)
    return state.value


def test_a_stall_is_in_the_response_time(
    run: Callable[..., CLIResult], tmp_path: Path, stalling: str
) -> None:
    """Requests are served quickly once they are sent; those who came during the stall waited all the same.

    The stall lies before the handshakes, so that no request was on its way: the service time
    (http_req_duration) knows nothing of it, the response time counts from when each request was due.
    """
    result = run(SCRIPT, "-q", "-e", f"STALLING={stalling}")
    assert result.exit_code == ExitCode.OK, result.stderr
    (path,) = tmp_path.glob("swell-results/*/snapshot.json")
    snapshot = msgspec.json.decode(path.read_bytes(), type=Snapshot)
    service = values(snapshot, "http_req_duration").histogram
    response = values(snapshot, "http_req_response_time").histogram
    # No sample is invented: one of each per request.
    assert service.count == response.count
    # The one who met the stall waited for all of it, and whoever came in the meantime for the rest of it.
    assert response.max >= STALL_S * 1000
    assert service.max < response.max
    assert service.percentile(75) < response.percentile(75) / 2
    assert "RESPONSE TIME  iterations start at a rate" in result.stdout
