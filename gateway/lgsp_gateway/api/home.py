"""`GET /`: where somebody who knows only the address of the bus can go, as a page for browsers and as JSON for programs.

It is public, so it names no service.
"""

from aiohttp import hdrs, web

from lgsp_contracts.tooling.pages import page
from lgsp_gateway.api.html_pages import HTML, LANGUAGE, html_response, language_of
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.accepted_media import prefers_html
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_problems import Text

LINKS = {
    "catalogue": (
        "/catalog",
        Text("danh mục dịch vụ, kèm chương trình mẫu", "the catalogue of services, with sample programs"),
    ),
    "tokenPrograms": (
        "/catalog/tokens",
        Text("chương trình mẫu lấy mã truy cập", "sample programs that get an access token"),
    ),
    "services": (
        "/catalog/services",
        Text("danh mục dạng JSON, cần mã truy cập", "the catalogue as JSON; needs a token"),
    ),
    "problems": ("/problems", Text("các mã từ chối: khi nào, cần làm gì", "problem codes: when, and what to do")),
    "description": ("/openapi.json", Text("API quản trị, dạng OpenAPI 3.1", "the management API, as OpenAPI 3.1")),
    "authorizationServer": (
        "/.well-known/oauth-authorization-server",
        Text("cách lấy mã truy cập (RFC 8414)", "how to get an access token (RFC 8414)"),
    ),
    "evidenceKeys": (
        "/evidence/keys",
        Text("khóa công khai để kiểm chứng nhật ký bằng chứng", "the public keys that verify the evidence"),
    ),
    "health": ("/readyz", Text("tình trạng của cổng", "the health of the gateway")),
}
"""Paths by the names of the JSON index."""
TOKEN = "/oauth2/token"  # noqa: S105 - a path

HOME = Route(
    "GET",
    "/",
    "readIndex",
    "Show where to go from here: HTML for browsers, JSON for programs",
    "public",
    {200: ResponseSpec("The index", {**HTML, **json_of("Index")})},
    parameters=(LANGUAGE,),
    tag="health",
)


class HomeRoute:
    """The route of the first page.

    Args:
        url: the address under which callers reach the bus.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, HOME, self._show)

    async def _show(self, request: web.Request) -> web.Response:
        language = language_of(request)
        if prefers_html(request.headers.get(hdrs.ACCEPT)):
            return await html_response(page.index(list(LINKS.values()), language), vary="Accept, Accept-Language")
        links = {name: f"{self._url}{path}" for name, (path, _) in LINKS.items()}
        index = {"title": "LGSP", "links": {**links, "token": f"{self._url}{TOKEN}"}}
        return json_responses.json_response(index, headers={"Vary": "Accept, Accept-Language"})
