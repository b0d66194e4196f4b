"""Cooly's workers: the relay fills the queue from the outbox, workers have images made, a sweeper frees."""

import asyncio
import hashlib

from swell_target.base.clock import pause
from swell_target.base.errors import Problem
from swell_target.base.runtime import Runtime
from swell_target.services.cooly import store
from swell_target.services.cooly.models import MAX_OUTPUTS
from swell_target.services.cooly.service import SERVICE

QUEUE = "main"
WORKERS = 8
RELAY_EVERY_S = 0.5
SWEEP_EVERY_S = 5.0
BATCH = 500
RETRY_DELAY_MS = 200
# How long a worker may be silent about a session, beyond what its images take, before another takes it.
LEASE_MS = 2_000
# A prompt with this word is refused by the mock provider each time; so a test can see a failed order.
REFUSED = "[refuse]"


class ProviderError(Exception):
    """The provider made no images."""


async def make_images(runtime: Runtime, prompt: str, outputs: int) -> list[str]:
    """The mock provider: names of images that prompt and seed decide, after its latency for each."""
    await pause(runtime.settings.mock_latency_ms * outputs)
    if REFUSED in prompt:
        raise ProviderError("the provider refused the prompt")
    names = [f"{runtime.settings.seed}:{number}:{prompt}".encode() for number in range(outputs)]
    return [f"/api/images/files/{hashlib.sha256(name).hexdigest()[:32]}.png" for name in names]


@SERVICE.background
async def relay(runtime: Runtime) -> None:
    """Push what waits in the outbox: what a crash or a lost queue left behind, too."""
    while True:
        try:
            for session_id in await runtime.db.read(store.due_sessions, BATCH):
                await runtime.queue(QUEUE).push(session_id)
        except Problem:
            pass  # The database is away for the moment; the outbox keeps everything.
        await asyncio.sleep(RELAY_EVERY_S)


@SERVICE.background
async def workers(runtime: Runtime) -> None:
    """Work off the queue, several at a time."""
    await asyncio.gather(*(_worker(runtime) for _ in range(WORKERS)))


async def _worker(runtime: Runtime) -> None:
    queue = runtime.queue(QUEUE)
    while True:
        session_id = await queue.take()
        try:
            await work_off(runtime, session_id)
        except Problem:
            await asyncio.sleep(RELAY_EVERY_S)
        finally:
            await queue.done(session_id)


async def work_off(runtime: Runtime, session_id: str) -> None:
    """Have one session's images made, and settle its reservation."""
    lease_ms = LEASE_MS + 2 * MAX_OUTPUTS * runtime.settings.mock_latency_ms
    session = await runtime.db.write(store.claim, session_id, lease_ms)
    if session is None:
        return
    try:
        images = await make_images(runtime, session.prompt, session.outputs)
    except ProviderError as error:
        if session.attempts < store.MAX_ATTEMPTS:
            await runtime.db.write(store.retry_later, session_id, RETRY_DELAY_MS)
        else:
            await runtime.db.write(store.release, session_id, str(error))
        return
    await runtime.db.write(store.capture, session_id, images)


@SERVICE.background
async def sweep(runtime: Runtime) -> None:
    """Release reservations whose time is over."""
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        try:
            await runtime.db.write(store.expire_reservations, BATCH)
        except Problem:
            continue
