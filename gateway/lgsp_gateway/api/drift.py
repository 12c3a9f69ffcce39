"""`/registry/drift`: which documents say something else than the files that they were last applied from, and which no file knows."""

from typing import Any

from aiohttp import web

from lgsp_gateway.api.registry_declarations import LIMIT, MANIFEST_SET
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import choice_parameter, cursor_parameter
from lgsp_gateway.http.route_access import list_right
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry import drift
from lgsp_gateway.registry.documents import KINDS
from lgsp_gateway.registry.drift import DRIFTED, STATES, Standing
from lgsp_gateway.registry.snapshot import RegistrySnapshot

STATE = choice_parameter(
    "state",
    "only documents in this state; by default those that were changed or deleted since they were applied",
    STATES,
    "",
)
KIND = choice_parameter("kind", "only documents of this kind", KINDS, "")
CURSOR = cursor_parameter("cursor", max_length=120, pattern=f"({'|'.join(KINDS)})/[A-Za-z0-9.-]{{1,63}}")

DRIFT = Route(
    "GET",
    "/registry/drift",
    "listDrift",
    "List the documents that say something else than the files that they were last applied from, or that no file knows",
    "token",
    {200: ResponseSpec("A page of documents", json_of("Drift"))},
    parameters=(STATE, MANIFEST_SET, KIND, LIMIT, CURSOR),
    right=list_right("Agency"),
    tag="registry",
)


class DriftRoutes:
    """The route for whoever reads the registry."""

    def __init__(self, callers: CallerAuthenticator, registry: RegistrySnapshot) -> None:
        self._callers = callers
        self._registry = registry

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, DRIFT, self._list)

    async def _list(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        state = STATE.read_from(request)
        states = tuple(one for one in STATES if one == state) or DRIFTED
        wanted = drift.Wanted(states, MANIFEST_SET.read_from(request), KIND.read_from(request))
        kind, _, name = CURSOR.read_from(request).partition("/")
        found, more = await drift.read_page(self._registry, caller, wanted, (kind, name), LIMIT.read_from(request))
        last = found[-1].version if more else None
        return await json_responses.list_response(map(_item, found), f"{last.kind}/{last.name}" if last else "")


def _item(standing: Standing) -> dict[str, Any]:
    version = standing.version
    metadata = version.document()["metadata"]
    item = {
        "kind": version.kind,
        "name": version.name,
        "state": standing.state,
        "revision": version.revision,
        "updatedAt": metadata["updatedAt"],
        "updatedBy": metadata["updatedBy"],
        "reason": metadata.get("reason", ""),
    }
    if standing.manifest_set:
        item |= {"set": standing.manifest_set, "appliedRevision": standing.applied_revision}
    return item
