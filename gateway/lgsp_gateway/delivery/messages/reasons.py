"""Why a message becomes a dead letter, where no other part of the bus says it."""

from lgsp_gateway.delivery.dead_letters.letter import DAMAGED_CODE
from lgsp_problems import Refusal


def deadline_passed() -> Refusal:
    """Return the reason of a message that was not delivered in time."""
    return Refusal(
        "delivery-deadline-passed",
        vi="Thông điệp không giao được trước hạn giao của hợp đồng; hãy xem các lần thử, khắc phục nguyên nhân rồi cho gửi lại.",
        en="The message was not delivered before the delivery deadline of its contract; see its attempts, remove the cause, and retry it.",
    )


def outcome_unknown() -> Refusal:
    """Return the reason of a message that was tried, where nobody knows whether its provider has done it."""
    return Refusal(
        "outcome-unknown",
        vi="Không biết hệ thống cung cấp đã thực hiện thông điệp này hay chưa, và thực hiện hai lần thì có hại; hãy hỏi bên cung cấp, rồi cho gửi lại nếu chưa, hoặc ngừng giao nếu đã thực hiện.",
        en="It is not known whether the provider has carried this message out, and doing it twice would do harm; ask the provider, then retry it if it has not, or give it up if it has.",
    )


def no_such_consumer() -> Refusal:
    """Return the reason of a message whose sender is no system of the registry any more."""
    return Refusal(
        "not-granted",
        vi="Hệ thống đã gửi thông điệp này không còn trong sổ đăng ký; hãy đăng ký lại rồi cho gửi lại, hoặc ngừng giao.",
        en="The system that sent this message is not in the registry any more; register it again and retry the message, or give it up.",
    )


def content_damaged() -> Refusal:
    """Return the reason of a message whose content is not what was stored any more."""
    return Refusal(
        DAMAGED_CODE,
        vi="Nội dung thông điệp đã hỏng trên đĩa nên không giao được; hãy xem các lần thử, hỏi bên cung cấp nếu đã có lần nào, rồi gửi lại yêu cầu.",
        en="The content of the message was damaged on disk, so it cannot be delivered; see its attempts, ask the provider if there were any, and send the request again.",
    )
