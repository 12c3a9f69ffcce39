"""An office whose system is a folder: a manifest of the kind `files`, its adapter, and what is dropped."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from lgsp_adapters.adapter import Adapter, Declared
from lgsp_adapters.connectors import connector_lookup
from lgsp_adapters.manifest import Manifest, load
from lgsp_contracts import catalog
from support.national import call

ANY = {"type": "object"}
TEXT = {"vi": "Thử", "en": "Try"}
FIELDS = {"so": 'row."Số"', "ten": 'row."Họ tên"', "cccd": "row.CCCD"}
HEADING = "Số,Họ tên,CCCD\n"
WITHIN = 20
POLL_SECONDS = 0.05


class Office:
    """What was dropped where, and who answers."""

    def __init__(self, folder: Path, drops: Path, manifest: Manifest, adapter: Adapter) -> None:
        self.folder = folder
        self.drops = drops
        self.manifest = manifest
        self.adapter = adapter
        self._dropped = 0

    async def find(self, **request: Any) -> Any:
        """What is answered: a document, or the code of a declared error."""
        method = self.adapter.method("find")
        assert method
        try:
            return await method(request, call())
        except Declared as declared:
            return declared.code

    async def find_when_read(self, **request: Any) -> Any:
        """What is answered, once what lay in the folder when the adapter was opened has been read."""
        async with asyncio.timeout(WITHIN):
            while "file" not in self.adapter.standing()["data"]:
                await asyncio.sleep(0.02)
        return await self.find(**request)

    def put(self, name: str | bytes, content: str | bytes) -> None:
        """Drop a file, later than those before."""
        self._dropped += 1
        part = self.folder / "unfinished"
        part.write_bytes(content if isinstance(content, bytes) else content.encode())
        lately = time.time() - 1000 + self._dropped
        os.utime(part, (lately, lately))
        part.rename(self.drops / os.fsdecode(name))

    async def drop(self, name: str, content: str | bytes) -> dict[str, Any]:
        """Drop a file; the report on it."""
        report = self.drops / f"{name}.report.json"
        report.unlink(missing_ok=True)
        self.put(name, content)
        return await self.report(name)

    async def report(self, name: str, within: float = WITHIN) -> dict[str, Any]:
        """The report on a file, when it is there."""
        path = self.drops / f"{name}.report.json"
        async with asyncio.timeout(within):
            while not path.exists():
                await asyncio.sleep(0.02)
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def written(folder: Path, *, drops: str | None = None, request: Any = ANY, response: Any = ANY, **changed: Any) -> Path:
    """A manifest and its contract beside it."""
    (folder / "drops").mkdir(exist_ok=True)
    operation = {
        "title": TEXT,
        "timeout": "5s",
        "idempotent": True,
        "request": request,
        "response": response,
        "errors": {"not-found-here": {"status": 404, "title": TEXT}},
        "example": {"request": {"so": "A1"}, "response": {"so": "A1"}},
    }
    contract = {
        "service": "permits",
        "version": "1.0.0",
        "title": TEXT,
        "provider": "giay-phep",
        "classification": "internal",
        "operations": {"find": operation},
    }
    (folder / "contract.yaml").write_text(yaml.safe_dump(contract, allow_unicode=True))
    find = {
        "find": changed.pop("find", {"Số": "request.so"}),
        "none": "not-found-here",
        "answer": changed.pop("answer", FIELDS),
    }
    manifest = {
        "service": "permits",
        "major": 1,
        "system": "giay-phep",
        "kind": "files",
        "connection": {"folder": drops or str(folder / "drops"), **changed.pop("connection", {})},
        "files": {"pattern": "*.csv", "format": "csv", "poll-seconds": POLL_SECONDS, **changed.pop("files", {})},
        "operations": {"find": {key: value for key, value in find.items() if value is not None}},
        **changed,
    }
    path = folder / "adapter.yaml"
    path.write_text(yaml.safe_dump(manifest, allow_unicode=True))
    return path


def polled_often(manifest: Manifest) -> Manifest:
    """A manifest whose inbox is polled as often as it can be: nobody waits for files in a test."""
    files = {**manifest.document["files"], "poll-seconds": POLL_SECONDS}
    return replace(manifest, document={**manifest.document, "files": files})


def loaded(path: Path) -> tuple[Manifest, Any]:
    """A manifest and its contract."""
    found = load(path)
    return found, catalog.load(path.parent / "contract.yaml")["permits", 1]


@asynccontextmanager
async def office(folder: Path, **changed: Any) -> AsyncIterator[Office]:
    """One that answers."""
    manifest, contract = loaded(written(folder, **changed))
    adapter = connector_lookup.build_adapter(manifest, contract)
    await adapter.open()
    try:
        yield Office(folder, folder / "drops", manifest, adapter)
    finally:
        await adapter.close()
