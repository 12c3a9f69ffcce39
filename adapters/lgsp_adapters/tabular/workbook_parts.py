"""The parts of a workbook, which is a ZIP of XML documents: read in a stream, bounded, and never through an entity."""

import zipfile
from collections.abc import Iterator
from typing import IO, Any

from lxml import etree

from lgsp_adapters.tabular.limits import MAX_UNPACKED, UnreadableFileError


class _Counted:
    """A part that raises an error when it unpacks to more than it may."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MAX_UNPACKED

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise UnreadableFileError(f"a part of it unpacks to more than {MAX_UNPACKED // 1024**3} GiB")
        return chunk


def elements(archive: zipfile.ZipFile, part: str, *names: str) -> Iterator[Any]:
    """Yield each element of these local names when it ends; what came before is released.

    Raises:
        UnreadableFileError, KeyError, OSError, zipfile.BadZipFile, lxml.etree.XMLSyntaxError: the part is missing or invalid.
    """
    options: Any = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    with archive.open(part) as file:
        tags = [f"{{*}}{name}" for name in names]
        source: Any = _Counted(file)
        for _, element in etree.iterparse(source, tag=tags, remove_comments=True, remove_pis=True, **options):
            if element.getroottree().docinfo.doctype:
                raise UnreadableFileError("it declares a document type")
            yield element
            element.clear()
            while (before := element.getprevious()) is not None and (parent := before.getparent()) is not None:
                parent.remove(before)
