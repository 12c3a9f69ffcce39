"""Parameters of the management API: each is declared once, beside the routes that take it, and that declaration both reads what a
caller sends and describes it in OpenAPI.

A parameter is text until it is read here. It leaves as what it means (a number within bounds, an instant, one of some words), or
not at all: nothing behind this door sees a number of four thousand digits, half a character or a word that nobody knows.
"""

import datetime
import math
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from aiohttp import web

from lgsp_contracts.time_zone import VIETNAM
from lgsp_problems import Refusal, Text

T = TypeVar("T")
D = TypeVar("D")

Location = Literal["query", "path", "header"]

LONGEST = 500
"""Characters of a parameter, where its declaration says no less."""

_HIDDEN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and bytes of a header that are no UTF-8 (aiohttp hands them on as lone surrogates)."""

_SPACE_FOR_PLUS = re.compile(r"([T ][0-9:.,]+) ([0-9]{2}:?[0-9]{2})$")
_TIME_ALONE = re.compile(r"T?[0-9]{2}:[0-9]{2}(:[0-9]{2})?")


class InvalidParameterError(ValueError):
    """A text is not what a parameter takes."""


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """One parameter.

    Args:
        schema: what it takes, as OpenAPI 3.1 says it.
        expectation: the same for people, to follow "must be".
        parse: what a text means.
        default: what it means that the parameter is not there.

    Raises:
        InvalidParameterError: in `parse`, when it is none.
    """

    name: str
    location: Location
    description: str
    schema: Mapping[str, Any]
    expectation: Text
    parse: Callable[[str], T]
    default: T
    required: bool = False

    def read_from(self, request: web.BaseRequest) -> T:
        """What a request says.

        Raises:
            Refusal: `malformed`, with a sentence that says what the parameter takes.
        """
        text = self._sent(request)
        if text is None:
            if self.required:
                raise self.refusal()
            return self.default
        if _HIDDEN.search(text):
            raise self.refusal()
        try:
            return self.parse(text)
        except InvalidParameterError as error:
            raise self.refusal() from error

    def refusal(self) -> Refusal:
        """The refusal of a value that is none."""
        return Refusal(
            "malformed",
            vi=f"{self.name} phải là {self.expectation.vi}; hãy sửa lại.",
            en=f"{self.name} must be {self.expectation.en}; correct it.",
        )

    def openapi(self) -> dict[str, Any]:
        """The parameter as OpenAPI has it."""
        schema = dict(self.schema)
        if self.default is not None and self.default != "" and isinstance(self.default, (bool, int, str)):
            schema["default"] = self.default
        return {
            "name": self.name,
            "in": self.location,
            "required": self.required,
            "description": self.description,
            "schema": schema,
        }

    def _sent(self, request: web.BaseRequest) -> str | None:
        if self.location == "query":
            return request.query.get(self.name)
        if self.location == "header":
            return request.headers.get(self.name) or None
        assert isinstance(request, web.Request)
        return request.match_info.get(self.name)


def text(
    name: str, description: str, *, longest: int = LONGEST, location: Location = "query", pattern: str = ""
) -> Parameter[str]:
    """A text, or "" where there is none; with a pattern (anchored, as JSON Schema has it), only what keeps it."""
    expression = re.compile(pattern.removesuffix("$") + r"\Z") if pattern else None
    schema: dict[str, Any] = {"type": "string", "maxLength": longest, **({"pattern": pattern} if pattern else {})}
    kept = (f", dạng {pattern}", f" that keeps {pattern}") if pattern else ("", "")
    expectation = Text(
        f"chuỗi một dòng, tối đa {longest} ký tự{kept[0]}",
        f"a text on one line of at most {longest} characters{kept[1]}",
    )

    def parse(sent: str) -> str:
        if len(sent) > longest or (expression and not expression.match(sent)):
            raise InvalidParameterError
        return sent

    return Parameter(name, location, description, schema, expectation, parse, "", location == "path")


def integer(
    name: str, description: str, lowest: int, highest: int, default: D, *, location: Location = "query"
) -> Parameter[int | D]:
    """A whole number within bounds, in plain digits; what `default` says where there is none."""
    most = len(str(highest))

    def parse(sent: str) -> int:
        if not (sent.isascii() and sent.isdecimal()) or len(sent) > most or not lowest <= int(sent) <= highest:
            raise InvalidParameterError
        return int(sent)

    schema = {"type": "integer", "minimum": lowest, "maximum": highest}
    expectation = Text(f"số nguyên từ {lowest} đến {highest}", f"a whole number from {lowest} to {highest}")
    return Parameter(name, location, description, schema, expectation, parse, default, location == "path")


def non_negative_number(name: str, description: str, highest: float) -> Parameter[float | None]:
    """A number of zero or more, with a point where it has a fraction."""
    plain = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")

    def parse(sent: str) -> float:
        if not plain.fullmatch(sent) or not math.isfinite(float(sent)) or float(sent) > highest:
            raise InvalidParameterError
        return float(sent)

    schema = {"type": "number", "minimum": 0, "maximum": highest}
    expectation = Text(
        f"số không âm, tối đa {highest:.0f}, ví dụ 2.5", f"a number from 0 to {highest:.0f}, such as 2.5"
    )
    return Parameter(name, "query", description, schema, expectation, parse, None)


def choice(
    name: str, description: str, words: Sequence[str], default: str, *, location: Location = "query"
) -> Parameter[str]:
    """One of some words."""

    def parse(sent: str) -> str:
        if sent not in words:
            raise InvalidParameterError
        return sent

    known = ", ".join(words)
    expectation = Text(f"một trong: {known}", f"one of: {known}")
    return Parameter(
        name, location, description, {"enum": list(words)}, expectation, parse, default, location == "path"
    )


def boolean(name: str, description: str) -> Parameter[bool]:
    """`true` or `false`; false where it is not there."""

    def parse(sent: str) -> bool:
        if sent not in ("true", "false"):
            raise InvalidParameterError
        return sent == "true"

    return Parameter(
        name, "query", description, {"type": "boolean"}, Text("true hoặc false", "true or false"), parse, False
    )


def timestamp(name: str, description: str) -> Parameter[int | None]:
    """An instant by ISO 8601, in Vietnam's time where no zone is given: milliseconds since 1970. A time alone is one of today.

    A `+` that was typed into an address as it is arrives as a space, and means what was typed.
    """

    def parse(sent: str) -> int:
        if len(sent) > 40:
            raise InvalidParameterError
        typed = _SPACE_FOR_PLUS.sub(r"\1+\2", sent.strip())
        if _TIME_ALONE.fullmatch(typed):
            typed = f"{datetime.datetime.now(VIETNAM):%Y-%m-%d}T{typed.removeprefix('T')}"
        try:
            found = datetime.datetime.fromisoformat(typed)
            aware = found if found.tzinfo else found.replace(tzinfo=VIETNAM)
            return int(aware.timestamp() * 1000)
        except (ValueError, OverflowError) as error:
            raise InvalidParameterError from error

    such_as = "2026-11-25T08:00:00+07:00"
    expectation = Text(
        f"thời điểm ISO 8601, theo giờ Việt Nam nếu không ghi múi giờ, ví dụ {such_as}",
        f"an ISO 8601 time, in Vietnam's time where no zone is given, such as {such_as}",
    )
    schema = {"type": "string", "maxLength": 40, "examples": [such_as]}
    return Parameter(name, "query", description, schema, expectation, parse, None)


def month(name: str, description: str) -> Parameter[str]:
    """A month such as 2026-11; "" where there is none."""
    found = text(name, description, longest=7, pattern="^[0-9]{4}-(0[1-9]|1[0-2])$")
    expectation = Text("tháng, ví dụ 2026-11", "a month, such as 2026-11")
    return Parameter(name, "query", description, found.schema, expectation, found.parse, "")


def message_id(name: str, description: str, *, location: Location = "query") -> Parameter[str]:
    """The id of a message, as any answer writes it: a UUID, also with `urn:uuid:` before it."""
    written = re.compile(r"(urn:uuid:)?([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})", re.IGNORECASE)

    def parse(sent: str) -> str:
        if not written.fullmatch(sent):
            raise InvalidParameterError
        return str(uuid.UUID(sent))

    expectation = Text("mã thông điệp (UUID)", "the id of a message (a UUID)")
    schema = {"type": "string", "maxLength": 45, "examples": ["019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a11"]}
    return Parameter(name, location, description, schema, expectation, parse, "", location == "path")
