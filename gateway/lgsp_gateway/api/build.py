"""Builds the management API: all routes that are not calls."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from lgsp_auth.client_authentication import ClientAuthenticator
from lgsp_auth.issuing import AccessTokens, TokenEndpoint
from lgsp_gateway.api import stale_index
from lgsp_gateway.api.access_log import AccessLogRoutes
from lgsp_gateway.api.catalogue import CatalogueRoutes
from lgsp_gateway.api.catalogue_access import CatalogueAccess
from lgsp_gateway.api.catalogue_events import CatalogueEvents
from lgsp_gateway.api.catalogue_pages import CataloguePages
from lgsp_gateway.api.description import ApiDescriptionRoute
from lgsp_gateway.api.document_schemas import DocumentSchemaRoutes
from lgsp_gateway.api.evidence_cosignatures import EvidenceCosignatureRoutes
from lgsp_gateway.api.evidence_keys import EvidenceKeyRoutes
from lgsp_gateway.api.evidence_logs import EvidenceLogRoutes
from lgsp_gateway.api.evidence_search import EvidenceSearchRoutes
from lgsp_gateway.api.evidence_stream import EvidenceStreamRoutes
from lgsp_gateway.api.health import HealthRoutes
from lgsp_gateway.api.home import HomeRoute
from lgsp_gateway.api.idempotency_keys import IdempotencyKeyRoutes
from lgsp_gateway.api.ops import OperationsRoutes
from lgsp_gateway.api.own_calls import OwnCallRoutes
from lgsp_gateway.api.persons import PersonRoutes
from lgsp_gateway.api.problem_pages import ProblemPages
from lgsp_gateway.api.registry import RegistryRoutes
from lgsp_gateway.api.sign_in import SignInRoutes
from lgsp_gateway.api.token_endpoint import TokenRoutes
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.document_workers.pool import DocumentWorkers
from lgsp_gateway.evidence.build import EvidenceReading
from lgsp_gateway.evidence.verify.key_file import read_keys
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.routes import CALLER_AUTHENTICATOR, declared_routes
from lgsp_gateway.http.server import HttpServer
from lgsp_gateway.http.streaming import STREAM_LIMITER, StreamLimiter
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.observability.build import Health
from lgsp_gateway.observability.call_observer import CallTelemetry
from lgsp_gateway.registry.build import RegistryParts
from lgsp_gateway.sessions.issuers import People
from lgsp_gateway.sessions.person_administration import PersonAdministration
from lgsp_gateway.sessions.sign_in import SignIn
from lgsp_runtime.nats.connection import first_server
from lgsp_runtime.nats.request_reply import NatsRequestReply


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """The parts of a gateway that the management API shows and changes. `stop` is set when the gateway stops; it ends streams."""

    pipeline: Pipeline
    registry: RegistryParts
    keys: KeyStore
    people: People
    evidence: EvidenceReading
    health: Health
    telemetry: CallTelemetry
    bus: NatsRequestReply
    workers: DocumentWorkers
    stop: asyncio.Event


def build_api(settings: GatewaySettings, parts: ApiDependencies) -> web.Application:
    """Build the application of the management API, with all of its routes.

    Raises:
        RuntimeError: a route was added without a declaration.
    """
    app = HttpServer.application()
    pipeline = parts.pipeline
    addresses = (settings.public_url, f"{settings.public_url}/oauth2/token")
    clients = ClientAuthenticator(addresses, parts.registry.snapshot.client)
    replays = pipeline.identification.replays
    sign_in = SignIn.create(parts.people, parts.keys, parts.registry.snapshot, clients, replays)
    callers = CallerAuthenticator(pipeline.identification, sign_in)
    app[CALLER_AUTHENTICATOR] = callers
    app[STREAM_LIMITER] = StreamLimiter(settings.streams, settings.streams_each)
    _add_tokens(app, settings, parts, clients, sign_in)
    SignInRoutes(callers, sign_in).add_routes(app)
    _add_registry(app, settings, parts, callers)
    _add_evidence(app, settings, parts, callers)
    _add_operations(app, settings, parts, callers)
    declared_routes(app)
    return app


def _add_tokens(
    app: web.Application,
    settings: GatewaySettings,
    parts: ApiDependencies,
    clients: ClientAuthenticator,
    sign_in: SignIn,
) -> None:
    pipeline, keys = parts.pipeline, parts.keys
    endpoint = TokenEndpoint(AccessTokens(settings.public_url, keys.ring), clients, pipeline.identification.replays)
    TokenRoutes(endpoint, keys, pipeline.identification, parts.telemetry.security, sign_in).add_routes(app)


def _add_registry(
    app: web.Application, settings: GatewaySettings, parts: ApiDependencies, callers: CallerAuthenticator
) -> None:
    administration = parts.registry.administration
    RegistryRoutes(callers, administration).add_routes(app)
    persons = PersonAdministration(
        parts.registry.snapshot, administration.reader, administration.writer, parts.people.store
    )
    PersonRoutes(callers, persons).add_routes(app)
    _add_catalogue(app, settings, parts, callers)


def _add_catalogue(
    app: web.Application, settings: GatewaySettings, parts: ApiDependencies, callers: CallerAuthenticator
) -> None:
    registry, url = parts.registry.snapshot, settings.public_url
    access = CatalogueAccess(callers, registry, parts.workers)
    CataloguePages(registry, access, url).add_routes(app)
    CatalogueRoutes(callers, registry, access, url, first_server(settings.nats)).add_routes(app)
    DocumentSchemaRoutes().add_routes(app)
    CatalogueEvents(callers, registry, parts.stop).add_routes(app)


def _add_evidence(
    app: web.Application, settings: GatewaySettings, parts: ApiDependencies, callers: CallerAuthenticator
) -> None:
    pipeline, evidence, snapshot = parts.pipeline, parts.evidence, parts.registry.snapshot
    stale_index.add_header(app, evidence.connection, evidence.index)
    EvidenceStreamRoutes(callers, evidence.connection, parts.stop).add_routes(app)
    AccessLogRoutes(pipeline, snapshot, evidence.index).add_routes(app)
    OwnCallRoutes(callers, snapshot, pipeline.quotas, evidence.index).add_routes(app)
    EvidenceSearchRoutes(callers, evidence.index, pipeline.pseudonyms, snapshot).add_routes(app)
    witnesses = {key.name: key for key in read_keys(settings.witnesses)} if settings.witnesses else {}
    seed = parts.keys.log_key()
    EvidenceKeyRoutes(evidence.logs, seed, settings.domain).add_routes(app)
    EvidenceLogRoutes(callers, evidence.logs, evidence.proofs, parts.stop).add_routes(app)
    EvidenceCosignatureRoutes(evidence.logs, seed, parts.bus, witnesses).add_routes(app)


def _add_operations(
    app: web.Application, settings: GatewaySettings, parts: ApiDependencies, callers: CallerAuthenticator
) -> None:
    pipeline, health = parts.pipeline, parts.health
    security = parts.telemetry.security
    IdempotencyKeyRoutes(callers, pipeline.idempotency, parts.registry.snapshot, security).add_routes(app)
    OperationsRoutes(callers, parts.evidence.index, health.adapters, health.checks, parts.stop).add_routes(app)

    def readiness() -> Mapping[str, bool]:
        return {
            "nats": parts.bus.connected and health.checks.connection.is_connected,
            "registry": parts.registry.replica.in_step,
            "evidence": pipeline.evidence.unwritten == 0,
            "not stopping": not parts.stop.is_set(),
        }

    HealthRoutes(parts.telemetry.metrics, readiness, health.checks.background.failures).add_routes(app)
    HomeRoute(settings.public_url).add_routes(app)
    ProblemPages().add_routes(app)
    ApiDescriptionRoute(settings.public_url).add_routes(app)
