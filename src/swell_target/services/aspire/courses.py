"""The catalogue, and paid enrolment (contract: A3, A4)."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from swell_target.base.call import Call, Reply
from swell_target.base.clock import iso, new_id, now_ms, pause
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.base.sql import insert_once
from swell_target.services.aspire.accounts import account
from swell_target.services.aspire.models import (
    Course,
    CourseDetail,
    Courses,
    EnrollBody,
    Enrollment,
    Outline,
    Page,
)
from swell_target.services.aspire.schema import COURSES, ENROLLMENTS, LESSONS, PAYMENTS
from swell_target.services.aspire.service import LEARNER, SERVICE

# The catalogue may be this old.
CATALOGUE_S = 2.0
# Stripe's names of test cards: these are declined, any other method pays.
DECLINED = ("pm_test_declined", "pm_card_chargeDeclined", "pm_card_visa_chargeDeclined")
METHOD_PREFIX = "pm_"
LESSON_COUNT = (
    select(func.count())
    .select_from(LESSONS)
    .where(LESSONS.c.course_id == COURSES.c.id)
    .scalar_subquery()
    .label("lessons")
)


# --- Transactions -----------------------------------------------------------------------------------------


def catalogue(tx: Connection, query: Page) -> Courses:
    """A page of courses, in the catalogue's order."""
    where = func.lower(COURSES.c.title).contains(query.q.lower(), autoescape=True)
    rows = tx.execute(
        select(COURSES, LESSON_COUNT)
        .where(where)
        .order_by(COURSES.c.position, COURSES.c.id)
        .limit(query.limit)
        .offset(query.offset)
    )
    total = tx.execute(select(func.count()).select_from(COURSES).where(where)).scalar_one()
    return Courses(courses=[_course(row) for row in rows], total=total)


def course_detail(tx: Connection, course_id: str) -> CourseDetail:
    """A course with its outline; Problem 404."""
    row = tx.execute(select(COURSES, LESSON_COUNT).where(COURSES.c.id == course_id)).first()
    if row is None:
        raise Problem(404, "no such course")
    lessons = tx.execute(
        select(LESSONS.c.id, LESSONS.c.title, LESSONS.c.minutes)
        .where(LESSONS.c.course_id == course_id)
        .order_by(LESSONS.c.position)
    )
    outline = [Outline(id=one.id, title=one.title, minutes=one.minutes) for one in lessons]
    return CourseDetail(course=_course(row), outline=outline)


def check_enrollable(tx: Connection, user_id: str, course_id: str) -> int:
    """The price in cents; Problem 404 without such a course, 409 when enrolled already."""
    account(tx, user_id)
    price = tx.execute(select(COURSES.c.price_cents).where(COURSES.c.id == course_id)).scalar_one_or_none()
    if price is None:
        raise Problem(404, "no such course")
    known = tx.execute(
        select(ENROLLMENTS.c.id).where(ENROLLMENTS.c.user_id == user_id, ENROLLMENTS.c.course_id == course_id)
    ).first()
    if known is not None:
        raise _already()
    return int(price)


def enroll(tx: Connection, user_id: str, body: EnrollBody, amount_cents: int) -> Row[Any]:
    """Write the payment and the enrolment, or neither; of two at once the second gets Problem 409."""
    account(tx, user_id)
    now = now_ms()
    owner = {"user_id": user_id, "course_id": body.course_id, "created": now}
    payment_id = f"pi_{new_id().replace('-', '')}" if amount_cents else None
    if payment_id:
        payment = {"method": body.payment_method_id, "amount_cents": amount_cents, "state": "succeeded"}
        tx.execute(PAYMENTS.insert(), owner | payment | {"id": payment_id})
    enrollment_id = new_id()
    if not insert_once(tx, ENROLLMENTS, owner | {"id": enrollment_id, "payment_id": payment_id}):
        raise _already()
    return tx.execute(_enrollments().where(ENROLLMENTS.c.id == enrollment_id)).one()


def _already() -> Problem:
    return Problem(409, "already enrolled in this course")


def _enrollments() -> Any:
    amount = func.coalesce(PAYMENTS.c.amount_cents, 0).label("amount_cents")
    return select(ENROLLMENTS, amount).outerjoin(PAYMENTS, PAYMENTS.c.id == ENROLLMENTS.c.payment_id)


def list_enrollments(tx: Connection, user_id: str) -> list[Enrollment]:
    """The account's places, oldest first."""
    rows = tx.execute(
        _enrollments()
        .where(ENROLLMENTS.c.user_id == user_id)
        .order_by(ENROLLMENTS.c.created, ENROLLMENTS.c.id)
    )
    return [_enrollment(row) for row in rows]


# --- Endpoints --------------------------------------------------------------------------------------------


def _course(row: Any) -> Course:
    return Course(
        id=row.id,
        title=row.title,
        summary=row.summary,
        level=row.level,
        price_cents=row.price_cents,
        open=row.is_open,
        lessons=row.lessons,
    )


def _enrollment(row: Any) -> Enrollment:
    return Enrollment(
        id=row.id,
        course_id=row.course_id,
        payment_id=row.payment_id,
        amount_cents=row.amount_cents,
        created_at=iso(row.created),
    )


@SERVICE.get("/api/courses", name="courses", auth=LEARNER, answers={200: Courses})
async def courses(call: Call, query: Page) -> Reply:
    """The catalogue, from the cache for two seconds."""
    key = f"courses:{query.limit}:{query.offset}:{query.q}"
    found = await call.runtime.cache.get(key)
    if found is None:
        found = msgspec.json.encode(await call.db.read(catalogue, query))
        await call.runtime.cache.put(key, found, CATALOGUE_S)
    return Reply(found)


@SERVICE.get("/api/courses/{id}", name="course", auth=LEARNER, answers={200: CourseDetail, 404: Failure})
async def course(call: Call, id: str) -> CourseDetail:  # noqa: A002 - the path's parameter
    """A course with its outline."""
    return await call.db.read(course_detail, id)


@SERVICE.post(
    "/api/enrollments",
    name="enroll",
    auth=LEARNER,
    answers={201: Enrollment, 402: Failure, 404: Failure, 409: Failure},
)
async def enroll_learner(call: Call, body: EnrollBody) -> Enrollment:
    """Pay for a course and get a place in it."""
    amount_cents = await call.db.read(check_enrollable, call.identity, body.course_id)
    if amount_cents:
        await _charge(call, body.payment_method_id)
    return _enrollment(await call.db.write(enroll, call.identity, body, amount_cents))


async def _charge(call: Call, method: str) -> None:
    """The mock payment provider, outside of any transaction; Problem 402 when it declines."""
    await pause(call.runtime.settings.mock_latency_ms)
    if method in DECLINED or not method.startswith(METHOD_PREFIX):
        raise Problem(402, "the payment was declined", code="card_declined")


@SERVICE.get("/api/enrollments", name="enrollments", auth=LEARNER, answers={200: list[Enrollment]})
async def enrollments(call: Call) -> list[Enrollment]:
    """The own places."""
    return await call.db.read(list_enrollments, call.identity)
