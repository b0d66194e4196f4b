"""What AIaaS's tests share: where it is, who speaks, and what is said."""

from typing import Any

from suites.common import audit, create, new_id, require, require_target, settle, written
from swell import Ledger, Response, env, http, invariant, random

BASE_URL = env.get("BASE_URL", env.get("TEST_BASE_URL", "http://localhost:8000")).rstrip("/")
WS_URL = env.get("WS_URL", BASE_URL.replace("http", "ws", 1)).rstrip("/")
QUESTIONS = [
    "Hello, I need help with my order",
    "What are your business hours?",
    "How can I reset my password?",
    "I would like to return an item",
    "Where is my package?",
    "Can I change my delivery address?",
    "My payment was declined",
    "Do you ship to other countries?",
    "I want to speak to a person",
    "Thank you, that helped",
]


class Customer:
    """Somebody of a tenant, in a conversation of their own."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.user = env.get("TEST_USER_ID") or f"user_{random.randrange(10_000)}"
        self.session = new_id("session_")

    @property
    def query(self) -> dict[str, str]:
        """Who it is, as the WebSocket's URL says it."""
        return {"tenant_id": self.tenant, "user_id": self.user, "session_id": self.session}

    @property
    def headers(self) -> dict[str, str]:
        """Who it is, as the API's headers say it."""
        return {"X-Tenant-ID": self.tenant, "X-User-ID": self.user}

    def ask(self, answers: Ledger) -> Response:
        """Ask something over the API, and record the answer under its id."""
        question = {"message": random.choice(QUESTIONS), **self.query, "metadata": {"source": "swell"}}
        return create(
            answers,
            lambda: self.post("/chat/messages", question),
            key=lambda answer: answer.json()["message_id"],
        )

    def get(self, path: str, **options: Any) -> Response:
        """Send a GET request as this customer."""
        return http.get(f"{BASE_URL}{path}", headers=self.headers, name=path, **options)

    def post(self, path: str, body: dict[str, Any], **options: Any) -> Response:
        """Send a POST request as this customer."""
        return http.post(f"{BASE_URL}{path}", json=body, headers=self.headers, name=path, **options)


class Tenants:
    """The tenants of a test. Each test has its own, so that they may run side by side: sums are compared."""

    def __init__(self, first: int) -> None:
        five = ",".join(f"tenant_{number:03d}" for number in range(first, first + 5))
        self.names = env.get("TENANTS", env.get("TEST_TENANT_ID", five)).split(",")

    def customer(self) -> Customer:
        """Somebody of any of them."""
        return Customer(random.choice(self.names))

    def require(self) -> None:
        """See that the platform is up and knows them."""
        require_target(BASE_URL, "aiaas")
        for name in self.names:
            require(usage_of(name), f"there is no tenant {name}", "aiaas", "set TENANTS")

    def messages_charged(self) -> int:
        """How many messages they have been charged for this month."""
        return sum(usage_of(name).json()["usage"]["messages"] for name in self.names)


def usage_of(tenant: str) -> Response:
    """What a tenant is charged for."""
    return http.get(f"{BASE_URL}/billing/usage", headers={"X-Tenant-ID": tenant}, name="/billing/usage")


def keep_and_charge(answers: Ledger, tenants: Tenants) -> None:
    """Declare what must hold of chat answers: each is kept once, and charged once.

    The test's ``setup`` returns how many messages the tenants have been charged for before.
    """

    @invariant("every chat answer is charged once", within=settle())
    def charged_once(before: int) -> None:
        """What the tenants are charged grew by what they were answered."""
        answers.count("messages charged in this run", tenants.messages_charged() - before)

    @audit("every chat answer is in the history once")
    def answers_exist() -> None:
        """What the agent said is kept."""
        answers.compare(written(BASE_URL, "messages"))
