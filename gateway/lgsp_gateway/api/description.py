"""`/openapi.json`: the management API as OpenAPI 3.1, from the routes as they are declared.

Calls of services (`/services/…`) are not part of it: what they take and give is each contract's to say, and the catalogue has an
OpenAPI document for each.
"""

import re
from collections.abc import Iterable
from typing import Any

from aiohttp import hdrs, web

from lgsp_gateway.api.schemas import json_of, ref, schemas
from lgsp_gateway.http import responses
from lgsp_gateway.http.routes import ROUTES, ResponseSpec, Route, add_route
from lgsp_problems import CODES

PATH = "/openapi.json"
VERSION = "1.0.0"
"""Of the API, not of the software: the first figure changes with what breaks clients."""

ROUTE = Route(
    "GET",
    PATH,
    "describeApi",
    "Describe this API as OpenAPI 3.1",
    "public",
    {200: ResponseSpec("The description", json_of("OpenApi"))},
    tag="health",
)

_ANY = ("malformed", "internal-error", "bus-unavailable")
"""Problems that any route may answer with."""

_IDENTIFIED = ("token-invalid", "invalid_dpop_proof", "too-many-attempts")
_DOCUMENTS = ("unsupported-media-type", "too-large")
_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "public": [],
    "anybody": [],
    "optional": [{}, {"token": []}, {"boundToken": []}],
    "token": [{"token": []}, {"boundToken": []}],
    "person": [{"person": []}],
    "client": [{}, {"client": []}],
}
_HEALTH = ("/livez", "/readyz", "/metrics")


class ApiDescriptionRoute:
    """The door for whoever generates a client, or looks what there is.

    Args:
        url: where callers reach the gateway.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._described: dict[str, Any] = {}

    def add_routes(self, app: web.Application) -> None:
        """Add the path; all other routes must be there already.

        Raises:
            LookupError: one of them is not declared.
        """
        add_route(app, ROUTE, self._describe)
        self._described = describe(declarations_of(app), self._url)

    async def _describe(self, _: web.Request) -> web.Response:
        return responses.json_response(self._described, headers={"Cache-Control": "public, max-age=60"})


def declarations_of(app: web.Application) -> list[Route]:
    """The routes of an application, each by its declaration.

    Raises:
        LookupError: one was added without.
    """
    found = []
    for route in app.router.routes():
        if route.method in (hdrs.METH_HEAD, hdrs.METH_OPTIONS):
            continue
        resource = route.resource
        one = (
            next((one for one in app[ROUTES].get(resource, ()) if one.method == route.method), None)
            if resource
            else None
        )
        if one is None:
            raise LookupError(f"{route.method} {resource.canonical if resource else '?'} is not declared")
        found.append(one)
    return found


def describe(routes: Iterable[Route], url: str) -> dict[str, Any]:
    """The OpenAPI document of routes, for a bus at an address."""
    paths: dict[str, dict[str, Any]] = {}
    tags: list[str] = []
    for route in routes:
        paths.setdefault(path_of(route), {})[route.method.lower()] = _operation(route)
        if route.tag not in tags:
            tags.append(route.tag)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "LGSP management API",
            "description": "Registry, catalogue, evidence and operations of the bus. Calls of services are described in the "
            "catalogue, each by its contract. Problems are RFC 9457 documents; a query parameter that is not listed is refused.",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url}],
        "tags": [{"name": tag} for tag in tags],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": _schemes(url),
            "schemas": schemas(),
            "responses": {"Problem": _problem("A problem")},
        },
    }


def path_of(route: Route) -> str:
    """The path as OpenAPI writes it: `{kind:grants}` is `grants`, `{major:[0-9]+}` is `{major}`."""
    return re.sub(r"\{(\w+):[^{}]*\}", r"{\1}", re.sub(r"\{kind:([a-z]+)\}", r"\1", route.path))


def _operation(route: Route) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "security": _SECURITY[route.access],
        "parameters": [one.openapi() for one in route.parameters],
        "responses": {str(status): _response(response) for status, response in route.responses.items()}
        | _problems(route),
    }
    if route.roles:
        described["description"] = f"Asks for one of the roles: {', '.join(route.roles)}."
        described["x-roles"] = list(route.roles)
    if route.body:
        content = {media: {"schema": schema} for media, schema in route.body.items()}
        described["requestBody"] = {"required": route.body_required, "content": content}
    return described


def _response(said: ResponseSpec) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": said.description}
    if said.media:
        answer["content"] = {media: {"schema": schema} for media, schema in said.media.items()}
    if said.headers:
        answer["headers"] = {name: {"schema": {"type": "string"}} for name in said.headers}
    return answer


def _problems(route: Route) -> dict[str, Any]:
    """The problems that a route may answer with, by status; what it declares of its own at that status goes before."""
    codes = [*route.problems, "malformed"] if route.path in _HEALTH else [*route.problems, *_ANY]
    if route.access in ("token", "optional", "person"):
        codes += _IDENTIFIED
    if route.roles or route.tag == "registry":
        codes.append("not-granted")
    if route.body:
        codes += _DOCUMENTS
    if route.body and route.access == "token":
        codes.append("invalid-document")
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    return {
        str(status): _problem("; ".join(f"{code}: {CODES[code].title.en}" for code in found))
        for status, found in sorted(by_status.items())
        if status not in route.responses
    }


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": ref("Problem")}}}


def _schemes(url: str) -> dict[str, Any]:
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
            "description": "A citizen's token, of an issuer that the bus trusts to speak of people",
        },
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "A client's id and secret; or an assertion in the form",
        },
    }
