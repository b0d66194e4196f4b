"""A service as it is declared: routes with their types, tables, seeds, background work."""

import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, TypeVar, get_type_hints

import msgspec
from sqlalchemy import Connection

from swell_target.base.call import Call
from swell_target.base.runtime import Runtime
from swell_target.base.schema import Schema
from swell_target.base.settings import Settings
from swell_target.base.writes import Written

Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)
SeedSize = Literal["small", "full"]
Fill = Callable[[Connection, SeedSize, Random, Settings], dict[str, int]]
Clean = Callable[[Connection], None]
Background = Callable[[Runtime], Coroutine[Any, Any, None]]
PATH_PARAMETER = re.compile(r"\{(\w+)\}")
DEFAULT_MAX_BODY = 1024 * 1024
# Both, so that a script finds a service alive under either name, whatever the service.
HEALTH_PATHS = ("/health", "/healthz")


class Failure(msgspec.Struct):
    """What every error answers: a sentence; a ``Problem`` may add fields."""

    error: str


@dataclass(frozen=True)
class Auth:
    """Who may call: ``check`` returns the identity or raises ``Problem``; ``scheme`` is its OpenAPI name.

    ``location`` is ``bearer``, ``cookie`` or ``header``; ``name`` names the cookie or header.
    """

    scheme: str
    check: Callable[[Call], Any]
    location: Literal["bearer", "cookie", "header"] = "bearer"
    name: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Cors:
    """What browsers of other origins may do; sent with every answer."""

    origin: str = "*"
    credentials: bool = False
    expose: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    allow: tuple[str, ...] = ("Authorization", "Content-Type", "X-Tenant-ID", "X-Correlation-ID")


@dataclass(frozen=True, eq=False)
class Route:
    """One operation: where, what it takes, what it answers."""

    method: str
    path: str
    name: str
    handler: Handler
    answers: dict[int, Any]
    auth: Auth | None = None
    max_body: int = DEFAULT_MAX_BODY
    form: bool = False
    uploads: bool = False
    media: str = "application/json"
    summary: str = ""
    hidden: bool = False
    body_type: Any = None
    query_type: Any = None
    path_types: dict[str, type] = field(default_factory=dict)
    takes_raw: bool = False

    @property
    def status(self) -> int:
        """What is answered when the handler returns a plain value."""
        status: int = next(iter(self.answers))
        return status

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches a path, with a group for each parameter."""
        return re.compile(PATH_PARAMETER.sub(r"(?P<\1>[^/]+)", self.path.replace(".", r"\.")))


def make_route(method: str, path: str, handler: Handler, **options: Any) -> Route:
    """A route whose parameters are read from the handler's signature (see README.md).

    Raises:
        TypeError: path and signature do not fit together; a mistake of the service's author.
    """
    hints = get_type_hints(handler, include_extras=True)
    names = list(inspect.signature(handler).parameters)[1:]
    in_path = PATH_PARAMETER.findall(path)
    paths = {name: hints[name] for name in names if name not in ("body", "query")}
    if sorted(paths) != sorted(in_path):
        raise TypeError(
            f"{method} {path}: the handler takes {sorted(paths)}, the path gives {sorted(in_path)}"
        )
    summary = (inspect.getdoc(handler) or "").split("\n", 1)[0]
    return Route(
        method,
        path,
        handler=handler,
        body_type=hints["body"] if "body" in names else None,
        query_type=hints["query"] if "query" in names else None,
        path_types={name: typing.cast("type", kind) for name, kind in paths.items()},
        summary=options.pop("summary", "") or summary,
        **options,
    )


@dataclass(eq=False)
class Service:
    """One of the five; see README.md for what each field means."""

    name: str
    title: str
    port: int
    schema: Schema
    seed: Fill
    clean: Clean
    invalid_status: int = 422
    cors: Cors | None = None
    health_paths: tuple[str, ...] = HEALTH_PATHS
    # Makes the JSON body of an error from status, sentence, fields and path, where the platform has a form of
    # its own.
    problem_body: Callable[[int, str, dict[str, object], str], object] | None = None
    # The type of that body for a path, for the OpenAPI document.
    problem_type: Callable[[str], Any] | None = None
    # Adds headers to every answer from the request's headers.
    extra_headers: Callable[[dict[str, str]], list[tuple[str, str]]] | None = None
    # Called before a route is looked for; a Problem raised here is the answer.
    guard: Callable[[Call], None] | None = None
    routes: list[Route] = field(default_factory=list)
    sockets: list[Route] = field(default_factory=list)
    jobs: list[Background] = field(default_factory=list)
    # What a test writes, by kind, as the operator may list it.
    writes: dict[str, Written] = field(default_factory=dict)

    def route(
        self,
        method: str,
        path: str,
        *,
        name: str,
        answers: dict[int, Any],
        auth: Auth | None = None,
        max_body: int = DEFAULT_MAX_BODY,
        form: bool = False,
        uploads: bool = False,
        media: str = "application/json",
        hidden: bool = False,
        takes_raw: bool = False,
    ) -> Callable[[H], H]:
        """Declare an operation.

        ``takes_raw`` reads the body without decoding it: the handler finds it in ``call.raw_body``.
        ``form`` takes urlencoded bodies beside JSON, ``uploads`` ``multipart/form-data`` (see multipart.py).
        ``hidden`` keeps a route out of the OpenAPI document.
        """

        def declare(handler: H) -> H:
            self.routes.append(
                make_route(
                    method,
                    path,
                    handler,
                    name=name,
                    answers=answers,
                    auth=auth,
                    max_body=max_body,
                    form=form,
                    uploads=uploads,
                    media=media,
                    hidden=hidden,
                    takes_raw=takes_raw,
                )
            )
            return handler

        return declare

    def get(self, path: str, **options: Any) -> Callable[[H], H]:
        """Declare a GET (and HEAD)."""
        return self.route("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[H], H]:
        """Declare a POST."""
        return self.route("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[H], H]:
        """Declare a PUT."""
        return self.route("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[H], H]:
        """Declare a DELETE."""
        return self.route("DELETE", path, **options)

    def websocket(self, path: str, *, name: str) -> Callable[[H], H]:
        """Declare a WebSocket."""

        def declare(handler: H) -> H:
            self.sockets.append(make_route("WEBSOCKET", path, handler, name=name, answers={101: None}))
            return handler

        return declare

    def background(self, job: Background) -> Background:
        """Declare a task that runs in every process."""
        self.jobs.append(job)
        return job
