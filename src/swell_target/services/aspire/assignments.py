"""Assignments and what is handed in for them (contract: A12 to A16)."""

import base64
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select, update

from swell_target.base.call import Call, Reply
from swell_target.base.clock import iso, new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.base.sql import Insert, by_dialect
from swell_target.services.aspire.grading import QUEUE
from swell_target.services.aspire.lessons import LEARNER_ID, OWN_ENROLLMENT, REFUSED, check_access
from swell_target.services.aspire.models import (
    MAX_FILE_BYTES,
    Assignment,
    AssignmentItem,
    FileBody,
    FileItem,
    Submission,
    SubmitBody,
    UpdateBody,
)
from swell_target.services.aspire.schema import (
    ASSIGNMENTS,
    COURSES,
    ENROLLMENTS,
    FILES,
    STANDINGS,
    SUBMISSIONS,
    USERS,
)
from swell_target.services.aspire.service import LEARNER, SERVICE

MAX_SUBMISSION_BYTES = 4 * 1024 * 1024


# --- Transactions -----------------------------------------------------------------------------------------


ASSIGNMENT = (
    select(
        ASSIGNMENTS,
        COURSES.c.is_open,
        ENROLLMENTS.c.id.label("enrollment_id"),
        USERS.c.id.label("account"),
    )
    .join(COURSES, COURSES.c.id == ASSIGNMENTS.c.course_id)
    .outerjoin(ENROLLMENTS, OWN_ENROLLMENT)
    .outerjoin(USERS, USERS.c.id == LEARNER_ID)
    .where(ASSIGNMENTS.c.id == bindparam("assignment_id"))
)
VISIBLE = (
    select(
        ASSIGNMENTS.c.id,
        ASSIGNMENTS.c.course_id,
        ASSIGNMENTS.c.title,
        ASSIGNMENTS.c.max_points,
        func.coalesce(SUBMISSIONS.c.state, "open").label("state"),
    )
    .join(COURSES, COURSES.c.id == ASSIGNMENTS.c.course_id)
    .outerjoin(ENROLLMENTS, OWN_ENROLLMENT)
    .outerjoin(
        STANDINGS, and_(STANDINGS.c.assignment_id == ASSIGNMENTS.c.id, STANDINGS.c.user_id == LEARNER_ID)
    )
    .outerjoin(SUBMISSIONS, SUBMISSIONS.c.id == STANDINGS.c.latest_id)
    .where(or_(COURSES.c.is_open, ENROLLMENTS.c.id.is_not(None)))
    .order_by(COURSES.c.position, ASSIGNMENTS.c.position)
)
LATEST = (
    select(SUBMISSIONS)
    .join(STANDINGS, STANDINGS.c.latest_id == SUBMISSIONS.c.id)
    .where(STANDINGS.c.user_id == LEARNER_ID, STANDINGS.c.assignment_id == bindparam("assignment_id"))
)
FILES_OF = (
    select(FILES.c.name, FILES.c.type, FILES.c.size)
    .where(FILES.c.submission_id == bindparam("submission_id"))
    .order_by(FILES.c.position)
)
CHANGE = (
    update(SUBMISSIONS)
    .where(SUBMISSIONS.c.id == bindparam("submission_id"))
    .values(
        content=bindparam("text"),
        revision=SUBMISSIONS.c.revision + 1,
        state="submitted",
        points=None,
        feedback=None,
        updated=bindparam("now"),
    )
)
ADD_SUBMISSION, ADD_FILES = SUBMISSIONS.insert(), FILES.insert()


def _next_version(statement: Insert) -> Any:
    changed = {"versions": STANDINGS.c.versions + 1, "latest_id": statement.excluded.latest_id}
    return statement.on_conflict_do_update(
        index_elements=["user_id", "assignment_id"], set_=changed
    ).returning(STANDINGS.c.versions)


NEXT_VERSION = by_dialect(_next_version)


def find_assignment(tx: Connection, user_id: str, assignment_id: str) -> Row[Any]:
    """An assignment that the learner may see; Problem 401, 403 or 404."""
    row = tx.execute(ASSIGNMENT, {"user_id": user_id, "assignment_id": assignment_id}).first()
    check_access(row, "assignment")
    assert row is not None  # noqa: S101 - it has just been checked
    return row


def list_assignments(tx: Connection, user_id: str) -> list[AssignmentItem]:
    """The assignments of the learner's courses and of the open ones, in order."""
    rows = tx.execute(VISIBLE, {"user_id": user_id})
    return [
        AssignmentItem(
            id=row.id, course_id=row.course_id, title=row.title, max_points=row.max_points, state=row.state
        )
        for row in rows
    ]


def content_of(file: FileBody) -> bytes:
    """What is in a file; Problem 413 when it is too much, 422 when it is not in base64 but says so."""
    try:
        content = (
            base64.b64decode(file.content, validate=True)
            if file.encoding == "base64"
            else file.content.encode()
        )
    except ValueError as error:
        raise Problem(422, f"the file {file.name} is not in base64: {error}") from None
    if len(content) > MAX_FILE_BYTES:
        raise Problem(413, f"the file {file.name} is larger than {MAX_FILE_BYTES} bytes")
    return content


