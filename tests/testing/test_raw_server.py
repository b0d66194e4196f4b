"""The byte-script server does what its scripts say, and ends when told."""

import contextlib
import socket

import pytest

from swell.testing.raw import (
    RawServer,
    close,
    half_close,
    never_answer,
    pause,
    request,
    reset,
    response,
    send,
    send_bytewise,
    tls_garbage,
)

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


def connect(server: RawServer) -> socket.socket:
    """A plain connection to it."""
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_all(sock: socket.socket) -> bytes:
    """Everything until the other end closes."""
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def test_pieces_and_requests():
    """Requests are awaited whole, bodies included, and what was received is kept."""
    post = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    chunked = b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    script = [
        request(),
        send(b"a", b"b"),
        request(),
        send_bytewise(b"cd"),
        request(),
        pause(0),
        send(b"e"),
        close(),
    ]
    with RawServer([script]) as server, connect(server) as sock:
        for byte in post + chunked:
            sock.send(bytes([byte]))
        sock.sendall(GET)
        assert read_all(sock) == b"abcde"
        assert bytes(server.connections[0].received) == post + chunked + GET
        assert server.url == f"http://127.0.0.1:{server.port}"


def test_each_connection_has_its_script():
    """The n-th connection plays the n-th script, later ones the last."""
    with RawServer([[send(b"1")], [send(b"2")]]) as server:
        answers = []
        for _ in range(3):
            with connect(server) as sock:
                answers.append(read_all(sock))
        assert answers == [b"1", b"2", b"2"]


def test_reset():
    """A reset is seen as one."""
    with RawServer([[request(), reset()]]) as server, connect(server) as sock:
        sock.sendall(GET)
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_half_close_still_reads():
    """The end of one direction is no end of the other."""
    with RawServer([[send(b"x"), half_close()]]) as server:
        with connect(server) as sock:
            assert read_all(sock) == b"x"
            sock.sendall(GET)
            sock.shutdown(socket.SHUT_WR)
        connection = server.connections[0]
    assert bytes(connection.received) in (GET, b"")  # closing may come before the last read


def test_never_answer_ends_with_the_server():
    """A connection that hangs is ended by leaving the server."""
    with RawServer([[never_answer()]]) as server:
        sock = connect(server)
        sock.sendall(GET)
    with sock, contextlib.suppress(ConnectionResetError):
        assert sock.recv(1) == b""
    server.close()


def test_tls_garbage():
    """A hello is answered with what is no TLS."""
    with RawServer([[tls_garbage()]]) as server, connect(server) as sock:
        sock.sendall(b"\x16\x03\x01hello")
        assert read_all(sock).startswith(b"HTTP/1.1 400")


def test_response():
    """A proper response to cut and mangle."""
    assert (
        response(b"hi", status="201 Made", headers=["X: y"])
        == b"HTTP/1.1 201 Made\r\nContent-Length: 2\r\nX: y\r\n\r\nhi"
    )
