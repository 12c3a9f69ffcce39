"""SOAP 1.1 envelopes, built and read with lxml.

The envelope is built as a tree, never by putting strings together, so that a name with `<` in it stays a name. It is read
without DTDs, entities or network, so that an XML bomb or an external entity is nothing but an unintelligible answer.
"""

from collections.abc import Mapping
from typing import Union

from lxml import etree

from lgsp_adapters.adapter import UpstreamFailed

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"

Fields = Mapping[str, Union[str, "Fields"]]


def envelope(namespace: str, operation: str, fields: Fields) -> bytes:
    """A request: one element named after the operation, with the fields below it in their order."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soapenv": ENVELOPE, "ns": namespace})
    etree.SubElement(root, f"{{{ENVELOPE}}}Header")
    body = etree.SubElement(root, f"{{{ENVELOPE}}}Body")
    _add(etree.SubElement(body, f"{{{namespace}}}{operation}"), namespace, fields)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _add(parent: etree._Element, namespace: str, fields: Fields) -> None:
    for name, value in fields.items():
        element = etree.SubElement(parent, f"{{{namespace}}}{name}")
        if isinstance(value, str):
            element.text = value
        else:
            _add(element, namespace, value)


def body_of(content: bytes) -> etree._Element:
    """The first element in the body of an answer.

    Raises:
        UpstreamFailed: `refused` for a SOAP fault of the client's making, `broken` for another, `unintelligible` for
            anything that is not a SOAP 1.1 envelope.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise UpstreamFailed("unintelligible", "the answer is not XML") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise UpstreamFailed("unintelligible", "the answer declares a document type")
    found = root.find(f"{{{ENVELOPE}}}Body/*")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or found is None:
        raise UpstreamFailed("unintelligible", "the answer is not a SOAP 1.1 envelope")
    if found.tag == f"{{{ENVELOPE}}}Fault":
        code = (found.findtext("faultcode") or "").rpartition(":")[2]
        raise UpstreamFailed("refused" if code == "Client" else "broken", f"SOAP fault {code[:40]}")
    return found


def child(element: etree._Element | None, name: str) -> etree._Element | None:
    """The child of this name, in whatever namespace."""
    return None if element is None else element.find(f"{{*}}{name}")


def text(element: etree._Element | None, name: str) -> str:
    """The text of the child of this name, without white space around it; empty where there is none."""
    found = child(element, name)
    return (found.text or "").strip() if found is not None else ""
