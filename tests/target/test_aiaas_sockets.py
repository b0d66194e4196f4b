"""AIaaS's WebSockets: one reply for each message, rooms, readers that do not read, peers that vanish."""

import asyncio
import json
import re
import socket
import struct
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from target_platform import Client, Platform
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

ORDER = "Hello, I need help with my order"
CONNECTIONS = 150
# Of 32 KB each: twice what the kernel's buffers of a connection grow to.
ANNOUNCEMENTS = 250
# However busy the machine is.
PATIENCE_S = 90


@pytest.fixture
def aiaas(target: Platform) -> Client:
    """The service."""
    return target["aiaas"]


@pytest.fixture
def tenant(aiaas: Client) -> str:
    """A fresh tenant."""
    name = f"tenant-{uuid.uuid4()}"
    assert aiaas.admin("POST", "/admin/tenants", json={"id": name}).status_code == 200
    return name


@pytest.fixture
def open_sockets() -> Iterator[ExitStack]:
    """Where connections are closed in the end."""
    with ExitStack() as stack:
        yield stack


def address(client: Client, tenant: str, session: str = "session_1", user: str = "user_1") -> str:
    """Where the scripts connect."""
    return f"{client.ws_url}/ws/chat?tenant_id={tenant}&user_id={user}&session_id={session}"


def chat(
    stack: ExitStack, client: Client, tenant: str, session: str = "session_1", user: str = "user_1"
) -> ClientConnection:
    """An open connection."""
    return stack.enter_context(
        connect(address(client, tenant, session, user), proxy=None, open_timeout=PATIENCE_S)
    )


def user_message(tenant: str, content: str = ORDER, timestamp: int = 1_700_000_000_000) -> str:
    """What the scripts send."""
    metadata = {"tenant_id": tenant, "user_id": "user_1", "session_id": "session_1"}
    message = {"type": "user_message", "content": content, "timestamp": timestamp, "metadata": metadata}
    return json.dumps(message)


def receive(connection: ClientConnection) -> dict[str, Any]:
    """The next frame, which has the three fields that the scripts check."""
    frame: dict[str, Any] = json.loads(connection.recv(timeout=PATIENCE_S))
    assert {"type", "content", "timestamp"} <= set(frame)
    assert isinstance(frame["timestamp"], int)
    return frame


