"""A gateway's application with its real parts, connected to nothing: what its routes are, without a bus."""

import asyncio
import time
from pathlib import Path

from aiohttp import web
from nats.aio.client import Client

from lgsp_auth.issuing import AccessTokens
from lgsp_auth.signing_keys import ALGORITHM
from lgsp_auth.tokens import Verifier
from lgsp_auth.trusted_issuer import Issuer
from lgsp_contracts.names import GatewayName
from lgsp_gateway.api.build import ApiDependencies, build_api
from lgsp_gateway.calls.authorization_cache import AuthorizationCache
from lgsp_gateway.calls.document_checks import DocumentChecks
from lgsp_gateway.calls.execution.request_reply import RequestReply
from lgsp_gateway.calls.idempotency import Idempotency
from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.calls.replay_guard import JetStreamReplayGuard
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.document_workers.pool import DocumentWorkers
from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.build import EvidenceReading
from lgsp_gateway.evidence.cosign import cosignatures
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.evidence.read.log_reader import LogReader
from lgsp_gateway.evidence.read.proof_maker import ProofMaker
from lgsp_gateway.evidence.verify.origins import origin_of
from lgsp_gateway.evidence.verify.signers import Signer
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.keys.removed_keys import RemovedKeys
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.observability.build import Health
from lgsp_gateway.observability.call_observer import CallTelemetry
from lgsp_gateway.observability.checks import Checks
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
    bus, registry, connection = NatsRequestReply(), registry or RegistrySnapshot(), Client()
    store = DocumentStore(bus)
    follower = RegistryReplica(store, registry)
    publisher = CheckpointPublisher(bus, NAME, Signer(origin_of(NAME), keys.log_key()))
    security = SecurityLog("", NAME)
    evidence, workers = EvidenceLog(bus, entry_stream.subject_of(NAME), publisher), DocumentWorkers()
    telemetry = CallTelemetry(Metrics(), None, security)
    pipeline = Pipeline(
        gateway=NAME,
        registry=registry,
        identification=Identification(
            Verifier([Issuer(URL, (ALGORITHM,), keys.find)]), registry, URL, JetStreamReplayGuard(bus)
        ),
        authorizations=AuthorizationCache(registry),
        quotas=Quotas(bus),
        checks=DocumentChecks(workers),
        idempotency=Idempotency(),
        execution=RequestReply(bus),
        pseudonyms=Pseudonyms(keys.pseudonym_key()),
        evidence=evidence,
        observer=telemetry,
    )
    adapters = AdapterDiscovery(registry)
    logs = LogReader(connection, cosignatures.newest, None)
    reading = EvidenceReading(connection, logs, ProofMaker(connection, logs, None), None)
    checks = Checks(connection, follower, registry, evidence, publisher, None, adapters, Background())
    administration = Administration(registry, store, follower, security)
    parts = ApiDependencies(
        pipeline=pipeline,
        registry=RegistryParts(registry, store, follower, administration),
        keys=keys,
        people=People([], PeopleStore(lambda: NatsEndpoint("nats://x:1")), RemovedKeys([], Verifier([]))),
        evidence=reading,
        health=Health(adapters, checks),
        telemetry=telemetry,
        bus=bus,
        workers=workers,
        stop=asyncio.Event(),
    )
    settings = GatewaySettings(name=NAME, public_url=URL, nats="nats://x:1")
    return build_api(settings, parts)
