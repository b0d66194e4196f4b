"""Grades submissions in the background, as a mock of a language model: the same text gets the same points."""

import asyncio
import hashlib
from typing import Any

from sqlalchemy import Connection, Row, select, update

from swell_target.base.clock import now_ms, pause
from swell_target.base.errors import Problem
from swell_target.base.runtime import Runtime
from swell_target.services.aspire.schema import ASSIGNMENTS, SUBMISSIONS
from swell_target.services.aspire.service import SERVICE

QUEUE = "grading"
WORKERS = 4
RELAY_EVERY_S = 1.0
# What is not graded by then was lost with its process, or changed while it was being graded.
OVERDUE_MS = 2_000
BATCH = 500
# Points in percent: this much and up to SPREAD more.
LEAST, SPREAD = 60, 41
FEEDBACK = (
    (90, "Excellent: clear and complete."),
    (75, "Good: add an example."),
    (0, "Explain your reasoning."),
)


def find_overdue(tx: Connection) -> list[str]:
    """Submissions that should have been graded by now, oldest first."""
    rows = tx.execute(
        select(SUBMISSIONS.c.id)
        .where(SUBMISSIONS.c.state == "submitted", SUBMISSIONS.c.updated < now_ms() - OVERDUE_MS)
        .order_by(SUBMISSIONS.c.updated)
        .limit(BATCH)
    )
    return [row.id for row in rows]


def find_work(tx: Connection, submission_id: str) -> Row[Any, Any, Any] | None:
    """A submission that waits for its points."""
    return tx.execute(
        select(SUBMISSIONS.c.content, SUBMISSIONS.c.revision, ASSIGNMENTS.c.max_points)
        .join(ASSIGNMENTS, ASSIGNMENTS.c.id == SUBMISSIONS.c.assignment_id)
        .where(SUBMISSIONS.c.id == submission_id, SUBMISSIONS.c.state == "submitted")
    ).first()


def keep_grade(tx: Connection, submission_id: str, revision: int, points: int, feedback: str) -> None:
    """Write the points, unless the author changed the text meanwhile."""
    tx.execute(
        update(SUBMISSIONS)
        .where(
            SUBMISSIONS.c.id == submission_id,
            SUBMISSIONS.c.revision == revision,
            SUBMISSIONS.c.state == "submitted",
        )
        .values(state="graded", points=points, feedback=feedback)
    )


def grade(seed: int, content: str, max_points: int) -> tuple[int, str]:
    """Points and feedback for a text."""
    digest = hashlib.sha256(f"{seed}:{content}".encode()).digest()
    percent = LEAST + int.from_bytes(digest[:4], "big") % SPREAD
    feedback = next(text for least, text in FEEDBACK if percent >= least)
    return max_points * percent // 100, feedback


@SERVICE.background
async def relay(runtime: Runtime) -> None:
    """Queue what was overlooked."""
    while True:
        await asyncio.sleep(RELAY_EVERY_S)
        try:
            for submission_id in await runtime.db.read(find_overdue):
                await runtime.queue(QUEUE).push(submission_id)
        except Problem:
            continue


@SERVICE.background
async def graders(runtime: Runtime) -> None:
    """Work off the queue, several at a time."""
    await asyncio.gather(*(_grader(runtime) for _ in range(WORKERS)))


async def _grader(runtime: Runtime) -> None:
    queue = runtime.queue(QUEUE)
    while True:
        submission_id = await queue.take()
        try:
            await _grade(runtime, submission_id)
        except Problem:
            # The database is away for the moment: the relay will find the submission again.
            await asyncio.sleep(RELAY_EVERY_S)
        finally:
            await queue.done(submission_id)


async def _grade(runtime: Runtime, submission_id: str) -> None:
    work = await runtime.db.read(find_work, submission_id)
    if work is None:
        return
    await pause(runtime.settings.mock_latency_ms)
    points, feedback = grade(runtime.settings.seed, work.content, work.max_points)
    await runtime.db.write(keep_grade, submission_id, work.revision, points, feedback)
