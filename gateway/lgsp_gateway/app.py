"""One gateway: opens its parts in order and closes them in the reverse order.

The one composition root. Each package builds its own part; what stands here is which part needs which.
"""

import secrets
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from nats.aio.client import Client

from lgsp_auth.signing_keys import ALGORITHM
from lgsp_auth.tokens import Verifier
from lgsp_auth.trusted_issuer import Issuer
from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_gateway.api.build import AdapterParts, ApiDependencies, build_api, build_health
from lgsp_gateway.calls.build import CallBuses, open_pipeline
from lgsp_gateway.calls.document_checks import DocumentChecks
from lgsp_gateway.calls.execution.drained_services import DrainedServices
from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.calls.replay_guard import JetStreamReplayGuard
from lgsp_gateway.citizens.build import open_citizen_requests
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.console.files import ConsoleRoutes
from lgsp_gateway.delivery import streams as delivery_streams
from lgsp_gateway.delivery.build import Delivery, DeliveryDependencies, DeliveryObservers, open_delivery
from lgsp_gateway.delivery.files.build import FileDependencies, open_files
from lgsp_gateway.delivery.files.call_files import CallFiles
from lgsp_gateway.delivery.files.record_index import RecordIndex
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.storage.space import StorageSpace
from lgsp_gateway.delivery.storage.stored_bytes import StoredBytes
from lgsp_gateway.document_workers.pool import DocumentWorkers
from lgsp_gateway.evidence.build import EvidenceReading, EvidenceWriting, prepare_streams
from lgsp_gateway.evidence.instance_domain import instance_domain
from lgsp_gateway.evidence.log_key import check_log_key
from lgsp_gateway.faces.rest.calls import RestCalls
from lgsp_gateway.http.connection_limits import ConnectionLimits
from lgsp_gateway.http.no_calls import NoCalls
from lgsp_gateway.http.server import HttpServer
from lgsp_gateway.keys.key_store import REREAD_SECONDS, KeyStore
from lgsp_gateway.keys.removed_keys import RemovedKeys
from lgsp_gateway.keys.trusted_issuers import load_trusted_issuers
from lgsp_gateway.nats.adapter_drains import AdapterDrains
from lgsp_gateway.nats.auth_callout import NatsAuthCallout
from lgsp_gateway.nats.disconnect_failover import DisconnectFailover
from lgsp_gateway.nats.nats_connections import NatsConnections
from lgsp_gateway.nats.outdated_connections import ConnectionRights
from lgsp_gateway.nats.provider_limits import ProviderLimits
from lgsp_gateway.nats.watch_states import WatchStates
from lgsp_gateway.notifications.build import Notifications, count_dead_letters, open_notifications
from lgsp_gateway.notifications.occasions import Sources
from lgsp_gateway.observability.build import Health, announce_removed_keys, open_telemetry, watch_backups
from lgsp_gateway.observability.call_observer import CallTelemetry
from lgsp_gateway.observability.certificate_checks import CertificateChecks
from lgsp_gateway.observability.checks import Checks
from lgsp_gateway.observability.delivery_checks import DeliveryChecks
from lgsp_gateway.observability.expirations.own_ends import OwnEnds
from lgsp_gateway.observability.metrics import Metrics
from lgsp_gateway.observability.storage_forecast import StorageForecast
from lgsp_gateway.observability.subscription_metrics import BACKLOG_SECONDS
from lgsp_gateway.operate.bootstrap.bus_identity import BusIdentity, parse_public_url
from lgsp_gateway.operate.bootstrap.inviter import LOOK_SECONDS, InviterParts, OperatorInviter
from lgsp_gateway.operate.bootstrap.server_certificate import check_server_certificate
from lgsp_gateway.operate.certificates.renewal import ensure_files, open_renewal
from lgsp_gateway.registry.build import RegistryParts
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.sessions.accounts import AccountCodes
from lgsp_gateway.sessions.issuers import open_people
from lgsp_problems import BusUnavailable
from lgsp_runtime import process as processes
from lgsp_runtime.background import Background
from lgsp_runtime.nats.connection import connection_broken
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.security_events import SecurityLog
from lgsp_runtime.tls import TlsFiles

