"""A gateway's application with its real parts, connected to nothing: what its routes are, without a bus."""

import asyncio
import functools
import ssl
import tempfile
import time
from pathlib import Path

from aiohttp import web
from nats.aio.client import Client

from lgsp_auth.issuing import AccessTokens
from lgsp_auth.signing_keys import ALGORITHM
from lgsp_auth.tokens import Verifier
from lgsp_auth.trusted_issuer import Issuer
from lgsp_contracts.names import GatewayName
from lgsp_gateway.api.build import AdapterParts, ApiDependencies, build_api
from lgsp_gateway.calls.authorization_cache import AuthorizationCache
from lgsp_gateway.calls.document_checks import DocumentChecks
from lgsp_gateway.calls.execution.drained_services import DrainedServices
from lgsp_gateway.calls.execution.request_reply import RequestReply
from lgsp_gateway.calls.idempotency import Idempotency
from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.calls.replay_guard import JetStreamReplayGuard
from lgsp_gateway.citizens.build import create_citizen_requests
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.delivery.build import (
    Delivery,
    DeliveryDependencies,
    DeliveryObservers,
    create_messages,
    subscription_dependencies,
)
from lgsp_gateway.delivery.dead_letters.store import DeadLetters
from lgsp_gateway.delivery.delivery_reports import DeliveryReport, DeliveryReports
from lgsp_gateway.delivery.engine import DeliveryEngine
from lgsp_gateway.delivery.events.build import create_events
from lgsp_gateway.delivery.events.event_store import EventStore
from lgsp_gateway.delivery.files.build import FileDependencies, create_files
from lgsp_gateway.delivery.files.call_files import CallFiles
from lgsp_gateway.delivery.files.folder_store import FolderStore
from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.group_commit import GroupCommit
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.storage.space import StorageSpace
from lgsp_gateway.delivery.storage.stored_bytes import StoredBytes
from lgsp_gateway.delivery.streams import DEAD, EVENTS, MESSAGES, WORK
from lgsp_gateway.delivery.subscriptions.build import create_subscriptions
from lgsp_gateway.delivery.webhooks.build import create_webhooks
from lgsp_gateway.document_workers.pool import DocumentWorkers
from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_gateway.evidence.append.copy_watch import CopyWatch
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.build import EvidenceReading
from lgsp_gateway.evidence.cosign import cosignatures
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.evidence.read.log_reader import LogReader
from lgsp_gateway.evidence.read.proof_maker import ProofMaker
from lgsp_gateway.evidence.verify.origins import origin_of
from lgsp_gateway.evidence.verify.signers import Signer
from lgsp_gateway.http.routes import Route, declared_routes
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.keys.removed_keys import RemovedKeys
from lgsp_gateway.nats.adapter_drains import AdapterDrains
from lgsp_gateway.nats.provider_limits import ProviderLimits
from lgsp_gateway.notifications.build import create_notifications
from lgsp_gateway.notifications.occasions import Sources
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.observability.build import Health
from lgsp_gateway.observability.call_observer import CallTelemetry
from lgsp_gateway.observability.checks import Checks
from lgsp_gateway.observability.expirations.expirations import Expirations
from lgsp_gateway.observability.expirations.gateway_exchange import GatewayExchange
from lgsp_gateway.observability.expirations.own_ends import OwnEnds
from lgsp_gateway.observability.metrics import Metrics
from lgsp_gateway.registry.administration import Administration
from lgsp_gateway.registry.build import RegistryParts
from lgsp_gateway.registry.replica import RegistryReplica
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore
from lgsp_gateway.sessions.issuers import People
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_runtime.background import Background
from lgsp_runtime.nats.connection import NatsEndpoint
from lgsp_runtime.nats.public_client import PublicNatsClient
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.security_events import SecurityLog

URL = "http://127.0.0.1:8080"
NAME = GatewayName("unconnected")


def token(keys: KeyStore, system: str) -> str:
    """A token of this gateway for a system."""
    return AccessTokens(URL, keys.ring).sign(system, time.time())


