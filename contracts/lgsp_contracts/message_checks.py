"""Parse and validate a document against its schema: the request of a caller, or the response of an adapter.

The gateway does this in its event loop and, for documents that take long, in a worker process.
"""

from collections.abc import Sequence
from typing import Any

from lgsp_contracts import exact_json, strict_json
from lgsp_contracts.schemas import Schema
from lgsp_contracts.strict_json import Limits
from lgsp_problems import Refusal, SecretDocument, Text, Violation

_FORBIDDEN_CHARACTER = Text(
    "chứa ký tự điều khiển (U+0000 đến U+001F, trừ tab và xuống dòng) hoặc U+FFFE, U+FFFF; hãy bỏ đi",
    "contains a control character (U+0000 to U+001F except tab and line breaks), U+FFFE or U+FFFF; remove it",
)


def read_request(limits: Limits, body: bytes) -> Any:
    """Parse a request without validating it against its schema.

    Raises:
        Refusal: `malformed`, `too-large`, or `contract-violation` for characters that no contract allows.
    """
    document = strict_json.loads(body, limits)
    suspicious = b"\\" in body or strict_json.NONCHARACTER in body
    if suspicious and (pointer := strict_json.forbidden_character(body, document)) is not None:
        raise broken_request([Violation(pointer, "", _FORBIDDEN_CHARACTER)])
    return document


def check_request(schema: Schema, limits: Limits, body: bytes) -> Any:
    """Parse a request and validate it against its schema.

    Raises:
        Refusal: `malformed`, `too-large`, `secret-document` or `contract-violation`.
    """
    document = read_request(limits, body)
    exact = with_exact_numbers(document, body) if schema.needs_exact_numbers else document
    if not schema.is_valid(exact):
        raise refusal_of_request(schema, exact)
    return document


def check_answer(schema: Schema, limits: Limits, body: bytes, *, skip_costly_explanation: bool = False) -> Any:
    """Parse a response and validate it against its schema.

    Args:
        skip_costly_explanation: do not name the broken rules where finding them would take long.

    Raises:
        Refusal: `secret-document`; `provider-broke-contract`, and its `private` text names the broken rules and contains no value of the response.
    """
    try:
        document = strict_json.loads(body, limits)
    except Refusal as refusal:
        raise broken_answer(refusal.detail.en) from refusal
    exact = with_exact_numbers(document, body) if schema.needs_exact_numbers else document
    if not schema.is_valid(exact):
        if schema.secrecy_markings(exact):
            raise secret_answer()
        explains = not skip_costly_explanation or schema.effort.explains_at_once(body)
        rules = ", ".join(dict.fromkeys(violation.rule for violation in schema.violations(exact))) if explains else ""
        raise broken_answer(f"breaks {rules or 'the contract'}")
    return document


def with_exact_numbers(document: Any, body: bytes) -> Any:
    """Return the document with exact numbers, for a schema with `multipleOf`: a double has 15 digits, and amounts of money can have more."""
    return exact_json.loads(body) if exact_json.contains_double(document) else document


def refusal_of_request(schema: Schema, document: Any) -> Refusal:
    """Create the refusal of a request that is not valid: it is marked with a degree of secrecy, or breaks its contract otherwise."""
    marked = schema.secrecy_markings(document)
    if marked:
        listed = ", ".join(dict.fromkeys(marked[:3]))
        return SecretDocument(
            vi=f"Trục không chuyển văn bản mang dấu chỉ độ mật (ở {listed}); hãy gửi theo đường dành cho bí mật nhà nước, hoặc bỏ dấu nếu văn bản không mật.",
            en=f"The bus carries no document that is marked with a degree of secrecy (at {listed}); send it by the channel for state secrets, or remove the marking if it is not secret.",
        )
    return broken_request(schema.violations(document))


def broken_request(violations: Sequence[Violation]) -> Refusal:
    """Create the refusal of a request that breaks its contract."""
    pointers = ", ".join(dict.fromkeys(violation.pointer or "/" for violation in violations[:3]))
    return Refusal(
        "contract-violation",
        vi=f"Yêu cầu trái hợp đồng ở {pointers}; hãy sửa theo danh sách lỗi kèm theo.",
        en=f"The request violates the contract at {pointers}; correct it as described in the list of errors.",
        violations=violations,
    )


def secret_answer() -> SecretDocument:
    """Create the refusal for a response that is marked with a degree of secrecy."""
    return SecretDocument(
        vi="Câu trả lời mang dấu chỉ độ mật nên trục không chuyển; hãy nhận văn bản đó theo đường dành cho bí mật nhà nước.",
        en="The answer is marked with a degree of secrecy and was withheld; obtain that document by the channel for state secrets.",
    )


def broken_answer(private: str) -> Refusal:
    """Create the refusal for a response that must not reach the caller; `private` is for the log only."""
    return Refusal(
        "provider-broke-contract",
        vi="Hệ thống cung cấp trả lời trái hợp đồng nên trục không chuyển câu trả lời; hãy báo cho đơn vị vận hành trục kèm mã thông điệp.",
        en="The provider's response violates the contract and was withheld; report the message id to the operator of the bus.",
        private=private,
    )
