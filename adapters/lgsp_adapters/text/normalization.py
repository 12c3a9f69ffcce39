"""Texts of others with their letters composed (NFC), in time that their length alone decides.

Python puts marks that stand behind each other into order by insertion: a letter with 80,000 marks, 160 kB, takes the better part
of a minute (measured), and holds every call of its process up. No writing needs more than 30 marks in a row (Unicode Standard
Annex 15, section 13, "Stream-Safe Text Format"), so a text with more is left as it came: it is nobody's name, and equals none.
"""

import unicodedata

MAX_MARKS = 30
"""Combining marks after one letter."""

_SHORT = 1_000
"""Characters that are composed at once, whatever they are."""

_DECOMPOSED = {0x0F73: "\u0f71\u0f72", 0x0F75: "\u0f71\u0f74", 0x0F81: "\u0f71\u0f80"}
"""The signs that are no marks by themselves and are made of nothing else."""


def nfc(text: str) -> str:
    """Compose the letters of a text (NFC): `ấ` becomes one character and not three."""
    if text.isascii() or (len(text) > _SHORT and _has_too_many_marks(text)):
        return text
    return unicodedata.normalize("NFC", text)


def _has_too_many_marks(text: str) -> bool:
    marks = bytes(map(bool, map(unicodedata.combining, text.translate(_DECOMPOSED))))
    return b"\1" * (MAX_MARKS + 1) in marks
