"""Cooly honours its contract: statuses, fields, types, and JSON with a string ``error`` for every error."""

import uuid

import pytest
from target_platform import Client, Platform

LOGIN = {"email": "test@example.com", "password": "testpassword123"}
GENERATE = "/api/images/seedream4/generate"


@pytest.fixture
def cooly(target: Platform) -> Client:
    """The service."""
    return target["cooly"]


def cookie(client: Client, login: dict[str, str] = LOGIN) -> dict[str, str]:
    """The header that the script sends."""
    response = client.post("/api/auth/login", json=login)
    assert response.status_code == 200
    return {"Cookie": f"token={response.json()['token']}"}


def new_account(client: Client, balance: int) -> dict[str, str]:
    """The header of a fresh account with that many credits."""
    login = {"email": f"{uuid.uuid4()}@example.com", "password": "a-password-1"}
    assert client.post("/api/auth/register", json=login).status_code == 201
    if balance:
        body = {"email": login["email"], "credits": balance}
        assert client.admin("POST", "/admin/credits", json=body).status_code == 200
    return cookie(client, login)


def test_login_answers_a_token_and_a_cookie(cooly: Client) -> None:
    """C1: 200 with a string ``token``, set as a cookie too."""
    response = cooly.post("/api/auth/login", json=LOGIN)
    body = response.json()
    assert (response.status_code, type(body["token"]), body["email"]) == (200, str, LOGIN["email"])
    assert response.headers["set-cookie"].startswith(f"token={body['token']};")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": LOGIN | {"password": "wrong"}}, 401),
        ({"json": LOGIN | {"email": "nobody@example.com"}}, 401),
        ({"json": {"email": "test@example.com"}}, 422),
        ({"json": {"email": 1, "password": "x"}}, 422),
        ({"data": "{not json"}, 400),
        ({"data": b""}, 400),
        ({"data": b"x" * 1_100_000}, 413),
    ],
)
def test_a_wrong_login_is_refused_in_json(cooly: Client, sent: dict[str, object], status: int) -> None:
    """Every refusal is JSON with a sentence, and no stack trace."""
    response = cooly.post("/api/auth/login", **sent)
    assert response.status_code == status
    assert isinstance(response.json()["error"], str)
    assert "Traceback" not in response.text


def test_generate_accepts_an_order_and_makes_its_images(cooly: Client) -> None:
    """C2: 202 with session_id and clientKey; then the worker makes the images, and the credit is spent."""
    headers = new_account(cooly, 3)
    response = cooly.post(GENERATE, json={"prompt": "a cat with yarn", "outputs": 2}, headers=headers)
    body = response.json()
    assert response.status_code == 202
    assert uuid.UUID(body["session_id"])
    assert uuid.UUID(body["clientKey"])
    stream = f"/api/images/seedream4/progress/stream?session_id={body['session_id']}"
    events = cooly.get(stream, headers=headers)
    assert events.headers["content-type"] == "text/event-stream"
    assert '"state":"done"' in events.text.splitlines()[-2]
    done = cooly.get(f"/api/images/seedream4/progress/id/{body['session_id']}", headers=headers).json()
    assert (done["state"], len(done["images"])) == ("done", 2)
    picture = cooly.get(done["images"][0])
    assert (picture.headers["content-type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    assert cooly.get("/api/auth/me", headers=headers).json()["credits"] == 1
    listed = cooly.get("/api/images/seedream4/history", headers=headers).json()
    assert (listed["total"], listed["items"][0]["session_id"]) == (1, body["session_id"])


def test_generate_refuses_what_it_must(cooly: Client) -> None:
    """400 without a prompt, 401 without a token, 402 with the word credit when there are none."""
    headers = new_account(cooly, 0)
    missing = cooly.post(GENERATE, json={}, headers=headers)
    assert (missing.status_code, missing.json()) == (400, {"error": "Prompt is required"})
    stranger = cooly.post(GENERATE, json={"prompt": "x"}, headers={"Cookie": "token=forged"})
    assert (stranger.status_code, type(stranger.json()["error"])) == (401, str)
    poor = cooly.post(GENERATE, json={"prompt": "x"}, headers=headers)
    assert (poor.status_code, poor.json()["error"]) == (402, "Insufficient credits")


def test_any_valid_cookie_will_do(cooly: Client) -> None:
    """k6 sends its own cookie and the jar's: one of them may be stale."""
    good = new_account(cooly, 1)["Cookie"]
    response = cooly.post(GENERATE, json={"prompt": "x"}, headers={"Cookie": f"token=stale; {good}"})
    assert response.status_code == 202


def test_a_client_key_makes_an_order_idempotent(cooly: Client) -> None:
    """The same key gives the same session, and costs once."""
    headers = new_account(cooly, 2)
    order = {"prompt": "x", "clientKey": "my-key"}
    first, second = (cooly.post(GENERATE, json=order, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["session_id"] == second.json()["session_id"]
    assert cooly.get("/api/auth/me", headers=headers).json()["credits"] == 1


def test_a_refused_prompt_gives_the_credits_back(cooly: Client) -> None:
    """After the attempts the order is failed, released, and a dead letter that can be retried or dropped."""
    headers = new_account(cooly, 1)
    order = cooly.post(GENERATE, json={"prompt": "[refuse] please"}, headers=headers).json()
    cooly.get(f"/api/images/seedream4/progress/stream?session_id={order['session_id']}", headers=headers)
    assert cooly.get("/api/auth/me", headers=headers).json()["credits"] == 1
    letters = cooly.admin("GET", "/admin/dlq/messages").json()["messages"]
    (letter,) = [one for one in letters if one["session_id"] == order["session_id"]]
    retried = cooly.admin("POST", f"/admin/dlq/messages/{letter['id']}/retry")
    assert (retried.status_code, retried.json()["session_id"]) == (202, order["session_id"])
    assert cooly.admin("DELETE", f"/admin/dlq/messages/{letter['id']}").status_code == 404


def test_another_s_session_is_not_there(cooly: Client) -> None:
    """A session is seen by its account only."""
    order = cooly.post(GENERATE, json={"prompt": "x"}, headers=cookie(cooly)).json()
    stranger = new_account(cooly, 0)
    path = f"/api/images/seedream4/progress/id/{order['session_id']}"
    assert cooly.get(path, headers=stranger).status_code == 404


def test_a_taken_address_is_refused(cooly: Client) -> None:
    """Registering twice is 409; logging out takes the cookie away."""
    body = {"email": "test@example.com", "password": "a-password-1"}
    assert cooly.post("/api/auth/register", json=body).status_code == 409
    assert "Max-Age=0" in cooly.post("/api/auth/logout").headers["set-cookie"]


def test_the_operator_s_endpoints_want_the_token(cooly: Client) -> None:
    """Without it 401; with it the books are open, and agree."""
    assert cooly.get("/admin/consistency").status_code == 401
    assert cooly.admin("GET", "/admin/consistency").json()["faults"] == []
    body = {"email": "nobody@example.com", "credits": 1}
    assert cooly.admin("POST", "/admin/credits", json=body).status_code == 404
    assert cooly.admin("POST", "/admin/dlq/purge").status_code == 200
