"""The parts of a JSON text as they are written: the members of an object, the items of an array.

A part that is parsed and serialised again has other bytes, and its numbers may lose digits; a digest and a stored document need those that
the sender wrote.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

_DECODER = json.JSONDecoder()
_WHITESPACE = " \t\r\n"


class Member(NamedTuple):
    """One member of an object: its name, its value, and how the value is written."""

    name: str
    value: Any
    text: str


def members(text: str) -> Iterator[Member]:
    """Yield the members of an object.

    Args:
        text: JSON that was parsed before without an error (`strict_json.loads`), an object.
    """
    at = _skip(text, 0) + 1
    while text[at := _skip(text, at)] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # the colon
        value, end = _DECODER.raw_decode(text, at)
        yield Member(name, value, text[at:end])
        at = _after_comma(text, end)


def items(text: str) -> Iterator[str]:
    """Yield the items of an array as they are written.

    Args:
        text: JSON that was parsed before without an error, an array.
    """
    at = _skip(text, 0) + 1
    while text[at := _skip(text, at)] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield text[at:end]
        at = _after_comma(text, end)


def _skip(text: str, at: int) -> int:
    while text[at] in _WHITESPACE:
        at += 1
    return at


def _after_comma(text: str, at: int) -> int:
    at = _skip(text, at)
    return at + 1 if text[at] == "," else at
