"""A process that hosts adapters: each with its own connection to NATS, as the system it answers for."""

import asyncio
from contextlib import AsyncExitStack

from lgsp_adapters.manifest import Manifest
from lgsp_adapters.runtime import Served
from lgsp_contracts.catalog import Catalog
from lgsp_problems import Refusal
from lgsp_process import running
from lgsp_process.nats_connection import Door, connect


async def host(manifests: list[tuple[Manifest, Door]], catalog: Catalog, stop: asyncio.Event) -> None:
    """Serve until told to stop, then drain.

    Raises:
        Refusal: when an adapter cannot start; those that started are stopped again.
    """
    async with AsyncExitStack() as stack:
        for manifest, door in manifests:
            contract = catalog.get((manifest.service, manifest.major))
            if contract is None:
                raise Refusal(
                    "invalid-document",
                    vi=f"{manifest.where}: không có hợp đồng {manifest.service} v{manifest.major} trong danh mục.",
                    en=f"{manifest.where}: the catalogue has no contract {manifest.service} v{manifest.major}; add it.",
                )
            connection = await connect(door, f"adapter {manifest.service}")
            stack.push_async_callback(connection.close)
            served = Served(manifest.adapter(manifest.connection), manifest, contract, connection)
            await served.start()
            stack.push_async_callback(served.stop)
        running.ready(", ".join(f"{manifest.service} v{manifest.major}" for manifest, _ in manifests))
        await stop.wait()
