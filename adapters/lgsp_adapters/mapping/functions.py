"""The functions of mappings beside JMESPath's own: dates, codes, names.

Each returns null for null, so that a field that a system leaves empty is left out. `functions.yaml` describes each of them.
"""

import re
from datetime import timedelta
from typing import Any

from jmespath import functions

from lgsp_adapters.mapping import dates
from lgsp_adapters.mapping.arithmetic import Arithmetic, places_of
from lgsp_adapters.mapping.date_patterns import FIRST_YEAR
from lgsp_adapters.mapping.encoding_functions import EncodingFunctions, check_hmac
from lgsp_adapters.mapping.lost_zeros import check_restoration, restore_zeros
from lgsp_adapters.mapping.numbers import NOTATIONS, decimal_of, exact, integer_of, number_of, text_of
from lgsp_adapters.mapping.parsing_functions import ParsingFunctions
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.xml_documents import TEXT
from lgsp_adapters.text.normalization import nfc
from lgsp_adapters.text.person_names import fold_name, without_accents
from lgsp_contracts import exact_json

MAX_TEXT = 4 * 1024 * 1024
"""Characters that a function may make of what it is given: no answer of the bus is larger."""


def _notation(name: Any) -> str:
    if name not in ("", *NOTATIONS):
        raise MappingError(f"there is no such notation of numbers; there are: {', '.join(NOTATIONS)}")
    return str(name)


def _check_length(characters: int) -> None:
    if characters > MAX_TEXT:
        raise MappingError(f"a function makes a text of more than {MAX_TEXT} characters")


def _code(value: Any) -> str:
    """A code as a table has it: `1.0`, as some systems write a whole number, is `1`."""
    return text_of(value if isinstance(value, str) or exact(value) is None else number_of(value))


def _year(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= 9900:
        raise MappingError("the first year of the hundred that yy means is a year, such as `1930`")
    return value


def _as_list(value: Any) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if item is not None]


_ANY: list[str] = []
_TEXT = ["string", "null"]
_TABLE = ["object", "null"]


