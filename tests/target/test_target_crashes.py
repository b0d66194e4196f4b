"""A crash in the middle of a write leaves nothing of it, one after its commit all of it, for every write."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from target_crashes import Found, Orders, Step

from swell_target.base.settings import Settings

SECRET = "secret-of-the-tests"
MOCK = {"authorization": "Bearer mock-token"}
KEY = {"authorization": "Bearer test-api-key"}
TENANT = {"x-tenant-id": "tenant_001"}
COURSE = "clh1234567890"
EMAIL = "test-@unique@example.com"
LESSON = "/api/lessons/course-orientation-l01"
EVENT = '{"id": "evt_@unique", "type": "%s", "data": {"object": {"id": "x_@unique", "amount": 9900}}}'


class Write(NamedTuple):
    """A step, the answer when nothing crashes, and to its repetition after a crash behind the commit."""

    step: Step
    first: int
    again: int


ASPIRE_ACCOUNT = [
    Step("/api/auth/register", body=f'{{"email": "{EMAIL}", "password": "TestPassword123!", "name": "T"}}'),
    Step("/api/auth/login", body=f'{{"email": "{EMAIL}", "password": "TestPassword123!"}}'),
]
LEARNER = {"authorization": "Bearer @token"}
ASPIRE = [
    Write(ASPIRE_ACCOUNT[0], 201, 409),
    Write(
        Step(
            "/api/enrollments",
            body=f'{{"courseId": "{COURSE}", "paymentMethodId": "pm_test_mock"}}',
            headers=LEARNER,
            before=ASPIRE_ACCOUNT,
        ),
        201,
        409,
    ),
    Write(Step(f"{LESSON}/start", headers=LEARNER, before=ASPIRE_ACCOUNT), 200, 200),
    Write(
        Step(
            f"{LESSON}/progress",
            "PUT",
            body='{"progress": 0.5, "timeSpent": 300}',
            headers=LEARNER,
            before=ASPIRE_ACCOUNT,
        ),
        200,
        200,
    ),
    Write(Step(f"{LESSON}/complete", headers=LEARNER, before=ASPIRE_ACCOUNT), 200, 200),
    Write(
        Step(
            "/api/assignments/course-orientation-a01/submit",
            body='{"content": "x", "files": [{"name": "a", "content": "b"}]}',
            headers=LEARNER,
            before=ASPIRE_ACCOUNT,
        ),
        201,
        201,
    ),
    Write(Step("/api/webhooks/stripe", body=EVENT % "charge.refunded", signed=True), 200, 200),
]
AIVO = [
    Write(
        Step("/v1/chat/completions", body='{"messages": [{"role": "user", "content": "x"}]}', headers=KEY),
        200,
        200,
    ),
    Write(Step("/v1/embeddings", body='{"input": "x"}', headers=KEY), 200, 200),
    Write(
        Step(
            "/api/v1/assessments",
            body='{"title": "t", "subject": "s", "grade_level": 8, "questions": '
            '[{"type": "short_answer", "question": "why"}]}',
            headers=KEY,
        ),
        201,
        201,
    ),
    Write(
        Step(
            "/api/v1/assessments/test-assessment-1/answers",
            body='{"question_id": 1, "answer": 2}',
            headers=KEY | {"x-learner-id": "@unique"},
        ),
        201,
        200,
    ),
    Write(
        Step(
            "/api/v1/assessments/test-assessment-1/grade",
            body='{"submission_id": "@unique", "answers": [{"question_id": 1, "answer": 0}]}',
            headers=KEY,
        ),
        200,
        200,
    ),
    Write(
        Step("/api/v1/search/index", body='{"id": "doc-@unique", "title": "t", "content": "c"}', headers=KEY),
        201,
        200,
    ),
]
COOLY_LOGIN = Step("/api/auth/login", body='{"email": "test@example.com", "password": "testpassword123"}')
ORDER = Step(
    "/api/images/seedream4/generate",
    body='{"prompt": "x", "clientKey": "@unique", "outputs": 2}',
    headers={"cookie": "token=@token"},
    before=[COOLY_LOGIN],
)
ORDERED = [COOLY_LOGIN, msgspec.structs.replace(ORDER, before=[])]
STORE = "swell_target.services.cooly.store"
COOLY = [
    Write(Step("/api/auth/register", body=f'{{"email": "{EMAIL}", "password": "a-password-1"}}'), 201, 409),
    Write(ORDER, 202, 202),
    Write(Step(function=f"{STORE}:claim", arguments=["@session_id", 2000], before=ORDERED), 200, 200),
    Write(Step(function=f"{STORE}:capture", arguments=["@session_id", ["a"]], before=ORDERED), 200, 200),
    Write(Step(function=f"{STORE}:release", arguments=["@session_id", "no"], before=ORDERED), 200, 200),
    Write(Step(function=f"{STORE}:retry_later", arguments=["@session_id", 1], before=ORDERED), 200, 200),
    Write(Step(function=f"{STORE}:top_up", arguments=["test@example.com", 5, None]), 200, 200),
]
AIAAS = [
    Write(Step("/chat/messages", body='{"message": "x", "session_id": "@unique"}', headers=TENANT), 200, 200),
    Write(Step("/ask", body='{"query": "x"}', headers=TENANT), 200, 200),
    Write(
        Step("/v1/chat", body='{"messages": [{"role": "user", "content": "x"}]}', headers=TENANT), 200, 200
    ),
    Write(
        Step("/api/v1/tools/execute", body='{"tool_name": "search"}', headers=TENANT),
        200,
        200,
    ),
    Write(Step("/api/v1/upload", body='{"content": "x"}', headers=TENANT), 201, 201),
    Write(Step("/auth/login", body='{"tenant_id": "test-@unique"}'), 200, 200),
    Write(Step("/billing/usage", body='{"metric": "messages", "quantity": 2}', headers=TENANT), 201, 201),
    Write(
        Step(
            "/billing/invoices",
            body='{"period": "2026-10"}',
            headers={"x-tenant-id": "@tenant_id"},
            before=[Step("/auth/login", body='{"tenant_id": "test-@unique"}')],
        ),
        201,
        200,
    ),
    Write(Step("/billing/webhooks", body=EVENT % "invoice.paid", signed=True), 200, 200),
]
JOIN = Step("/api/rtc/sessions/test_session_001/join", body='{"user_id": "user_@unique"}')
RSVP = Step(
    "/api/events/evt_load_test_001/rsvp",
    body=f'{{"participant": {{"email": "{EMAIL}", "first_name": "A", "last_name": "B"}}, '
    '"payment": {"payment_method": "pm_card_visa"}}',
)
WWMAA = [
    Write(JOIN, 200, 200),
    Write(
        Step("/api/rtc/sessions/test_session_001/leave", body='{"user_id": "user_@unique"}', before=[JOIN]),
        200,
        200,
    ),
    Write(RSVP, 201, 409),
    Write(
        Step(
            "/api/auth/refresh",
            body='{"refresh_token": "@refresh_token"}',
            before=[
                Step(
                    "/api/auth/login",
                    body='{"email": "loadtest_user_1@wwmaa.com", "password": "test_password_123"}',
                )
            ],
        ),
        200,
        401,
    ),
    *(
        Write(Step("/api/webhooks/stripe", body=EVENT % kind, signed=True), 200, 200)
        for kind in (
            "payment_intent.succeeded",
            "payment_intent.payment_failed",
            "invoice.payment_succeeded",
            "customer.subscription.updated",
            "customer.subscription.deleted",
        )
    ),
    Write(
        Step(function="swell_target.services.wwmaa.bookings:send_mails", arguments=[500], before=[RSVP]),
        200,
        200,
    ),
]


WRITES = {"aspire": ASPIRE, "aivo": AIVO, "cooly": COOLY, "aiaas": AIAAS, "wwmaa": WWMAA}


def probe(service: str, settings: Settings, writes: Sequence[Write]) -> list[Found]:
    """Let the prober crash in each write."""
    orders = Orders(service, settings, [write.step for write in writes])
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("target_crashes.py")],
        input=msgspec.json.encode(orders),
        capture_output=True,
        timeout=110,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return msgspec.json.decode(done.stdout, type=list[Found])


@pytest.mark.parametrize(
    ("backend", "service"),
    [*(("sqlite", service) for service in WRITES), ("postgresql", "wwmaa")],
    indirect=["backend"],
)
def test_a_crash_at_any_statement_leaves_all_or_nothing(
    service: str, backend: str, data: Path, request: pytest.FixtureRequest
) -> None:
    """Before, between and after the statements: not a row has changed; after the commit it is kept.

    Whoever repeats the request then gets an answer that fits what is there. On PostgreSQL, which takes its
    time with each new connection, registrations stand for all (and Cooly's orders in test_cooly_books.py).
    """
    url, writes = "", WRITES[service]
    if backend == "postgresql":
        url, writes = request.getfixturevalue("fresh_database"), [WWMAA[2]]
    settings = Settings(data=str(data), db=url, secret=SECRET, admin_token="x", mock_latency_ms=0)
    for write, found in zip(writes, probe(service, settings, writes), strict=True):
        name = write.step.path or write.step.function
        assert found.points >= 2, f"{name} writes nothing"
        assert found.torn == [], name
        assert (found.first, found.again, found.kept) == (write.first, write.again, True), name
