"""AIaaS honours its contract over HTTP: statuses, fields, types, and JSON with a sentence for every error."""

import time
import uuid
from typing import Any

import pytest
from target_platform import Client, Platform

TENANT = {"X-Tenant-ID": "tenant_001"}
ORDER = "Hello, I need help with my order"


@pytest.fixture
def aiaas(target: Platform) -> Client:
    """The service."""
    return target["aiaas"]


def new_tenant(client: Client, plan: str = "enterprise") -> dict[str, str]:
    """The header of a fresh tenant."""
    name = f"tenant-{uuid.uuid4()}"
    made = client.admin("POST", "/admin/tenants", json={"id": name, "plan": plan})
    assert made.json() == {"id": name, "plan": plan, "state": "active"}
    return {"X-Tenant-ID": name}


def chat_body(tenant: str = "tenant_001", **fields: Any) -> dict[str, Any]:
    """What the scripts send."""
    metadata = {"source": "k6_test", "timestamp": int(time.time() * 1000)}
    body = {"message": ORDER, "tenant_id": tenant, "user_id": "user_7", "session_id": "session_7"}
    return body | {"metadata": metadata} | fields


# --- The main scripts -------------------------------------------------------------------------------------


def test_a_message_is_answered(aiaas: Client) -> None:
    """M1: 200 with ``response``; the same text gets the same words, by its topic."""
    headers = TENANT | {"X-User-ID": "user_7"}
    answers = [aiaas.post("/chat/messages", json=chat_body(), headers=headers) for _ in range(2)]
    body = answers[0].json()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (body["intent"], body["tenant_id"], body["session_id"]) == ("order", "tenant_001", "session_7")
    assert isinstance(body["response"], str)
    assert body["response"] == answers[1].json()["response"]
    assert isinstance(body["timestamp"], int)


