"""An edXML message as XML: parsed safely, and written as it came.

Programs of several makers write the same norm with elements in another order and with elements of their own. So the tree stays as it came, what
nobody here knows included, and elements are found by their local names wherever they stand.
"""

import re
from collections.abc import Iterator

from lxml import etree

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.mapping.xml_element import XmlElement

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
MAX_BYTES = 64 * 1024 * 1024
MAX_ELEMENTS = 20_000
MAX_DEPTH = 32
"""Levels of elements; the norm has nine."""

_DECLARATION = re.compile(rb"\s*<\?xml\b[^>]*\?>")
_ENCODING = re.compile(rb"""\bencoding\s*=\s*["']([^"']*)["']""")
_PROLOG = re.compile(rb"(?:\s+|<\?(?:(?!\?>).)*\?>|<!--(?:(?!-->).)*-->)*", re.DOTALL)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class InvalidEdxmlError(AdapterError, ValueError):
    """Content that is no edXML, or is refused as such. The message says why and quotes nothing."""


class EdxmlMessage:
    """One message: a document, or the status of one.

    Args:
        root: the element `edXML`.
        prolog: the bytes before it.
        epilog: the bytes after it.
    """

    def __init__(self, root: XmlElement, prolog: bytes = b"", epilog: bytes = b"") -> None:
        self.root = root
        self._prolog = prolog
        self._epilog = epilog

    @classmethod
    def parse(cls, content: bytes) -> "EdxmlMessage":
        """Parse a message.

        Raises:
            InvalidEdxmlError: it is not XML in UTF-8, declares a document type, is too large or too deep, or no edXML.
        """
        if len(content) > MAX_BYTES:
            raise InvalidEdxmlError(f"the message has more than {MAX_BYTES} bytes")
        _refuse_other_encodings(content)
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise InvalidEdxmlError("the message declares a document type")
        if content.count(b"<") > 2 * MAX_ELEMENTS:
            raise InvalidEdxmlError(f"the message has more than {MAX_ELEMENTS} elements")
        parser = etree.XMLParser(
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=True,  # an attachment is one text; size, elements and depth are bounded here
            strip_cdata=False,
        )
        try:
            root = etree.fromstring(content, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise InvalidEdxmlError("the message is not XML") from error
        if _depth(root) > MAX_DEPTH:
            raise InvalidEdxmlError(f"the message has more than {MAX_DEPTH} levels of elements")
        if local_name(root).lower() != "edxml":
            raise InvalidEdxmlError("the root of the message is not edXML")
        start = _PROLOG.match(content.removeprefix(_BYTE_ORDER_MARK))
        length = (start.end() if start else 0) + (len(_BYTE_ORDER_MARK) if content.startswith(_BYTE_ORDER_MARK) else 0)
        return cls(root, content[:length], content[_end_of_root(content) :])

    def to_bytes(self) -> bytes:
        """Serialise the message in UTF-8."""
        return self._prolog + etree.tostring(self.root, encoding="utf-8", with_tail=False) + self._epilog

    def header(self) -> XmlElement:
        """Return the element `MessageHeader`.

        Raises:
            InvalidEdxmlError: there is none.
        """
        found = next(self.named("MessageHeader"), None)
        if found is None:
            raise InvalidEdxmlError("the message has no MessageHeader")
        return found

    def named(self, name: str) -> Iterator[XmlElement]:
        """Yield the elements of a local name, wherever they stand, in the order of the message."""
        return (element for element in self.root.iter(etree.Element) if local_name(element) == name)


def local_name(element: XmlElement) -> str:
    """Return the name of an element without its namespace; "" for a comment or an instruction."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def children(element: XmlElement, name: str) -> list[XmlElement]:
    """List the children of an element that have a local name."""
    return [child for child in element if local_name(child) == name]


def text_of(element: XmlElement) -> str:
    """Return the text of an element without white space around it, that of elements inside included."""
    return "".join(str(part) for part in element.itertext(etree.Element)).strip()


def _refuse_other_encodings(content: bytes) -> None:
    declaration = _DECLARATION.match(content.removeprefix(_BYTE_ORDER_MARK))
    encoding = _ENCODING.search(declaration[0]) if declaration else None
    if encoding and encoding[1].lower() not in (b"utf-8", b"us-ascii", b"ascii"):
        raise InvalidEdxmlError("the message is not in UTF-8")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidEdxmlError("the message is not in UTF-8") from error


def _depth(root: XmlElement) -> int:
    deepest, waiting = 0, [(root, 1)]
    while waiting:
        element, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting.extend((child, depth + 1) for child in element)
    return deepest


def _end_of_root(content: bytes) -> int:
    """Return where the root ends, before comments and instructions that may follow it."""
    end = len(content)
    while True:
        stripped = content[:end].rstrip()
        if stripped.endswith(b"-->"):
            end = stripped.rindex(b"<!--")
        elif stripped.endswith(b"?>"):
            end = stripped.rindex(b"<?")
        else:
            return len(stripped)
