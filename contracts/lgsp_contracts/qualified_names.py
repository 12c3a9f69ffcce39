"""The full name of a system, as X-Road and the national axis write it: `instance/class/member/subsystem`, such as `VN/GOV/H49.12/mot-cua`.

Within an instance the short name of a system is enough, and a bare name always means this instance. The full form names systems of other
instances; wire, grants and evidence can carry it. The parts of foreign names are what other instances gave out, so they may hold more than
names of this one do, and still nothing that steers a path, a subject or a header.
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
    """A system of some instance. One that is no name cannot be made.

    Args:
        instance: the bus that knows the system, such as `VN`.
        member_class: what kind of organisation its owner is, such as `GOV` or `COM`.
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
            raise _no_qualified_name()

    @classmethod
    def parse(cls, text: str) -> "QualifiedName":
        """Read the form `instance/class/member/subsystem`.

        Raises:
            Refusal: `malformed`.
        """
        parts = text.split("/")
        if len(parts) != 4:
            raise _no_qualified_name()
        return cls(*parts)

    def __str__(self) -> str:
        return "/".join(astuple(self))


def parse_system(text: str) -> SystemName | QualifiedName:
    """Read the name of a system in either form: a bare name is a system of this instance.

    Raises:
        Refusal: `malformed`.
    """
    return QualifiedName.parse(text) if "/" in text else names.system_name(text)


def _no_qualified_name() -> Refusal:
    return Refusal(
        "malformed",
        vi=f"Tên đầy đủ của hệ thống có dạng instance/class/member/subsystem, ví dụ VN/GOV/H49.12/mot-cua, mỗi phần từ 1 đến {MAX_PART} chữ không dấu, chữ số, dấu - (hai phần cuối thêm . và _); hãy sửa lại tên.",
        en=f"The full name of a system is instance/class/member/subsystem, such as VN/GOV/H49.12/mot-cua, each part of 1 to {MAX_PART} letters, digits and hyphens (full stops and underscores too in the last two); correct it.",
    )
