"""AIVO, test 2: teachers make assessments, learners answer them, submissions are graded.

    swell run suites/aivo/assessment.py --profile smoke

Where document and script differ: submissions have ids of their own, so that each can be looked for
afterwards (the script grades a thousand of them again and again). A slow answer is no error, see gateway.py.
The document names a target for answers only at p95; those for making (200 ms) and grading (300 ms) stand
in its list of tests. Of the "automated and manual grading" that it names, the platform has the automated one.
"""

from typing import Any

from suites.aivo.api import BASE_URL, HEADERS, Endpoint, has, objectives, require_service, status_is
from suites.common import audit, create, new_id, pause, require, written
from swell import Rate, env, feeder, http, ledger, random, scenario, weighted

LEARNER = {**HEADERS, "X-Learner-ID": env.get("LEARNER_ID", "test-learner")}
ENDPOINTS = {
    "answer": ("assessment_answer_duration", 150, 250),
    "create": ("assessment_create_duration", 200, 400),
    "grade": ("assessment_grade_duration", 300, 500),
}

options = {"thresholds": objectives("assessment_errors", ENDPOINTS)}

errors = Rate("assessment_errors")
creation = Endpoint("create", "assessment_create_duration", errors)
answering = Endpoint("answer", "assessment_answer_duration", errors)
grading = Endpoint("grade", "assessment_grade_duration", errors)
assessments = ledger("assessments")
grades = ledger("grades")
templates = feeder.json("assessments.json")


def setup() -> None:
    """See that the platform is up, takes the key, and has the assessments."""
    require_service()
    seeded = http.get(f"{BASE_URL}/api/v1/assessments/test-assessment-99", headers=HEADERS, name="seed data")
    require(seeded, "there is no test-assessment-99", "aivo")


def make() -> None:
    """A teacher makes an assessment."""
    body = {**templates.next(), "created_by": "load-test-teacher", "time_limit": 1800, "attempts_allowed": 3}
    made = create(
        assessments,
        lambda: creation.send("POST", "/api/v1/assessments", {"subject": body["subject"]}, json=body),
        key=lambda answer: answer.json()["id"],
    )
    creation.judge(made, {"status is 201": status_is(201), "has id": has("id", str)})


def answer() -> None:
    """A learner answers a question of a seeded assessment; the last answer counts."""
    assessment = any_assessment()
    body = {
        "assessment_id": assessment,
        "question_id": random.randint(1, 5),
        "answer": random.randrange(4),
        "time_spent": random.randint(10, 69),
        "is_final": random.random() < 0.7,
    }
    path = f"/api/v1/assessments/{assessment}/answers"
    saved = answering.send("POST", path, json=body, headers=LEARNER)
    answering.judge(saved, {"status is 200 or 201": status_is(200, 201)})


def grade() -> None:
    """A submission is graded, options by their key and sentences by their words."""
    assessment, submission = any_assessment(), new_id("submission-")
    body = {
        "submission_id": submission,
        "answers": [given_answer(question) for question in range(1, random.randint(2, 4))],
        "auto_grade": True,
        "feedback_level": "detailed",
    }
    path = f"/api/v1/assessments/{assessment}/grade"
    graded = grades.write(
        f"{assessment}/{submission}", lambda: grading.send("POST", path, json=body, headers=LEARNER)
    )
    has_score = {"has score": lambda r: r.ok and r.json()["score"] >= 0}
    grading.judge(graded, {"status is 200": status_is(200), **has_score})


def any_assessment() -> str:
    """One of those that the platform is seeded with."""
    return f"test-assessment-{random.randrange(100)}"


def given_answer(question: int) -> dict[str, Any]:
    """What a learner wrote: the number of an option, or a sentence."""
    said = random.choice([random.randrange(4), "Energy is conserved in a closed system."])
    return {"question_id": question, "answer": said, "time_spent": random.randint(10, 69)}


mix = weighted({make: 20, answer: 60, grade: 20})


@scenario(
    executor="ramping-vus",
    start_vus=0,
    stages=[("2m", 15), ("5m", 30), ("2m", 50), ("3m", 50), ("2m", 0)],
)
def assessment() -> None:
    """One call, and a moment to think."""
    mix()
    pause(0.5, 2)


@audit("every assessment exists once")
def assessments_exist() -> None:
    """What a teacher made is kept."""
    assessments.compare(written(BASE_URL, "assessments"))


@audit("every grade exists once")
def grades_exist() -> None:
    """What was graded is kept."""
    grades.compare(written(BASE_URL, "grades"))
