"""A gateway that must not start says why, in one sentence."""

import asyncio
import shutil
import sys
from pathlib import Path

from support.processes import Process, free_port, run
from support.workbench import Workbench

from lgsp_gateway.local import nats_config


async def start(bus: Workbench, option: str, value: object) -> tuple[int, str, str]:
    options = {
        "--port": free_port(),
        "--nats": bus.nats_url,
        "--nats-passwords": nats_config.passwords(bus.state),
        "--keys": bus.state.keys,
        "--registry": bus.state.registry,
        "--catalog": bus.catalog_folder,
        option: value,
    }
    return await run("gateway", "run", *(str(part) for pair in options.items() for part in pair))


def sentence(result: tuple[int, str, str]) -> str:
    code, _, err = result
    assert code == 1
    assert "Traceback" not in err
    [line] = [line for line in err.splitlines() if line.startswith("lgsp: ")]
    return line


async def test_a_server_that_does_not_sync_is_refused(bus: Workbench, tmp_path: Path) -> None:
    port = free_port()
    config = (bus.state.nats / "nats.conf").read_text()
    lazy = config.replace('"sync_interval": "always"', '"sync_interval": "2m"').replace(str(bus.nats_port), str(port))
    lazy = lazy.replace(str(bus.state.nats.absolute() / "data"), str(tmp_path / "data"))
    (tmp_path / "nats.conf").write_text(lazy)
    binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    server = await Process([str(binary), "-c", str(tmp_path / "nats.conf")], tmp_path / "log").start(wait_ready=False)
    async with asyncio.timeout(10):
        while "Server is ready" not in (tmp_path / "log").read_text():
            await asyncio.sleep(0.01)
    said = sentence(await start(bus, "--nats", f"nats://127.0.0.1:{port}"))
    await server.stop()
    assert "does not sync each message to disk" in said
    assert "sync_interval: always" in said


async def test_a_taken_port_is_said(bus: Workbench) -> None:
    assert f"Cannot listen on port {bus.port}" in sentence(await start(bus, "--port", str(bus.port)))


async def test_no_nats_is_said(bus: Workbench) -> None:
    assert "Cannot connect to NATS" in sentence(await start(bus, "--nats", "nats://127.0.0.1:9"))


async def test_a_wrong_password_is_said(bus: Workbench, tmp_path: Path) -> None:
    for user in ("gateway", "system"):
        (tmp_path / user).write_text("wrong")
    assert "Cannot connect to NATS" in sentence(await start(bus, "--nats-passwords", str(tmp_path)))
    assert "Cannot read the NATS password" in sentence(await start(bus, "--nats-passwords", str(tmp_path / "none")))


async def test_a_broken_registry_is_said_with_its_place(bus: Workbench, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("apiVersion: lgsp/v1\nkind: System\nmetadata: {name: a}\nspec: {agency: H49.1}\n")
    said = sentence(await start(bus, "--registry", str(tmp_path)))
    assert f"{tmp_path}/x.yaml, /spec/title: is required" in said
