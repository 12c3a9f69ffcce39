"""Whether the bytes of a file are what its media type and its name say.

A caller says `application/pdf`; a virus says so too. puremagic knows the signatures; the rules here are what follows from them. An
executable is refused whatever it is called. Formats without a signature (text, JSON, XML, CSV) must be text.
"""

import mimetypes
import re
from typing import Literal

import puremagic

HEAD_BYTES = 64 * 1024
"""Bytes at the beginning of a file that are looked at."""

TypeFault = Literal["", "type-mismatch", "executable"]

_EXECUTABLES = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"#!",
    b"dex\n",
    b"\x00asm",
)
"""How programs of Linux, macOS, Java, Android and WebAssembly, and scripts, begin."""
_LINK = b"L\x00\x00\x00\x01\x14\x02\x00"
"""How a shortcut of Windows begins, which runs what it names."""
_PROGRAM_NAME = re.compile(
    r"\.(exe|com|scr|pif|cpl|dll|msi|msp|bat|cmd|ps1|vbs|vbe|jse|wsf|wsh|hta|lnk|scf|reg|jar|apk)(\.bin)?[ .]*",
    re.IGNORECASE,
)
"""Endings that a desktop runs at a click: most of these scripts are plain text."""
_DOS = b"MZ"
"""How programs of Windows begin; and, perhaps, a text."""
_GENERIC = "application/octet-stream"
_TEXT_TYPES = ("application/json", "application/xml", "application/javascript", "application/yaml", "application/sql")
_TEXT_SUFFIXES = ("+json", "+xml", "+yaml")
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "application/x-pdf": "application/pdf",
    "application/x-zip-compressed": "application/zip",
    "application/x-zip": "application/zip",
    "text/xml": "application/xml",
    "audio/x-wav": "audio/wav",
    "image/x-ms-bmp": "image/bmp",
    "application/x-rar-compressed": "application/vnd.rar",
    "application/x-rar": "application/vnd.rar",
    "application/x-gzip": "application/gzip",
}
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EMPTY_ZIP = b"PK\x05\x06"
_IN_ZIP = ("application/vnd.openxmlformats-", "application/vnd.oasis.opendocument", "application/vnd.etsi.asic-")
_IN_ZIP_TOO = frozenset({"application/zip", "application/epub+zip", "application/x-zip-compressed"})
_IN_OLE = frozenset({"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"})
_SIGNATURES = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/tiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    "application/gzip": (b"\x1f\x8b",),
}
"""Signatures of what agencies send most, at the first byte: PDF allows 1,024 bytes before its own, and so do polyglots."""


def check(media_type: str, name: str, head: bytes) -> TypeFault:
    """Compare the first bytes of a file with its media type and its name; return what is wrong, or "".

    Args:
        media_type: as its owner gave it, without parameters.
        name: as its owner gave it; may be empty.
        head: its first `HEAD_BYTES`.
    """
    if (
        head.startswith((*_EXECUTABLES, _LINK))
        or _has_program_name(name)
        or (head.startswith(_DOS) and not _is_text(head))
    ):
        return "executable"
    named = mimetypes.guess_type(name)[0] if name else None
    expected = {_canonical(media_type), _canonical(named or _GENERIC)} - {_GENERIC}
    return "" if all(_fits(kind, head) for kind in expected) else "type-mismatch"


def _has_program_name(name: str) -> bool:
    dot = name.removesuffix(".bin").rstrip(" .").rfind(".")
    return dot >= 0 and _PROGRAM_NAME.fullmatch(name, dot) is not None


def _canonical(media_type: str) -> str:
    lowered = media_type.partition(";")[0].strip().lower()
    return _ALIASES.get(lowered, lowered)


def _fits(media_type: str, head: bytes) -> bool:
    if media_type in _SIGNATURES:
        return head.startswith(_SIGNATURES[media_type])
    if media_type in _IN_ZIP_TOO or media_type.startswith(_IN_ZIP):
        return head.startswith((_ZIP, _EMPTY_ZIP))
    if media_type in _IN_OLE:
        return head.startswith(_OLE)
    if media_type.startswith("text/") or media_type in _TEXT_TYPES or media_type.endswith(_TEXT_SUFFIXES):
        return _is_text(head)
    detected = _detect(head)
    return media_type in detected or not _is_known(media_type)


def _is_text(head: bytes) -> bool:
    """Tell whether bytes are text: UTF-8, UTF-16 with its mark, or an eight-bit character set, without control characters."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if head.startswith((*(sign for signs in _SIGNATURES.values() for sign in signs), _ZIP, _OLE)):
        return False
    return not any(byte < 9 or (13 < byte < 32 and byte != 27) for byte in head[:4096])


def _detect(head: bytes) -> frozenset[str]:
    try:
        return frozenset(_canonical(match.mime_type) for match in puremagic.magic_string(head) if match.mime_type)
    except (puremagic.PureError, ValueError):
        return frozenset()


def _is_known(media_type: str) -> bool:
    return media_type in _KNOWN


_KNOWN = frozenset(_canonical(row.mime_type) for row in puremagic.magic_header_array if row.mime_type)
"""Media types whose signature puremagic knows; of others nothing can be said."""