def open_count(client: Client) -> int:
    """How many WebSockets the service has in its books."""
    text = client.get("/metrics").text
    found = re.search(r'^websocket_connections\{[^}]*service="aiaas"[^}]*\} (\S+)', text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def until_open(client: Client, count: int) -> bool:
    """Whether it comes to that many."""
    deadline = time.monotonic() + PATIENCE_S
    while open_count(client) != count:
        if time.monotonic() > deadline:
            return False
    return True


# --- The scripts' flow ------------------------------------------------------------------------------------


def test_each_message_gets_one_agent_response(aiaas: Client, tenant: str, open_sockets: ExitStack) -> None:
    """Nothing comes unasked; the reply names what it answers; a follow-up gets its own; all is kept."""
    connection = chat(open_sockets, aiaas, tenant)
    for number in range(3):
        connection.send(user_message(tenant, timestamp=number))
        frame = receive(connection)
        assert (frame["type"], frame["metadata"]["in_reply_to"]) == ("agent_response", number)
        assert frame["metadata"]["intent"] == "order"
    connection.send(json.dumps({"type": "ping"}))
    assert receive(connection)["type"] == "pong"
    history = aiaas.get("/chat/history?session_id=session_1", headers={"X-Tenant-ID": tenant}).json()
    assert [one["role"] for one in history["messages"]] == ["user", "agent"] * 3


def test_150_connections_lose_nothing(aiaas: Client, tenant: str) -> None:
    """All are open at once, and each of their messages is answered, in order."""

    async def use(number: int, everybody: asyncio.Barrier) -> list[int]:
        url = address(aiaas, tenant, f"session_{number}", f"user_{number}")
        async with connect_async(url, proxy=None, open_timeout=PATIENCE_S) as connection:
            await everybody.wait()
            for sent in range(2):
                await connection.send(user_message(tenant, timestamp=sent))
            frames = [json.loads(await connection.recv()) for _ in range(2)]
            await everybody.wait()
        return [frame["metadata"]["in_reply_to"] for frame in frames if frame["type"] == "agent_response"]

    async def run() -> list[list[int]]:
        everybody = asyncio.Barrier(CONNECTIONS)
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.gather(*(use(number, everybody) for number in range(CONNECTIONS)))

    assert asyncio.run(run()) == [[0, 1]] * CONNECTIONS
    usage = aiaas.get("/billing/usage", headers={"X-Tenant-ID": tenant}).json()
    assert usage["usage"]["messages"] == 2 * CONNECTIONS


def test_the_plain_socket_answers_each_message_once(
    aiaas: Client, tenant: str, open_sockets: ExitStack
) -> None:
    """The further scripts' connection: one reply each, for a wrong message an error."""
    connection = open_sockets.enter_context(
        connect(f"{aiaas.ws_url}/ws/{tenant}", proxy=None, open_timeout=PATIENCE_S)
    )
    sent = [json.dumps({"message": "hi", "user_id": "u", "timestamp": 1.5}), "{", '{"message": ""}']
    for text in sent:
        connection.send(text)
    frames = [receive(connection) for _ in sent]
    assert [frame["type"] for frame in frames] == ["agent_response", "error", "error"]
    assert (frames[0]["response"], frames[0]["metadata"]["in_reply_to"]) == (frames[0]["content"], 1.5)


# --- Rooms and announcements ------------------------------------------------------------------------------


def test_a_session_s_other_connections_hear_both_sides(
    aiaas: Client, tenant: str, open_sockets: ExitStack
) -> None:
    """As ``session_message``, never as ``agent_response``; another session hears nothing."""
    asking, watching = (chat(open_sockets, aiaas, tenant) for _ in range(2))
    stranger = chat(open_sockets, aiaas, tenant, session="session_2")
    asking.send(json.dumps({"type": "typing"}))
    assert receive(watching)["type"] == "typing"
    asking.send(user_message(tenant))
    reply = receive(asking)
    heard = [receive(watching) for _ in range(2)]
    assert [(one["type"], one["role"]) for one in heard] == [
        ("session_message", "user"),
        ("session_message", "agent"),
    ]
    assert [one["content"] for one in heard] == [ORDER, reply["content"]]
    for quiet in (asking, stranger):
        quiet.send(json.dumps({"type": "ping"}))
        assert receive(quiet)["type"] == "pong"


def test_an_announcement_reaches_the_tenant_s_connections(
    aiaas: Client, tenant: str, open_sockets: ExitStack
) -> None:
    """All sessions of it, and of no other tenant."""
    own = [chat(open_sockets, aiaas, tenant, session=f"session_{number}") for number in range(5)]
    other = chat(open_sockets, aiaas, "tenant_001")
    sent = aiaas.post("/chat/broadcast", json={"content": "news"}, headers={"X-Tenant-ID": tenant})
    assert sent.status_code == 202
    assert [(one["type"], one["content"]) for one in map(receive, own)] == [("broadcast", "news")] * 5
    other.send(json.dumps({"type": "ping"}))
    assert receive(other)["type"] == "pong"


def test_announcements_cross_processes(data: Any) -> None:
    """With several processes every connection hears everything, wherever it is."""
    with Platform(data, "--processes", "2", services="aiaas") as platform, ExitStack() as stack:
        client = platform["aiaas"]
        readers = [chat(stack, client, "tenant_001", session=f"session_{n}") for n in range(12)]
        client.post("/chat/broadcast", json={"content": "news"}, headers={"X-Tenant-ID": "tenant_001"})
        assert [receive(reader)["content"] for reader in readers] == ["news"] * 12


# --- Readers that do not read, and peers that vanish ------------------------------------------------------


def deaf(client: Client, tenant: str) -> socket.socket:
    """A connection with a tiny buffer that nobody reads, as a k6 script that sleeps in its callback."""
    host, port = urlsplit(client.url).netloc.split(":")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    raw.settimeout(PATIENCE_S)
    raw.connect((host, int(port)))
    path = urlsplit(address(client, tenant, "session_deaf"))
    raw.sendall(
        f"GET {path.path}?{path.query} HTTP/1.1\r\nHost: {host}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert raw.recv(12) == b"HTTP/1.1 101"
    return raw


def test_a_slow_reader_blocks_nobody(aiaas: Client, tenant: str, open_sockets: ExitStack) -> None:
    """Far more than its buffers hold is announced: the others hear all of it in order, and chat goes on."""
    raw = deaf(aiaas, tenant)
    open_sockets.callback(raw.close)
    reader = chat(open_sockets, aiaas, tenant)
    text = "\N{GRINNING FACE}" * 7_900
    for number in range(ANNOUNCEMENTS):
        body = {"content": f"{number} {text}"}
        aiaas.post("/chat/broadcast", json=body, headers={"X-Tenant-ID": tenant})
    heard = [int(receive(reader)["content"].split()[0]) for _ in range(ANNOUNCEMENTS)]
    assert heard == list(range(ANNOUNCEMENTS))
    reader.send(user_message(tenant))
    assert receive(reader)["type"] == "agent_response"


def test_a_reset_is_a_normal_end(aiaas: Client, tenant: str) -> None:
    """A message, no reading, then a TCP reset: the books are closed, and nothing is told to the operator."""
    assert until_open(aiaas, 0)
    raw = deaf(aiaas, tenant)
    assert until_open(aiaas, 1)
    payload = user_message(tenant).encode()
    mask = b"\0\0\0\0"
    raw.sendall(b"\x81" + struct.pack(">BH", 0x80 | 126, len(payload)) + mask + payload)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    assert until_open(aiaas, 0)


def test_closing_as_k6_does_is_a_normal_end(aiaas: Client, tenant: str) -> None:
    """Code 1001 with an unread reply."""
    assert until_open(aiaas, 0)
    with ExitStack() as stack:
        connection = chat(stack, aiaas, tenant)
        connection.send(user_message(tenant))
        connection.close(code=1001)
    assert until_open(aiaas, 0)


def test_nothing_was_told_to_the_operator(target: Platform, aiaas: Client, tenant: str) -> None:
    """Whatever clients do to their connections is no error of the platform's."""
    test_a_reset_is_a_normal_end(aiaas, tenant)
    assert "WebSocket" not in target.stderr


# --- Refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ws/chat", 400),
        ("/ws/chat?tenant_id=nobody&user_id=u&session_id=s", 404),
        ("/ws/chat?tenant_id=tenant_suspended", 402),
        (f"/ws/chat?tenant_id=tenant_001&user_id={'u' * 200}", 400),
        ("/ws/chat?tenant_id=tenant_001&user_id=a%00b", 400),
        ("/ws/nobody", 404),
        ("/ws/tenant_suspended", 402),
        ("/nothing", 404),
    ],
)
def test_a_wrong_handshake_is_refused_with_http(aiaas: Client, path: str, status: int) -> None:
    """The right status, and JSON."""
    with pytest.raises(InvalidStatus) as caught, connect(aiaas.ws_url + path, proxy=None):
        pass
    response = caught.value.response
    assert (response.status_code, type(json.loads(response.body)["error"])) == (status, str)


