"""AIVO honours its contract: the OpenAI form, assessments, search, and what the extra scripts look at."""

import json
import uuid

import pytest
from target_platform import Client, Platform

HEADERS = {
    "Authorization": "Bearer test-api-key",
    "X-Tenant-ID": "test-tenant",
    "X-Learner-Id": "test-learner",
}
CHAT = {"model": "gpt-4", "messages": [{"role": "user", "content": "What is AI?"}], "max_tokens": 100}
# {"learner_uid": "learner-123", "role": "learner"}, signed by nobody that counts.
JWT = {"Authorization": "Bearer e30.eyJsZWFybmVyX3VpZCI6ImxlYXJuZXItMTIzIiwicm9sZSI6ImxlYXJuZXIifQ.e30"}


@pytest.fixture
def aivo(target: Platform) -> Client:
    """The service."""
    return target["aivo"]


def test_a_conversation_goes_on(aivo: Client) -> None:
    """V3: choices, usage, and the same text for the same question."""
    first, second = (aivo.post("/v1/chat/completions", json=CHAT, headers=HEADERS) for _ in range(2))
    assert first.status_code == 200
    body = first.json()
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["role"] == "assistant"
    assert body["choices"][0]["message"]["content"]
    assert body["choices"] == second.json()["choices"]
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_a_stream_says_what_the_whole_answer_says(aivo: Client) -> None:
    """Streaming sends the same words in chunks, a reason at the end, and [DONE]."""
    whole = aivo.post("/v1/chat/completions", json=CHAT, headers=HEADERS).json()
    response = aivo.post("/v1/chat/completions", json=CHAT | {"stream": True}, headers=HEADERS)
    assert response.headers["content-type"] == "text/event-stream"
    events = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    chunks = [json.loads(event)["choices"][0] for event in events]
    assert (
        "".join(chunk["delta"].get("content", "") for chunk in chunks)
        == (whole["choices"][0]["message"]["content"])
    )
    assert chunks[-1]["finish_reason"] == whole["choices"][0]["finish_reason"]


def test_embeddings_are_unit_vectors_and_repeat(aivo: Client) -> None:
    """V4: one vector for each text; alike texts are near, others are not."""
    texts = ["learning about plants", "learning about planets and plants", "zebra quantum"]
    body = {"model": "text-embedding-ada-002", "input": texts}
    data = aivo.post("/v1/embeddings", json=body, headers=HEADERS).json()["data"]
    vectors = [item["embedding"] for item in data]
    assert [len(vector) for vector in vectors] == [1536] * 3

    def product(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert product(vectors[0], vectors[0]) == pytest.approx(1, abs=1e-4)
    assert product(vectors[0], vectors[1]) > product(vectors[0], vectors[2])
    single = aivo.post("/v1/embeddings", json=body | {"input": texts[0]}, headers=HEADERS).json()["data"]
    assert single[0]["embedding"] == vectors[0]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, CHAT, 401),
        ({"Authorization": "Bearer nonsense"}, CHAT, 401),
        (HEADERS | {"X-Tenant-ID": "other-tenant"}, CHAT, 403),
        (HEADERS, CHAT | {"model": "gpt-unknown"}, 404),
        (HEADERS, CHAT | {"messages": []}, 422),
        (HEADERS, CHAT | {"temperature": 3}, 422),
    ],
)
def test_refusals_have_openai_s_form(
    aivo: Client, headers: dict[str, str], body: dict[str, object], status: int
) -> None:
    """The error is an object with a message and a type."""
    response = aivo.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == status
    assert isinstance(response.json()["error"]["message"], str)
    assert isinstance(response.json()["error"]["type"], str)


def test_usage_counts_every_request(aivo: Client) -> None:
    """Metering adds up, for the tenant of the key."""
    key = {"Authorization": "Bearer other-api-key"}
    before = aivo.get("/api/v1/usage", headers=key).json()
    aivo.post("/v1/chat/completions", json=CHAT, headers=key)
    after = aivo.get("/api/v1/usage", headers=key).json()
    assert after["tenant_id"] == "other-tenant"
    assert (
        sum(row["requests"] for row in after["usage"]) == sum(row["requests"] for row in before["usage"]) + 1
    )


