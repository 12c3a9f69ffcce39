"""Which services of the catalogue a caller sees, and their contracts.

Anybody who reaches the bus sees a listed service, also without a token: a contract is not secret, and a person with a browser has no
token (docs/decisions/014). A service that is not listed exists only for the systems that hold a grant on it.
"""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from aiohttp import web

from lgsp_auth.policy import unknown_service
from lgsp_contracts.contract import Contract
from lgsp_contracts.names import MAX_MAJOR, MAX_NAME, NAME_PATTERN, Major, ServiceName
from lgsp_gateway.document_workers.pool import Description, DocumentWorkers
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import integer_parameter, text_parameter
from lgsp_gateway.registry.documents import DocumentVersion, service_and_major, service_name
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.pacing import Pace

SERVICES_PER_TURN = 500
"""Services whose visibility is checked before the event loop serves other requests."""
MAX_BYTES_IN_EVENT_LOOP = 8 * 1024
"""Bytes of a contract that is described in the event loop; larger ones are described in a worker process."""

SERVICE = text_parameter("service", "the name of a service", max_length=MAX_NAME, pattern=NAME_PATTERN, location="path")
MAJOR = integer_parameter("major", "the major version of the service", 1, MAX_MAJOR, 1, location="path")


class CatalogueAccess:
    """The part of the registry that the catalogue shows, by caller."""

    def __init__(self, callers: CallerAuthenticator, registry: RegistrySnapshot, workers: DocumentWorkers) -> None:
        self._callers = callers
        self._registry = registry
        self._workers = workers

    async def calling_system(self, request: web.Request) -> str:
        """Return the system whose token a request carries, or that a person acts through; "" without a token.

        Raises:
            Refusal: `token-invalid`, for a token that is not valid.
        """
        caller = await self._callers.identify_if_present(request)
        return caller.system if caller else ""

    async def visible_services(
        self, system: str, now: float, after: str = ""
    ) -> AsyncIterator[tuple[ServiceName, Major]]:
        """Yield the services in force that a system may know of, in the order of their names.

        Args:
            system: the caller; "" for a caller without a token.
            now: in seconds since 1970.
            after: only names behind this one.
        """
        registry, pace = self._registry, Pace(SERVICES_PER_TURN)
        for name in registry.index["Service"].names(after=after):
            await pace.spend()
            if name in registry.services:
                service, major = service_and_major(name)
                if registry.may_know(system, service, major, now):
                    yield service, major

    async def service_of_path(self, request: web.Request) -> DocumentVersion:
        """Return the registry's document of the service that the path of a request names.

        Raises:
            Refusal: `unknown-service`, also for a service that the caller may not know of.
        """
        system = await self.calling_system(request)
        service, major = SERVICE.read_from(request), MAJOR.read_from(request)
        document = self._registry.service_in_force(service_name(service, major))
        if document is None or not self._registry.may_know(system, service, major, time.time()):
            raise unknown_service(service, major)
        return document

    def contract_of_path(self, request: web.Request) -> Contract:
        """Return the contract of the service that the path of a request names, whoever asks.

        Raises:
            Refusal: `unknown-service`.
        """
        service, major = SERVICE.read_from(request), MAJOR.read_from(request)
        contract = self._registry.contract(service, major)
        if contract is None:
            raise unknown_service(service, major)
        return contract

    async def describe_in_worker(
        self, request: web.Request, form: Description, document: DocumentVersion, options: Mapping[str, Any]
    ) -> bytes:
        """Describe a large contract in a worker process, so that the event loop is not blocked.

        Args:
            form: `page` (HTML), `openapi` or `asyncapi` (JSON), `yaml`, the contract itself, or `trial`, the answer to a request.
            options: what the description needs beside the contract, such as the address of the bus.

        Raises:
            Refusal: `too-large`: it takes longer than anybody may wait.
        """
        caller = await self.calling_system(request) or request.remote or ""
        contract = orjson.dumps((document.spec or {})["contract"])
        return await self._workers.describe(caller, form, contract, **options)


def is_large(document: DocumentVersion) -> bool:
    """Return whether a service's contract is too large to be described in the event loop."""
    return len(document.data) > MAX_BYTES_IN_EVENT_LOOP
