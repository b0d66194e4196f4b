"""The gateway: an OpenAI-shaped API with a mock provider behind it (contract: V2 to V4)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from swell_target.base.call import Call, Reply
from swell_target.base.clock import new_id, now_ms
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.services.aivo import llm, tenants
from swell_target.services.aivo.service import SERVICE

CHAT_MODELS = ("gpt-4", "gpt-3.5-turbo", "gpt-4o-mini")
EMBEDDING_MODELS = ("text-embedding-ada-002", "text-embedding-3-small")
MAX_TEXT = 100_000
Text = Annotated[str, Meta(max_length=MAX_TEXT)]


class Message(Struct, omit_defaults=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Text


class ChatBody(Struct):
    """A conversation to go on with."""

    messages: Annotated[list[Message], Meta(min_length=1, max_length=200)]
    model: Annotated[str, Meta(max_length=64)] = "gpt-4"
    max_tokens: Annotated[int, Meta(ge=1, le=8192)] = 256
    temperature: Annotated[float, Meta(ge=0, le=2)] = 1.0
    stream: bool = False


class Usage(Struct):
    """What is charged."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Choice(Struct):
    """One answer."""

    index: int
    message: Message
    finish_reason: str


class Completion(Struct):
    """The answer to a conversation."""

    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class EmbeddingBody(Struct):
    """Texts to place."""

    input: Text | Annotated[list[Text], Meta(min_length=1, max_length=64)]
    model: Annotated[str, Meta(max_length=64)] = "text-embedding-ada-002"


class Embedding(Struct):
    """A text's place."""

    object: str
    index: int
    embedding: list[float]


class EmbeddingUsage(Struct):
    """What is charged."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(Struct):
    """The places of all texts, in their order."""

    object: str
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class Model(Struct):
    """A model that may be named."""

    id: str
    object: str = "model"
    owned_by: str = "aivo"


class Models(Struct):
    """All models."""

    data: list[Model]
    object: str = "list"


class UsageRow(Struct):
    """What a tenant used of a model on a day."""

    day: str
    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int


class UsageList(Struct):
    """What a tenant used."""

    tenant_id: str
    usage: list[UsageRow]


@SERVICE.get("/v1/models", name="models", auth=tenants.KEY, answers={200: Models, 403: Failure, 429: Failure})
async def models(call: Call) -> Models:  # noqa: ARG001 - every handler takes it
    """The models that there are."""
    return Models([Model(name) for name in (*CHAT_MODELS, *EMBEDDING_MODELS)])


@SERVICE.post(
    "/v1/chat/completions",
    name="generate",
    auth=tenants.KEY,
    answers={200: Completion, 403: Failure, 404: Failure, 429: Failure},
)
async def complete(call: Call, body: ChatBody) -> Completion | Reply:
    """Go on with a conversation, whole or streamed; metered for the tenant."""
    if body.model not in CHAT_MODELS:
        raise Problem(404, f"the model {body.model!r} does not exist")
    prompt = body.messages[-1].content
    text, reason = llm.answer(call.runtime.settings.seed, body.model, prompt, body.max_tokens)
    sent = sum(llm.count_tokens(message.content) for message in body.messages)
    made = llm.count_tokens(text)
    await call.db.write(tenants.meter, call.identity.id, body.model, sent, made)
    number, created = f"chatcmpl-{new_id()}", now_ms() // 1000
    if body.stream:
        pieces = _stream(number, created, body.model, text, reason)
        return Reply(stream=pieces, media="text/event-stream", headers=[("cache-control", "no-store")])
    choice = Choice(0, Message("assistant", text), reason)
    usage = Usage(sent, made, sent + made)
    return Completion(number, "chat.completion", created, body.model, [choice], usage)


async def _stream(number: str, created: int, model: str, text: str, reason: str) -> AsyncIterator[bytes]:
    """The answer word by word, as server-sent events."""

    def event(delta: dict[str, str], finish: str | None) -> bytes:
        chunk = {
            "id": number,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        return b"data: " + msgspec.json.encode(chunk) + b"\n\n"

    yield event({"role": "assistant"}, None)
    for position, word in enumerate(text.split(" ")):
        yield event({"content": word if position == 0 else f" {word}"}, None)
        await asyncio.sleep(0)
    yield event({}, reason)
    yield b"data: [DONE]\n\n"


@SERVICE.post(
    "/v1/embeddings",
    name="embeddings",
    auth=tenants.KEY,
    answers={200: Embeddings, 403: Failure, 404: Failure, 429: Failure},
)
async def embeddings(call: Call, body: EmbeddingBody) -> Embeddings:
    """Vectors of texts; metered for the tenant."""
    if body.model not in EMBEDDING_MODELS:
        raise Problem(404, f"the model {body.model!r} does not exist")
    texts = [body.input] if isinstance(body.input, str) else body.input
    seed = call.runtime.settings.seed
    data = [Embedding("embedding", index, llm.embed(seed, text)) for index, text in enumerate(texts)]
    used = sum(llm.count_tokens(text) for text in texts)
    await call.db.write(tenants.meter, call.identity.id, body.model, used, 0)
    return Embeddings("list", data, body.model, EmbeddingUsage(used, used))


@SERVICE.get(
    "/api/v1/usage", name="usage", auth=tenants.KEY, answers={200: UsageList, 403: Failure, 429: Failure}
)
async def usage(call: Call) -> UsageList:
    """What the own tenant used."""
    rows = await call.db.read(tenants.usage_of, call.identity.id)
    return UsageList(
        call.identity.id,
        [
            UsageRow(row.day, row.model, row.requests, row.prompt_tokens, row.completion_tokens)
            for row in rows
        ],
    )
