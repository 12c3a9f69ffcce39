"""SOAP envelopes, built and read with lxml.

An envelope is built as a tree, never by putting strings together, so that a name with `<` in it stays a name.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from lxml import etree

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.connectors.soap.faults import Fault, parse_fault
from lgsp_adapters.connectors.soap.multipart import refuse_references, root_part
from lgsp_adapters.connectors.soap.references import resolve
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.xml_documents import TEXT, NotXmlError, document, tree
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_adapters.upstream.request_values import xml_text
from lgsp_adapters.upstream.response import Response

_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
WSSE = f"{_WSS}-wssecurity-secext-1.0.xsd"
WSU = f"{_WSS}-wssecurity-utility-1.0.xsd"
PASSWORD = f"{_WSS}-username-token-profile-1.0#Password"
NONCE = f"{_WSS}-soap-message-security-1.0#Base64Binary"

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Version:
    """SOAP 1.1 or 1.2: its namespace, and where the two put type and action."""

    name: str
    namespace: str

    def headers(self, action: str) -> dict[str, str]:
        """Make the HTTP headers of a request."""
        if self.name == "1.1":
            return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        suffix = f'; action="{action}"' if action else ""
        return {"Content-Type": f"application/soap+xml; charset=utf-8{suffix}"}


VERSIONS = {
    "1.1": Version("1.1", "http://schemas.xmlsoap.org/soap/envelope/"),
    "1.2": Version("1.2", "http://www.w3.org/2003/05/soap-envelope"),
}


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """WS-Security UsernameToken Profile 1.0; the password as a digest or as it is."""

    user: str
    password: str
    digest: bool

    def add_to(self, header: XmlElement) -> None:
        """Put it into a header."""
        security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
        token = etree.SubElement(security, f"{{{WSSE}}}UsernameToken")
        etree.SubElement(token, f"{{{WSSE}}}Username").text = self.user
        password = etree.SubElement(token, f"{{{WSSE}}}Password")
        nonce, created = secrets.token_bytes(16), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if self.digest:
            # SHA-1 is what the profile prescribes
            password_digest = hashlib.sha1(
                nonce + created.encode() + self.password.encode(), usedforsecurity=False
            ).digest()
            password.text = base64.b64encode(password_digest).decode()
            password.set("Type", PASSWORD + "Digest")
            nonce_element = etree.SubElement(token, f"{{{WSSE}}}Nonce")
            nonce_element.text = base64.b64encode(nonce).decode()
            nonce_element.set("EncodingType", NONCE)
            etree.SubElement(token, f"{{{WSU}}}Created").text = created
        else:
            password.text = self.password
            password.set("Type", PASSWORD + "Text")


class MessageFormat(Protocol):
    """The format of an operation's request and response."""

    @property
    def version(self) -> Version:
        """SOAP 1.1 or 1.2."""

    @property
    def action(self) -> str:
        """Return the SOAP action."""

    def envelope(
        self, fields: Mapping[str, Any], security: UsernameToken | None, header: Mapping[str, Any] = NOTHING
    ) -> bytes:
        """Build the envelope of a request.

        Args:
            header: the elements of the SOAP header.

        Raises:
            MappingError: a value does not fit.
        """

    def read(self, answer: XmlElement) -> Any:
        """Convert the answer to a document, with the types that are known.

        Raises:
            UpstreamFailed: `unintelligible`, when it is something else.
        """


@dataclass(frozen=True, slots=True)
class UndescribedFormat:
    """An operation that nothing describes: one element in one namespace, and the fields below it in their order."""

    version: Version
    namespace: str
    element: str
    action: str = ""

    def envelope(
        self, fields: Mapping[str, Any], security: UsernameToken | None = None, header: Mapping[str, Any] = NOTHING
    ) -> bytes:
        """Build the envelope of a request.

        Args:
            header: the elements of the SOAP header.

        Raises:
            MappingError: a value is nothing that XML can carry.
        """
        space = self.version.namespace
        root = etree.Element(f"{{{space}}}Envelope", nsmap={"soapenv": space, "ns": self.namespace})
        if header:
            _add(etree.SubElement(root, f"{{{space}}}Header"), self.namespace, header)
        body = etree.SubElement(root, f"{{{space}}}Body")
        _add(etree.SubElement(body, f"{{{self.namespace}}}{self.element}"), self.namespace, fields)
        return serialize_envelope(root, self.version, security)

    def read(self, answer: XmlElement) -> Any:
        """Convert the answer to a document without types."""
        return document(answer)


def serialize_envelope(root: XmlElement, version: Version, security: UsernameToken | None) -> bytes:
    """Serialize an envelope, with a header that carries the credentials where they are required."""
    name = f"{{{version.namespace}}}Header"
    header = root.find(name)
    if header is None:
        header = etree.Element(name)
        root.insert(0, header)
    if security:
        security.add_to(header)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _add(parent: XmlElement, namespace: str, fields: Mapping[str, Any]) -> None:
    """Put fields into an element; `@name` is an attribute, `#text` its text."""
    for name, value in fields.items():
        if name.startswith("@"):
            parent.set(name[1:], _text(name, value))
            continue
        if name == TEXT:
            parent.text = _text(name, value)
            continue
        for item in value if isinstance(value, list) else [value]:
            element = etree.SubElement(parent, f"{{{namespace}}}{name}")
            if isinstance(item, Mapping):
                _add(element, namespace, item)
            else:
                element.text = _text(name, item)


def _text(name: str, value: Any) -> str:
    try:
        return xml_text(value)
    except MappingError as unmappable:
        raise MappingError(f"{name}: {unmappable}") from unmappable


def read_body(answer: Response, version: Version) -> XmlElement | Fault:
    """Return the first element in the body of an answer, or its fault.

    Raises:
        UpstreamFailed: `unintelligible`, for anything that is not an envelope of this version.
    """
    try:
        content, charset = root_part(answer)
        root = tree(content, charset)
        refuse_references(root)
        for known_version in VERSIONS.values():  # a server that knows another version says so in that one
            fault = root.find(f"{{{known_version.namespace}}}Body/{{{known_version.namespace}}}Fault")
            if fault is not None:
                return parse_fault(fault)
        body_element = root.find(f"{{{version.namespace}}}Body/*")
        if root.tag != f"{{{version.namespace}}}Envelope" or body_element is None:
            raise NotXmlError(f"the answer is not a SOAP {version.name} envelope")
        resolve(body_element)
    except NotXmlError as error:
        raise UpstreamFailed("unintelligible", str(error)) from error
    return body_element
