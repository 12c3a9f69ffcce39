"""One gateway: puts the parts together, opens the doors in order, closes them in the reverse order."""

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web
from nats.aio.client import Client

from lgsp_auth.client_authentication import ClientAuthenticator
from lgsp_auth.issuing import AccessTokens, TokenEndpoint
from lgsp_auth.keys import ALGORITHM
from lgsp_auth.tokens import Issuer, Verifier
from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_gateway.api import stale_index
from lgsp_gateway.api.access_log import AccessLog
from lgsp_gateway.api.catalogue import Catalogue
from lgsp_gateway.api.description import ApiDescription
from lgsp_gateway.api.evidence_logs import EvidenceLogs
from lgsp_gateway.api.evidence_search import EvidenceSearch
from lgsp_gateway.api.evidence_stream import Evidence
from lgsp_gateway.api.health import Status
from lgsp_gateway.api.idempotency_keys import IdempotencyKeys
from lgsp_gateway.api.operations import Operations
from lgsp_gateway.api.registry import RegistryDoor
from lgsp_gateway.api.tokens import Tokens
from lgsp_gateway.calls.authorization import Ways
from lgsp_gateway.calls.failover import BrokenOff
from lgsp_gateway.calls.heavy_documents import HeavyDocuments
from lgsp_gateway.calls.idempotency import Idempotency
from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.calls.pipeline import Exchange
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.calls.record import Pseudonyms
from lgsp_gateway.evidence.append import stream
from lgsp_gateway.evidence.append.checkpoint_publisher import Notary
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.archive.store import Shelf
from lgsp_gateway.evidence.cosign import cosignatures
from lgsp_gateway.evidence.cosign.timestamps import Timestamps
from lgsp_gateway.evidence.read.log_reader import Logs
from lgsp_gateway.evidence.verify.checkpoint import Signer, VerifierKey, origin_of
from lgsp_gateway.faces.rest.calls import Calls
from lgsp_gateway.http.authentication import Callers
from lgsp_gateway.http.connections import ConnectionLimits
from lgsp_gateway.http.routes import CALLERS, declared
from lgsp_gateway.http.server import Door
from lgsp_gateway.keys import issuers
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.nats.auth_callout import NatsDoor
from lgsp_gateway.nats.rights import NatsRights
from lgsp_gateway.observability.adapter_discovery import AdaptersSeen
from lgsp_gateway.observability.call_observer import Watch
from lgsp_gateway.observability.checks import EVERY_SECONDS, Checks
from lgsp_gateway.observability.metrics import Metrics
from lgsp_gateway.registry import bootstrap
from lgsp_gateway.registry.administration import Administration
from lgsp_gateway.registry.replica import Follower
from lgsp_gateway.registry.snapshot import Registry
from lgsp_gateway.registry.store import Store
from lgsp_runtime import logs, tracing
from lgsp_runtime import process as running
from lgsp_runtime.background import Background
from lgsp_runtime.nats import connection as nats_connection
from lgsp_runtime.nats.request_reply import Bus
from lgsp_runtime.security_events import SecurityLog
from lgsp_runtime.tls import TlsFiles

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index


ISSUER_SECONDS = 30.0
"""How long asking another issuer for its keys may take."""
TIMESTAMP_SECONDS = 60.0
"""How long a timestamp, from the last checkpoint to its seal, may take."""
CHECKS_SECONDS = 60.0
"""How long the checks of `lgsp doctor` may take together."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a gateway needs to know. `public_url` is where callers reach it: the issuer of its tokens."""

    name: GatewayName
    host: str
    port: int
    share_port: bool
    public_url: str
    nats: nats_connection.Door
    nats_system: nats_connection.Door | None
    keys: Path
    registry: Path
    catalog: Path
    replicas: int
    stale_seconds: float
    issuers: Path | None
    tls: TlsFiles | None
    nats_tls: TlsFiles | None
    index: str = ""
    archive: str = ""
    witnesses: Mapping[str, VerifierKey] = field(default_factory=dict)
    timestamps: str = ""
    security_log: str = ""
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)


