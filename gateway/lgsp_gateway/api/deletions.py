"""`/deletions`: which endpoints and subscriptions of a system were deleted in the last 30 days, by whom and why.

An operator may delete what belongs to a system; it is gone then, and this is where its owner reads who did it.
"""

from aiohttp import web

from lgsp_auth.principal import OPERATOR
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN, SystemName
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.delivery.decisions import receiver
from lgsp_gateway.delivery.deletions import RecentDeletions
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import list_response
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot

MAX_SHOWN = 500

SYSTEM = text_parameter("system", "only what belonged to this system", max_length=MAX_NAME, pattern=NAME_PATTERN)

LIST = Route(
    *("GET", "/deletions", "listDeletions"),
    "List the endpoints and subscriptions of the calling system that were deleted in the last 30 days; for people those of their agency's systems, for operators all",
    access="token",
    responses={200: ResponseSpec(f"The newest {MAX_SHOWN}", json_of("DeletionList"))},
    parameters=(SYSTEM,),
    tag="endpoints",
)


class DeletionRoutes:
    """The route of what was deleted.

    Args:
        deletions: by the kind of what was deleted.
    """

    def __init__(
        self, callers: CallerAuthenticator, registry: RegistrySnapshot, deletions: dict[str, RecentDeletions]
    ) -> None:
        self._registry = registry
        self._callers = callers
        self._deletions = deletions

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, LIST, self._list)

    async def _list(self, request: web.Request) -> web.Response:
        caller, system = await self._callers.identify(request), SYSTEM.read_from(request)
        found = [
            {"kind": kind, **one.document()}
            for kind, deletions in self._deletions.items()
            for one in deletions.of(SystemName(system) if system else None)
            if caller.has_role(OPERATOR) or receiver(self._registry, one.system).includes(caller)
        ]
        found.sort(key=lambda one: one["decision"]["at"], reverse=True)
        return await list_response(found[:MAX_SHOWN], "")
