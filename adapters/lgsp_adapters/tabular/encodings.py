"""The encodings in which offices write text, those of before Unicode too.

Python reads Unicode and the code pages of Windows. Two that Vietnamese offices still write, TCVN3 and VNI, it does not know, and no
kept library on PyPI does (November 2026: unicode converters there are programs for a screen). So their tables stand here:

* `tcvn3`: TCVN 5712:1993, VN3, as the ABC fonts have it; checked against glibc's `TCVN5712-1`. What is set in a font of capitals
  (`.VnTimeH`) has the codes of small letters and is read as such: the file does not say which font it was.
* `vni`: the VNI fonts for Windows, a letter followed by one sign for its accents, as UniKey's `VNI Windows` writes it.
"""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO, Literal

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.text.normalization import nfc

_NO_TEXT = frozenset(("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7", "mbcs", "oem"))
_WIDE = {"utf-16": 2, "utf-16-le": 2, "utf-16-be": 2, "utf-32": 4, "utf-32-le": 4, "utf-32-be": 4}
_MARKS = {
    "utf-16": ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
    "utf-32": ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
}
_SAMPLE_BYTES = 4096
_READ_AT_ONCE = 65536

_RUNS = {
    0xA1: "ĂÂÊÔƠƯĐăâêôơưđ",
    0xB5: "àảãáạ",
    0xBB: "ằẳẵắ",
    0xC6: "ặầẩẫấậè",
    0xCE: "ẻẽéẹềểễếệìỉ",
    0xDC: "ĩíịò",
    0xE1: "ỏõóọồổỗốộờởỡớợù",
    0xF1: "ủũúụừửữứựỳỷỹýỵ",
}
"""The letters of TCVN3 from a code on."""

_TCVN3 = {first + number: letter for first, letters in _RUNS.items() for number, letter in enumerate(letters)}

_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT = "\u0300", "\u0301", "\u0309", "\u0303", "\u0323"
_CIRCUMFLEX, _BREVE = "\u0302", "\u0306"
_VNI_MARKS = {
    0xF8: _GRAVE, 0xF9: _ACUTE, 0xFB: _HOOK, 0xF5: _TILDE, 0xEF: _DOT,
    0xE2: _CIRCUMFLEX, 0xE0: _CIRCUMFLEX + _GRAVE, 0xE1: _CIRCUMFLEX + _ACUTE, 0xE5: _CIRCUMFLEX + _HOOK,
    0xE3: _CIRCUMFLEX + _TILDE, 0xE4: _CIRCUMFLEX + _DOT,
    0xEA: _BREVE, 0xE8: _BREVE + _GRAVE, 0xE9: _BREVE + _ACUTE, 0xFA: _BREVE + _HOOK, 0xFC: _BREVE + _TILDE,
    0xEB: _BREVE + _DOT,
}  # fmt: skip
_VNI_LETTERS = {0xF4: "ơ", 0xF6: "ư", 0xF1: "đ", 0xEC: "ì", 0xED: "í", 0xE6: "ỉ", 0xF3: "ĩ", 0xF2: "ị", 0xEE: "ỵ"}
_CAPITAL = 0x20
"""How far below a small letter or mark of VNI the code of its capital is."""


class UnknownEncodingError(AdapterError):
    """A name that no encoding of text has."""


def canonical(name: str) -> str:
    """Return the canonical name of an encoding.

    Raises:
        UnknownEncodingError: no encoding of text has this name.
    """
    plain = name.lower().replace("_", "-")
    if plain in ("tcvn3", "tcvn-3", "abc", "vni"):
        return "vni" if plain == "vni" else "tcvn3"
    try:
        codec = codecs.lookup(name).name
        b"a".decode(codec)
    except UnicodeError:  # it is one, of more bytes than one for a letter
        pass
    except LookupError as error:
        raise UnknownEncodingError(name) from error
    if codec.replace("_", "-") in {excluded.replace("_", "-") for excluded in _NO_TEXT}:
        raise UnknownEncodingError(name)
    return "utf-8" if codec == "utf-8-sig" else codec


def lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines of a file, with their ends.

    Args:
        encoding: as `canonical` says.

    Raises:
        UnicodeError: it is written otherwise.
    """
    if not encoding.startswith("utf"):
        _refuse_utf_8(file, encoding)
    if encoding == "tcvn3":
        table = {code: _TCVN3.get(code, chr(code) if code < 0x80 else None) for code in range(256)}
        return (codecs.charmap_decode(line, "strict", table)[0] for line in file)
    if encoding == "vni":
        return (_vni(line) for line in file)
    if encoding in _WIDE:
        encoding = _detect_byte_order(file, encoding)
    return _without_byte_order_mark(io.TextIOWrapper(file, encoding=encoding, newline=""))


def _refuse_utf_8(file: BinaryIO, encoding: str) -> None:
    """Refuse UTF-8 under another name: nearly every byte is a letter of an older encoding, so names would be misread without an error.

    Raises:
        UnicodeError: it is UTF-8.
    """
    if detect_utf_8(file) == "letters":
        raise UnicodeError(f"it is not {encoding}")


def detect_utf_8(file: BinaryIO) -> Literal["", "ascii", "letters"]:
    """Tell whether a file is UTF-8, whatever encoding is declared: "" for no, else whether in its ASCII part alone or with letters beyond.

    No text of another encoding is whole UTF-8 by chance, unless it is ASCII, which is the same in both. Zero bytes are UTF-16's.
    """
    decoder, plain = codecs.getincrementaldecoder("utf-8")(), True
    try:
        while part := file.read(_READ_AT_ONCE):
            if 0 in part:
                return ""
            plain = plain and part.isascii()
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return ""
    finally:
        file.seek(0)
    return "ascii" if plain else "letters"


def _without_byte_order_mark(text_lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(text_lines):
        yield line.removeprefix("\ufeff") if number == 0 else line


def _detect_byte_order(file: BinaryIO, encoding: str) -> str:
    """Detect the byte order: from the mark, else from the zero bytes of the heading."""
    begin = file.read(_SAMPLE_BYTES)
    file.seek(0)
    width = _WIDE[encoding]
    if encoding in _MARKS:
        for mark, marked in _MARKS[encoding]:
            if begin.startswith(mark):
                return marked
        low, high = begin[0::width].count(0), begin[width - 1 :: width].count(0)
        encoding = f"{encoding}-{'le' if high > low else 'be'}"
    if begin and 0 not in begin:  # every delimiter and every end of a line has one
        raise UnicodeError(f"it is not {encoding}")
    return encoding


def _vni(line: bytes) -> str:
    letters: list[str] = []
    for code in line:
        if code < 0x80:
            letters.append(chr(code))
        elif code in _VNI_LETTERS:
            letters.append(_VNI_LETTERS[code])
        elif code + _CAPITAL in _VNI_LETTERS:
            letters.append(_VNI_LETTERS[code + _CAPITAL].upper())
        else:
            mark = _VNI_MARKS.get(code) or _VNI_MARKS.get(code + _CAPITAL)
            if mark is None or not letters or letters[-1].lower() not in "aăâeêioôơuưy":
                raise UnicodeError("it is not vni")
            letters.append(mark)
    return nfc("".join(letters))
