"""WWMAA's chat: what one says all hear, and a slow or vanished reader disturbs nobody."""

import asyncio
import contextlib
import json
import socket
import struct
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from target_platform import Client, Platform
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

SESSION = "test_session_001"
PATH = f"/api/rtc/sessions/{SESSION}"
WAIT_S = 90


@pytest.fixture
def wwmaa(target: Platform) -> Client:
    """The service."""
    return target["wwmaa"]


def join(client: Client, user: str = "") -> dict[str, Any]:
    """Tokens of somebody new, or of ``user``."""
    user = user or f"user_{uuid.uuid4().hex}"
    response = client.post(f"{PATH}/join", json={"user_id": user, "participant_name": f"Name of {user}"})
    assert response.status_code == 200, response.text
    return dict(response.json())


def url_of(client: Client, token: str, session: str = SESSION) -> str:
    """Where the script connects."""
    return f"{client.ws_url}/ws/sessions/{session}?token={token}"


def present(client: Client) -> set[str]:
    """Who is in the session."""
    return {one["user_id"] for one in client.get(f"{PATH}/participants").json()["participants"]}


async def hear(
    peer: ClientConnection, kind: str, is_it: Callable[[dict[str, Any]], bool] = lambda _: True
) -> dict[str, Any]:
    """The next message of a kind for which ``is_it`` holds; others pass by."""
    async with asyncio.timeout(WAIT_S):
        while True:
            message: dict[str, Any] = json.loads(await peer.recv())
            if message["type"] == kind and is_it(message):
                return message


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something that another process does is done."""
    async with asyncio.timeout(WAIT_S):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def peers(client: Client, count: int) -> AsyncIterator[list[tuple[str, ClientConnection]]]:
    """Connected participants who have been welcomed."""

    async def enter() -> tuple[str, ClientConnection]:
        joined = await asyncio.to_thread(join, client)
        token = joined["ws_token"]
        peer = await connect(
            url_of(client, token),
            additional_headers={"Authorization": f"Bearer {token}"},
            ping_interval=None,
            # What nobody reads any more must not stand in the way of closing.
            max_queue=None,
            proxy=None,
            open_timeout=WAIT_S,
        )
        welcome = await hear(peer, "welcome")
        assert welcome["session_id"] == SESSION
        return joined["participant_id"], peer

    made = await asyncio.gather(*(enter() for _ in range(count)))
    try:
        yield made
    finally:
        await asyncio.gather(*(peer.close() for _, peer in made))


def run(work: Awaitable[None]) -> None:
    """Run a test's coroutine."""

    async def main() -> None:
        await work

    asyncio.run(main())


def test_all_hear_what_one_says_the_speaker_too(wwmaa: Client) -> None:
    """Section 3: ``chat`` comes to all with its ``sent_at``; ``ping`` and ``leave`` are answered."""

    async def work() -> None:
        async with peers(wwmaa, 3) as made:
            (speaker_id, speaker), (_, second), (_, third) = made
            said = {"content": "Osu!", "user_id": speaker_id, "sent_at": "2026-01-01T00:00:00.000Z"}
            await speaker.send(json.dumps({"type": "chat"} | said))
            for peer in (speaker, second, third):
                heard = await hear(peer, "chat", lambda message: message["user_id"] == speaker_id)
                assert {key: heard[key] for key in said} == said
            await speaker.send(json.dumps({"type": "ping"}))
            assert (await hear(speaker, "pong"))["type"] == "pong"
            await speaker.send(json.dumps({"type": "leave"}))
            gone = await hear(second, "participant_left", lambda message: message["user_id"] == speaker_id)
            assert gone["session_id"] == SESSION
            assert speaker_id not in await asyncio.to_thread(present, wwmaa)
        # The script leaves once more by HTTP: that is no error.
        assert wwmaa.post(f"{PATH}/leave", json={"user_id": speaker_id}).status_code == 200

    run(work())


def test_joining_is_told_to_those_who_are_there(wwmaa: Client) -> None:
    """Presence: ``participant_joined`` by HTTP, ``participant_left`` when the connection goes."""

    async def work() -> None:
        async with peers(wwmaa, 1) as made:
            _, first = made[0]
            async with peers(wwmaa, 1) as others:
                name, _ = others[0]
                told = await hear(first, "participant_joined", lambda message: message["user_id"] == name)
                assert told["participant_name"] == f"Name of {name}"
                assert name in await asyncio.to_thread(present, wwmaa)
            await hear(first, "participant_left", lambda message: message["user_id"] == name)
            assert name not in await asyncio.to_thread(present, wwmaa)

    run(work())


