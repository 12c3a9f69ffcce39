"""Builds the deliveries to subscriptions of one gateway."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from nats.aio.client import Client

from lgsp_gateway.calls.execution.port import ExecutionPort
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.delivery.dead_letters.store import DeadLetters
from lgsp_gateway.delivery.delivery_reports import DeliveryReports
from lgsp_gateway.delivery.files.file_references import FileReferences
from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.group_commit import GroupCommit
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.stored_messages import StoredMessages
from lgsp_gateway.delivery.streams import EVENTS
from lgsp_gateway.delivery.subscriptions import expired_events
from lgsp_gateway.delivery.subscriptions.adapter_attempts import AdapterAttempts
from lgsp_gateway.delivery.subscriptions.administration import SubscriptionAdministration
from lgsp_gateway.delivery.subscriptions.attempt_history import AttemptHistory
from lgsp_gateway.delivery.subscriptions.attempts import Attempter
from lgsp_gateway.delivery.subscriptions.batch_replay import BatchReplay
from lgsp_gateway.delivery.subscriptions.dead_events import DeadEvents
from lgsp_gateway.delivery.subscriptions.evidence import SubscriptionEvidence
from lgsp_gateway.delivery.subscriptions.expired_events import ExpiredEvents
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.delivery.subscriptions.observer import SubscriptionObserver
from lgsp_gateway.delivery.subscriptions.parts import DeliveryParts
from lgsp_gateway.delivery.subscriptions.probe import SubscriptionProbe
from lgsp_gateway.delivery.subscriptions.pull import PullQueues
from lgsp_gateway.delivery.subscriptions.pull_routing import PullRouting
from lgsp_gateway.delivery.subscriptions.pull_tokens import PullTokens
from lgsp_gateway.delivery.subscriptions.recent_events import RecentEvents
from lgsp_gateway.delivery.subscriptions.status import SubscriptionStatuses
from lgsp_gateway.delivery.subscriptions.store import SubscriptionStore
from lgsp_gateway.delivery.subscriptions.subscription_lanes import SubscriptionLanes
from lgsp_gateway.delivery.subscriptions.webhook_attempts import WebhookAttempts
from lgsp_gateway.delivery.webhooks.endpoints import Endpoints
from lgsp_gateway.delivery.webhooks.sender import WebhookSender
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.background import Background
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.security_events import SecurityLog
from lgsp_runtime.steady_clock import SteadyClock

ADAPTER_CONCURRENCY = 8
SWEEP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SubscriptionDependencies:
    """What deliveries to subscriptions need of the rest of a gateway.

    Args:
        bus: on the connection of delivery; writes the subscriptions.
        connection: to the account of the bus; reads streams.
        events: writes to `LGSP_EVENTS`.
    """

    bus: NatsRequestReply
    connection: Client
    registry: RegistrySnapshot
    evidence: SubscriptionEvidence
    dead_letters: DeadLetters
    events: GroupCommit
    observer: SubscriptionObserver
    cipher: PayloadCipher
    lanes: Lanes
    execution: ExecutionPort
    endpoints: Endpoints
    sender: WebhookSender
    files: FileReferences
    security: SecurityLog
    quotas: Quotas
    bounds: StorageBounds
    reports: DeliveryReports


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The subscriptions of a gateway, as its API shows and changes them.

    Args:
        connection, cipher: read streams.
    """

    store: SubscriptionStore
    administration: SubscriptionAdministration
    probe: SubscriptionProbe
    statuses: SubscriptionStatuses
    pulls: PullRouting
    parts: DeliveryParts
    lanes: SubscriptionLanes
    expired: ExpiredEvents
    connection: Client
    cipher: PayloadCipher


async def open_subscriptions(
    stack: AsyncExitStack, dependencies: SubscriptionDependencies, replicas: int, background: Background
) -> Subscriptions:
    """Open the subscriptions and serve their lanes; call it before `lanes.start`.

    Args:
        stack: lets go of what waits for workers, before the lanes stop.

    Raises:
        Refusal: `cannot-start` or `bus-unavailable`.
    """
    subscriptions, queues = create_subscriptions(dependencies, background)
    await subscriptions.store.start(dependencies.connection, replicas, background)
    await subscriptions.parts.history.start(dependencies.connection, replicas)
    subscriptions.lanes.start(subscriptions.parts, queues)
    background.run_every("pull subscriptions", SWEEP_SECONDS, queues.let_go, within=None)
    background.run_every("expiring events", expired_events.SWEEP_SECONDS, subscriptions.expired.count, within=None)
    stack.push_async_callback(queues.stop)
    await subscriptions.pulls.start()
    return subscriptions


def create_subscriptions(needs: SubscriptionDependencies, background: Background) -> tuple[Subscriptions, PullQueues]:
    """Create the subscriptions and what waits for their workers; nothing is started."""
    store = SubscriptionStore(needs.bus)
    webhooks = WebhookAttempts(needs.endpoints, needs.sender)
    attempters: dict[str, Attempter] = {
        "webhook": webhooks,
        "adapter": AdapterAttempts(needs.registry, needs.execution),
    }

    def concurrency(subscription: Subscription) -> int:
        endpoint = webhooks.endpoint_of(subscription)
        return endpoint.concurrency if endpoint else ADAPTER_CONCURRENCY

    lanes = SubscriptionLanes(needs.lanes, attempters, concurrency, background)
    parts = DeliveryParts(
        store,
        needs.registry,
        needs.evidence,
        needs.dead_letters,
        needs.observer,
        needs.files,
        AttemptHistory(needs.bus, needs.cipher),
        lanes.mark_blocked,
        SteadyClock().now,
        RecentEvents(),
        needs.bounds,
    )
    needs.dead_letters.handlings["event"] = DeadEvents(parts, needs.events, needs.quotas, needs.bounds).handling()
    is_served = partial(_is_served, needs.lanes)
    events = StoredMessages(needs.connection, EVENTS, needs.cipher)
    expired = ExpiredEvents(parts, needs.dead_letters, needs.connection, events, is_served)
    needs.dead_letters.handlings["expired"] = expired.handling()
    queues = PullQueues(parts, is_served, PullTokens(needs.cipher))
    subscriptions = Subscriptions(
        store,
        SubscriptionAdministration(
            store,
            needs.registry,
            needs.endpoints,
            needs.connection,
            needs.security,
            BatchReplay(parts, events, needs.events, needs.bounds),
            needs.quotas,
        ),
        SubscriptionProbe(parts, attempters, needs.events),
        SubscriptionStatuses(needs.registry, needs.reports),
        PullRouting(queues, needs.lanes, needs.connection, background),
        parts,
        lanes,
        expired,
        needs.connection,
        needs.cipher,
    )
    return subscriptions, queues


def _is_served(lanes: Lanes, subscription: Subscription) -> bool:
    state = lanes.state_of(subscription.consumer_name)
    return state is not None and state.served_here
