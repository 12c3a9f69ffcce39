"""Routes of the management API: what is declared of each beside its handler is what the gateway holds callers to, and what its
OpenAPI description says (`api_description`).

Three things hold for all of them and are done here: a query parameter that a route does not know is refused by its name
(`?consumers=x` would else list what nobody asked for), one that is sent twice is refused, and what is public may be read by
pages of other origins.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from aiohttp import hdrs, web

from lgsp_gateway.http import route_access
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameters import Parameter
from lgsp_gateway.http.route_access import Access, Right
from lgsp_problems import Refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_AGE = 86400
"""Seconds that a browser may remember what a page of another origin may ask."""

_SAFE_HEADERS = "Accept, Accept-Language, Content-Type"


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """What an answer holds: `media` types with their schemas, and `headers` by name."""

    description: str
    media: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Args:
        path: as aiohttp writes it.
        name: the operation's id, which becomes a method of generated clients.
        roles: of which a caller needs one; empty where any system may ask.
        right: to do something to a document of the registry.
        body: media types that it takes, with their schemas.
        responses: what it answers, by status.
        problems: codes of problems beside those that any route may answer with.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    name: str
    summary: str
    access: Access
    responses: Mapping[int, ResponseSpec]
    roles: tuple[str, ...] = ()
    right: Right | None = None
    parameters: tuple[Parameter[Any], ...] = ()
    body: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    body_required: bool = True
    problems: tuple[str, ...] = ()
    tag: str = ""

    @property
    def public(self) -> bool:
        """May a page of another origin read it?"""
        return self.access in ("public", "optional")


CALLER_AUTHENTICATOR = web.AppKey("callers", CallerAuthenticator)
"""Who identifies the callers of an application."""

ROUTES = web.AppKey("routes", dict[web.AbstractResource, list[Route]])
"""All routes of an application, by aiohttp's resource."""


def application(max_body: int) -> web.Application:
    """An application for routes to be added to."""
    app = web.Application(client_max_size=max_body)
    app[ROUTES] = {}
    app.on_response_prepare.append(_allow_other_origins)
    return app


def add_route(app: web.Application, route: Route, handler: Handler) -> None:
    """Add a route. Who may ask is looked at first. A GET answers HEAD too; what is public answers the preflight of a browser."""
    known = frozenset(one.name for one in route.parameters if one.location == "query")

    async def answer(request: web.Request) -> web.StreamResponse:
        await route_access.enforce(request, request.app[CALLER_AUTHENTICATOR], route.access, route.roles, route.right)
        _check_query(request, known)
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
    """All routes of an application, in the order in which they were added.

    Raises:
        RuntimeError: one was added by another way, so nothing says who may ask it.
    """
    found = [route for routes in app[ROUTES].values() for route in routes]
    added = [one for one in app.router.routes() if one.method not in (hdrs.METH_HEAD, hdrs.METH_OPTIONS)]
    if len(added) != len(found):
        raise RuntimeError(f"{len(added)} routes, {len(found)} of them declared: add each by `routes.add_route`")
    return found


def _check_query(request: web.Request, known: frozenset[str]) -> None:
    for name in request.query:
        if name not in known:
            shown = name.encode("ascii", "backslashreplace").decode()[:40]
            names = ", ".join(sorted(known)) or "-"
            raise Refusal(
                "malformed",
                vi=f"{shown} không phải là tham số ở đây; các tham số có thể dùng: {names}.",
                en=f"{shown} is no parameter here; those it takes: {names}.",
            )
        if len(request.query.getall(name)) > 1:
            raise Refusal(
                "malformed",
                vi=f"Tham số {name} được gửi hai lần; hãy gửi một lần.",
                en=f"The parameter {name} is sent twice; send it once.",
            )


async def defer_continue(_: web.Request) -> None:
    """Send no `100 Continue` yet: whoever reads the body asks for it, once the caller may send one."""


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
    """Anybody may read what is public, without credentials: `*` says just that, for answers and problems alike."""
    resource = request.match_info.route.resource
    if resource is not None and any(route.public for route in request.app[ROUTES].get(resource, ())):
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
