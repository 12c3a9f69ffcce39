"""Leading zeros that a spreadsheet or a column of integers has removed from a number of a person.

Filling any text up to its width would make a number that lacks a digit in the middle a valid number: that of another person. So only what
can have lost zeros is given zeros: digits that do not begin with 0, and no more zeros than such numbers begin with. A number that still
begins with 0 has lost something else.
"""

import re
from typing import Any

from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.text.comparison import lookup_key

MOST_ZEROS = 3
"""Zeros that may be restored: no number of the Vietnamese state begins with more."""

MAX_WIDTH = 64
_DIGITS = re.compile(r"[0-9]+")


def restore_zeros(value: Any, width: int, most: int = 1) -> str | None:
    """Restore the leading zeros of a number of fixed length; a complete one stays as it is.

    Args:
        value: a text or a number. What means absence (null, an empty text, `-`) gives None.
        width: digits of the complete number.
        most: zeros that can have been lost: 1 for numbers that begin with one zero at most. A personal identification number begins with the
            code of a province, 001 to 096, and loses two zeros below 010.

    Raises:
        MappingError: the value is no such number. The text names the rule and no value.
    """
    check_restoration(width, most)
    try:
        text = lookup_key(value)
    except ValueError as error:
        raise MappingError("a list or a document is no number") from error
    if text is None:
        return None
    if not _DIGITS.fullmatch(text):
        raise MappingError(f"a number of {width} digits holds something that is no digit")
    missing = width - len(text)
    if missing == 0:
        return text
    if missing < 0:
        raise MappingError(f"a number has {len(text)} digits and not {width}")
    if text.startswith("0"):
        raise MappingError(f"a number that begins with 0 has {len(text)} digits and not {width}")
    if missing > most:
        zeros = "one zero" if most == 1 else f"{most} zeros"
        raise MappingError(
            f"a number has {len(text)} digits and not {width}, and at most {zeros} can be lost at its beginning"
        )
    return text.zfill(width)


def check_restoration(width: Any, most: Any = 1) -> None:
    """Check the width of a number and how many zeros it may have lost.

    Raises:
        MappingError: they make no sense.
    """
    if type(width) is not int or not 1 <= width <= MAX_WIDTH:
        raise MappingError(f"the digits of a number are a whole number from 1 to {MAX_WIDTH}, such as `12`")
    if type(most) is not int or not 1 <= most <= MOST_ZEROS:
        raise MappingError(f"the zeros that can be lost are a whole number from 1 to {MOST_ZEROS}")