@pytest.mark.parametrize(
    "sent",
    ["{not json", "[]", '{"type": "dance"}', '{"type": "chat"}', '{"type": "chat", "content": 1}', "\x00"],
)
def test_nonsense_is_answered_with_an_error(wwmaa: Client, sent: str) -> None:
    """The connection stays."""

    async def work() -> None:
        async with peers(wwmaa, 1) as made:
            _, peer = made[0]
            await peer.send(sent)
            assert isinstance((await hear(peer, "error"))["error"], str)
            await peer.send(b'{"type": "ping"}')
            await hear(peer, "pong")

    run(work())


def test_a_wrong_token_is_refused_before_the_upgrade(wwmaa: Client) -> None:
    """401 for none or a wrong one, 403 for another session's, 404 for an unknown path; JSON each time."""
    joined = join(wwmaa)

    async def work() -> None:
        for url, status in (
            (url_of(wwmaa, ""), 401),
            (url_of(wwmaa, "wrong"), 401),
            (url_of(wwmaa, joined["access_token"]), 401),
            (url_of(wwmaa, joined["ws_token"], "test_session_small"), 403),
            (f"{wwmaa.ws_url}/ws/none", 404),
        ):
            with pytest.raises(InvalidStatus) as caught:
                await connect(url, proxy=None, open_timeout=WAIT_S)
            answer = caught.value.response
            assert answer.status_code == status
            assert isinstance(json.loads(answer.body or b"")["error"], str)

    run(work())


def test_the_token_may_come_in_the_header_alone(wwmaa: Client) -> None:
    """The script sends it twice; either will do."""
    token = join(wwmaa)["ws_token"]

    async def work() -> None:
        url = f"{wwmaa.ws_url}/ws/sessions/{SESSION}"
        async with connect(
            url, additional_headers={"Authorization": f"Bearer {token}"}, proxy=None, open_timeout=WAIT_S
        ) as peer:
            await hear(peer, "welcome")

    run(work())


def raw_connection(client: Client, token: str) -> socket.socket:
    """A WebSocket whose owner will read nothing but the answer to its handshake; its buffers are small."""
    parts = urlsplit(client.url)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.connect((parts.hostname, parts.port))
    raw.settimeout(WAIT_S)
    raw.sendall(
        f"GET /ws/sessions/{SESSION}?token={token} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
    )
    assert b" 101 " in raw.recv(64)
    return raw


def test_a_reader_that_does_not_read_keeps_nobody_waiting(wwmaa: Client) -> None:
    """k6 reads nothing for ten minutes: the others hear all, and the slow one stays present."""
    joined = join(wwmaa)
    messages = 400
    content = "x" * 1_900

    async def work() -> None:
        slow = await asyncio.to_thread(raw_connection, wwmaa, joined["ws_token"])
        async with peers(wwmaa, 1) as made:
            name, speaker = made[0]
            for number in range(messages):
                text = {"type": "chat", "content": content, "sent_at": number}
                await speaker.send(json.dumps(text))
            for number in range(messages):
                heard = await hear(speaker, "chat", lambda message: message["user_id"] == name)
                assert heard["sent_at"] == number
            assert joined["participant_id"] in await asyncio.to_thread(present, wwmaa)
            # It goes with a reset, its unread messages lost: that is a usual end.
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            slow.close()
            who = joined["participant_id"]
            await hear(speaker, "participant_left", lambda message: message["user_id"] == who)
            await speaker.send('{"type": "ping"}')
            await hear(speaker, "pong")

    run(work())


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_hundred_and_fifty_hear_each_other(wwmaa: Client) -> None:
    """No connection drops, no message is missing."""
    count = 150

    async def work() -> None:
        async with peers(wwmaa, count) as made:
            content = uuid.uuid4().hex
            for _, peer in made:
                await peer.send(json.dumps({"type": "chat", "content": content}))

            async def listen(peer: ClientConnection) -> set[str]:
                chats = [
                    await hear(peer, "chat", lambda one: one["content"] == content) for _ in range(count)
                ]
                return {chat["user_id"] for chat in chats}

            heard = await asyncio.gather(*(listen(peer) for _, peer in made))
            assert all(names == {name for name, _ in made} for names in heard)

    run(work())


