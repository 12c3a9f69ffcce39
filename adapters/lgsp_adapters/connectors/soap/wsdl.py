"""A WSDL as the connector `soap` uses it: envelopes with every element in its namespace and order, and the shape of the answers.

zeep reads the description and builds the envelopes; it takes 0.14 s to load, so it is imported for manifests that name a WSDL and
for no other. It does not read the answers: those are parsed like every other one (`envelopes.py`), safe from XML bombs and without
quoting a value. Descriptions and what they import are files beside the manifest: nothing is fetched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from zeep.exceptions import Error
from zeep.exceptions import LookupError as NotDescribed
from zeep.settings import Settings
from zeep.transports import Transport
from zeep.wsdl import Document
from zeep.wsdl.bindings.soap import Soap12Binding, SoapBinding
from zeep.xsd import Element
from zeep.xsd.types import builtins
from zeep.xsd.types.collection import ListType

from lgsp_adapters.connectors.soap import shapes
from lgsp_adapters.connectors.soap.envelopes import NOTHING, VERSIONS, UsernameToken, Version, serialize_envelope
from lgsp_adapters.connectors.soap.shapes import LIST, Field, Kind, Shape, Types
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.xml_documents import TEXT
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_contracts.source_location import SourceLocation

MAX_DEPTH = 12
"""Levels that are followed: a type may hold itself."""

_KINDS: tuple[tuple[type, Kind], ...] = (
    (builtins.Boolean, "boolean"),
    (builtins.Integer, "integer"),
    (builtins.Decimal, "number"),
    (builtins.Double, "number"),
    (builtins.Float, "number"),
    (builtins.Date, "date"),
)

_BUILTINS: Mapping[type, str] = {
    known: name[:1].lower() + name[1:]
    for name, known in vars(builtins).items()
    if isinstance(known, type) and issubclass(known, builtins.BuiltinType) and known is not builtins.BuiltinType
}
_PARTS_OF_DAYS = ("gYear", "gYearMonth", "gMonthDay", "gMonth", "gDay")
"""What zeep writes of numbers and a zone, and not of a text."""
_CONTENT = "_value_1"
"""What zeep calls the text of a type with simpleContent, and what a schema leaves open (`xs:any`)."""
_ATTRIBUTE = "attr__"
"""What zeep puts before an attribute whose name an element has too."""


class _Files(Transport):  # type: ignore[misc]
    """Reads what is beside the description, and nothing from the network."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[bytes] = []

    def load(self, url: str) -> Any:
        """Return the bytes of a file.

        Raises:
            Error: for an address.
        """
        if urlsplit(url).scheme in ("http", "https", "ftp"):
            raise Error(f"it imports {url}; save that file beside it and name it there")
        text: bytes = super().load(url)
        self.texts.append(text)
        return text


