"""Connections over real sockets: what servers really send, close, reset, delay; http and https."""

import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from swell.engine.vu import IterationInterrupted
from swell.metrics.samples import NEW_CONNECTION, STAMPED
from swell.net import failure
from swell.net.transport import HAS_KERNEL_STAMPS
from swell.testing.raw import (
    RawServer,
    close,
    half_close,
    never_answer,
    request,
    reset,
    response,
    send,
    send_bytewise,
)
from swell.testing.server import EchoServer

OK = response(b"hello")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
# However busy the machine is.
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    """A real server on both schemes."""
    with EchoServer(tls=True) as server:
        yield server


ANSWERS = [
    ("whole", [send(OK)], 200, b"hello", 0),
    ("byte by byte", [send_bytewise(OK)], 200, b"hello", 0),
    ("chunked", [send(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n")], 200, b"hello", 0),
    ("close-delimited", [send(b"HTTP/1.1 200 OK\r\n\r\nhello"), close()], 200, b"hello", 0),
    ("half close", [send(b"HTTP/1.0 200 OK\r\n\r\nhello"), half_close()], 200, b"hello", 0),
    ("junk behind", [send(OK + b"junk")], 200, b"hello", 0),
    ("continue first", [send(b"HTTP/1.1 100 Continue\r\n\r\n", OK)], 200, b"hello", 0),
    ("204", [send(b"HTTP/1.1 204 No Content\r\n\r\n")], 204, b"", 0),
    ("truncated", [send(OK[:-2]), close()], 0, b"", failure.TRUNCATED_BODY),
    ("truncated head", [send(OK[:10]), close()], 0, b"", failure.TRUNCATED_BODY),
    ("reset in the body", [send(OK[:-2]), reset()], 0, b"", failure.RESET),
    ("no answer", [close()], 0, b"", failure.CLOSED),
    ("garbage", [send(b"220 smtp.example ESMTP\r\n")], 0, b"", failure.MALFORMED_RESPONSE),
    (
        "tls on plain",
        [send(b"\x15\x03\x01\x00\x02\x02\x28"), never_answer()],
        0,
        b"",
        failure.MALFORMED_RESPONSE,
    ),
]


@pytest.mark.parametrize(
    ("actions", "status", "body", "code"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS]
)
def test_whatever_a_server_sends_is_a_response_or_a_code(
    bench: Callable, actions: list, status: int, body: bytes, code: int
) -> None:
    """Each case ends in the response or the error code it must have."""
    with RawServer([[request(), *actions]]) as server:
        made = bench()
        # POST: it is never sent again by itself, so each request is one connection's script.
        answer = made.client.request("POST", server.url)
        assert (answer.status_code, answer.content, answer.error_code) == (status, body, code)
        assert bool(answer.error) == bool(code)


@pytest.mark.parametrize("ending", [close, reset])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_end_that_the_hub_has_not_seen_is_no_failure(
    bench: Callable, method: str, ending: Callable
) -> None:
    """A kept connection that the server ended while the hub did not turn is replaced, for a POST too."""
    made = bench()
    with RawServer([[request(), send(OK), ending()], [request(), send(OK), never_answer()]]) as server:
        made.client.request("GET", server.url)
        # Without the hub: as in a worker that computes while the server's time for idle connections is over.
        (idle,) = made.client._idle[("http", "127.0.0.1", server.port)]
        assert select.select([idle._socket], [], [], PATIENCE_S)[0]
        time.sleep(0.2)
        assert not idle.is_dead
        answer = made.client.request(method, server.url)
        assert (answer.status_code, answer.error) == (200, "")


def test_refused_and_unresolved_have_k6s_codes(bench: Callable) -> None:
    """Nothing listens: 1212; no such name: 1101."""
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        port = placeholder.getsockname()[1]
        made = bench(block_hostnames=("*.blocked.example",))
        assert made.client.request("GET", f"http://127.0.0.1:{port}/").error_code == failure.REFUSED
    assert made.client.request("GET", "http://a.blocked.example/").error_code == failure.BLOCKED_HOSTNAME


def test_a_server_that_never_answers_times_out(bench: Callable) -> None:
    """The timeout covers the whole exchange; the code is 1050 and the wait is in the record."""
    with RawServer([[request(), never_answer()]]) as server:
        made = bench()
        answer = made.client.request("GET", server.url, timeout=0.5)
        (record,) = made.records()
    assert (answer.status_code, answer.error_code, answer.error) == (0, 1050, "request timeout")
    assert record["waiting_ns"] > record["receiving_ns"] == 0


def test_a_slow_body_does_not_outlive_the_timeout(bench: Callable) -> None:
    """A server that stops in the middle of the body costs the timeout, not more."""
    with RawServer([[request(), send(OK[:-1]), never_answer()]]) as server:
        assert bench().client.request("GET", server.url, timeout=0.5).error_code == 1050


def test_a_later_request_has_its_own_timeout_on_the_same_connection(bench: Callable) -> None:
    """The connection's one timer follows the deadline of the request that runs."""
    script = [request(), send(OK), request(), never_answer()]
    with RawServer([script]) as server:
        made = bench()
        assert made.client.request("POST", server.url, timeout=60).status_code == 200
        assert made.client.request("POST", server.url, timeout=0.5).error_code == 1050
        assert len(server.connections) == 1


def test_an_idle_connection_that_the_server_closes_is_replaced(bench: Callable) -> None:
    """The hub notices the close, no sleeping VU is woken, and the next request goes over a new connection."""
    with RawServer([[request(), send(OK), close()], [request(), send(OK), never_answer()]]) as server:
        made = bench()
        assert made.client.request("POST", server.url).status_code == 200
        idle = made.client._idle[("http", "127.0.0.1", server.port)][0]
        while not idle.is_dead:
            gevent.sleep(0)
        assert made.client.request("POST", server.url).status_code == 200
        assert len(server.connections) == 2


def test_other_vus_go_on_while_one_waits(bench: Callable) -> None:
    """A request that hangs holds up nobody: another one on the same hub is answered meanwhile."""
    with RawServer([[request(), never_answer()]]) as hanging, RawServer([[request(), send(OK)]]) as server:
        made, other = bench(), bench()
        stuck = gevent.spawn(made.client.request, "GET", hanging.url)
        assert other.client.request("GET", server.url).status_code == 200
        assert not stuck.ready()
        stuck.kill()


def test_an_interrupted_exchange_leaves_no_record_but_its_bytes(bench: Callable) -> None:
    """k6: no http sample for what was in flight; the bytes still count; the connection is not reused."""
    with RawServer([[request(), never_answer()]]) as server:
        made = bench()
        greenlet = gevent.spawn(made.client.request, "GET", server.url)
        while not server.connections or not server.connections[0].received:
            gevent.sleep(0.001)
        greenlet.kill(IterationInterrupted)
        http, samples = made.recorder.take()
        assert (len(http), len(samples)) == (0, 24)
        assert made.registry.series_key(0)[0] == "data_sent"
        assert made.client._idle.get(("http", "127.0.0.1", server.port), []) == []


def test_a_large_upload_survives_a_full_socket(bench: Callable, echo: EchoServer) -> None:
    """8 MB do not fit the socket's buffer; they arrive whole, on both schemes."""
    body = os.urandom(1 << 20) * 8
    made = bench(tls_ca=echo.ca_pem)
    for url in (echo.url, echo.https_url):
        answer = made.client.request("POST", f"{url}/upload", content=body)
        assert answer.status_code == 200
        assert str(len(body)) in answer.text


def test_a_server_that_answers_early_is_heard(bench: Callable) -> None:
    """413 before the upload is over ends the sending; the response stands."""
    too_large = response(status="413 Content Too Large", headers=["Connection: close"])

    def pieces() -> Iterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 65536

    with RawServer(
        [[lambda connection: connection.read_some() or None, send(too_large), never_answer()]]
    ) as server:
        answer = bench().client.request("POST", server.url, content=pieces(), timeout=60)
        assert answer.status_code == 413


@pytest.mark.skipif(not HAS_KERNEL_STAMPS, reason="kernel receive stamps exist on Linux only")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_receive_stamps_are_the_kernels_on_both_schemes(
    bench: Callable, echo: EchoServer, scheme: str
) -> None:
    """The record says STAMPED, and the gap to user space is not negative."""
    made = bench(tls_ca=echo.ca_pem)
    url = echo.url if scheme == "http" else echo.https_url
    for _ in range(3):
        assert made.client.request("GET", f"{url}/get").status_code == 200
    records = made.records()
    # The first segment of a machine's first stamped connection may come without a stamp.
    assert all(row["flags"] & STAMPED for row in records[1:])
    assert all(row["gap_ns"] >= 0 for row in records)
    assert [bool(row["flags"] & NEW_CONNECTION) for row in records] == [True, False, False]


def test_a_stalled_generator_does_not_lengthen_the_targets_time(bench: Callable, echo: EchoServer) -> None:
    """The answer lies in the kernel while this process is busy: the wait is the gap's, not the target's."""
    made = bench()
    made.client.request("GET", f"{echo.url}/get")
    made.records()
    (idle,) = next(iter(made.client._idle.values()))
    busy = gevent.spawn(_burn, idle._socket, time.monotonic())
    made.client.request("GET", f"{echo.url}/get")
    busy.join()
    (record,) = made.records()
    assert record["gap_ns"] > 2 * (record["waiting_ns"] + record["receiving_ns"])


def _burn(answered: socket.socket, begun_s: float) -> None:
    """Keep the hub until there is an answer, and then three times as long as that took."""
    assert select.select([answered], [], [], PATIENCE_S)[0]
    there_s = time.monotonic()
    while time.monotonic() < there_s + 3 * (there_s - begun_s):
        pass


def test_tls_is_verified(bench: Callable, echo: EchoServer) -> None:
    """An unknown authority is 1310, a plain port 1301; insecure_skip_tls_verify lets both names pass."""
    url = f"{echo.https_url}/get"
    assert bench().client.request("GET", url).error_code == failure.UNKNOWN_AUTHORITY
    refusing = [lambda connection: connection.read_some() or None, send(response(status="400 Bad Request"))]
    with RawServer([refusing]) as server:
        plain = server.url.replace("http:", "https:")
        assert bench().client.request("GET", plain).error_code == failure.NOT_TLS
    trusting = bench(tls_ca=echo.ca_pem)
    answer = trusting.client.request("GET", url)
    assert (answer.status_code, answer.tls_version) == (200, "tls1.3")
    assert trusting.records()[0]["tags"]["tls_version"] == "tls1.3"
    assert bench(insecure_skip_tls_verify=True).client.request("GET", url).status_code == 200


def test_a_certificate_for_another_host_is_refused(bench: Callable) -> None:
    """Hostname mismatch is 1311."""
    with EchoServer(tls=True, hosts=("other.example",)) as server:
        made = bench(tls_ca=server.ca_pem)
        assert made.client.request("GET", f"{server.https_url}/get").error_code == failure.HOSTNAME_MISMATCH


def test_the_final_dot_of_a_name_is_no_part_of_a_certificate(bench: Callable) -> None:
    """https://name./ is the same host; the Host header keeps the dot, as with Go and curl."""
    with EchoServer(tls=True, hosts=("other.example",)) as server:
        port = int(server.https_url.rpartition(":")[2])
        made = bench(tls_ca=server.ca_pem, hosts={"other.example.": f"127.0.0.1:{port}"})
        answer = made.client.request("GET", "https://other.example./get")
        assert (answer.error, answer.status_code) == ("", 200)
        assert answer.json()["headers"]["Host"] == "other.example."


def test_hosts_are_overridden(bench: Callable, echo: EchoServer) -> None:
    """The option sends a made-up name to a real address; the Host header keeps the name."""
    port = int(echo.url.rpartition(":")[2])
    made = bench(hosts={"shop.example": f"127.0.0.1:{port}"})
    answer = made.client.request("GET", "http://shop.example/get")
    assert answer.status_code == 200
    assert answer.json()["headers"]["Host"] == ["shop.example"] or "shop.example" in answer.text
    assert (answer.remote_ip, answer.remote_port) == ("127.0.0.1", port)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_compressed_answers_are_decoded(bench: Callable, echo: EchoServer, encoding: str) -> None:
    """All four encodings, decoded without being asked for."""
    answer = bench().client.request("GET", f"{echo.url}/{encoding}")
    assert answer.headers["content-encoding"] == encoding
    assert answer.json()


def test_no_descriptor_is_left_behind(bench: Callable) -> None:
    """A hundred failing exchanges of all kinds leave as many open files as before."""
    scripts = [[request(), *case[1]] for case in ANSWERS]
    with RawServer(scripts) as server:
        made = bench()
        for _ in ANSWERS:
            made.client.request("POST", server.url)
        made.client.close()
        before = len(list(Path("/proc/self/fd").iterdir()))
    with RawServer(scripts * 7) as server:
        for _ in range(7 * len(ANSWERS)):
            made.client.request("POST", server.url)
            made.client.close()
        server.close()
        while any(connection.sock.fileno() >= 0 for connection in server.connections):
            gevent.sleep(0.001)
        assert len(list(Path("/proc/self/fd").iterdir())) <= before
