"""How long one request keeps all others waiting: `python tests/bench/loop_blocking.py [--services 10000 --grants 100000]`.

Fills a bus with a province's registry and prints, for each route, the longest turn of the gateway's event loop while it is
answered (`monitored_gateway.py`), in milliseconds of processor time: the longest of three times.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.processes import Process, free_port
from support.workbench import CONTRACTS, TEXT, Workbench, document, grant

from bench.registry_size import fill, megabytes
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.store import SUBJECTS
from lgsp_runtime.nats.connection import connect

Step = Callable[[], Awaitable[object]]


def large_contract(service: str, version: str = "1.0.0", fields: int = 120, operations: int = 10) -> dict[str, Any]:
    """A contract as large as one document may be."""
    more = {f"truong{n}": {"type": "string", "maxLength": 100, "description": "Một trường"} for n in range(fields)}
    operation = dict(CONTRACTS[0]["operations"]["read"])
    for part in ("request", "response"):
        operation[part] = {**operation[part], "properties": {**operation[part]["properties"], **more}}
    named = {f"op-{n}": operation for n in range(operations)}
    return {**CONTRACTS[0], "service": service, "version": version, "operations": named}


class Measured:
    """A bus with a large registry, and one gateway that is watched."""

    def __init__(self, bus: Workbench, folder: Path) -> None:
        self.bus = bus
        self.socket = str(folder / "monitor")

    async def start(self) -> None:
        """Start the gateway."""
        self.bus.gateway = self.bus.another_gateway(f"large-{free_port()}", self.bus.port)
        script = str(Path(__file__).with_name("monitored_gateway.py"))
        self.bus.gateway = Process(
            [sys.executable, script, self.socket, *self.bus.gateway.command],
            self.bus.gateway.log,
            {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        )
        await self.bus.gateway.start()

    async def longest(self, step: Step) -> float:
        """Milliseconds that the loop was blocked meanwhile."""
        reader, writer = await asyncio.open_unix_connection(self.socket)
        await step()
        await asyncio.sleep(0.05)
        writer.write_eof()
        return float(await reader.read())

    def get(self, path: str, system: str = "operator") -> Step:
        """Read a path; with a token, unless the system is ""."""

        async def step() -> None:
            headers = {"Authorization": f"Bearer {self.bus.token(system)}"} if system else {}
            async with self.bus.session.get(path, headers={**headers, "Accept-Language": "vi"}) as answer:
                await answer.read()
                assert answer.status == 200, (path, answer.status, await answer.text())

        return step

    def write(self, method: str, path: str, sent: Any = None, system: str = "operator") -> Step:
        """Change the registry, with the current version's tag where there is one."""

        async def step() -> None:
            current = await self.bus.registry("GET", path.partition("?")[0]) if method != "POST" else None
            tag = {"If-Match": current.headers["ETag"]} if current and current.status == 200 else {"If-None-Match": "*"}
            got = await self.bus.registry(method, path, sent, headers=tag if method != "POST" else {}, system=system)
            assert got.status in (200, 201, 204), got.body

        return step

    def publish(self, version: DocumentVersion) -> Step:
        """A change that arrives from elsewhere."""

        async def step() -> None:
            connection = await connect(self.bus.endpoint("gateway"), "test")
            await connection.jetstream().publish(f"{SUBJECTS}{version.kind}.{version.name}", version.data)
            await connection.close()

        return step


def _step(service: str, operation: str, measured: Measured) -> Step:
    async def step() -> None:
        await measured.bus.call(operation, service=service)

    return step


