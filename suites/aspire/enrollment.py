"""Aspire, test 1: a visitor registers, logs in, finds a course, pays for it, and sees it in the progress.

    swell run suites/aspire/enrollment.py

Where document and script differ: the script's error rate counts failures only, so that one of them makes it
100 %; here each step counts. Its limits per step are those of single responses; here they are limits of p95,
and a slow response is no error. The document's "enrolment flow under 2 s" is measured without the pauses.
"""

from typing import Any

from suites.aspire.api import BASE_URL, as_learner, judge, objectives
from suites.common import audit, new_id, pause, require, require_target, written
from swell import Rate, Response, Trend, group, http, ledger, scenario

COURSE = "clh1234567890"
STEPS = {"register": 500, "login": 300, "courses": 200, "enroll": 1000, "progress": 200}

options = {
    "thresholds": {
        **objectives(STEPS, share=0.01),
        "enrollment_flow": ["p(95)<2000"],
        "enrollments_completed": ["rate>0.99"],
    },
}

errors = Rate("errors")
flow = Trend("enrollment_flow", is_time=True)
completed = Rate("enrollments_completed")
accounts = ledger("accounts")
enrollments = ledger("enrolments")


def setup() -> None:
    """See that the platform is up and has the course."""
    require_target(BASE_URL, "aspire")
    course = http.get(f"{BASE_URL}/api/courses/{COURSE}", headers=as_learner(), name="course")
    require(course, f"the course {COURSE} is not there", "seed it with `swell target seed`")


@scenario(
    executor="ramping-vus",
    start_vus=0,
    stages=[("2m", 10), ("5m", 50), ("2m", 100), ("5m", 100), ("2m", 0)],
)
@group("enrolment")
def enroll() -> None:
    """Somebody new each time."""
    email = f"{new_id('test-')}@example.com"
    spent = register(email)
    pause(1)
    login = post("/api/auth/login", {"email": email, "password": PASSWORD}, name="login")
    if not judge(errors, login, "logged in"):
        completed.add(False)
        return
    learner = as_learner(login.json()["token"])
    pause(1)
    courses = http.get(f"{BASE_URL}/api/courses", headers=learner, name="courses")
    judge(errors, courses, "catalogue loaded")
    pause(1)
    order = {"courseId": COURSE, "paymentMethodId": "pm_test_mock"}
    enrolled = enrollments.write(
        email, lambda: post("/api/enrollments", order, name="enroll", headers=learner)
    )
    completed.add(judge(errors, enrolled, "enrolled", 201))
    pause(1)
    progress = http.get(f"{BASE_URL}/api/progress", headers=learner, name="progress")
    judge(errors, progress, "progress loaded")
    steps = (login, courses, enrolled, progress)
    flow.add(spent + sum(step.timings.duration for step in steps))
    pause(1)


PASSWORD = "TestPassword123!"


def register(email: str) -> float:
    """Make an account; the milliseconds that it took."""
    account = {"email": email, "password": PASSWORD, "name": f"Test User {email[5:13]}"}
    account["referrerCode"] = "AFFILIATE123"
    made = accounts.write(email, lambda: post("/api/auth/register", account, name="register"))
    judge(errors, made, "registered", 201)
    return made.timings.duration


def post(path: str, body: dict[str, Any], **options: Any) -> Response:
    """Send JSON to the platform."""
    return http.post(f"{BASE_URL}{path}", json=body, **options)


@audit("every account exists once")
def accounts_exist() -> None:
    """Nobody who registered is missing, and nobody who was refused is there."""
    accounts.compare(written(BASE_URL, "accounts"))


@audit("every enrolment exists once")
def enrollments_exist() -> None:
    """Who paid has a place."""
    enrollments.compare(written(BASE_URL, "enrollments"))
