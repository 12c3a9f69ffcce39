"""A process that hosts adapters: each with its own connection to NATS, as the system it answers for.

The server closes a connection when the token it was made with expires. So an adapter comes with a new token on a second
connection in good time, and only then leaves the first: no call falls between the two.
"""

import asyncio
import os
import socket
import time
from contextlib import AsyncExitStack
from functools import partial

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from lgsp_adapters.adapter import Adapter
from lgsp_adapters.building import build, hold
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.serving.feeding import Feeder
from lgsp_adapters.serving.following import Contracts, Followed, Running
from lgsp_adapters.serving.identity import SystemIdentity, Token
from lgsp_adapters.serving.runtime import Served
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal
from lgsp_process import running, tracing
from lgsp_process.nats_connection import START_SECONDS, Door, broke, connect
from lgsp_process.tls_files import TlsFiles
from lgsp_process.tracing import Spans

RENEW_AT = 0.8
"""The part of a token's life after which a new one is taken."""


class Hosted:
    """One adapter on the bus, under the token of the moment."""

    def __init__(
        self,
        manifest: Manifest,
        contract: Contract,
        nats: str,
        identity: SystemIdentity,
        tls: TlsFiles | None,
        spans: Spans,
    ) -> None:
        self._manifest = manifest
        self._contract = contract
        self._nats = nats
        self._spans = spans
        self._tls = tls.context if tls else None
        self._identity = identity
        self._adapter: Adapter = build(manifest, contract)
        self._token = Token("", 0)
        self._current: tuple[Served, Client] | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the adapter and go on the bus.

        Raises:
            Refusal: when that cannot be; then nothing is left open.
        """
        await self._adapter.open()
        try:
            await self._connect()
        except Refusal:
            await self._adapter.close()
            raise
        self._renewing = asyncio.create_task(self._renew())

    async def stop(self) -> None:
        """Leave the bus, finishing what was begun."""
        if self._renewing:
            self._renewing.cancel()
        await self._leave(self._current)
        await self._adapter.close()

    async def take_over(self, changed: "Running") -> None:
        """Let another go on: it is on the bus before this one leaves it.

        Raises:
            Refusal: when it cannot start; then this one goes on.
        """
        await changed.start()
        await self.stop()

    async def _connect(self) -> None:
        self._token = await self._identity.token()
        connection = await connect(self._door(), f"adapter {self._manifest.service}", on_lost=self._take_token)
        served = Served(self._adapter, self._manifest, self._contract, connection, self._spans)
        try:
            async with asyncio.timeout(START_SECONDS):  # nats-py may wait for ever for a server that is gone
                await served.start()
        except (TimeoutError, NatsError):
            await connection.close()
            raise broke() from None
        self._current = (served, connection)

    def _door(self) -> Door:
        return Door(self._nats, token=lambda: self._token.value, tls=self._tls)

    async def _take_token(self) -> None:
        """The connection is gone: it may be the token, so the next attempt brings a new one."""
        try:
            self._token = await self._identity.token()
        except Refusal as refusal:
            structlog.get_logger().warning("no token", reason=refusal.detail.en)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(max(1.0, (self._token.expires - time.time()) * RENEW_AT))
            before = self._current
            try:
                await self._connect()
            except Refusal as refusal:
                structlog.get_logger().warning("not renewed", reason=refusal.detail.en)
                continue
            await self._leave(before)

    async def _leave(self, left: tuple[Served, Client] | None) -> None:
        if left:
            served, connection = left
            await served.stop()
            await connection.close()


class Host:
    """The adapters of one process, as their manifests say now.

    Args:
        adapters: each manifest and whose key it answers with.
    """

    def __init__(
        self,
        adapters: list[tuple[Manifest, SystemIdentity]],
        nats: str,
        contracts: Contracts,
        tls: TlsFiles | None,
    ) -> None:
        self._adapters = adapters
        self._nats = nats
        self._contracts = contracts
        self._tls = tls
        self._spans = Spans(tracing.provider("lgsp-adapter", f"{socket.gethostname()}-{os.getpid()}"))

    async def run(self, process: running.Process) -> None:
        """Serve until told to stop, then drain.

        Raises:
            Refusal: when an adapter cannot start; those that started are stopped again.
        """
        async with AsyncExitStack() as stack:
            stack.callback(self._spans.close)
            for manifest, identity in self._adapters:
                kept = Followed(manifest, self._contracts, partial(self._running, identity=identity))
                await kept.start()
                stack.push_async_callback(kept.stop)
            if self._tls:
                stack.callback(asyncio.create_task(self._tls.watch()).cancel)
            process.ready(", ".join(f"{manifest.service} v{manifest.major}" for manifest, _ in self._adapters))
            await process.stop.wait()

    def _running(self, manifest: Manifest, identity: SystemIdentity) -> Running:
        contract = self._contracts.of(manifest)
        if manifest.kind == "rows":
            return Feeder(hold(manifest, contract), manifest, identity)
        return Hosted(manifest, contract, self._nats, identity, self._tls, self._spans)
