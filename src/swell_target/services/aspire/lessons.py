"""Lessons, progress and quizzes (contract: A5 to A11).

A hundred virtual users may share one learner: every write is an upsert that ends the same in any order.
"""

from typing import Any

import msgspec
from sqlalchemy import BindParameter, Connection, Row, and_, bindparam, case, func, or_, select

from swell_target.base.call import Call
from swell_target.base.clock import iso, new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.base.sql import Insert, by_dialect, insert_once
from swell_target.services.aspire.models import (
    CourseProgress,
    Lesson,
    LessonItem,
    LessonState,
    Progress,
    ProgressBody,
    Question,
    Quiz,
    QuizBody,
    QuizResult,
)
from swell_target.services.aspire.schema import (
    ATTEMPTS,
    COURSES,
    ENROLLMENTS,
    LESSONS,
    PROGRESS,
    QUESTIONS,
    USERS,
)
from swell_target.services.aspire.service import LEARNER, SERVICE

PASS_MARK = 70
REFUSED = {403: Failure, 404: Failure}


# Who asks: the parameter of the statements below, which are built once.
LEARNER_ID: BindParameter[str] = bindparam("user_id")
# Joins the learner's enrolment to COURSES, and the learner's progress to LESSONS.
OWN_ENROLLMENT = and_(ENROLLMENTS.c.course_id == COURSES.c.id, ENROLLMENTS.c.user_id == LEARNER_ID)
OWN_PROGRESS = and_(PROGRESS.c.lesson_id == LESSONS.c.id, PROGRESS.c.user_id == LEARNER_ID)
LESSON = (
    select(
        LESSONS,
        COURSES.c.is_open,
        ENROLLMENTS.c.id.label("enrollment_id"),
        USERS.c.id.label("account"),
    )
    .join(COURSES, COURSES.c.id == LESSONS.c.course_id)
    .outerjoin(ENROLLMENTS, OWN_ENROLLMENT)
    .outerjoin(USERS, USERS.c.id == LEARNER_ID)
    .where(LESSONS.c.id == bindparam("lesson_id"))
)
VISIBLE = (
    select(
        LESSONS.c.id,
        LESSONS.c.course_id,
        LESSONS.c.title,
        LESSONS.c.position,
        LESSONS.c.minutes,
        func.coalesce(PROGRESS.c.progress, 0.0).label("progress"),
        PROGRESS.c.completed,
    )
    .join(COURSES, COURSES.c.id == LESSONS.c.course_id)
    .outerjoin(ENROLLMENTS, OWN_ENROLLMENT)
    .outerjoin(PROGRESS, OWN_PROGRESS)
    .where(or_(COURSES.c.is_open, ENROLLMENTS.c.id.is_not(None)))
    .order_by(COURSES.c.position, LESSONS.c.position)
)
OVERALL = (
    select(
        COURSES.c.id,
        COURSES.c.title,
        func.count(LESSONS.c.id).label("lessons"),
        func.count(PROGRESS.c.completed).label("completed"),
        func.coalesce(func.sum(PROGRESS.c.progress), 0.0).label("progress"),
        func.coalesce(func.sum(PROGRESS.c.time_spent), 0).label("time_spent"),
    )
    .join(ENROLLMENTS, OWN_ENROLLMENT)
    .outerjoin(LESSONS, LESSONS.c.course_id == COURSES.c.id)
    .outerjoin(PROGRESS, OWN_PROGRESS)
    .group_by(COURSES.c.id, COURSES.c.title, COURSES.c.position)
    .order_by(COURSES.c.position, COURSES.c.id)
)
LESSON_PROGRESS = select(PROGRESS).where(
    PROGRESS.c.user_id == LEARNER_ID, PROGRESS.c.lesson_id == bindparam("lesson_id")
)
QUIZ = select(QUESTIONS).where(QUESTIONS.c.lesson_id == bindparam("lesson_id")).order_by(QUESTIONS.c.position)
ADD_ATTEMPT = ATTEMPTS.insert()


def _merge(statement: Insert) -> Any:
    """Merge a report into the learner's row for the lesson: greatest progress and score, sums of the rest."""
    old, sent = PROGRESS.c, statement.excluded
    merged = {
        "progress": case((old.progress < sent.progress, sent.progress), else_=old.progress),
        "time_spent": old.time_spent + sent.time_spent,
        "completed": func.coalesce(old.completed, sent.completed),
        "quiz_attempts": old.quiz_attempts + sent.quiz_attempts,
        "quiz_best": case((old.quiz_best < sent.quiz_best, sent.quiz_best), else_=old.quiz_best),
    }
    keys = ["user_id", "lesson_id"]
    return statement.on_conflict_do_update(index_elements=keys, set_=merged).returning(*PROGRESS.c)


