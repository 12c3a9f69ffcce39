"""The root part of a multipart answer (RFC 2387), which WCF and CXF send of everything once MTOM is on, attachment or none.

What the root refers to (`xop:Include`, `cid:`) does not pass the bus, and such an answer is refused; parts that nothing refers to are left.
"""

import re
from email import message_from_bytes
from email.message import Message

from lxml import etree

from lgsp_adapters.mapping.xml_documents import NotXmlError
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_adapters.upstream.response import Response

XOP = "{http://www.w3.org/2004/08/xop/include}Include"
_FIRST_LINE = re.compile(rb"\s*--([^\r\n]{1,70})\r?\n")


def root_part(answer: Response) -> tuple[bytes, str]:
    """Return the bytes of an answer, or of its root part where it is multipart, and their declared character set.

    Raises:
        NotXmlError: when it cannot be taken apart.
    """
    first_line = _FIRST_LINE.match(answer.content)
    if not answer.media_type.startswith("multipart/") and not first_line:
        return answer.content, answer.charset
    head = answer.content_type if answer.media_type.startswith("multipart/") else ""
    if "boundary" not in head.lower():
        if not first_line:
            raise NotXmlError("the answer is multipart and names no boundary")
        head = f'multipart/related; boundary="{first_line[1].decode(errors="replace").rstrip()}"'
    whole = message_from_bytes(f"Content-Type: {head}\r\n\r\n".encode() + answer.content.lstrip())
    parts = [part for part in whole.walk() if not part.is_multipart()] if whole.is_multipart() else []
    root = _root(whole, parts)
    content = root.get_payload(decode=True) if root is not None else None
    if root is None or not isinstance(content, bytes):
        raise NotXmlError("the answer is multipart and has no part that can be read")
    return content, str(root.get_param("charset", "") or "")


def refuse_references(root: XmlElement) -> None:
    """Refuse XML that refers to another part.

    Raises:
        NotXmlError: it does.
    """
    for element in root.iter(etree.Element):
        values = [element.text or "", *element.attrib.values()] if not len(element) else element.attrib.values()
        if element.tag == XOP or any(str(value).strip().lower().startswith("cid:") for value in values):
            raise NotXmlError("the answer refers to an attachment, which the bus does not pass")


def _root(whole: Message, parts: list[Message]) -> Message | None:
    """The part that `start` names (RFC 2387, 3.2), or the first one."""
    start = str(whole.get_param("start", "") or "").strip("<> ")
    named = [part for part in parts if start and str(part.get("Content-ID", "")).strip("<> ") == start]
    return next(iter(named or parts), None)