def test_a_message_needs_no_more_than_its_text_and_a_tenant(aiaas: Client) -> None:
    """By header or body; user and session are made at their first use."""
    by_header = aiaas.post("/chat/messages", json={"message": "hi"}, headers=TENANT)
    by_body = aiaas.post("/chat/message", json={"message": "hi", "tenant_id": "tenant_002"})
    assert [by_header.status_code, by_body.status_code] == [200, 200]
    assert (by_header.json()["user_id"], by_body.json()["tenant_id"]) == ("anonymous", "tenant_002")


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [
        ({"data": "{not json"}, TENANT, 400),
        ({"data": b""}, TENANT, 400),
        ({"json": {"tenant_id": "tenant_001"}}, TENANT, 422),
        ({"json": {"message": ""}}, TENANT, 422),
        ({"json": {"message": 5}}, TENANT, 422),
        ({"json": {"message": "a\0b"}}, TENANT, 422),
        ({"json": {"message": "x" * 8_001}}, TENANT, 422),
        ({"json": {"message": "hi"}}, {}, 422),
        ({"data": b"x" * 1_100_000}, TENANT, 413),
        ({"json": chat_body("tenant_002")}, TENANT, 403),
        ({"json": {"message": "hi"}}, {"X-Tenant-ID": "nobody"}, 404),
        ({"json": {"message": "hi"}}, {"X-Tenant-ID": "tenant_suspended"}, 402),
        ({"json": {"message": "hi"}}, TENANT | {"Authorization": "Bearer forged"}, 401),
        ({"json": {"message": "hi"}}, TENANT | {"X-User-ID": "u" * 200}, 422),
    ],
)
def test_wrong_messages_are_refused_in_json(
    aiaas: Client, sent: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    """The right status, and a sentence."""
    response = aiaas.post("/chat/messages", headers=headers, **sent)
    assert (response.status_code, type(response.json()["error"])) == (status, str)


def test_health_is_healthy(aiaas: Client) -> None:
    """M2: both paths, also HEAD."""
    for path in ("/healthz", "/health"):
        assert aiaas.get(path).json()["status"] == "healthy"
        assert aiaas.head(path).status_code == 200


def test_kpis_count_what_was_said(aiaas: Client) -> None:
    """M3: ``tenant_id``, and figures over the window."""
    headers = new_tenant(aiaas)
    tenant = headers["X-Tenant-ID"]
    for text in (ORDER, "I want to speak to a human", "blah"):
        aiaas.post("/chat/messages", json=chat_body(tenant, message=text), headers=headers)
    found = aiaas.get("/analytics/kpi?time_window=1h", headers=headers)
    body = found.json()
    assert (found.status_code, body["tenant_id"], body["time_window"]) == (200, tenant, "1h")
    assert (body["messages"], body["sessions"]) == (3, 1)
    assert body["intents"] == {"human": 1, "order": 1, "other": 1}
    assert (body["resolution_rate"], body["escalation_rate"]) == (0.3333, 0.3333)
    assert body["average_response_ms"] > 0


def test_usage_counts_what_was_said(aiaas: Client) -> None:
    """M4: ``tenant_id``, counters, what the plan allows and what is left."""
    headers = new_tenant(aiaas, "starter")
    tenant = headers["X-Tenant-ID"]
    aiaas.post("/chat/messages", json=chat_body(tenant), headers=headers)
    found = aiaas.get("/billing/usage", headers=headers)
    body = found.json()
    assert (found.status_code, body["tenant_id"], body["plan"]) == (200, tenant, "starter")
    assert (body["usage"]["messages"], body["limits"]["messages"]) == (1, 1_000)
    assert body["remaining"] == {"messages": 999}
    assert min(body["usage"]["tokens_in"], body["usage"]["tokens_out"]) > 0


def test_the_five_tenants_are_never_short(aiaas: Client) -> None:
    """200 virtual users for hours stay far from their quota."""
    for number in range(1, 6):
        headers = {"X-Tenant-ID": f"tenant_00{number}"}
        assert aiaas.get("/billing/usage", headers=headers).json()["remaining"]["messages"] > 10**8


@pytest.mark.parametrize("path", ["/analytics/kpi", "/billing/usage", "/chat/history", "/billing/invoices"])
def test_what_belongs_to_a_tenant_wants_one(aiaas: Client, path: str) -> None:
    """401 without, 404 for an unknown one."""
    for headers, status in (({}, 401), ({"X-Tenant-ID": "nobody"}, 404)):
        response = aiaas.get(path, headers=headers)
        assert (response.status_code, type(response.json()["error"])) == (status, str)


def test_an_unknown_window_is_not_valid(aiaas: Client) -> None:
    """422."""
    assert aiaas.get("/analytics/kpi?time_window=1y", headers=TENANT).status_code == 422


def test_auth_status_is_200_or_401(aiaas: Client) -> None:
    """M5: 401 without a token, 200 with one, whichever way it was got."""
    nobody = aiaas.get("/auth/status")
    assert (nobody.status_code, nobody.json()["authenticated"]) == (401, False)
    by_user = aiaas.post("/auth/login", json={"tenant_id": "tenant_003", "user_id": "user_1"}).json()
    account = {"email": "test_tenant_003@example.com", "password": "test_password"}
    by_email = aiaas.post("/auth/login", json=account).json()
    for token in (by_user["token"], by_email["access_token"]):
        found = aiaas.get("/auth/status", headers={"Authorization": f"Bearer {token}"})
        assert (found.status_code, found.json()["tenant_id"]) == (200, "tenant_003")
    usage = aiaas.get("/billing/usage", headers={"Authorization": f"Bearer {by_user['token']}"})
    assert usage.json()["tenant_id"] == "tenant_003"
    both = TENANT | {"Authorization": f"Bearer {by_user['token']}"}
    assert aiaas.get("/billing/usage", headers=both).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "test_tenant_003@example.com", "password": "wrong"}, 401),
        ({"email": "somebody@example.com", "password": "test_password"}, 401),
        ({"tenant_id": "nobody", "user_id": "x"}, 401),
        ({}, 422),
        ({"tenant_id": 5}, 422),
    ],
)
def test_wrong_logins_are_refused(aiaas: Client, body: dict[str, Any], status: int) -> None:
    """401 or 422, in JSON."""
    response = aiaas.post("/auth/login", json=body)
    assert (response.status_code, type(response.json()["error"])) == (status, str)


