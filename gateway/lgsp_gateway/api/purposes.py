"""`/catalog/purposes`: what purposes are called, for everybody who reads their codes: officers, administrators and citizens."""

from aiohttp import web

from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot

PURPOSES = Route(
    "GET",
    "/catalog/purposes",
    "readPurposes",
    "List the purposes that have a title, by their codes",
    "anybody",
    {200: ResponseSpec("The purposes", json_of("Purposes"))},
    tag="catalogue",
)


class PurposeRoutes:
    """The route for everybody."""

    def __init__(self, registry: RegistrySnapshot) -> None:
        self._registry = registry

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, PURPOSES, self._list)

    async def _list(self, _: web.Request) -> web.Response:
        known = sorted(self._registry.purposes.items())
        items = (
            {
                "code": code,
                "title": {"vi": purpose.title.vi, "en": purpose.title.en},
                "legalBasis": purpose.legal_basis,
            }
            for code, purpose in known
        )
        return await json_responses.list_response(items)
