"""The OpenAPI 3.1 description of a function, made from its routes and their models."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from shared.errors import Forbidden, NotFound, RequestInvalid, RequestRefused, Unauthenticated
from shared.web.auth import PUBLIC, OrgRule
from shared.web.request import (
    BodyTooLarge,
    HeadersTooLarge,
    NoBody,
    NoParams,
    NotJson,
    QueryTooLong,
    RawBody,
)
from shared.web.response import JSON, ErrorResponse, RawContent, RouteReply
from shared.web.routing import Route, RouteCall, RouteTable

DESCRIPTION_PATH = "/openapi.json"
REF = "#/components/schemas/{model}"
_EVERYWHERE = (RequestInvalid, BodyTooLarge, QueryTooLong, HeadersTooLarge)
_SERVER_ERRORS = {
    500: "Something went wrong on the service's side.",
    502: "A provider behind the service failed.",
    503: "Not now: try again.",
}

_Schemas = Mapping[tuple[Any, JsonSchemaMode], Mapping[str, Any]]


def with_description(name: str, routes: Iterable[Route[Any, Any]]) -> tuple[Route[Any, Any], ...]:
    """The routes of the function ``name``, and one that describes them all, itself included."""

    table = RouteTable(PUBLIC)

    @table.get(DESCRIPTION_PATH, NoParams, JSON)
    def describe(_: RouteCall[NoParams, NoBody]) -> RouteReply:
        """This description."""
        return RouteReply(RawContent(JSON, encoded(name, described)))

    described = (*routes, *table)
    return described


def encoded(name: str, routes: Sequence[Route[Any, Any]]) -> bytes:
    """The description as JSON."""
    return json.dumps(document(name, routes), indent=1).encode()


def document(name: str, routes: Sequence[Route[Any, Any]]) -> dict[str, Any]:
    """The description of the function ``name``, as an OpenAPI document."""
    models = list(dict.fromkeys(_models(routes)))
    schemas, shared = models_json_schema(models, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    schemes = {k: dict(v) for route in routes for k, v in route.rule.schemes.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Sync Sam: {name}", "version": "1"},
        "paths": paths,
        "components": {"schemas": shared.get("$defs", {}), "securitySchemes": schemes},
    }


def _models(
    routes: Iterable[Route[Any, Any]],
) -> Iterable[tuple[type[BaseModel], JsonSchemaMode]]:
    yield ErrorResponse, "serialization"
    for route in routes:
        yield route.params, "validation"
        yield route.body, "validation"
        for _, shape in route.answers:
            if not isinstance(shape, str):
                yield shape, "serialization"


def _operation(route: Route[Any, Any], schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{route.path}".translate(_PLAIN),
        "summary": route.summary,
        "description": f"Who may call: {route.rule.name}.",
        "parameters": list(_parameters(route)),
        "responses": _responses(route, schemas),
    }
    if route.rule.schemes:
        operation["security"] = [{name: []} for name in route.rule.schemes]
    if route.takes_body:
        raw = issubclass(route.body, RawBody)
        media_type = route.body.media_type if raw else JSON
        content = {media_type: {"schema": schemas[route.body, "validation"]}}
        required = raw or any(each.is_required() for each in route.body.model_fields.values())
        operation["requestBody"] = {"content": content, "required": required}
    return operation


_PLAIN = str.maketrans({"/": "_", "{": None, "}": None, "-": "_", ".": "_"})


def _parameters(route: Route[Any, Any]) -> Iterable[dict[str, Any]]:
    schema = route.params.model_json_schema(by_alias=True, ref_template=REF)
    headers = route.params.header_names()
    for name, field in schema.get("properties", {}).items():
        in_path = name in route.path_names
        yield {
            "name": name,
            "in": "path" if in_path else "header" if name in headers else "query",
            "required": in_path or name in schema.get("required", []),
            "schema": _without_null(field),
        }


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """The schema as a parameter can have it: a query holds only strings, so neither null nor the
    string form of a number is an alternative of its own."""
    kinds = [kind for kind in field.get("anyOf", []) if kind != {"type": "null"}]
    kinds = [kind for kind in kinds if kind.get("type") == "number"] or kinds
    rest = {key: value for key, value in field.items() if key != "anyOf"}
    if rest.get("default", 0) is None:
        del rest["default"]
    return {**rest, **kinds[0]} if len(kinds) == 1 else field


def _responses(route: Route[Any, Any], schemas: _Schemas) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, shape in route.answers:
        if isinstance(shape, str):
            content: dict[str, Any] = {shape: {}}
        else:
            content = {JSON: {"schema": schemas[shape, "serialization"]}}
        described = responses.setdefault(str(status), {"description": "Done.", "content": {}})
        described["content"] |= content
    if route.cached:
        responses["304"] = {"description": "Not modified."}
    form = {JSON: {"schema": schemas[ErrorResponse, "serialization"]}}
    errors = {error.status: _summary(error) for error in _errors(route)} | _SERVER_ERRORS
    for status, description in sorted(errors.items()):
        responses[str(status)] = {"description": description, "content": form}
    return responses


def _errors(route: Route[Any, Any]) -> Iterable[type[RequestRefused]]:
    yield from _EVERYWHERE
    if route.takes_body and not issubclass(route.body, RawBody):
        yield NotJson
    if route.rule.schemes:
        yield Unauthenticated
    if isinstance(route.rule, OrgRule) and route.rule.schemes:
        yield from (Forbidden, NotFound)
    if route.path_names:
        yield NotFound  # for instance, no path matches a line break
    yield from route.errors


def _summary(error: type[RequestRefused]) -> str:
    return (error.__doc__ or error.code).partition("\n")[0]
