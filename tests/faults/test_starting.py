"""A gateway that must not start says why, in one sentence."""

import asyncio
import copy
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from support.preloaded import Preloaded, run
from support.processes import Process, free_port
from support.processes import run as run_fresh
from support.waits import WORK_SECONDS
from support.workbench import CONTRACTS, Workbench

from lgsp_gateway.local import nats_config


async def start(
    bus: Workbench, changed: dict[str, object], run: Callable[..., Awaitable[tuple[int, str, str]]] = run
) -> tuple[int, str, str]:
    options = {
        "--port": free_port(),
        "--nats": bus.nats_url,
        "--nats-passwords": nats_config.passwords(bus.state),
        "--keys": bus.state.keys,
        "--registry": bus.state.registry,
        "--catalog": bus.catalog_folder,
        **changed,
    }
    return await run("gateway", "run", *(str(part) for pair in options.items() for part in pair))


def sentence(result: tuple[int, str, str]) -> str:
    code, _, err = result
    assert code == 1, err
    assert "Traceback" not in err
    [line] = [line for line in err.splitlines() if line.startswith("lgsp: ")]
    return line


@asynccontextmanager
async def another_nats(bus: Workbench, folder: Path, **jetstream: str) -> AsyncIterator[str]:
    """A nats-server with the users of the bus and an empty store of its own."""
    port = free_port()
    config = json.loads((bus.state.nats / "nats.conf").read_text())
    config |= {"port": port, "log_file": str(folder / "log")}
    config["jetstream"] |= {"store_dir": str(folder / "data"), **jetstream}
    (folder / "nats.conf").write_text(json.dumps(config))
    binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    server = await Process([str(binary), "-c", str(folder / "nats.conf")], folder / "out").start(wait_ready=False)
    async with asyncio.timeout(10):
        while not (folder / "log").exists() or "Server is ready" not in (folder / "log").read_text():
            await asyncio.sleep(0.01)
    yield f"nats://127.0.0.1:{port}"
    await server.stop()


async def test_a_server_that_does_not_sync_is_refused(bus: Workbench, tmp_path: Path) -> None:
    async with another_nats(bus, tmp_path, sync_interval="2m") as url:
        said = sentence(await start(bus, {"--nats": url}))
    assert "does not sync each message to disk" in said
    assert "sync_interval: always" in said


async def test_a_taken_port_is_said(bus: Workbench) -> None:
    assert f"Cannot listen on port {bus.port}" in sentence(await start(bus, {"--port": bus.port}, run_fresh))


async def test_no_nats_is_said(bus: Workbench) -> None:
    assert "Cannot connect to NATS" in sentence(await start(bus, {"--nats": "nats://127.0.0.1:9"}))


@pytest.mark.parametrize("process", ["gateway", "adapter"])
async def test_a_connection_that_breaks_during_the_start_is_said(bus: Workbench, tmp_path: Path, process: str) -> None:
    async with breaking_off(bus.nats_port, b"SUB ") as url:
        if process == "gateway":
            result = await start(bus, {"--nats": url})
        else:
            (tmp_path / "provider.pem").write_bytes(bus.keys["provider"].to_pem())
            told = {"service": "desk", "major": 1, "system": "provider", "kind": "mock"}
            (tmp_path / "adapter.yaml").write_text(json.dumps(told))
            keys = ("--keys", str(tmp_path), "--catalog", str(bus.catalog_folder))
            gateway = f"http://127.0.0.1:{bus.port}"
            result = await run("adapter", "run", str(tmp_path), "--nats", url, "--gateway", gateway, *keys)
    assert "The connection to NATS broke while this was starting" in sentence(result)
    assert result[2].count("ConnectionRefusedError") <= 2  # not one for each of five attempts a second