def application(folder: Path, registry: RegistrySnapshot | None = None) -> web.Application:
    """The application of a gateway whose keys lie in a folder. A loop runs."""
    keys = KeyStore(folder)
    keys.ensure()
    settings = GatewaySettings(name=NAME, public_url=URL, nats="nats://x:1")
    bus, registry, connection = NatsRequestReply(), registry or RegistrySnapshot(), Client()
    store = DocumentStore(bus)
    follower = RegistryReplica(store, registry)
    publisher = CheckpointPublisher(bus, NAME, Signer(origin_of(NAME), keys.log_key()))
    security = SecurityLog("", NAME)
    evidence, workers = EvidenceLog(bus, entry_stream.subject_of(NAME), publisher), DocumentWorkers()
    telemetry = CallTelemetry(Metrics(), None, security)
    bounds = StorageBounds(StorageSpace(), StoredBytes(bus, NAME), registry, settings.agency_storage_mib << 20)
    file_store = FolderStore(folder / "files")
    cipher = PayloadCipher(keys.storage_keys)
    files = create_files(
        FileDependencies(settings, cipher, registry, evidence, security, Background(), bounds), bus, file_store
    )
    pipeline = Pipeline(
        gateway=NAME,
        registry=registry,
        identification=Identification(
            Verifier([Issuer(URL, (ALGORITHM,), keys.find)]), registry, URL, JetStreamReplayGuard(bus)
        ),
        authorizations=AuthorizationCache(registry),
        quotas=Quotas(bus),
        checks=DocumentChecks(workers, CallFiles(files.references, workers)),
        idempotency=Idempotency(),
        execution=RequestReply(bus, bus, DrainedServices()),
        pseudonyms=Pseudonyms(keys.pseudonym_key()),
        evidence=evidence,
        observer=telemetry,
    )
    adapters = AdapterDiscovery(registry)
    logs = LogReader(connection, cosignatures.newest, None)
    reading = EvidenceReading(connection, logs, ProofMaker(connection, logs, None), None)
    checks = Checks(connection, follower, registry, evidence, publisher, None, adapters, Background())
    own = OwnEnds(NAME, dict, keys.signs_since, connection)
    expirations = Expirations(own, GatewayExchange(connection), registry, adapters)
    administration = Administration(registry, store, follower, security)
    people = PeopleStore(lambda: NatsEndpoint("nats://x:1"))
    citizen_requests = create_citizen_requests(settings, people, cipher, pipeline.pseudonyms)
    sources = Sources(registry, administration.pending, no_dead_letters, dict, citizen_requests.waiting, dict)
    parts = ApiDependencies(
        pipeline=pipeline,
        registry=RegistryParts(registry, store, follower, administration),
        keys=keys,
        people=People([], people, RemovedKeys([], Verifier([]))),
        evidence=reading,
        copy_watch=CopyWatch(connection, publisher.signer, URL),
        health=Health(adapters, checks, expirations),
        telemetry=telemetry,
        bus=bus,
        workers=workers,
        files=files,
        delivery=_delivery(
            DeliveryDependencies(
                settings,
                keys,
                cipher,
                pipeline,
                bus,
                connection,
                files.references,
                DeliveryObservers(telemetry, telemetry.metrics.messages, telemetry.metrics.subscriptions, dict),
                security,
                Background(),
                bounds,
            )
        ),
        storage=bounds,
        adapters=AdapterParts(AdapterDrains(bus, DrainedServices(), security), ProviderLimits(bus, Background())),
        notifications=create_notifications(settings, keys.webhook_keys, people, sources, ssl.create_default_context()),
        citizen_requests=citizen_requests,
        stop=asyncio.Event(),
    )
    return build_api(settings, parts)


@functools.cache
def routes() -> tuple[Route, ...]:
    """The routes of such an application; no loop runs. What is parametrised by them asks while it is imported."""

    async def declared() -> tuple[Route, ...]:
        with tempfile.TemporaryDirectory() as folder:
            return tuple(declared_routes(application(Path(folder))))

    return asyncio.run(declared())


async def no_dead_letters() -> dict[str, int]:
    return {}


def _delivery(needs: DeliveryDependencies) -> Delivery:
    bus = needs.bus
    client = PublicNatsClient(NatsEndpoint("nats://x:1"), NAME)
    lanes = Lanes(NAME, bus, client, needs.background)
    engine = DeliveryEngine(
        *(GroupCommit(bus, name) for name in (WORK, MESSAGES, EVENTS, DEAD)), needs.cipher, lanes, bus
    )
    tls = ssl.create_default_context()
    webhooks = create_webhooks(
        needs.settings, needs.keys.webhook_keys, bus, needs.security, tls, needs.pipeline.registry
    )
    dead_letters = DeadLetters(engine.dead, needs.connection, needs.cipher, needs.bounds.stored)
    messages = create_messages(needs, engine, dead_letters, webhooks)
    reports = DeliveryReports(NAME, DeliveryReport)
    dependencies = subscription_dependencies(needs, engine, dead_letters, webhooks, reports)
    subscriptions, _ = create_subscriptions(dependencies, needs.background)
    events = create_events(
        1_000,
        needs.pipeline,
        EventStore(engine.events, needs.connection, needs.cipher),
        needs.observers.publications,
        needs.files,
        needs.bounds,
    )
    return Delivery(events, messages, dead_letters, subscriptions, webhooks, lanes, reports)
