"""`/catalog/services`: which services there are, for a caller that may know of them, and which of them it may call."""

import time

from aiohttp import web

from lgsp_contracts.contract import Contract
from lgsp_gateway.registry.state import Registry, System
from lgsp_gateway.web import answers
from lgsp_gateway.web.callers import Callers


class Catalogue:
    """The door for whoever looks for a service."""

    def __init__(self, callers: Callers, registry: Registry) -> None:
        self._registry = registry
        self._callers = callers

    def add_routes(self, app: web.Application) -> None:
        """Add the path."""
        app.router.add_get("/catalog/services", self._services)

    async def _services(self, request: web.Request) -> web.Response:
        registry, system = self._registry, await self._callers.identified(request)
        now = time.time()
        known = [found for found in registry.contracts() if registry.may_know(system.name, found, now)]
        return answers.document({"items": [_service(contract, registry, system, now) for contract in known]})


def _service(contract: Contract, registry: Registry, system: System, now: float) -> dict[str, object]:
    held = registry.held(system.name, contract.service, contract.major)
    grants = [grant for grant in held if grant.in_force(now)]
    return {
        "service": contract.service,
        "version": contract.version,
        "title": {"vi": contract.title.vi, "en": contract.title.en},
        "provider": contract.provider,
        "notice": dict(registry.notice(contract, now)),
        "operations": [
            {
                "operation": name,
                "path": f"/services/{contract.service}/v{contract.major}/{name}",
                "title": {"vi": operation.title.vi, "en": operation.title.en},
                "classification": operation.classification,
                "purposes": sorted({p for grant in grants if name in grant.operations for p in grant.purposes}),
                "example": {"request": operation.example.request},
            }
            for name, operation in contract.operations.items()
        ],
    }