async def serve(settings: Settings, process: running.Process) -> None:
    """Serve until told to stop, then drain.

    Raises:
        Refusal: `cannot-start` or `invalid-document`.
    """
    keys, background = KeyStore(settings.keys), process.background
    keys.ensure()
    async with AsyncExitStack() as stack:
        watch = _watch(stack, settings, keys)
        bus, registry = Bus(), Registry()
        store = Store(bus)
        follower = Follower(store, registry)

        async def lost() -> None:
            await bus.lost()
            await follower.lost()

        name = f"gateway {settings.name}"
        connection = await nats_connection.connect(settings.nats, name, lost, follower.back, background)
        stack.push_async_callback(connection.close)
        stack.push_async_callback(background.stop)
        system = await _prepare(stack, settings, connection, background)
        await bus.start(connection)
        stack.callback(bus.stop)
        await store.start(connection, settings.replicas)
        if not await store.last_revision():
            await bootstrap.fill(store, settings.registry, settings.catalog)
        await follower.start(connection, background)
        stack.push_async_callback(follower.stop)
        others = issuers.load(settings.issuers)
        verifier = _verifier(settings, keys, registry, [issuer for issuer, _ in others])
        for issuer, found in others:
            background.every(f"keys of {issuer.name}", found.pause, partial(found.refresh, 0), within=ISSUER_SECONDS)
        notary = await _notary(stack, settings, keys, bus, connection, background)
        exchange = await _exchange(settings, registry, keys, verifier, bus, connection, notary, watch)
        exchange.evidence.start(background)
        stack.push_async_callback(exchange.stop)
        nats_door = NatsDoor(verifier, registry, keys.account_key(), watch.security, background)
        await _open_nats_door(nats_door, exchange, follower, connection, system, background)
        index = _index(stack, settings)
        adapters = _watched(connection, registry, watch.metrics, background)
        checks = Checks(connection, follower, registry, exchange.evidence, notary, index, adapters, background)
        background.every("checks", EVERY_SECONDS, checks.look, within=CHECKS_SECONDS)
        watch.metrics.watch_checks(checks, background)
        reading = await _reading(stack, settings, background)
        logs = Logs(reading, Shelf(settings.archive) if settings.archive else None, index)
        administration = Administration(registry, store, follower, watch.security)
        parts = Parts(exchange, administration, follower, keys, index, logs, adapters, checks, reading, process.stop)
        app = application(settings, parts)
        stale = partial(_stale, follower, settings.stale_seconds)
        door = Door(Calls(exchange, stale), app, stale, settings.connections)
        stack.push_async_callback(door.close)
        port = await door.open(settings.host, settings.port, settings.tls, share_port=settings.share_port)
        for files in filter(None, (settings.tls, settings.nats_tls)):
            background.keep("tls files", files.watch)
        running.settle()
        process.ready(f"{'https' if settings.tls else 'http'}://{settings.host}:{port}")
        await process.stop.wait()


def _verifier(settings: Settings, keys: KeyStore, registry: Registry, others: list[Issuer]) -> Verifier:
    own = Issuer(settings.public_url, (ALGORITHM,), keys.find)
    return Verifier([own, *others], generation=registry.generation)


async def _prepare(
    stack: AsyncExitStack, settings: Settings, connection: Client, background: Background
) -> Client | None:
    """Look at the servers' disks and make the stream of the evidence; the connection to the system account, if any."""
    system = None
    if settings.nats_system:
        system = await nats_connection.connect(
            settings.nats_system, f"gateway {settings.name} system", background=background
        )
        stack.push_async_callback(system.close)
        await stream.refuse_lazy_disk(system)
    await stream.ensure(connection, settings.replicas)
    await cosignatures.ensure(connection, settings.replicas)
    return system


async def _open_nats_door(
    door: NatsDoor,
    exchange: Exchange,
    follower: Follower,
    connection: Client,
    system: Client | None,
    background: Background,
) -> None:
    """Let adapters in, notice when one is gone, and end the connections that may do too much."""
    await door.start(connection)
    if system:
        await BrokenOff(exchange.bus, exchange.registry).start(system, background)
        NatsRights(system, exchange.registry, lambda: follower.in_step).start(background)


async def _exchange(
    settings: Settings,
    registry: Registry,
    keys: KeyStore,
    verifier: Verifier,
    bus: Bus,
    connection: Client,
    notary: Notary,
    watch: Watch,
) -> Exchange:
    idempotency = Idempotency()
    await idempotency.start(connection, settings.replicas)
    evidence_log = EvidenceLog(bus, stream.subject_of(settings.name), notary)
    quotas = Quotas(bus)
    await quotas.start(connection, settings.replicas)
    watch.metrics.watch(evidence_log, notary)
    return Exchange(
        name=settings.name,
        registry=registry,
        ways=Ways(registry),
        identification=Identification(verifier, registry, settings.public_url),
        bus=bus,
        evidence=evidence_log,
        idempotency=idempotency,
        quotas=quotas,
        pseudonyms=Pseudonyms(keys.pseudonym_key()),
        watch=watch,
        heavy=HeavyDocuments(),
    )


