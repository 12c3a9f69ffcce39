"""A bus that is backed up, lost and restored: what an operator runs, and the bus that is there afterwards."""

import shutil
from pathlib import Path

from lgsp_gateway.local import nats_config
from support.filings import Filings
from support.preloaded import run
from support.waits import eventually


class BackedUp:
    """A bus, a place for its backups, and the key that opens them, which the bus does not have.

    Args:
        place: another place than a folder beside the bus.
        environment: of the commands, for a place that needs it.
    """

    def __init__(self, folder: Path, place: str = "", environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.bus = Filings(folder / "bus")
        self.place = place or str(folder / "place")
        self.identity = folder / "operator" / "identity.txt"
        self.environment = environment or {}
        self.recipient = ""

    async def start(self) -> "BackedUp":
        code, out, err = await run("backup", "keygen", str(self.identity))
        assert code == 0, err
        self.recipient = out.strip()
        await self.bus.start()
        return self

    @property
    def nats(self) -> list[str]:
        """Where NATS is, and its passwords."""
        return ["--nats", self.bus.nats_url, "--nats-passwords", str(nats_config.passwords(self.bus.state))]

    async def backup(self) -> str:
        """Make a backup, and return what the command says of it."""
        code, out, err = await self.run(
            *("backup", "create", self.place, "--recipient", self.recipient, "--keys", str(self.bus.state.keys)),
            *self.nats,
        )
        assert code == 0, err
        return out

    async def verify(self) -> tuple[int, str, str]:
        return await self.run("backup", "verify", self.place, "--identity", str(self.identity))

    async def restore(self, *options: str) -> tuple[int, str, str]:
        """Restore the newest backup into the folder of the bus, unverified where no option names a verifier key."""
        target = ["--state-dir", str(self.bus.state.root), *options]
        if "--verifier-key" not in options:
            target.append("--accept-unverified")
        return await self.run("restore", self.place, "--identity", str(self.identity), *target)

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        return await run(*arguments, environment=self.environment)

    async def lose(self) -> None:
        """The machine is gone: processes by force, then all that was on its disks."""
        await self.bus.session.close()
        await self.bus.gateway.kill()
        await self.bus.nats.kill()
        for adapter in list(self.bus.adapters):
            await self.bus.unserve(adapter)
        shutil.rmtree(self.folder / "bus")

    async def restart(self) -> None:
        """Start the restored bus at the address of the lost one."""
        systems = self.bus.keys
        await self.bus.start()
        self.bus.keys = systems
        await self.bus.ready()

    async def signed(self, size: int) -> None:
        """Wait until the checkpoint of the log covers so many entries."""
        headers = {"Authorization": f"Bearer {self.bus.token('auditor')}"}

        async def is_signed() -> bool:
            async with self.bus.session.get("/evidence/logs", headers=headers) as answer:
                return any(log["size"] >= size for log in (await answer.json())["items"])

        await eventually(is_signed)

    async def evidence_is_whole(self, keys: Path) -> tuple[int, str, str]:
        """Verify the logs of the running bus with the keys that an auditor has."""
        remote = ["--url", f"http://127.0.0.1:{self.bus.port}", "--token", self.bus.token("auditor")]
        return await run("evidence", "verify", "--key", str(keys), *remote)

    async def auditors_keys(self) -> Path:
        """The verifier keys that an auditor was handed."""
        code, out, err = await run("evidence", "keys", "--url", f"http://127.0.0.1:{self.bus.port}")
        assert code == 0, err
        file = self.folder / "auditor.txt"
        file.write_text(out)
        return file
