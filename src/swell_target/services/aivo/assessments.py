"""Assessments: made, answered, graded by key and by key words (contract: V5 to V7)."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, Row, bindparam, select
from sqlalchemy.sql.dml import ReturningInsert

from swell_target.base.call import Call, Reply
from swell_target.base.clock import iso, new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.base.sql import Insert, by_dialect
from swell_target.base.textindex import words_of
from swell_target.services.aivo import tenants
from swell_target.services.aivo.schema import ANSWERS, ASSESSMENTS, GRADES
from swell_target.services.aivo.service import SERVICE

# Words that say nothing about an answer.
EMPTY_WORDS = frozenset(
    words_of("a an and are as at be by for from in is it of on or that the this to was with")
)
DEFAULT_POINTS = 10.0
BIG = 2**31 - 1


class Question(Struct):
    """A question as a teacher writes it; ``correct_answer`` counts from 0, or is the text to compare with."""

    type: Literal["multiple_choice", "short_answer"]
    question: Annotated[str, Meta(min_length=1, max_length=5000)]
    options: Annotated[list[Annotated[str, Meta(max_length=1000)]], Meta(max_length=20)] = []
    correct_answer: Annotated[int, Meta(ge=0, le=100)] | Annotated[str, Meta(max_length=5000)] | None = None
    points: Annotated[float, Meta(ge=0, le=1000)] = DEFAULT_POINTS
    id: Annotated[int, Meta(ge=1, le=BIG)] | None = None


class CreateBody(Struct):
    """A new assessment."""

    title: Annotated[str, Meta(min_length=1, max_length=500)]
    subject: Annotated[str, Meta(min_length=1, max_length=64)]
    grade_level: Annotated[int, Meta(ge=1, le=13)]
    questions: Annotated[list[Question], Meta(min_length=1, max_length=200)]
    description: Annotated[str, Meta(max_length=5000)] = ""
    created_by: Annotated[str, Meta(max_length=128)] = ""
    time_limit: Annotated[int, Meta(ge=1, le=86_400)] = 1800
    attempts_allowed: Annotated[int, Meta(ge=1, le=100)] = 3


class Assessment(Struct):
    """An assessment as learners see it: without the keys."""

    id: str
    title: str
    subject: str
    grade_level: int
    question_count: int
    created_at: str
    questions: list[dict[str, Any]] = []


class AnswerBody(Struct):
    """A learner's answer to one question."""

    question_id: Annotated[int, Meta(ge=1, le=BIG)]
    answer: int | Annotated[str, Meta(max_length=20_000)]
    time_spent: Annotated[float, Meta(ge=0, le=86_400)] = 0
    is_final: bool = False
    assessment_id: Annotated[str, Meta(max_length=64)] = ""


class AnswerSaved(Struct):
    """What was kept."""

    assessment_id: str
    question_id: int
    is_final: bool
    version: int
    saved: bool = True


class GradedAnswer(Struct):
    """An answer to grade."""

    question_id: Annotated[int, Meta(ge=1, le=BIG)]
    answer: int | Annotated[str, Meta(max_length=20_000)]
    time_spent: Annotated[float, Meta(ge=0, le=86_400)] = 0


class GradeBody(Struct):
    """A submission; grading the same one again replaces its grade."""

    submission_id: Annotated[str, Meta(min_length=1, max_length=128)]
    answers: Annotated[list[GradedAnswer], Meta(min_length=1, max_length=200)]
    auto_grade: bool = True
    feedback_level: Literal["none", "basic", "detailed"] = "basic"


class Feedback(Struct):
    """How one answer was judged."""

    question_id: int
    points: float
    max_points: float
    comment: str


class Grade(Struct):
    """The result of a submission."""

    submission_id: str
    assessment_id: str
    score: float
    max_score: float
    percentage: float
    feedback: list[Feedback]


def _save_answer(statement: Insert) -> ReturningInsert[Any]:
    changed = {name: statement.excluded[name] for name in ("answer", "time_spent", "is_final", "updated")}
    return statement.on_conflict_do_update(
        index_elements=["assessment_id", "learner_id", "question_id"],
        set_=changed | {"version": ANSWERS.c.version + 1},
    ).returning(ANSWERS.c.version)


def _save_grade(statement: Insert) -> Insert:
    changed = {name: statement.excluded[name] for name in ("score", "max_score", "learner_id", "graded")}
    return statement.on_conflict_do_update(index_elements=["submission_id", "assessment_id"], set_=changed)


SAVE_ANSWER, SAVE_GRADE = by_dialect(_save_answer), by_dialect(_save_grade)
BY_ID = select(ASSESSMENTS).where(ASSESSMENTS.c.id == bindparam("id"))


def find(tx: Connection, assessment_id: str) -> Row[Any]:
    """The assessment; Problem 404."""
    row = tx.execute(BY_ID, {"id": assessment_id}).first()
    if row is None:
        raise Problem(404, "no such assessment")
    return row


def create(tx: Connection, tenant_id: str, body: CreateBody) -> tuple[str, int]:
    """Store an assessment; its id and when."""
    for number, question in enumerate(body.questions, 1):
        question.id = number
    settings = {
        "description": body.description,
        "created_by": body.created_by,
        "time_limit": body.time_limit,
        "attempts_allowed": body.attempts_allowed,
    }
    values = {
        "id": new_id(),
        "tenant_id": tenant_id,
        "title": body.title,
        "subject": body.subject,
        "grade_level": body.grade_level,
        "questions": msgspec.json.encode(body.questions).decode(),
        "settings": msgspec.json.encode(settings).decode(),
        "created": now_ms(),
    }
    tx.execute(ASSESSMENTS.insert(), values)
    return str(values["id"]), int(str(values["created"]))


