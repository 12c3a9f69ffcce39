"""The adapter in Node: nothing of lgsp in it, and a service on the bus all the same."""

import asyncio
import shutil
import subprocess
from pathlib import Path

from support.processes import Process
from support.workbench import Workbench

EXAMPLE = Path(__file__).parents[2] / "examples/node_adapter"
MODULES = Path("~/.cache/lgsp-tests/node-adapter").expanduser()


async def test_a_service_from_node(bus: Workbench, tmp_path: Path) -> None:
    assert shutil.which("npm"), "npm is missing; apt-get install nodejs npm"
    MODULES.mkdir(parents=True, exist_ok=True)
    for name in ("adapter.mjs", "package.json"):
        shutil.copy(EXAMPLE / name, MODULES / name)
    if not (MODULES / "node_modules/nats").exists():
        subprocess.run(["npm", "install", "--silent"], cwd=MODULES, check=True)
    key = tmp_path / "provider.pem"
    key.write_bytes(bus.keys["provider"].to_pem())
    command = [
        "node",
        str(MODULES / "adapter.mjs"),
        "--gateway",
        f"http://127.0.0.1:{bus.port}",
        "--nats",
        bus.nats_url,
    ]
    command += ["--system", "provider", "--key", str(key), "--service", "desk", "--major", "1"]
    adapter = await Process(command, tmp_path / "node.log").start()
    assert (await bus.call("read")).json == {"ketQua": "KHOP"}
    assert (await bus.call("read", {"soDinhDanh": "022093009999"})).code == "person-not-found"
    assert (await bus.call("narrow")).code == "no-adapter"
    calls = [asyncio.create_task(bus.call("read")) for _ in range(200)]
    assert {(await call).status for call in calls} == {200}
    assert await adapter.stop() == 0
    assert (await bus.call("read")).code == "no-adapter"
