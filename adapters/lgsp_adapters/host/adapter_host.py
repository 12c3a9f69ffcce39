"""A process that hosts adapters: each with its own connection to NATS, as the system it answers for.

The server closes a connection when the token it was made with expires. So an adapter comes with a new token on a second
connection in good time, and only then leaves the first: no call falls between the two.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import structlog
from nats.errors import Error as NatsError

from lgsp_adapters.adapter import Adapter
from lgsp_adapters.connectors.connector_lookup import build
from lgsp_adapters.connectors.rows.connector import RowRequests
from lgsp_adapters.host.adapter_events import AdapterEvents
from lgsp_adapters.host.bus_files import GatewayFiles
from lgsp_adapters.host.identity import SystemIdentity, Token
from lgsp_adapters.host.instance import Instance, Trials
from lgsp_adapters.host.manifest_reloader import ContractFolder, HostedPart, ManifestReloader
from lgsp_adapters.host.row_importer import RowImporter
from lgsp_adapters.host.served_adapter import ServedAdapter
from lgsp_adapters.host.shared_permits import SharedPermits
from lgsp_adapters.host.upstream_ends import LOOK_SECONDS, ROUND_SECONDS, UpstreamEnds
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime import process as running
from lgsp_runtime import tracing
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import START_SECONDS, NatsEndpoint, connection_broken
from lgsp_runtime.security_events import SecurityLog
from lgsp_runtime.tls import TlsFiles
from lgsp_runtime.tracing import Spans

PROBE_SECONDS = 10.0
"""How often an unreachable system is probed."""
RENEW_AT = 0.8
"""The part of a token's life after which a new one is taken."""


@dataclass(frozen=True, slots=True)
class _Nats:
    """The NATS servers, and how calls are carried over them."""

    url: str
    tls: TlsFiles | None
    fast_path: bool

    def endpoint(self, token: Callable[[], str]) -> NatsEndpoint:
        """Return the servers with the token to connect with."""
        return NatsEndpoint(self.url, token=token, tls=self.tls.context if self.tls else None)


