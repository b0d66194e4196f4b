"""A WebSocket server that does what its clients tell it to, for the tests of k6's two modules."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import gevent
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

# Clients that leave in the middle are what the tests are about.
SILENT = logging.Logger("websocket target", level=logging.CRITICAL + 1)
LINGER = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # struct linger: on, for no time


def answer(connection: ServerConnection, request: Request) -> Response | None:
    """Refuse the upgrade where the path says so: ``/refuse/404``."""
    if request.path.startswith("/refuse/"):
        status = HTTPStatus(int(request.path.removeprefix("/refuse/")))
        made = connection.respond(status, f"refused with {status.value}")
        made.headers["X-Why"] = "asked to"
        return made
    return None


def decorate(_connection: ServerConnection, request: Request, response: Response) -> None:
    """Set a cookie where the path says so."""
    if request.path.startswith("/cookie") and response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
        response.headers["Set-Cookie"] = "sid=abc; Path=/"


def handle(connection: ServerConnection) -> None:
    """Greet where the path says so; then do what each text says, and echo what says nothing."""
    request = connection.request
    assert request is not None
    try:
        if request.path.startswith("/greet"):
            for text in ("one", "two", "three"):
                connection.send(text)
        for message in connection:
            obey(connection, request, message)
    except ConnectionClosed:
        pass


def obey(connection: ServerConnection, request: Request, message: str | bytes) -> None:
    """Do what ``message`` says."""
    match message.split(" ") if isinstance(message, str) else []:
        case ["close", code, *reason]:
            connection.close(int(code), " ".join(reason))
        case ["close"]:
            connection.socket.sendall(b"\x88\x00")
        case ["cut"]:
            connection.socket.shutdown(socket.SHUT_RDWR)
        case ["reset"]:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            connection.socket.close()
        case ["binary"]:
            connection.send(b"\x01\x02\x03")
        case ["ping"]:
            connection.ping(b"p")
        case ["headers"]:
            wanted = ("cookie", "x-case", "sec-websocket-protocol", "sec-websocket-extensions")
            found = {name: request.headers.get_all(name) for name in wanted}
            connection.send(json.dumps({name: values for name, values in found.items() if values}))
        case _:
            connection.send(message)


@contextmanager
def websocket_target() -> Iterator[str]:
    """The server on a thread; gives its URL."""
    server = serve(
        handle,
        "127.0.0.1",
        0,
        process_request=answer,
        process_response=decorate,
        subprotocols=["chat", "json"],
        select_subprotocol=lambda _connection, offered: next(
            (name for name in offered if name in {"chat", "json"}), None
        ),
        close_timeout=0.1,
        server_header=None,
        logger=SILENT,
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
    # On a thread: it waits for the clients to close, which the hub does.
    gevent.get_hub().threadpool.apply(server.shutdown)