if TYPE_CHECKING:
    from lgsp_gateway.keys.pkcs11_token import Pkcs11Token

ISSUER_SECONDS = 30.0
"""How long asking another issuer for its keys may take."""


async def serve(settings: GatewaySettings, process: processes.Process) -> None:
    """Serve until told to stop, then finish what was begun.

    Raises:
        Refusal: `cannot-start` or `invalid-document`.
    """
    background = process.background
    settings, tls, nats, identity = await _check_settings(settings)
    keys = _open_keys(settings)
    cipher = _open_cipher(keys, background)
    async with AsyncExitStack() as stack:
        telemetry = open_telemetry(stack, settings, keys)
        bus, workers = NatsRequestReply(), DocumentWorkers(settings.heavy_processes, settings.heavy_seconds)
        stack.push_async_callback(workers.stop)
        registry = RegistryParts.create(bus, telemetry.security, workers)

        connection = await nats.connect("", registry.replica.connection_lost, registry.replica.reconnected, background)
        stack.push_async_callback(connection.close)
        calls = await nats.connect_for_calls(bus.connection_lost, background)
        stack.push_async_callback(calls.close)
        stack.push_async_callback(background.stop)
        system = await nats.connect_system(background)
        stack.push_async_callback(system.close)
        await _prepare_streams(settings, connection, system)
        await bus.start(calls)
        stack.callback(bus.stop)
        await registry.start(stack, settings, connection, background)
        await identity.remember(registry.store)
        verifier, removed_keys, others = _open_verifier(settings, keys, registry.snapshot, background)
        announce_removed_keys(removed_keys, telemetry.security)
        evidence = await EvidenceWriting.open(stack, settings, keys, bus, connection, background)
        telemetry.metrics.watch_evidence(evidence.log, evidence.publisher)
        replays = await _open_replay_guard(bus, connection, settings.replicas)
        bounds = await _open_bounds(stack, settings, registry.snapshot, bus, connection, system, telemetry, background)
        files = await open_files(
            FileDependencies(settings, cipher, registry.snapshot, evidence.log, telemetry.security, background, bounds),
            bus,
            await nats.connect_in(stack, "files", background),
        )
        buses = CallBuses(bus, await nats.open_bus_for_large_documents(stack, background), DrainedServices())
        pipeline = await open_pipeline(
            settings,
            registry.snapshot,
            Identification(verifier, registry.snapshot, settings.public_url, replays),
            buses,
            connection,
            evidence,
            telemetry,
            DocumentChecks(workers, CallFiles(files.references, workers)),
        )
        evidence.log.start(background)
        stack.push_async_callback(evidence.log.stop)
        callout = NatsAuthCallout(verifier, registry.snapshot, keys.account_key(), telemetry.security, background)
        await callout.start(connection)
        adapters = await _serve_adapters(buses, connection, cipher, settings.replicas, telemetry.security, background)
        await _watch_connections(buses, registry, system, removed_keys, background)
        reading = EvidenceReading.open(stack, settings, await nats.connect_in(stack, "reading", background))
        health = await Health.open(
            await _own_ends(settings, keys, connection, bounds.space, background),
            registry,
            evidence,
            reading,
            telemetry.metrics,
            bounds.space,
            adapters.drains,
            background,
        )
        people = await open_people(settings, connection, nats.people, others, removed_keys, background)
        _invite_operators(
            settings,
            InviterParts(
                *(
                    registry.snapshot,
                    registry.store,
                    registry.replica,
                    people.store,
                    AccountCodes(keys.pseudonym_key()),
                ),
                *(evidence.log, telemetry.security),
            ),
            health.checks,
            background,
        )
        delivery = await _open_delivery(
            stack,
            DeliveryDependencies(
                settings,
                keys,
                cipher,
                pipeline,
                bus,
                connection,
                files.references,
                DeliveryObservers(
                    telemetry,
                    telemetry.metrics.messages,
                    telemetry.metrics.subscriptions,
                    telemetry.metrics.subscriptions.waiting,
                ),
                telemetry.security,
                background,
                bounds,
            ),
            telemetry,
            nats,
            health.checks,
            files.records.index,
        )
        citizen_requests = open_citizen_requests(
            settings, people.store, cipher, pipeline.pseudonyms, health.checks.add, background
        )
        parts = ApiDependencies(
            pipeline,
            registry,
            keys,
            people,
            reading,
            evidence.copy_watch,
            health,
            telemetry,
            bus,
            workers,
            files,
            delivery,
            bounds,
            adapters,
            _observed(
                settings,
                health.checks,
                telemetry.metrics,
                await open_notifications(
                    stack,
                    settings,
                    keys.webhook_keys,
                    delivery.webhooks.tls,
                    connection,
                    people.store,
                    Sources(
                        registry.snapshot,
                        registry.administration.pending,
                        partial(count_dead_letters, delivery.dead_letters),
                        health.checks.failing,
                        citizen_requests.waiting,
                        _certificate_checks(settings).ends,
                    ),
                    background,
                ),
            ),
            citizen_requests,
            process.stop,
        )
        port = await _open_http(stack, settings, parts, tls)
        await _watch_tls(stack, settings, connection, cipher, background, tls, nats.tls)
        processes.freeze_gc()
        process.ready(f"{'https' if tls else 'http'}://{settings.host}:{port}")
        await process.stop.wait()


