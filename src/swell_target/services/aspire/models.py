"""What goes into Aspire's endpoints and comes out of them: camelCase in JSON."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern="^[^@\\s]+@[^@\\s]+$")]
Key = Annotated[str, Meta(min_length=1, max_length=255)]
FileName = Annotated[str, Meta(min_length=1, max_length=255, pattern="^[^/\\\\]+$")]
Fraction = Annotated[float, Meta(ge=0, le=1)]
MAX_TEXT = 50_000
MAX_FILES = 10
MAX_FILE_BYTES = 1_000_000
WEEK_S = 7 * 24 * 3600


class Body(Struct, rename="camel"):
    """What is sent."""


class Answer(Struct, rename="camel", kw_only=True):
    """What is answered."""


# --- Accounts ---------------------------------------------------------------------------------------------


class RegisterBody(Body):
    """A new account; an unknown referrer code is ignored."""

    email: Email
    password: Annotated[str, Meta(min_length=8, max_length=1024)]
    name: Name
    referrer_code: Annotated[str, Meta(max_length=255)] | None = None


class LoginBody(Body):
    """Who, and the proof."""

    email: Annotated[str, Meta(min_length=1, max_length=254)]
    password: Annotated[str, Meta(min_length=1, max_length=1024)]


class User(Answer):
    """An account as its owner sees it."""

    id: str
    email: str
    name: str
    affiliate_code: str
    created_at: str


class Registered(Answer):
    """The new account, and whether a referrer brought it."""

    user: User
    referred: bool


class Session(Answer):
    """What login answers."""

    token: str
    expires_in: int
    user: User


class Affiliate(Answer):
    """What an account's own code brought."""

    code: str
    referrals: int
    sales: int
    commission_cents: int


# --- Catalogue and enrolment ------------------------------------------------------------------------------


class Page(Struct):
    """Which part of a list; ``q`` looks into titles."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    offset: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    q: Annotated[str, Meta(max_length=200)] = ""


class Course(Answer):
    """A course in the catalogue."""

    id: str
    title: str
    summary: str
    level: str
    price_cents: int
    open: bool
    lessons: int


class Courses(Answer):
    """A page of the catalogue."""

    courses: list[Course]
    total: int


class Outline(Answer):
    """A lesson's place in its course."""

    id: str
    title: str
    minutes: int


class CourseDetail(Answer):
    """A course with its outline."""

    course: Course
    outline: list[Outline]


class EnrollBody(Body):
    """Which course, and what pays for it."""

    course_id: Key
    payment_method_id: Key


class Enrollment(Answer):
    """A place in a course."""

    id: str
    course_id: str
    payment_id: str | None
    amount_cents: int
    created_at: str


# --- Lessons ----------------------------------------------------------------------------------------------


class CourseProgress(Answer):
    """How far the learner is in one course; ``progress`` is the mean over its lessons."""

    course_id: str
    title: str
    lessons: int
    completed: int
    progress: float
    time_spent: int


class Progress(Answer):
    """How far the learner is, over all enrolments."""

    enrollments: list[CourseProgress]
    completed_lessons: int
    time_spent: int


class LessonItem(Answer):
    """A lesson that the learner may see."""

    id: str
    course_id: str
    title: str
    position: int
    minutes: int
    progress: float
    completed: bool


class Lesson(Answer):
    """A lesson with its text."""

    id: str
    course_id: str
    title: str
    minutes: int
    content: str


class LessonState(Answer):
    """The learner's progress in one lesson; ``timeSpent`` in seconds."""

    lesson_id: str
    progress: float
    time_spent: int
    completed: bool
    started_at: str
    completed_at: str | None


class ProgressBody(Body):
    """How far (0 to 1), and the seconds since the last report."""

    progress: Fraction
    time_spent: Annotated[float, Meta(ge=0, le=WEEK_S)] = 0


class Question(Answer):
    """A question without its answer."""

    id: str
    text: str
    options: list[str]


class Quiz(Answer):
    """A lesson's quiz; ``passMark`` in percent."""

    lesson_id: str
    pass_mark: int
    questions: list[Question]


class QuizBody(Body):
    """The number of the chosen option for each question, in order."""

    answers: Annotated[list[Annotated[int, Meta(ge=0, le=3)]], Meta(max_length=200)]


class QuizResult(Answer):
    """A graded attempt; ``score`` in percent."""

    attempt: int
    correct: int
    total: int
    score: int
    best: int
    passed: bool
    results: list[bool]


# --- Assignments ------------------------------------------------------------------------------------------


class AssignmentItem(Answer):
    """An assignment that the learner may see; ``state`` of the latest submission, or ``open``."""

    id: str
    course_id: str
    title: str
    max_points: int
    state: str


class Assignment(Answer):
    """An assignment with its brief."""

    id: str
    course_id: str
    title: str
    brief: str
    max_points: int
    due_days: int


class FileBody(Body):
    """A file, its content in place: as it is, or in base64 where it is no text; at most a million bytes."""

    name: FileName
    content: str
    type: Key = "text/plain"
    encoding: Literal["utf-8", "base64"] = "utf-8"


class SubmitBody(Body):
    """What is handed in."""

    content: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    files: Annotated[list[FileBody], Meta(max_length=MAX_FILES)] = []


class UpdateBody(Body):
    """The text that replaces the submitted one."""

    content: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]


class FileItem(Answer):
    """A file of a submission; ``size`` in bytes."""

    name: str
    type: str
    size: int


class Submission(Answer):
    """A submission as its author sees it; ``state`` is submitted or graded."""

    id: str
    assignment_id: str
    version: int
    state: str
    content: str
    files: list[FileItem]
    points: int | None
    feedback: str | None
    submitted_at: str
    updated_at: str


# --- The payment provider ---------------------------------------------------------------------------------


class EventObject(Struct):
    """What a provider's event is about."""

    id: Key


class EventData(Struct):
    """Stripe's envelope."""

    object: EventObject


class Event(Struct):
    """A provider's event."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    type: Annotated[str, Meta(min_length=1, max_length=64)]
    data: EventData


class Received(Struct):
    """The event is taken; ``duplicate`` when it had been already."""

    received: bool
    duplicate: bool


class EventTotals(Struct):
    """Events, and how often they were acted on."""

    events: int
    processed: int


class Dependency(Struct):
    """The state of something outside; ``latency_ms`` is what its mock takes."""

    name: str
    status: str
    latency_ms: int


class Dependencies(Struct):
    """Everything that the platform leans on."""

    status: str
    dependencies: list[Dependency]
