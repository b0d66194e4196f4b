"""What Aspire does behind its endpoints: many at once, webhooks, faults on demand, a crash, limits, seeds."""

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
from swell_target.services.aspire import SERVICE
from swell_target.services.aspire.schema import ENROLLMENTS, PAYMENTS, STANDINGS, SUBMISSIONS

MOCK = {"Authorization": "Bearer mock-token"}
COURSE = "clh1234567890"
PASSWORD = "TestPassword123!"
ENROLL = {"courseId": COURSE, "paymentMethodId": "pm_test_mock"}
CLIENTS = 50


@pytest.fixture
def aspire(target: Platform) -> Client:
    """The service."""
    return target["aspire"]


def new_learner(client: Client) -> dict[str, str]:
    """The headers of a fresh account."""
    login = {"email": f"test-{uuid.uuid4()}@example.com", "password": PASSWORD}
    assert client.post("/api/auth/register", json=login | {"name": "Test User"}).status_code == 201
    return {"Authorization": f"Bearer {client.post('/api/auth/login', json=login).json()['token']}"}


def at_once(work: Callable[[int], requests.Response], count: int = CLIENTS) -> list[requests.Response]:
    """The answers to ``count`` calls made at the same time."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


# --- Many at once -----------------------------------------------------------------------------------------


def test_enrolling_many_times_at_once_is_one_enrolment(aspire: Client) -> None:
    """One 201, for the others 409; one place, paid once."""
    headers = new_learner(aspire)
    answers = at_once(lambda _: aspire.post("/api/enrollments", json=ENROLL, headers=headers), 20)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert len(aspire.get("/api/enrollments", headers=headers).json()) == 1


def test_registering_an_address_at_once_makes_one_account(aspire: Client) -> None:
    """One 201, for the others 409."""
    body = {"email": f"test-{uuid.uuid4()}@example.com", "password": PASSWORD, "name": "x"}
    answers = at_once(lambda _: aspire.post("/api/auth/register", json=body), 20)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}


def test_fifty_clients_share_one_learner(aspire: Client) -> None:
    """Every call succeeds, no second is lost, and each attempt and version has a number of its own."""
    headers = new_learner(aspire)
    lesson, assignment = "/api/lessons/course-orientation-l01", "/api/assignments/course-orientation-a01"

    def use(number: int) -> list[requests.Response]:
        report = {"progress": (number + 1) / CLIENTS, "timeSpent": 300}
        return [
            aspire.post(f"{lesson}/start", headers=headers),
            aspire.put(f"{lesson}/progress", json=report, headers=headers),
            aspire.post(f"{lesson}/complete", headers=headers),
            aspire.post(f"{lesson}/quiz/submit", json={"answers": [0, 1, 2, 3, 0]}, headers=headers),
            aspire.post(f"{assignment}/submit", json={"content": f"text {number}"}, headers=headers),
            aspire.put(f"{assignment}/submission", json={"content": f"text {number}\n"}, headers=headers),
        ]

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(use, range(CLIENTS)))
    assert {tuple(one.status_code for one in row) for row in answers} == {(200, 200, 200, 200, 201, 200)}
    state = aspire.post(f"{lesson}/start", headers=headers).json()
    assert (state["timeSpent"], state["progress"], state["completed"]) == (300 * CLIENTS, 1.0, True)
    numbers = range(1, CLIENTS + 1)
    assert sorted(row[3].json()["attempt"] for row in answers) == list(numbers)
    assert sorted(row[4].json()["version"] for row in answers) == list(numbers)
    assert aspire.get(f"{assignment}/submission", headers=headers).json()["version"] == CLIENTS


# --- Webhooks ---------------------------------------------------------------------------------------------


def deliver(
    client: Client, event: dict[str, Any], *, at: int | None = None, secret: str = DEFAULT_STRIPE_SECRET
) -> requests.Response:
    """Send an event as the payment provider does."""
    body = json.dumps(event).encode()
    signature = sign(secret, body, int(time.time()) if at is None else at)
    return client.post("/api/webhooks/stripe", data=body, headers={"Stripe-Signature": signature})


def refund(payment: str) -> dict[str, Any]:
    """An event that takes a place away."""
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "type": "charge.refunded",
        "data": {"object": {"id": payment, "amount": 19_900}},
    }


def counted(client: Client) -> tuple[int, int]:
    """How many events there are, and how often they were acted on."""
    found = client.admin("GET", "/admin/events").json()
    return found["events"], found["processed"]


def test_a_refund_takes_the_place_away(aspire: Client) -> None:
    """Once; the second delivery is known; then the course can be bought again."""
    headers = new_learner(aspire)
    place = aspire.post("/api/enrollments", json=ENROLL, headers=headers).json()
    event = refund(place["paymentId"])
    assert deliver(aspire, event).json() == {"received": True, "duplicate": False}
    assert deliver(aspire, event).json() == {"received": True, "duplicate": True}
    assert aspire.get("/api/enrollments", headers=headers).json() == []
    assert aspire.post("/api/enrollments", json=ENROLL, headers=headers).status_code == 201


def test_one_event_delivered_a_hundred_times_at_once_counts_once(aspire: Client) -> None:
    """All are answered with 200."""
    before = counted(aspire)
    event = refund("pi_unknown")
    answers = at_once(lambda _: deliver(aspire, event), 100)
    assert {answer.status_code for answer in answers} == {200}
    assert sum(not answer.json()["duplicate"] for answer in answers) == 1
    assert counted(aspire) == (before[0] + 1, before[1] + 1)


def test_wrong_signatures_are_refused(aspire: Client) -> None:
    """400 for a missing, malformed, old or forged signature, and for a body that is no event."""
    event, now = refund("pi_x"), int(time.time())
    refused = [
        deliver(aspire, event, secret="whsec_other"),
        deliver(aspire, event, at=now - 1_000),
        aspire.post("/api/webhooks/stripe", json=event),
        aspire.post("/api/webhooks/stripe", json=event, headers={"Stripe-Signature": "nonsense"}),
        aspire.post("/api/webhooks/stripe", json=event, headers={"Stripe-Signature": f"t={'9' * 5000},v1=0"}),
        aspire.post("/api/webhooks/stripe", data="{"),
    ]
    assert [(answer.status_code, type(answer.json()["error"])) for answer in refused] == [(400, str)] * 6
    assert deliver(aspire, {"id": "evt_1"}).status_code == 422


def test_webhooks_can_be_dropped_and_doubled_on_demand(target: Platform, aspire: Client) -> None:
    """Dropped: answered, and forgotten. Doubled: a known event is acted on again."""
    before = counted(aspire)
    event = refund("pi_unknown")
    with target.faults("aspire", [{"type": "drop_webhooks"}]):
        assert deliver(aspire, event).json() == {"received": True, "duplicate": False}
    assert counted(aspire) == before
    with target.faults("aspire", [{"type": "duplicate_webhooks"}]):
        assert [deliver(aspire, event).json()["duplicate"] for _ in range(2)] == [False, False]
    assert counted(aspire) == (before[0] + 1, before[1] + 2)


# --- Faults on demand -------------------------------------------------------------------------------------

OBJECTIVES = [
    ("register", "POST", "/api/auth/register"),
    ("login", "POST", "/api/auth/login"),
    ("courses", "GET", "/api/courses"),
    ("enroll", "POST", "/api/enrollments"),
    ("progress", "GET", "/api/progress"),
    ("lessons", "GET", "/api/lessons"),
    ("lesson_start", "POST", f"/api/lessons/{COURSE}-l01/start"),
    ("lesson_progress", "PUT", f"/api/lessons/{COURSE}-l01/progress"),
    ("lesson_complete", "POST", f"/api/lessons/{COURSE}-l01/complete"),
    ("quiz", "GET", f"/api/lessons/{COURSE}-l01/quiz"),
    ("quiz_submit", "POST", f"/api/lessons/{COURSE}-l01/quiz/submit"),
    ("assignments", "GET", "/api/assignments"),
    ("assignment", "GET", f"/api/assignments/{COURSE}-a01"),
    ("assignment_submit", "POST", f"/api/assignments/{COURSE}-a01/submit"),
    ("submission", "GET", f"/api/assignments/{COURSE}-a01/submission"),
    ("submission_update", "PUT", f"/api/assignments/{COURSE}-a01/submission"),
    ("webhook", "POST", "/api/webhooks/stripe"),
]


@pytest.mark.parametrize(("endpoint", "method", "path"), OBJECTIVES)
def test_every_objective_can_fail(
    target: Platform, aspire: Client, endpoint: str, method: str, path: str
) -> None:
    """Each step of the scripts has a name of its own, for errors and latencies; the others go on."""
    slow = {"type": "latency", "endpoint": endpoint, "distribution": {"type": "constant", "ms": 30}}
    errors = {"type": "errors", "endpoint": endpoint, "rate": 1, "status": 503}
    with target.faults("aspire", [slow, errors]):
        answer = aspire.request(method, path, headers=MOCK)
        assert (answer.status_code, answer.json()) == (503, {"error": "fault on demand"})
        assert answer.elapsed.total_seconds() >= 0.03
        assert aspire.get("/health").status_code == 200


def test_a_dry_pool_answers_503(target: Platform, aspire: Client) -> None:
    """Who waits for a connection in vain is told so, in JSON."""
    with target.faults("aspire", [{"type": "pool", "size": 1, "hold_ms": 1_000, "timeout_ms": 20}]):
        answers = at_once(lambda _: aspire.get("/api/lessons", headers=MOCK), 5)
    statuses = {answer.status_code for answer in answers}
    # The one connection may just be a background job's.
    assert 503 in statuses <= {200, 503}


# --- A crash in the middle of a write ---------------------------------------------------------------------


@pytest.mark.parametrize("statements", [2, -1])
def test_a_crash_leaves_whole_enrolments_and_submissions_only(data: Path, statements: int) -> None:
    """Before the commit nothing is kept, after it everything; the platform is back at once."""
    with Platform(data, services="aspire") as platform:
        client = platform["aspire"]
        headers = new_learner(client)
        submit = "/api/assignments/course-orientation-a01/submit"
        for endpoint, path, body in (
            ("enroll", "/api/enrollments", ENROLL),
            ("assignment_submit", submit, {"content": "x"}),
        ):
            crash = {"type": "crash", "endpoint": endpoint, "after_statements": statements}
            fault = {"faults": [crash]}
            assert client.admin("PUT", "/admin/faults", json=fault).status_code == 200
            with pytest.raises(requests.ConnectionError):
                client.post(path, json=body, headers=headers)
            # The port stays open: this waits until the next worker listens.
            assert client.admin("DELETE", "/admin/faults").status_code == 204
        again = client.post("/api/enrollments", json=ENROLL, headers=headers)
        assert again.status_code == (201 if statements > 0 else 409)
    engine = create_engine(f"sqlite:///{data / 'aspire.sqlite3'}")
    with engine.connect() as tx:
        mine = ENROLLMENTS.c.payment_id.is_not(None)
        counts = [tx.execute(select(func.count()).where(mine)).scalar_one()]
        counts += [
            tx.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (PAYMENTS, SUBMISSIONS, STANDINGS)
        ]
    engine.dispose()
    assert counts == ([1, 1, 0, 0] if statements > 0 else [1, 1, 1, 1])


# --- Limits and seeds -------------------------------------------------------------------------------------


def test_limits_close_an_address_after_ten_wrong_passwords(data: Path) -> None:
    """Only with --limits: 429 with Retry-After, also for the right password; other addresses go on."""
    wrong = {"email": "learner_1@example.com", "password": "wrong-password"}
    with Platform(data, "--limits", services="aspire") as platform:
        client = platform["aspire"]
        statuses = [client.post("/api/auth/login", json=wrong).status_code for _ in range(11)]
        assert statuses == [401] * 10 + [429]
        right = client.post("/api/auth/login", json=wrong | {"password": PASSWORD})
        assert (right.status_code, right.headers["retry-after"]) == (429, "60")
        other = {"email": "learner_2@example.com", "password": PASSWORD}
        assert client.post("/api/auth/login", json=other).status_code == 200


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
        assert sum(map(len, seen[0])) > 100
        SERVICE.clean(tx)
        assert not any(tx.execute(select(table)).first() for table in tables)
    engine.dispose()