async def _check_settings(
    settings: GatewaySettings,
) -> "tuple[GatewaySettings, TlsFiles | None, NatsConnections, BusIdentity]":
    """Complete the settings, and refuse those with which nobody would be served, before any key or stream is made.

    Raises:
        Refusal: `cannot-start` or `malformed`.
    """
    tls = _open_tls(settings)
    settings = with_addresses(settings, tls)
    if settings.tls_cert and not settings.proxies and not settings.acme_directory:
        check_server_certificate(settings.tls_cert, settings.public_url)
    nats, identity = (
        NatsConnections(settings),
        BusIdentity(settings.public_url, settings.keys, settings.former_public_url),
    )
    connection = await nats.connect("identity")
    try:
        await identity.check(connection)
    except BusUnavailable as error:
        raise connection_broken() from error
    finally:
        await connection.close()
    return settings, tls, nats, identity


def _invite_operators(settings: GatewaySettings, parts: InviterParts, checks: Checks, background: Background) -> None:
    """Carry out what the owner of this machine asks for beside the keys."""
    inviter = OperatorInviter(parts, settings.keys, settings.name, settings.public_url)
    checks.add(inviter.checks())
    background.run_every("invitations of operators", LOOK_SECONDS, inviter.round, within=60)


def _observed(
    settings: GatewaySettings, checks: Checks, metrics: Metrics, notifications: Notifications
) -> Notifications:
    """Check the mail server, the certificates and the backups that people are told of, and count what is sent, from now on."""
    checks.add({**notifications.checks(), **_certificate_checks(settings).by_name()})
    metrics.watch(notifications.notifier.metrics)
    watch_backups(settings.keys, checks, metrics)
    return notifications


def _open_keys(settings: GatewaySettings) -> KeyStore:
    """Open the keys of the bus, and make those that are missing.

    Raises:
        Refusal: `cannot-start`, also when a newer key has followed one that would sign.
    """
    keys = KeyStore(settings.keys, settings.public_url, open_token(settings))
    keys.ensure()
    keys.check_signing_key()
    check_log_key(keys)
    return keys


def _open_cipher(keys: KeyStore, background: Background) -> PayloadCipher:
    """Return what encrypts what is stored, and follows the keys in the folder."""
    cipher = PayloadCipher(keys.storage_keys, keys.storage_key_times)
    background.run_every("storage keys", 10 * REREAD_SECONDS, cipher.refresh, within=None, at_once=False)
    return cipher