def _watch(stack: AsyncExitStack, settings: Settings, keys: KeyStore) -> Watch:
    security = SecurityLog(settings.security_log, f"gateway {settings.name}")
    stack.callback(security.stop)
    traces = None
    if tracing.configured():
        from lgsp_gateway.observability.traces import Traces  # noqa: PLC0415 - takes 0.1 s to load

        traces = Traces(settings.name)
        stack.callback(traces.stop)

    def used(key: str) -> None:
        security.event("key-used", "success", "configuration", f"{key} signs tokens from now on", lgsp__key=key)

    keys.on_new_key = used
    used(keys.ring().current.kid)
    log = str(Signer(origin_of(settings.name), keys.log_key()).key)
    security.event("key-used", "success", "configuration", "signs checkpoints from now on", lgsp__key=log)
    return Watch(Metrics(), traces, security, logs.level() == logging.DEBUG)


async def _notary(
    stack: AsyncExitStack, settings: Settings, keys: KeyStore, bus: Bus, connection: Client, background: Background
) -> Notary:
    notary = Notary(bus, settings.name, Signer(origin_of(settings.name), keys.log_key()))
    await notary.start(connection, settings.replicas, background)
    stack.push_async_callback(notary.stop)
    if settings.timestamps:
        stamping = Timestamps(bus, connection, settings.name, settings.timestamps)
        background.every("timestamps", stamping.pause, stamping.look, within=TIMESTAMP_SECONDS)
    return notary


async def _reading(stack: AsyncExitStack, settings: Settings, background: Background) -> Client:
    """A connection for what is read for minutes: whatever that does to it, no call feels."""
    name = f"gateway {settings.name} reading"
    connection = await nats_connection.connect(settings.nats, name, background=background)
    stack.push_async_callback(connection.close)
    return connection


def _index(stack: AsyncExitStack, settings: Settings) -> "Index | None":
    if not settings.index:
        return None
    from lgsp_gateway.evidence.search.store import Index  # noqa: PLC0415 - a database's library takes 0.2 s to load

    index = Index(settings.index, writes=False)
    stack.push_async_callback(index.close)
    return index


def _watched(connection: Client, registry: Registry, metrics: Metrics, background: Background) -> AdaptersSeen:
    """The adapters on the bus, also as metrics."""
    adapters = AdaptersSeen(registry)
    adapters.start(connection, background)
    metrics.watch_adapters(adapters)
    return adapters


@dataclass(frozen=True, slots=True)
class Parts:
    """What the doors open on."""

    exchange: Exchange
    administration: Administration
    follower: Follower
    keys: KeyStore
    index: "Index | None"
    logs: Logs
    adapters: AdaptersSeen
    checks: Checks
    reading: Client
    stop: asyncio.Event


def application(settings: Settings, parts: Parts) -> web.Application:
    """Everything that is not a call, each path with who may ask it."""
    app = Door.application()
    exchange, keys, index, stop = parts.exchange, parts.keys, parts.index, parts.stop
    addresses = (settings.public_url, f"{settings.public_url}/oauth2/token")
    clients = ClientAuthenticator(addresses, exchange.registry.client, time.monotonic)
    endpoint = TokenEndpoint(AccessTokens(settings.public_url, keys.ring), clients)
    callers = Callers(exchange.identification)
    app[CALLERS] = callers
    stale_index.add_header(app, parts.reading, index)
    Tokens(endpoint, keys, exchange.identification, exchange.watch.security).add_routes(app)
    RegistryDoor(callers, parts.administration).add_routes(app)
    Catalogue(callers, exchange.registry, stop, settings.public_url, settings.nats.place).add_routes(app)
    Evidence(callers, parts.reading, stop).add_routes(app)
    AccessLog(exchange, index).add_routes(app)
    settling = IdempotencyKeys(callers, exchange.idempotency, exchange.registry, exchange.watch.security)
    settling.add_routes(app)
    EvidenceSearch(callers, index, exchange.pseudonyms, exchange.registry).add_routes(app)
    EvidenceLogs(callers, parts.logs, keys.log_key(), exchange.bus, settings.witnesses).add_routes(app)
    Operations(callers, index, parts.adapters, parts.checks, stop).add_routes(app)
    holds = partial(_checks, exchange, parts.follower, stop)
    Status(exchange.watch.metrics, holds, parts.checks.background.said).add_routes(app)
    ApiDescription(settings.public_url).add_routes(app)
    declared(app)
    return app


def _checks(exchange: Exchange, follower: Follower, stop: asyncio.Event) -> Mapping[str, bool]:
    return {
        "nats": exchange.bus.connected,
        "registry": follower.in_step,
        "evidence": exchange.evidence.kept == 0,
        "not stopping": not stop.is_set(),
    }


def _stale(follower: Follower, longest: float) -> bool:
    return not follower.in_step and follower.stale_for() > longest


def random_name() -> GatewayName:
    """A name for a gateway that was given none."""
    return names.gateway_name(f"gw-{secrets.token_hex(3)}")