class HostedAdapter:
    """One adapter on the bus, under the token of the moment.

    Args:
        instance: what operations know it by, and whether it is drained.
    """

    def __init__(
        self,
        adapter: Adapter,
        manifest: Manifest,
        contract: Contract,
        nats: _Nats,
        identity: SystemIdentity,
        spans: Spans,
        background: Background,
        instance: Instance,
    ) -> None:
        self._background = background
        self._instance = instance
        self._manifest = manifest
        self._contract = contract
        self._nats = nats
        self._spans = spans
        self._identity = identity
        self._adapter = adapter
        self._permits = SharedPermits(manifest.system) if "limit" in manifest.document else None
        if self._permits:
            adapter.count_requests_with(self._permits)
        publishes = contract.events and instance.trials != "only"  # what happens in a sandbox has not happened
        self._events = AdapterEvents(adapter, manifest, contract, instance) if publishes else None
        self._ends = UpstreamEnds(manifest, instance)
        self._token = Token("", 0, 0)
        adapter.use_files(GatewayFiles(identity, lambda: self._token.value))
        self._current: tuple[ServedAdapter, CallClient] | None = None
        self._tasks: list[Task] = []

    async def start(self) -> None:
        """Open the adapter and serve it on the bus.

        Raises:
            Refusal: when it cannot start; then nothing is left open.
        """
        try:
            await self._adapter.open()
        except BaseException:
            await self._adapter.background.stop()
            raise
        try:
            await self._connect()
        except BaseException:
            await self._close()
            raise
        name = f"token of {self._manifest.service}"
        if self._events:
            self._events.start(self._background)
        ends = f"expirations of {self._manifest.service}"
        self._tasks = [
            self._background.run_every(ends, LOOK_SECONDS, self._ends.look, within=ROUND_SECONDS),
            self._background.run_every(name, self._pause, self._renew, within=None, at_once=False),
            self._background.run_every(
                f"upstream of {self._manifest.service}", PROBE_SECONDS, self._probe, within=None
            ),
        ]

    async def stop(self) -> None:
        """Leave the bus, finishing the calls in progress."""
        for task in self._tasks:
            await task.stop()
        if self._events:
            await self._events.stop()
        await self._disconnect(self._current)
        await self._close()

    async def take_over(self, changed: "HostedPart") -> None:
        """Hand over to another: it is on the bus before this one leaves it.

        Raises:
            Refusal: when it cannot start; then this one goes on.
        """
        await changed.start()
        await self.stop()

    async def _connect(self) -> None:
        self._token = await self._identity.token()
        name = f"adapter {self._manifest.service}"
        connection = await connect_for_calls(
            self._nats.endpoint(lambda: self._token.value),
            name,
            self._take_token,
            background=self._background,
            fast_path=self._nats.fast_path,
        )
        served = ServedAdapter(
            self._adapter,
            self._manifest,
            self._contract,
            connection,
            self._spans,
            self._failing_tasks,
            self._events,
            self._instance,
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                if self._permits:
                    await self._permits.connect(connection)
                if self._events:
                    await self._events.connect(connection)
                await served.start()
        except (TimeoutError, OSError, NatsError) as error:
            await self._leave(connection)
            raise connection_broken() from error
        except BaseException:
            await self._leave(connection)
            raise
        self._current = (served, connection)

    async def _take_token(self) -> None:
        """Request a new token after the connection was lost: the old one may be the cause."""
        try:
            self._token = await self._identity.token()
        except Refusal as refusal:
            structlog.get_logger().warning("no token", reason=refusal.detail.en, frames=frames(refusal))

    async def _probe(self) -> None:
        if self._current:
            await self._current[0].probe()

    def _failing_tasks(self) -> Mapping[str, str]:
        return {**self._background.failures(), **self._adapter.background.failures()}

    def _pause(self) -> float:
        return max(1.0, self._token.left * RENEW_AT)

    async def _renew(self) -> None:
        previous = self._current
        try:
            await self._connect()
        except Refusal as refusal:
            structlog.get_logger().warning("connection not renewed", reason=refusal.detail.en, frames=frames(refusal))
        else:
            await self._disconnect(previous)

    async def _close(self) -> None:
        await self._adapter.close()
        await self._adapter.background.stop()

    async def _disconnect(self, hosted: tuple[ServedAdapter, CallClient] | None) -> None:
        if hosted:
            served, connection = hosted
            await served.stop()
            await self._leave(connection)

    async def _leave(self, connection: CallClient) -> None:
        if self._permits:
            self._permits.disconnect(connection)
        if self._events:
            self._events.disconnect(connection)
        await connection.close()


class AdapterHost:
    """The adapters of one process, as their manifests say now.

    Args:
        adapters: each manifest and the identity of its system.
        fast_path: carry calls with the NATS client of our own; else with nats-py's public interface.
        security_log: where security events are written, as `SecurityLog` has it; empty for nowhere.
        trials: whether trials are answered, as `Instance` has it.
    """

    def __init__(
        self,
        adapters: list[tuple[Manifest, SystemIdentity]],
        nats: str,
        contracts: ContractFolder,
        tls: TlsFiles | None,
        *,
        fast_path: bool = True,
        security_log: str = "",
        trials: Trials = "none",
    ) -> None:
        self._security_address = security_log
        self._security = Adapter.security
        self._adapters = adapters
        self._nats = _Nats(nats, tls, fast_path)
        self._trials: Trials = trials
        self._contracts = contracts
        self._tls = tls
        self._spans = Spans(tracing.create_provider("lgsp-adapter", f"{socket.gethostname()}-{os.getpid()}"))

    async def run(self, process: running.Process) -> None:
        """Serve until told to stop, then drain.

        Raises:
            Refusal: when an adapter cannot start; those that started are stopped again.
        """
        async with AsyncExitStack() as stack:
            stack.callback(self._spans.close)
            names = ", ".join(manifest.service for manifest, _ in self._adapters)
            self._security = SecurityLog(self._security_address, f"adapter {names}")
            stack.callback(self._security.stop)
            for manifest, identity in self._adapters:
                make = partial(
                    self._build,
                    identity=identity,
                    background=process.background,
                    instance=Instance(trials=self._trials),
                )
                reloader = ManifestReloader(manifest, self._contracts, make)
                await reloader.start(process.background)
                stack.push_async_callback(reloader.stop)
            if self._tls:
                process.background.run_forever("tls files", self._tls.watch)
            process.ready(", ".join(f"{manifest.service} v{manifest.major}" for manifest, _ in self._adapters))
            await process.stop.wait()

    def _build(
        self, manifest: Manifest, identity: SystemIdentity, background: Background, instance: Instance
    ) -> HostedPart:
        contract = self._contracts.of(manifest)
        built = build(manifest, contract)
        if isinstance(built, Adapter):
            built.security = self._security
        if isinstance(built, RowRequests):
            if self._trials == "only":
                raise _calls_for_real(manifest)
            return RowImporter(built, manifest, identity)
        return HostedAdapter(built, manifest, contract, self._nats, identity, self._spans, background, instance)


def _calls_for_real(manifest: Manifest) -> Refusal:
    """Return the refusal to read files beside a sandbox: what their rows say would be done."""
    name = manifest.location.name
    return CannotStart(
        vi=f"Bộ kết nối {name} (rows) gọi dịch vụ thật cho từng dòng của tệp, nên không chạy được cùng --trials only; hãy bỏ --trials only, hoặc chạy bộ kết nối này trong tiến trình khác.",
        en=f"The adapter {name} (rows) calls the real service for each row of a file, so it cannot run with --trials only; leave --trials only out, or run this adapter in another process.",
    )
