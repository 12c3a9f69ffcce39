"""The receivers of a fault run, each a process with a ledger of its own, which is killed like everything else.

`python -m support.fault_processes adapter NATS_URL TOKEN CATALOG LEDGER` serves the service `desk`;
`python -m support.fault_processes endpoint PORT LEDGER` receives webhooks. Each writes what it got into its ledger, which is the effect, and
answers some milliseconds later: whoever is killed in between does not learn of it.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

from lgsp_adapters.adapter import NOT_TRACED, Adapter, Call
from lgsp_adapters.host.served_adapter import ServedAdapter
from lgsp_adapters.manifest import Manifest
from lgsp_contracts import catalog
from lgsp_contracts.source_location import SourceLocation
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import NatsEndpoint

WORK_SECONDS = 0.02
"""How long a receiver takes for one message, so that some wait."""


class Ledger:
    """Lines in a file, each written whole."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def add(self, *words: str) -> None:
        os.write(self._file, (" ".join(words) + "\n").encode())


class Desk(Adapter):
    """Notes the name that it is asked about."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__({})
        self._ledger = ledger

    def method(self, _operation: str) -> Any:
        async def answer(request: dict[str, Any], _call: Call) -> dict[str, Any]:
            self._ledger.add(request.get("hoVaTen", "-"))
            await asyncio.sleep(WORK_SECONDS)
            return {"ketQua": "KHOP"}

        return answer


async def serve_adapter(url: str, token: str, folder: str, ledger: str) -> None:
    connection = await connect_for_calls(NatsEndpoint(url, token=lambda: token), "adapter of a fault run")
    told = {"service": "desk", "major": 1, "system": "provider", "kind": "python"}
    manifest = Manifest(SourceLocation("test"), told, {}, Path())
    contract = catalog.load(Path(folder))["desk", 1]
    await ServedAdapter(Desk(Ledger(ledger)), manifest, contract, connection, NOT_TRACED).start()


async def serve_endpoint(port: str, path: str) -> None:
    ledger = Ledger(path)

    async def receive(request: web.Request) -> web.Response:
        data = (await request.json())["data"]
        ledger.add(f"{data['maHoSo']}/{data['can']}", request.headers["webhook-id"])
        await asyncio.sleep(WORK_SECONDS / 2)
        return web.Response()

    app = web.Application()
    app.router.add_post("/{path:.*}", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port)).start()


async def main(kind: str, *arguments: str) -> None:
    await {"adapter": serve_adapter, "endpoint": serve_endpoint}[kind](*arguments)  # type: ignore[operator]
    print("READY", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