def test_the_websocket_s_address_answers_http(aiaas: Client) -> None:
    """M6: 426 without an upgrade; further scripts want 200 at /ws."""
    response = aiaas.get("/ws/chat?tenant_id=tenant_001&user_id=user_1&session_id=session_1")
    assert (response.status_code, response.headers["upgrade"]) == (426, "websocket")
    assert isinstance(response.json()["error"], str)
    assert (aiaas.get("/ws").status_code, aiaas.get("/ws").json()["status"]) == (200, "available")


# --- Chat's history ---------------------------------------------------------------------------------------


def test_history_keeps_both_sides_in_order(aiaas: Client) -> None:
    """By session, paged backwards, of the own tenant only."""
    headers = new_tenant(aiaas)
    tenant = headers["X-Tenant-ID"]
    replies = [
        aiaas.post("/chat/messages", json=chat_body(tenant, message=text), headers=headers).json()
        for text in ("first", "second")
    ]
    found = aiaas.get("/chat/history?session_id=session_7", headers=headers).json()["messages"]
    assert [(one["role"], one["content"]) for one in found] == [
        ("user", "first"),
        ("agent", replies[0]["response"]),
        ("user", "second"),
        ("agent", replies[1]["response"]),
    ]
    assert found[3]["id"] == replies[1]["message_id"]
    last = aiaas.get("/chat/history?limit=1", headers=headers).json()["messages"]
    assert last == found[3:]
    (session,) = aiaas.get("/chat/sessions", headers=headers).json()["sessions"]
    assert (session["id"], session["user_id"], session["messages"]) == ("session_7", "user_7", 4)
    other = new_tenant(aiaas)
    assert aiaas.get("/chat/history?session_id=session_7", headers=other).json()["messages"] == []
    assert aiaas.get("/chat/history?limit=0", headers=headers).status_code == 422


# --- Plans and invoices -----------------------------------------------------------------------------------


def test_plans_can_be_listed_and_changed(aiaas: Client) -> None:
    """A new plan holds at once; an unknown one is 404."""
    headers = new_tenant(aiaas, "free")
    plans = {plan["id"]: plan["messages"] for plan in aiaas.get("/billing/plans").json()["plans"]}
    assert list(plans) == ["free", "starter", "business", "enterprise"]
    changed = aiaas.put("/billing/plan", json={"plan": "business"}, headers=headers)
    assert (changed.status_code, changed.json()["limits"]["messages"]) == (200, plans["business"])
    assert aiaas.put("/billing/plan", json={"plan": "gold"}, headers=headers).status_code == 404


def test_usage_can_be_tracked_and_checked(aiaas: Client) -> None:
    """Adding beyond the quota is 429 and adds nothing; asking costs nothing."""
    headers = new_tenant(aiaas, "free")
    add = {"metric": "messages", "quantity": 49}
    assert aiaas.post("/billing/usage", json=add, headers=headers).status_code == 201
    for quantity, allowed in ((1, True), (2, False)):
        check = aiaas.post("/billing/check", json={"quantity": quantity}, headers=headers).json()
        assert (check["allowed"], check["remaining"]) == (allowed, 1)
    over = aiaas.post("/billing/usage", json=add, headers=headers)
    assert (over.status_code, over.json()["code"], over.json()["used"]) == (429, "quota_exceeded", 49)
    tokens = {"metric": "tokens_out", "quantity": 1_000}
    assert aiaas.post("/billing/usage", json=tokens, headers=headers).json()["usage"]["tokens_out"] == 1_000
    assert aiaas.post("/billing/usage", json={"metric": "cows"}, headers=headers).status_code == 422


