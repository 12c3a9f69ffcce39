"""What a mapping can do beside JMESPath's own functions: dates, codes, names, digests.

Nothing in, nothing out: each gives null for null, so that a field that a system leaves empty stays away.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from jmespath import functions

from lgsp_adapters.kinds.arithmetic import Arithmetic
from lgsp_adapters.kinds.numbers import NOTATIONS, decimal_of, exact, integer_of, number_of, text_of
from lgsp_adapters.kinds.parsing_functions import ParsingFunctions
from lgsp_adapters.kinds.unmappable import Unmappable
from lgsp_adapters.kinds.xml_documents import TEXT
from lgsp_adapters.person_names import folded
from lgsp_contracts import exact_json

_LETTERS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
"""The letters of a date pattern (Unicode TR 35, as Java and .NET write it)."""


def layout(pattern: str) -> str:
    """A date pattern such as `dd/MM/yyyy` as strptime takes it."""
    return re.sub("yyyy|MM|dd|HH|mm|ss", lambda found: _LETTERS[found.group()], pattern)


def _date(value: str, pattern: str, wanted: Callable[[datetime], str]) -> str:
    try:
        return wanted(datetime.strptime(value, layout(pattern)))
    except ValueError:
        raise Unmappable(f"a date is not in the form {pattern}") from None


def _notation(name: Any) -> str:
    if name not in ("", *NOTATIONS):
        raise Unmappable(f"there is no such notation of numbers; there are: {', '.join(NOTATIONS)}")
    return str(name)


def _several(value: Any) -> list[Any]:
    found = value if isinstance(value, list) else [value]
    return [item for item in found if item is not None]


_ANY: list[str] = []
_TEXT = ["string", "null"]
_TABLE = ["object", "null"]


class Functions(Arithmetic, ParsingFunctions):
    """The functions of JMESPath and those of the bus, which `docs/reference/mapping.md` lists."""

    @functions.signature({"types": _ANY})
    def _func_text(self, value: Any) -> Any:
        """Anything as text; of an XML element with attributes its own."""
        if isinstance(value, dict) and isinstance(value.get(TEXT), str):
            return value[TEXT]
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
        return _several(value)

    @functions.signature({"types": _TEXT}, {"types": ["string"]})
    def _func_iso_date(self, value: str | None, pattern: str) -> Any:
        """A date of the system, `dd/MM/yyyy` say, as ISO 8601."""
        return None if value is None else _date(value, pattern, lambda found: found.date().isoformat())

    @functions.signature({"types": _TEXT}, {"types": ["string"]})
    def _func_date_text(self, value: str | None, pattern: str) -> Any:
        """An ISO 8601 date in the form of the system."""
        return None if value is None else _date(value[:10], "yyyy-MM-dd", lambda day: day.strftime(layout(pattern)))

    @functions.signature({"types": _TABLE}, {"types": _ANY})
    def _func_lookup(self, table: dict[str, Any] | None, code: Any) -> Any:
        """What a code means; null where the table does not say."""
        return (table or {}).get(text_of(code)) if code is not None else None

    @functions.signature({"types": _TEXT})
    def _func_folded(self, value: str | None) -> Any:
        """A person's name as names are compared: whatever the case, the spaces, the spelling of accents."""
        return None if value is None else folded(value)

    @functions.signature({"types": _ANY})
    def _func_words(self, value: Any) -> Any:
        """The texts and numbers of a list with a space between them; null where there is none."""
        items = value if isinstance(value, list) else []
        found = [text_of(item) for item in items if isinstance(item, str) or exact(item) is not None]
        return " ".join(found) or None

    @functions.signature({"types": _TEXT})
    def _func_digits(self, value: str | None) -> Any:
        """The digits of a text."""
        return None if value is None else re.sub(r"\D", "", value)

    @functions.signature({"types": _TEXT}, {"types": ["string"]}, {"types": ["string"]})
    def _func_replace(self, value: str | None, old: str, new: str) -> Any:
        """A text with each `old` as `new`."""
        return None if value is None else value.replace(old, new)

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

    @functions.signature({"types": _TEXT})
    def _func_base64(self, value: str | None) -> Any:
        return None if value is None else base64.b64encode(value.encode()).decode()

    @functions.signature({"types": _TEXT})
    def _func_sha256(self, value: str | None) -> Any:
        """The digest, in hexadecimal."""
        return None if value is None else hashlib.sha256(value.encode()).hexdigest()

    @functions.signature({"types": _TEXT})
    def _func_md5(self, value: str | None) -> Any:
        """The digest, in hexadecimal: some systems ask for it, none should."""
        return None if value is None else hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


FUNCTIONS = Functions()
NAMES: dict[str, int] = {name: len(entry["signature"]) for name, entry in FUNCTIONS.FUNCTION_TABLE.items()}
"""Each function and how many arguments it takes at least."""
_OPTIONAL = {"integer": 2, "number": 2, "decimal": 2}
MOST: dict[str, int] = {
    name: _OPTIONAL.get(name, len(entry["signature"]))
    for name, entry in FUNCTIONS.FUNCTION_TABLE.items()
    if name in _OPTIONAL or not any(argument.get("variadic") for argument in entry["signature"])
}
"""How many arguments a function takes at most; nothing for one that takes any number."""


def check_argument(function: str, number: int, value: Any) -> None:
    """Hold an argument that stands in the manifest against what its function can take, before anything is called.

    Raises:
        Unmappable: it never fits.
    """
    if function in ("integer", "number", "decimal"):
        _notation(value)