def open_token(settings: GatewaySettings) -> "Pkcs11Token | None":
    """Open the PKCS#11 token that the settings name; None where they name none.

    Raises:
        Refusal: `cannot-start`.
    """
    if settings.pkcs11_module is None or settings.pkcs11_pin_file is None:
        return None
    from lgsp_gateway.keys.pkcs11_token import Pkcs11Token, TokenAddress  # noqa: PLC0415 - for those alone who have a token

    return Pkcs11Token(TokenAddress(settings.pkcs11_module, settings.pkcs11_token, settings.pkcs11_pin_file))


async def _own_ends(
    settings: GatewaySettings, keys: KeyStore, connection: Client, space: StorageSpace, background: Background
) -> OwnEnds:
    """Return what ends of this gateway, the room of its storage included, whose growth is recorded from now on."""
    forecast = StorageForecast(space, connection)
    await forecast.start(settings.replicas, background)
    files = _certificate_checks(settings).ends
    return OwnEnds(settings.name, files, keys.signs_since, connection, forecast.ends)


def _certificate_checks(settings: GatewaySettings) -> CertificateChecks:
    files = (settings.tls_cert, settings.nats_ca, settings.webhook_ca)
    return CertificateChecks([file for file in files if file is not None])


async def _prepare_streams(settings: GatewaySettings, connection: Client, system: Client) -> None:
    """Create the streams of evidence and delivery that are not there."""
    await prepare_streams(settings, connection, system)
    await delivery_streams.ensure(connection, settings.replicas)


async def _open_replay_guard(bus: NatsRequestReply, connection: Client, replicas: int) -> JetStreamReplayGuard:
    """Open what remembers the tokens that may be used once."""
    replays = JetStreamReplayGuard(bus)
    await replays.start(connection, replicas)
    return replays


async def _open_bounds(
    stack: AsyncExitStack,
    settings: GatewaySettings,
    registry: RegistrySnapshot,
    bus: NatsRequestReply,
    connection: Client,
    system: Client,
    telemetry: CallTelemetry,
    background: Background,
) -> StorageBounds:
    """Watch the room of the storage, and what each agency has stored."""
    space, stored = StorageSpace(settings.nats_storage), StoredBytes(bus, settings.name)
    await space.start(system, background)
    await stored.start(connection, settings.replicas, background)
    stack.push_async_callback(stored.stop)
    bounds = StorageBounds(space, stored, registry, settings.agency_storage_mib << 20)
    telemetry.metrics.watch_storage(bounds, connection, background)
    return bounds


async def _open_delivery(
    stack: AsyncExitStack,
    needs: DeliveryDependencies,
    telemetry: CallTelemetry,
    nats: "NatsConnections",
    checks: Checks,
    files: RecordIndex,
) -> Delivery:
    """Open delivery on a connection of its own, export what it does, and check that it does it."""
    connect = partial(nats.connect_for_delivery, needs.background)
    delivery = await open_delivery(stack, needs, connect)
    metrics, subscriptions = telemetry.metrics, delivery.subscriptions
    metrics.watch_lanes(delivery.lanes.states)
    metrics.watch_waiting(delivery.messages.work, delivery.dead_letters, needs.background)
    metrics.subscriptions.watch(subscriptions.store, needs.pipeline.registry, delivery.lanes, needs.connection)
    needs.background.run_every(
        "backlogs of subscriptions", BACKLOG_SECONDS, metrics.subscriptions.read_backlogs, within=60
    )
    registry = needs.pipeline.registry
    checks.add(DeliveryChecks(needs.connection, registry, delivery, files).by_name())
    return delivery


async def _open_http(
    stack: AsyncExitStack, settings: GatewaySettings, parts: ApiDependencies, tls: TlsFiles | None
) -> int:
    """Deliver what waits, and answer over HTTP, from now on.

    Returns:
        The port.
    """
    is_stale = partial(parts.registry.is_stale, settings.stale_seconds)
    traces = parts.telemetry.traces
    limits, fast_path = ConnectionLimits.of(settings), settings.fast_path == "on"
    await parts.delivery.lanes.start()
    server: HttpServer[Any]
    if "http" in settings.roles:
        face = RestCalls(parts.pipeline, is_stale, traces.begins if traces else None)
        api = build_api(settings, parts)
        ConsoleRoutes().add_routes(api)
        server = HttpServer(face, api, is_stale, limits, fast_path=fast_path)
    else:
        server = HttpServer(NoCalls(), build_health(settings, parts), is_stale, limits, fast_path=False)
    parts.telemetry.metrics.watch_http(server.counts)
    parts.telemetry.metrics.watch_files(parts.files)
    parts.telemetry.metrics.watch_webhooks(parts.delivery.webhooks.sender)
    stack.push_async_callback(server.close)
    return await server.open(settings.host, settings.port, tls, share_port=settings.share_port)


