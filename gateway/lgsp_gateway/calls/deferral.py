"""Whether a call is carried out later, as its caller prefers and its contract allows, and what its caller says of the message.

A preference is not a demand: where the contract does not allow it, the call is answered at once (RFC 7240, section 2). What counts with it
alone is a demand, such as an order: where that cannot be kept, the call is refused.
"""

import re
from typing import Literal, NamedTuple

from lgsp_contracts.contract import Operation
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_gateway.calls.model import Deferral
from lgsp_problems import Refusal

Priority = Literal["high", "normal", "low"]
PRIORITIES: tuple[Priority, ...] = ("high", "normal", "low")

MAX_ORDERING_KEY = 255
_VISIBLE = re.compile(r"[!-~]{1,255}")
_NAME = re.compile(NAME_PATTERN)


class MessageOptions(NamedTuple):
    """What a caller says of a message.

    Args:
        ordering_key: messages with the same one are delivered one after the other; "" for none.
        callback: the endpoint of the caller that is told when the message is over; "" for none.
    """

    ordering_key: str
    priority: Priority
    callback: str


def may_be_deferred(deferral: Deferral, operation: Operation) -> bool:
    """Tell whether a call is carried out later, unless what else its caller says is refused."""
    return deferral.preferred and operation.asynchronous is not None


def is_deferred(deferral: Deferral, operation: Operation) -> bool:
    """Tell whether a call is carried out later.

    Raises:
        Refusal: `malformed` or `async-not-allowed`, where it is not and its caller says how it should be.
    """
    if may_be_deferred(deferral, operation):
        return True
    if not (deferral.ordering_key or deferral.priority or deferral.callback):
        return False
    if operation.asynchronous is None:
        raise Refusal(
            "async-not-allowed",
            vi=f"Hợp đồng không cho gọi thao tác {operation.name} theo kiểu không đồng bộ; hãy bỏ các tiêu đề Lgsp-Ordering-Key, Lgsp-Priority và Lgsp-Callback.",
            en=f"The contract does not allow asynchronous calls of the operation {operation.name}; leave out the headers Lgsp-Ordering-Key, Lgsp-Priority and Lgsp-Callback.",
        )
    raise Refusal(
        "malformed",
        vi="Lgsp-Ordering-Key, Lgsp-Priority và Lgsp-Callback chỉ dùng cho lời gọi không đồng bộ; hãy thêm tiêu đề Prefer: respond-async.",
        en="Lgsp-Ordering-Key, Lgsp-Priority and Lgsp-Callback count for asynchronous calls alone; add the header Prefer: respond-async.",
    )


def read_options(deferral: Deferral) -> MessageOptions:
    """Check what a caller says of a message.

    Raises:
        Refusal: `malformed`.
    """
    if deferral.ordering_key and not _VISIBLE.fullmatch(deferral.ordering_key):
        raise Refusal(
            "malformed",
            vi=f"Lgsp-Ordering-Key phải có 1 đến {MAX_ORDERING_KEY} ký tự ASCII, không có khoảng trắng, chẳng hạn mã hồ sơ; hãy sửa lại.",
            en=f"Lgsp-Ordering-Key must have 1 to {MAX_ORDERING_KEY} visible ASCII characters without spaces, such as the number of a dossier; correct it.",
        )
    priority = next((one for one in PRIORITIES if one == (deferral.priority or "normal")), None)
    if priority is None:
        raise Refusal(
            "malformed",
            vi="Lgsp-Priority phải là high, normal hoặc low; hãy sửa lại.",
            en="Lgsp-Priority must be high, normal or low; correct it.",
        )
    if deferral.callback and not (len(deferral.callback) <= MAX_NAME and _NAME.fullmatch(deferral.callback)):
        raise Refusal(
            "malformed",
            vi="Lgsp-Callback phải là tên một điểm nhận webhook của chính hệ thống gọi, như ở /endpoints; hãy sửa lại.",
            en="Lgsp-Callback must be the name of a webhook endpoint of the calling system, as /endpoints lists it; correct it.",
        )
    return MessageOptions(deferral.ordering_key, priority, deferral.callback)


def accepted_document(message: str) -> bytes:
    """Return what the caller of an accepted call gets: the same each time that it is called with one Idempotency-Key."""
    return f'{{"id":"{message}","state":"accepted","href":"/messages/{message}"}}'.encode()
