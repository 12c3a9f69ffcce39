"""The type of an element of lxml, for annotations.

lxml has no public name for it, and its type hints have `_Element` alone; so that name stands here, for the type checker, and nowhere
else. Where programs run, the type is that of an element.
"""

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from lxml.etree import _Element as XmlElement
else:
    XmlElement = type(etree.Element("element"))

__all__ = ["XmlElement"]
