"""Aspire, test 2: a learner opens a lesson, watches it, completes it, and takes its quiz.

    swell run suites/aspire/lessons.py

Where document and script differ: the error rate counts successes too (see enrollment.py), and quizzes that a
lesson does not have are expected 404s, no failures. The document's baselines for progress updates (200 ms)
and quizzes (300 ms) are objectives, the one for lesson loading (500 ms) with the script's tighter 300 ms.
"""

from typing import Any

from suites.aspire.api import BASE_URL, as_learner, judge, objectives, require_learner
from suites.common import audit, create, pause, settle, written
from swell import Rate, Response, group, http, invariant, ledger, random, scenario

STEPS = {
    "lessons": 300,
    "start": 200,
    "update progress": 200,
    "complete": 200,
    "quiz": 500,
    "submit quiz": 300,
}
SECONDS_WATCHED = 300

options = {"thresholds": objectives(STEPS, share=0.02)}

errors = Rate("errors")
watched = ledger("seconds watched")
attempts = ledger("quiz attempts")


def setup() -> dict[str, Any]:
    """Who learns, and how long they have watched before."""
    learner = require_learner()
    courses = [course["courseId"] for course in progress()["enrollments"]]
    return {"learner": learner, "courses": courses, "seconds": progress()["timeSpent"]}


@scenario(
    executor="ramping-vus", start_vus=0, stages=[("1m", 20), ("3m", 50), ("1m", 100), ("3m", 100), ("1m", 0)]
)
def learn(data: dict[str, Any]) -> None:
    """One lesson, from its start to its quiz."""
    lessons = http.get(f"{BASE_URL}/api/lessons", headers=as_learner(), name="lessons")
    if not judge(errors, lessons, "lessons loaded"):
        return
    pause(1)
    # Progress, which is compared afterwards, tells of the learner's own courses only.
    own = [one["id"] for one in lessons.json() if one["courseId"] in data["courses"]]
    lesson = random.choice(own)
    view(lesson)
    take_quiz(lesson, data["learner"])


@group("lesson")
def view(lesson: str) -> None:
    """Open it, watch half of it, and complete it."""
    judge(errors, call("POST", f"{lesson}/start", name="start"), "lesson started")
    pause(2)
    report = {"progress": 0.5, "timeSpent": SECONDS_WATCHED}
    updated = watched.write(
        None,
        lambda: call("PUT", f"{lesson}/progress", name="update progress", json=report),
        amount=SECONDS_WATCHED,
    )
    judge(errors, updated, "progress updated")
    pause(3)
    judge(errors, call("POST", f"{lesson}/complete", name="complete"), "lesson completed")
    pause(1)


@group("quiz")
def take_quiz(lesson: str, learner: str) -> None:
    """Answer at random, if there is a quiz."""
    quiz = call("GET", f"{lesson}/quiz", name="quiz", expected=http.expected_statuses(200, 404))
    if quiz.status_code != 200:
        errors.add(quiz.status_code != 404)
        return
    answers = [random.randrange(4) for _ in quiz.json()["questions"]]
    handed_in = create(
        attempts,
        lambda: call("POST", f"{lesson}/quiz/submit", name="submit quiz", json={"answers": answers}),
        key=lambda answer: f"{learner}/{lesson}/{answer.json()['attempt']}",
    )
    judge(errors, handed_in, "quiz submitted")
    pause(1)


def call(method: str, path: str, **options: Any) -> Response:
    """Ask for something of a lesson; each kind of request has one name, whatever the lesson."""
    return http.request(method, f"{BASE_URL}/api/lessons/{path}", headers=as_learner(), **options)


def progress() -> Any:
    """What the platform has counted for the learner."""
    return http.get(f"{BASE_URL}/api/progress", headers=as_learner(), name="progress").json()


@invariant("the seconds watched add up", within=settle())
def seconds_add_up(data: dict[str, Any]) -> None:
    """What all reports said together is what the learner's progress grew by."""
    watched.balance("seconds watched in this run", progress()["timeSpent"] - data["seconds"])


@audit("every quiz attempt exists once")
def attempts_exist() -> None:
    """Each attempt that was graded has a number of its own, and is kept."""
    attempts.compare(written(BASE_URL, "quiz_attempts"))
