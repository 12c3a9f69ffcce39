"""Rows of an XML export, read in a stream; each is a document as `xml_documents.py` says, and always an object."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from lxml import etree

from lgsp_adapters.mapping import xml_documents
from lgsp_adapters.tabular import encodings
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.text.comparison import normalize_heading

MAX_COUNTED = 100_000
"""Elements that are counted: what a row is shows in the first of them."""


def rows(file: BinaryIO, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each outermost element of a local name: its line and its document.

    Raises:
        UnreadableFileError, lxml.etree.XMLSyntaxError: the file is not such a document.
    """
    options: Any = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    if encodings.detect_utf_8(file):  # the prolog is often what the exporting program writes for every file
        options["encoding"] = "utf-8"
    inside = 0
    source: Any = file
    for event, element in etree.iterparse(
        source, events=("start", "end"), remove_comments=True, remove_pis=True, **options
    ):
        if element.getroottree().docinfo.doctype:
            raise UnreadableFileError("it declares a document type")
        row = etree.QName(element).localname == name
        if event == "start":
            inside += row
            continue
        inside -= row
        if inside:
            continue
        if row:
            yield element.sourceline or 0, _row(element)
        element.clear()
        while (before := element.getprevious()) is not None and (parent := before.getparent()) is not None:
            parent.remove(before)


def parents(file: BinaryIO) -> Mapping[str, int]:
    """Count the elements that have elements inside, without the root, by their local names.

    Raises:
        UnreadableFileError, lxml.etree.XMLSyntaxError: the file is not such a document.
    """
    options: Any = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    counts: Counter[str] = Counter()
    source: Any = file
    events = etree.iterparse(source, events=("start",), remove_comments=True, remove_pis=True, **options)
    for _, element in itertools.islice(events, MAX_COUNTED):
        if element.getroottree().docinfo.doctype:
            raise UnreadableFileError("it declares a document type")
        parent = element.getparent()
        if parent is not None and parent.getparent() is not None and element.getprevious() is None:
            counts[etree.QName(parent).localname] += 1
    return counts


def _row(element: Any) -> dict[str, Any]:
    """Convert a row, which is always an object: stray text between its columns does not replace them."""
    fields = xml_documents.attributes(element)
    for child in xml_documents.elements(element):
        xml_documents.add_value(
            fields, normalize_heading(xml_documents.local_name(child)), xml_documents.document(child)
        )
    if xml_documents.has_mixed_content(element):
        texts = [element.text, *(child.tail for child in element)]
        fields[xml_documents.TEXT] = normalize_heading("".join(text for text in texts if text))
    return fields