class Functions(Arithmetic, EncodingFunctions, ParsingFunctions):
    """The functions of JMESPath and those of the bus, which `docs/reference/mapping.md` lists."""

    @functions.signature({"types": _ANY})
    def _func_text(self, value: Any) -> Any:
        """Anything as text; of an XML element with attributes its own."""
        value = value[TEXT] if isinstance(value, dict) and TEXT in value else value
        return None if value is None else text_of(value)

    @functions.signature({"types": _ANY, "variadic": True})
    def _func_integer(self, value: Any, notation: str = "") -> Any:
        """A whole number, in the notation that is named."""
        return None if value is None else integer_of(value, _notation(notation))

    @functions.signature({"types": _ANY, "variadic": True})
    def _func_number(self, value: Any, notation: str = "") -> Any:
        """A number, an integer where it is whole."""
        return None if value is None else number_of(value, _notation(notation))

    @functions.signature({"types": _ANY, "variadic": True})
    def _func_decimal(self, value: Any, notation: str = "") -> Any:
        """A number with the decimals as they are written: `12.50` stays so, and `5.00` too."""
        return None if value is None else decimal_of(value, _notation(notation))

    @functions.signature({"types": _ANY})
    def _func_several(self, value: Any) -> list[Any]:
        """One or many, as a list; null is none."""
        return _as_list(value)

    @functions.signature({"types": _ANY}, {"types": ["string"], "variadic": True})
    def _func_iso_date(self, value: Any, pattern: str, first_year: Any = FIRST_YEAR) -> Any:
        """A day of the system, `dd/MM/yyyy` say, as ISO 8601."""
        return None if value is None else dates.iso_date(value, pattern, _year(first_year))

    @functions.signature({"types": _ANY}, {"types": ["string"]})
    def _func_date_text(self, value: Any, pattern: str) -> Any:
        """An ISO 8601 date or time in the form of the system, as Vietnam's clocks show it."""
        return None if value is None else dates.date_text(value, pattern)

    @functions.signature({"types": _ANY})
    def _func_local_date(self, value: Any) -> Any:
        """The day in Vietnam of an ISO 8601 date or time."""
        return None if value is None else dates.local_date(value)

    @functions.signature({"types": _ANY, "variadic": True})
    def _func_instant(self, value: Any, pattern: str = "", first_year: Any = FIRST_YEAR) -> Any:
        """A moment with its zone; without one it is Vietnam's."""
        return None if value is None else dates.instant(value, pattern, _year(first_year))

    @functions.signature({"types": _ANY})
    def _func_epoch_seconds(self, value: Any) -> Any:
        """The instant of seconds since 1970."""
        return None if value is None else dates.epoch(value, timedelta(seconds=1))

    @functions.signature({"types": _ANY})
    def _func_epoch_milliseconds(self, value: Any) -> Any:
        """The instant of milliseconds since 1970."""
        return None if value is None else dates.epoch(value, timedelta(milliseconds=1))

    @functions.signature({"types": _ANY})
    def _func_to_epoch_milliseconds(self, value: Any) -> Any:
        """The milliseconds since 1970 of an ISO 8601 date or time."""
        return None if value is None else dates.milliseconds_since_1970(value)

    @functions.signature({"types": _ANY})
    def _func_json_date(self, value: Any) -> Any:
        """The instant in `/Date(738349200000)/`."""
        return None if value is None else dates.json_date(value)

    @functions.signature({"types": _ANY, "variadic": True})
    def _func_excel_date(self, value: Any, system: str = "1900") -> Any:
        """The day of an Excel serial."""
        return None if value is None else dates.excel_date(value, system)

    @functions.signature({"types": _TABLE}, {"types": _ANY})
    def _func_lookup(self, table: dict[str, Any] | None, code: Any) -> Any:
        """What a code means; null where the table does not say."""
        return (table or {}).get(_code(code)) if code is not None else None

    @functions.signature({"types": _TEXT})
    def _func_nfc(self, value: str | None) -> Any:
        """A text whose letters are each written in one way."""
        return None if value is None else nfc(value)

    @functions.signature({"types": _ANY}, {"types": ["number"]}, {"types": ["string"]})
    def _func_pad_left(self, value: Any, width: int, fill: str) -> Any:
        """A text or number as text, filled on the left whatever it holds."""
        if len(fill) != 1:
            raise MappingError("pad_left fills with one character")
        _check_length(int(width))
        return None if value is None else text_of(value).rjust(int(width), fill)

    @functions.signature({"types": _ANY}, {"types": _ANY, "variadic": True})
    def _func_restore_zeros(self, value: Any, width: Any, most: Any = 1) -> Any:
        """A number of fixed length with the zeros that a spreadsheet took from its beginning."""
        return restore_zeros(value, width, most)

    @functions.signature({"types": _TEXT})
    def _func_folded(self, value: str | None) -> Any:
        """A person's name as names are compared: whatever the case, the spaces, the spelling of accents."""
        return None if value is None else fold_name(value)

    @functions.signature({"types": _TEXT})
    def _func_without_accents(self, value: str | None) -> Any:
        return None if value is None else without_accents(value)

    @functions.signature({"types": _ANY})
    def _func_words(self, value: Any) -> Any:
        """The texts and numbers of a list with a space between them; null where there is none."""
        items = value if isinstance(value, list) else []
        texts = [text_of(item) for item in items if isinstance(item, str) or exact(item) is not None]
        return " ".join(texts) or None

    @functions.signature({"types": _TEXT})
    def _func_digits(self, value: str | None) -> Any:
        """The digits of a text."""
        return None if value is None else re.sub(r"\D", "", value)

    @functions.signature({"types": _TEXT}, {"types": ["string"]}, {"types": ["string"]})
    def _func_replace(self, value: str | None, old: str, new: str) -> Any:
        """A text with each `old` as `new`."""
        if value is None:
            return None
        _check_length(len(value) + value.count(old) * (len(new) - len(old)))
        return value.replace(old, new)

    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, texts: list[str]) -> str:
        """The texts of a list, with a separator between them."""
        _check_length(sum(map(len, texts)) + len(separator) * len(texts))
        return separator.join(texts)

    @functions.signature({"types": _TEXT}, {"types": ["number"]}, {"types": ["number"]})
    def _func_part(self, value: str | None, start: int, end: int) -> Any:
        """The characters from `start` up to `end`, from 0."""
        return None if value is None else value[int(start) : int(end)]

    @functions.signature({"types": _TEXT}, {"types": ["string"]})
    def _func_split(self, value: str | None, separator: str) -> Any:
        """A text at each separator."""
        return None if value is None else value.split(separator)

    @functions.signature({"types": _TEXT})
    def _func_upper(self, value: str | None) -> Any:
        return None if value is None else value.upper()

    @functions.signature({"types": _TEXT})
    def _func_lower(self, value: str | None) -> Any:
        return None if value is None else value.lower()

    @functions.signature({"types": _ANY})
    def _func_json(self, value: Any) -> str:
        """Anything as JSON."""
        return exact_json.dumps(value).decode()


FUNCTIONS = Functions()
NAMES: dict[str, int] = {name: len(entry["signature"]) for name, entry in FUNCTIONS.FUNCTION_TABLE.items()}
"""Each function and how many arguments it takes at least."""
_OPTIONAL = {
    "restore_zeros": 3,
    "integer": 2,
    "number": 2,
    "decimal": 2,
    "iso_date": 3,
    "instant": 3,
    "excel_date": 2,
    "hmac": 4,
}
MOST: dict[str, int] = {
    name: _OPTIONAL.get(name, len(entry["signature"]))
    for name, entry in FUNCTIONS.FUNCTION_TABLE.items()
    if name in _OPTIONAL or not any(argument.get("variadic") for argument in entry["signature"])
}
"""How many arguments a function takes at most; nothing for one that takes any number."""


_PLACES = {"divide": 2, "round": 1}
_HMAC_DIGEST = 2
"""Positions of arguments."""


def check_argument(function: str, number: int, value: Any) -> None:
    """Check a literal argument of a manifest against what its function accepts, before any call.

    Raises:
        MappingError: it never fits.
    """
    if function in ("integer", "number", "decimal"):
        _notation(value)
    elif function in ("iso_date", "date_text", "instant") and number == 1:
        dates.check_pattern(function, value if isinstance(value, str) else "")
    elif function in ("iso_date", "instant"):
        _year(value)
    elif function == "excel_date":
        dates.excel_date(1, value)
    elif function in ("divide", "round") and number == _PLACES[function]:
        places_of(value)
    elif function == "restore_zeros":
        check_restoration(*(value,) if number == 1 else (1, value))
    elif function == "hmac" and number >= _HMAC_DIGEST:
        check_hmac(*(value,) if number == _HMAC_DIGEST else ("sha256", value))
