"""The routes that every service has: health, metrics, its description, and the operator's endpoints."""

import asyncio
import contextlib
import hmac
import os
from random import Random
from typing import Any

import msgspec

from swell_target.base import openapi
from swell_target.base.call import Call, Reply
from swell_target.base.clock import new_id
from swell_target.base.doors import IS_SUPPORTED
from swell_target.base.errors import Problem
from swell_target.base.faults import AnyFault, Crash, EndpointFault, FaultList, Faults, LoseConnects
from swell_target.base.metrics import CONTENT_TYPE
from swell_target.base.runtime import Runtime
from swell_target.base.service import Auth, Failure, SeedSize, Service
from swell_target.base.writes import Writes, WritesQuery, read_writes

SPREAD_TIMEOUT_S = 1.0


class Health(msgspec.Struct):
    """Alive, and able to answer."""

    status: str
    service: str


class ResetBody(msgspec.Struct):
    """What to fill the service with after emptying it."""

    size: SeedSize = "small"


class ResetAnswer(msgspec.Struct):
    """How many rows of which kind were made."""

    made: dict[str, int]


def check_admin(call: Call) -> str:
    """The operator's token, as a bearer or as ``X-Admin-Token``."""
    token = call.headers.get("x-admin-token") or call.bearer or ""
    if not hmac.compare_digest(token.encode(), call.runtime.settings.admin_token.encode()):
        raise Problem(401, "the admin token is missing or wrong")
    return "admin"


ADMIN = Auth("admin", check_admin)


def add_standard_routes(service: Service) -> None:
    """Declare them, once for each service."""
    for path in service.health_paths:
        name = path.strip("/").replace("/", "_")
        service.get(path, name=name, answers={200: Health})(_health(service.name))
    _add_descriptions(service)
    _add_admin(service)


def _health(service: str) -> Any:
    healthy = Health("healthy", service)

    async def health(call: Call) -> Health:  # noqa: ARG001 - every handler takes it
        """Whether the service is alive; it asks no database."""
        return healthy

    return health


def _add_descriptions(service: Service) -> None:
    @service.get("/metrics", name="metrics", answers={200: None}, hidden=True)
    async def metrics(call: Call) -> Reply:
        """Prometheus metrics of all processes."""
        return Reply(call.runtime.metrics.render(), media=CONTENT_TYPE)

    document: list[bytes] = []

    @service.get("/openapi.json", name="openapi", answers={200: None}, hidden=True)
    async def openapi_document(call: Call) -> Reply:  # noqa: ARG001 - every handler takes it
        """The description of the service."""
        if not document:
            document.append(msgspec.json.encode(openapi.document(service)))
        return Reply(document[0])


def _add_admin(service: Service) -> None:
    names = {route.name for route in (*service.routes, *service.sockets)}

    @service.get("/admin/faults", name="faults", auth=ADMIN, answers={200: FaultList}, hidden=True)
    async def show(call: Call) -> FaultList:
        """The faults that are set."""
        return FaultList(call.faults.all)

    @service.put(
        "/admin/faults", name="set_faults", auth=ADMIN, answers={200: FaultList, 422: Failure}, hidden=True
    )
    async def replace(call: Call, body: FaultList) -> FaultList:
        """Set these faults instead of those before, in every process."""
        for fault in body.faults:
            if isinstance(fault, EndpointFault) and fault.endpoint not in ("*", *names):
                raise Problem(422, f"no endpoint {fault.endpoint!r}", endpoints=sorted(names))
            if isinstance(fault, LoseConnects) and not IS_SUPPORTED:
                raise Problem(422, "connections can be lost on Linux only")
        await spread(call.runtime, body.faults)
        return FaultList(call.faults.all)

    @service.delete("/admin/faults", name="drop_faults", auth=ADMIN, answers={204: None}, hidden=True)
    async def drop(call: Call) -> Reply:
        """Set no faults."""
        await spread(call.runtime, [])
        return Reply(None, 204)

    @service.post("/admin/reset", name="reset", auth=ADMIN, answers={200: ResetAnswer}, hidden=True)
    async def reset(call: Call, body: ResetBody) -> ResetAnswer:
        """Empty the service and seed it again."""
        settings = call.runtime.settings

        def again(tx: Any) -> dict[str, int]:
            service.clean(tx)
            random = Random(settings.seed)  # noqa: S311 - repeatable on purpose
            return service.seed(tx, body.size, random, settings)

        return ResetAnswer(await call.db.write(again))

    @service.get(
        "/admin/writes/{kind}", name="writes", auth=ADMIN, answers={200: Writes, 404: Failure}, hidden=True
    )
    async def writes(call: Call, query: WritesQuery, kind: str) -> Writes:
        """What was written, page by page."""
        if kind not in service.writes:
            raise Problem(404, f"no writes {kind!r}", kinds=sorted(service.writes))
        return await call.db.read(read_writes, service.writes[kind], query)


def fault_channel(service: str) -> str:
    """Where a change of a service's faults is told to the processes."""
    return f"faults:{service}"


async def spread(runtime: Runtime, faults: list[AnyFault]) -> None:
    """Set faults in every process, also in those that start later; done when all others have said so."""
    others = runtime.settings.processes - 1
    number = new_id()
    told = asyncio.Event()

    def count(_message: dict[str, Any]) -> None:
        nonlocal others
        others -= 1
        if others <= 0:
            told.set()

    end = runtime.bus.subscribe(f"faults-set:{number}", count)
    try:
        message = {"faults": msgspec.to_builtins(faults), "number": number, "from": os.getpid()}
        runtime.bus.publish(fault_channel(runtime.service), message, retain=True)
        if others > 0:
            # A process that is just being started again gets the faults when it is there.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), SPREAD_TIMEOUT_S)
    finally:
        end()


def follow_faults(runtime: Runtime) -> None:
    """Set the faults that any process is told."""
    faults: Faults = runtime.faults

    def change(message: dict[str, Any]) -> None:
        found = msgspec.convert({"faults": message["faults"]}, FaultList).faults
        # A process that crashed on demand must not crash again as soon as it is back.
        faults.set([fault for fault in found if not (message.get("replayed") and isinstance(fault, Crash))])
        if message["from"] != os.getpid() and not message.get("replayed"):
            runtime.bus.publish(f"faults-set:{message['number']}", {})

    runtime.bus.subscribe(fault_channel(runtime.service), change)
