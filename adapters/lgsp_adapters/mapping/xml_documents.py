"""XML as a document that mappings see, whatever it comes in: a SOAP answer, a row of an export, a text inside a text.

    <Dan id="7"><Ten>An</Ten><Con>1</Con><Con>2</Con></Dan>      {"@id": "7", "Ten": "An", "Con": ["1", "2"]}
    <Tien donVi="VND">5</Tien>                                   {"@donVi": "VND", "#text": "5"}
    <Ten>Trần <b>Văn</b> Bình</Ten>                              "Trần Văn Bình"

Names are local ones. A name that repeats is a list. Comments and processing instructions are nothing, also inside a text. What says how XML is
read (`xmlns`, `xsi:type`, `xml:lang`, SOAP's `encodingStyle`) is no attribute; `xsi:nil` is null. An empty element is null, texts
are read without white space around them. XML is read without DTDs, entities or network, so that a bomb or an external entity is refused.
"""

import re
from typing import Any

from lxml import etree

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.mapping.budget import BYTES, CHARACTERS, spend
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_adapters.text.charset_detection import UndecodableError, decode
from lgsp_adapters.text.normalization import nfc

XSI = "http://www.w3.org/2001/XMLSchema-instance"
NIL, TYPE = f"{{{XSI}}}nil", f"{{{XSI}}}type"
MAX_ELEMENTS = 100_000
TEXT = "#text"
ELEMENT = 10
"""Steps that one element takes."""

MAX_REPEATED = 8 * 1024 * 1024
"""Characters that all texts of mixed content may have together: each repeats the text of its inner elements."""

_MIXED_CONTENT_CHECKED_FROM = 64 * 1024
"""Shorter XML is not checked for that: lxml refuses elements nested deeper than some 250 levels."""

_NOT_DATA = (
    XSI,
    "http://www.w3.org/XML/1998/namespace",
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://schemas.xmlsoap.org/soap/encoding/",
    "http://www.w3.org/2003/05/soap-envelope",
    "http://www.w3.org/2003/05/soap-encoding",
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
    "urn:schemas-microsoft-com:xml-diffgram-v1",
    "urn:schemas-microsoft-com:xml-msdata",
)
"""Namespaces of attributes that are no data: what a SOAP stack, a signature or a .NET DataSet adds."""

_PROLOG = re.compile(r"\s*<\?xml\s[^>]*\?>")
_ENCODING = re.compile(rb"""<\?xml\s[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_BLANK = " \t\r\n\ufeff\u200b\xa0"


class NotXmlError(AdapterError, ValueError):
    """Content that is not XML or is refused. The message says why and quotes nothing."""


def tree(content: bytes, charset: str = "") -> XmlElement:
    """Parse XML in bytes, and return its root.

    Args:
        charset: what the HTTP header says; "" for nothing.

    Raises:
        NotXmlError: when the content is not XML, is in an unknown character set, declares a document type, or is too large.
    """
    declaration = _ENCODING.match(content.lstrip())
    try:
        text = decode(content, charset, declaration[1].decode() if declaration else "")
    except UndecodableError as error:
        raise NotXmlError(f"the answer is not XML in a character set that it names: {error}") from error
    return tree_of_text(text)


def tree_of_text(text: str) -> XmlElement:
    """Parse XML in characters, whatever encoding its prolog declares, and return its root.

    Raises:
        NotXmlError: when the text is not XML, declares a document type, or is too large.
    """
    if text.count("<") > 2 * MAX_ELEMENTS:
        raise NotXmlError(f"the XML has more than {MAX_ELEMENTS} elements")
    spend(len(text) // BYTES + text.count("<") // 2)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(_PROLOG.sub("", text.lstrip(_BLANK), count=1).encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotXmlError("the answer is not XML") from error
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise NotXmlError("the answer declares a document type")
    if len(text) > _MIXED_CONTENT_CHECKED_FROM:
        refuse_repeated_text(root)
    return root


def refuse_repeated_text(root: XmlElement) -> None:
    """Refuse mixed content nested in mixed content: 4 MiB of it would become a gibibyte of texts.

    Raises:
        NotXmlError: its texts would take more than `MAX_REPEATED`.
    """
    sizes: dict[XmlElement, int] = {}
    repeated = 0
    for element in reversed(list(root.iter(etree.Element))):  # children before their parents
        size = len(element.text or "") + sum(sizes.pop(child, 0) + len(child.tail or "") for child in element)
        sizes[element] = size
        if len(element) and has_mixed_content(element):
            repeated += size
            if repeated > MAX_REPEATED:
                raise NotXmlError("the XML repeats its text beside elements too often")


def document(element: XmlElement) -> Any:
    """Convert an element to a document: an object, a text, or null."""
    spend(ELEMENT)
    fields = attributes(element)
    children = elements(element)
    if not children or _is_text(element, children):
        value = None if is_nil(element) else whole_text(element)
        if not fields:
            return value
        return fields if value is None else {**fields, TEXT: value}
    for child in children:
        add_value(fields, local_name(child), document(child))
    if has_mixed_content(element):
        fields[TEXT] = whole_text(element)
    return fields


def elements(element: XmlElement) -> list[XmlElement]:
    """List the elements in an element, without comments and processing instructions."""
    return [child for child in element if isinstance(child.tag, str)]


def local_name(element: XmlElement) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def attributes(element: XmlElement) -> dict[str, Any]:
    """Return the attributes of an element as `@name`, by local names; one without a namespace takes precedence."""
    values: dict[str, Any] = {}
    for key, value in element.attrib.items():
        name = etree.QName(key)
        if name.namespace not in _NOT_DATA and not (name.namespace and f"@{name.localname}" in values):
            values[f"@{name.localname}"] = nfc(str(value))
    return values


def whole_text(element: XmlElement) -> str | None:
    """Return all text in an element, that of inner elements too; None where it is blank."""
    text = "".join(str(part) for part in element.itertext())
    spend(len(text) // CHARACTERS)
    return nfc(text).strip() or None


def is_nil(element: XmlElement) -> bool:
    """Tell whether an element is nil."""
    return element.get(NIL, "").strip() in ("true", "1")


def add_value(fields: dict[str, Any], name: str, value: Any) -> None:
    """Put a value under a name, into a list where there is one of that name already."""
    if name not in fields:
        fields[name] = value
    elif isinstance(fields[name], list):
        fields[name].append(value)
    else:
        fields[name] = [fields[name], value]


def has_mixed_content(element: XmlElement) -> bool:
    """Tell whether an element has mixed content: text beside its elements."""
    texts = [element.text, *(child.tail for child in element)]
    return any(text and text.strip(_BLANK) for text in texts)


def _is_text(element: XmlElement, children: list[XmlElement]) -> bool:
    """Tell whether an element is a text with markup in it (`Trần <b>Văn</b> Bình`), not a structure with stray text."""
    return has_mixed_content(element) and not any(len(child) or child.attrib for child in children)