def test_the_readme_s_handshake_is_answered(aiaas: Client) -> None:
    """``Sec-WebSocket-Key: test`` is no key: 400, at once."""
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    headers = upgrade | {"Sec-WebSocket-Key": "test", "Sec-WebSocket-Version": "13"}
    assert aiaas.get("/ws/chat", headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "malformed"),
        ('"text"', "malformed"),
        ('{"content": "x"}', "malformed"),
        ('{"type": "user_message"}', "malformed"),
        ('{"type": "user_message", "content": "a\\u0000b"}', "malformed"),
        ('{"type": "dance", "content": "x"}', "unknown_type"),
        ('{"type": "user_message", "content": "x", "metadata": {"tenant_id": "other"}}', "wrong_tenant"),
    ],
)
def test_a_wrong_message_gets_an_error_and_the_connection_stays(
    aiaas: Client, tenant: str, open_sockets: ExitStack, text: str, code: str
) -> None:
    """An ``error`` frame with a code; the next message is answered."""
    connection = chat(open_sockets, aiaas, tenant)
    connection.send(text)
    frame = receive(connection)
    assert (frame["type"], frame["code"]) == ("error", code)
    connection.send(user_message(tenant))
    assert receive(connection)["type"] == "agent_response"


def test_the_quota_holds_on_a_connection_too(aiaas: Client, tenant: str, open_sockets: ExitStack) -> None:
    """The last message of the plan is answered, the next is an error."""
    aiaas.admin("POST", "/admin/tenants", json={"id": tenant, "plan": "free"})
    used = {"metric": "messages", "quantity": 49}
    aiaas.post("/billing/usage", json=used, headers={"X-Tenant-ID": tenant})
    connection = chat(open_sockets, aiaas, tenant)
    for wanted in ("agent_response", "error"):
        connection.send(user_message(tenant))
        frame = receive(connection)
        assert frame["type"] == wanted
    assert frame["code"] == "quota_exceeded"


# --- Faults on demand -------------------------------------------------------------------------------------


def test_messages_can_be_lost_on_demand(
    target: Platform, aiaas: Client, tenant: str, open_sockets: ExitStack
) -> None:
    """The reply is kept in the history and never arrives."""
    connection = chat(open_sockets, aiaas, tenant)
    with target.faults("aiaas", [{"type": "lose_chat"}]):
        connection.send(user_message(tenant))
        connection.send(json.dumps({"type": "ping"}))
        assert receive(connection)["type"] == "pong"
    history = aiaas.get("/chat/history", headers={"X-Tenant-ID": tenant}).json()["messages"]
    assert len(history) == 2


def test_connections_can_be_made_slow_or_refused_on_demand(target: Platform, aiaas: Client) -> None:
    """The handshake has a name of its own."""
    with target.faults("aiaas", [{"type": "errors", "endpoint": "chat_socket", "rate": 1, "status": 503}]):
        with pytest.raises(InvalidStatus) as caught, connect(address(aiaas, "tenant_001"), proxy=None):
            pass
        assert caught.value.response.status_code == 503
        assert aiaas.get("/healthz").status_code == 200


def test_disconnects_can_be_slow_on_demand(target: Platform, aiaas: Client, tenant: str) -> None:
    """A connection that its client closed stays in the books for a while."""
    assert until_open(aiaas, 0)
    with target.faults("aiaas", [{"type": "slow_disconnect", "ms": 2_000}]):
        with ExitStack() as stack:
            chat(stack, aiaas, tenant)
            assert until_open(aiaas, 1)
        assert open_count(aiaas) == 1
        assert until_open(aiaas, 0)
