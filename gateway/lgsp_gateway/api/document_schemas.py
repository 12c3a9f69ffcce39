"""`/schemas/{kind}.json`: the JSON Schemas by which editors check and complete contracts, manifests and registry documents."""

from aiohttp import web

from lgsp_contracts import published_schemas
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route

NAME = text_parameter("name", "the kind of document", max_length=63, pattern="^[a-z]+$", location="path")
ROUTE = Route(
    "GET",
    "/schemas/{name}.json",
    "readDocumentSchema",
    "Read the JSON Schema of a kind of document, for editors",
    "public",
    {200: ResponseSpec("The schema", json_of("JsonSchema"))},
    parameters=(NAME,),
    problems=("not-found",),
    tag="catalogue",
)


class DocumentSchemaRoutes:
    """The route of the schemas of documents."""

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, ROUTE, self._read)

    async def _read(self, request: web.Request) -> web.Response:
        return web.Response(
            body=published_schemas.read(NAME.read_from(request)),
            content_type="application/json",
            headers={"Cache-Control": "public, max-age=3600"},
        )
