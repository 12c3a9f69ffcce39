"""Builds the management API: all routes that are not calls."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from aiohttp import web

from lgsp_auth.client_authentication import ClientAuthenticator
from lgsp_auth.issuing import AccessTokens, TokenEndpoint
from lgsp_gateway.api import stale_index
from lgsp_gateway.api.access_log import AccessLogRoutes
from lgsp_gateway.api.access_requests import AccessRequestRoutes
from lgsp_gateway.api.account import AccountRoutes
from lgsp_gateway.api.adapters import AdapterRoutes
from lgsp_gateway.api.browser_sessions import BrowserSessionRoutes
from lgsp_gateway.api.catalogue import CatalogueRoutes
from lgsp_gateway.api.catalogue_access import CatalogueAccess
from lgsp_gateway.api.catalogue_events import CatalogueEvents
from lgsp_gateway.api.catalogue_pages import CataloguePages
from lgsp_gateway.api.catalogue_trials import CatalogueTrialRoutes
from lgsp_gateway.api.checks import CheckRoutes
from lgsp_gateway.api.citizen_authentication import CitizenAuthenticator
from lgsp_gateway.api.citizen_requests import CitizenRequestRoutes
from lgsp_gateway.api.citizen_sign_in import CALLBACK as CITIZEN_CALLBACK
from lgsp_gateway.api.citizen_sign_in import CitizenSignInRoutes
from lgsp_gateway.api.dead_letters import DeadLetterRoutes
from lgsp_gateway.api.deletions import DeletionRoutes
from lgsp_gateway.api.deputies import DeputyRoutes
from lgsp_gateway.api.description import ApiDescriptionRoute
from lgsp_gateway.api.document_schemas import DocumentSchemaRoutes
from lgsp_gateway.api.drift import DriftRoutes
from lgsp_gateway.api.endpoints import EndpointRoutes
from lgsp_gateway.api.events import EventRoutes
from lgsp_gateway.api.evidence_cosignatures import EvidenceCosignatureRoutes
from lgsp_gateway.api.evidence_instance import EvidenceInstanceRoutes
from lgsp_gateway.api.evidence_keys import EvidenceKeyRoutes
from lgsp_gateway.api.evidence_logs import EvidenceLogRoutes
from lgsp_gateway.api.evidence_search import EvidenceSearchRoutes
from lgsp_gateway.api.evidence_stream import EvidenceStreamRoutes
from lgsp_gateway.api.files import FileRoutes
from lgsp_gateway.api.flows import FlowRoutes
from lgsp_gateway.api.forms import FormRoutes
from lgsp_gateway.api.health import HealthRoutes
from lgsp_gateway.api.home import HomeRoute
from lgsp_gateway.api.idempotency_keys import IdempotencyKeyRoutes
from lgsp_gateway.api.issuer_callback import TOO_MANY_SIGN_INS
from lgsp_gateway.api.issuer_sign_in import CALLBACK, IssuerSignInRoutes
from lgsp_gateway.api.local_sign_in import LocalSignInRoutes
from lgsp_gateway.api.message_story import MessageStoryRoute
from lgsp_gateway.api.message_stream import MessageStreamRoutes
from lgsp_gateway.api.messages import MessageRoutes
from lgsp_gateway.api.new_browser_sessions import NewBrowserSessions
from lgsp_gateway.api.notifications import NotificationRoutes
from lgsp_gateway.api.ops import OperationsRoutes
from lgsp_gateway.api.own_calls import OwnCallRoutes
from lgsp_gateway.api.pending_requests import PendingRequestRoutes
from lgsp_gateway.api.persons import PersonRoutes
from lgsp_gateway.api.principal_names import PrincipalNameRoute
from lgsp_gateway.api.problem_pages import ProblemPages
from lgsp_gateway.api.purposes import PurposeRoutes
from lgsp_gateway.api.registry import RegistryRoutes
from lgsp_gateway.api.session_events import SessionEventRoute
from lgsp_gateway.api.sign_in import SignInRoutes
from lgsp_gateway.api.sign_in_events import SignInEvents
from lgsp_gateway.api.subscription_events import SubscriptionEventRoutes
from lgsp_gateway.api.subscriptions import SubscriptionRoutes
from lgsp_gateway.api.token_endpoint import TokenRoutes
from lgsp_gateway.api.users import UserRoutes
from lgsp_gateway.api.waiting_counts import WaitingCounts
from lgsp_gateway.calls.auth_failure_limiter import AuthFailureLimiter
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.citizens.request_store import RequestStore
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.delivery.build import Delivery
from lgsp_gateway.delivery.files.build import Files
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.document_workers.pool import DocumentWorkers
from lgsp_gateway.evidence.append.copy_watch import CopyWatch
from lgsp_gateway.evidence.build import EvidenceReading
from lgsp_gateway.evidence.log_key import log_publics
from lgsp_gateway.evidence.verify.key_file import read_keys
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.device_cookie import DeviceCookie
from lgsp_gateway.http.routes import CALLER_AUTHENTICATOR, declared_routes
from lgsp_gateway.http.server import HttpServer
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.http.sign_in_cookie import SignInCookie
from lgsp_gateway.http.streaming import PAGE_LIMITER, STREAM_LIMITER, StreamLimiter, too_many_pages, too_many_streams
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.nats.adapter_drains import AdapterDrains
from lgsp_gateway.nats.provider_limits import ProviderLimits
from lgsp_gateway.notifications.build import Notifications
from lgsp_gateway.observability.alertmanager import Alertmanager
from lgsp_gateway.observability.build import Health
from lgsp_gateway.observability.call_observer import CallTelemetry
from lgsp_gateway.observability.flows.reader import FlowReader
from lgsp_gateway.registry.build import RegistryParts
from lgsp_gateway.sessions.citizen_sessions import CitizenSessions
from lgsp_gateway.sessions.demo_sign_in import DemoSignIn
from lgsp_gateway.sessions.issuer_redirects import IssuerRedirects
from lgsp_gateway.sessions.issuers import People
from lgsp_gateway.sessions.local_users.build import open_local_sign_in
from lgsp_gateway.sessions.local_users.own_account import OwnAccount
from lgsp_gateway.sessions.person_administration import PersonAdministration
from lgsp_gateway.sessions.sealing import Sealer
from lgsp_gateway.sessions.sign_in import SignIn
from lgsp_runtime.loopback import is_loopback
from lgsp_runtime.nats.connection import first_server
from lgsp_runtime.nats.request_reply import NatsRequestReply


class AdapterParts(NamedTuple):
    """What gateways keep for adapters and decide about them."""

    drains: AdapterDrains
    limits: ProviderLimits


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """The parts of a gateway that the management API shows and changes. `stop` is set when the gateway stops; it ends streams."""

    pipeline: Pipeline
    registry: RegistryParts
    keys: KeyStore
    people: People
    evidence: EvidenceReading
    copy_watch: CopyWatch
    health: Health
    telemetry: CallTelemetry
    bus: NatsRequestReply
    workers: DocumentWorkers
    files: Files
    delivery: Delivery
    storage: StorageBounds
    adapters: AdapterParts
    notifications: Notifications
    citizen_requests: RequestStore
    stop: asyncio.Event


def build_api(settings: GatewaySettings, parts: ApiDependencies) -> web.Application:
    """Build the application of the management API, with all of its routes.

    Raises:
        RuntimeError: a route was added without a declaration.
    """
    app = HttpServer.application()
    clients, sign_in = _open_sign_in(settings, parts)
    cookie = SessionCookie(settings.public_url)
    callers = app[CALLER_AUTHENTICATOR] = CallerAuthenticator(parts.pipeline.identification, sign_in, cookie)
    app[STREAM_LIMITER] = StreamLimiter(settings.streams, settings.streams_each, too_many_streams)
    app[PAGE_LIMITER] = StreamLimiter(settings.page_streams, settings.page_streams_each, too_many_pages)
    _add_tokens(app, settings, parts, clients, sign_in)
    _add_browser_sign_in(app, settings, parts, callers, sign_in, cookie)
    _add_registry(app, settings, parts, callers)
    _add_delivery(app, settings, parts, callers)
    _add_evidence(app, settings, parts, callers)
    _add_citizens(app, settings, parts, callers, sign_in)
    _add_operations(app, settings, parts, callers)
    _add_health(app, parts)
    declared_routes(app)
    return app


def build_health(settings: GatewaySettings, parts: ApiDependencies) -> web.Application:
    """Build the application of a gateway that only delivers: health and metrics."""
    app = HttpServer.application()
    _, sign_in = _open_sign_in(settings, parts)
    cookie = SessionCookie(settings.public_url)
    app[CALLER_AUTHENTICATOR] = CallerAuthenticator(parts.pipeline.identification, sign_in, cookie)
    _add_health(app, parts)
    declared_routes(app)
    return app


def _open_sign_in(settings: GatewaySettings, parts: ApiDependencies) -> tuple[ClientAuthenticator, SignIn]:
    registry, replays = parts.registry.snapshot, parts.pipeline.identification.replays
    addresses = (settings.public_url, f"{settings.public_url}/oauth2/token")
    clients = ClientAuthenticator(addresses, registry.client)
    sign_in = SignIn.create(parts.people, parts.keys, registry, clients, replays, own_issuer=settings.public_url)
    return clients, sign_in


def _add_delivery(
    app: web.Application, settings: GatewaySettings, parts: ApiDependencies, callers: CallerAuthenticator
) -> None:
    delivery, registry = parts.delivery, parts.registry.snapshot
    EventRoutes(callers, delivery.events, partial(parts.registry.is_stale, settings.stale_seconds)).add_routes(app)
    MessageRoutes(callers, delivery.messages.operations, delivery.dead_letters, registry, delivery.reports).add_routes(
        app
    )
    DeadLetterRoutes(callers, delivery.dead_letters, registry).add_routes(app)
    SubscriptionRoutes(callers, delivery.subscriptions).add_routes(app)
    SubscriptionEventRoutes(callers, delivery.subscriptions, parts.stop).add_routes(app)
    EndpointRoutes(callers, delivery.webhooks, delivery.reports, registry).add_routes(app)
    deletions = {
        "endpoint": delivery.webhooks.store.deletions,
        "subscription": delivery.subscriptions.store.deletions,
    }
    DeletionRoutes(callers, registry, deletions).add_routes(app)
    FileRoutes(callers, parts.files, registry).add_routes(app)


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


def _add_browser_sign_in(
    app: web.Application,
    settings: GatewaySettings,
    parts: ApiDependencies,
    callers: CallerAuthenticator,
    sign_in: SignIn,
    cookie: SessionCookie,
) -> None:
    keys, replays = parts.keys.storage_keys, parts.pipeline.identification.replays
    events = SignInEvents(parts.telemetry.security)
    new_sessions = NewBrowserSessions(sign_in.sessions, cookie, events)
    address, sealer = f"{settings.public_url}{CALLBACK}", Sealer(keys, "sign-in")
    redirects = IssuerRedirects(parts.people.issuers_of_staff, sign_in.verify, replays, sealer, address)
    short_cookie, outcomes = SignInCookie(secure=cookie.secure), Sealer(keys, "sign-in outcome")
    IssuerSignInRoutes(sign_in, redirects, new_sessions, cookie, short_cookie, outcomes, events).add_routes(app)
    registry = parts.registry.snapshot
    BrowserSessionRoutes(callers, sign_in, registry, cookie, events, redirects.sign_out_url).add_routes(app)
    waiting = WaitingCounts(
        registry, parts.registry.administration.pending, parts.delivery.dead_letters, parts.citizen_requests
    )
    SessionEventRoute(callers, sign_in, registry, waiting, parts.stop).add_routes(app)
    local = open_local_sign_in(sign_in, parts.people.store, parts.keys, replays, settings.public_url)
    devices, failures = (
        DeviceCookie(Sealer(keys, "device"), secure=cookie.secure),
        AuthFailureLimiter(TOO_MANY_SIGN_INS),
    )
    demo = _demo_sign_in(settings, parts, sign_in)
    LocalSignInRoutes(local, demo, new_sessions, cookie, devices, failures, events).add_routes(app)
    account = OwnAccount(local.parts, sign_in.sessions, Sealer(keys, "authenticator"))
    AccountRoutes(callers, account, events).add_routes(app)
    UserRoutes(callers, local, events, settings.public_url).add_routes(app)
    SignInRoutes(callers, sign_in, local.parts.users, registry).add_routes(app)


def _demo_sign_in(settings: GatewaySettings, parts: ApiDependencies, sign_in: SignIn) -> DemoSignIn | None:
    """Return what signs in by the link of `lgsp up`; None where the bus is reached from other machines."""
    if not is_loopback(urlsplit(settings.public_url).hostname or ""):
        return None
    registry, administration = parts.registry.snapshot, parts.registry.administration
    persons = PersonAdministration(registry, administration.reader, administration.writer, parts.people.store)
    return DemoSignIn(sign_in, registry, administration, persons, settings.public_url)


def _add_registry(
    app: web.Application, settings: GatewaySettings, parts: ApiDependencies, callers: CallerAuthenticator
) -> None:
    administration = parts.registry.administration
    RegistryRoutes(callers, administration).add_routes(app)
    PendingRequestRoutes(callers, administration, parts.registry.snapshot).add_routes(app)
    DeputyRoutes(callers, administration, parts.registry.snapshot).add_routes(app)
    NotificationRoutes(callers, parts.notifications).add_routes(app)
    persons = PersonAdministration(
        parts.registry.snapshot, administration.reader, administration.writer, parts.people.store
    )
    PersonRoutes(callers, persons).add_routes(app)
    PrincipalNameRoute(callers, parts.registry.snapshot, parts.people.store).add_routes(app)
    _add_catalogue(app, settings, parts, callers)


def _add_catalogue(
    app: web.Application, settings: GatewaySettings, parts: ApiDependencies, callers: CallerAuthenticator
) -> None:
    registry, url = parts.registry.snapshot, settings.public_url
    access = CatalogueAccess(callers, registry, parts.workers)
    CataloguePages(registry, access, url).add_routes(app)
    CatalogueTrialRoutes(
        *(callers, access, registry, parts.registry.administration.reader, parts.registry.store, parts.pipeline, url)
    ).add_routes(app)
    CatalogueRoutes(callers, registry, access, url, first_server(settings.nats)).add_routes(app)
    DocumentSchemaRoutes().add_routes(app)
    CatalogueEvents(callers, registry, parts.stop).add_routes(app)


def _add_evidence(
    app: web.Application, settings: GatewaySettings, parts: ApiDependencies, callers: CallerAuthenticator
) -> None:
    pipeline, evidence, snapshot = parts.pipeline, parts.evidence, parts.registry.snapshot
    stale_index.add_header(app, evidence.connection, evidence.index)
    EvidenceStreamRoutes(callers, evidence.connection, parts.stop).add_routes(app)
    DriftRoutes(callers, snapshot).add_routes(app)
    PurposeRoutes(snapshot).add_routes(app)
    FormRoutes(callers, snapshot, pipeline, parts.people.store, parts.telemetry.begins_trace).add_routes(app)
    OwnCallRoutes(callers, snapshot, pipeline.quotas, parts.storage, evidence.index).add_routes(app)
    MessageStreamRoutes(callers, evidence.index, evidence.connection, snapshot, parts.stop).add_routes(app)
    EvidenceSearchRoutes(callers, evidence.index, evidence.connection, pipeline.pseudonyms, snapshot).add_routes(app)
    delivery = parts.delivery
    MessageStoryRoute(
        *(callers, evidence.index, evidence.connection, snapshot, delivery.messages.operations, delivery.dead_letters)
    ).add_routes(app)
    witnesses = {key.name: key for key in read_keys(settings.witnesses)} if settings.witnesses else {}
    publics = partial(log_publics, parts.keys)
    EvidenceKeyRoutes(evidence.logs, publics, settings.domain).add_routes(app)
    EvidenceInstanceRoutes(parts.copy_watch).add_routes(app)
    freshness = stale_index.freshness_of(evidence.connection, evidence.index)
    EvidenceLogRoutes(callers, evidence.logs, evidence.proofs, freshness, witnesses, parts.stop).add_routes(app)
    EvidenceCosignatureRoutes(evidence.logs, publics, parts.bus, witnesses).add_routes(app)


def _add_citizens(
    app: web.Application,
    settings: GatewaySettings,
    parts: ApiDependencies,
    callers: CallerAuthenticator,
    sign_in: SignIn,
) -> None:
    pipeline, registry, keys = parts.pipeline, parts.registry.snapshot, parts.keys.storage_keys
    cookie, issuers = SessionCookie(settings.public_url, "lgsp_citizen"), parts.people.issuers_of_citizens
    sessions = CitizenSessions(sign_in.sessions, pipeline.pseudonyms.of, parts.people.removed_keys.has_ended)
    citizens = CitizenAuthenticator(pipeline.identification, pipeline.pseudonyms, sessions, cookie)
    redirects = IssuerRedirects(
        issuers,
        sign_in.verify,
        pipeline.identification.replays,
        Sealer(keys, "sign-in of a citizen"),
        f"{settings.public_url}{CITIZEN_CALLBACK}",
    )
    CitizenSignInRoutes(
        *(issuers, redirects, sessions, citizens, cookie, registry),
        Sealer(keys, "failed sign-in of a citizen"),
        SignInEvents(parts.telemetry.security),
    ).add_routes(app)
    log = AccessLogRoutes(citizens, pipeline, registry, parts.evidence.index)
    log.add_routes(app)
    AccessRequestRoutes(citizens, log, parts.citizen_requests, registry).add_routes(app)
    CitizenRequestRoutes(callers, parts.citizen_requests, registry, parts.telemetry.security).add_routes(app)


def _add_operations(
    app: web.Application, settings: GatewaySettings, parts: ApiDependencies, callers: CallerAuthenticator
) -> None:
    pipeline, health = parts.pipeline, parts.health
    security = parts.telemetry.security
    IdempotencyKeyRoutes(callers, pipeline.idempotency, parts.registry.snapshot, security).add_routes(app)
    snapshot, index = parts.registry.snapshot, parts.evidence.index
    flows = FlowReader(index, snapshot, parts.evidence.connection) if index else None
    FlowRoutes(callers, flows, parts.stop).add_routes(app)
    OperationsRoutes(snapshot, parts.storage, index).add_routes(app)

    alertmanager = Alertmanager(settings.alertmanager)
    CheckRoutes(callers, settings.name, health.checks, health.expirations, alertmanager, parts.stop).add_routes(app)
    adapters = parts.adapters
    AdapterRoutes(
        callers, parts.registry.snapshot, health.adapters, adapters.drains, adapters.limits, parts.stop
    ).add_routes(app)
    HomeRoute(settings.public_url).add_routes(app)
    ProblemPages().add_routes(app)
    ApiDescriptionRoute(settings.public_url).add_routes(app)


def _add_health(app: web.Application, parts: ApiDependencies) -> None:
    checks, lanes = parts.health.checks, parts.delivery.lanes

    def readiness() -> Mapping[str, bool]:
        return {
            "nats": parts.bus.connected and checks.connection.is_connected,
            "registry": parts.registry.replica.in_step,
            "evidence": parts.pipeline.evidence.unwritten == 0,
            "not stopping": not parts.stop.is_set(),
        }

    def warnings() -> Iterator[str]:
        yield from (f"task {name} fails" for name in checks.background.failures())
        if not lanes.anybody_delivers:
            yield "no gateway delivers"

    HealthRoutes(parts.telemetry.metrics, readiness, warnings).add_routes(app)
