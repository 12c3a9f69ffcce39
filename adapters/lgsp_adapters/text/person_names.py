"""Names of people in the forms in which two systems compare them."""

import unicodedata

from lgsp_adapters.text.normalization import nfc


def fold_name(name: str) -> str:
    """Fold the name of a person for comparison: one spelling of each accent, whatever the case and the spaces."""
    return " ".join(nfc(name).casefold().split())


def without_accents(text: str) -> str:
    """Remove the accents of a text, as systems without Unicode write names: `Đặng Thị Ánh` becomes `Dang Thi Anh`."""
    letters = nfc(text).translate(_STROKES)
    if letters.isascii():
        return letters
    return "".join(
        letter for part in letters for letter in unicodedata.normalize("NFD", part) if not unicodedata.combining(letter)
    )


_STROKES = {ord("đ"): "d", ord("Đ"): "D"}
"""The letters whose stroke is no accent to Unicode."""
