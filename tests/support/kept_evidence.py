"""Evidence that an earlier version wrote, kept as files (`tests/data/evidence_0_1`), and a bus of today that goes on from it."""

import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from support.searched import Searched
from support.workbench import Workbench

FOLDER = Path(__file__).parents[1] / "data/evidence_0_1"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a caller sent and got then."""

    message: str
    operation: str
    status: int
    code: str
    request: str
    answer: str
    gateway: str


def calls() -> list[Kept]:
    return [Kept(**one) for one in json.loads((FOLDER / "calls.json").read_text())]


def keys() -> dict[str, VerifierKey]:
    """The verifier keys that an auditor was handed then, by the gateway of the log."""
    found = [VerifierKey.parse(line) for line in (FOLDER / "keys.txt").read_text().splitlines()]
    return {key.name.rpartition("/")[2]: key for key in found}


def last_checkpoint(gateway: str) -> str:
    [log] = [one for one in json.loads((FOLDER / "logs.json").read_text()) if one["gateway"] == gateway]
    return str(log["checkpoint"])


class KeptBus:
    """A bus that was stopped with an earlier version, and is started with this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = folder / "archive"
        self.witness = folder / "witness"
        self.trusted = FOLDER / "keys.txt"
        self.witnesses = FOLDER / "witnesses.txt"
        self.bus = Workbench(folder)
        shutil.copytree(FOLDER / "archive", self.archive)
        with tarfile.open(FOLDER / "state.tar.gz") as tar:
            tar.extractall(folder / "state", filter="data")
        (folder / "state/witness").rename(self.witness)

    async def start(self, *options: str) -> "KeptBus":
        index = str(self.folder / "index.db")
        more = ["--index", index, "--archive", str(self.archive), "--witnesses", str(self.witnesses), *options]
        await self.bus.start(*more)
        self.searched = Searched(self.bus, self.folder, index)
        self.searched.indexer.command += ["--archive", str(self.archive)]
        await self.searched.start()
        return self

    async def stop(self) -> None:
        await self.searched.stop()

    @property
    def remote(self) -> list[str]:
        return ["--url", f"http://127.0.0.1:{self.bus.port}", "--token", self.bus.token("auditor")]

    async def asked(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.bus.token('auditor')}"}
        async with self.bus.session.get(f"/evidence/{path}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()
