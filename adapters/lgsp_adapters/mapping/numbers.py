"""Numbers as systems write them, read without guessing: a point and a comma mean different things in Hanoi and in New York.

| notation | what is read |
| --- | --- |
| none named | `1250000`, `1250000.5`, `-12.50`, `.5`; not `1.250`, which is a fraction here and a thousand there |
| `plain` | the same, and `1.250` is one and a quarter |
| `vi` | `1.250.000,50`, `1250000,5` |
| `en` | `1,250,000.50`, `1250000.5` |

Separators stand between groups of three. Everything else is refused, and the digits are kept as they are written.
"""

import math
import re
from decimal import Decimal
from typing import Any

from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts import exact_json

Number = int | Decimal

PLAIN, VIETNAMESE, ENGLISH = "plain", "vi", "en"
_FORMS = {
    PLAIN: re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"),
    VIETNAMESE: re.compile(r"[+-]?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?"),
    ENGLISH: re.compile(r"[+-]?(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"),
}
NOTATIONS = tuple(_FORMS)
_AMBIGUOUS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
MAX_DIGITS = 1000


def decimal_of(value: Any, notation: str = "") -> Decimal:
    """Convert a number, or a text that is one, to a decimal with all its digits.

    Args:
        notation: one of `NOTATIONS`, or "" where none is named.

    Raises:
        MappingError: the value is not an unambiguous number in this notation.
    """
    if isinstance(value, str):
        return _read(value.strip(), notation)
    number = exact(value)
    if number is None:
        raise MappingError("what should be a number is true or false, a list or a document")
    if abs(Decimal(number).adjusted()) > MAX_DIGITS:
        raise MappingError(f"a number has more than {MAX_DIGITS} digits")
    return Decimal(number)


def integer_of(value: Any, notation: str = "") -> int:
    """Convert a value to an integer; zeros behind its point are dropped.

    Raises:
        MappingError: the value is not a number, or has a fraction.
    """
    number = decimal_of(value, notation)
    whole = int(number)
    if whole != number:
        raise MappingError("a number has a fraction where a whole one is expected; write number(…) to keep it")
    return whole


def number_of(value: Any, notation: str = "") -> Number:
    """Convert a value to a number: an integer where it is whole, else the decimal as it is written.

    Raises:
        MappingError: the value is not a number.
    """
    number = decimal_of(value, notation)
    whole = int(number)
    return whole if whole == number else number


def exact(value: Any) -> Number | None:
    """Convert a number of Python to one that keeps its digits; None where it is not a number.

    Raises:
        MappingError: it is not finite.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    if not math.isfinite(value):
        raise MappingError("a number is not finite")
    return Decimal(repr(value)) if isinstance(value, float) else value


def text_of(value: Any) -> str:
    """Convert any value to text: numbers without an exponent, documents as JSON."""
    if isinstance(value, str):
        return value
    number = exact(value)
    if number is None:
        return exact_json.dumps(value).decode()
    return exact_json.plain(number) if isinstance(number, Decimal) else str(number)


def _read(text: str, notation: str) -> Decimal:
    if len(text) > MAX_DIGITS or not _FORMS[notation or PLAIN].fullmatch(text):
        wanted = f"in the notation '{notation}'" if notation else "in plain notation, such as 1250000.5"
        hint = (
            ""
            if notation
            else "; name another one, 'vi' for 1.250.000,50 or 'en' for 1,250,000.50, as a second argument"
        )
        raise MappingError(f"a text is not a number {wanted}{hint}")
    if not notation and _AMBIGUOUS.fullmatch(text):
        raise MappingError(
            "a text like 1.250 may be a thousand or a fraction; name its notation as a second argument: 'vi' or 'plain'"
        )
    if notation == VIETNAMESE:
        text = text.replace(".", "").replace(",", ".")
    return Decimal(text.replace(",", ""))