def test_a_second_connection_keeps_the_place_when_the_first_goes(wwmaa: Client) -> None:
    """Who comes back before the old connection is noticed to be gone stays present."""
    joined = join(wwmaa)

    async def work() -> None:
        url = url_of(wwmaa, joined["ws_token"])
        async with connect(url, proxy=None, open_timeout=WAIT_S) as second:
            async with connect(url, proxy=None, open_timeout=WAIT_S) as first:
                await hear(first, "welcome")
                await hear(second, "welcome")
                # The place belongs to whoever connected last: once more the second one.
            async with connect(url, proxy=None, open_timeout=WAIT_S) as third:
                await hear(third, "welcome")
                await second.close()
                assert joined["participant_id"] in await asyncio.to_thread(present, wwmaa)
            await eventually(lambda: joined["participant_id"] not in present(wwmaa))

    run(work())


def test_lost_chat_is_a_fault_on_demand(target: Platform, wwmaa: Client) -> None:
    """Under it nobody hears anything said; everything else still comes."""

    async def work() -> None:
        async with peers(wwmaa, 1) as made:
            _, peer = made[0]
            await peer.send(json.dumps({"type": "chat", "content": "lost"}))
            await peer.send(json.dumps({"type": "ping"}))
            async with asyncio.timeout(WAIT_S):
                kinds = [json.loads(await peer.recv())["type"]]
                while kinds[-1] != "pong":
                    kinds.append(json.loads(await peer.recv())["type"])
            assert "chat" not in kinds

    with target.faults("wwmaa", [{"type": "lose_chat", "rate": 1.0}]):
        run(work())


def test_late_messages_are_a_fault_on_demand(target: Platform, wwmaa: Client) -> None:
    """Under it a chat message comes after the answer to a ping that was sent later."""

    async def work() -> None:
        async with peers(wwmaa, 1) as made:
            _, peer = made[0]
            await peer.send(json.dumps({"type": "chat", "content": "late"}))
            await peer.send(json.dumps({"type": "ping"}))
            async with asyncio.timeout(WAIT_S):
                kinds = [json.loads(await peer.recv())["type"]]
                while not {"pong", "chat"} <= set(kinds):
                    kinds.append(json.loads(await peer.recv())["type"])
            assert kinds.index("pong") < kinds.index("chat")

    with target.faults("wwmaa", [{"type": "delay_chat", "ms": 1_000}]):
        run(work())


def test_refused_messages_are_a_fault_on_demand(target: Platform, wwmaa: Client) -> None:
    """Under it a ping is answered with an error, and what is said of another type is passed on."""

    async def work() -> None:
        async with peers(wwmaa, 1) as made:
            _, peer = made[0]
            await peer.send(json.dumps({"type": "ping"}))
            await peer.send(json.dumps({"type": "chat", "content": "heard"}))
            async with asyncio.timeout(WAIT_S):
                kinds = [json.loads(await peer.recv())["type"]]
                while kinds[-1] != "chat":
                    kinds.append(json.loads(await peer.recv())["type"])
            assert "error" in kinds
            assert "pong" not in kinds

    with target.faults("wwmaa", [{"type": "refuse_chat", "message": "ping"}]):
        run(work())


def test_sockets_are_cut_on_demand(target: Platform, wwmaa: Client) -> None:
    """The platform closes them a while after they were opened, with 1011; what it said before arrives."""

    async def work() -> None:
        async with peers(wwmaa, 1) as made:
            _, peer = made[0]
            await peer.send(json.dumps({"type": "chat", "content": "heard"}))
            kinds = []
            async with asyncio.timeout(WAIT_S):
                with contextlib.suppress(ConnectionClosedError):
                    while True:
                        kinds.append(json.loads(await peer.recv())["type"])
            assert "chat" in kinds
            assert peer.close_code == 1011

    with target.faults("wwmaa", [{"type": "cut_sockets", "after_ms": 2_000}]):
        run(work())


def test_slow_disconnects_are_a_fault_on_demand(target: Platform, wwmaa: Client) -> None:
    """Under it who is gone is still present; later they are not."""

    async def work() -> None:
        async with peers(wwmaa, 1) as made:
            name, _ = made[0]
        assert name in await asyncio.to_thread(present, wwmaa)
        await eventually(lambda: name not in present(wwmaa))

    with target.faults("wwmaa", [{"type": "slow_disconnect", "ms": 2_000}]):
        run(work())


@pytest.mark.process
def test_a_session_spans_all_processes(tmp_path: Path) -> None:
    """Participants of one process hear those of another, and see them."""
    count = 8
    with Platform(tmp_path / "data", "--processes", "2", services="wwmaa") as platform:
        client = platform["wwmaa"]

        async def work() -> None:
            async with peers(client, count) as made:
                name, speaker = made[0]
                await speaker.send(json.dumps({"type": "chat", "content": "to all"}))
                for _, peer in made:
                    await hear(peer, "chat", lambda message: message["user_id"] == name)
                assert await asyncio.to_thread(present, client) == {one for one, _ in made}

        run(work())
