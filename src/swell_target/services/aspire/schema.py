"""Aspire's tables: accounts, referrals, courses, enrolments with payments, progress, quizzes, submissions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    cast,
)

from swell_target.base.schema import Schema
from swell_target.base.writes import Written

METADATA = MetaData()


def _key() -> Column[str]:
    return Column("id", String(64), primary_key=True)


def _link(name: str, target: str, *, nullable: bool = False, primary_key: bool = False) -> Column[str]:
    key = ForeignKey(f"aspire_{target}.id")
    return Column(name, String(64), key, nullable=nullable, primary_key=primary_key)


USERS = Table(
    "aspire_users",
    METADATA,
    _key(),
    Column("email", String(255), nullable=False, unique=True),
    Column("password", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("affiliate_code", String(64), nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
)
# Who was brought by whom; commissions are a share of what the referred pay.
REFERRALS = Table(
    "aspire_referrals",
    METADATA,
    _link("user_id", "users", primary_key=True),
    _link("referrer_id", "users"),
    Column("created", BigInteger, nullable=False),
    Index("aspire_referrals_referrer", "referrer_id"),
)
# The lessons and assignments of an open course are for everybody, enrolled or not.
COURSES = Table(
    "aspire_courses",
    METADATA,
    _key(),
    Column("position", Integer, nullable=False),
    Column("title", String(255), nullable=False),
    Column("summary", Text, nullable=False),
    Column("level", String(16), nullable=False),
    Column("price_cents", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
)
LESSONS = Table(
    "aspire_lessons",
    METADATA,
    _key(),
    _link("course_id", "courses"),
    Column("position", Integer, nullable=False),
    Column("title", String(255), nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Index("aspire_lessons_course", "course_id", "position"),
)
# ``options`` is a JSON list of texts, ``answer`` the right one's number.
QUESTIONS = Table(
    "aspire_questions",
    METADATA,
    _key(),
    _link("lesson_id", "lessons"),
    Column("position", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("answer", Integer, nullable=False),
    Index("aspire_questions_lesson", "lesson_id", "position"),
)
ASSIGNMENTS = Table(
    "aspire_assignments",
    METADATA,
    _key(),
    _link("course_id", "courses"),
    Column("position", Integer, nullable=False),
    Column("title", String(255), nullable=False),
    Column("brief", Text, nullable=False),
    Column("max_points", Integer, nullable=False),
    Column("due_days", Integer, nullable=False),
    Index("aspire_assignments_course", "course_id", "position"),
)
# State: succeeded -> refunded.
PAYMENTS = Table(
    "aspire_payments",
    METADATA,
    _key(),
    _link("user_id", "users"),
    _link("course_id", "courses"),
    Column("method", String(255), nullable=False),
    Column("amount_cents", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    Index("aspire_payments_user", "user_id"),
)
ENROLLMENTS = Table(
    "aspire_enrollments",
    METADATA,
    _key(),
    _link("user_id", "users"),
    _link("course_id", "courses"),
    _link("payment_id", "payments", nullable=True),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("user_id", "course_id", name="aspire_enrollments_once"),
)
PROGRESS = Table(
    "aspire_progress",
    METADATA,
    _link("user_id", "users", primary_key=True),
    _link("lesson_id", "lessons", primary_key=True),
    Column("progress", Float, nullable=False),
    Column("time_spent", BigInteger, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("completed", BigInteger),
    Column("quiz_attempts", Integer, nullable=False),
    Column("quiz_best", Integer, nullable=False),
)
# ``answers`` is a JSON list of numbers, ``score`` in percent.
ATTEMPTS = Table(
    "aspire_quiz_attempts",
    METADATA,
    _key(),
    _link("user_id", "users"),
    _link("lesson_id", "lessons"),
    Column("number", Integer, nullable=False),
    Column("answers", Text, nullable=False),
    Column("score", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("user_id", "lesson_id", "number", name="aspire_quiz_attempts_number"),
)
# State: submitted -> graded, and back when its author changes it: ``revision`` tells that a grader is late.
SUBMISSIONS = Table(
    "aspire_submissions",
    METADATA,
    _key(),
    _link("user_id", "users"),
    _link("assignment_id", "assignments"),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("points", Integer),
    Column("feedback", Text),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    UniqueConstraint("user_id", "assignment_id", "version", name="aspire_submissions_version"),
    Index("aspire_submissions_state", "state", "updated"),
)
# One row for each author and assignment: it counts the versions, and so orders submissions made at once.
STANDINGS = Table(
    "aspire_standings",
    METADATA,
    _link("user_id", "users", primary_key=True),
    _link("assignment_id", "assignments", primary_key=True),
    Column("versions", Integer, nullable=False),
    Column("latest_id", String(64), nullable=False),
)
FILES = Table(
    "aspire_files",
    METADATA,
    _link("submission_id", "submissions", primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("type", String(255), nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
# The payment provider's events; ``times`` is how often each was acted on: once, but for the fault.
EVENTS = Table(
    "aspire_events",
    METADATA,
    _key(),
    Column("type", String(64), nullable=False),
    Column("times", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
)
# Children first, as they are emptied.
ALL_TABLES = (
    EVENTS,
    FILES,
    STANDINGS,
    SUBMISSIONS,
    ATTEMPTS,
    PROGRESS,
    ENROLLMENTS,
    PAYMENTS,
    ASSIGNMENTS,
    QUESTIONS,
    LESSONS,
    COURSES,
    REFERRALS,
    USERS,
)
SCHEMA = Schema("aspire", 2, METADATA)
# An account is known by its address, an attempt at a quiz by its learner, lesson and number.
WRITES = {
    "accounts": Written(USERS.c.id, USERS.c.email),
    "enrollments": Written(
        ENROLLMENTS.c.id,
        USERS.c.email,
        source=ENROLLMENTS.join(USERS, USERS.c.id == ENROLLMENTS.c.user_id),
    ),
    "quiz_attempts": Written(
        ATTEMPTS.c.id, ATTEMPTS.c.user_id + "/" + ATTEMPTS.c.lesson_id + "/" + cast(ATTEMPTS.c.number, String)
    ),
    "submissions": Written(SUBMISSIONS.c.id, SUBMISSIONS.c.id),
    "webhooks": Written(EVENTS.c.id, EVENTS.c.id, EVENTS.c.times),
}
