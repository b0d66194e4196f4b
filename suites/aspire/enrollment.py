"""Aspire, test 1: a visitor registers, logs in, finds a course, pays for it, and sees it in the progress.

    swell run suites/aspire/enrollment.py

Where document and script differ: the script's error rate counts failures only, so that one of them makes it
100 %; here each step counts. Its limits per step are those of single responses; here they are limits of p95,
and a slow response is no error. The document's "enrolment flow under 2 s" is measured without the pauses. Its
objective for webhooks (1 % failures) has no script: here the payment provider confirms each payment.
"""

from typing import Any

from suites.aspire.api import BASE_URL, as_learner, judge, objectives, require_learner
from suites.common import (
    audit,
    new_id,
    pause,
    require,
    require_webhooks,
    send_webhook,
    written,
)
from swell import Rate, Response, Trend, check, env, group, http, ledger, scenario

COURSE = "clh1234567890"
PASSWORD = "TestPassword123!"
WEBHOOKS = f"{BASE_URL}/api/webhooks/stripe"
STRIPE_SECRET = env.get("STRIPE_WEBHOOK_SECRET", "whsec_test_secret")
STEPS = {"register": 500, "login": 300, "courses": 200, "enroll": 1000, "progress": 200}

options = {
    "thresholds": {
        **objectives(STEPS, share=0.01),
        "enrollment_flow": ["p(95)<2000"],
        "enrollments_completed": ["rate>0.99"],
        "webhooks_failed": ["rate<0.01"],
    },
}

errors = Rate("errors")
flow = Trend("enrollment_flow", is_time=True)
completed = Rate("enrollments_completed")
webhooks_failed = Rate("webhooks_failed")
accounts = ledger("accounts")
enrollments = ledger("enrolments")
webhooks = ledger("webhooks")


def setup() -> None:
    """See that the platform is up, takes the token and our signature, and has the course."""
    require_learner()
    course = http.get(f"{BASE_URL}/api/courses/{COURSE}", headers=as_learner(), name="course")
    require(course, f"the course {COURSE} is not there", "aspire")
    require_webhooks(WEBHOOKS, STRIPE_SECRET)


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
    is_enrolled = judge(errors, enrolled, "enrolled", 201)
    completed.add(is_enrolled)
    if is_enrolled:
        confirm_payment(enrolled.json()["paymentId"])
    pause(1)
    progress = http.get(f"{BASE_URL}/api/progress", headers=learner, name="progress")
    judge(errors, progress, "progress loaded")
    steps = (login, courses, enrolled, progress)
    flow.add(spent + sum(step.timings.duration for step in steps))
    pause(1)


def register(email: str) -> float:
    """Make an account; the milliseconds that it took."""
    account = {"email": email, "password": PASSWORD, "name": f"Test User {email[5:13]}"}
    account["referrerCode"] = "AFFILIATE123"
    made = accounts.write(email, lambda: post("/api/auth/register", account, name="register"))
    judge(errors, made, "registered", 201)
    return made.timings.duration


def confirm_payment(payment: str) -> None:
    """The payment provider tells the platform that it was paid."""
    number = new_id("evt_")
    event = {"id": number, "type": "payment_intent.succeeded", "data": {"object": {"id": payment}}}
    told = webhooks.write(number, lambda: send_webhook(WEBHOOKS, event, STRIPE_SECRET, name="webhook"))
    webhooks_failed.add(not check(told, {"webhook received": lambda r: r.ok}))


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


@audit("every webhook was processed once")
def webhooks_processed() -> None:
    """What the payment provider told was not forgotten."""
    webhooks.compare(written(BASE_URL, "webhooks"))
