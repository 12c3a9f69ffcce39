"""What a gateway replies to an adapter that publishes an event (wire protocol 1.1).

The adapter sends `wire_events.publish(…)` to `evt.{service}.v{major}.{event}` with a reply subject below `event-reply.{system}.`. The
reply comes when the event is on disk, or will not be; until then the adapter sends it again with the same id.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from lgsp_contracts.names import SystemName


def reply_prefix(system: SystemName) -> str:
    """Name the subjects below which a system's adapters are answered. No other system may subscribe to them."""
    return f"event-reply.{system}."


@dataclass(frozen=True, slots=True)
class EventAccepted:
    """The event is on disk.

    Args:
        message: its id on the bus, as in the evidence.
        repeated: it had been accepted before, and counts once.
        salt: of the digest of its data in the evidence, 32 hexadecimal digits.
    """

    message: str
    repeated: bool = False
    salt: str = ""


@dataclass(frozen=True, slots=True)
class EventRefused:
    """The event will not be accepted as it is.

    Args:
        code: of the problem.
        vi: the sentence in Vietnamese, without a value of the event.
        en: the same in English.
    """

    code: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class EventDelayed:
    """The event could not be accepted now: send it again after so many seconds."""

    retry_after: int = 1


Reply = EventAccepted | EventRefused | EventDelayed


def serialize(reply: Reply) -> bytes:
    """Serialise a reply."""
    if isinstance(reply, EventAccepted):
        accepted = {"message": reply.message, "repeated": reply.repeated, "salt": reply.salt}
        return orjson.dumps({"status": "accepted", **accepted})
    if isinstance(reply, EventRefused):
        return orjson.dumps(
            {"status": "refused", "code": reply.code, "detail": {"vi": reply.vi, "en": reply.en}},
        )
    return orjson.dumps({"status": "unavailable", "retryAfter": reply.retry_after})


def parse(data: bytes) -> Reply | None:
    """Parse a reply; None where it is none, which says as little as no reply."""
    try:
        fields: Any = orjson.loads(data)
        status = fields["status"]
        if status == "accepted":
            return EventAccepted(str(fields["message"]), fields.get("repeated") is True, str(fields.get("salt", "")))
        if status == "refused":
            detail = fields["detail"]
            return EventRefused(str(fields["code"]), str(detail["vi"]), str(detail["en"]))
        if status == "unavailable":
            return EventDelayed(max(1, int(fields.get("retryAfter", 1))))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return None
