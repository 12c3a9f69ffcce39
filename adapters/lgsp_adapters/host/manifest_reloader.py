"""Reloads what is served when its files change: the manifest, the files that it names, and the contracts, checked once a second.

A faulty change is refused with an entry in the log, and what was served before goes on.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import structlog

from lgsp_adapters.manifest import Manifest, load
from lgsp_contracts import catalog
from lgsp_contracts.contract import Contract
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.error_frames import frames

LOOK_SECONDS = 1.0
"""How often the manifests are checked for changes."""

Times = dict[Path, int]
"""When files were last written, in nanoseconds."""


class HostedPart(Protocol):
    """A part of the host that serves one manifest."""

    async def start(self) -> None:
        """Start serving."""

    async def stop(self) -> None:
        """Stop, finishing the calls in progress."""

    async def take_over(self, changed: Any) -> None:
        """Hand over to another one, of the same manifest as it is now."""


class ContractFolder:
    """The contracts of a folder, or of a file, as they are now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: Times = {}
        self._catalog: catalog.Catalog = {}
        self._times: Times = {}
        self._times_read_at = -LOOK_SECONDS

    def times(self) -> Times:
        """Return when they were last written; read once for all adapters of a process that ask at the same moment."""
        if time.monotonic() - self._times_read_at > LOOK_SECONDS / 2:
            self._times = _times(self._folder.rglob("*.yaml") if self._folder.is_dir() else [self._folder])
            self._times_read_at = time.monotonic()
        return self._times

    def of(self, manifest: Manifest) -> Contract:
        """Return the contract that a manifest implements.

        Raises:
            Refusal: `invalid-document`, when one of them is wrong or there is none.
        """
        if (now := self.times()) != self._seen or not now:
            self._catalog = catalog.load(self._folder)
            self._seen = now
        contract = self._catalog.get((manifest.service, manifest.major))
        if contract is None:
            raise manifest.location.refusal(
                f"không có hợp đồng {manifest.service} v{manifest.major} trong danh mục; hãy nêu thư mục có hợp đồng này bằng --catalog",
                f"the catalogue has no contract {manifest.service} v{manifest.major}; name the folder that holds it with --catalog",
            )
        return contract


class ManifestReloader:
    """One manifest, and the part that serves it.

    Args:
        build: builds what serves a manifest.

    Raises:
        Refusal: `invalid-document`, as `build` says.
    """

    def __init__(self, manifest: Manifest, contracts: ContractFolder, build: Callable[[Manifest], HostedPart]) -> None:
        self._manifest = manifest
        self._contracts = contracts
        self._build = build
        self._seen = self._times()
        self._current = build(manifest)
        self._watching: Task | None = None

    async def start(self, background: Background) -> None:
        """Serve the manifest, and follow its changes."""
        await self._current.start()
        name = f"manifest of {self._manifest.service}"
        self._watching = background.run_every(name, LOOK_SECONDS, self._reload_if_changed, within=None, at_once=False)

    async def stop(self) -> None:
        """Stop following changes, and finish the calls in progress."""
        if self._watching:
            await self._watching.stop()
        await self._current.stop()

    async def _reload_if_changed(self) -> None:
        if (now := self._times()) == self._seen:
            return
        self._seen = now
        log = structlog.get_logger().bind(manifest=self._manifest.location.name)
        try:
            changed = load(Path(self._manifest.location.name))
            if changed.system != self._manifest.system:
                log.error("changed manifest refused", reason="a manifest of another system takes a start of its own")
                return
            running = self._build(changed)
            await self._current.take_over(running)
            self._current, self._manifest = running, changed
            self._seen = self._times()
            log.warning("changed manifest served")
        except Refusal as refusal:
            log.error("changed manifest refused", reason=refusal.detail.en, frames=frames(refusal))
            if isinstance(refusal, CannotStart):  # not the change's fault: NATS may be down, for instance
                self._seen = {}
        except Exception as error:  # a manifest of somebody's own kind may fail in any way; the one before goes on
            log.error("changed manifest failed", error=type(error).__name__, frames=frames(error))

    def _times(self) -> Times:
        return _times(_files(self._manifest)) | self._contracts.times()


def _files(manifest: Manifest) -> list[Path]:
    """The manifest and the files that it names."""
    named = [
        value[kind]
        for value in manifest.document.get("connection", {}).values()
        if isinstance(value, dict)
        for kind in ("file", "yaml")
        if kind in value
    ]
    named += [path for name, path in (manifest.document.get("tls") or {}).items() if name != "legacy"]
    if "wsdl" in manifest.document.get("soap", {}):
        named.append(manifest.document["soap"]["wsdl"])
    return [Path(manifest.location.name), *(manifest.folder / path for path in named)]


def _times(paths: Iterable[Path]) -> Times:
    return {path: path.stat().st_mtime_ns for path in paths if path.exists()}