@asynccontextmanager
async def breaking_off(port: int, at: bytes) -> AsyncIterator[str]:
    """A way to NATS that ends as soon as a client says this, and is not there any more then."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, until: bytes) -> None:
        async with asyncio.timeout(WORK_SECONDS):
            while (data := await reader.read(65536)) and (not until or until not in data):
                writer.write(data)
        writer.close()

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, to_inside = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pass_on(reader, to_inside, at), pass_on(inside, writer, b""), return_exceptions=True)
        way.close()

    way = await asyncio.start_server(between, "127.0.0.1", 0)
    yield f"nats://127.0.0.1:{way.sockets[0].getsockname()[1]}"
    way.close()


async def test_a_wrong_password_is_said(bus: Workbench, tmp_path: Path) -> None:
    for user in ("gateway", "system"):
        (tmp_path / user).write_text("wrong")
    assert "Cannot connect to NATS" in sentence(await start(bus, {"--nats-passwords": tmp_path}))
    assert "Cannot read the NATS password" in sentence(await start(bus, {"--nats-passwords": tmp_path / "none"}))


async def test_what_an_empty_registry_is_filled_with_must_be_right(bus: Workbench, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "x.yaml").write_text("apiVersion: lgsp/v1\nkind: System\nmetadata: {name: a}\nspec: {agency: H49.1}\n")
    async with another_nats(bus, tmp_path) as url:
        said = sentence(await start(bus, {"--registry": folder, "--nats": url}))
        assert f"{folder}/x.yaml:4, /spec/title: is required" in said
        good = (bus.state.registry / "registry.yaml").read_text()
        (folder / "x.yaml").write_text(f"{good}\n---\n{good}")
        assert "already; use each name once" in sentence(await start(bus, {"--registry": folder, "--nats": url}))


async def test_an_ambiguous_contract_does_not_fill_an_empty_registry(bus: Workbench, tmp_path: Path) -> None:
    ambiguous = copy.deepcopy(CONTRACTS[0])
    fields = ambiguous["operations"]["read"]["request"]["properties"]  # type: ignore[index]
    fields["soDinhDanh"] = {"type": "string", "pattern": r"^\d{12}$"}
    shutil.copytree(bus.catalog_folder, tmp_path / "contracts")
    (tmp_path / "contracts/desk.yaml").write_text(yaml.safe_dump(ambiguous, allow_unicode=True))
    async with another_nats(bus, tmp_path) as url:
        refused = sentence(await start(bus, {"--nats": url, "--catalog": tmp_path / "contracts"}))
    assert "desk.yaml:" in refused
    assert "/request/properties/soDinhDanh/pattern: two validators understand it differently" in refused


def test_a_gateway_loads_the_second_validator_only_when_it_judges() -> None:
    """It takes a tenth of a second, which every later start would pay for nothing."""
    program = "import sys, lgsp_gateway.cli.gateway_commands, lgsp_gateway.app; sys.exit('jsonschema' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=WORK_SECONDS, check=False).returncode == 0


async def test_an_adapter_that_waits_for_a_gateway_stops_when_told_to(bus: Workbench, tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def never_answers(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    server = await asyncio.start_server(never_answers, "127.0.0.1", 0)
    (tmp_path / "provider.pem").write_bytes(bus.keys["provider"].to_pem())
    (tmp_path / "adapter.yaml").write_text('{"service": "desk", "major": 1, "system": "provider", "kind": "mock"}')
    gateway = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    keys = ("--keys", str(tmp_path), "--catalog", str(bus.catalog_folder))
    command = ["adapter", "run", str(tmp_path / "adapter.yaml"), "--nats", bus.nats_url, "--gateway", gateway, *keys]
    adapter = await Preloaded(command, tmp_path / "log").start(wait_ready=False)
    await asyncio.wait_for(asked.wait(), 20)
    adapter.signal(signal.SIGTERM)
    async with asyncio.timeout(5):  # and not the thirty seconds for which it would wait
        assert await adapter.ended() == 0
    server.close()


@pytest.mark.parametrize("first", ["nats://127.0.0.1:9", "tls://127.0.0.1:9"])
async def test_of_several_nats_servers_one_suffices(bus: Workbench, first: str) -> None:
    gateway = bus.another_gateway("one-of-two", free_port())
    gateway.command[gateway.command.index("--nats") + 1] = f"{first}, {bus.nats_url}"
    await gateway.start()
    assert await gateway.stop() == 0
