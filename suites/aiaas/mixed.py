"""AIaaS, mixed users: normal ones, and ones who ask as fast as they can.

    swell run suites/aiaas/mixed.py --profile smoke

Where document and script differ: "WebSocket endpoint testing" opens a WebSocket, the script sends a GET.
The script says that fewer users are of the fast kind, but gives both the same weight: half and half it is,
200 users as in the document's command, 10 more each second, for 5 minutes.
"""

from suites.aiaas.api import BASE_URL, WS_URL, Tenants, keep_and_charge
from suites.common import pause
from swell import Rate, Response, check, group, http, ledger, scenario, weighted, ws

options = {
    "thresholds": {
        "user_success{scenario:normal}": ["rate>0.95"],
        "user_success{scenario:fast}": ["rate>0.95"],
        "http_req_failed": ["rate<0.05"],
        "http_req_duration": ["p(95)<1000", "p(50)<500"],
        "http_req_duration{scenario:normal}": ["p(95)<1000"],
        "http_req_duration{scenario:fast}": ["p(95)<1000"],
        "ws_connect_failed": ["rate<0.05"],
    },
}

tenants = Tenants(11)
success = Rate("user_success")
answers = ledger("chat answers")


def setup() -> int:
    """See that the tenants are there; what they have been charged for before."""
    tenants.require()
    return tenants.messages_charged()


@group("chat")
def chat() -> None:
    """A question over the API; the answer has a text."""
    judge(tenants.customer().ask(answers), {"chat answered": lambda r: r.ok and bool(r.json()["response"])})


@group("health")
def health() -> None:
    """A look whether the platform is alive."""
    judge(http.get(f"{BASE_URL}/healthz", name="/healthz"), {"healthy": lambda r: r.ok})


@group("analytics")
def analytics() -> None:
    """The tenant's figures."""
    customer = tenants.customer()
    figures = customer.get("/analytics/kpi", params={"time_window": "1h"})
    judge(figures, {"figures are the tenant's": lambda r: r.ok and r.json()["tenant_id"] == customer.tenant})


@group("billing")
def billing() -> None:
    """The tenant's usage."""
    customer = tenants.customer()
    usage = customer.get("/billing/usage")
    judge(usage, {"usage is the tenant's": lambda r: r.ok and r.json()["tenant_id"] == customer.tenant})


@group("auth")
def auth() -> None:
    """Somebody without a token asks who they are."""
    expected = http.expected_statuses(200, 401)
    state = http.get(f"{BASE_URL}/auth/status", name="/auth/status", expected=expected)
    judge(state, {"says who it is": lambda r: r.status_code in (200, 401)})


@group("websocket")
def websocket() -> None:
    """Connect, and leave."""
    params = tenants.customer().query
    with ws.connect(f"{WS_URL}/ws/chat", params=params, name="/ws/chat", timeout="10s") as socket:
        success.add(check(socket, {"connected": lambda s: s.is_open}))


def judge(response: Response, conditions: dict[str, object]) -> None:
    """Check an answer; the rate counts all of them."""
    success.add(check(response, conditions))


normal_mix = weighted({chat: 3, health: 2, analytics: 1, billing: 1, auth: 1, websocket: 1})
fast_mix = weighted({chat: 5, health: 2})


@scenario(executor="ramping-vus", start_vus=0, stages=[("20s", 100), ("280s", 100)])
def normal() -> None:
    """A customer who thinks for one to three seconds."""
    normal_mix()
    pause(1, 3)


@scenario(executor="ramping-vus", start_vus=0, stages=[("20s", 100), ("280s", 100)])
def fast() -> None:
    """A customer who hardly thinks."""
    fast_mix()
    pause(0.1, 0.5)


keep_and_charge(answers, tenants)