MERGE = by_dialect(_merge)


def check_access(row: Any, what: str) -> None:
    """Problem 404, 401 or 403 for a row that :func:`find_lesson` and its like for assignments found."""
    if row is None:
        raise Problem(404, f"no such {what}")
    if row.account is None:
        raise Problem(401, "the account of this token is gone")
    if not row.is_open and row.enrollment_id is None:
        raise Problem(403, f"enrol in the course to see this {what}")


# --- Transactions -----------------------------------------------------------------------------------------


def find_lesson(tx: Connection, user_id: str, lesson_id: str) -> Row[Any]:
    """A lesson that the learner may see; Problem 401, 403 or 404."""
    row = tx.execute(LESSON, {"user_id": user_id, "lesson_id": lesson_id}).first()
    check_access(row, "lesson")
    assert row is not None  # noqa: S101 - it has just been checked
    return row


def list_lessons(tx: Connection, user_id: str) -> list[LessonItem]:
    """The lessons of the learner's courses and of the open ones, in order."""
    rows = tx.execute(VISIBLE, {"user_id": user_id})
    return [
        LessonItem(
            id=row.id,
            course_id=row.course_id,
            title=row.title,
            position=row.position,
            minutes=row.minutes,
            progress=row.progress,
            completed=row.completed is not None,
        )
        for row in rows
    ]


def overall_progress(tx: Connection, user_id: str) -> Progress:
    """How far the learner is in each course, and in all."""
    rows = tx.execute(OVERALL, {"user_id": user_id})
    found = [
        CourseProgress(
            course_id=row.id,
            title=row.title,
            lessons=row.lessons,
            completed=row.completed,
            progress=round(float(row.progress) / row.lessons, 4) if row.lessons else 0.0,
            time_spent=int(row.time_spent),
        )
        for row in rows
    ]
    return Progress(
        enrollments=found,
        completed_lessons=sum(one.completed for one in found),
        time_spent=sum(one.time_spent for one in found),
    )


def start_lesson(tx: Connection, user_id: str, lesson_id: str) -> LessonState:
    """Open the lesson, or find it open."""
    find_lesson(tx, user_id, lesson_id)
    insert_once(tx, PROGRESS, _fresh(user_id, lesson_id))
    return _state(tx.execute(LESSON_PROGRESS, {"user_id": user_id, "lesson_id": lesson_id}).one())


def report(tx: Connection, user_id: str, lesson_id: str, progress: float, seconds: int) -> LessonState:
    """Keep the furthest progress and add the time."""
    find_lesson(tx, user_id, lesson_id)
    changed = {"progress": progress, "time_spent": seconds}
    return _state(_upsert(tx, _fresh(user_id, lesson_id) | changed))


def complete(tx: Connection, user_id: str, lesson_id: str) -> LessonState:
    """Mark as complete; the first time counts."""
    find_lesson(tx, user_id, lesson_id)
    changed = {"progress": 1.0, "completed": now_ms()}
    return _state(_upsert(tx, _fresh(user_id, lesson_id) | changed))


def _fresh(user_id: str, lesson_id: str) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "lesson_id": lesson_id,
        "progress": 0.0,
        "time_spent": 0,
        "started": now_ms(),
        "completed": None,
        "quiz_attempts": 0,
        "quiz_best": 0,
    }


def _upsert(tx: Connection, values: dict[str, Any]) -> Row[Any]:
    row: Row[Any] = tx.execute(MERGE(tx, PROGRESS), values).one()
    return row


def _state(row: Any) -> LessonState:
    return LessonState(
        lesson_id=row.lesson_id,
        progress=row.progress,
        time_spent=row.time_spent,
        completed=row.completed is not None,
        started_at=iso(row.started),
        completed_at=iso(row.completed) if row.completed is not None else None,
    )


def find_questions(tx: Connection, user_id: str, lesson_id: str) -> list[Row[Any]]:
    """The questions of a lesson's quiz; Problem 404 when it has none."""
    find_lesson(tx, user_id, lesson_id)
    rows = tx.execute(QUIZ, {"lesson_id": lesson_id}).all()
    if not rows:
        raise Problem(404, "this lesson has no quiz")
    return list(rows)


