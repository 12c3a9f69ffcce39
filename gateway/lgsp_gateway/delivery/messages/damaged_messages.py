"""What is known of an accepted message whose content was damaged in `LGSP_WORK`: what its subject and its headers say, and its state."""

from lgsp_contracts.names import Major, OperationName, ServiceName, SystemName
from lgsp_gateway.delivery.lanes.lane import Delivery
from lgsp_gateway.delivery.messages.envelope import ON_BEHALF_OF, OPERATION, SUBJECT, Envelope
from lgsp_gateway.delivery.messages.lane_names import MessageLane
from lgsp_gateway.delivery.storage.batch import MESSAGE_ID
from lgsp_gateway.delivery.storage.last_message import StoredMessage
from lgsp_gateway.registry.snapshot import RegistrySnapshot


def unreadable_envelope(message: StoredMessage) -> Envelope:
    """Return what a subject of `LGSP_WORK`, `LGSP_MESSAGES` or `LGSP_DEAD` says of a message; the rest is empty."""
    names, stored = message.subject.split("."), int(message.at * 1000)
    is_work, service = names[0] == "work", {"work": names[1], "dead": names[2]}.get(names[0], "")
    return Envelope(
        message=names[-1],
        consumer=SystemName(names[1] if names[0] == "messages" else names[-2]),
        agency="",
        service=ServiceName(service),
        major=Major(int(names[2].removeprefix("v")) if is_work else 0),
        operation=OperationName(message.headers.get(OPERATION, "")),
        version="",
        provider=SystemName(""),
        purpose="",
        grant="",
        traceparent="",
        salt="",
        key="",
        priority="normal",
        accepted=stored,
        deadline=stored,
        on_behalf_of=message.headers.get(ON_BEHALF_OF, ""),
        subject=message.headers.get(SUBJECT, ""),
    )


def envelope_of_damaged(lane: MessageLane, delivery: Delivery, registry: RegistrySnapshot) -> Envelope:
    """Return what can be told of the envelope of a damaged message; what cannot is empty.

    Args:
        lane: that delivers it.
    """
    contract = registry.contract(lane.service, lane.major)
    consumer = registry.systems.get(lane.consumer)
    message, stored = delivery.subject.rpartition(".")[2], int(delivery.published_at * 1000)
    _, _, number = delivery.headers.get(MESSAGE_ID, "").partition(".")
    return Envelope(
        message=message,
        consumer=lane.consumer,
        agency=consumer.agency if consumer else "",
        service=lane.service,
        major=lane.major,
        operation=OperationName(delivery.headers.get(OPERATION, "")),
        version=contract.version if contract else "",
        provider=contract.provider if contract else SystemName(""),
        purpose="",
        grant="",
        traceparent="",
        salt="",
        key="",
        priority=lane.priority,
        accepted=stored,
        deadline=stored,
        on_behalf_of=delivery.headers.get(ON_BEHALF_OF, ""),
        subject=delivery.headers.get(SUBJECT, ""),
        round=int(number or 0),
    )
