"""Builds what accepts messages, delivers them, and shows what became of them."""

from dataclasses import dataclass

from nats.aio.client import Client

from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.delivery.dead_letters.store import DeadLetters, Handling
from lgsp_gateway.delivery.engine import DeliveryEngine
from lgsp_gateway.delivery.messages import callbacks as callback_lanes
from lgsp_gateway.delivery.messages import lane_names
from lgsp_gateway.delivery.messages.acceptance import MessageOutbox
from lgsp_gateway.delivery.messages.callbacks import Callbacks, EndpointLookup, Sender
from lgsp_gateway.delivery.messages.dispatch import Dispatcher
from lgsp_gateway.delivery.messages.evidence import MessageEvidence
from lgsp_gateway.delivery.messages.message_store import MessageStore
from lgsp_gateway.delivery.messages.observer import DeliveryObserver
from lgsp_gateway.delivery.messages.operations import MessageOperations
from lgsp_gateway.delivery.messages.settled_bytes import counting_settled
from lgsp_gateway.delivery.messages.settlement import Settlement
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.stored_messages import StoredMessages
from lgsp_gateway.delivery.streams import WORK
from lgsp_runtime.steady_clock import SteadyClock


@dataclass(frozen=True, slots=True)
class Messages:
    """What other parts use of accepted messages.

    Args:
        work: reads what waits.
    """

    operations: MessageOperations
    dead_letters: DeadLetters
    work: StoredMessages


def open_messages(
    engine: DeliveryEngine,
    pipeline: Pipeline,
    connection: Client,
    dead_letters: DeadLetters,
    endpoints: EndpointLookup,
    sender: Sender,
    observer: DeliveryObserver,
    bounds: StorageBounds,
) -> Messages:
    """Accept messages from now on, and deliver them as soon as the lanes are started.

    Args:
        connection: reads states and dead letters.
        sender: tells callers of messages that are over.
        bounds: what may be stored.
    """
    now, registry = SteadyClock().now, pipeline.registry
    callbacks = Callbacks(engine.work, engine.lanes, endpoints, sender, now)
    pipeline.outbox = MessageOutbox(
        engine.work, engine.lanes, pipeline.idempotency, endpoints, pipeline.pseudonyms, now, bounds
    )
    evidence = MessageEvidence(pipeline.gateway, pipeline.evidence)
    store = MessageStore(engine.messages, engine.bus, connection, engine.cipher, bounds.stored)
    settlement = Settlement(store, dead_letters, callbacks, evidence, observer, now)
    dispatcher = Dispatcher(
        pipeline.gateway,
        registry,
        pipeline.authorizations,
        pipeline.checks,
        pipeline.execution,
        settlement,
        now,
        bounds.space,
    )
    operations = MessageOperations(
        engine.work, engine.lanes, settlement, evidence, registry, pipeline.checks, pipeline.quotas, now
    )
    dead_letters.handlings["message"] = Handling(operations.redeliver, operations.end, operations.read_payload)
    engine.lanes.discover(WORK, lane_names.PREFIX, counting_settled(dispatcher.lane, bounds.stored))
    engine.lanes.discover(WORK, callback_lanes.PREFIX, callbacks.lane)
    return Messages(operations, dead_letters, StoredMessages(connection, WORK, engine.cipher))
