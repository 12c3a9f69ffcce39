"""An event whose content was damaged on disk: its subscriber is told by a dead letter that there was one, when, and of which name.

Which of its subscribers it was for, what a filter says of it, and whom it is about can no longer be told: each subscription to its name has
a letter.
"""

from typing import NamedTuple

import uuid_utils

from lgsp_contracts.names import EventName
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.delivery.dead_letters.letter import DAMAGED_CODE, DeadLetter
from lgsp_gateway.delivery.entries import Channel
from lgsp_gateway.delivery.lanes.lane import Delivery
from lgsp_gateway.delivery.messages.state import Reason
from lgsp_gateway.delivery.storage.last_message import StoredMessage
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.delivery.subscriptions.subscribed_event import EVENT_HEADER, REPLAY_HEADER, ROUND_HEADER
from lgsp_problems import Text

DAMAGED = Reason(
    DAMAGED_CODE,
    Text(
        "Nội dung sự kiện đã hỏng trên đĩa nên không giao được; hãy đối chiếu với bên công bố (span cho biết lúc công bố), rồi ngừng giao sự kiện này.",
        "The content of the event was damaged on disk, so it cannot be delivered; reconcile with its publisher (span says when it was published), then give the letter up.",
    ),
)


class DamagedEvent(NamedTuple):
    """What is known of a damaged event.

    Args:
        position: its sequence in the stream.
        published_at: in seconds since 1970.
        round: how often it was a dead letter before.
        replay: when a batch replay put it there, in milliseconds since 1970; 0 where none did.
    """

    position: int
    event: EventName
    published_at: float
    round: int
    replay: int

    @classmethod
    def of(cls, stored: Delivery | StoredMessage) -> "DamagedEvent":
        """Read what stands beside the content of an event."""
        headers = stored.headers
        return cls(
            stored.sequence,
            EventName(headers.get(EVENT_HEADER) or stored.subject.rpartition(".")[2]),
            stored.published_at if isinstance(stored, Delivery) else stored.at,
            int(headers.get(ROUND_HEADER, 0)),
            int(headers.get(REPLAY_HEADER, 0)),
        )


def damaged_letter(subscription: Subscription, damaged: DamagedEvent, channel: Channel, died: float) -> DeadLetter:
    """Return the letter of a damaged event, the same for each reader of a subscription.

    Args:
        died: in seconds since 1970.
    """
    at = iso_time(damaged.published_at)
    return DeadLetter(
        kind="event",
        message=f"damaged-{damaged.position}",
        owner=subscription.consumer,
        service=subscription.service,
        major=subscription.major,
        name=damaged.event,
        envelope={
            "message": str(uuid_utils.uuid7()),  # of its evidence
            "channel": channel,
            "purpose": subscription.purpose,
            "subject": "",
            "generation": subscription.generation,
            "replay": damaged.replay,
            "from": damaged.position,
            "fromAt": at,
            "to": damaged.position,
            "toAt": at,
            "events": 1,
        },
        reason=DAMAGED,
        attempts=(),
        died=int(died * 1000),
        subscription=subscription.id,
        round=damaged.round,
    )
