"""A document held against its schema: what a caller sends, and what an adapter answers.

The same two questions are asked in the gateway and, of documents that take long, in a process beside it.
"""

from collections.abc import Sequence
from typing import Any

from lgsp_contracts import exact_json, strict_json
from lgsp_contracts.schemas import Schema
from lgsp_contracts.strict_json import Limits
from lgsp_problems import Refusal, Text, Violation

_FORBIDDEN_CHARACTER = Text(
    "có ký tự điều khiển (U+0000 đến U+001F, trừ tab và xuống dòng) hoặc U+FFFE, U+FFFF; hãy bỏ đi",
    "holds a control character (U+0000 to U+001F but for tab and line ends), or U+FFFE or U+FFFF; leave it out",
)


def read_request(limits: Limits, body: bytes) -> Any:
    """Parse a request; it is not yet held against its schema.

    Raises:
        Refusal: `malformed`, `too-large`, or `contract-violation` for characters that no contract takes.
    """
    document = strict_json.loads(body, limits)
    suspicious = b"\\" in body or strict_json.NONCHARACTER in body
    if suspicious and (place := strict_json.forbidden_character(body, document)) is not None:
        raise broken_request([Violation(place, "", _FORBIDDEN_CHARACTER)])
    return document


def check_request(schema: Schema, limits: Limits, body: bytes) -> Any:
    """Parse a request and hold it against its schema.

    Raises:
        Refusal: `malformed`, `too-large` or `contract-violation`.
    """
    document = read_request(limits, body)
    measured = with_exact_numbers(document, body) if schema.counts_places else document
    if not schema.is_valid(measured):
        raise broken_request(schema.violations(measured))
    return document


def check_answer(schema: Schema, limits: Limits, body: bytes, *, in_haste: bool = False) -> Any:
    """Parse an answer and hold it against its schema.

    Args:
        in_haste: do not look for the rules that it breaks where that takes long.

    Raises:
        Refusal: `provider-broke-contract`; nothing of the answer is in it, only where it breaks which rule.
    """
    try:
        document = strict_json.loads(body, limits)
    except Refusal as refusal:
        raise broken_answer(refusal.detail.en) from refusal
    measured = with_exact_numbers(document, body) if schema.counts_places else document
    if not schema.is_valid(measured):
        patient = not in_haste or schema.effort.explains_at_once(body)
        rules = ", ".join(dict.fromkeys(found.rule for found in schema.violations(measured))) if patient else ""
        raise broken_answer(f"breaks {rules or 'the contract'}")
    return document


def with_exact_numbers(document: Any, body: bytes) -> Any:
    """Read the numbers of a document again with all their digits, for a schema that counts decimal places: a double has 15, and money has more."""
    return exact_json.loads(body) if exact_json.holds_double(document) else document


def broken_request(violations: Sequence[Violation]) -> Refusal:
    """Make the refusal of a request that breaks its contract."""
    places = ", ".join(dict.fromkeys(found.pointer or "/" for found in violations[:3]))
    return Refusal(
        "contract-violation",
        vi=f"Yêu cầu trái hợp đồng ở {places}; hãy sửa theo danh sách lỗi kèm theo.",
        en=f"The request breaks the contract at {places}; mend it as the list of errors says.",
        violations=violations,
    )


def broken_answer(private: str) -> Refusal:
    """Make the refusal for an answer that may not reach the caller; `private` goes to the log only."""
    return Refusal(
        "provider-broke-contract",
        vi="Hệ thống cung cấp trả lời trái hợp đồng nên câu trả lời bị giữ lại; hãy báo cho đơn vị vận hành trục kèm mã thông điệp.",
        en="The provider's answer breaks the contract and was withheld; report the message id to the operator of the bus.",
        private=private,
    )
