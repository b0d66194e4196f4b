"""Aspire's test data: the course and the shared learner that the scripts name, a catalogue, accounts."""

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from swell_target.base.passwords import hash_password
from swell_target.base.service import SeedSize
from swell_target.base.settings import Settings
from swell_target.base.sql import delete_all, insert_many
from swell_target.services.aspire.schema import (
    ALL_TABLES,
    ASSIGNMENTS,
    COURSES,
    ENROLLMENTS,
    LESSONS,
    QUESTIONS,
    USERS,
)

# "Bearer mock-token" is this account.
MOCK_LEARNER = "learner-mock"
# The course that the enrolment script books.
COURSE = "clh1234567890"
AFFILIATE_CODE = "AFFILIATE123"
PASSWORD = "TestPassword123!"  # noqa: S105 - published in the contract
ACCOUNTS = {"small": 20, "full": 1_000}
# Further courses, beside those below.
CATALOGUE = {"small": 6, "full": 46}
# A fixed time, so that seeding twice gives the same rows: 1 January 2026.
CREATED_MS = 1_767_225_600_000
QUESTIONS_PER_QUIZ = 5
OPTIONS = 4
SUBJECTS = ("prompts", "models", "evaluation", "data", "agents", "safety", "retrieval", "deployment")
VERBS = ("Understanding", "Building", "Measuring", "Improving", "Explaining", "Testing")


class Plan(NamedTuple):
    """A course to make; those without quizzes show what a lesson without one answers."""

    id: str
    title: str
    lessons: int
    assignments: int
    price_cents: int
    is_open: bool = False
    quizzes: bool = True
    booked: bool = False


def _plans(size: SeedSize) -> list[Plan]:
    plans = [
        Plan("course-orientation", "Orientation", 6, 2, 0, is_open=True),
        Plan(COURSE, "AI Foundations", 12, 4, 19_900, booked=True),
        Plan("course-practice", "AI in Practice", 12, 3, 24_900, booked=True),
        Plan("course-workshop", "Live Workshop", 2, 1, 4_900, quizzes=False),
    ]
    for number in range(CATALOGUE[size]):
        subject = SUBJECTS[number % len(SUBJECTS)]
        title = f"{VERBS[number % len(VERBS)]} {subject}, part {number // len(SUBJECTS) + 1}"
        plans.append(Plan(f"course-{number + 1:03d}", title, 10, 2, 9_900 + 1_000 * (number % 10)))
    return plans


def fill(tx: Connection, size: SeedSize, random: Random, settings: Settings) -> dict[str, int]:  # noqa: ARG001
    """The learner of mock-token, an affiliate, learner_<n>@example.com with one password; courses."""
    plans = _plans(size)
    made = {
        "users": insert_many(tx, USERS, _users(ACCOUNTS[size])),
        "courses": insert_many(tx, COURSES, (_course(i, plan) for i, plan in enumerate(plans))),
        "lessons": insert_many(tx, LESSONS, (row for plan in plans for row in _lessons(plan))),
        "questions": insert_many(tx, QUESTIONS, (row for plan in plans for row in _questions(plan, random))),
        "assignments": insert_many(tx, ASSIGNMENTS, (row for plan in plans for row in _assignments(plan))),
    }
    booked = [
        {
            "id": f"seed-{MOCK_LEARNER}-{plan.id}",
            "user_id": MOCK_LEARNER,
            "course_id": plan.id,
            "payment_id": None,
            "created": CREATED_MS,
        }
        for plan in plans
        if plan.booked
    ]
    made["enrollments"] = insert_many(tx, ENROLLMENTS, booked)
    return made


def _users(count: int) -> Iterator[dict[str, Any]]:
    password = hash_password(PASSWORD, b"swell-target-aspire")

    def user(name: str, email: str, code: str) -> dict[str, Any]:
        values = {"id": name, "email": email, "password": password, "name": name}
        return values | {"affiliate_code": code, "created": CREATED_MS}

    yield user(MOCK_LEARNER, "mock.learner@example.com", "AFF-MOCK")
    yield user("affiliate", "affiliate@example.com", AFFILIATE_CODE)
    for number in range(count):
        yield user(f"learner-{number}", f"learner_{number}@example.com", f"AFF-SEED-{number}")


def _course(position: int, plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "position": position,
        "title": plan.title,
        "summary": f"{plan.lessons} lessons and {plan.assignments} assignments: {plan.title}.",
        "level": ("beginner", "intermediate", "advanced")[position % 3],
        "price_cents": plan.price_cents,
        "is_open": plan.is_open,
    }


def _lessons(plan: Plan) -> Iterator[dict[str, Any]]:
    for number in range(plan.lessons):
        subject = SUBJECTS[number % len(SUBJECTS)]
        yield {
            "id": _lesson_id(plan, number),
            "course_id": plan.id,
            "position": number,
            "title": f"{plan.title}, lesson {number + 1}: {subject}",
            "minutes": 5 + number % 4 * 5,
            "content": f"This lesson of {plan.title} is about {subject}. " * 8,
        }


def _lesson_id(plan: Plan, number: int) -> str:
    return f"{plan.id}-l{number + 1:02d}"


def _questions(plan: Plan, random: Random) -> Iterator[dict[str, Any]]:
    if not plan.quizzes:
        return
    for lesson in range(plan.lessons):
        lesson_id = _lesson_id(plan, lesson)
        for number in range(QUESTIONS_PER_QUIZ):
            options = [f"Statement {chr(65 + option)} about {SUBJECTS[number]}" for option in range(OPTIONS)]
            yield {
                "id": f"{lesson_id}-q{number + 1}",
                "lesson_id": lesson_id,
                "position": number,
                "text": f"Which statement about {SUBJECTS[number]} is right?",
                "options": msgspec.json.encode(options).decode(),
                "answer": random.randrange(OPTIONS),
            }


def _assignments(plan: Plan) -> Iterator[dict[str, Any]]:
    for number in range(plan.assignments):
        subject = SUBJECTS[number % len(SUBJECTS)]
        yield {
            "id": f"{plan.id}-a{number + 1:02d}",
            "course_id": plan.id,
            "position": number,
            "title": f"{plan.title}, assignment {number + 1}",
            "brief": f"Write about {subject} in your own words, with one example.",
            "max_points": 100,
            "due_days": 7 * (number + 1),
        }


def clean(tx: Connection) -> None:
    """Remove everything, test-...@example.com and all other accounts included."""
    delete_all(tx, *ALL_TABLES)