@dataclass(frozen=True, slots=True)
class PortOperation:
    """One operation of a port, as the connector `soap` calls it."""

    name: str
    version: Version
    action: str
    request: Shape
    header: Shape
    """The elements that the SOAP header of a request may have."""
    response: Shape
    types: Types
    _operation: Any

    def envelope(
        self, fields: Mapping[str, Any], security: UsernameToken | None, header: Mapping[str, Any] = NOTHING
    ) -> bytes:
        """Build the envelope of a request.

        Args:
            header: elements of the SOAP header; those that the operation does not have are left out.

        Raises:
            MappingError: the fields are not those of the description.
        """
        values = _for_zeep(self.request, shapes.write(self.request, fields))
        known = {name: value for name, value in header.items() if name in self.header.fields}
        if known:
            values["_soapheaders"] = _for_zeep(self.header, shapes.write(self.header, known))
        try:
            content = self._operation.create(**values).content
        except (Error, TypeError, ValueError) as error:  # their texts quote values
            where = ".".join(map(str, getattr(error, "path", None) or ()))
            raise MappingError(f"it does not fit the WSDL: {where or 'an element'}, {type(error).__name__}") from error
        return serialize_envelope(content, self.version, security)

    def read(self, answer: XmlElement) -> Any:
        """Convert an answer to a document, with lists, numbers and booleans as the WSDL describes them."""
        return shapes.read(self.response, answer, self.types)


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a service: its operations, the path of its address, and the texts of the description."""

    name: str
    origin: str
    """Scheme and host of its address; "" where it has none."""
    path: str
    operations: Mapping[str, PortOperation]
    texts: Sequence[bytes]


def load(path: Path, port: str, location: SourceLocation) -> Port:
    """Load a port of a WSDL.

    Args:
        port: its name; "" for the first one that speaks SOAP.

    Raises:
        Refusal: `invalid-document`.
    """
    files = _Files()
    try:
        document = Document(str(path), files, settings=Settings(forbid_dtd=True, forbid_entities=True))
    except (Error, OSError, etree.LxmlError, ValueError, KeyError, NotDescribed) as error:
        reason = str(error).split("\n", 1)[0][:200] or type(error).__name__
        raise location.refusal(
            f"không đọc được WSDL {path}: {reason}", f"cannot read the WSDL {path}: {reason}"
        ) from error
    ports = {
        name: zeep_port
        for service in document.services.values()
        for name, zeep_port in service.ports.items()
        if isinstance(zeep_port.binding, SoapBinding)
    }
    if not ports or (port and port not in ports):
        known = ", ".join(ports) or "-"
        raise location.refusal(
            f"không có cổng SOAP {port}; có: {known}", f"there is no SOAP port {port}; there are: {known}"
        )
    name = port or next(iter(ports))
    zeep_port = ports[name]
    version = VERSIONS["1.2" if isinstance(zeep_port.binding, Soap12Binding) else "1.1"]
    types = _Types(document.types)
    operations = {
        key: _operation(key, zeep_operation, version, types) for key, zeep_operation in zeep_port.binding.all().items()
    }
    address = urlsplit(zeep_port.binding_options.get("address", ""))
    origin = f"{address.scheme}://{address.netloc}" if address.netloc else ""
    return Port(name, origin, address.path, operations, files.texts)


class _Types:
    """The types of a description, each converted to a shape when an answer first names it."""

    def __init__(self, described: Any) -> None:
        self._described = described
        self._known: dict[str, Shape] = {}

    def __call__(self, name: str) -> Shape | None:
        if name not in self._known:
            try:
                self._known[name] = _shape(self._described.get_type(name), 0)
            except (NotDescribed, ValueError):  # unknown to the description: read as the expected type
                return None
        return self._known[name]


def _for_zeep(shape: Shape, value: Any) -> Any:
    """Rename attributes and texts of a value to the names that zeep gives them."""
    if isinstance(value, list):
        return [_for_zeep(shape, item) for item in value]
    if not isinstance(value, Mapping):
        return getattr(builtins, shape.builtin)().pythonvalue(value) if shape.builtin in _PARTS_OF_DAYS else value
    return {_zeep_name(shape, name): _for_zeep(shape.fields[name].shape, item) for name, item in value.items()}


def _zeep_name(shape: Shape, name: str) -> str:
    if name == TEXT:
        return _CONTENT
    if not name.startswith("@"):
        return name
    return _ATTRIBUTE + name[1:] if name[1:] in shape.fields else name[1:]


def _operation(name: str, zeep_operation: Any, version: Version, types: Types) -> PortOperation:
    request, response = (
        _shape(part.body.type if part and part.body else None, 0)
        for part in (zeep_operation.input, zeep_operation.output)
    )
    header = _shape(zeep_operation.input.header.type if zeep_operation.input.header else None, 0)
    action = zeep_operation.soapaction or ""
    return PortOperation(name, version, action, request, header, response, types, zeep_operation)


def _shape(xsd_type: Any, depth: int) -> Shape:
    parts = getattr(xsd_type, "elements", None)
    if parts is None:
        return _simple(xsd_type)
    if depth == MAX_DEPTH:
        return Shape("object")
    fields = {
        f"@{name.removeprefix(_ATTRIBUTE)}": Field(_simple(attribute.type), bool(attribute.required), many=False)
        for name, attribute in getattr(xsd_type, "attributes", ())
        if name and getattr(attribute, "type", None) is not None
    }
    if not fields and len(parts) == 1 and parts[0][0] == _CONTENT and isinstance(parts[0][1], Element):
        return _simple(parts[0][1].type)  # simpleContent without an attribute is its text
    for name, element in parts:
        if isinstance(element, Element) and getattr(element, "type", None) is not None:
            own = TEXT if name == _CONTENT else name
            many = bool(element.accepts_multiple)
            fields[own] = Field(_shape(element.type, depth + 1), not element.is_optional, many)
    return Shape("object", fields)


def _simple(xsd_type: Any) -> Shape:
    kind: Kind = next((kind for python_type, kind in _KINDS if isinstance(xsd_type, python_type)), "string")
    builtin = next((_BUILTINS[python_type] for python_type in type(xsd_type).__mro__ if python_type in _BUILTINS), "")
    builtin = LIST if isinstance(xsd_type, ListType) else builtin
    return Shape(kind, type_name=getattr(getattr(xsd_type, "qname", None), "text", ""), builtin=builtin)
