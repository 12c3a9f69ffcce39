"""Values of a request as a system can be sent them: in a path, a query, a form, a header, an XML element.

A value that has no valid form there is refused before anything is sent. That is no failure of the system: its caller asked for
something that it has no way to take.
"""

import math
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from lgsp_adapters.mapping.numbers import text_of
from lgsp_adapters.mapping.unmappable import MappingError

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_BETWEEN = re.compile(r"[/\\;]")

_SPANS: dict[str, tuple[float, float]] = {
    "byte": (-(2**7), 2**7 - 1),
    "short": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
    "unsignedByte": (0, 2**8 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedLong": (0, 2**64 - 1),
    "integer": (-math.inf, math.inf),
    "nonNegativeInteger": (0, math.inf),
    "positiveInteger": (1, math.inf),
    "nonPositiveInteger": (-math.inf, 0),
    "negativeInteger": (-math.inf, -1),
}
_NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)"
_DAY = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d:\d\d(\.\d+)?"
_ZONE = r"(Z|[+-](0\d|1[0-4]):[0-5]\d)?"
_FORMS = {
    name: re.compile(form, re.ASCII)
    for name, form in {
        "decimal": _NUMBER,
        "double": rf"{_NUMBER}([eE][+-]?\d+)?|-?INF|NaN",
        "float": rf"{_NUMBER}([eE][+-]?\d+)?|-?INF|NaN",
        "boolean": "true|false|0|1",
        "date": _DAY + _ZONE,
        "dateTime": f"{_DAY}T{_TIME}{_ZONE}",
        "time": _TIME + _ZONE,
        "gYear": r"\d{4}" + _ZONE,
        "gYearMonth": r"\d{4}-(0[1-9]|1[0-2])" + _ZONE,
        "gMonthDay": r"--(0[1-9]|1[0-2])-\d\d" + _ZONE,
        "gMonth": "--(0[1-9]|1[0-2])" + _ZONE,
        "gDay": r"---\d\d" + _ZONE,
        "duration": r"-?P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?",
        "hexBinary": "([0-9A-Fa-f]{2})*",
        "base64Binary": r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    }.items()
}
"""How XML Schema writes its types (Part 2, 3.2)."""


def path_segment(value: Any) -> str:
    """Convert a value to one segment of a path.

    Raises:
        MappingError: it is empty or means a folder, or has a character that no path can carry.
    """
    text = "" if value is None else text_of(value)
    if not text or any(
        part in (".", "..") for part in _BETWEEN.split(text)
    ):  # servers that decode first walk folders then
        raise MappingError("a part of the path is empty, . or ..")
    if _CONTROL.search(text):
        raise MappingError("a control character, which no path can carry")
    return text


def query_value(value: Any) -> str:
    """Convert a value to a parameter of a query or a form.

    Raises:
        MappingError: it has a control character other than line breaks and tabs.
    """
    text = text_of(value)
    if _CONTROL_BUT_LINES.search(text):
        raise MappingError("a control character, which no form can carry")
    return text


def query_values(value: Any) -> str | list[str]:
    """Convert a value to a parameter of a query or a form; each item of a list is one of its own, with the same name.

    Raises:
        MappingError: it has a control character other than line breaks and tabs.
    """
    return [query_value(item) for item in value if item is not None] if isinstance(value, list) else query_value(value)


def header_value(value: Any) -> str:
    """Convert a value to a header.

    Raises:
        MappingError: it has a control character: a line break would begin a header of its own.
    """
    text = text_of(value)
    if _CONTROL.search(text.replace("\t", " ")):
        raise MappingError("a line break or another control character, which no header can carry")
    return text


def xml_text(value: Any, builtin: str = "") -> str:
    """Convert a value to the text of an XML element or attribute.

    Args:
        builtin: the type of XML Schema that it must be of, such as `decimal`; "" where none is known.

    Raises:
        MappingError: XML cannot carry it, or it is not of that type.
    """
    if isinstance(value, (list, dict)):
        raise MappingError("a document or a list, where one value is meant")
    text = text_of(value)
    if _NOT_XML.search(text):
        raise MappingError("a character that XML cannot carry")
    if builtin in _SPANS:
        return _integer(text.strip(), builtin)
    if builtin not in _FORMS:
        return text
    text = "".join(text.split()) if builtin == "base64Binary" else text.strip()
    if not _FORMS[builtin].fullmatch(text) or not _in_the_calendar(text, builtin):
        raise MappingError(f"not an xs:{builtin}")
    return text


def _integer(text: str, builtin: str) -> str:
    low, high = _SPANS[builtin]
    number = Decimal(text) if re.fullmatch(_NUMBER, text, re.ASCII) else None
    if number is None or number != number.to_integral_value() or not low <= number <= high:
        raise MappingError(f"not an xs:{builtin}")
    return format(number.to_integral_value(), "f")


def _in_the_calendar(text: str, builtin: str) -> bool:
    """Tell whether the day and the time of day exist."""
    try:
        if builtin == "date":
            date.fromisoformat(text[:10])
        elif builtin == "dateTime":
            datetime.fromisoformat(text[:19])
        elif builtin == "time":
            time.fromisoformat(text[:8])
    except ValueError:
        return False
    return True
