"""Aspire honours its contract: statuses, fields, types, and JSON with a string ``error`` for every error."""

import http.client
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from target_platform import Client, Platform

MOCK = {"Authorization": "Bearer mock-token", "Content-Type": "application/json"}
COURSE = "clh1234567890"
PASSWORD = "TestPassword123!"
ENROLL = {"courseId": COURSE, "paymentMethodId": "pm_test_mock"}
TEXT = {"content": "My answer, with reasons."}


@pytest.fixture
def aspire(target: Platform) -> Client:
    """The service."""
    return target["aspire"]


def new_email() -> str:
    """An address as the scripts make them."""
    return f"test-{uuid.uuid4()}@example.com"


def new_learner(client: Client, **fields: str) -> dict[str, str]:
    """The headers of a fresh account."""
    email = new_email()
    body = {"email": email, "password": PASSWORD, "name": "Test User"} | fields
    assert client.post("/api/auth/register", json=body).status_code == 201
    token = client.post("/api/auth/login", json={"email": email, "password": PASSWORD}).json()["token"]
    return MOCK | {"Authorization": f"Bearer {token}"}


def graded(client: Client, assignment: str, headers: dict[str, str]) -> dict[str, Any]:
    """The submission once it is graded."""
    for _ in range(2_000):
        found: dict[str, Any] = client.get(
            f"/api/assignments/{assignment}/submission", headers=headers
        ).json()
        if found["state"] == "graded":
            return found
    raise AssertionError("the submission was not graded")


# --- Accounts ---------------------------------------------------------------------------------------------


def test_the_enrolment_script_s_flow(aspire: Client) -> None:
    """A1 to A5: register 201, login 200 with a token, catalogue 200, enrol 201, progress 200."""
    email = new_email()
    body = {"email": email, "password": PASSWORD, "name": "Test User k3f", "referrerCode": "AFFILIATE123"}
    registered = aspire.post("/api/auth/register", json=body)
    assert (registered.status_code, registered.json()["referred"]) == (201, True)
    login = aspire.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    assert (login.status_code, type(login.json()["token"])) == (200, str)
    headers = MOCK | {"Authorization": f"Bearer {login.json()['token']}"}
    catalogue = aspire.get("/api/courses", headers=headers)
    assert catalogue.status_code == 200
    assert COURSE in [course["id"] for course in catalogue.json()["courses"]]
    enrolled = aspire.post("/api/enrollments", json=ENROLL, headers=headers)
    assert (enrolled.status_code, enrolled.json()["amountCents"]) == (201, 19_900)
    progress = aspire.get("/api/progress", headers=headers)
    (course,) = progress.json()["enrollments"]
    assert (progress.status_code, course["courseId"], course["completed"]) == (200, COURSE, 0)


def test_a_referrer_code_brings_its_owner_a_commission(aspire: Client) -> None:
    """Ten percent of what the referred pay; an unknown code is no obstacle."""
    affiliate = new_learner(aspire)
    code = aspire.get("/api/affiliate", headers=affiliate).json()["code"]
    friend = new_learner(aspire, referrerCode=code)
    assert aspire.post("/api/enrollments", json=ENROLL, headers=friend).status_code == 201
    found = aspire.get("/api/affiliate", headers=affiliate).json()
    assert found == {"code": code, "referrals": 1, "sales": 1, "commissionCents": 1_990}
    body = {"email": new_email(), "password": PASSWORD, "name": "x", "referrerCode": "NOBODY'S"}
    unknown = aspire.post("/api/auth/register", json=body)
    assert (unknown.status_code, unknown.json()["referred"]) == (201, False)