def submit(
    tx: Connection, user_id: str, assignment_id: str, body: SubmitBody, contents: list[bytes]
) -> Submission:
    """Keep a new version with its files and their contents."""
    find_assignment(tx, user_id, assignment_id)
    submission_id, now = new_id(), now_ms()
    # Its row stays locked until the end, so that submissions made at once get versions of their own.
    standing: dict[str, Any] = {"user_id": user_id, "assignment_id": assignment_id}
    standing |= {"versions": 1, "latest_id": submission_id}
    version = tx.execute(NEXT_VERSION(tx, STANDINGS), standing).scalar_one()
    values = {
        "id": submission_id,
        "user_id": user_id,
        "assignment_id": assignment_id,
        "version": version,
        "revision": 1,
        "content": body.content,
        "state": "submitted",
        "created": now,
        "updated": now,
    }
    tx.execute(ADD_SUBMISSION, values)
    files = [
        {
            "submission_id": submission_id,
            "position": position,
            "name": file.name,
            "type": file.type,
            "size": len(content),
            "content": content,
        }
        for position, (file, content) in enumerate(zip(body.files, contents, strict=True))
    ]
    if files:
        tx.execute(ADD_FILES, files)
    return latest(tx, user_id, assignment_id)


def _latest(tx: Connection, user_id: str, assignment_id: str) -> Row[Any]:
    row = tx.execute(LATEST, {"user_id": user_id, "assignment_id": assignment_id}).first()
    if row is None:
        raise Problem(404, "nothing was submitted for this assignment")
    return row


def latest(tx: Connection, user_id: str, assignment_id: str) -> Submission:
    """The learner's latest submission; Problem 404 when there is none."""
    row = _latest(tx, user_id, assignment_id)
    files = tx.execute(FILES_OF, {"submission_id": row.id})
    return Submission(
        id=row.id,
        assignment_id=row.assignment_id,
        version=row.version,
        state=row.state,
        content=row.content,
        files=[FileItem(name=file.name, type=file.type, size=file.size) for file in files],
        points=row.points,
        feedback=row.feedback,
        submitted_at=iso(row.created),
        updated_at=iso(row.updated),
    )


def change(tx: Connection, user_id: str, assignment_id: str, content: str) -> Submission:
    """Replace the latest submission's text; it is graded again."""
    row = _latest(tx, user_id, assignment_id)
    tx.execute(CHANGE, {"submission_id": row.id, "text": content, "now": now_ms()})
    return latest(tx, user_id, assignment_id)


def find_file(tx: Connection, user_id: str, assignment_id: str, name: str) -> Row[Any]:
    """A file of the latest submission; Problem 404."""
    row = _latest(tx, user_id, assignment_id)
    file = tx.execute(
        select(FILES)
        .where(FILES.c.submission_id == row.id, FILES.c.name == name)
        .order_by(FILES.c.position)
        .limit(1)
    ).first()
    if file is None:
        raise Problem(404, "no such file in the submission")
    return file


# --- Endpoints --------------------------------------------------------------------------------------------


@SERVICE.get("/api/assignments", name="assignments", auth=LEARNER, answers={200: list[AssignmentItem]})
async def assignments(call: Call) -> list[AssignmentItem]:
    """The assignments that the learner may see."""
    return await call.db.read(list_assignments, call.identity)


@SERVICE.get("/api/assignments/{id}", name="assignment", auth=LEARNER, answers={200: Assignment, **REFUSED})
async def assignment(call: Call, id: str) -> Assignment:  # noqa: A002 - the path's parameter
    """An assignment with its brief."""
    row = await call.db.read(find_assignment, call.identity, id)
    return Assignment(
        id=row.id,
        course_id=row.course_id,
        title=row.title,
        brief=row.brief,
        max_points=row.max_points,
        due_days=row.due_days,
    )


@SERVICE.post(
    "/api/assignments/{id}/submit",
    name="assignment_submit",
    auth=LEARNER,
    max_body=MAX_SUBMISSION_BYTES,
    uploads=True,
    answers={201: Submission, **REFUSED},
)
async def assignment_submit(call: Call, id: str, body: SubmitBody) -> Submission:  # noqa: A002 - the path's
    """Hand in a text with files; again makes a new version."""
    contents = [content_of(file) for file in body.files]
    made = await call.db.write(submit, call.identity, id, body, contents)
    await call.runtime.queue(QUEUE).push(made.id)
    return made


@SERVICE.get(
    "/api/assignments/{id}/submission",
    name="submission",
    auth=LEARNER,
    answers={200: Submission, 404: Failure},
)
async def submission(call: Call, id: str) -> Submission:  # noqa: A002 - the path's parameter
    """The own latest submission."""
    return await call.db.read(latest, call.identity, id)


@SERVICE.put(
    "/api/assignments/{id}/submission",
    name="submission_update",
    auth=LEARNER,
    answers={200: Submission, 404: Failure},
)
async def submission_update(call: Call, id: str, body: UpdateBody) -> Submission:  # noqa: A002 - the path's
    """Replace the text of the own latest submission."""
    changed = await call.db.write(change, call.identity, id, body.content)
    await call.runtime.queue(QUEUE).push(changed.id)
    return changed


@SERVICE.get(
    "/api/assignments/{id}/submission/files/{name}",
    name="submission_file",
    auth=LEARNER,
    media="application/octet-stream",
    answers={200: None, 404: Failure},
)
async def submission_file(call: Call, id: str, name: str) -> Reply:  # noqa: A002 - the path's parameter
    """A file of the own latest submission; always a download, whatever type its author gave it."""
    file = await call.db.read(find_file, call.identity, id, name)
    headers = [("content-disposition", "attachment"), ("x-content-type-options", "nosniff")]
    return Reply(bytes(file.content), headers=headers, media="application/octet-stream")
