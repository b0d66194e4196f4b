"""The OpenAPI 3.1 document of a service, made from its route declarations."""

from typing import Any

import msgspec

from swell_target.base.multipart import FILES, MEDIA
from swell_target.base.service import PATH_PARAMETER, Auth, Failure, Route, Service

REF = "#/components/schemas/{name}"
TEXTS = {
    200: "Done",
    201: "Created",
    202: "Accepted",
    204: "Done, nothing to say",
    302: "Elsewhere",
    400: "Malformed",
    401: "Who are you?",
    402: "Not paid",
    403: "Not allowed",
    404: "Not there",
    409: "Conflict",
    413: "Too large",
    422: "Not valid",
    426: "A WebSocket is needed",
    429: "Too many",
    500: "Internal error",
    503: "Not available",
}


def document(service: Service) -> dict[str, Any]:
    """The whole document, JSON types only."""
    routes = [route for route in service.routes if not route.hidden]
    types = _types(service, routes)
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    by_type = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(service, route, by_type)
    schemes = {route.auth.scheme: _scheme(route.auth) for route in routes if route.auth}
    return {
        "openapi": "3.1.0",
        "info": {"title": service.title, "version": str(service.schema.version)},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": schemes},
    }


def _types(service: Service, routes: list[Route]) -> list[Any]:
    found: dict[int, Any] = {}
    for route in routes:
        answers = answers_of(service, route).values()
        for kind in (route.body_type, route.query_type, *answers, *route.path_types.values()):
            if kind is not None:
                found[id(kind)] = kind
    return list(found.values())


def answers_of(service: Service, route: Route) -> dict[int, Any]:
    """The statuses that a route declares, and those that the machinery adds."""
    failure = service.problem_type(route.path) if service.problem_type else Failure
    added: dict[int, Any] = {500: failure, 503: failure}
    if service.guard is not None:
        added |= {403: failure}
    if route.body_type is not None:
        added |= {400: failure, 413: failure}
    if route.takes_raw:
        added |= {413: failure}
    if route.body_type is not None or route.query_type is not None:
        added |= {service.invalid_status: failure}
    if route.auth is not None and not route.auth.optional:
        added |= {401: failure}
    if any(kind is not str for kind in route.path_types.values()):
        added |= {404: failure}
    return added | {status: failure if kind is Failure else kind for status, kind in route.answers.items()}


def _operation(service: Service, route: Route, by_type: dict[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "responses": {
            str(status): _response(route, status, kind, by_type)
            for status, kind in sorted(answers_of(service, route).items())
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": by_type[id(route.path_types[name])]}
        for name in PATH_PARAMETER.findall(route.path)
    ]
    if route.query_type is not None:
        parameters += _query_parameters(route.query_type)
    if parameters:
        operation["parameters"] = parameters
    if route.body_type is not None:
        media = {"application/json": {"schema": by_type[id(route.body_type)]}}
        if route.form:
            media["application/x-www-form-urlencoded"] = media["application/json"]
        if route.uploads:
            media[MEDIA] = {"schema": _uploads(route.body_type)}
        operation["requestBody"] = {"required": True, "content": media}
    if route.auth is not None:
        operation["security"] = [{route.auth.scheme: []}] + ([{}] if route.auth.optional else [])
    return operation


def _response(route: Route, status: int, kind: Any, by_type: dict[int, Any]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": TEXTS.get(status, f"Status {status}")}
    if kind is not None:
        media = route.media if status == route.status else "application/json"
        response["content"] = {media: {"schema": by_type[id(kind)]}}
    return response


def _uploads(kind: Any) -> dict[str, Any]:
    """The form's fields, all texts but the files."""
    fields = (
        msgspec.structs.fields(kind) if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else ()
    )
    texts = {field.encode_name: {"type": "string"} for field in fields}
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    required = [field.encode_name for field in fields if field.required]
    return {"type": "object", "properties": texts | {FILES: files}, "required": required}


def _query_parameters(kind: Any) -> list[dict[str, Any]]:
    schema, components = msgspec.json.schema_components([kind], ref_template=REF)
    name = schema[0]["$ref"].rpartition("/")[2]
    own = components[name]
    required = set(own.get("required", ()))
    return [
        {"name": field, "in": "query", "required": field in required, "schema": value}
        for field, value in own["properties"].items()
    ]


def _scheme(auth: Auth) -> dict[str, Any]:
    if auth.location == "bearer":
        return {"type": "http", "scheme": "bearer"}
    return {"type": "apiKey", "in": auth.location, "name": auth.name}