def test_an_assessment_is_made_answered_and_graded(aivo: Client) -> None:
    """V5 to V7: 201 with an id of text; answers 201 then 200; options by key, sentences by words."""
    body = {
        "title": "Plants",
        "description": "",
        "subject": "biology",
        "grade_level": 9,
        "questions": [
            {
                "type": "multiple_choice",
                "question": "2+2?",
                "options": ["3", "4"],
                "correct_answer": 1,
                "points": 10,
            },
            {"type": "short_answer", "question": "What is photosynthesis?", "points": 20},
        ],
        "created_by": "load-test-teacher",
        "time_limit": 1800,
        "attempts_allowed": 3,
    }
    made = aivo.post("/api/v1/assessments", json=body, headers=HEADERS)
    assert made.status_code == 201
    number = made.json()["id"]
    assert isinstance(number, str)
    assert number
    shown = aivo.get(f"/api/v1/assessments/{number}", headers=HEADERS).json()
    assert "correct_answer" not in shown["questions"][0]
    answer = {"assessment_id": number, "question_id": 1, "answer": 1, "time_spent": 30, "is_final": True}
    sent = [
        aivo.post(f"/api/v1/assessments/{number}/answers", json=answer, headers=HEADERS) for _ in range(2)
    ]
    assert [response.status_code for response in sent] == [201, 200]
    answers = [
        {"question_id": 1, "answer": 1, "time_spent": 1},
        {"question_id": 2, "answer": "photosynthesis is light"},
    ]
    grade = {
        "submission_id": "submission-1",
        "answers": answers,
        "auto_grade": True,
        "feedback_level": "detailed",
    }
    for _ in range(2):
        graded = aivo.post(f"/api/v1/assessments/{number}/grade", json=grade, headers=HEADERS)
        assert graded.status_code == 200
        assert 10 < graded.json()["score"] <= 30
        assert len(graded.json()["feedback"]) == 2


@pytest.mark.parametrize("number", [0, 42, 99])
def test_the_scripts_assessments_are_there(aivo: Client, number: int) -> None:
    """test-assessment-0 to -99 have five questions, and any option from 0 to 3 is an answer."""
    for question in range(1, 6):
        body = {"question_id": question, "answer": question % 4, "time_spent": 10, "is_final": False}
        path = f"/api/v1/assessments/test-assessment-{number}/answers"
        assert aivo.post(path, json=body, headers=HEADERS).status_code in (200, 201)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/assessments/none/answers", {"question_id": 1, "answer": 0}, 404),
        ("/api/v1/assessments/test-assessment-1/answers", {"question_id": 6, "answer": 0}, 422),
        ("/api/v1/assessments/test-assessment-1/answers", {"question_id": "x", "answer": 0}, 422),
        (
            "/api/v1/assessments/none/grade",
            {"submission_id": "s", "answers": [{"question_id": 1, "answer": 0}]},
            404,
        ),
        ("/api/v1/assessments", {"title": "x"}, 422),
    ],
)
def test_wrong_assessments_are_refused(aivo: Client, path: str, body: dict[str, object], status: int) -> None:
    """Unknown is 404, invalid 422, in JSON."""
    response = aivo.post(path, json=body, headers=HEADERS)
    assert (response.status_code, type(response.json()["error"])) == (status, str)


def test_suggestions_complete_the_beginning_of_a_word(aivo: Client) -> None:
    """V8: titles; nothing is an empty list; no beginning is 422."""
    response = aivo.get("/api/v1/search/suggest", params={"q": "alg", "limit": 10}, headers=HEADERS)
    found = response.json()["suggestions"]
    assert found
    assert all("alg" in title.lower() for title in found[:3])
    nothing = aivo.get("/api/v1/search/suggest?q=qqq&limit=10", headers=HEADERS)
    assert (nothing.status_code, nothing.json()["suggestions"]) == (200, [])
    assert aivo.get("/api/v1/search/suggest", headers=HEADERS).status_code == 422


