"""What became of one attempt to deliver an event, whatever it was delivered by, and who makes attempts."""

from dataclasses import dataclass
from typing import Protocol

from lgsp_gateway.delivery.entries import Channel
from lgsp_gateway.delivery.messages.state import Reason
from lgsp_gateway.delivery.subscriptions.authorization import AuthorizedEvent
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.delivery.subscriptions.subscribed_event import SubscribedEvent


@dataclass(frozen=True, slots=True)
class Delivered:
    """The subscriber has it.

    Args:
        status: of HTTP.
        ms: milliseconds that the attempt took.
        answer: what it answered, where that is kept by its digest.
    """

    status: int = 200
    ms: float = 0.0
    answer: bytes = b""


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed; a later one may succeed.

    Args:
        retry_after: seconds that the subscriber asked to wait; None where it asked for nothing.
    """

    reason: Reason
    status: int
    ms: float = 0.0
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The subscriber does not take this event, and will not take it later."""

    reason: Reason
    status: int
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing was sent, since nothing can be sent there now; all events of the subscription wait.

    Args:
        reason: a problem code or another fixed word.
        seconds: after which it may be tried again; None where that is not known.
    """

    reason: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The subscriber wants no more events at all.

    Args:
        why: a sentence for its owner.
    """

    why: Reason
    status: int
    ms: float = 0.0


AttemptResult = Delivered | Failed | Rejected | NotSent | Ended


class Attempter(Protocol):
    """Delivers events in one way."""

    channel: Channel

    async def attempt(
        self, subscription: Subscription, event: SubscribedEvent, authorized: AuthorizedEvent
    ) -> AttemptResult:
        """Try to deliver an event; it may have been delivered before."""
