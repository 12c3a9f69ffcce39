"""A gateway with a province's registry: `python tests/bench/registry_size.py [--services 10000 --systems 5000 --grants 100000]`.

Fills an empty store, starts a gateway on it and prints how long it takes to be ready, how much memory it holds, and what a
call costs beside a gateway with ten of each, measured in turns.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.processes import Process, free_port
from support.workbench import CONTRACTS, TEXT, Workbench, grant

from lgsp_gateway.registry.documents import DocumentVersion, service_name
from lgsp_gateway.registry.store import SUBJECTS
from lgsp_runtime.nats.connection import connect

BATCH = 500
AGENCIES = 50


async def fill(bus: Workbench, services: int, systems: int, grants: int) -> None:
    """Write documents as the store keeps them, without asking anybody."""
    connection = await connect(bus.endpoint("gateway"), "fill")
    jetstream = connection.jetstream()
    versions = [
        DocumentVersion.of(
            "System", f"sys-{n}", {"agency": f"H49.{n % AGENCIES + 1}", "title": TEXT}, 0, 0, "bench", ""
        )
        for n in range(systems)
    ]
    for n in range(services):
        contract = {**CONTRACTS[0], "service": f"svc-{n}", "provider": f"sys-{n % systems}"}
        versions.append(
            DocumentVersion.of("Service", service_name(f"svc-{n}", 1), {"contract": contract}, 0, 0, "bench", "")
        )
    for n in range(grants):
        spec = grant("x", f"sys-{n % systems}", f"svc-{n % services}", read=["/ketQua"], narrow=["*"])["spec"]
        versions.append(DocumentVersion.of("Grant", f"grant-{n}", spec, 0, 0, "bench", ""))
    for start in range(0, len(versions), BATCH):
        await asyncio.gather(
            *(
                jetstream.publish(f"{SUBJECTS}{v.kind}.{v.name}", v.data, timeout=30)
                for v in versions[start : start + BATCH]
            )
        )
    await connection.close()


def megabytes(process: Process) -> float:
    """Resident memory."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


async def rate(bus: Workbench, seconds: float = 2.0, callers: int = 16) -> float:
    """Calls a second."""
    done = 0
    until = time.perf_counter() + seconds

    async def load() -> None:
        nonlocal done
        while time.perf_counter() < until:
            assert (await bus.call()).status == 200
            done += 1

    await asyncio.gather(*(load() for _ in range(callers)))
    return done / seconds


async def main(services: int, systems: int, grants: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Workbench(Path(folder) / "small"), Workbench(Path(folder) / "large")
        await small.start()
        await large.start()
        await large.gateway.stop()
        began = time.perf_counter()
        await fill(large, services, systems, grants)
        print(
            f"filled with {services} services, {systems} systems, {grants} grants in {time.perf_counter() - began:.0f} s"
        )
        large.gateway = large.another_gateway(f"large-{free_port()}", large.port)
        began = time.perf_counter()
        await large.gateway.start()
        print(f"ready after {time.perf_counter() - began:.1f} s, {megabytes(large.gateway):.0f} MB")
        for bus in (small, large):
            await bus.serve()
        ratios = [await rate(large) / await rate(small) for _ in range(7)]
        print(
            f"calls a second, large to small: median {statistics.median(ratios):.3f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )
        await small.stop()
        await large.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--systems", type=int, default=5_000)
    parser.add_argument("--grants", type=int, default=100_000)
    options = parser.parse_args()
    asyncio.run(main(options.services, options.systems, options.grants))
