"""Puts delivery together: asynchronous calls, events, subscriptions, webhooks and dead letters of one gateway."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from nats.aio.client import Client

from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.delivery.dead_letters.store import DeadLetters
from lgsp_gateway.delivery.delivery_reports import DeliveryReport, DeliveryReports, LanePause
from lgsp_gateway.delivery.engine import Connect, DeliveryEngine, open_engine
from lgsp_gateway.delivery.events.build import open_events
from lgsp_gateway.delivery.events.event_store import EventStore
from lgsp_gateway.delivery.events.observer import PublicationObserver
from lgsp_gateway.delivery.events.publication import EventPublication
from lgsp_gateway.delivery.files.file_references import FileReferences
from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.messages.build import Messages, open_messages
from lgsp_gateway.delivery.messages.observer import DeliveryObserver
from lgsp_gateway.delivery.shared_limit import SharedLimit
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.subscriptions.build import SubscriptionDependencies, Subscriptions, open_subscriptions
from lgsp_gateway.delivery.subscriptions.evidence import SubscriptionEvidence
from lgsp_gateway.delivery.subscriptions.model import WebhookDelivery
from lgsp_gateway.delivery.subscriptions.observer import SubscriptionObserver
from lgsp_gateway.delivery.subscriptions.store import SubscriptionStore
from lgsp_gateway.delivery.webhooks.build import Webhooks, open_webhooks
from lgsp_gateway.delivery.webhooks.sender import WebhookSender
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.background import Background
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.security_events import SecurityLog


@dataclass(frozen=True, slots=True)
class DeliveryObservers:
    """Who is told of what is delivered.

    Args:
        backlogs: returns how many events wait for each subscription that this gateway serves, by its id.
    """

    publications: PublicationObserver
    messages: DeliveryObserver
    subscriptions: SubscriptionObserver
    backlogs: Callable[[], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class DeliveryDependencies:
    """What delivery needs of the rest of a gateway.

    Args:
        pipeline: whose decisions are asked again at each delivery; messages are accepted through it.
        bus: of the calls; events and the documents of delivery are written by it.
        connection: reads streams.
        cipher: encrypts what is stored.
        files: binds the files that events carry.
        bounds: what may be stored.
    """

    settings: GatewaySettings
    keys: KeyStore
    cipher: PayloadCipher
    pipeline: Pipeline
    bus: NatsRequestReply
    connection: Client
    files: FileReferences
    observers: DeliveryObservers
    security: SecurityLog
    background: Background
    bounds: StorageBounds


@dataclass(frozen=True, slots=True)
class Delivery:
    """The parts of delivery that the management API shows and changes."""

    events: EventPublication
    messages: Messages
    dead_letters: DeadLetters
    subscriptions: Subscriptions
    webhooks: Webhooks
    lanes: Lanes
    reports: DeliveryReports


async def open_delivery(stack: AsyncExitStack, needs: DeliveryDependencies, connect: Connect) -> Delivery:
    """Open delivery; nothing is delivered before `lanes.start`.

    Args:
        stack: closes it.
        connect: opens a connection for delivery alone, so that a backlog does not delay calls.

    Raises:
        Refusal: `cannot-start` or `bus-unavailable`.
    """
    settings, background = needs.settings, needs.background
    limit = SharedLimit(settings.name, needs.pipeline.background.limit if "http" in settings.roles else None)
    await limit.start(needs.connection, background)
    delivers = "delivery" in settings.roles
    engine = await open_engine(stack, settings.name, connect, needs.cipher, background, limit.limit, delivers=delivers)
    rate, observers = settings.events_per_second, needs.observers
    events = await open_events(
        rate,
        needs.pipeline,
        EventStore(engine.events, needs.connection, engine.cipher),
        needs.connection,
        observers.publications,
        background,
        needs.files,
        needs.bounds,
    )
    webhooks = await open_webhooks(
        stack,
        settings,
        needs.keys.webhook_keys,
        needs.bus,
        needs.connection,
        needs.security,
        background,
        needs.pipeline.registry,
    )
    dead_letters = DeadLetters(engine.dead, needs.connection, engine.cipher, needs.bounds.stored)
    needs.bounds.stored.follow_dead_letters(partial(_agency_of, needs.pipeline.registry), background)
    messages = create_messages(needs, engine, dead_letters, webhooks)
    reports = DeliveryReports(settings.name, partial(_report, engine.lanes, webhooks.sender, needs.observers.backlogs))
    await reports.start(needs.connection, background)
    subscriptions = await open_subscriptions(
        stack, subscription_dependencies(needs, engine, dead_letters, webhooks, reports), settings.replicas, background
    )
    webhooks.administration.uses.append(partial(_subscription_using, subscriptions.store))
    return Delivery(events, messages, dead_letters, subscriptions, webhooks, engine.lanes, reports)


def _report(lanes: Lanes, sender: WebhookSender, backlogs: Callable[[], Mapping[str, int]]) -> DeliveryReport:
    """Return what this gateway knows of what it delivers."""
    return DeliveryReport(
        {
            state.name: LanePause(state.pause_reason, state.paused_until)
            for state in lanes.states()
            if state.paused_until
        },
        sender.open_breakers(),
        {subscription: number for subscription, number in backlogs().items() if number},
    )


def _agency_of(registry: RegistrySnapshot, system: str) -> str:
    """Return the agency of a system; "" of one that is gone."""
    known = registry.systems.get(system)
    return known.agency if known else ""


def _subscription_using(store: SubscriptionStore, endpoint: str) -> str:
    """Return the id of a subscription whose events go to an endpoint; "" where there is none."""
    using = (
        one.id
        for one in store
        if isinstance(one.delivery, WebhookDelivery) and one.delivery.endpoint == endpoint and one.state != "ended"
    )
    return next(using, "")


def create_messages(
    needs: DeliveryDependencies, engine: DeliveryEngine, dead_letters: DeadLetters, webhooks: Webhooks
) -> Messages:
    """Create what accepts messages and delivers them."""
    return open_messages(
        engine,
        needs.pipeline,
        needs.connection,
        dead_letters,
        webhooks.endpoints,
        webhooks.sender,
        needs.observers.messages,
        needs.bounds,
    )


def subscription_dependencies(
    needs: DeliveryDependencies,
    engine: DeliveryEngine,
    dead_letters: DeadLetters,
    webhooks: Webhooks,
    reports: DeliveryReports,
) -> SubscriptionDependencies:
    """Name what subscriptions need."""
    pipeline = needs.pipeline
    return SubscriptionDependencies(
        needs.bus,
        needs.connection,
        pipeline.registry,
        SubscriptionEvidence(pipeline.gateway, pipeline.evidence, pipeline.pseudonyms),
        dead_letters,
        engine.events,
        needs.observers.subscriptions,
        engine.cipher,
        engine.lanes,
        pipeline.execution,
        webhooks.endpoints,
        webhooks.sender,
        needs.files,
        needs.security,
        pipeline.quotas,
        needs.bounds,
        reports,
    )
