"""What was written can be listed, so that a test can compare it with what its clients were told."""

import pytest
from target_platform import Platform

LEARNER = {"Authorization": "Bearer mock-token"}
KEY = {"Authorization": "Bearer test-api-key"}


def listed(target: Platform, service: str, kind: str, limit: int = 1000) -> dict[str, int]:
    """All writes of a kind, page by page."""
    found: dict[str, int] = {}
    after = ""
    while True:
        options = {"params": {"limit": limit, "after": after}}
        answer = target[service].admin("GET", f"/admin/writes/{kind}", **options)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["writes"]) <= limit
        for key, times in page["writes"]:
            found[key] = found.get(key, 0) + times
        if page["next"] is None:
            return found
        after = page["next"]


KINDS = {
    "aspire": ["accounts", "enrollments", "quiz_attempts", "submissions", "webhooks"],
    "aivo": ["assessments", "documents", "grades"],
    "cooly": ["generations"],
    "aiaas": ["messages", "webhooks"],
    "wwmaa": ["registrations", "webhooks"],
}


@pytest.mark.parametrize("service", KINDS)
def test_every_kind_can_be_listed(target: Platform, service: str) -> None:
    """Each kind answers, an unknown one with those there are; strangers are told nothing."""
    for kind in KINDS[service]:
        listed(target, service, kind)
    unknown = target[service].admin("GET", "/admin/writes/nothing")
    assert (unknown.status_code, unknown.json()["kinds"]) == (404, KINDS[service])
    assert target[service].get("/admin/writes/nothing").status_code == 401


def test_pages_join_without_gap(target: Platform) -> None:
    """Small pages list the same documents as one large page."""
    whole = listed(target, "aivo", "documents", 10_000)
    assert len(whole) >= 300
    assert listed(target, "aivo", "documents", 37) == whole


def test_what_was_written_is_there_once(target: Platform) -> None:
    """A submission, a quiz attempt and a grade are listed under the ids that their answers carry."""
    aspire, aivo = target["aspire"], target["aivo"]
    lesson = aspire.get("/api/lessons", headers=LEARNER).json()[0]["id"]
    path, answers = f"/api/lessons/{lesson}/quiz/submit", {"answers": [0] * 5}
    tried = aspire.post(path, headers=LEARNER, json=answers).json()
    learner = aspire.get("/api/auth/me", headers=LEARNER).json()["id"]
    assert listed(target, "aspire", "quiz_attempts")[f"{learner}/{lesson}/{tried['attempt']}"] == 1
    task = aspire.get("/api/assignments", headers=LEARNER).json()[0]["id"]
    path, text = f"/api/assignments/{task}/submit", {"content": "text"}
    handed_in = aspire.post(path, headers=LEARNER, json=text).json()
    assert listed(target, "aspire", "submissions")[handed_in["id"]] == 1
    grade = {"submission_id": "one-of-the-tests", "answers": [{"question_id": 1, "answer": 0}]}
    for _ in range(2):
        assert aivo.post("/api/v1/assessments/test-assessment-1/grade", headers=KEY, json=grade).ok
    assert listed(target, "aivo", "grades")["test-assessment-1/one-of-the-tests"] == 1
