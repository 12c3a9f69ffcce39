"""Names, parsed where they enter, so that no unchecked text becomes a subject, a path, a file, a query or a header.

Each kind of name is a type of its own (`typing.NewType`, without cost at run time) that only the functions here create. mypy
rejects a `str` where a `ServiceName` is expected. The patterns are those of the JSON Schemas of the documents; a test compares
them.

A name here is one part, without a slash. The full form of a system's name, `instance/class/member/subsystem`, has a type of its
own in `qualified_names`.
"""

import re
from collections.abc import Callable, Mapping
from typing import NewType

from lgsp_contracts.formats import FORMAT_CHECKS
from lgsp_problems import Refusal

AgencyCode = NewType("AgencyCode", str)
"""The electronic identification code of an agency, such as `H49.12`. It contains dots, so that it takes several tokens of a NATS subject."""
SystemName = NewType("SystemName", str)
ServiceName = NewType("ServiceName", str)
OperationName = NewType("OperationName", str)
EventName = NewType("EventName", str)
GrantName = NewType("GrantName", str)
EndpointName = NewType("EndpointName", str)
"""The name of a webhook endpoint among those of its system."""
GatewayName = NewType("GatewayName", str)
"""The name of a gateway: a part of its log's name, of subjects and of files."""
DocumentName = NewType("DocumentName", str)
"""The name of a document of the registry: an agency's code, or a name, depending on its kind."""
PurposeName = NewType("PurposeName", str)
HeaderValue = NewType("HeaderValue", str)
"""The value of an HTTP header: printable ASCII, no line breaks."""
Major = NewType("Major", int)
MessageId = NewType("MessageId", str)
"""The id of a message: a UUID in its canonical form."""

MAX_NAME = 63
NAME_PATTERN = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
"""The pattern of names of systems, services, operations, events, grants and purposes, of at most `MAX_NAME` characters."""
GATEWAY_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$"
MAX_MAJOR = 9999

_NAME = re.compile(NAME_PATTERN.removesuffix("$") + r"\Z")  # `$` would also match before a final line feed
_GATEWAY = re.compile(GATEWAY_PATTERN.removesuffix("$") + r"\Z")
_MAJOR = re.compile(r"[1-9][0-9]{0,3}")
_MESSAGE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEADER = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")
MAX_HEADER = 8_000
_IS_AGENCY = FORMAT_CHECKS["ma-dinh-danh-dien-tu"]


def agency_code(text: str) -> AgencyCode:
    """Read the code of an agency.

    Raises:
        Refusal: `malformed`.
    """
    if not _IS_AGENCY(text):
        raise Refusal(
            "malformed",
            vi="Mã cơ quan phải là mã định danh điện tử, ví dụ H49.12; hãy sửa lại mã.",
            en="The code of an agency is an electronic identification code, such as H49.12; correct it.",
        )
    return AgencyCode(text)


def system_name(text: str) -> SystemName:
    """Read the name of a system.

    Raises:
        Refusal: `malformed`.
    """
    return SystemName(_checked_name(text, "Tên hệ thống", "The name of a system"))


def service_name(text: str) -> ServiceName:
    """Read the name of a service, without its version.

    Raises:
        Refusal: `malformed`.
    """
    return ServiceName(_checked_name(text, "Tên dịch vụ", "The name of a service"))


def operation_name(text: str) -> OperationName:
    """Read the name of an operation.

    Raises:
        Refusal: `malformed`.
    """
    return OperationName(_checked_name(text, "Tên thao tác", "The name of an operation"))


def event_name(text: str) -> EventName:
    """Read the name of an event.

    Raises:
        Refusal: `malformed`.
    """
    return EventName(_checked_name(text, "Tên sự kiện", "The name of an event"))


def grant_name(text: str) -> GrantName:
    """Read the name of a grant.

    Raises:
        Refusal: `malformed`.
    """
    return GrantName(_checked_name(text, "Tên quyền khai thác", "The name of a grant"))


