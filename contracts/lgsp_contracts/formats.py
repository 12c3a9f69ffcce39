"""The identifiers of the Vietnamese state as JSON Schema formats, and the standard formats a contract may name.

The rules are documented in `docs/reference/formats.md`; python-stdnum computes the check digit of enterprise codes. A contract
with a format that is not listed here is refused, since an unknown format would check nothing.
"""

import re
from collections.abc import Callable

from stdnum.vn import mst

from lgsp_contracts.secrecy_markings import is_marked, is_marked_notation, is_secret_degree
from lgsp_problems import Text

Check = Callable[[str], bool]


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _is_enterprise_code(value: str) -> bool:
    # stdnum tolerates spaces and full stops; a document on the bus must not have them.
    return re.fullmatch(r"[0-9]{10}(-[0-9]{3})?", value) is not None and mst.is_valid(value)


NATIONAL_FORMATS: dict[str, tuple[Check, Text]] = {
    "so-dinh-danh": (
        _matches(r"[0-9]{12}"),
        Text("số định danh cá nhân gồm 12 chữ số", "a personal identification number of 12 digits"),
    ),
    "so-cmnd": (_matches(r"[0-9]{9}"), Text("số CMND gồm 9 chữ số", "an old identity card number of 9 digits")),
    "ma-so-doanh-nghiep": (
        _is_enterprise_code,
        Text(
            "mã số doanh nghiệp gồm 10 chữ số, chữ số cuối là số kiểm tra, có thể thêm -NNN",
            "an enterprise code of 10 digits whose last is a check digit, with -NNN for a dependent unit",
        ),
    ),
    "ma-so-bhxh": (
        _matches(r"[0-9]{10}"),
        Text("mã số bảo hiểm xã hội gồm 10 chữ số", "a social insurance number of 10 digits"),
    ),
    "ma-the-bhyt": (
        _matches(r"([A-Z]{2}[1-5][0-9]{2})?[0-9]{10}"),
        Text(
            "mã thẻ bảo hiểm y tế gồm 10 chữ số, hoặc 15 ký tự theo mẫu cũ",
            "a health card number of 10 digits, or the older form of 15 characters",
        ),
    ),
    "ma-dinh-danh-dien-tu": (
        _matches(r"[A-Z][0-9]{2}(\.[0-9]{1,3}){0,3}"),
        Text("mã định danh điện tử, ví dụ H49.12", "an electronic identification code, such as H49.12"),
    ),
}

FILE_REFERENCE = "file-reference"
BUS_FORMATS: dict[str, tuple[Check, Text]] = {
    FILE_REFERENCE: (
        _matches(r"/files/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        Text(
            "tham chiếu tới một tệp trên trục, ví dụ /files/01a2b3c4-0000-7000-8000-00000000abcd",
            "the reference of a file on the bus, such as /files/01a2b3c4-0000-7000-8000-00000000abcd",
        ),
    ),
}
"""Formats of the bus itself. Large content is a file; documents contain its reference."""

SECRECY_FORMATS: dict[str, tuple[Check, Text]] = {
    "van-ban-khong-mat": (
        lambda value: not is_marked(value),
        Text("văn bản không mang dấu chỉ độ mật", "a text that is not marked with a degree of secrecy"),
    ),
    "ky-hieu-khong-mat": (
        lambda value: not is_marked_notation(value),
        Text("ký hiệu không có chữ Mật", "a notation without a degree of secrecy"),
    ),
    "do-mat-thuong": (
        lambda value: not is_secret_degree(value),
        Text("độ mật Thường, hoặc để trống", "the degree of secrecy Thường (none), or empty"),
    ),
}
"""Formats whose violation is a document that may not pass over the bus at all (`secrecy_markings`)."""

STANDARD_FORMATS: dict[str, Text] = {
    "date": Text("ngày theo ISO 8601, ví dụ 1993-05-17", "an ISO 8601 date, such as 1993-05-17"),
    "date-time": Text(
        "thời điểm theo RFC 3339, ví dụ 2026-01-31T08:00:00+07:00",
        "an RFC 3339 time, such as 2026-01-31T08:00:00+07:00",
    ),
    "email": Text("địa chỉ thư điện tử", "an e-mail address"),
    "uri": Text("một URI", "a URI"),
    "uuid": Text("một UUID", "a UUID"),
}

_OWN = NATIONAL_FORMATS | BUS_FORMATS | SECRECY_FORMATS
FORMAT_CHECKS: dict[str, Check] = {name: check for name, (check, _) in _OWN.items()}
FORMAT_WORDS: dict[str, Text] = {name: words for name, (_, words) in _OWN.items()} | STANDARD_FORMATS
