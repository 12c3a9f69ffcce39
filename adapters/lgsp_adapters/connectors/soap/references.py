"""References inside a SOAP body: Axis 1 and others of its time write each value once and refer to it.

    <getPersonReturn href="#id0"/> … <multiRef id="id0"><ten>An</ten></multiRef>        (SOAP 1.1, 5.2.1; `ref` in SOAP 1.2)

Without this, such an answer reads as empty, which a manifest takes for "nobody of that number".
"""

from copy import deepcopy

from lxml import etree

from lgsp_adapters.mapping.xml_documents import MAX_ELEMENTS, NotXmlError, elements, refuse_repeated_text
from lgsp_adapters.mapping.xml_element import XmlElement

_REF = "{http://www.w3.org/2003/05/soap-encoding}ref"
_ID = "{http://www.w3.org/2003/05/soap-encoding}id"
MAX_LEVELS = 60
MAX_CHARACTERS = 4 * 1024 * 1024
"""Characters of all copies: a value of megabytes may be referenced a thousand times."""


def resolve(body_element: XmlElement) -> None:
    """Replace references by copies of their targets, below the first element of a body.

    Raises:
        NotXmlError: a reference has no target, or forms a cycle.
    """
    body = body_element.getparent()
    if body is None or not _has_references(body_element):
        return
    targets = {name: element for element in body.iter(etree.Element) if (name := _name(element))}
    budget, characters = MAX_ELEMENTS, MAX_CHARACTERS
    waiting = [(body_element, 0)]
    while waiting:
        element, level = waiting.pop()
        name = _reference(element)
        if name:
            target = targets.get(name)
            parts = [] if target is None else list(target.iter())
            budget -= max(1, len(parts))
            characters -= sum(map(_characters, parts))
            if target is None or level > MAX_LEVELS or budget < 0 or characters < 0:
                raise NotXmlError("the answer has a reference without a target, in a cycle, or too many of them")
            _fill(element, deepcopy(target))
            level += 1
        waiting += [(child, level) for child in elements(element)]
    refuse_repeated_text(body_element)


def _characters(part: XmlElement) -> int:
    return len(part.text or "") + len(part.tail or "") + sum(map(len, part.attrib.values()))


def _fill(element: XmlElement, target: XmlElement) -> None:
    for key in ("href", _REF):
        element.attrib.pop(key, "")
    element.text = target.text
    for name, value in target.attrib.items():
        if name not in ("id", _ID):
            element.set(str(name), str(value))
    element.extend(list(target))


def _has_references(root: XmlElement) -> bool:
    return any(_reference(element) for element in root.iter(etree.Element))


def _reference(element: XmlElement) -> str:
    """Return the name that an empty element refers to."""
    if len(element) or (element.text or "").strip():
        return ""
    href = element.get("href", "") if element.get("href", "").startswith("#") else ""
    return href[1:] or element.get(_REF, "").lstrip("#")


def _name(element: XmlElement) -> str:
    return element.get("id", "") or element.get(_ID, "")
