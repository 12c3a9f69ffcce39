"""The kinds of values that parameters of the management API take, each declared once with its bounds.

Every function here returns a `Parameter`. One in a path is required; any other has a default.
"""

import base64
import binascii
import datetime
import math
import re
import uuid
from collections.abc import Sequence
from typing import Any, TypeVar

from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.http.parameters import InvalidParameterError, Location, Parameter
from lgsp_problems import Text

D = TypeVar("D")

MAX_TEXT_LENGTH = 500
"""Characters of a text, where its declaration sets no lower bound."""

_SPACE_FOR_PLUS = re.compile(r"([T ][0-9:.,]+) ([0-9]{2}:?[0-9]{2})$")
_TIME_ALONE = re.compile(r"T?[0-9]{2}:[0-9]{2}(:[0-9]{2})?")


def text_parameter(
    name: str,
    description: str,
    *,
    max_length: int = MAX_TEXT_LENGTH,
    location: Location = "query",
    pattern: str = "",
) -> Parameter[str]:
    """Declare a text on one line; "" where it is not sent.

    Args:
        max_length: characters that it may have.
        pattern: an anchored regular expression that it must match, as JSON Schema has it; "" for any text.
    """
    expression = re.compile(pattern.removesuffix("$") + r"\Z") if pattern else None
    schema: dict[str, Any] = {"type": "string", "maxLength": max_length, **({"pattern": pattern} if pattern else {})}
    form = (f", theo mẫu {pattern}", f" that matches {pattern}") if pattern else ("", "")
    expectation = Text(
        f"chuỗi một dòng, tối đa {max_length} ký tự{form[0]}",
        f"a text on one line of at most {max_length} characters{form[1]}",
    )

    def parse(sent: str) -> str:
        if len(sent) > max_length or (expression and not expression.match(sent)):
            raise InvalidParameterError
        return sent

    return Parameter(name, location, description, schema, expectation, parse, "", location == "path")


def integer_parameter(
    name: str, description: str, lowest: int, highest: int, default: D, *, location: Location = "query"
) -> Parameter[int | D]:
    """Declare a whole number from `lowest` to `highest`, written in ASCII digits; `default` where it is not sent."""
    max_digits = len(str(highest))

    def parse(sent: str) -> int:
        if not (sent.isascii() and sent.isdecimal()) or len(sent) > max_digits or not lowest <= int(sent) <= highest:
            raise InvalidParameterError
        return int(sent)

    schema = {"type": "integer", "minimum": lowest, "maximum": highest}
    expectation = Text(f"số nguyên từ {lowest} đến {highest}", f"a whole number from {lowest} to {highest}")
    return Parameter(name, location, description, schema, expectation, parse, default, location == "path")


def number_parameter(name: str, description: str, highest: float) -> Parameter[float | None]:
    """Declare a number from 0 to `highest`, its fraction after a point; None where it is not sent."""
    decimal = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")

    def parse(sent: str) -> float:
        if not decimal.fullmatch(sent) or not math.isfinite(float(sent)) or float(sent) > highest:
            raise InvalidParameterError
        return float(sent)

    schema = {"type": "number", "minimum": 0, "maximum": highest}
    expectation = Text(
        f"số không âm, tối đa {highest:.0f}, ví dụ 2.5", f"a number from 0 to {highest:.0f}, such as 2.5"
    )
    return Parameter(name, "query", description, schema, expectation, parse, None)


def choice_parameter(
    name: str, description: str, choices: Sequence[str], default: str, *, location: Location = "query"
) -> Parameter[str]:
    """Declare one of a few words; `default` where it is not sent."""

    def parse(sent: str) -> str:
        if sent not in choices:
            raise InvalidParameterError
        return sent

    listed = ", ".join(choices)
    expectation = Text(f"một trong: {listed}", f"one of: {listed}")
    return Parameter(
        name, location, description, {"enum": list(choices)}, expectation, parse, default, location == "path"
    )


