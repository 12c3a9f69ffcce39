"""Routes of the management API. Each is declared once, beside its handler: the gateway enforces the declaration, and the OpenAPI
description (`api.description`) is generated from it.

Three rules are the same for all routes and are applied here: a query parameter that a route does not declare is refused by name
(`?consumers=x` would otherwise return an unfiltered list), a parameter that is sent twice is refused, and pages of other origins
may read what is public.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from aiohttp import hdrs, web

from lgsp_gateway.http import route_access
from lgsp_gateway.http.authentication import BY_COOKIE, CallerAuthenticator
from lgsp_gateway.http.parameters import Parameter
from lgsp_gateway.http.route_access import Access, Right
from lgsp_problems import Refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_AGE = 86400
"""Seconds for which a browser may cache the answer to a preflight request (CORS)."""

_SAFE_HEADERS = "Accept, Accept-Language, Content-Type"


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """What a response contains: `media` types, each with the JSON Schema of its content, and the names of `headers`."""

    description: str
    media: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """The declaration of one method of one path.

    Args:
        path: with variables in aiohttp's syntax.
        name: the `operationId` of OpenAPI, which becomes a method of generated clients.
        access: who may call it at all.
        responses: of success, by status.
        roles: the caller needs one of them; empty where any caller with access may call.
        right: what the caller must be allowed to do to documents of the registry.
        body: media types that it accepts, each with the JSON Schema of its content.
        open_query: whether it may be asked with query parameters that are not declared: those of a page that its scripts read, or of a
            redirect from elsewhere. The handler reads none of them.
        problems: codes of problems that it may answer with, beside those that any route may.
        errors: the format of its errors: RFC 9457, or that of OAuth's endpoints (RFC 6749, section 5.2).
        tag: the group of OpenAPI that it belongs to.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    name: str
    summary: str
    access: Access
    responses: Mapping[int, ResponseSpec]
    roles: tuple[str, ...] = ()
    right: Right | None = None
    parameters: tuple[Parameter[Any], ...] = ()
    open_query: bool = False
    body: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    body_required: bool = True
    problems: tuple[str, ...] = ()
    errors: Literal["problem", "oauth"] = "problem"
    tag: str = ""

    @property
    def public(self) -> bool:
        """Return whether pages of other origins may read it (CORS)."""
        return self.access in ("public", "optional")


CALLER_AUTHENTICATOR = web.AppKey("callers", CallerAuthenticator)
"""The application's authentication of callers."""

ROUTES = web.AppKey("routes", dict[web.AbstractResource, list[Route]])
"""The declared routes of an application, by aiohttp's resource."""


def application(max_body: int) -> web.Application:
    """Create an application without routes.

    Args:
        max_body: bytes that the body of a request may have.
    """
    app = web.Application(client_max_size=max_body)
    app[ROUTES] = {}
    app.on_response_prepare.append(_allow_other_origins)
    app.on_response_prepare.append(_keep_out_of_caches)
    return app


def add_route(app: web.Application, route: Route, handler: Handler) -> None:
    """Add a route to an application: its access and its query parameters are checked before the handler is called.

    A GET route also answers HEAD; a public one also answers the preflight requests of browsers.
    """
    declared_names = frozenset(one.name for one in route.parameters if one.location == "query")

    async def answer(request: web.Request) -> web.StreamResponse:
        await route_access.enforce(request, request.app[CALLER_AUTHENTICATOR], route.access, route.roles, route.right)
        if not route.open_query:
            _check_query(request, declared_names)
        return await handler(request)

    router = app.router
    added = (
        router.add_get(route.path, answer, expect_handler=defer_continue)
        if route.method == "GET"
        else router.add_route(route.method, route.path, answer, expect_handler=defer_continue)
    )
    assert added.resource is not None
    app[ROUTES].setdefault(added.resource, []).append(route)
    if route.public:
        router.add_options(route.path, _preflight)


def declared_routes(app: web.Application) -> list[Route]:
    """Return the declarations of an application's routes, in the order in which they were added.

    Raises:
        RuntimeError: a route was added without a declaration, so nothing says who may call it.
    """
    declared = [route for routes in app[ROUTES].values() for route in routes]
    added = [one for one in app.router.routes() if one.method not in (hdrs.METH_HEAD, hdrs.METH_OPTIONS)]
    if len(added) != len(declared):
        raise RuntimeError(f"{len(added)} routes, {len(declared)} of them declared: add each with `routes.add_route`")
    return declared


def declared_route(request: web.Request) -> Route | None:
    """Return the declaration of the route that a request matched; None where no path or method matched."""
    return find_declaration(request.app, request.match_info.route.resource, request.method)


def find_declaration(app: web.Application, resource: web.AbstractResource | None, method: str) -> Route | None:
    """Return the declaration of a route by its resource and method; None where there is none."""
    declared = app[ROUTES].get(resource, ()) if resource is not None else ()
    return next((route for route in declared if route.method == method), None)


def _check_query(request: web.Request, declared_names: frozenset[str]) -> None:
    for name in request.query:
        if name not in declared_names:
            printable = name.encode("ascii", "backslashreplace").decode()[:40]
            listed = ", ".join(sorted(declared_names)) or "-"
            raise Refusal(
                "malformed",
                vi=f"Đường dẫn này không có tham số {printable}; hãy dùng các tham số: {listed}.",
                en=f"This path has no parameter {printable}; use only these: {listed}.",
            )
        if len(request.query.getall(name)) > 1:
            raise Refusal(
                "malformed",
                vi=f"Tham số {name} được gửi nhiều hơn một lần; hãy chỉ gửi một lần.",
                en=f"The parameter {name} is sent more than once; send it once.",
            )


async def defer_continue(_: web.Request) -> None:
    """Send no `100 Continue` yet; `request_body` sends it when the body is read, after the access checks."""


async def _preflight(request: web.Request) -> web.Response:
    methods = "GET, HEAD, OPTIONS"
    headers = {"Allow": methods, "Cache-Control": f"public, max-age={MAX_AGE}"}
    if hdrs.ORIGIN in request.headers:
        headers |= {
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: methods,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _SAFE_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: str(MAX_AGE),
        }
    return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)


async def _allow_other_origins(request: web.Request, response: web.StreamResponse) -> None:
    """Allow pages of any origin to read public routes, without credentials; problems too."""
    resource = request.match_info.route.resource
    if resource is not None and any(route.public for route in request.app[ROUTES].get(resource, ())):
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"


async def _keep_out_of_caches(request: web.Request, response: web.StreamResponse) -> None:
    """Let no cache store what a signed-in person reads, nor show one person what another one was shown."""
    route = declared_route(request)
    if route is None or route.access in ("public", "anybody", "client"):
        return
    vary = response.headers.get(hdrs.VARY)
    response.headers[hdrs.VARY] = f"{vary}, Cookie" if vary else "Cookie"
    if BY_COOKIE in request:
        response.headers[hdrs.CACHE_CONTROL] = "no-store"