def _open_tls(settings: GatewaySettings) -> TlsFiles | None:
    """Return the TLS context of the HTTP server; None where it has no TLS.

    Raises:
        Refusal: `cannot-start`.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    ensure_files(settings)
    return TlsFiles.for_server(settings.tls_cert, settings.tls_key)


async def _watch_tls(
    stack: AsyncExitStack,
    settings: GatewaySettings,
    connection: Client,
    cipher: PayloadCipher,
    background: Background,
    *files: TlsFiles | None,
) -> None:
    """Read certificates anew when they change, and have them renewed where there is an ACME authority."""
    for tls_files in filter(None, files):
        background.run_forever("tls files", tls_files.watch)
    await open_renewal(stack, settings, connection, cipher, background)


def with_addresses(settings: GatewaySettings, tls: TlsFiles | None) -> GatewaySettings:
    """Return the settings with the public URL and the domain, where they were not given.

    Raises:
        Refusal: `malformed`; `cannot-start`, when others reach the gateway and it is not said which instance it is.
    """
    own = f"{'https' if tls else 'http'}://{settings.host}:{settings.port}"
    url = parse_public_url(settings.public_url) if settings.public_url else own
    return settings.model_copy(update={"public_url": url, "domain": instance_domain(settings.domain, url)})


def _open_verifier(
    settings: GatewaySettings, keys: KeyStore, registry: RegistrySnapshot, background: Background
) -> tuple[Verifier, RemovedKeys, list[Issuer]]:
    """Open what verifies tokens, the bus's own and those of other issuers, and what ends those whose key is gone; and name the
    other issuers."""
    others = load_trusted_issuers(settings.issuers)
    own = Issuer(settings.public_url, (ALGORITHM,), keys.find)
    verifier = Verifier([own, *(issuer for issuer, _ in others)], generation=registry.generation)
    removed_keys = RemovedKeys([keys, *(key_set for _, key_set in others)], verifier)
    background.run_every("signing keys", REREAD_SECONDS, keys.refresh, within=None)
    for issuer, key_set in others:
        refresh = partial(key_set.refresh, 0)
        background.run_every(f"keys of {issuer.name}", key_set.refresh_pause, refresh, within=ISSUER_SECONDS)
    return verifier, removed_keys, [issuer for issuer, _ in others]


async def _serve_adapters(
    buses: CallBuses,
    connection: Client,
    cipher: PayloadCipher,
    replicas: int,
    security: SecurityLog,
    background: Background,
) -> AdapterParts:
    """Answer adapters that ask for permits of a provider's limit, or for the state of what they watch; and follow which are drained."""
    limits, drains = ProviderLimits(buses.calls, background), AdapterDrains(buses.calls, buses.drained, security)
    await limits.start(connection, replicas)
    await WatchStates(buses.calls, cipher, background).start(connection, replicas)
    await drains.start(connection, replicas, background)
    return AdapterParts(drains, limits)


async def _watch_connections(
    buses: CallBuses, registry: RegistryParts, system: Client, removed_keys: RemovedKeys, background: Background
) -> None:
    """Notice when an adapter's connection ends, and end the connections that may do too much."""
    for bus in (buses.calls, buses.large):
        await DisconnectFailover(bus, registry.snapshot).start(system, background)
    ConnectionRights(system, registry.snapshot, lambda: registry.replica.in_step, removed_keys).start(background)


def random_name() -> GatewayName:
    """Return a name for a gateway that was given none."""
    return names.gateway_name(f"gw-{secrets.token_hex(3)}")
