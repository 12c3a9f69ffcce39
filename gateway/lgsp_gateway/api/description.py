"""`/openapi.json`: the management API as OpenAPI 3.1, generated from the declarations of its routes.

Calls of services (`/services/…`) are not part of it: each contract defines them, and the catalogue has an OpenAPI document for each.
"""

import re
from collections.abc import Iterable
from typing import Any

from aiohttp import hdrs, web

from lgsp_gateway.api.component_schemas import component_schemas
from lgsp_gateway.api.schemas import json_of, ref
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route, find_declaration
from lgsp_problems import CODES

PATH = "/openapi.json"
VERSION = "1.0.0"
"""Of the API, not of the software (semantic versioning)."""

ROUTE = Route(
    "GET",
    PATH,
    "describeApi",
    "Describe this API as OpenAPI 3.1",
    "public",
    {200: ResponseSpec("The description", json_of("OpenApi"))},
    tag="health",
)

_COMMON_PROBLEMS = ("malformed", "internal-error", "bus-unavailable")
"""Problems that any route may answer with."""

_TOKEN_PROBLEMS = ("token-invalid", "invalid_dpop_proof", "too-many-attempts")
_BODY_PROBLEMS = ("unsupported-media-type", "too-large")
_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "public": [],
    "anybody": [],
    "optional": [{}, {"token": []}, {"boundToken": []}],
    "token": [{"token": []}, {"boundToken": []}],
    "signed-in": [{"token": []}],
    "person": [{"person": []}],
    "client": [{}, {"client": []}],
}
_HEALTH = ("/livez", "/readyz", "/metrics")


class ApiDescriptionRoute:
    """The route of the description.

    Args:
        url: the address under which callers reach the bus.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._description: dict[str, Any] = {}

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application, after all others: the description is generated here.

        Raises:
            LookupError: a route was added without a declaration.
        """
        add_route(app, ROUTE, self._read_description)
        self._description = openapi_document(route_declarations(app), self._url)

    async def _read_description(self, _: web.Request) -> web.Response:
        return json_responses.json_response(self._description, headers={"Cache-Control": "public, max-age=60"})


def route_declarations(app: web.Application) -> list[Route]:
    """Return the declarations of an application's routes, in the order in which they were added; HEAD and OPTIONS are left out.

    Raises:
        LookupError: a route was added without a declaration.
    """
    declarations = []
    for route in app.router.routes():
        if route.method in (hdrs.METH_HEAD, hdrs.METH_OPTIONS):
            continue
        resource = route.resource
        declaration = find_declaration(app, resource, route.method)
        if declaration is None:
            raise LookupError(f"{route.method} {resource.canonical if resource else '?'} is not declared")
        declarations.append(declaration)
    return declarations


def openapi_document(routes: Iterable[Route], url: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document that describes routes.

    Args:
        url: the address under which callers reach the bus.
    """
    paths: dict[str, dict[str, Any]] = {}
    tags: list[str] = []
    for route in routes:
        paths.setdefault(openapi_path(route), {})[route.method.lower()] = _operation(route)
        if route.tag not in tags:
            tags.append(route.tag)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "LGSP management API",
            "description": "Registry, catalogue, evidence and operations of the bus. Services are described in the catalogue, each "
            "by its contract. Errors are RFC 9457 problem documents. Query parameters that are not listed are refused.",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url}],
        "tags": [{"name": tag} for tag in tags],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": _security_schemes(url),
            "schemas": component_schemas(),
            "responses": {"Problem": _problem("A problem")},
        },
    }


def openapi_path(route: Route) -> str:
    """Return the path of a route in OpenAPI's syntax: `{kind:grants}` becomes `grants`, `{major:[0-9]+}` becomes `{major}`."""
    return re.sub(r"\{(\w+):[^{}]*\}", r"{\1}", re.sub(r"\{kind:([a-z]+)\}", r"\1", route.path))


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "security": _SECURITY[route.access],
        "parameters": [one.openapi() for one in route.parameters],
        "responses": {str(status): _response(response) for status, response in route.responses.items()}
        | _problems(route),
    }
    if route.roles:
        operation["description"] = f"Requires one of the roles: {', '.join(route.roles)}."
        operation["x-roles"] = list(route.roles)
    if route.body:
        content = {media: {"schema": schema} for media, schema in route.body.items()}
        operation["requestBody"] = {"required": route.body_required, "content": content}
    return operation


def _response(spec: ResponseSpec) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": spec.description}
    if spec.media:
        answer["content"] = {media: {"schema": schema} for media, schema in spec.media.items()}
    if spec.headers:
        answer["headers"] = {name: {"schema": {"type": "string"}} for name in spec.headers}
    return answer


def _problems(route: Route) -> dict[str, Any]:
    """Return the problems that a route may answer with, by status; a status that the route declares itself is left out."""
    codes = [*route.problems, "malformed"] if route.path in _HEALTH else [*route.problems, *_COMMON_PROBLEMS]
    if route.access in ("token", "optional", "signed-in", "person"):
        codes += _TOKEN_PROBLEMS
    if route.roles or route.tag == "registry" or route.access == "signed-in":
        codes.append("not-granted")
    if route.body:
        codes += _BODY_PROBLEMS
    if route.body and route.access in ("token", "signed-in"):
        codes.append("invalid-document")
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    return {
        str(status): _refusal(route, "; ".join(f"{code}: {CODES[code].title.en}" for code in codes_of_status))
        for status, codes_of_status in sorted(by_status.items())
        if status not in route.responses
    }


def _refusal(route: Route, description: str) -> dict[str, Any]:
    if route.errors == "problem":
        return _problem(description)
    return {"description": description, "content": {"application/json": {"schema": ref("TokenError")}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": ref("Problem")}}}


def _security_schemes(url: str) -> dict[str, Any]:
    flow = {"clientCredentials": {"tokenUrl": f"{url}/oauth2/token", "scopes": {}}}
    bound = "An access token that is bound to a key, sent as `Authorization: DPoP` with a proof in `DPoP` (RFC 9449)"
    return {
        "token": {
            "type": "oauth2",
            "description": "A system's access token, sent as `Authorization: Bearer`",
            "flows": flow,
        },
        "boundToken": {"type": "http", "scheme": "dpop", "description": bound},
        "person": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A citizen's token, from an issuer that the bus trusts to identify people",
        },
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "A client's id and secret, or an assertion in the form (RFC 7523)",
        },
    }
