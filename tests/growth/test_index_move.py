"""A search index on SQLite is moved to PostgreSQL by one command, while calls go on and the old index answers."""

import asyncio
import sys
from pathlib import Path

from support.postgres import Postgres
from support.waits import eventually, until_set
from support.workbench import Workbench

from lgsp_gateway.evidence.search.store import Index
from lgsp_gateway.local import nats_config


async def lgsp(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lgsp_gateway", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_one_command_fills_another_index_beside_the_one_that_serves(tmp_path: Path, postgres: Postgres) -> None:
    bus = await Workbench(tmp_path).start()
    try:
        await bus.serve()
        statuses = [(await bus.call()).status for _ in range(50)]
        stop = asyncio.Event()

        async def call() -> None:
            statuses.extend([(await bus.call()).status for _ in until_set(stop)])

        caller = asyncio.create_task(call())
        address = await postgres.new_database()
        move = ["indexer", "move", "--to", address, "--nats", bus.nats_url]
        said = await lgsp(*move, "--nats-passwords", str(nats_config.passwords(bus.state)))
        stop.set()
        await caller
        assert set(statuses) == {200}
        assert address in said
        index = Index(address, writes=False)
        try:
            size = await index.size_of("bench")
            assert size >= 50
            await lgsp(*move, "--nats-passwords", str(nats_config.passwords(bus.state)))  # it goes on where it ended

            async def has_all() -> bool:
                return await index.size_of("bench") >= len(statuses)

            await eventually(has_all)
        finally:
            await index.close()
    finally:
        await bus.stop()
