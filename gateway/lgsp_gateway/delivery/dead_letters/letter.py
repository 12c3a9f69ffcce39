"""A dead letter, as `LGSP_DEAD` keeps it: one line of JSON, a line feed, the payload.

Messages and events are buried by whoever could not deliver them, and listed, retried and given up in the same way.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self

import orjson

from lgsp_contracts.names import ServiceName, SystemName
from lgsp_gateway.delivery.messages.state import Attempt, Reason
from lgsp_gateway.delivery.streams import dead_event_subject, dead_message_subject

Kind = Literal["message", "event", "expired"]
"""`expired`: events of one kind that a subscription did not take before their retention ended, counted in one letter without a payload."""
Resolution = Literal["", "retried", "given-up"]
DAMAGED_CODE = "stored-content-damaged"
"""The reason of a letter whose content was damaged on disk, so that nobody can deliver it."""


class Decider(NamedTuple):
    """Who decides about a letter.

    Args:
        name: the principal, as the evidence names it.
        for_owner: whether it is the system that the letter belongs to, or one of its people; otherwise it is an operator.
    """

    name: str
    for_owner: bool


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that could not be delivered.

    Args:
        message: its id: that of the accepted message, or of the event's message (UUIDv7).
        owner: the system that sees it: which called, or which subscribed.
        name: the operation, or the event.
        subscription: the id of the subscription that an event was for; "" for a message.
        envelope: what is needed to deliver it again, as JSON; whoever buries it reads it again (`Redelivery`).
        reason: why it could not be delivered.
        attempts: the last ones, with their outcomes.
        died: in milliseconds since 1970.
        round: how often it was retried before.
        resolution: "" while it waits for a person; a letter that was retried or given up has no payload any more.
        note: why somebody gave it up.
    """

    kind: Kind
    message: str
    owner: SystemName
    service: ServiceName
    major: int
    name: str
    envelope: dict[str, Any]
    reason: Reason
    attempts: tuple[Attempt, ...]
    died: int
    subscription: str = ""
    round: int = 0
    resolution: Resolution = ""
    resolved: int = 0
    resolved_by: str = ""
    note: str = ""

    @property
    def id(self) -> str:
        """Return the id by which people name it."""
        return f"{self.subscription}.{self.message}" if self.subscription else self.message

    @property
    def is_damaged(self) -> bool:
        """Tell whether its content is lost: it can be given up, and nothing else."""
        return self.reason.code == DAMAGED_CODE

    @property
    def subject(self) -> str:
        """Return its subject in `LGSP_DEAD`."""
        if self.kind == "message":
            return dead_message_subject(self.service, self.owner, self.message)
        return dead_event_subject(self.subscription, self.message)

    @property
    def occasion(self) -> tuple[int, int, int]:
        """Return what tells this burial from one of before: the replays of the subscription, its batch replays, and the round."""
        return self.envelope.get("generation", 0), self.envelope.get("replay", 0), self.round

    def resolve(self, resolution: Resolution, at: int, by: str, note: str = "") -> "DeadLetter":
        """Return the letter once somebody has dealt with it.

        Args:
            at: in milliseconds since 1970.
            by: who.
        """
        return replace(self, resolution=resolution, resolved=at, resolved_by=by, note=note)

    def serialize(self, payload: bytes) -> bytes:
        """Return what stands in `LGSP_DEAD`."""
        document = {name: getattr(self, name) for name in self.__slots__}
        document["reason"] = self.reason.document()
        return orjson.dumps(document) + b"\n" + payload

    @classmethod
    def parse(cls, data: bytes) -> tuple[Self, bytes]:
        """Read what `serialize` wrote: the letter and its payload.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        line, _, payload = data.partition(b"\n")
        document = orjson.loads(line)
        attempts = tuple(Attempt(**attempt) for attempt in document["attempts"])
        return cls(**{**document, "reason": Reason.from_document(document["reason"]), "attempts": attempts}), payload