def boolean_parameter(name: str, description: str) -> Parameter[bool]:
    """Declare a truth value, written `true` or `false`; false where it is not sent."""

    def parse(sent: str) -> bool:
        if sent not in ("true", "false"):
            raise InvalidParameterError
        return sent == "true"

    return Parameter(
        name, "query", description, {"type": "boolean"}, Text("true hoặc false", "true or false"), parse, False
    )


def timestamp_parameter(name: str, description: str) -> Parameter[int | None]:
    """Declare an ISO 8601 time, read as milliseconds since 1970; None where it is not sent.

    Without a zone it is in Vietnam's time; without a date it is of today. The `+` of a zone that was not percent-encoded arrives as a
    space and is read as `+`.
    """

    def parse(sent: str) -> int:
        if len(sent) > 40:
            raise InvalidParameterError
        written = _SPACE_FOR_PLUS.sub(r"\1+\2", sent.strip())
        if _TIME_ALONE.fullmatch(written):
            written = f"{datetime.datetime.now(VIETNAM):%Y-%m-%d}T{written.removeprefix('T')}"
        try:
            moment = datetime.datetime.fromisoformat(written)
            with_zone = moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)
            return int(with_zone.timestamp() * 1000)
        except (ValueError, OverflowError) as error:
            raise InvalidParameterError from error

    example = "2026-11-25T08:00:00+07:00"
    expectation = Text(
        f"thời điểm ISO 8601, theo giờ Việt Nam nếu không ghi múi giờ, ví dụ {example}",
        f"an ISO 8601 time, in Vietnam's time where no zone is given, such as {example}",
    )
    schema = {"type": "string", "maxLength": 40, "examples": [example]}
    return Parameter(name, "query", description, schema, expectation, parse, None)


def month_parameter(name: str, description: str) -> Parameter[str]:
    """Declare a month of a year, such as 2026-11; "" where it is not sent."""
    year_and_month = text_parameter(name, description, max_length=7, pattern="^[0-9]{4}-(0[1-9]|1[0-2])$")
    expectation = Text("tháng, ví dụ 2026-11", "a month, such as 2026-11")
    return Parameter(name, "query", description, year_and_month.schema, expectation, year_and_month.parse, "")


def cursor_parameter(name: str, *, max_length: int, pattern: str = "") -> Parameter[str]:
    """Declare where a page of a list begins: the `next` of the previous page, read as `list_response` encodes it; "" where it is not sent.

    Args:
        max_length: characters that it may have, encoded.
        pattern: a regular expression that the whole of it must match, decoded; "" for any ASCII text.
    """
    expression = re.compile(pattern) if pattern else None

    def parse(sent: str) -> str:
        if len(sent) > max_length:
            raise InvalidParameterError
        try:
            decoded = base64.b64decode(sent, altchars=b"-_", validate=True).decode("ascii")
        except (binascii.Error, ValueError) as error:
            raise InvalidParameterError from error
        if expression and not expression.fullmatch(decoded):
            raise InvalidParameterError
        return decoded

    expectation = Text("giá trị next của trang trước", "the `next` of the previous page")
    schema = {"type": "string", "maxLength": max_length}
    return Parameter(name, "query", expectation.en, schema, expectation, parse, "")


def message_id_parameter(name: str, description: str, *, location: Location = "query") -> Parameter[str]:
    """Declare the id of a message, a UUID with or without `urn:uuid:` before it; "" where it is not sent."""
    uuid_form = re.compile(r"(urn:uuid:)?([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})", re.IGNORECASE)

    def parse(sent: str) -> str:
        if not uuid_form.fullmatch(sent):
            raise InvalidParameterError
        return str(uuid.UUID(sent))

    expectation = Text("một mã UUID", "an id, which is a UUID")
    schema = {"type": "string", "maxLength": 45, "examples": ["019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a11"]}
    return Parameter(name, location, description, schema, expectation, parse, "", location == "path")
