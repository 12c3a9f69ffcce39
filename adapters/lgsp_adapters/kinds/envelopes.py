"""SOAP envelopes, built and read with lxml.

An envelope is built as a tree, never by putting strings together, so that a name with `<` in it stays a name. It is read
without DTDs, entities or network, so that an XML bomb or an external entity is nothing but an unintelligible answer.
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
from lgsp_adapters.kinds.numbers import text_of

_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
WSSE = f"{_WSS}-wssecurity-secext-1.0.xsd"
WSU = f"{_WSS}-wssecurity-utility-1.0.xsd"
PASSWORD = f"{_WSS}-username-token-profile-1.0#Password"
NONCE = f"{_WSS}-soap-message-security-1.0#Base64Binary"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@dataclass(frozen=True, slots=True)
class Version:
    """SOAP 1.1 or 1.2: its namespace, and where the two put type and action."""

    name: str
    namespace: str

    def headers(self, action: str) -> dict[str, str]:
        """The HTTP headers of a request."""
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

    def add_to(self, header: etree._Element) -> None:
        """Put it into a header."""
        security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
        token = etree.SubElement(security, f"{{{WSSE}}}UsernameToken")
        etree.SubElement(token, f"{{{WSSE}}}Username").text = self.user
        password = etree.SubElement(token, f"{{{WSSE}}}Password")
        nonce, created = secrets.token_bytes(16), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if self.digest:
            # SHA-1 is what the profile prescribes
            found = hashlib.sha1(nonce + created.encode() + self.password.encode(), usedforsecurity=False).digest()
            password.text = base64.b64encode(found).decode()
            password.set("Type", PASSWORD + "Digest")
            place = etree.SubElement(token, f"{{{WSSE}}}Nonce")
            place.text = base64.b64encode(nonce).decode()
            place.set("EncodingType", NONCE)
            etree.SubElement(token, f"{{{WSU}}}Created").text = created
        else:
            password.text = self.password
            password.set("Type", PASSWORD + "Text")


class Speech(Protocol):
    """How one operation is asked."""

    @property
    def version(self) -> Version:
        """SOAP 1.1 or 1.2."""

    @property
    def action(self) -> str:
        """The SOAP action."""

    def envelope(self, fields: Mapping[str, Any], security: UsernameToken | None) -> bytes:
        """The envelope of a request.

        Raises:
            UpstreamFailed: `broken`, when it cannot be built.
        """

    def read(self, answer: Any) -> Any:
        """The answer, with what is known of its kind."""


@dataclass(frozen=True, slots=True)
class Bare:
    """An operation that nothing describes: one element in one namespace, and the fields below it in their order."""

    version: Version
    namespace: str
    element: str
    action: str = ""

    def envelope(self, fields: Mapping[str, Any], security: UsernameToken | None = None) -> bytes:
        """The envelope of a request.

        Raises:
            UpstreamFailed: `broken`, when a value is nothing that XML can carry.
        """
        space = self.version.namespace
        root = etree.Element(f"{{{space}}}Envelope", nsmap={"soapenv": space, "ns": self.namespace})
        body = etree.SubElement(root, f"{{{space}}}Body")
        _add(etree.SubElement(body, f"{{{self.namespace}}}{self.element}"), self.namespace, fields)
        return sealed(root, self.version, security)

    def read(self, answer: Any) -> Any:
        """The answer as it is."""
        return answer


def sealed(root: etree._Element, version: Version, security: UsernameToken | None) -> bytes:
    """The bytes of an envelope with a header in it, which says who asks where that is asked for."""
    header = etree.Element(f"{{{version.namespace}}}Header")
    root.insert(0, header)
    if security:
        security.add_to(header)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _add(parent: etree._Element, namespace: str, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            element = etree.SubElement(parent, f"{{{namespace}}}{name}")
            if isinstance(item, Mapping):
                _add(element, namespace, item)
            else:
                try:
                    element.text = text_of(item)
                except ValueError:  # a control character, which no XML can carry
                    raise UpstreamFailed("broken", f"{name} holds a character that XML cannot carry") from None


def body_of(content: bytes, version: Version) -> tuple[Any, str]:
    """The first element in the body of an answer as a document, and the code of the fault that it may be.

    Raises:
        UpstreamFailed: `unintelligible`, for anything that is not an envelope of this version.
    """
    root = tree(content)
    found = root.find(f"{{{version.namespace}}}Body/*")
    if root.tag != f"{{{version.namespace}}}Envelope" or found is None:
        raise UpstreamFailed("unintelligible", f"the answer is not a SOAP {version.name} envelope")
    if found.tag == f"{{{version.namespace}}}Fault":
        code = found.findtext("faultcode") or found.findtext("{*}Code/{*}Value") or "-"
        return None, code.strip().rpartition(":")[2]
    return document(found), ""


def tree(content: bytes) -> etree._Element:
    """XML as a tree.

    Raises:
        UpstreamFailed: `unintelligible`, when it is none or declares a document type.
    """
    if content.lstrip()[:2] == b"--":
        raise UpstreamFailed("unintelligible", "the answer comes with attachments (multipart), which are not passed")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise UpstreamFailed("unintelligible", "the answer is not XML") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise UpstreamFailed("unintelligible", "the answer declares a document type")
    return root


def document(element: etree._Element) -> Any:
    """An element by local names: an object of its children, a list where a name repeats, a text, or null where it is empty.

    What stands beside children is not taken, nor are attributes: no system met so far says anything there.
    """
    children = [child for child in element if isinstance(child.tag, str)]
    if not children:
        nil = element.get(NIL) in ("true", "1")
        return None if nil else (element.text or "").strip() or None
    found: dict[str, Any] = {}
    for child in children:
        name, value = etree.QName(child).localname, document(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found
