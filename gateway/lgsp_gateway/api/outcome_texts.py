"""What the outcome of an entry means, in words: of the bus, of a contract that declares it, or of a webhook endpoint."""

from collections.abc import Mapping
from typing import Any

from lgsp_gateway.api.outcome_advice import Reader, advice_for
from lgsp_gateway.delivery.webhooks.send_result import Failed, FailureReason
from lgsp_gateway.http.problems import help_path
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import CODES, Language, ProblemCode, Text
from lgsp_problems.explanations import explanations

_DONE: Mapping[str, Text] = {
    "answered": Text("Bên cung cấp đã trả lời.", "The provider answered."),
    "replayed": Text(
        "Đã trả lại câu trả lời lưu từ lời gọi trước có cùng Idempotency-Key.",
        "The stored answer of an earlier call with the same Idempotency-Key was given.",
    ),
    "settled": Text(
        "Đã trả câu trả lời do người vận hành nhập cho một lời gọi không rõ kết quả.",
        "The answer that an operator supplied for a call with an unknown outcome was given.",
    ),
    "accepted": Text("Trục đã nhận và sẽ giao sau.", "The bus accepted it, to be delivered later."),
    "repeated": Text(
        "Đã nhận trước đó với cùng Idempotency-Key, nên không nhận lần nữa.",
        "It had been accepted before with the same Idempotency-Key, so it was not accepted again.",
    ),
    "delivered": Text("Bên nhận đã nhận được.", "The subscriber received it."),
    "done": Text("Đã thực hiện.", "It was done."),
    "cancelled": Text("Đã bị hủy trước khi giao.", "It was cancelled before it was delivered."),
    "retried": Text("Có người đã cho gửi lại.", "Somebody had it delivered again."),
    "given-up": Text("Có người đã quyết định ngừng giao.", "Somebody gave it up."),
    "payload-read": Text(
        "Hệ thống sở hữu đã đọc nội dung của thông điệp không giao được.",
        "The system that owns the dead letter read its payload.",
    ),
}
"""Outcomes that are no failure."""


def title_of(entry: Mapping[str, Any], registry: RegistrySnapshot, language: Language) -> str:
    """Return the outcome of an entry in a few words; the code itself, where nobody explains it (any more)."""
    code = str(entry["outcome"])
    if code in _DONE:
        return _DONE[code].in_language(language)
    kind = CODES.get(code) or _declared_error(entry, registry)
    if kind is not None:
        return kind.title.in_language(language)
    failure = next((reason for reason in FailureReason if reason.value == code.removeprefix("test-")), None)
    return Failed(failure).detail.in_language(language) if failure else code


def explain(entry: Mapping[str, Any], registry: RegistrySnapshot, language: Language, reader: Reader) -> dict[str, str]:
    """Return what an outcome means: its `title`; of a problem of the bus `when` it arises, the `action` that the caller has to take,
    and for another reader their own, `advice`; of a problem the path of its page, `help`."""
    code, explanation = entry["outcome"], {"title": title_of(entry, registry, language)}
    if code in CODES:
        known = explanations()[code]
        explanation |= {"when": known.when.in_language(language), "action": known.action.in_language(language)}
        advice = advice_for(code, reader)
        explanation |= {"advice": advice.in_language(language)} if advice else {}
    is_problem = code in CODES or _declared_error(entry, registry) is not None
    return {**explanation, "help": help_of(entry)} if is_problem and code not in _DONE else explanation


def help_of(entry: Mapping[str, Any]) -> str:
    """Return the path of the page that explains the problem code of an entry of a call."""
    declared_at = f"/catalog/services/{entry['service']}/v{_major(entry)}#{entry['operation']}-errors"
    return help_path(entry["outcome"], declared_at)


def _declared_error(entry: Mapping[str, Any], registry: RegistrySnapshot) -> ProblemCode | None:
    contract = registry.contract(entry["service"], _major(entry))
    operation = contract.operations.get(entry.get("operation", "")) if contract else None
    return operation.errors.get(entry["outcome"]) if operation else None


def _major(entry: Mapping[str, Any]) -> int:
    return int(entry["version"].split(".")[0] or 0)
