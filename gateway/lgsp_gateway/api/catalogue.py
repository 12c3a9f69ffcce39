"""`/catalog/services`: the catalogue for programs, as JSON, OpenAPI and AsyncAPI documents, and the contracts themselves.

Which purposes a system has been granted is shown to that system alone.
"""

import time

from aiohttp import web

from lgsp_contracts.summary import ContractSummary
from lgsp_contracts.tooling.asyncapi import asyncapi
from lgsp_contracts.tooling.openapi import openapi
from lgsp_gateway.api.catalogue_access import MAJOR, SERVICE, CatalogueAccess, is_large
from lgsp_gateway.api.registry_declarations import CURSOR, LIMIT
from lgsp_gateway.api.schemas import json_of, ref
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.lifecycle_headers import announcement_headers
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.documents import service_name
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text

YAML = "application/yaml"
"""RFC 9512."""

SERVICES = Route(
    "GET",
    "/catalog/services",
    "readCatalogue",
    "List the services that the caller may know of, with the purposes granted to it",
    "optional",
    {200: ResponseSpec("A page of services", json_of("Catalogue"))},
    parameters=(LIMIT, CURSOR),
    tag="catalogue",
)
OPENAPI = Route(
    "GET",
    "/catalog/services/{service}/v{major:[0-9]+}/openapi.json",
    "describeService",
    "Describe a service as OpenAPI 3.1",
    "optional",
    {200: ResponseSpec("The description", json_of("OpenApi"))},
    parameters=(SERVICE, MAJOR),
    problems=("unknown-service",),
    tag="catalogue",
)
ASYNCAPI = Route(
    "GET",
    "/catalog/services/{service}/v{major:[0-9]+}/asyncapi.json",
    "describeAdapter",
    "Describe what an adapter of a service receives and sends, and how its events are received, as AsyncAPI 3.0",
    "optional",
    {200: ResponseSpec("The description", json_of("AsyncApi"))},
    parameters=(SERVICE, MAJOR),
    problems=("unknown-service",),
    tag="catalogue",
)
CONTRACT_JSON = Route(
    "GET",
    "/catalog/services/{service}/v{major:[0-9]+}/contract.json",
    "readContract",
    "Read the contract of a service, to serve it with `lgsp contract mock` or to generate a client",
    "optional",
    {200: ResponseSpec("The contract", json_of("Contract"))},
    parameters=(SERVICE, MAJOR),
    problems=("unknown-service",),
    tag="catalogue",
)
CONTRACT_YAML = Route(
    "GET",
    "/catalog/services/{service}/v{major:[0-9]+}/contract.yaml",
    "readContractAsYaml",
    "Read the contract of a service as YAML",
    "optional",
    {200: ResponseSpec("The contract", {YAML: ref("Contract")})},
    parameters=(SERVICE, MAJOR),
    problems=("unknown-service",),
    tag="catalogue",
)


class CatalogueRoutes:
    """The routes of the catalogue for programs.

    Args:
        url: the address under which callers reach the bus.
        nats: the address under which adapters reach NATS.
    """

    def __init__(
        self, callers: CallerAuthenticator, registry: RegistrySnapshot, access: CatalogueAccess, url: str, nats: str
    ) -> None:
        self._callers = callers
        self._registry = registry
        self._access = access
        self._url = url
        self._nats = nats

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, SERVICES, self._list_services)
        add_route(app, OPENAPI, self._describe_as_openapi)
        add_route(app, ASYNCAPI, self._describe_as_asyncapi)
        add_route(app, CONTRACT_JSON, self._read_contract)
        add_route(app, CONTRACT_YAML, self._read_contract_as_yaml)

    async def _list_services(self, request: web.Request) -> web.Response:
        registry, system = self._registry, await self._access.calling_system(request)
        now, limit, services = time.time(), LIMIT.read_from(request), []
        async for service, major in self._access.visible_services(system, now, CURSOR.read_from(request)):
            services.append((service, major))
            if len(services) > limit:
                break
        contracts = (registry.summary(service, major) for service, major in services[:limit])
        items = (service_item(contract, registry, system, now) for contract in contracts if contract)
        last = service_name(*services[limit - 1]) if len(services) > limit else ""
        return await json_responses.list_response(items, last)

    async def _describe_as_openapi(self, request: web.Request) -> web.Response:
        document = await self._access.service_of_path(request)
        if is_large(document):
            described = await self._access.describe_in_worker(request, "openapi", document, {"url": self._url})
            return json_responses.encoded_json_response(described)
        return json_responses.json_response(openapi(self._access.contract_of_path(request), self._url))

    async def _describe_as_asyncapi(self, request: web.Request) -> web.Response:
        document = await self._access.service_of_path(request)
        if is_large(document):
            described = await self._access.describe_in_worker(
                request, "asyncapi", document, {"nats": self._nats, "url": self._url}
            )
            return json_responses.encoded_json_response(described)
        return json_responses.json_response(asyncapi(self._access.contract_of_path(request), self._nats, self._url))

    async def _read_contract(self, request: web.Request) -> web.Response:
        document = await self._access.service_of_path(request)
        return json_responses.json_response((document.spec or {})["contract"])

    async def _read_contract_as_yaml(self, request: web.Request) -> web.Response:
        document = await self._access.service_of_path(request)
        text = await self._access.describe_in_worker(request, "yaml", document, {})
        return web.Response(body=text, content_type=YAML, headers={"Cache-Control": "no-store"})


def _text(text: Text) -> dict[str, str]:
    return {"vi": text.vi, "en": text.en}


def service_item(contract: ContractSummary, registry: RegistrySnapshot, system: str, now: float) -> dict[str, object]:
    """Return a service as the catalogue shows it to a caller (`CatalogueService` of the API's description).

    Args:
        system: the caller, whose grants in force decide which purposes are shown; "" for a caller that is no system.
        now: in seconds since 1970.
    """
    grants = [grant for grant in registry.grants_held(system, contract.service, contract.major) if grant.in_force(now)]
    provider = registry.systems.get(contract.provider)
    agency = provider.agency if provider else ""
    return {
        "service": contract.service,
        "version": contract.version,
        "title": {"vi": contract.title.vi, "en": contract.title.en},
        "description": {"vi": contract.description.vi, "en": contract.description.en} if contract.description else None,
        "classification": contract.classification,
        "provider": contract.provider,
        "agency": {"code": agency, "title": _text(registry.agencies.get(agency, Text(agency, agency)))},
        "notice": announcement_headers(registry.announced(contract.service, contract.major, now)),
        "operations": [
            {
                "operation": name,
                "path": f"/services/{contract.service}/v{contract.major}/{name}",
                "title": {"vi": operation.title.vi, "en": operation.title.en},
                "classification": operation.classification,
                "purposes": sorted({p for grant in grants if name in grant.operations for p in grant.purposes}),
                "example": {"request": operation.request},
            }
            for name, operation in contract.operations.items()
        ],
        "events": [
            {
                "event": name,
                "path": f"/events/{contract.service}/v{contract.major}/{name}",
                "title": {"vi": event.title.vi, "en": event.title.en},
                "classification": event.classification,
                "purposes": sorted({p for grant in grants if name in grant.events for p in grant.purposes}),
                "example": {"data": event.data},
            }
            for name, event in contract.events.items()
        ],
    }
