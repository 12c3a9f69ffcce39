"""The full name of a system, as in X-Road and the national data exchange platform: `instance/class/member/subsystem`, such as
`VN/GOV/H49.12/mot-cua`.

Within an instance the short name is enough, and a short name always means this instance. The full form names systems of other instances;
wire messages, grants and evidence can contain it. Other instances choose the parts of their names, so these may contain more characters
than names of this one, but none with a meaning in a path, a subject or a header.
"""

import re
from dataclasses import astuple, dataclass

from lgsp_contracts import names
from lgsp_contracts.names import SystemName
from lgsp_problems import Refusal

MAX_PART = 63
_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_SHORT_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, order=True)
class QualifiedName:
    """The name of a system in any instance; only a valid name can be created.

    Args:
        instance: the bus that the system belongs to, such as `VN`.
        member_class: the kind of organisation that owns it, such as `GOV` or `COM`.
        member: the code of the owner within its class, such as `H49.12`.
        subsystem: the system, such as `mot-cua`.

    Raises:
        Refusal: `malformed`.
    """

    instance: str
    member_class: str
    member: str
    subsystem: str

    def __post_init__(self) -> None:
        parts = zip(astuple(self), (_SHORT_PART, _SHORT_PART, _PART, _PART), strict=True)
        if not all(len(text) <= MAX_PART and pattern.fullmatch(text) for text, pattern in parts):
            raise _not_a_qualified_name()

    @classmethod
    def parse(cls, text: str) -> "QualifiedName":
        """Read the form `instance/class/member/subsystem`.

        Raises:
            Refusal: `malformed`.
        """
        parts = text.split("/")
        if len(parts) != 4:
            raise _not_a_qualified_name()
        return cls(*parts)

    def __str__(self) -> str:
        return "/".join(astuple(self))


def parse_system(text: str) -> SystemName | QualifiedName:
    """Read the name of a system in either form: a bare name is a system of this instance.

    Raises:
        Refusal: `malformed`.
    """
    return QualifiedName.parse(text) if "/" in text else names.system_name(text)


def _not_a_qualified_name() -> Refusal:
    return Refusal(
        "malformed",
        vi=f"Tên đầy đủ của hệ thống có dạng instance/class/member/subsystem, ví dụ VN/GOV/H49.12/mot-cua, mỗi phần từ 1 đến {MAX_PART} chữ không dấu, chữ số, dấu - (hai phần cuối thêm . và _); hãy sửa lại tên.",
        en=f"The full name of a system is instance/class/member/subsystem, such as VN/GOV/H49.12/mot-cua, with parts of 1 to {MAX_PART} letters, digits and hyphens (full stops and underscores too in the last two); correct it.",
    )