def save_answer(tx: Connection, assessment_id: str, learner_id: str, body: AnswerBody) -> int:
    """Keep a learner's answer, the newest one wins; its version. Problem 404 or 422."""
    questions = msgspec.json.decode(find(tx, assessment_id).questions, type=list[Question])
    if body.question_id > len(questions):
        raise Problem(422, f"the assessment has {len(questions)} questions")
    values = {
        "assessment_id": assessment_id,
        "learner_id": learner_id,
        "question_id": body.question_id,
        "answer": msgspec.json.encode(body.answer).decode(),
        "time_spent": body.time_spent,
        "is_final": int(body.is_final),
        "version": 1,
        "updated": now_ms(),
    }
    done = tx.execute(SAVE_ANSWER(tx, ANSWERS), values)
    return int(done.scalar_one())


def judge(question: Question, answer: int | str) -> tuple[float, str]:
    """The points of an answer, and why."""
    key = question.correct_answer
    if question.type == "multiple_choice":
        right = str(answer).strip() == str(key)
        return (question.points, "Correct.") if right else (0.0, "Not the right option.")
    expected = set(words_of(str(key or question.question))) - EMPTY_WORDS
    given = set(words_of(str(answer))) - EMPTY_WORDS
    if not given:
        return 0.0, "No answer."
    share = min(1.0, len(expected & given) / max(1, min(len(expected), 5)))
    # Whoever writes something relevant in length gets a little, as a teacher would give.
    share = max(share, 0.2 if len(given) > 2 else 0.0)  # noqa: PLR2004 - a sentence, not a word
    missing = ", ".join(sorted(expected - given)[:3])
    return round(question.points * share, 2), f"Mention: {missing}." if missing and share < 1 else "Good."


def grade(tx: Connection, assessment_id: str, learner_id: str, body: GradeBody) -> Grade:
    """Grade a submission and keep the result. Problem 404 or 422."""
    questions = msgspec.json.decode(find(tx, assessment_id).questions, type=list[Question])
    feedback = []
    for item in body.answers:
        if item.question_id > len(questions):
            raise Problem(422, f"the assessment has {len(questions)} questions")
        question = questions[item.question_id - 1]
        points, comment = judge(question, item.answer)
        feedback.append(Feedback(item.question_id, points, question.points, comment))
    score = sum(one.points for one in feedback)
    best = sum(one.max_points for one in feedback)
    values = {
        "submission_id": body.submission_id,
        "assessment_id": assessment_id,
        "learner_id": learner_id,
        "score": score,
        "max_score": best,
        "graded": now_ms(),
    }
    tx.execute(SAVE_GRADE(tx, GRADES), values)
    shown = feedback if body.feedback_level != "none" else []
    return Grade(
        body.submission_id, assessment_id, score, best, round(100 * score / best, 2) if best else 0.0, shown
    )


def _shown(row: Row[Any]) -> Assessment:
    questions = msgspec.json.decode(row.questions, type=list[Question])
    public = [
        {
            "id": one.id,
            "type": one.type,
            "question": one.question,
            "options": one.options,
            "points": one.points,
        }
        for one in questions
    ]
    return Assessment(
        row.id, row.title, row.subject, row.grade_level, len(questions), iso(row.created), public
    )


@SERVICE.post(
    "/api/v1/assessments",
    name="create",
    auth=tenants.KEY,
    answers={201: Assessment, 403: Failure, 429: Failure},
)
async def create_assessment(call: Call, body: CreateBody) -> Reply:
    """Make an assessment."""
    number, created = await call.db.write(create, call.identity.id, body)
    made = Assessment(
        number, body.title, body.subject, body.grade_level, len(body.questions), iso(created), []
    )
    return Reply(made, 201, headers=[("location", f"/api/v1/assessments/{number}")])


@SERVICE.get(
    "/api/v1/assessments/{assessment_id}",
    name="assessment",
    auth=tenants.KEY,
    answers={200: Assessment, 403: Failure, 404: Failure, 429: Failure},
)
async def read_assessment(call: Call, assessment_id: str) -> Assessment:
    """An assessment without its keys."""
    return _shown(await call.db.read(find, assessment_id))


@SERVICE.post(
    "/api/v1/assessments/{assessment_id}/answers",
    name="answer",
    auth=tenants.KEY,
    answers={200: AnswerSaved, 201: AnswerSaved, 403: Failure, 404: Failure, 429: Failure},
)
async def answer(call: Call, assessment_id: str, body: AnswerBody) -> Reply:
    """Keep a learner's answer: 201 the first time, 200 when it replaces another, final or not."""
    if body.assessment_id not in ("", assessment_id):
        raise Problem(422, "assessment_id differs from the address")
    version = await call.db.write(save_answer, assessment_id, call.identity.learner, body)
    saved = AnswerSaved(assessment_id, body.question_id, body.is_final, version)
    return Reply(saved, 201 if version == 1 else 200)


@SERVICE.post(
    "/api/v1/assessments/{assessment_id}/grade",
    name="grade",
    auth=tenants.KEY,
    answers={200: Grade, 403: Failure, 404: Failure, 429: Failure},
)
async def grade_submission(call: Call, assessment_id: str, body: GradeBody) -> Grade:
    """Grade a submission: options by key, sentences by key words."""
    return await call.db.write(grade, assessment_id, call.identity.learner, body)
