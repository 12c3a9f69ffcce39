"""The store of a bus that an earlier version has made, which the code of today takes over."""

import json
import tarfile
from pathlib import Path
from typing import Any

import yaml

from lgsp_auth.signing_keys import SigningKey
from support.workbench import Workbench

STORES = Path(__file__).parents[1] / "upgrade" / "stores"


class OldStore(Workbench):
    """A bus on the store of an earlier version.

    Args:
        folder: an empty folder, into which the store is unpacked.
        version: that made the store.
    """

    def __init__(self, folder: Path, version: str) -> None:
        with tarfile.open(STORES / f"{version}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        (folder / "catalog").rename(folder / "old-catalog")
        contracts: list[dict[str, Any]] = [
            yaml.safe_load(file.read_text()) for file in sorted((folder / "old-catalog").iterdir())
        ]
        super().__init__(folder, contracts=contracts, servers=1)
        made = json.loads((folder / "made.json").read_text())
        self.auditors_keys = folder / "auditor.txt"
        self.messages: list[str] = made["messages"]
        """Those that were answered by the earlier version."""
        self._old_systems: dict[str, str] = made["systems"]

    def _write_registry(self) -> None:
        """Leave the registry as it is."""
        self.keys = {name: SigningKey.from_pem(pem.encode()) for name, pem in self._old_systems.items()}