def take_quiz(tx: Connection, user_id: str, lesson_id: str, answers: list[int]) -> QuizResult:
    """Grade an attempt and keep it; Problem 422 when answers are missing."""
    questions = find_questions(tx, user_id, lesson_id)
    if len(answers) != len(questions):
        raise Problem(422, f"the quiz has {len(questions)} questions, {len(answers)} answers were given")
    results = [given == question.answer for given, question in zip(answers, questions, strict=True)]
    correct = sum(results)
    score = round(100 * correct / len(results))
    # Its row is locked by this, so that attempts made at once get numbers of their own.
    row = _upsert(tx, _fresh(user_id, lesson_id) | {"quiz_attempts": 1, "quiz_best": score})
    attempt = {
        "id": new_id(),
        "user_id": user_id,
        "lesson_id": lesson_id,
        "number": row.quiz_attempts,
        "answers": msgspec.json.encode(answers).decode(),
        "score": score,
        "created": now_ms(),
    }
    tx.execute(ADD_ATTEMPT, attempt)
    return QuizResult(
        attempt=row.quiz_attempts,
        correct=correct,
        total=len(results),
        score=score,
        best=row.quiz_best,
        passed=score >= PASS_MARK,
        results=results,
    )


# --- Endpoints --------------------------------------------------------------------------------------------


@SERVICE.get("/api/progress", name="progress", auth=LEARNER, answers={200: Progress})
async def progress(call: Call) -> Progress:
    """How far the learner is, over all enrolments."""
    return await call.db.read(overall_progress, call.identity)


@SERVICE.get("/api/lessons", name="lessons", auth=LEARNER, answers={200: list[LessonItem]})
async def lessons(call: Call) -> list[LessonItem]:
    """The lessons that the learner may see."""
    return await call.db.read(list_lessons, call.identity)


@SERVICE.get("/api/lessons/{id}", name="lesson", auth=LEARNER, answers={200: Lesson, **REFUSED})
async def lesson(call: Call, id: str) -> Lesson:  # noqa: A002 - the path's parameter
    """A lesson with its text."""
    row = await call.db.read(find_lesson, call.identity, id)
    return Lesson(
        id=row.id, course_id=row.course_id, title=row.title, minutes=row.minutes, content=row.content
    )


@SERVICE.post(
    "/api/lessons/{id}/start", name="lesson_start", auth=LEARNER, answers={200: LessonState, **REFUSED}
)
async def lesson_start(call: Call, id: str) -> LessonState:  # noqa: A002 - the path's parameter
    """Open a lesson; again changes nothing."""
    return await call.db.write(start_lesson, call.identity, id)


@SERVICE.put(
    "/api/lessons/{id}/progress", name="lesson_progress", auth=LEARNER, answers={200: LessonState, **REFUSED}
)
async def lesson_progress(call: Call, id: str, body: ProgressBody) -> LessonState:  # noqa: A002 - the path's
    """Report progress: the furthest is kept, time adds up; also for a lesson that is complete."""
    return await call.db.write(report, call.identity, id, body.progress, round(body.time_spent))


@SERVICE.post(
    "/api/lessons/{id}/complete", name="lesson_complete", auth=LEARNER, answers={200: LessonState, **REFUSED}
)
async def lesson_complete(call: Call, id: str) -> LessonState:  # noqa: A002 - the path's parameter
    """Mark a lesson as complete; again changes nothing."""
    return await call.db.write(complete, call.identity, id)


@SERVICE.get("/api/lessons/{id}/quiz", name="quiz", auth=LEARNER, answers={200: Quiz, **REFUSED})
async def quiz(call: Call, id: str) -> Quiz:  # noqa: A002 - the path's parameter
    """The lesson's quiz, without the answers."""
    rows = await call.db.read(find_questions, call.identity, id)
    questions = [
        Question(id=row.id, text=row.text, options=msgspec.json.decode(row.options, type=list[str]))
        for row in rows
    ]
    return Quiz(lesson_id=id, pass_mark=PASS_MARK, questions=questions)


@SERVICE.post(
    "/api/lessons/{id}/quiz/submit", name="quiz_submit", auth=LEARNER, answers={200: QuizResult, **REFUSED}
)
async def quiz_submit(call: Call, id: str, body: QuizBody) -> QuizResult:  # noqa: A002 - the path's parameter
    """Grade an attempt; there may be any number of them."""
    return await call.db.write(take_quiz, call.identity, id, body.answers)
