"""A national system as the tests ask it: the server that plays it and the adapter before it."""

import time
from dataclasses import replace
from typing import Any

import aiohttp

from lgsp_adapters.adapter import Adapter, Call
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.wire import Context
from support.shipped import shipped_catalogue

CATALOG = shipped_catalogue()


def call(seconds: float = 5) -> Call:
    deadline = int((time.time() + seconds) * 1000)
    return Call(Context("0190", "mot-cua", "H49.12", "giai-quyet-tthc", "1.0.0", deadline, "00-a-b-01"))


class National:
    """One national system: the server that plays it and the adapter that asks it."""

    def __init__(self, manifest: Manifest, adapter: Adapter, url: str) -> None:
        self.service = manifest.service
        self.manifest = manifest
        self.adapter = adapter
        self.url = url

    async def otherwise(self, **connection: Any) -> "National":
        """The same system, asked with something else in the connection. To be closed."""
        manifest = replace(self.manifest, connection={**self.manifest.connection, **connection})
        adapter = build_adapter(manifest, CATALOG[self.service, 1])
        await adapter.open()
        return National(manifest, adapter, self.url)

    async def ask(self, operation: str, request: dict[str, Any], seconds: float = 5) -> dict[str, Any]:
        """Ask the adapter; its answer is held against the contract, as the gateway does."""
        contract = CATALOG[self.service, 1].operations[operation]
        assert contract.request.is_valid(request)
        method = self.adapter.method(operation)
        assert method
        answer = await method(request, call(seconds))
        assert contract.response.violations(answer) == []
        return answer

    async def tell(self, **faults: Any) -> None:
        async with aiohttp.ClientSession() as session, session.post(f"{self.url}/_sandbox/faults", json=faults) as told:
            assert told.status == 200
