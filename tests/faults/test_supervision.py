"""A supervisor is told that a process lives, as systemd wants it, and which of its background tasks fail."""

import asyncio
import socket
from pathlib import Path

from support.workbench import Workbench

from lgsp_runtime.background import Background
from lgsp_runtime.supervision import Supervisor


async def heard(listener: socket.socket) -> dict[str, str]:
    said = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(listener, 4096), 20)
    return dict(line.partition("=")[::2] for line in said.decode().splitlines())


def listening(address: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.setblocking(False)
    listener.bind(address)
    return listener


async def test_a_process_says_that_it_is_ready_and_lives(bus: Workbench) -> None:
    with listening("\0lgsp-test-supervision") as listener:
        gateway = bus.another_gateway("supervised", 0)
        gateway.environment |= {"NOTIFY_SOCKET": "@lgsp-test-supervision", "WATCHDOG_USEC": "300000"}
        await gateway.start()
        assert await heard(listener) == {"READY": "1"}
        for _ in range(3):
            assert await heard(listener) == {"WATCHDOG": "1", "STATUS": ""}
        await gateway.stop()


async def test_it_says_what_fails(tmp_path: Path) -> None:
    async def fails() -> None:
        raise OSError

    with listening(str(tmp_path / "signs")) as listener:
        async with Background() as background:
            background.run_every("looking", 1, fails, within=1)
            await asyncio.sleep(0)
            Supervisor(str(tmp_path / "signs"), 0.1).watch(background)
            async with asyncio.timeout(20):
                while (await heard(listener))["STATUS"] != "failing: looking (OSError)":
                    pass


async def test_a_supervisor_that_is_not_there_holds_nothing_up(tmp_path: Path) -> None:
    Supervisor(str(tmp_path / "none"), 0.1).notify(READY="1")
    Supervisor().notify(READY="1")
