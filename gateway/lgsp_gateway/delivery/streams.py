"""The streams of delivery, their subjects and their limits.

JetStream keeps what waits: each accepted message and each event is one message of a stream, and whoever delivers reads it by a
durable consumer. Payloads are encrypted (`storage/payload_cipher.py`), since they are people's data.
"""

from typing import Any

from nats.aio.client import Client

from lgsp_contracts.names import EventName, Major, ServiceName, SystemName
from lgsp_gateway.calls import deferral
from lgsp_runtime.nats import streams

WORK = "LGSP_WORK"
"""Accepted messages that wait for their provider; a message is gone once it was acknowledged."""
MESSAGES = "LGSP_MESSAGES"
"""The state of each accepted message after its first attempt, and its answer; only the last one of each message is kept."""
EVENTS = "LGSP_EVENTS"
"""Events as they were published, each for as long as its contract says."""
DEAD = "LGSP_DEAD"
"""What could not be delivered, with its reason and its attempts; only the last record of each is kept."""

Priority = deferral.Priority
PRIORITIES = deferral.PRIORITIES

OWNER = "Lgsp-Owner"
"""The header, in `LGSP_DEAD`, with the system that a dead letter belongs to."""

DUPLICATE_HOURS = 24
"""How long a repeated publish (`Nats-Msg-Id`) is recognised, as long as an Idempotency-Key counts."""


def work_subject(service: ServiceName, major: Major, priority: Priority, consumer: SystemName, message: str) -> str:
    """Name the subject of an accepted message in `LGSP_WORK`."""
    return f"work.{service}.v{major}.{priority}.{consumer}.{message}"


def work_filter(service: ServiceName, major: Major, priority: Priority, consumer: SystemName) -> str:
    """Name the subjects of all accepted messages of a system to a service in one priority, which one lane delivers."""
    return f"work.{service}.v{major}.{priority}.{consumer}.>"


def callback_subject(consumer: SystemName, message: str) -> str:
    """Name the subject in `LGSP_WORK` of the event that tells a system that its message is over. No service has a name with `_`."""
    return f"work._callback.{consumer}.{message}"


def callback_filter(consumer: SystemName) -> str:
    """Name the subjects of all such events of a system, which one lane delivers."""
    return f"work._callback.{consumer}.>"


def message_subject(consumer: SystemName, message: str) -> str:
    """Name the subject of a message's state in `LGSP_MESSAGES`."""
    return f"messages.{consumer}.{message}"


def answer_subject(consumer: SystemName, message: str) -> str:
    """Name the subject of a message's answer in `LGSP_MESSAGES`, which is gone before its state is."""
    return f"messages.{consumer}.{message}.answer"


def event_subject(service: ServiceName, major: Major, event: EventName) -> str:
    """Name the subject of an event in `LGSP_EVENTS`.

    Adapters publish to `evt.…` (wire protocol 1.1), where gateways check what they say; what is checked stands here.
    """
    return f"events.{service}.v{major}.{event}"


def event_again_subject(subscription: str) -> str:
    """Name the subject in `LGSP_EVENTS` of events that go to one subscription again, as a retried dead letter does. No service has a name
    with `_`."""
    return f"events._again.{subscription}"


def dead_message_subject(service: ServiceName, consumer: SystemName, message: str) -> str:
    """Name the subject of an accepted message in `LGSP_DEAD`."""
    return f"dead.message.{service}.{consumer}.{message}"


def dead_event_subject(subscription: str, message: str) -> str:
    """Name the subject of an event in `LGSP_DEAD` that could not be delivered to a subscription."""
    return f"dead.event.{subscription}.{message}"


def resolved_subject(dead: str) -> str:
    """Name the subject in `LGSP_DEAD` of what is kept of a dead letter that somebody dealt with.

    Args:
        dead: the subject of the letter; may have wildcards.
    """
    return f"dead.resolved.{dead.removeprefix('dead.')}"


async def ensure(connection: Client, replicas: int) -> None:
    """Make the streams that are not there.

    Raises:
        Refusal: `cannot-start`.
    """
    for config in (
        _config(WORK, ["work.>"], replicas, retention="workqueue"),
        _config(MESSAGES, ["messages.>"], replicas, max_msgs_per_subject=1),
        _config(EVENTS, ["events.>"], replicas),
        _config(DEAD, ["dead.>"], replicas, max_msgs_per_subject=1),
    ):
        await streams.ensure_raw(connection, config)


def _config(name: str, subjects: list[str], replicas: int, **limits: Any) -> dict[str, Any]:
    return {
        "name": name,
        "subjects": subjects,
        "storage": "file",
        "num_replicas": replicas,
        "duplicate_window": DUPLICATE_HOURS * 3600 * 1_000_000_000,
        "allow_atomic": True,  # group commits: a batch of messages, one sync (measured: 32 messages, 4 syncs)
        "allow_direct": True,
        "allow_msg_ttl": True,
        **limits,
    }