def endpoint_name(text: str) -> EndpointName:
    """Read the name of a webhook endpoint.

    Raises:
        Refusal: `malformed`.
    """
    return EndpointName(_checked_name(text, "Tên điểm nhận webhook", "The name of a webhook endpoint"))


def purpose_name(text: str) -> PurposeName:
    """Read the name of a purpose.

    Raises:
        Refusal: `malformed`.
    """
    return PurposeName(_checked_name(text, "Tên mục đích", "The name of a purpose"))


def header_value(header: str, text: str) -> HeaderValue:
    """Read the value of an HTTP header.

    Args:
        header: its name, for the message.

    Raises:
        Refusal: `malformed`.
    """
    if len(text) > MAX_HEADER or not _HEADER.fullmatch(text):
        raise Refusal(
            "malformed",
            vi=f"Giá trị của {header} chỉ gồm ký tự ASCII in được, không xuống dòng; hãy sửa lại.",
            en=f"The value of {header} may only have printable ASCII characters and no line break; correct it.",
        )
    return HeaderValue(text)


def document_name(kind: str, text: str) -> DocumentName:
    """Read the name of a document of the registry.

    Args:
        kind: Agency, Purpose, Person, System, Service or Grant.

    Raises:
        Refusal: `malformed`.
    """
    if kind == "Agency":
        return DocumentName(agency_code(text))
    return DocumentName(_checked_name(text, f"Tên của {kind}", f"The name of a {kind}"))


def gateway_name(text: str) -> GatewayName:
    """Read the name of a gateway, which is also the name of its log.

    Raises:
        Refusal: `malformed`.
    """
    if not _GATEWAY.match(text):
        raise Refusal(
            "malformed",
            vi="Tên gateway (cũng là tên nhật ký) chỉ gồm chữ không dấu, chữ số, - và _, từ 1 đến 63 ký tự; hãy sửa lại tên.",
            en="The name of a gateway, and of its log, has 1 to 63 letters, digits, - and _; correct it.",
        )
    return GatewayName(text)


def major(text: str) -> Major:
    """Read a major version, such as `1`.

    Raises:
        Refusal: `malformed`.
    """
    if not _MAJOR.fullmatch(text):
        raise Refusal(
            "malformed",
            vi=f"Phiên bản chính phải là số từ 1 đến {MAX_MAJOR}; hãy sửa lại.",
            en=f"A major version is a number from 1 to {MAX_MAJOR}; correct it.",
        )
    return Major(int(text))


def message_id(text: str) -> MessageId:
    """Read the id of a message.

    Raises:
        Refusal: `malformed`.
    """
    if not _MESSAGE.fullmatch(text):
        raise Refusal(
            "malformed",
            vi="Mã thông điệp phải là UUID như trong tiêu đề Lgsp-Message-Id; hãy chép lại nguyên vẹn.",
            en="The id of a message is a UUID, as in the header Lgsp-Message-Id; copy it in full.",
        )
    return MessageId(text)


BY_ROLE: Mapping[str, Callable[[str], str]] = {
    "agency": agency_code,
    "consumer": system_name,
    "provider": system_name,
    "service": service_name,
    "operation": operation_name,
    "purpose": purpose_name,
    "grant": grant_name,
    "message": message_id,
}
"""The parser of each kind of name, by its role in a search."""


def _checked_name(text: str, vi: str, en: str) -> str:
    if len(text) > MAX_NAME or not _NAME.match(text):
        raise Refusal(
            "malformed",
            vi=f"{vi} gồm chữ thường không dấu, chữ số và dấu - ở giữa, tối đa {MAX_NAME} ký tự, bắt đầu bằng chữ; hãy sửa lại tên.",
            en=f"{en} has lower-case letters, digits and single hyphens between them, at most {MAX_NAME} characters, and begins with a letter; correct it.",
        )
    return text


def is_of_agency(code: str, agency: str) -> bool:
    """Tell whether a code is that of an agency or of one of its units: `H49.12` and `H49.12.3` are of `H49.12`."""
    return code == agency or code.startswith(f"{agency}.")
