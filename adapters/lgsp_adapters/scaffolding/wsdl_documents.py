"""The documents of a WSDL that was downloaded: which others each one imports, and all of them as files beside a manifest."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urldefrag, urljoin

from lxml import etree

from lgsp_adapters.mapping.xml_element import XmlElement

_LOCATIONS = {
    "{http://schemas.xmlsoap.org/wsdl/}import": "location",
    "{http://www.w3.org/2001/XMLSchema}import": "schemaLocation",
    "{http://www.w3.org/2001/XMLSchema}include": "schemaLocation",
    "{http://www.w3.org/2001/XMLSchema}redefine": "schemaLocation",
}


def imported_documents(text: bytes, address: str) -> set[str]:
    """Collect the addresses of the documents that a WSDL or schema imports; none where it is not XML, which `wsdl.load` reports."""
    try:
        return {_target(element, key, address) for element, key in _imports(_parsed(text))} - {address}
    except etree.XMLSyntaxError:
        return set()


def as_files(root: str, documents: Mapping[str, bytes], name: str) -> dict[str, bytes]:
    """Name downloaded documents as files that import each other.

    Args:
        root: the address of the WSDL.
        documents: the documents by their addresses.
        name: the name of the WSDL file, without its ending.
    """
    names = {root: f"{name}.wsdl"}
    for address, text in documents.items():
        if address != root:
            ending = "wsdl" if b"definitions" in text[:4000] and b"schemas.xmlsoap.org/wsdl" in text[:4000] else "xsd"
            names[address] = f"{name}-{len(names)}.{ending}"
    return {names[address]: _localized(text, address, names) for address, text in documents.items()}


def _localized(text: bytes, address: str, names: Mapping[str, str]) -> bytes:
    try:
        tree = _parsed(text)
    except etree.XMLSyntaxError:
        return text
    changed = False
    for element, key in _imports(tree):
        target = _target(element, key, address)
        if target in names:
            element.set(key, names[target])
            changed = True
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8") if changed else text


def _imports(tree: Any) -> Iterator[tuple[XmlElement, str]]:
    for tag, key in _LOCATIONS.items():
        for element in tree.iter(tag):
            if element.get(key):
                yield element, key


def _target(element: XmlElement, key: str, address: str) -> str:
    return urldefrag(urljoin(address, str(element.get(key)).strip())).url


def _parsed(text: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.ElementTree(etree.fromstring(text, parser))
