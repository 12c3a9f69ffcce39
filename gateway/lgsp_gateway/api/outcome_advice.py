"""What to do about a call that failed, for whoever reads it: the explanations of problem codes speak to the caller alone.

An operator cannot *retry with the same Idempotency-Key*, and the agency of the provider has an adapter to look at. Where nothing is
written here for a reader, the problem is the caller's to solve, and the page says so.
"""

from collections.abc import Mapping
from typing import Literal

from lgsp_problems import Text

Reader = Literal["caller", "provider", "operator"]
"""Who reads a message: somebody of the calling agency, of the providing one, or who runs or audits the bus."""

_LOOK_AT_ADAPTER = Text(
    "xem bộ kết nối của hệ thống cung cấp: trạng thái, độ trễ và lỗi gần nhất",
    "look at the adapter of the provider's system: its state, its latency and its last error",
)
_TELL_PROVIDER = Text(
    "xem bộ kết nối của hệ thống cung cấp; nếu lỗi tiếp diễn, báo cơ quan cung cấp kèm mã thông điệp",
    "look at the adapter of the provider's system; if it goes on failing, tell the providing agency the message id",
)
_BUS = Text(
    "xem trang Tình trạng: kiểm tra nào không đạt và cách xử lý; log của gateway có mã thông điệp này",
    "see the page Health: which checks fail and what to do; the log of the gateway has this message id",
)
_WAIT_FOR_OPERATOR = Text(
    "chờ đơn vị vận hành trục xử lý; nếu lâu, báo họ mã thông điệp",
    "wait for the operators of the bus; if it takes long, tell them the message id",
)

_ADVICE: Mapping[str, Mapping[Reader, Text]] = {
    "provider-failed": {"provider": _LOOK_AT_ADAPTER, "operator": _TELL_PROVIDER},
    "provider-timeout": {"provider": _LOOK_AT_ADAPTER, "operator": _TELL_PROVIDER},
    "provider-broke-contract": {
        "provider": Text(
            "so câu trả lời của hệ thống với hợp đồng dữ liệu; sửa hệ thống hoặc manifest của bộ kết nối rồi chạy lgsp adapter check",
            "compare what the system answers with the contract; mend the system or the adapter's manifest, then run lgsp adapter check",
        ),
        "operator": Text(
            "báo cơ quan cung cấp mã thông điệp này: hệ thống của họ trả lời trái hợp đồng dữ liệu",
            "tell the providing agency this message id: its system answers against the contract",
        ),
    },
    "no-adapter": {
        "provider": Text(
            "chạy bộ kết nối của hệ thống (lgsp adapter run), hoặc cho bộ kết nối đang tạm dừng tiếp tục",
            "run the adapter of the system (lgsp adapter run), or resume one that is drained",
        ),
        "operator": Text(
            "xem trang Bộ kết nối: nếu đang tạm dừng thì cho tiếp tục; nếu không có, báo cơ quan cung cấp chạy lại",
            "see the page Adapters: resume it if it is drained; if there is none, tell the providing agency to run it",
        ),
    },
    "provider-limit-reached": {
        "provider": Text(
            "nếu hệ thống chịu được nhiều hơn, nâng limit trong manifest của bộ kết nối",
            "if the system stands more, raise limit in the adapter's manifest",
        ),
        "operator": Text(
            "xem hạn mức đã dùng ở trang của bộ kết nối; trao đổi với cơ quan cung cấp nếu hay hết hạn mức",
            "see on the adapter's page what is used of the limit; talk to the providing agency if it is often reached",
        ),
    },
    "outcome-unknown": {
        "provider": Text(
            "kiểm tra hệ thống đã thực hiện lời gọi này chưa, rồi báo cơ quan gọi",
            "check whether your system carried this call out, and tell the calling agency",
        ),
        "operator": Text(
            "hỏi cơ quan cung cấp đã thực hiện chưa; rồi cho gửi lại hoặc ngừng giao",
            "ask the providing agency whether it was carried out; then retry the message, or give it up",
        ),
    },
    "delivery-deadline-passed": {
        "provider": _LOOK_AT_ADAPTER,
        "operator": Text(
            "xem các lượt thử và bộ kết nối; cho gửi lại khi bên nhận đã trả lời",
            "see its attempts and the adapter; retry it once the receiver answers",
        ),
    },
    **{
        code: {"provider": _WAIT_FOR_OPERATOR, "operator": _BUS}
        for code in ("internal-error", "bus-unavailable", "evidence-unavailable", "storage-unavailable")
    },
}


def advice_for(code: str, reader: Reader) -> Text | None:
    """Return what a reader who is not the caller should do about a problem; None where nothing is for them to do."""
    return _ADVICE.get(code, {}).get(reader)
