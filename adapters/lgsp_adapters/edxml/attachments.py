"""Attachments of edXML: BASE64(ZIP), made and taken apart within limits.

A ZIP from elsewhere may hold a bomb, names with paths, thousands of entries, or a file that is encrypted; what cannot be unpacked safely is
refused, and nothing is ever written under a name from a ZIP.
"""

import base64
import binascii
import io
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass

from lgsp_adapters.edxml.message import InvalidEdxmlError
from lgsp_adapters.text.normalization import nfc

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
"""Of all attachments of a message, unpacked: many small bombs are one."""
MAX_ENTRIES = 100
MAX_RATIO = 250
"""Bytes that one byte of a ZIP may become, beyond the first mebibyte: deflate reaches 1030, text some 20."""
MAX_NAME = 200
_ALWAYS_ALLOWED = 1024 * 1024
_MAX_DIRECTORY_ENTRIES = 10_000
_DIRECTORY_ENTRY = b"PK\x01\x02"
_ZIP = b"PK\x03\x04"
_IN_UTF_8 = 0x800
_WHEN = (1980, 1, 1, 0, 0, 0)
_PIECE = 64 * 1024
_FORBIDDEN_IN_NAMES = frozenset('/\\:*?"<>|')
_OFFICE_ENTRIES = frozenset({"[Content_Types].xml", "mimetype"})
"""In DOCX and XLSX, and in ODT and ODS, which are ZIPs themselves."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file: its name and its bytes."""

    name: str
    content: bytes


def pack(attachment: Attachment) -> str:
    """Encode a file as the text of `ContentTransferEncoded`; the same file makes the same text."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(attachment.name, _WHEN), attachment.content, zipfile.ZIP_DEFLATED)
    return base64.b64encode(buffer.getvalue()).decode()


def unpack(encoded: str, name: str, limit: int = MAX_UNPACKED_BYTES) -> list[Attachment]:
    """Decode the text of `ContentTransferEncoded`: a ZIP with a file, or with several; or, as some send it, the file itself.

    Args:
        name: of the attachment, for a file that is not in a ZIP.
        limit: bytes that its files may have together.

    Raises:
        InvalidEdxmlError: it is not base64, or a ZIP that is damaged, encrypted, too large when unpacked, or whose names are no plain names.
    """
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidEdxmlError("an attachment is not base64") from error
    if len(content) > limit:
        raise InvalidEdxmlError("the attachments are too large when unpacked")
    if not content.startswith(_ZIP):
        return [Attachment(plain_name(name), content)]
    if content.count(_DIRECTORY_ENTRY) > _MAX_DIRECTORY_ENTRIES:
        raise InvalidEdxmlError("the ZIP of an attachment has too many entries")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if _OFFICE_ENTRIES & {entry.filename for entry in entries}:
                return [Attachment(plain_name(name), content)]
            if not 0 < len(entries) <= MAX_ENTRIES:
                raise InvalidEdxmlError(f"the ZIP of an attachment has no entry, or more than {MAX_ENTRIES}")
            allowed = min(limit, len(content) * MAX_RATIO + _ALWAYS_ALLOWED)
            return list(_unpacked(archive, entries, allowed))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        if isinstance(error, InvalidEdxmlError):
            raise
        raise InvalidEdxmlError("the ZIP of an attachment is damaged or encrypted") from error


def names_inside(content: bytes) -> list[str]:
    """List the names of the files in a ZIP, without unpacking it; none where it is no ZIP, or one that cannot be read."""
    if not content.startswith(_ZIP) or content.count(_DIRECTORY_ENTRY) > _MAX_DIRECTORY_ENTRIES:
        return []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [nfc(_entry_name(entry)) for entry in archive.infolist()]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, IndexError):
        return []


def plain_name(name: str) -> str:
    """Return the name of a file, composed (NFC).

    Raises:
        InvalidEdxmlError: it is empty, too long, names a path, or has characters that no name of a file should have.
    """
    composed = nfc(name).strip()
    has_control = any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in composed)
    if not composed.strip(".") or len(composed) > MAX_NAME or has_control or _FORBIDDEN_IN_NAMES & set(composed):
        raise InvalidEdxmlError("the name of an attachment is not the plain name of a file")
    return composed


def _unpacked(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], allowed: int) -> list[Attachment]:
    files = []
    for entry in entries:
        if entry.flag_bits & 1:
            raise InvalidEdxmlError("the ZIP of an attachment is encrypted")
        name = plain_name(_entry_name(entry))
        pieces: list[bytes] = []
        with archive.open(entry) as source:
            while piece := source.read(min(_PIECE, allowed + 1)):
                allowed -= len(piece)
                if allowed < 0:
                    raise InvalidEdxmlError("the ZIP of an attachment is too large when unpacked")
                pieces.append(piece)
        files.append(Attachment(name, b"".join(pieces)))
    return files


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry, in UTF-8 also where its ZIP does not say so."""
    if entry.flag_bits & _IN_UTF_8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename
