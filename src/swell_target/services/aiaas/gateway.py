"""The API gateway of the further scripts: questions, model calls, tools, uploads, workflows.

They name a tenant or not: the first one is meant where they do not, and a test's is made at its first use.
"""

import hashlib
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from sqlalchemy import Connection

from swell_target.base.call import Call, Reply
from swell_target.base.clock import new_id, now_ms, pause
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.services.aiaas import agent
from swell_target.services.aiaas.chat import REFUSED, Speaker, converse, degrade_headers
from swell_target.services.aiaas.identity import admit, find_tenant, tenant_or_default, user_of
from swell_target.services.aiaas.metering import Amount, meter
from swell_target.services.aiaas.models import Fields, Id, Text
from swell_target.services.aiaas.schema import WORKS
from swell_target.services.aiaas.service import SERVICE
from swell_target.services.aiaas.tools import TOOLS, run_tool

MAX_UPLOAD_BYTES = 8 * 1024 * 1024
MODEL = "mock-model"


# --- Bodies and answers -----------------------------------------------------------------------------------


class Welcome(Struct):
    """What stands at the root."""

    message: str


class AskBody(Struct):
    """A question, under one of the names that scripts give it."""

    query: Text | None = None
    question: Text | None = None
    message: Text | None = None
    tenant_id: Id | None = None
    user_id: Id | None = None
    session_id: Id | None = None


class AskAnswer(Struct):
    """Its answer; nothing is cited by the mock."""

    answer: str
    citations: list[str]
    trace: list[str]
    session_id: str


class ContextBody(Struct):
    """A message with its context."""

    message: Text
    context: Fields | None = None


class ContextAnswer(Struct):
    """The agent's reply."""

    response: str
    session_id: str


class ModelMessage(Struct):
    """A message of a conversation with a model."""

    role: Annotated[str, Meta(max_length=32)]
    content: Annotated[str, Meta(max_length=100_000)]


class ModelBody(Struct):
    """A conversation to continue."""

    messages: Annotated[list[ModelMessage], Meta(min_length=1, max_length=200)]
    model: Annotated[str, Meta(max_length=128)] = MODEL
    temperature: float = 0.0
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class ModelAnswer(Struct):
    """The model's words."""

    content: str
    model: str
    usage: dict[str, int]


class Choice(Struct):
    """One continuation."""

    index: int
    message: ModelMessage
    finish_reason: str


class Completion(Struct):
    """The model's words as OpenAI's interface shapes them."""

    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: dict[str, int]


class ToolItem(Struct):
    """A tool that can be executed."""

    name: str
    description: str


class Tools(Struct):
    """All tools."""

    tools: list[ToolItem]


class ExecBody(Struct):
    """A tool and its arguments."""

    name: Id
    args: Fields | None = None


class ToolBody(Struct):
    """A tool and its parameters, as other scripts spell them."""

    tool_name: Id
    parameters: Fields | None = None


class ToolAnswer(Struct):
    """What a tool gave; without success ``output`` says why."""

    success: bool
    tool_name: str
    output: str


class RouteBody(Struct):
    """A question to choose a model for."""

    query: Text
    context: Fields | None = None


class RouteAnswer(Struct):
    """The tier of models that suits."""

    tier: Literal["small", "medium", "large"]
    confidence: float
    reason: str


class Work(Struct):
    """Something done for a tenant: an upload, an import, a workflow."""

    id: str
    kind: str
    status: str
    tenant_id: str
    size: int
    sha256: str
    response: str


class Status(Struct):
    """How the platform is."""

    status: str
    tenant_id: str
    user_id: str


# --- Questions and models ---------------------------------------------------------------------------------


async def _tenant(call: Call, in_body: str | None = None) -> str:
    tenant_id = tenant_or_default(call, in_body)
    await admit(call.db, tenant_id)
    return tenant_id


async def _speaker(
    call: Call, session_id: str | None, user_id: str | None, tenant_id: str | None = None
) -> Speaker:
    return Speaker(await _tenant(call, tenant_id), user_of(call, user_id), session_id or new_id())


@SERVICE.get("/", name="root", answers={200: Welcome})
async def root(call: Call) -> Welcome:  # noqa: ARG001 - every handler takes it
    """What this is."""
    return Welcome("API Gateway")


@SERVICE.post("/ask", name="ask", answers={200: AskAnswer, **REFUSED})
@SERVICE.post("/api/query", name="query", answers={200: AskAnswer, **REFUSED})
async def ask(call: Call, body: AskBody) -> Reply:
    """Answer a question."""
    text = body.query or body.question or body.message
    if text is None:
        raise Problem(422, "the question is missing: send it as query")
    speaker = await _speaker(call, body.session_id, body.user_id, body.tenant_id)
    turn = await converse(call.runtime, speaker, text)
    answer = AskAnswer(turn.reply.text, [], [f"intent:{turn.reply.intent}"], speaker.session_id)
    return Reply(answer, headers=degrade_headers(turn))


@SERVICE.post("/api/v1/chat", name="chat_context", answers={200: ContextAnswer, **REFUSED})
async def chat_context(call: Call, body: ContextBody) -> Reply:
    """Answer a message whose user and session stand in its context."""
    context = body.context or {}
    named = {name: context.get(name) for name in ("user_id", "session_id")}
    for name, value in named.items():
        if value is not None and (not isinstance(value, str) or not 0 < len(value) <= 128):  # noqa: PLR2004
            raise Problem(422, f"context.{name} is not a text of 1 to 128 characters")
    speaker = await _speaker(call, named["session_id"], named["user_id"])
    turn = await converse(call.runtime, speaker, body.message)
    return Reply(ContextAnswer(turn.reply.text, speaker.session_id), headers=degrade_headers(turn))


