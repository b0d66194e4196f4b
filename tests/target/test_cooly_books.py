"""Cooly's books stay exact under many clients and through crashes; the fault that bends them shows."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from target_platform import Client, Platform

GENERATE = "/api/images/seedream4/generate"


def rich_account(client: Client, balance: int) -> tuple[dict[str, str], str]:
    """A fresh account: the header that logs it in, and its address."""
    login = {"email": f"{uuid.uuid4()}@example.com", "password": "a-password-1"}
    response = client.post("/api/auth/register", json=login)
    assert response.status_code == 201
    top_up = {"email": login["email"], "credits": balance}
    assert client.admin("POST", "/admin/credits", json=top_up).status_code == 200
    return {"Cookie": f"token={response.json()['token']}"}, login["email"]


def books(client: Client) -> dict[str, Any]:
    """The operator's look into them."""
    body: dict[str, Any] = client.admin("GET", "/admin/consistency").json()
    return body


def wait_for_done(client: Client, headers: dict[str, str], session_id: str) -> None:
    """Until a session is finished: the stream ends then."""
    path = f"/api/images/seedream4/progress/stream?session_id={session_id}"
    assert '"state":"done"' in client.get(path, headers=headers).text


def test_credits_run_out_at_exactly_zero(target: Platform) -> None:
    """50 clients order with 120 credits: 120 orders are taken, the others get 402, and the books agree."""
    client = target["cooly"]
    headers, _ = rich_account(client, 120)
    together = threading.Barrier(50)

    def order(_: int) -> list[int]:
        own = Client(client.url)
        together.wait()
        try:
            return [own.post(GENERATE, json={"prompt": "x"}, headers=headers).status_code for _ in range(4)]
        finally:
            own.session.close()

    with ThreadPoolExecutor(50) as threads:
        statuses = [status for made in threads.map(order, range(50)) for status in made]
    assert sorted(statuses) == [202] * 120 + [402] * 80
    assert client.get("/api/auth/me", headers=headers).json()["credits"] == 0
    assert books(client)["faults"] == []


def test_one_key_at_once_is_one_order(target: Platform) -> None:
    """20 clients with one client key get one session, paid once."""
    client = target["cooly"]
    headers, _ = rich_account(client, 20)

    def order(_: int) -> str:
        response = client.post(GENERATE, json={"prompt": "x", "clientKey": "same"}, headers=headers)
        assert response.status_code == 202
        return str(response.json()["session_id"])

    with ThreadPoolExecutor(20) as threads:
        assert len(set(threads.map(order, range(20)))) == 1
    assert client.get("/api/auth/me", headers=headers).json()["credits"] == 19


def test_a_lost_credit_shows_in_the_books(data: Path) -> None:
    """The fault takes a credit without writing the ledger: that is what the consistency check is for."""
    with Platform(data, services="cooly") as platform:
        client = platform["cooly"]
        headers, email = rich_account(client, 5)
        with platform.faults("cooly", [{"type": "lose_credit", "rate": 1}]):
            assert client.post(GENERATE, json={"prompt": "x"}, headers=headers).status_code == 202
        assert books(client)["faults"] == [f"the balance of {email} is not the sum of its ledger"]


def test_a_crash_in_the_middle_of_an_order_leaves_nothing(
    data: Path, backend: str, request: pytest.FixtureRequest
) -> None:
    """The process dies before, within and at the end of the transaction: nothing of the order is there.

    The next connection waits at the open port until a new process serves it.
    """
    url = request.getfixturevalue("fresh_database") if backend == "postgresql" else ""
    with Platform(data, services="cooly", db=url) as platform:
        client = platform["cooly"]
        headers, _ = rich_account(client, 5)
        for statements in (0, 3, 6, 10):
            crash = {"type": "crash", "endpoint": "seedream4", "after_statements": statements}
            with platform.faults("cooly", [crash]), pytest.raises(requests.ConnectionError):
                client.post(GENERATE, json={"prompt": "x"}, headers=headers)
            assert client.get("/api/auth/me", headers=headers).json()["credits"] == 5
        found = books(client)
        assert (found["faults"], found["outbox"], found["reserved"]) == ([], 0, 0)
        assert client.get("/api/images/seedream4/history", headers=headers).json()["total"] == 0
        assert "died with status 70: it is started again" in platform.stderr
        # Ten statements are all of them: with an eleventh the order would have been taken.
        crash = {"type": "crash", "endpoint": "seedream4", "after_statements": 11}
        with platform.faults("cooly", [crash]):
            assert client.post(GENERATE, json={"prompt": "x"}, headers=headers).status_code == 202


def test_a_crash_after_the_commit_keeps_the_order(data: Path) -> None:
    """The answer is lost, the order is not: the relay finds it in the outbox after the restart."""
    with Platform(data, services="cooly") as platform:
        client = platform["cooly"]
        headers, _ = rich_account(client, 5)
        crash = {"type": "crash", "endpoint": "seedream4", "after_statements": -1}
        with platform.faults("cooly", [crash]), pytest.raises(requests.ConnectionError):
            client.post(GENERATE, json={"prompt": "x", "clientKey": "again"}, headers=headers)
        # Sending it again with its key finds the order.
        again = client.post(GENERATE, json={"prompt": "x", "clientKey": "again"}, headers=headers)
        assert again.status_code == 202
        wait_for_done(client, headers, again.json()["session_id"])
        assert client.get("/api/auth/me", headers=headers).json()["credits"] == 4
        assert books(client)["faults"] == []


def test_orders_under_way_survive_a_crash(data: Path) -> None:
    """Orders taken before the process dies are worked off after the restart; each is paid once."""
    with Platform(data, "--mock-latency", "50", services="cooly") as platform:
        client = platform["cooly"]
        headers, _ = rich_account(client, 20)
        made = [client.post(GENERATE, json={"prompt": "x"}, headers=headers).json() for _ in range(20)]
        crash = {"type": "crash", "endpoint": "me"}
        with platform.faults("cooly", [crash]), pytest.raises(requests.ConnectionError):
            client.get("/api/auth/me", headers=headers)
        for one in made:
            wait_for_done(client, headers, one["session_id"])
        found = books(client)
        assert (found["faults"], found["outbox"]) == ([], 0)
        assert client.get("/api/auth/me", headers=headers).json()["credits"] == 0