def test_an_invoice_is_drawn_up_once_a_month(aiaas: Client) -> None:
    """201, then 200 with the same one, brought up to date: the plan, and what went beyond it."""
    headers = new_tenant(aiaas, "business")
    first = aiaas.post("/billing/invoices", json={}, headers=headers)
    assert (first.status_code, first.json()["total_cents"]) == (201, 29_900)
    more = {"metric": "messages", "quantity": 101_500}
    aiaas.post("/billing/usage", json=more, headers=headers)
    second = aiaas.post("/billing/invoices", json={}, headers=headers)
    assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])
    assert [line["amount_cents"] for line in second.json()["lines"]] == [29_900, 75]
    path = f"/billing/invoices/{first.json()['id']}"
    assert aiaas.get(path, headers=headers).json() == second.json()
    assert aiaas.get(path, headers=new_tenant(aiaas)).status_code == 404
    past = aiaas.post("/billing/invoices", json={"period": "2026-01"}, headers=headers)
    assert (past.status_code, past.json()["total_cents"]) == (201, 29_900)
    listed = aiaas.get("/billing/invoices", headers=headers).json()["invoices"]
    assert [one["id"] for one in listed] == [first.json()["id"], past.json()["id"]]
    wrong = aiaas.post("/billing/invoices", json={"period": "2026-13"}, headers=headers)
    assert wrong.status_code == 422


# --- The further scripts ----------------------------------------------------------------------------------

CONVERSATION = {"messages": [{"role": "user", "content": ORDER}], "model": "gpt-4o-mini", "max_tokens": 50}
FURTHER: list[tuple[str, dict[str, Any], int, str]] = [
    ("/ask", {"query": ORDER, "session_id": "s"}, 200, "answer"),
    ("/api/query", {"query": ORDER}, 200, "answer"),
    ("/v1/chat", CONVERSATION | {"temperature": 0.2}, 200, "content"),
    ("/api/v1/chat/completions", CONVERSATION, 200, "choices"),
    ("/api/v1/chat", {"message": "hi", "context": {"user_id": "u", "session_id": "s"}}, 200, "response"),
    ("/chat/message", {"message": "hi"}, 200, "response"),
    ("/v1/tools/exec", {"name": "web_search", "args": {"query": "x"}}, 200, "output"),
    ("/api/v1/tools/execute", {"tool_name": "weather", "parameters": {"location": "Bern"}}, 200, "output"),
    ("/tools/execute", {"tool_name": "summarize", "parameters": {"text": "a b"}}, 200, "output"),
    ("/route", {"query": "x", "context": {}}, 200, "tier"),
    ("/api/v1/upload", {"file_type": "image", "content": "x" * 1_048_576}, 201, "id"),
    ("/files/upload", {"filename": "a.txt", "content": "x"}, 201, "id"),
    ("/files/process", {"file_id": "x"}, 200, "status"),
    ("/data/process", {"data": [1, 2]}, 200, "status"),
    ("/workflows/execute", {"workflow_id": "x", "inputs": {}}, 200, "status"),
    ("/api/workflow", {"steps": []}, 200, "status"),
    ("/api/ingest", {"documents": [{"text": "x"}]}, 200, "status"),
]


@pytest.mark.parametrize(("path", "body", "status", "field"), FURTHER)
def test_further_scripts_get_what_they_read(
    aiaas: Client, path: str, body: dict[str, Any], status: int, field: str
) -> None:
    """With a tenant, without one (but the chat), and 404 for an unknown one."""
    response = aiaas.post(path, json=body, headers=TENANT)
    assert response.status_code == status
    assert response.json()[field]
    if path not in ("/chat/message", "/route"):
        assert aiaas.post(path, json=body).status_code == status
        assert aiaas.post(path, json=body, headers={"X-Tenant-ID": "nobody"}).status_code == 404


