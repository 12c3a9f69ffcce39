"""One adapter out of a manifest in the test, and a system over HTTP for it to ask."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from lgsp_adapters.adapter import Adapter
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from support.workbench import CONTRACTS

CONTRACT = Contract.from_document(
    {**CONTRACTS[0], "operations": {"read": CONTRACTS[0]["operations"]["read"]}}  # type: ignore[index]
)
"""A service with the one operation `read`."""


ROWS_MANIFEST: dict[str, Any] = {
    "service": "desk",
    "major": 1,
    "system": "alpha",
    "kind": "rows",
    "operation": "register",
    "purpose": "thu-nghiem",
    "connection": {"folder": "drops"},
    "files": {"pattern": "*.csv", "format": "csv"},
    "request": {"soDinhDanh": 'row."Số"', "hoVaTen": 'row."Tên"'},
}
"""A manifest of the connector `rows`: the files of `drops` become calls of `register`."""


def manifest_of(kind: str, url: str, folder: Path = Path(), **told: Any) -> Manifest:
    """A manifest for the service of `CONTRACT`; what is told goes beside its head."""
    head = {"service": "desk", "major": 1, "system": "provider", "kind": kind, "connection": {"url": url}}
    return Manifest(SourceLocation("test"), {**head, **told}, {"url": url}, folder)


@asynccontextmanager
async def opened(
    kind: str, url: str, folder: Path = Path(), contract: Contract = CONTRACT, **told: Any
) -> AsyncIterator[Adapter]:
    """An adapter, open."""
    adapter = build_adapter(manifest_of(kind, url, folder, **told), contract)
    await adapter.open()
    try:
        yield adapter
    finally:
        await adapter.close()


@asynccontextmanager
async def saying(body: str, seen: list[tuple[str, bytes]] | None = None) -> AsyncIterator[str]:
    """The address of a system that always says this JSON; what it was asked goes into `seen`."""

    async def answer(request: web.Request) -> web.Response:
        if seen is not None:
            seen.append((request.path_qs, await request.read()))
        return web.Response(text=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def reading(statement: str, **told: Any) -> Mapping[str, Any]:
    """The part of a manifest of the kind `sql` in which `read` runs a statement."""
    return {"operations": {"read": {"statement": statement, **told}}}
