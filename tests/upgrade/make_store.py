"""Makes the store that a later version must take over. It is run with the code of a release, and by that release's own workbench:

git worktree add /tmp/release v0.2.0 && cd /tmp/release
PYTHONPATH=gateway:auth:contracts:adapters:tests python …/tests/upgrade/make_store.py FOLDER
tar --create --xz --file …/tests/upgrade/stores/0.2.0.tar.xz --directory FOLDER --exclude 'state/logs/*' .
"""

import asyncio
import json
import sys
from pathlib import Path

import support.workbench
from support.processes import Process
from support.waits import WORK_SECONDS
from support.workbench import Workbench


def _process(command: list[str], log: Path) -> Process:
    return Process([sys.executable, "-m", "lgsp_gateway", *command], log)


async def make(folder: Path) -> None:
    """Start a bus, make calls, wait until they are signed, and write down what a later version is asked for."""
    support.workbench.Preloaded = _process  # type: ignore[assignment,misc]  # the release's code, not what is preloaded
    bus = await Workbench(folder).start()
    await bus.serve()
    messages = [(await bus.call()).message for _ in range(5)]
    headers = {"Authorization": f"Bearer {bus.token('auditor')}"}
    async with asyncio.timeout(WORK_SECONDS):
        signed = 0
        while signed < len(messages):
            async with bus.session.get("/evidence/logs", headers=headers) as answer:
                signed = max((log["size"] for log in (await answer.json())["items"]), default=0)
    async with bus.session.get("/evidence/keys") as answer:
        (folder / "auditor.txt").write_text(await answer.text())
    systems = {name: key.to_pem().decode() for name, key in bus.keys.items()}
    (folder / "made.json").write_text(json.dumps({"messages": messages, "systems": systems}))
    await bus.stop()


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1])))
