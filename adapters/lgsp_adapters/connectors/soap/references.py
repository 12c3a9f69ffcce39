"""References inside a SOAP body: Axis 1 and others of its time write each value once and point at it.

    <getPersonReturn href="#id0"/> … <multiRef id="id0"><ten>An</ten></multiRef>        (SOAP 1.1, 5.2.1; `ref` in SOAP 1.2)

Read as it stands, such an answer is empty, which a manifest takes for "nobody of that number".
"""

from copy import deepcopy

from lxml import etree

from lgsp_adapters.mapping.xml_documents import MAX_ELEMENTS, NotXmlError, elements, refuse_repeated_text

_REF = "{http://www.w3.org/2003/05/soap-encoding}ref"
_ID = "{http://www.w3.org/2003/05/soap-encoding}id"
MAX_LEVELS = 60
MAX_CHARACTERS = 4 * 1024 * 1024
"""Of what is put in, in all: a value of megabytes may be pointed at a thousand times."""


def resolve(body_element: etree._Element) -> None:
    """Put what is pointed at where it is pointed at from, below the first element of a body.

    Raises:
        NotXmlError: it points at nothing, or in a circle.
    """
    body = body_element.getparent()
    if body is None or not _pointers(body_element):
        return
    targets = {name: element for element in body.iter(etree.Element) if (name := _name(element))}
    budget, characters = MAX_ELEMENTS, MAX_CHARACTERS
    waiting = [(body_element, 0)]
    while waiting:
        element, level = waiting.pop()
        name = _pointed(element)
        if name:
            target = targets.get(name)
            parts = [] if target is None else list(target.iter())
            budget -= max(1, len(parts))
            characters -= sum(map(_characters, parts))
            if target is None or level > MAX_LEVELS or budget < 0 or characters < 0:
                raise NotXmlError("the answer points at a value that is not in it, in a circle, or too often")
            _fill(element, deepcopy(target))
            level += 1
        waiting += [(child, level) for child in elements(element)]
    refuse_repeated_text(body_element)


def _characters(part: etree._Element) -> int:
    return len(part.text or "") + len(part.tail or "") + sum(map(len, part.attrib.values()))


def _fill(element: etree._Element, target: etree._Element) -> None:
    for key in ("href", _REF):
        element.attrib.pop(key, "")
    element.text = target.text
    for name, value in target.attrib.items():
        if name not in ("id", _ID):
            element.set(str(name), str(value))
    element.extend(list(target))


def _pointers(root: etree._Element) -> bool:
    return any(_pointed(element) for element in root.iter(etree.Element))


def _pointed(element: etree._Element) -> str:
    """The name that an empty element points at."""
    if len(element) or (element.text or "").strip():
        return ""
    href = element.get("href", "") if element.get("href", "").startswith("#") else ""
    return href[1:] or element.get(_REF, "").lstrip("#")


def _name(element: etree._Element) -> str:
    return element.get("id", "") or element.get(_ID, "")
