"""What AIaaS does behind its endpoints: exact quotas, invoices, webhooks, faults, crashes, limits, seeds."""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, func, select
from target_platform import Client, Platform

from swell_target.base.settings import DEFAULT_STRIPE_SECRET, Settings
from swell_target.base.webhooks import sign
from swell_target.services.aiaas import SERVICE, agent
from swell_target.services.aiaas.schema import MESSAGES, MINUTES, SESSIONS, USAGE

TENANT = {"X-Tenant-ID": "tenant_001"}
MESSAGE = {"message": "Hello, I need help with my order", "user_id": "user_1", "session_id": "session_1"}
CLIENTS = 50


@pytest.fixture
def aiaas(target: Platform) -> Client:
    """The service."""
    return target["aiaas"]


def new_tenant(client: Client, plan: str) -> dict[str, str]:
    """The header of a fresh tenant."""
    name = f"tenant-{uuid.uuid4()}"
    assert client.admin("POST", "/admin/tenants", json={"id": name, "plan": plan}).status_code == 200
    return {"X-Tenant-ID": name}


def at_once(work: Callable[[int], requests.Response], count: int) -> list[requests.Response]:
    """The answers to ``count`` calls, fifty at a time."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(work, range(count)))


def used(client: Client, headers: dict[str, str]) -> int:
    """How many messages the tenant has used."""
    count: int = client.get("/billing/usage", headers=headers).json()["usage"]["messages"]
    return count


# --- Plans are enforced -----------------------------------------------------------------------------------


def test_fifty_clients_reach_a_quota_exactly(aiaas: Client) -> None:
    """Of 100 messages 50 are answered, the others get 429 and leave nothing; a larger plan goes on."""
    headers = new_tenant(aiaas, "free")

    def say(number: int) -> requests.Response:
        body = MESSAGE | {"session_id": f"session_{number % 10}"}
        return aiaas.post("/chat/messages", json=body, headers=headers)

    answers = at_once(say, 100)
    assert Counter(answer.status_code for answer in answers) == {200: 50, 429: 50}
    refusal = next(answer for answer in answers if answer.status_code == 429).json()
    assert (refusal["code"], refusal["limit"]) == ("quota_exceeded", 50)
    assert used(aiaas, headers) == 50
    sessions = aiaas.get("/chat/sessions", headers=headers).json()["sessions"]
    assert sum(session["messages"] for session in sessions) == 100
    kpi = aiaas.get("/analytics/kpi", headers=headers).json()
    assert kpi["messages"] == 50
    aiaas.put("/billing/plan", json={"plan": "starter"}, headers=headers)
    assert say(0).status_code == 200


def test_near_its_quota_a_tenant_gets_short_replies(aiaas: Client) -> None:
    """From nine tenths on one sentence, and a header that says so."""
    headers = new_tenant(aiaas, "free")
    whole = aiaas.post("/chat/messages", json=MESSAGE, headers=headers)
    aiaas.post("/billing/usage", json={"metric": "messages", "quantity": 44}, headers=headers)
    short = aiaas.post("/chat/messages", json=MESSAGE, headers=headers)
    assert "x-degrade-mode" not in whole.headers
    assert short.headers["x-degrade-mode"] == "quota"
    assert len(short.json()["response"]) < len(whole.json()["response"])


def test_fifty_clients_share_one_session(aiaas: Client) -> None:
    """Every message has its reply right after it, and a number of its own."""
    headers = new_tenant(aiaas, "enterprise")
    body = MESSAGE | {"message": "hi"}
    answers = at_once(lambda _: aiaas.post("/chat/messages", json=body, headers=headers), CLIENTS)
    assert {answer.status_code for answer in answers} == {200}
    found = aiaas.get("/chat/history?session_id=session_1&limit=200", headers=headers).json()["messages"]
    assert [one["role"] for one in found] == ["user", "agent"] * CLIENTS


def test_drawing_up_an_invoice_at_once_makes_one(aiaas: Client) -> None:
    """One 201, for the others 200 with the same one."""
    headers = new_tenant(aiaas, "business")
    answers = at_once(lambda _: aiaas.post("/billing/invoices", json={}, headers=headers), 20)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 19}
    assert len({answer.json()["id"] for answer in answers}) == 1


# --- Webhooks ---------------------------------------------------------------------------------------------


def deliver(client: Client, event: dict[str, Any], secret: str = DEFAULT_STRIPE_SECRET) -> requests.Response:
    """Send an event as the payment provider does."""
    body = json.dumps(event).encode()
    headers = {"Stripe-Signature": sign(secret, body, int(time.time()))}
    return client.post("/billing/webhooks", data=body, headers=headers)


def event_of(kind: str, invoice: str) -> dict[str, Any]:
    """An event about an invoice."""
    return {"id": f"evt_{uuid.uuid4().hex}", "type": kind, "data": {"object": {"id": invoice}}}


def counted(client: Client) -> tuple[int, int]:
    """How many events there are, and how often they were acted on."""
    found = client.admin("GET", "/admin/events").json()
    return found["events"], found["processed"]


def test_a_failed_payment_suspends_until_it_is_paid(aiaas: Client) -> None:
    """402 for chat in between; usage and invoices stay readable."""
    headers = new_tenant(aiaas, "business")
    invoice = aiaas.post("/billing/invoices", json={}, headers=headers).json()["id"]
    for kind, state, status in (
        ("invoice.payment_failed", "uncollectible", 402),
        ("invoice.paid", "paid", 200),
    ):
        assert deliver(aiaas, event_of(kind, invoice)).json() == {"received": True, "duplicate": False}
        assert aiaas.get(f"/billing/invoices/{invoice}", headers=headers).json()["state"] == state
        assert aiaas.post("/chat/messages", json=MESSAGE, headers=headers).status_code == status
        assert aiaas.get("/billing/usage", headers=headers).status_code == 200


def test_one_event_delivered_a_hundred_times_at_once_counts_once(aiaas: Client) -> None:
    """All are answered with 200."""
    before = counted(aiaas)
    event = event_of("invoice.paid", "in_unknown")
    answers = at_once(lambda _: deliver(aiaas, event), 100)
    assert {answer.status_code for answer in answers} == {200}
    assert sum(not answer.json()["duplicate"] for answer in answers) == 1
    assert counted(aiaas) == (before[0] + 1, before[1] + 1)


def test_wrong_webhooks_are_refused(aiaas: Client) -> None:
    """400 for a wrong or missing signature and for no JSON, 422 for no event."""
    event = event_of("invoice.paid", "in_unknown")
    answers = [
        deliver(aiaas, event, "whsec_other"),
        aiaas.post("/billing/webhooks", json=event),
        aiaas.post("/billing/webhooks", data="{"),
        deliver(aiaas, {"id": "evt_1"}),
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 422]
    assert all(isinstance(answer.json()["error"], str) for answer in answers)


def test_webhooks_can_be_dropped_and_doubled_on_demand(target: Platform, aiaas: Client) -> None:
    """Dropped: answered, and forgotten. Doubled: a known event is acted on again."""
    before = counted(aiaas)
    event = event_of("invoice.paid", "in_unknown")
    with target.faults("aiaas", [{"type": "drop_webhooks"}]):
        assert deliver(aiaas, event).json() == {"received": True, "duplicate": False}
    assert counted(aiaas) == before
    with target.faults("aiaas", [{"type": "duplicate_webhooks"}]):
        assert [deliver(aiaas, event).json()["duplicate"] for _ in range(2)] == [False, False]
    assert counted(aiaas) == (before[0] + 1, before[1] + 2)


# --- Faults on demand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "method", "path"),
    [
        ("chat_messages", "POST", "/chat/messages"),
        ("healthz", "GET", "/healthz"),
        ("kpi", "GET", "/analytics/kpi"),
        ("usage", "GET", "/billing/usage"),
        ("usage_track", "POST", "/billing/usage"),
        ("plan_check", "POST", "/billing/check"),
        ("invoice_create", "POST", "/billing/invoices"),
        ("webhook", "POST", "/billing/webhooks"),
        ("auth_status", "GET", "/auth/status"),
        ("chat_socket_plain", "GET", "/ws/chat"),
        ("ask", "POST", "/ask"),
        ("completions", "POST", "/api/v1/chat/completions"),
        ("upload", "POST", "/api/v1/upload"),
    ],
)
def test_every_objective_can_fail(
    target: Platform, aiaas: Client, endpoint: str, method: str, path: str
) -> None:
    """Each step of the scripts has a name of its own, for errors and latencies; the others go on."""
    slow = {"type": "latency", "endpoint": endpoint, "distribution": {"type": "constant", "ms": 30}}
    errors = {"type": "errors", "endpoint": endpoint, "rate": 1, "status": 503}
    with target.faults("aiaas", [slow, errors]):
        answer = aiaas.request(method, path, headers=TENANT)
        assert (answer.status_code, answer.json()) == (503, {"error": "fault on demand"})
        assert answer.elapsed.total_seconds() >= 0.03
        assert aiaas.get("/billing/plans").status_code == 200


def test_a_cliff_refuses_what_is_too_much(target: Platform, aiaas: Client) -> None:
    """Beyond the capacity 503, in JSON; below it everything is served."""
    slow = {"type": "latency", "endpoint": "chat_messages", "distribution": {"type": "constant", "ms": 500}}
    cliff = {"type": "capacity", "endpoint": "chat_messages", "limit": 2, "ms": 50}
    with target.faults("aiaas", [slow, cliff]):
        answers = at_once(lambda _: aiaas.post("/chat/messages", json=MESSAGE, headers=TENANT), 30)
        assert 503 in {answer.status_code for answer in answers} <= {200, 503}
        assert aiaas.post("/chat/messages", json=MESSAGE, headers=TENANT).status_code == 200


# --- A crash in the middle of a write ---------------------------------------------------------------------


@pytest.mark.parametrize(("statements", "kept"), [(4, 0), (-1, 1)])
def test_a_crash_leaves_whole_turns_only(data: Path, statements: int, kept: int) -> None:
    """Message, reply, session, minute and usage are all there, or none is."""
    with Platform(data, services="aiaas") as platform:
        client = platform["aiaas"]
        crash = {"type": "crash", "endpoint": "chat_messages", "after_statements": statements}
        assert client.admin("PUT", "/admin/faults", json={"faults": [crash]}).status_code == 200
        with pytest.raises(requests.ConnectionError):
            client.post("/chat/messages", json=MESSAGE, headers=TENANT)
        # The port stays open: this waits until the next worker listens.
        assert client.admin("DELETE", "/admin/faults").status_code == 204
        assert used(client, TENANT) == kept
    engine = create_engine(f"sqlite:///{data / 'aiaas.sqlite3'}")
    with engine.connect() as tx:
        counts = [
            tx.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (MESSAGES, SESSIONS, MINUTES, USAGE)
        ]
    engine.dispose()
    assert counts == [2 * kept, kept, kept, kept]


# --- Limits, seeds, words ---------------------------------------------------------------------------------


def test_limits_add_the_plan_s_rate(data: Path) -> None:
    """Only with --limits: 120 messages a minute on the starter plan, then 429 with Retry-After."""
    with Platform(data, "--limits", services="aiaas") as platform:
        client = platform["aiaas"]
        headers = new_tenant(client, "starter")

        def use(quantity: int) -> requests.Response:
            body = {"metric": "messages", "quantity": quantity}
            return client.post("/billing/usage", json=body, headers=headers)

        # The minute of the clock may change once while this runs: then four of the five get through.
        answers = [use(60) for _ in range(5)] + [use(121)]
        refusals = [answer for answer in answers if answer.status_code == 429]
        assert [answer.status_code for answer in answers[:2]] == [201, 201]
        assert len(refusals) >= 2
        assert {answer.json()["code"] for answer in refusals} == {"rate_limited"}
        assert 0 < int(refusals[0].headers["retry-after"]) <= 60
        assert client.post("/chat/messages", json=MESSAGE, headers=TENANT).status_code == 200


@pytest.mark.parametrize("size", ["small", "full"])
def test_seeding_twice_changes_nothing(size: Any) -> None:
    """The same rows for the same seed, and clean removes them all."""
    engine = create_engine("sqlite://")
    tables = SERVICE.schema.metadata.sorted_tables
    with engine.begin() as tx:
        SERVICE.schema.ensure(tx)
        seen = []
        for _ in range(2):
            SERVICE.seed(tx, size, Random(1), Settings())
            seen.append([tx.execute(select(table)).all() for table in tables])
        assert seen[0] == seen[1]
        assert sum(map(len, seen[0])) > 30
        SERVICE.clean(tx)
        assert not any(tx.execute(select(table)).first() for table in tables)
    engine.dispose()


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Hello, I need help with my order", "order"),
        ("What are your business hours?", "hours"),
        ("Can I get a REFUND for a damaged item", "refund"),
        ("I want to speak to a human, this is a complaint", "human"),
        ("", "other"),
        ("\N{GRINNING FACE}", "other"),
    ],
)
def test_the_agent_finds_the_topic(text: str, intent: str) -> None:
    """By its words; the same seed and text give the same reply, only a colleague's help is an escalation."""
    reply = agent.answer(42, text)
    assert (reply.intent, reply.escalated) == (intent, intent == "human")
    assert reply == agent.answer(42, text)
    assert 0 <= reply.confidence <= 1