def test_queries_filter_rank_and_page(aivo: Client) -> None:
    """V9: results and a total; null filters do not matter; a page beyond the end is empty, with the total."""
    body = {
        "query": "programming python algorithms",
        "filters": {"subject": None, "difficulty": None},
        "limit": 5,
        "offset": 0,
        "sort_by": "relevance",
        "include_highlights": True,
    }
    everything = aivo.post("/api/v1/search/query", json=body, headers=HEADERS).json()
    assert everything["total"] >= len(everything["results"]) > 0
    scores = [result["score"] for result in everything["results"]]
    assert scores == sorted(scores, reverse=True)
    assert "<em>" in everything["results"][0]["highlights"][0]
    narrow = {"subject": "computer_science", "difficulty": "beginner"}
    filtered = aivo.post("/api/v1/search/query", json=body | {"filters": narrow}, headers=HEADERS).json()
    assert {(one["subject"], one["difficulty"]) for one in filtered["results"]} <= {
        ("computer_science", "beginner")
    }
    beyond = aivo.post("/api/v1/search/query", json=body | {"offset": 90_000}, headers=HEADERS).json()
    assert (beyond["results"], beyond["total"]) == ([], everything["total"])
    newest = aivo.post("/api/v1/search/query", json=body | {"sort_by": "date"}, headers=HEADERS).json()
    dates = [result["created_at"] for result in newest["results"]]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize("query", ['" OR 1=1 --', "NEAR(", "a* AND (b", "'", "%", "", ":*&|!"])
def test_no_query_is_an_operator(aivo: Client, query: str) -> None:
    """Whatever stands in a query are words: no error, and no other meaning."""
    response = aivo.post("/api/v1/search/query", json={"query": query}, headers=HEADERS)
    assert response.status_code == 200


def test_an_indexed_document_is_found_at_once(aivo: Client) -> None:
    """V10: 201 when new, 200 when replaced; then only the new words find it."""
    word, other = (f"w{uuid.uuid4().hex}" for _ in range(2))
    document = {
        "id": f"doc-{word}",
        "title": f"About {word}",
        "content": "text",
        "subject": "computer_science",
        "tags": ["a"],
        "difficulty": "beginner",
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
    }
    first = aivo.post("/api/v1/search/index", json=document, headers=HEADERS)
    assert (first.status_code, first.json()["indexed"], first.json()["status"]) == (201, True, "indexed")
    second = aivo.post("/api/v1/search/index", json=document | {"title": f"About {other}"}, headers=HEADERS)
    assert second.status_code == 200

    def total(query: str) -> int:
        found = aivo.post("/api/v1/search/query", json={"query": query}, headers=HEADERS)
        return int(found.json()["total"])

    assert (total(word), total(other)) == (0, 1)


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/api/v1/health",
        "/api/v1/gateway/health",
        "/api/v1/assessment/health",
        "/api/v1/search/health",
    ],
)
def test_every_health_check_is_green(aivo: Client, path: str) -> None:
    """The runner, the CI and the scripts each look elsewhere."""
    assert aivo.get(path).status_code == 200