def steps(on: Measured) -> list[tuple[str, Step]]:
    """What is measured, in order."""
    big, desk = large_contract("large"), {**CONTRACTS[0], "service": "new-desk"}
    given = grant("new-grant", "sys-1", "svc-1", read=["*"])
    moved = document("System", "sys-new", agency="H49.2", title=TEXT)

    def service(contract: dict[str, Any], **more: Any) -> dict[str, Any]:
        return document("Service", f"{contract['service']}-v1", contract=contract, **more)

    found: list[tuple[str, Step]] = [
        ("nothing", lambda: asyncio.sleep(3)),
        ("GET /catalog", on.get("/catalog", "")),
        ("GET /catalog?q=", on.get("/catalog?q=svc-77%20th%E1%BB%AD", "")),
        ("GET /catalog/services", on.get("/catalog/services?limit=1000", "alpha")),
        ("GET /catalog/services/svc-1/v1", on.get("/catalog/services/svc-1/v1", "")),
        ("GET …/openapi.json", on.get("/catalog/services/svc-2/v1/openapi.json", "")),
        ("GET …/asyncapi.json", on.get("/catalog/services/svc-3/v1/asyncapi.json", "")),
    ]
    found += [
        (f"GET /registry/{path} ({system})", on.get(f"/registry/{path}", system))
        for path, system in (
            *(("agencies", "operator"), ("systems?limit=1000", "operator"), ("systems?agency=H49.1", "agency-admin")),
            *(("services?limit=1000", "operator"), ("services?provider=sys-3", "integrator")),
            *(("grants", "operator"), ("grants?limit=1000", "operator"), ("grants", "agency-admin")),
            *(("grants?consumer=sys-1", "operator"), ("grants?service=svc-1", "operator")),
            *(("grants?expiringWithin=30", "operator"), ("grants/grant-77", "operator")),
            ("services/svc-1-v1/history", "operator"),
        )
    ]
    found += [
        ("PUT a service", on.write("PUT", "services/new-desk-v1", service(desk))),
        ("PUT a service of 190 kB", on.write("PUT", "services/large-v1", service(big))),
        (
            "PUT its next version",
            on.write("PUT", "services/large-v1", service({**big, "version": "1.1.0", "title": TEXT})),
        ),
        ("GET its page", on.get("/catalog/services/large/v1", "")),
        ("GET its openapi.json", on.get("/catalog/services/large/v1/openapi.json", "")),
        ("GET /registry/services/large-v1", on.get("/registry/services/large-v1")),
        ("PUT a grant", on.write("PUT", "grants/new-grant", given)),
        ("POST grants/{name}/suspend", on.write("POST", "grants/new-grant/suspend", {"reason": "x"})),
        ("POST grants/{name}/resume", on.write("POST", "grants/new-grant/resume", {"reason": "x"})),
        ("DELETE a grant", on.write("DELETE", "grants/new-grant")),
        ("PUT a system", on.write("PUT", "systems/sys-new", moved)),
        ("DELETE a service", on.write("DELETE", "services/new-desk-v1")),
        ("GET /ops/adapters", on.get("/ops/adapters")),
        ("GET /ops/checks", on.get("/ops/checks")),
        ("GET /metrics", on.get("/metrics", "")),
        ("a call", _step("desk", "read", on)),
        ("a first call of a service", _step("svc-5", "read", on)),
        (
            "a change of a grant arrives",
            on.publish(DocumentVersion.of("Grant", "grant-9", given["spec"], 0, 0, "x", "")),
        ),  # type: ignore[arg-type]
        (
            "a change of a service arrives",
            on.publish(DocumentVersion.of("Service", "large-v1", {"contract": big}, 0, 0, "x", "")),
        ),  # type: ignore[arg-type]
    ]
    return found


async def main(services: int, systems: int, grants: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        bus = Workbench(Path(folder) / "bus")
        await bus.start()
        await bus.gateway.stop()
        await fill(bus, services, systems, grants)
        measured = Measured(bus, Path(folder))
        began = time.perf_counter()
        await measured.start()
        print(f"ready after {time.perf_counter() - began:.1f} s, {megabytes(bus.gateway):.0f} MB")
        adapter = await bus.serve()
        result = {}
        for name, step in steps(measured):
            once = name.startswith(("PUT", "POST", "DELETE", "a first"))
            try:
                result[name] = max([await measured.longest(step) for _ in range(1 if once else 3)])
                print(f"{result[name]:10.2f} ms  {name}", flush=True)
            except (AssertionError, KeyError, OSError) as error:
                print(f"         -     {name}: {str(error)[:150]}", flush=True)
        print(json.dumps(result))
        await bus.unserve(adapter)
        await bus.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--systems", type=int, default=5_000)
    parser.add_argument("--grants", type=int, default=100_000)
    options = parser.parse_args()
    asyncio.run(main(options.services, options.systems, options.grants))
