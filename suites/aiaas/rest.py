"""AIaaS, API test: chat, health, analytics, billing and authentication, by weight.

    swell run suites/aiaas/rest.py --profile smoke

Where document and script differ: the document ramps over 21 minutes, the script over 23. An answer of 401 to
somebody without a token is expected, no failure. The document's targets for billing (usage tracking, plan
enforcement, invoices, webhooks) have no script: here they are part of the billing share. Its throughput, 100
requests a second, is no objective of its own: 200 users who are answered within a second make more. Latency
is each request's own, in a trend and in `http_req_duration{name:...}`.
"""

from suites.aiaas.api import BASE_URL, Tenants, keep_and_charge
from suites.common import audit, new_id, pause, require_webhooks, send_webhook, written
from swell import (
    Counter,
    Rate,
    Response,
    Trend,
    check,
    env,
    group,
    http,
    ledger,
    scenario,
    weighted,
)

WEBHOOKS = f"{BASE_URL}/billing/webhooks"
STRIPE_SECRET = env.get("STRIPE_WEBHOOK_SECRET", "whsec_test_secret")

options = {
    "thresholds": {
        "api_success_rate": ["rate>0.95"],
        "api_response_time": ["p(95)<1000", "p(50)<500"],
        "api_errors": ["count<50"],
        "http_req_duration{name:/chat/messages}": ["p(95)<2000"],
        "http_req_duration{name:/healthz}": ["p(95)<100"],
        "http_req_duration{name:/billing/usage}": ["p(95)<100"],
        "http_req_duration{name:/billing/check}": ["p(95)<50"],
        "http_req_duration{name:/billing/invoices}": ["p(95)<2000"],
        "http_req_duration{name:/billing/webhooks}": ["p(95)<200"],
    },
}

tenants = Tenants(1)
success = Rate("api_success_rate")
response_time = Trend("api_response_time", is_time=True)
errors = Counter("api_errors")
answers = ledger("chat answers")
events = ledger("billing events")


def setup() -> int:
    """See that the tenants are there; what they have been charged for before."""
    tenants.require()
    require_webhooks(WEBHOOKS, STRIPE_SECRET)
    return tenants.messages_charged()


@group("chat")
def chat() -> None:
    """A customer asks, the agent answers."""
    judge(tenants.customer().ask(answers), 200)


@group("health")
def health() -> None:
    """A load balancer looks."""
    judge(http.get(f"{BASE_URL}/healthz", name="/healthz"), 200)


@group("analytics")
def analytics() -> None:
    """A tenant looks at the last hour."""
    judge(tenants.customer().get("/analytics/kpi", params={"time_window": "1h"}), 200)


@group("billing")
def billing() -> None:
    """Usage, plan, invoice, and what the payment provider tells."""
    bill()


def look_at_usage() -> None:
    """What has been used this month."""
    judge(tenants.customer().get("/billing/usage"), 200)


def check_plan() -> None:
    """Whether the plan allows one message more."""
    judge(tenants.customer().post("/billing/check", {"quantity": 1}), 200)


def draw_up_invoice() -> None:
    """The invoice of the month; there is one for each, however often it is asked for."""
    judge(tenants.customer().post("/billing/invoices", {}), 200, 201)


def take_event() -> None:
    """The payment provider's event, signed; it is about an invoice that is none of these tenants'."""
    number = new_id("evt_")
    event = {"id": number, "type": "invoice.paid", "data": {"object": {"id": new_id("in_")}}}
    taken = events.write(
        number, lambda: send_webhook(WEBHOOKS, event, STRIPE_SECRET, name="/billing/webhooks")
    )
    judge(taken, 200)


@group("auth")
def auth() -> None:
    """Somebody without a token asks who they are."""
    expected = http.expected_statuses(200, 401)
    judge(http.get(f"{BASE_URL}/auth/status", name="/auth/status", expected=expected), 200, 401)


def judge(response: Response, *statuses: int) -> None:
    """Check the status; the rate counts every answer, the counter those that failed."""
    conditions = {"status is expected": lambda r: r.status_code in statuses, "has body": lambda r: r.content}
    succeeded = check(response, conditions)
    success.add(succeeded)
    errors.add(not succeeded)
    response_time.add(response.timings.duration)


bill = weighted({look_at_usage: 40, check_plan: 20, draw_up_invoice: 20, take_event: 20})
mix = weighted({chat: 30, health: 20, analytics: 20, billing: 20, auth: 10})


@scenario(
    executor="ramping-vus",
    start_vus=0,
    stages=[("2m", 20), ("5m", 20), ("2m", 100), ("5m", 100), ("2m", 200), ("5m", 200)],
)
def api() -> None:
    """One call, and a second to think."""
    mix()
    pause(1)


keep_and_charge(answers, tenants)


@audit("every billing event was processed once")
def events_processed() -> None:
    """None was forgotten, and none acted on twice."""
    events.compare(written(BASE_URL, "webhooks"))