def test_a_taken_address_is_refused(aspire: Client) -> None:
    """409, in whatever case it is written."""
    email = new_email()
    body = {"email": email, "password": PASSWORD, "name": "x"}
    assert aspire.post("/api/auth/register", json=body).status_code == 201
    again = aspire.post("/api/auth/register", json=body | {"email": email.upper()})
    assert (again.status_code, type(again.json()["error"])) == (409, str)
    login = aspire.post("/api/auth/login", json={"email": email.upper(), "password": PASSWORD})
    assert login.status_code == 200


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("register", {"json": {"email": "no address", "password": PASSWORD, "name": "x"}}, 422),
        ("register", {"json": {"email": "a@example.com", "password": "short", "name": "x"}}, 422),
        ("register", {"json": {"email": "a@example.com", "password": PASSWORD}}, 422),
        ("register", {"json": {"email": "a@example.com", "password": PASSWORD, "name": "a\0b"}}, 422),
        ("register", {"data": "{not json"}, 400),
        ("register", {"data": b"x" * 1_100_000}, 413),
        ("login", {"json": {"email": "learner_1@example.com", "password": "wrong"}}, 401),
        ("login", {"json": {"email": "nobody@example.com", "password": PASSWORD}}, 401),
        ("login", {"json": {"email": 1, "password": "x"}}, 422),
        ("login", {"data": b""}, 400),
    ],
)
def test_wrong_accounts_are_refused_in_json(
    aspire: Client, path: str, sent: dict[str, object], status: int
) -> None:
    """Every refusal is JSON with a sentence, and no stack trace."""
    response = aspire.post(f"/api/auth/{path}", **sent)
    assert response.status_code == status
    assert isinstance(response.json()["error"], str)
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/auth/me"),
        ("GET", "/api/affiliate"),
        ("GET", "/api/courses"),
        ("GET", f"/api/courses/{COURSE}"),
        ("POST", "/api/enrollments"),
        ("GET", "/api/enrollments"),
        ("GET", "/api/progress"),
        ("GET", "/api/lessons"),
        ("GET", f"/api/lessons/{COURSE}-l01"),
        ("POST", f"/api/lessons/{COURSE}-l01/start"),
        ("PUT", f"/api/lessons/{COURSE}-l01/progress"),
        ("POST", f"/api/lessons/{COURSE}-l01/complete"),
        ("GET", f"/api/lessons/{COURSE}-l01/quiz"),
        ("POST", f"/api/lessons/{COURSE}-l01/quiz/submit"),
        ("GET", "/api/assignments"),
        ("GET", f"/api/assignments/{COURSE}-a01"),
        ("POST", f"/api/assignments/{COURSE}-a01/submit"),
        ("GET", f"/api/assignments/{COURSE}-a01/submission"),
        ("PUT", f"/api/assignments/{COURSE}-a01/submission"),
        ("GET", f"/api/assignments/{COURSE}-a01/submission/files/x.txt"),
    ],
)
def test_every_call_wants_a_token(aspire: Client, method: str, path: str) -> None:
    """401 with JSON without one, and with a forged one."""
    for headers in ({}, {"Authorization": "Bearer forged.token.x"}):
        response = aspire.request(method, path, headers=headers)
        assert (response.status_code, type(response.json()["error"])) == (401, str)


# --- Courses ----------------------------------------------------------------------------------------------


def test_the_catalogue_is_paged_and_searched(aspire: Client) -> None:
    """``limit``, ``offset`` and ``q`` choose; a wrong one is 422; a course has its outline."""
    page = aspire.get("/api/courses?limit=2&offset=1", headers=MOCK).json()
    assert (len(page["courses"]), page["courses"][0]["id"]) == (2, COURSE)
    found = aspire.get("/api/courses?q=FOUNDATIONS", headers=MOCK).json()
    assert (found["total"], found["courses"][0]["id"]) == (1, COURSE)
    assert aspire.get("/api/courses?q=%25", headers=MOCK).json()["total"] == 0
    assert aspire.get("/api/courses?limit=0", headers=MOCK).status_code == 422
    course = aspire.get(f"/api/courses/{COURSE}", headers=MOCK).json()
    assert len(course["outline"]) == course["course"]["lessons"] == 12
    assert aspire.get("/api/courses/none", headers=MOCK).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (ENROLL | {"paymentMethodId": "pm_test_declined"}, 402),
        (ENROLL | {"paymentMethodId": "cash"}, 402),
        (ENROLL | {"courseId": "none"}, 404),
        ({"courseId": COURSE}, 422),
        (ENROLL | {"courseId": ""}, 422),
        (ENROLL | {"courseId": "a\0"}, 422),
    ],
)
def test_enrolment_refuses_what_it_must(aspire: Client, body: dict[str, str], status: int) -> None:
    """402 declined, 404 no such course, 422 not valid; nothing is kept."""
    headers = new_learner(aspire)
    response = aspire.post("/api/enrollments", json=body, headers=headers)
    assert (response.status_code, type(response.json()["error"])) == (status, str)
    assert aspire.get("/api/enrollments", headers=headers).json() == []


