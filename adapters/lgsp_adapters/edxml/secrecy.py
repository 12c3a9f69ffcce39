"""Finds a degree of secrecy in an edXML message, wherever one could stand.

The norm has no element for it, since nothing secret may take this road. So a marking stands where a sender put it: in an element or attribute of
its maker's own, in notations, in the subject, in the names of attachments, in a comment. A reader joins the text of an element with that of
elements inside it, so a marking is looked for in the joined text too.
"""

import re
from collections.abc import Iterable

from lxml import etree

from lgsp_adapters.edxml.message import EdxmlMessage, local_name
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_contracts.field_names import unaccented
from lgsp_contracts.secrecy_markings import is_marked, is_marked_name, is_marked_notation, is_secret_degree

_NOTATIONS = frozenset({"Code", "CodeNumber", "CodeNotation", "TyperNotation", "TypeDetail"})
_NOT_SEARCHED = frozenset({"ContentTransferEncoded", "SignatureValue", "X509Certificate", "DigestValue", "ContentId"})
_DEGREE = re.compile(
    r"(loai|cap|muc|dau|chedo)?(do(bao)?)?mat|(security|secrecy|secret|confidential|confidentiality|classification)(level|degree|type|code|name)?"
)
"""Names of elements and attributes for the degree, in lower-case letters without accents."""
_ETH = str.maketrans("ðÐ", "dD")
"""The Icelandic letter that old programs write for Đ."""
_MAX_LABEL = 50
_MAX_JOINED = 100_000
"""Characters of an element whose text is joined: far more than a field has."""


def is_secret(message: EdxmlMessage, attachment_names: Iterable[str] = ()) -> bool:
    """Tell whether a message is marked with a degree of secrecy.

    Args:
        attachment_names: of the files inside its attachments.
    """
    return any(map(is_marked_name, attachment_names)) or any(map(_is_marked_node, message.root.iter()))


def _is_marked_node(node: XmlElement) -> bool:
    name = local_name(node)
    if is_marked(node.tail or "") or _has_marked_attribute(node):
        return True
    if name in _NOT_SEARCHED and not len(node):
        return False
    if not name:
        return is_marked(node.text or "")
    if _is_degree(name) or any(_is_degree(str(value)) for value in node.attrib.values()):
        return any(is_secret_degree(str(text)) for text in node.itertext(etree.Element))
    return any(_is_marked_text(name, text) for text in (node.text or "", _joined_text(node)))


def _has_marked_attribute(node: XmlElement) -> bool:
    """Tell whether an attribute is marked; beside one that names the degree (`name="DoMat"`) each other is a degree."""
    attributes = [(etree.QName(key).localname, str(value)) for key, value in node.attrib.items()]
    labels = {key for key, value in attributes if _is_degree(value)}
    for key, value in attributes:
        if key not in labels and (labels or _is_degree(key)):
            if is_secret_degree(value):
                return True
        elif _is_marked_text(key, value):
            return True
    return False


def _joined_text(node: XmlElement) -> str:
    """Return the text of an element and of those inside it, as readers join it; "" where it has none inside, or is a large part."""
    if not len(node):
        return ""
    pieces: list[str] = []
    length = 0
    for text in node.itertext(etree.Element):
        pieces.append(str(text))
        length += len(text)
        if length > _MAX_JOINED:
            return ""
    return "".join(pieces).strip()


def _is_marked_text(name: str, value: str) -> bool:
    return is_marked_notation(value) if name in _NOTATIONS else is_marked(value)


def _is_degree(name: str) -> bool:
    return len(name) <= _MAX_LABEL and _DEGREE.fullmatch(_letters(name)) is not None


def _letters(name: str) -> str:
    """Return a name in lower-case letters alone, without accents."""
    return "".join(letter for letter in unaccented(name.translate(_ETH)).lower() if "a" <= letter <= "z")