def test_the_gateway_echoes_the_correlation_id_and_allows_origins(aivo: Client) -> None:
    """Every answer has X-Correlation-ID and CORS headers; the preflight exposes it."""
    headers = {"X-Correlation-ID": "abc", "Origin": "https://app.example"}
    response = aivo.get("/api/v1/users/profile", headers=headers)
    assert (response.status_code, response.headers["x-correlation-id"]) == (401, "abc")
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    preflight = aivo.options("/api/v1/users/profile", headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-credentials"] == "true"
    assert "X-Correlation-ID" in preflight.headers["access-control-expose-headers"]
    assert aivo.get("/api/v1/users/profile", headers=JWT).status_code == 200
    made = {aivo.get("/health").headers["x-correlation-id"] for _ in range(2)}
    assert len(made) == 2, "without an id of the caller's each answer has its own"


def test_consent_gates_other_learners(aivo: Client) -> None:
    """The own data 200, another's 403; an unknown dashboard context 403."""
    path = "/api/v1/assessments?learnerId="
    assert aivo.get(f"{path}learner-123", headers=JWT).status_code == 200
    assert aivo.get(f"{path}learner-999", headers=JWT).status_code == 403
    workflow = {"workflowType": "x", "learnerId": "learner-123"}
    bad = JWT | {"X-Dashboard-Context": "invalid-context"}
    assert aivo.post("/api/v1/orchestrator/workflows", json=workflow, headers=JWT).status_code == 200
    assert aivo.post("/api/v1/orchestrator/workflows", json=workflow, headers=bad).status_code == 403


def test_stage_2_gets_what_it_reads(aivo: Client) -> None:
    """A form login gives a token; lesson, search, assessment and profile have their fields."""
    login = aivo.post("/api/auth/login", data={"email": "a@example.com", "password": "x"})
    assert (login.status_code, type(login.json()["token"])) == (200, str)
    lesson = {
        "subject": "mathematics",
        "topic": "fractions",
        "grade": 7,
        "learningObjectives": ["a", "b", "c"],
    }
    made = aivo.post("/api/generate/lesson", json=lesson).json()
    assert len(made["content"]) > 100
    assert made["metadata"]["model"]
    found = aivo.get("/api/search?q=anything&subject=mathematics&limit=20").json()["results"]
    assert "score" in found[0]
    quick = {"subject": "mathematics", "grade": 7, "assessmentType": "adaptive", "questionCount": 10}
    for path in ("/api/assessments", "/api/assessments/quick"):
        assert len(aivo.post(path, json=quick).json()["questions"]) == 10
    assert aivo.get("/api/users/user-999/profile").status_code == 200
    assert aivo.get("/api/users/user-1000/profile").status_code == 404


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/users/search?q=' OR '1'='1", {}, 403),
        ("/api/search?q=<script>alert(1)</script>", {}, 403),
        ("/api/files?path=../../etc/passwd", {}, 403),
        ("/api/system/info?cmd=ls%26%26id", {}, 403),
        ("/api/system/info?cmd=ls&&id", {}, 403),
        ("/api/files?path=%252e%252e%252fetc%252fpasswd", {}, 403),
        ("/api/search?q=%3Csvg onload%3Dalert(1)%3E", {}, 403),
        ("/api/users/profile?id=1;SELECT pg_sleep(5)", {}, 403),
        ("/api/users/profile?id=UNION/**/SELECT/**/1", {}, 403),
        ("/api/users/profile?id=admin'%23", {}, 403),
        ("/api/users/profile?id=') or ('1'%3D'1", {}, 403),
        ("/api/search?q=O'Brien and R%26D, c%2B%2B %3D fun; it's 'so'", {}, 200),
        ("/", {"User-Agent": "sqlmap/1.0"}, 403),
        ("/", {"User-Agent": "k6/2.0"}, 200),
        ("/admin/", {"CF-IPCountry": "RU"}, 403),
        ("/api/models", {}, 200),
    ],
)
def test_the_edge_blocks_attacks_only(aivo: Client, path: str, headers: dict[str, str], status: int) -> None:
    """Attacks, scanners and closed countries get 403; everybody else does not."""
    assert aivo.get(path, headers=headers).status_code == status


def test_sprayed_logins_are_slowed_down(aivo: Client) -> None:
    """Injections 403; wrong names soon 429."""
    attack = {"username": "admin' OR '1'='1", "password": "x"}
    assert aivo.post("/api/auth/login", json=attack).status_code == 403
    tries = [
        aivo.post("/api/auth/login", json={"username": f"u{i}", "password": "x"}).status_code
        for i in range(12)
    ]
    assert set(tries) <= {401, 429}
    assert tries[-1] == 429


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"X-Scenario": "success"}, 200), ({"X-Scenario": "error_4xx"}, 400), ({"X-Force-Error": "5xx"}, 500)],
)
def test_the_synthetic_generator_gets_what_it_asks_for(
    aivo: Client, headers: dict[str, str], status: int
) -> None:
    """Success and failure by header, at any depth."""
    for method in ("GET", "POST", "PATCH"):
        for path in ("/payment", "/payment/start", "/payment/checkout/start", "/payment/a/b/c"):
            assert aivo.request(method, path, headers=headers).status_code == status
