"""Which characters the bytes of an answer are.

What says so, says it wrongly often enough: application servers put `charset=iso-8859-1` before UTF-8 unasked, .NET's StringWriter puts
`encoding="utf-16"` into UTF-8. So what the bytes themselves show comes first. A byte order mark or the zeros of UTF-16 are beyond doubt, and
bytes beyond ASCII that read as UTF-8 are UTF-8: no text of another charset does so by chance. Only then what the header says (RFC 7303: before
the prolog of XML), and then the prolog. What no claim fits is refused: a guess would be a wrong name in a register.
"""

import codecs
import re

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.text.normalization import nfc

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ZEROS = (
    (re.compile(rb"\x00\x00\x00[^\x00]"), "utf-32-be"),
    (re.compile(rb"[^\x00]\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"\x00[^\x00]"), "utf-16-be"),
    (re.compile(rb"[^\x00]\x00"), "utf-16-le"),
)
"""JSON and XML begin with a character of ASCII (RFC 4627, 3; XML 1.0, F.1)."""

_CHARACTERS = re.compile(r"ascii|utf-?\d+|iso8859|latin|cp\d+|koi8|gb|big5|shift_jis|euc|tis|mac", re.ASCII)
"""Codecs that are character sets: Python's table holds others too."""


class UndecodableError(AdapterError, ValueError):
    """Bytes in no character set that anything names. The text names the claims and quotes nothing."""


def decode(content: bytes, header: str = "", prolog: str = "") -> str:
    """Decode bytes to composed text (NFC), without a byte order mark.

    Args:
        header: the charset of the HTTP header, or of a part's; "" for none.
        prolog: the encoding that XML says in itself; "" for none.

    Raises:
        UndecodableError: no claim fits.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _read(content[len(mark) :], name)
    for zeros, name in _ZEROS:
        if zeros.match(content):
            return _read(content, name)
    claims = dict.fromkeys(("utf-8", *(claim.lower() for claim in (header, prolog) if claim)))
    for claim in claims:
        try:
            return _read(content, claim)
        except UndecodableError:
            continue
    raise UndecodableError(f"the bytes are not {', nor '.join(claims)}")


def _read(content: bytes, name: str) -> str:
    try:
        known = codecs.lookup(name).name
        if not _CHARACTERS.match(known):
            raise LookupError(name)
        text = content.decode(known)
    except (UnicodeError, LookupError) as error:
        raise UndecodableError(f"the bytes are not {name}") from error
    return nfc(text)
