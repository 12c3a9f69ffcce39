"""How elements of edXML and fields of JSON correspond, told once for both directions.

    MESSAGE = {"Subject": Value("trichYeu"), "Code": Flat({"CodeNumber": Value("soVanBan")}), "To": Each("noiNhan", ORGAN)}

Elements are written in the order of the table, which is that of the norm, and read in any. An element that is empty is no field.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lxml import etree

from lgsp_adapters.edxml.message import NAMESPACE, children, text_of
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_contracts.time_zone import VIETNAM

Document = dict[str, Any]
MAX_ITEMS = 1_000
"""Items of one list that are read."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    Args:
        read: from the text of an element, which is not empty; None where it is no such value.
        write: to the text of an element.
    """

    read: Callable[[str], Any]
    write: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Value:
    """An element with a text, a field.

    Args:
        is_required: the element is written even where there is no value.
    """

    name: str
    kind: Kind
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Flat:
    """An element whose children are fields of the same object as itself."""

    elements: "Elements"


@dataclass(frozen=True, slots=True)
class Part:
    """An element that is an object."""

    name: str
    elements: "Elements"


@dataclass(frozen=True, slots=True)
class Each:
    """An element that repeats: a list of objects, or of values."""

    name: str
    item: "Elements | Kind"


@dataclass(frozen=True, slots=True)
class Listed:
    """An element around elements of one name: a list."""

    name: str
    element: str
    item: "Elements | Kind"


Elements = Mapping[str, Value | Flat | Part | Each | Listed]


def read_fields(parent: XmlElement, elements: Elements) -> Document:
    """Read an element as an object."""
    document: Document = {}
    for tag, field in elements.items():
        found = children(parent, tag)
        if not found:
            continue
        if isinstance(field, Flat):
            document |= read_fields(found[0], field.elements)
        elif isinstance(field, Value):
            _set(document, field.name, _read_value(found[0], field.kind))
        elif isinstance(field, Part):
            _set(document, field.name, read_fields(found[0], field.elements))
        elif isinstance(field, Each):
            _set(document, field.name, _read_items(found, field.item))
        else:
            items = [item for container in found for item in children(container, field.element)]
            _set(document, field.name, _read_items(items, field.item))
    return document


def write_fields(parent: XmlElement, elements: Elements, document: Mapping[str, Any]) -> None:
    """Write an object as children of an element."""
    for tag, field in elements.items():
        if isinstance(field, Flat):
            element = _add(parent, tag)
            write_fields(element, field.elements, document)
            if not len(element):
                parent.remove(element)
        elif field.name not in document:
            if isinstance(field, Value) and field.is_required:
                _add(parent, tag)
        elif isinstance(field, Value):
            _add(parent, tag).text = field.kind.write(document[field.name])
        elif isinstance(field, Part):
            write_fields(_add(parent, tag), field.elements, document[field.name])
        else:
            container, item_tag = (parent, tag) if isinstance(field, Each) else (_add(parent, tag), field.element)
            for item in document[field.name]:
                _write_item(_add(container, item_tag), field.item, item)


def _set(document: Document, name: str, value: Any) -> None:
    if value not in (None, "", {}, []):
        document[name] = value


def _read_value(element: XmlElement, kind: Kind) -> Any:
    text = text_of(element)
    return kind.read(text) if text else None


def _read_items(found: list[XmlElement], item: Elements | Kind) -> list[Any]:
    read = [_read_value(one, item) if isinstance(item, Kind) else read_fields(one, item) for one in found[:MAX_ITEMS]]
    return [value for value in read if value not in (None, {})]


def _write_item(element: XmlElement, item: Elements | Kind, value: Any) -> None:
    if isinstance(item, Kind):
        element.text = item.write(value)
    else:
        write_fields(element, item, value)


def _add(parent: XmlElement, tag: str) -> XmlElement:
    return etree.SubElement(parent, etree.QName(NAMESPACE, tag))


_YEAR_FIRST = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_DAY_FIRST = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?")


def parse_time(text: str) -> datetime | None:
    """Parse `2026/11/27 08:00:00`, also with hyphens, the day first, or without the time; Vietnam's time."""
    match, match_of_day = _YEAR_FIRST.match(text), _DAY_FIRST.match(text)
    if match_of_day:
        day, month, year, hour, minute, second = map(int, match_of_day.groups("0"))
    elif match:
        year, month, day, hour, minute, second = map(int, match.groups("0"))
    else:
        return None
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=VIETNAM)
    except ValueError:
        return None


def _read_date(text: str) -> str | None:
    time = parse_time(text)
    return time.date().isoformat() if time else None


def _read_time(text: str) -> str | None:
    time = parse_time(text)
    return time.isoformat() if time else None


def _read_whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else None


TEXT = Kind(str, str)
DATE = Kind(_read_date, lambda value: date.fromisoformat(value).strftime("%Y/%m/%d"))
TIME = Kind(_read_time, lambda value: datetime.fromisoformat(value).astimezone(VIETNAM).strftime("%Y/%m/%d %H:%M:%S"))
WHOLE = Kind(_read_whole, str)
FLAG = Kind(lambda text: text.lower() in ("1", "true"), lambda value: "1" if value else "0")


def choice(names: Mapping[str, str]) -> Kind:
    """Make a kind whose values have names of their own in JSON.

    Args:
        names: from the text in XML to the name.
    """
    codes = {name: code for code, name in names.items()}
    return Kind(lambda text: names.get(text.lstrip("0") or "0"), lambda value: codes[value])