def test_a_second_enrolment_is_a_conflict(aspire: Client) -> None:
    """409, and one place."""
    headers = new_learner(aspire)
    first = aspire.post("/api/enrollments", json=ENROLL, headers=headers)
    assert aspire.post("/api/enrollments", json=ENROLL, headers=headers).status_code == 409
    assert aspire.get("/api/enrollments", headers=headers).json() == [first.json()]


# --- Lessons ----------------------------------------------------------------------------------------------


@pytest.fixture
def raw(aspire: Client) -> Iterator[http.client.HTTPConnection]:
    """One keep-alive connection."""
    connection = http.client.HTTPConnection(urlsplit(aspire.url).netloc, timeout=30)
    yield connection
    connection.close()


def test_an_empty_chunked_body_is_taken(raw: http.client.HTTPConnection) -> None:
    """A7, A9: k6 sends ``{}`` as an empty chunked body of type JSON; the connection lives on."""
    for step in ("start", "complete", "start", "complete"):
        path = f"/api/lessons/{COURSE}-l02/{step}"
        raw.request("POST", path, iter(()), MOCK | {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        response = raw.getresponse()
        response.read()
        assert (response.status, response.will_close) == (200, False)


def test_lessons_are_an_array_with_ids(aspire: Client) -> None:
    """A6: a top-level array, not empty, with ids that need no escaping; also for who is not enrolled."""
    for headers in (MOCK, new_learner(aspire)):
        response = aspire.get("/api/lessons", headers=headers)
        found = response.json()
        assert response.status_code == 200
        assert len(found) >= 6
        assert all(lesson["id"].replace("-", "").isalnum() for lesson in found)


def test_all_lessons_of_the_shared_learner_have_a_quiz(aspire: Client) -> None:
    """A10: a lesson without one would count as a failed request in k6."""
    for lesson in aspire.get("/api/lessons", headers=MOCK).json():
        response = aspire.get(f"/api/lessons/{lesson['id']}/quiz", headers=MOCK)
        assert response.status_code == 200
        assert all(len(question["options"]) == 4 for question in response.json()["questions"])
        assert "answer" not in response.json()["questions"][0]


def test_progress_keeps_the_furthest_and_adds_the_time(aspire: Client) -> None:
    """A8 is 200 also before the start and after completion; A9 feeds A5."""
    headers = new_learner(aspire)
    aspire.post("/api/enrollments", json=ENROLL, headers=headers)
    lesson = f"/api/lessons/{COURSE}-l03"
    reports = [(0.5, 300, 0.5, 300), (0.2, 60, 0.5, 360)]
    for progress, seconds, furthest, total in reports:
        sent = {"progress": progress, "timeSpent": seconds}
        response = aspire.put(f"{lesson}/progress", json=sent, headers=headers)
        state = response.json()
        assert (response.status_code, state["progress"], state["timeSpent"]) == (200, furthest, total)
    first = aspire.post(f"{lesson}/complete", headers=headers).json()
    again = aspire.post(f"{lesson}/complete", headers=headers).json()
    assert (first["completed"], first["progress"], again["completedAt"]) == (True, 1.0, first["completedAt"])
    late = aspire.put(f"{lesson}/progress", json={"progress": 0.5, "timeSpent": 300}, headers=headers)
    assert (late.status_code, late.json()["progress"], late.json()["completed"]) == (200, 1.0, True)
    overall = aspire.get("/api/progress", headers=headers).json()
    assert (overall["completedLessons"], overall["timeSpent"]) == (1, 660)
    assert overall["enrollments"][0]["progress"] == pytest.approx(1 / 12, abs=1e-4)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", f"/api/lessons/{COURSE}-l01/progress", {"progress": 1.5, "timeSpent": 1}, 422),
        ("PUT", f"/api/lessons/{COURSE}-l01/progress", {"progress": 0.5, "timeSpent": -1}, 422),
        ("PUT", f"/api/lessons/{COURSE}-l01/progress", {"timeSpent": 1}, 422),
        ("PUT", "/api/lessons/none/progress", {"progress": 0.5, "timeSpent": 1}, 404),
        ("POST", "/api/lessons/none/start", None, 404),
        ("POST", "/api/lessons/none/complete", None, 404),
        ("GET", "/api/lessons/none/quiz", None, 404),
        ("GET", "/api/lessons/a%00b", None, 404),
        ("POST", "/api/lessons/none/quiz/submit", {"answers": []}, 404),
        ("POST", f"/api/lessons/{COURSE}-l01/quiz/submit", {"answers": [1]}, 422),
        ("POST", f"/api/lessons/{COURSE}-l01/quiz/submit", {"answers": [4, 0, 0, 0, 0]}, 422),
        ("GET", "/api/assignments/none", None, 404),
        ("POST", "/api/assignments/none/submit", TEXT, 404),
        ("GET", "/api/assignments/none/submission", None, 404),
        ("PUT", "/api/assignments/none/submission", TEXT, 404),
        ("POST", f"/api/assignments/{COURSE}-a01/submit", {}, 422),
        ("POST", f"/api/assignments/{COURSE}-a01/submit", {"content": ""}, 422),
        ("POST", f"/api/assignments/{COURSE}-a01/submit", {"content": "a\0b"}, 422),
        ("POST", f"/api/assignments/{COURSE}-a01/submit", TEXT | {"files": [{"name": "x"}]}, 422),
        (
            "POST",
            f"/api/assignments/{COURSE}-a01/submit",
            TEXT | {"files": [{"name": "../x", "content": ""}]},
            422,
        ),
        (
            "POST",
            f"/api/assignments/{COURSE}-a01/submit",
            TEXT | {"files": [{"name": "x", "content": "y" * 1_500_000}]},
            413,
        ),
        (
            "POST",
            f"/api/assignments/{COURSE}-a01/submit",
            TEXT | {"files": [{"name": "x", "content": "y", "encoding": "base64"}]},
            422,
        ),
        (
            "POST",
            f"/api/assignments/{COURSE}-a01/submit",
            TEXT | {"files": [{"name": "x", "content": "y" * 4_500_000}]},
            413,
        ),
        ("DELETE", "/api/lessons", None, 405),
        ("GET", "/api/nothing", None, 404),
    ],
)
def test_wrong_requests_are_refused_in_json(
    aspire: Client, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    """The right status, and a sentence."""
    response = aspire.request(method, path, json=body, headers=MOCK)
    assert (response.status_code, type(response.json()["error"])) == (status, str)


def test_a_course_s_lessons_are_for_who_is_enrolled(aspire: Client) -> None:
    """403 for others; then 200, and 404 for a lesson without a quiz."""
    headers = new_learner(aspire)
    lesson, assignment = "/api/lessons/course-workshop-l01", "/api/assignments/course-workshop-a01"
    assert aspire.post(f"{lesson}/start", headers=headers).status_code == 403
    assert aspire.post(f"{assignment}/submit", json=TEXT, headers=headers).status_code == 403
    body = ENROLL | {"courseId": "course-workshop"}
    assert aspire.post("/api/enrollments", json=body, headers=headers).status_code == 201
    assert aspire.post(f"{lesson}/start", headers=headers).status_code == 200
    assert aspire.get(lesson, headers=headers).json()["id"] == "course-workshop-l01"
    quiz = aspire.get(f"{lesson}/quiz", headers=headers)
    assert (quiz.status_code, quiz.json()["error"]) == (404, "this lesson has no quiz")


def test_a_quiz_is_graded_and_the_best_attempt_counts(aspire: Client) -> None:
    """A11: the answers found by trying each option are all right; a worse attempt leaves the best."""
    headers = new_learner(aspire)
    path = "/api/lessons/course-orientation-l01/quiz/submit"
    tried = [aspire.post(path, json={"answers": [option] * 5}, headers=headers).json() for option in range(4)]
    right = [[one["results"][index] for one in tried].index(True) for index in range(5)]
    best = aspire.post(path, json={"answers": right}, headers=headers).json()
    assert best == {
        "attempt": 5,
        "correct": 5,
        "total": 5,
        "score": 100,
        "best": 100,
        "passed": True,
        "results": [True] * 5,
    }
    wrong = [(option + 1) % 4 for option in right]
    worst = aspire.post(path, json={"answers": wrong}, headers=headers).json()
    assert (worst["attempt"], worst["score"], worst["best"], worst["passed"]) == (6, 0, 100, False)


# --- Assignments ------------------------------------------------------------------------------------------


def test_the_assignment_script_s_flow(aspire: Client) -> None:
    """A12 to A16: list, detail, submit 201, status 200, update 200."""
    headers = new_learner(aspire)
    listed = aspire.get("/api/assignments", headers=headers)
    assert (listed.status_code, type(listed.json())) == (200, list)
    path = f"/api/assignments/{listed.json()[0]['id']}"
    assert aspire.get(path, headers=headers).json()["maxPoints"] == 100
    assert aspire.get(f"{path}/submission", headers=headers).status_code == 404
    assert aspire.put(f"{path}/submission", json=TEXT, headers=headers).status_code == 404
    file = {"name": "test-submission.txt", "content": "Größe", "type": "text/plain"}
    made = aspire.post(f"{path}/submit", json=TEXT | {"files": [file]}, headers=headers)
    assert (made.status_code, made.json()["state"], made.json()["version"]) == (201, "submitted", 1)
    assert made.json()["files"] == [{"name": file["name"], "type": "text/plain", "size": 7}]
    download = aspire.get(f"{path}/submission/files/test-submission.txt", headers=headers)
    assert (download.content.decode(), download.headers["content-disposition"]) == ("Größe", "attachment")
    assert aspire.get(f"{path}/submission/files/other.txt", headers=headers).status_code == 404
    status = aspire.get(f"{path}/submission", headers=headers)
    assert (status.status_code, status.json()["id"]) == (200, made.json()["id"])
    changed = {"content": f"{TEXT['content']}\n\nA paragraph more."}
    updated = aspire.put(f"{path}/submission", json=changed, headers=headers)
    assert (updated.status_code, updated.json()["content"]) == (200, changed["content"])
    again = aspire.post(f"{path}/submit", json=TEXT, headers=headers)
    assert (again.status_code, again.json()["version"], again.json()["files"]) == (201, 2, [])


def test_submissions_are_graded_in_the_background(aspire: Client) -> None:
    """The same text gets the same points; a changed text is graded again."""
    points = []
    for _ in range(2):
        headers = new_learner(aspire)
        name = "course-orientation-a01"
        aspire.post(f"/api/assignments/{name}/submit", json=TEXT, headers=headers)
        found = graded(aspire, name, headers)
        points.append(found["points"])
        assert 60 <= found["points"] <= 100
        assert isinstance(found["feedback"], str)
    assert points[0] == points[1]
    path = f"/api/assignments/{name}"
    changed = aspire.put(f"{path}/submission", json={"content": "Another text"}, headers=headers).json()
    assert (changed["state"], changed["points"]) == ("submitted", None)
    assert graded(aspire, name, headers)["content"] == "Another text"
    states = {one["id"]: one["state"] for one in aspire.get("/api/assignments", headers=headers).json()}
    assert states == {name: "graded", "course-orientation-a02": "open"}


# --- What every service has -------------------------------------------------------------------------------


def test_health_and_dependencies(aspire: Client) -> None:
    """GET and HEAD on both paths; the providers outside are mocks."""
    for path in ("/health", "/api/health"):
        assert aspire.get(path).json()["status"] == "healthy"
        assert aspire.head(path).status_code == 200
    found = aspire.get("/api/health/dependencies").json()
    assert [one["name"] for one in found["dependencies"]] == ["database", "stripe", "sendgrid", "discord"]
    assert found["status"] == "healthy"
