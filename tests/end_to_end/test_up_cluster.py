"""`lgsp up --servers 3`: a cluster of real NATS servers; one of them killed, calls go on and nothing that was answered is missing."""

import os
import signal
from pathlib import Path

import pytest
from end_to_end.test_up import VERIFY_AN, Up
from support.waits import eventually

pytestmark = pytest.mark.long


async def test_a_cluster_goes_on_without_each_of_its_servers(tmp_path: Path) -> None:
    up = Up(tmp_path)
    up.process.command += ["--servers", "3"]
    await up.start()
    try:
        for server in ("nats-server 1", "nats-server 2", "nats-server 3"):
            process = up.running["processes"][server]
            os.kill(process, signal.SIGKILL)

            async def answers() -> bool:
                code, _, _ = await up.call(*VERIFY_AN)
                return code == 0

            await eventually(answers)

            async def is_back(killed: int = process, name: str = server) -> bool:
                return up.running["processes"].get(name, killed) != killed

            await eventually(is_back)

        async def is_whole() -> bool:
            return (await up.lgsp("doctor"))[0] == 0

        await eventually(is_whole)
        code, _, err = await up.lgsp("evidence", "verify")
        assert code == 0, err
    finally:
        assert await up.stop() == 0


async def test_a_folder_keeps_the_number_of_servers_that_it_began_with(tmp_path: Path) -> None:
    """A server by itself that becomes one of a cluster would delete what it stores."""
    up = Up(tmp_path)
    (up.state / "nats/data").mkdir(parents=True)
    code, _, err = await up.lgsp("up", "--servers", "3", "--port", str(up.port))
    assert code == 1
    assert "began with 1 NATS server" in err