async def _complete(call: Call, body: ModelBody) -> tuple[str, dict[str, int]]:
    """The mock model's words to the last message of a user, and what they cost, metered."""
    text = next((one.content for one in reversed(body.messages) if one.role == "user"), "")
    await pause(call.runtime.settings.mock_latency_ms)
    reply = agent.answer(call.runtime.settings.seed, text)
    words = reply.text
    if body.max_tokens is not None:
        words = words[: body.max_tokens * agent.CHARACTERS_PER_TOKEN]
    read = sum(agent.count_tokens(one.content) for one in body.messages)
    amount = Amount(messages=1, tokens_in=read, tokens_out=agent.count_tokens(words))
    await _meter(call, await _tenant(call), amount)
    written = amount.tokens_out
    return words, {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


async def _meter(call: Call, tenant_id: str, amount: Amount) -> None:
    limits = call.runtime.settings.limits

    def add(tx: Connection) -> None:
        meter(tx, find_tenant(tx, tenant_id), amount, limits=limits)

    await call.db.write(add)


@SERVICE.post("/v1/chat", name="model_chat", answers={200: ModelAnswer, **REFUSED})
async def model_chat(call: Call, body: ModelBody) -> ModelAnswer:
    """Continue a conversation."""
    words, used = await _complete(call, body)
    return ModelAnswer(words, body.model, used)


@SERVICE.post("/api/v1/chat/completions", name="completions", answers={200: Completion, **REFUSED})
async def completions(call: Call, body: ModelBody) -> Completion:
    """Continue a conversation, in OpenAI's shape."""
    words, used = await _complete(call, body)
    return Completion(
        id=f"chatcmpl-{new_id()}",
        object="chat.completion",
        created=now_ms() // 1000,
        model=body.model,
        choices=[Choice(0, ModelMessage("assistant", words), "stop")],
        usage=used,
    )


@SERVICE.post("/route", name="route", answers={200: RouteAnswer})
async def route(call: Call, body: RouteBody) -> RouteAnswer:
    """Which tier of models suits a question: by its length and topic."""
    reply = agent.answer(call.runtime.settings.seed, body.query)
    tokens = agent.count_tokens(body.query)
    tier: Literal["small", "medium", "large"] = "small" if tokens < 20 else "medium"  # noqa: PLR2004
    if tokens > 200 or reply.escalated:  # noqa: PLR2004 - the mock's own measure
        tier = "large"
    return RouteAnswer(tier, reply.confidence, f"{tokens} tokens about {reply.intent}")


# --- Tools ------------------------------------------------------------------------------------------------


@SERVICE.get("/v1/tools", name="tools", answers={200: Tools})
async def tools(call: Call) -> Tools:  # noqa: ARG001 - every handler takes it
    """All tools."""
    return Tools([ToolItem(name, description) for name, description in TOOLS.items()])


async def _execute(call: Call, name: str, arguments: Fields | None) -> ToolAnswer:
    success, output = run_tool(call.runtime.settings.seed, name, arguments or {})
    await pause(call.runtime.settings.mock_latency_ms)
    await _meter(call, await _tenant(call), Amount(tool_calls=1))
    return ToolAnswer(success=success, tool_name=name, output=output)


@SERVICE.post("/v1/tools/exec", name="tool_exec", answers={200: ToolAnswer, **REFUSED})
async def tool_exec(call: Call, body: ExecBody) -> ToolAnswer:
    """Execute a tool."""
    return await _execute(call, body.name, body.args)


@SERVICE.post("/api/v1/tools/execute", name="tool_execute", answers={200: ToolAnswer, **REFUSED})
@SERVICE.post("/tools/execute", name="tool_execute_short", answers={200: ToolAnswer, **REFUSED})
async def tool_execute(call: Call, body: ToolBody) -> ToolAnswer:
    """Execute a tool, as other scripts spell it."""
    return await _execute(call, body.tool_name, body.parameters)


# --- Uploads and workflows --------------------------------------------------------------------------------


UPLOAD: Any = {"max_body": MAX_UPLOAD_BYTES, "uploads": True, "answers": {201: Work, **REFUSED}}


async def _work(call: Call, kind: str, body: Fields) -> Work:
    """Keep what was sent as done, by its size and digest."""
    named = body.get("tenant_id")
    tenant_id = await _tenant(call, named if isinstance(named, str) else None)
    size, digest = len(call.raw_body), hashlib.sha256(call.raw_body).hexdigest()
    await pause(call.runtime.settings.mock_latency_ms)
    limits = call.runtime.settings.limits
    values: dict[str, Any] = {"id": new_id(), "tenant_id": tenant_id, "kind": kind, "size": size}

    def keep(tx: Connection) -> None:
        tenant = find_tenant(tx, tenant_id)
        tx.execute(WORKS.insert(), values | {"digest": digest, "created": now_ms()})
        amount = Amount(upload_bytes=size) if kind == "upload" else Amount(tool_calls=1)
        meter(tx, tenant, amount, limits=limits)

    await call.db.write(keep)
    return Work(
        id=values["id"],
        kind=kind,
        status="completed",
        tenant_id=tenant_id,
        size=size,
        sha256=digest,
        response=f"{kind} completed",
    )


@SERVICE.post("/api/v1/upload", name="upload", **UPLOAD)
@SERVICE.post("/files/upload", name="file_upload", **UPLOAD)
async def upload(call: Call, body: Fields) -> Work:
    """Take a file, in JSON or as a form's."""
    return await _work(call, "upload", body)


@SERVICE.post(
    "/files/process", name="file_process", max_body=MAX_UPLOAD_BYTES, answers={200: Work, **REFUSED}
)
@SERVICE.post("/data/process", name="data_process", max_body=MAX_UPLOAD_BYTES, answers={200: Work, **REFUSED})
@SERVICE.post("/api/ingest", name="ingest", max_body=MAX_UPLOAD_BYTES, answers={200: Work, **REFUSED})
async def process(call: Call, body: Fields) -> Work:
    """Take a file or documents in."""
    return await _work(call, "import", body)


@SERVICE.post("/workflows/execute", name="workflow", answers={200: Work, **REFUSED})
@SERVICE.post("/api/workflow", name="workflow_api", answers={200: Work, **REFUSED})
async def workflow(call: Call, body: Fields) -> Work:
    """Run a workflow to its end."""
    return await _work(call, "workflow", body)


@SERVICE.get("/status", name="status", answers={200: Status, 403: Failure, 401: Failure})
@SERVICE.get("/api/status", name="status_api", answers={200: Status, 403: Failure, 401: Failure})
async def status(call: Call) -> Status:
    """How the platform is, for whom."""
    query = dict(call.query_pairs)
    tenant_id = tenant_or_default(call, query.get("tenant_id") or None)
    return Status("healthy", tenant_id, user_of(call, query.get("user_id") or None))