@pytest.mark.parametrize("path", ["/ask", "/api/v1/tools/execute", "/api/v1/upload", "/v1/chat"])
def test_a_test_s_tenant_is_made_at_its_first_use(aiaas: Client, path: str) -> None:
    """For the further scripts, whose tenants no document lists; the main endpoints know it from then on."""
    headers = {"X-Tenant-ID": f"smoke-{uuid.uuid4()}"}
    body = {"query": "x", "tool_name": "search", "messages": [{"role": "user", "content": "hi"}]}
    assert aiaas.get("/billing/usage", headers=headers).status_code == 404
    assert aiaas.post(path, json=body, headers=headers).status_code in (200, 201)
    assert aiaas.get("/billing/usage", headers=headers).json()["tenant_id"] == headers["X-Tenant-ID"]


def test_a_login_makes_a_test_s_tenant(aiaas: Client) -> None:
    """By tenant and user, and by the account of a tenant."""
    tenant = f"perf_{uuid.uuid4().hex}"
    for body in (
        {"tenant_id": tenant, "user_id": "u"},
        {"email": f"test_tenant_{uuid.uuid4().hex}@example.com", "password": "test_password"},
    ):
        token = aiaas.post("/auth/login", json=body).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert aiaas.post("/chat/message", json={"message": "hi"}, headers=headers).status_code == 200


def test_the_smoke_script_s_details(aiaas: Client) -> None:
    """Names, types and the echo, as the script compares them."""
    assert aiaas.get("/").json() == {"message": "API Gateway"}
    asked = aiaas.post("/ask", json={"query": "x"}).json()
    assert (asked["citations"], type(asked["trace"])) == ([], list)
    assert {"name": "web_search", "description": "Searches the web"} in aiaas.get("/v1/tools").json()["tools"]
    echo = aiaas.post("/v1/tools/exec", json={"name": "echo", "args": {"text": "abc"}}).json()
    assert (echo["success"], echo["output"]) == (True, "abc")
    routed = aiaas.post("/route", json={"query": "x"}).json()
    assert (type(routed["tier"]), type(routed["confidence"])) == (str, float)
    for path in ("/status", "/api/status?tenant_id=tenant_001&user_id=u"):
        assert (aiaas.get(path).status_code, aiaas.get(path).json()["status"]) == (200, "healthy")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/tools/exec", {"name": "rm"}, 404),
        ("/ask", {}, 422),
        ("/api/query", {"query": "x", "tenant_id": "nobody"}, 404),
        ("/v1/chat", {"messages": []}, 422),
        ("/api/v1/chat", {"message": "hi", "context": {"user_id": 5}}, 422),
        ("/api/v1/upload", {"content": "x" * 9_000_000}, 413),
        ("/api/v1/upload", ["no object"], 422),
    ],
)
def test_further_wrong_requests_are_refused(aiaas: Client, path: str, body: Any, status: int) -> None:
    """The right status, and a sentence."""
    response = aiaas.post(path, json=body)
    assert (response.status_code, type(response.json()["error"])) == (status, str)


def test_the_calculator_computes(aiaas: Client) -> None:
    """Numbers, + - * / and brackets; what it cannot compute is an answer without success."""
    for wrong in ("__import__('os')", "1/0", "(" * 150, "1" * 300, ""):
        body = {"tool_name": "calculator", "parameters": {"expression": wrong}}
        answer = aiaas.post("/tools/execute", json=body)
        assert (answer.status_code, answer.json()["success"]) == (200, False)
    body = {"tool_name": "calculator", "parameters": {"expression": "-2 * (3 + 4) / 4"}}
    assert aiaas.post("/tools/execute", json=body).json()["output"] == "-3.5"
