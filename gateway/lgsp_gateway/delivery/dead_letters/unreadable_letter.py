"""What is known of a dead letter that was itself damaged in `LGSP_DEAD`: what its subject and its header say."""

from lgsp_contracts.names import ServiceName, SystemName
from lgsp_gateway.delivery.dead_letters.letter import DAMAGED_CODE, DeadLetter
from lgsp_gateway.delivery.messages.damaged_messages import unreadable_envelope
from lgsp_gateway.delivery.messages.state import Reason
from lgsp_gateway.delivery.storage.last_message import StoredMessage
from lgsp_gateway.delivery.streams import OWNER
from lgsp_problems import Text

DAMAGED_LETTER = Reason(
    DAMAGED_CODE,
    Text(
        "Thông điệp không giao được này đã hỏng trên đĩa nên không còn biết lý do; hãy tìm mã thông điệp trong nhật ký bằng chứng, rồi ngừng giao thông điệp này.",
        "This dead letter was damaged on disk, and why it could not be delivered is not known any more; search the evidence for the message id, then give the letter up.",
    ),
)


def unreadable_letter(stored: StoredMessage) -> DeadLetter:
    """Return what can be told of a damaged letter that waits for a person; what cannot is empty."""
    names = stored.subject.split(".")
    is_message = names[1] == "message"
    return DeadLetter(
        kind="message" if is_message else "event",
        message=names[-1],
        owner=SystemName(stored.headers.get(OWNER) or (names[3] if is_message else "")),
        service=ServiceName(names[2] if is_message else ""),
        major=0,
        name="",
        envelope=unreadable_envelope(stored).document() if is_message else {},
        reason=DAMAGED_LETTER,
        attempts=(),
        died=int(stored.at * 1000),
        subscription="" if is_message else names[2],
    )
