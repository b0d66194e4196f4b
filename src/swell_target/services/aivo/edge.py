"""What stands behind the edge: pages that bots want, logins that get sprayed, inference that gets flooded."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from swell_target.base import tokens
from swell_target.base.call import Call, Reply
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.services.aivo import llm
from swell_target.services.aivo.edge_rules import looks_like_attack
from swell_target.services.aivo.service import SERVICE

# Failed logins of one name, and requests of one user, that are let through in a minute.
LOGINS_A_MINUTE = 5
INFERENCES_A_MINUTE = 60
WINDOW_S = 60
TEST_PASSWORDS = {"TestPassword123!", "test_password", "testpassword123", "password123"}
Name = Annotated[str, Meta(max_length=500)]


@SERVICE.get("/", name="front", answers={200: None, 403: Failure})
async def front(call: Call) -> Reply:  # noqa: ARG001 - every handler takes it
    """The front page, which scanners do not get."""
    return Reply({"service": "aivo", "status": "ok"})


@SERVICE.get("/admin/", name="admin_front", answers={401: Failure, 403: Failure})
async def admin_front(call: Call) -> Reply:  # noqa: ARG001 - every handler takes it
    """Nothing to see, from some countries even less."""
    raise Problem(401, "not for you")


@SERVICE.get("/api/models", name="edge_models", answers={200: None})
async def edge_models(call: Call) -> Reply:  # noqa: ARG001 - every handler takes it
    """The models that there are."""
    return Reply({"models": ["gpt-4", "gpt-3.5-turbo"]})


class EventBody(Struct):
    """Something that a page saw."""

    event: Name
    page: Name = ""
    timestamp: int | float | str = 0


@SERVICE.post("/api/analytics/events", name="analytics", answers={201: None})
async def analytics(call: Call, body: EventBody) -> Reply:  # noqa: ARG001 - every handler takes it
    """Take note."""
    return Reply({"accepted": True, "event": body.event}, 201)


class LoginBody(Struct):
    """An account's address (stage 2), or a user's name (edge), and the proof."""

    password: Name
    email: Name = ""
    username: Name = ""


class Token(Struct):
    """A token."""

    token: str


@SERVICE.post(
    "/api/auth/login",
    name="edge_login",
    form=True,
    answers={200: Token, 401: Failure, 403: Failure, 429: Failure},
)
async def edge_login(call: Call, body: LoginBody) -> Token:
    """Log in: 403 for injections, 429 for sprayed names, and a token for a test account's address."""
    name = body.email or body.username
    if looks_like_attack(name) or looks_like_attack(body.password):
        raise Problem(403, "blocked: attack pattern")
    if not body.email and body.password not in TEST_PASSWORDS:
        # Counted with limits off too: to be slowed down is what the script sprays for.
        call.runtime.limiter.count("login", LOGINS_A_MINUTE, WINDOW_S)
        raise Problem(401, "wrong name or password")
    return Token(tokens.issue(call.runtime.settings.secret, name, "access", 3600, learner_uid=name))


class InferenceBody(Struct):
    """What the model is to go on with."""

    prompt: Annotated[str, Meta(max_length=20_000)]
    model: Name = "gpt-4"
    max_tokens: Annotated[int, Meta(ge=1, le=8192)] = 100
    temperature: Annotated[float, Meta(ge=0, le=2)] = 1.0


@SERVICE.post("/api/inference/generate", name="inference", answers={200: None, 403: Failure, 429: Failure})
async def inference(call: Call, body: InferenceBody) -> Reply:
    """Text of the mock model, for each user so many a minute."""
    if looks_like_attack(body.prompt):
        raise Problem(403, "blocked: attack pattern")
    call.runtime.limiter.count(
        f"inference:{call.headers.get('x-user-id', '')}", INFERENCES_A_MINUTE, WINDOW_S
    )
    text, reason = llm.answer(call.runtime.settings.seed, body.model, body.prompt, body.max_tokens)
    answer: dict[str, Any] = {"text": text, "finish_reason": reason, "model": body.model}
    return Reply(answer)
