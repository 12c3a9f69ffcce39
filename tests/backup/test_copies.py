"""A copy of a bus beside its living original: it must not sign under the same name."""

import shutil
from pathlib import Path

from support.preloaded import run
from support.processes import free_port
from support.waits import eventually
from support.workbench import Workbench

from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local import nats_config, nats_process
from lgsp_gateway.local.state_dir import StateDir


async def test_a_copied_bus_does_not_start_beside_its_original(breakable_bus: Workbench, tmp_path: Path) -> None:
    bus = breakable_bus
    await bus.serve()
    assert (await bus.call()).status == 200
    await bus.gateway.stop()
    await bus.nats.stop()
    copy = StateDir(tmp_path / "copy")
    shutil.copytree(bus.state.root, copy.root)
    await bus.start_nats()
    await bus.gateway.start()
    async with nats_process.running(copy, 1, KeyStore(copy.keys).account_key().public) as url:
        code, _, err = await run(
            *("gateway", "run", "--name", "bench", "--port", str(free_port()), "--nats", url),
            *("--nats-passwords", str(nats_config.passwords(copy)), "--keys", str(copy.keys)),
            *("--registry", str(copy.registry), "--catalog", str(bus.catalog_folder)),
            *("--public-url", f"http://127.0.0.1:{bus.port}"),
        )
    assert code == 1
    assert f"Another bus at http://127.0.0.1:{bus.port} signs the log lgsp/bench with the same key" in err, err

    async def answers() -> bool:  # once the adapter has come back to the NATS server that was restarted
        return (await bus.call()).status == 200

    await eventually(answers)
