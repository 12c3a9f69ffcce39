"""Keeps a gateway's registry in step with the store.

Each stored change is republished with its revision; revisions are consecutive, so a gap shows at once that something was
missed, and the store is read from there. Every second, and after each lost connection, the newest revision is compared
too. Until it is in step again the gateway is not ready; it goes on with what it knew.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from lgsp_gateway.registry import store
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.pacing import Pace

COMPARE_SECONDS = 1.0

BYTES_AT_A_TURN = 32 * 1024
"""Bytes of documents that are put in force before others have a turn: some two milliseconds."""


class RegistryReplica:
    """Keep one gateway's snapshot of the registry in step with the store."""

    def __init__(self, documents: DocumentStore, registry: RegistrySnapshot) -> None:
        self._store = documents
        self._registry = registry
        self._reading = asyncio.Lock()
        self._applied = asyncio.Condition()
        self._comparing: Task | None = None
        self.in_step = False
        self._out_of_step_since = time.monotonic()

    def stale_for(self) -> float:
        """Return the seconds since the registry was last known to be in step; 0 while it is."""
        return 0.0 if self.in_step else time.monotonic() - self._out_of_step_since

    async def start(self, connection: Client, background: Background) -> None:
        """Listen for changes, then read what is there."""
        await connection.subscribe(store.CHANGES + ">", cb=background.guard("registry changes", self._on_change))
        await connection.flush()
        await self._apply(self._store.read(0, only_latest=True))
        await self._catch_up()
        self._comparing = background.run_every(
            "registry", COMPARE_SECONDS, self._compare_revision, within=None, at_once=False
        )

    async def stop(self) -> None:
        """Stop following."""
        if self._comparing:
            await self._comparing.stop()

    async def connection_lost(self) -> None:
        """Note that the connection is gone: whether something was missed shows when it is back."""
        self._mark_stale()

    async def reconnected(self) -> None:
        """Read what was missed while the connection was gone."""
        with contextlib.suppress(Refusal):
            await self._catch_up()

    async def wait_for_revision(self, revision: int) -> None:
        """Wait until the registry has a revision: whoever wrote it then sees it in force."""
        async with self._applied:
            await self._applied.wait_for(lambda: self._registry.revision >= revision)

    async def catch_up(self) -> None:
        """Read what was written meanwhile.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await self._catch_up()

    async def _on_change(self, message: Msg) -> None:
        revision = int((message.headers or {}).get("Nats-Sequence", 0))
        if revision != self._registry.revision + 1:
            await self._catch_up()
            return
        self._registry.apply(store.parse_message(message.subject, revision, message.data))
        await self._notify_waiters()

    async def _catch_up(self) -> None:
        async with self._reading:
            last = await self._store.last_revision()
            if last > self._registry.revision:
                await self._apply(self._store.read(self._registry.revision))
            self.in_step = True
        await self._notify_waiters()

    async def _apply(self, versions: AsyncIterator[DocumentVersion]) -> None:
        pace = Pace(BYTES_AT_A_TURN)
        async for version in versions:
            self._registry.apply(version)
            await pace.spend(len(version.data))

    def _mark_stale(self) -> None:
        if self.in_step:
            self.in_step, self._out_of_step_since = False, time.monotonic()

    async def _notify_waiters(self) -> None:
        async with self._applied:
            self._applied.notify_all()

    async def _compare_revision(self) -> None:
        try:
            await self._catch_up()
        except Refusal as refusal:
            self._mark_stale()
            structlog.get_logger().warning("registry not in step", code=refusal.code)
        except Exception:
            self._mark_stale()
            raise
