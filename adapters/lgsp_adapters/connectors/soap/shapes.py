"""What a system's description says of its documents: which fields, of what kind, and which of them are lists.

XML alone does not tell a list of one from a single value, nor a number from a text. Fields go by the names of `xml_documents.py`: `@name` is an
attribute, `#text` the text of an element that may have attributes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.mapping.budget import spend
from lgsp_adapters.mapping.numbers import MAX_DIGITS
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.xml_documents import (
    ELEMENT,
    TEXT,
    TYPE,
    add_value,
    attributes,
    document,
    elements,
    has_mixed_content,
    is_nil,
    local_name,
    whole_text,
)
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_adapters.upstream.request_values import xml_text

Kind = Literal["object", "string", "integer", "number", "boolean", "date"]
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shape:
    """One value."""

    kind: Kind
    fields: Mapping[str, "Field"] = field(default_factory=dict)
    type_name: str = ""
    """Of a simple value: its type in the description, as `{namespace}name`."""
    builtin: str = ""
    """Of a simple value: the type of XML Schema that it is or restricts, such as `decimal`; "" where that is none or several."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object."""

    shape: Shape
    required: bool
    many: bool


LIST = "list"
"""The `builtin` of a simple type that is a list: values with a space between them."""

Types = Callable[[str], Shape | None]
"""The type of a description by its `{namespace}name`, for elements that say their own in `xsi:type`."""


def read(shape: Shape, element: XmlElement, types: Types) -> Any:
    """Convert an element to a document, as its description says.

    Raises:
        UpstreamFailed: `unintelligible`, when it is something else; the text quotes nothing of it.
    """
    spend(ELEMENT)
    if is_nil(element):
        return None
    shape = _own_type(element, types) or shape
    if shape.kind == "object":
        return _object(shape, element, types)
    if not elements(element):
        return simple(shape.kind, whole_text(element))
    if shape.kind == "string":
        return document(element)
    raise UpstreamFailed("unintelligible", f"a document where the description has {shape.kind}")


def write(shape: Shape, value: Any, path: str = "") -> Any:
    """Convert a value to what its description says, with simple values as texts.

    Raises:
        MappingError: it does not fit; the text names the element and its type, and nothing of the value.
    """
    spend()
    if shape.kind == "object" and shape.fields:
        if not isinstance(value, Mapping) and TEXT in shape.fields:
            value = {TEXT: value}
        if not isinstance(value, Mapping):
            raise MappingError(f"it does not fit the WSDL: element {path}, one value where it has fields")
        return {name: _write_field(shape, name, item, f"{path}/{name}".lstrip("/")) for name, item in value.items()}
    try:
        if shape.kind == "object":
            return value
        if shape.builtin == LIST:
            return [xml_text(item) for item in (value if isinstance(value, list) else str(value).split())]
        return xml_text(value, shape.builtin)
    except MappingError as unmappable:
        raise MappingError(f"it does not fit the WSDL: element {path}, {unmappable}") from unmappable


def _write_field(shape: Shape, name: str, value: Any, path: str) -> Any:
    declared = shape.fields.get(name)
    if declared is None:
        raise MappingError(f"it does not fit the WSDL: there is no element {path}")
    if declared.many:
        return [write(declared.shape, item, path) for item in (value if isinstance(value, list) else [value])]
    return write(declared.shape, value, path)


def simple(kind: Kind, value: str | None) -> Any:
    """Convert a text to its simple type.

    Raises:
        UpstreamFailed: `unintelligible`, when it is something else.
    """
    if value is None or kind in ("string", "object"):
        return value
    if kind == "boolean" and value.lower() in ("true", "1", "false", "0"):
        return value.lower() in ("true", "1")
    if kind == "date" and (day := _DAY.fullmatch(value)):
        return day[1]  # XML Schema lets a zone follow, which a day on the bus does not have
    if len(value) <= MAX_DIGITS:
        if kind == "integer" and _INTEGER.fullmatch(value):
            return int(value)
        if kind == "number" and _NUMBER.fullmatch(value) and abs(Decimal(value).adjusted()) <= MAX_DIGITS:
            return Decimal(value)
    raise UpstreamFailed("unintelligible", f"a text where the description has {kind}")


def _object(shape: Shape, element: XmlElement, types: Types) -> Any:
    members: dict[str, Any] = {
        name: simple(shape.fields[name].shape.kind, value) if name in shape.fields else value
        for name, value in attributes(element).items()
    }
    children = elements(element)
    for child in children:
        name = local_name(child)
        declared = shape.fields.get(name)
        value = read(declared.shape, child, types) if declared else document(child)
        if declared and declared.many:
            members.setdefault(name, []).append(value)
        else:
            add_value(members, name, value)
    text = shape.fields.get(TEXT)
    if text:
        members[TEXT] = simple(text.shape.kind, whole_text(element))
    elif not children and not members:
        return whole_text(element)  # an empty element is null
    elif children and has_mixed_content(element):
        members[TEXT] = whole_text(element)
    for name, declared in shape.fields.items():
        if declared.many and members.get(name, [None]) == [
            None
        ]:  # one that is empty is how some say that there is none
            members[name] = []
    return members


def _own_type(element: XmlElement, types: Types) -> Shape | None:
    """The type that an element says it has: one that extends what is expected."""
    type_name = element.get(TYPE, "").strip()
    prefix, _, name = type_name.rpartition(":")
    if not name:
        return None
    return types(f"{{{element.nsmap.get(prefix or None, '')}}}{name}")
