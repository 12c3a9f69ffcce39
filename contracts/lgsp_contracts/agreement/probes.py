"""Documents on which two validators may disagree: good ones, and copies of them that are changed at one position.

What is changed is chosen by what validators are known to differ in: `1.0` as an integer, long numbers, `true` for `1`, digits and letters
of other scripts, line breaks, characters beyond 16 bits, days that do not exist, fields that are missing or unknown. Nothing is random:
the same schema gives the same documents.
"""

import copy
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lgsp_contracts import pointers
from lgsp_contracts.samples import samples
from lgsp_contracts.schemas import Schema
from lgsp_problems import Text

Path = tuple[str | int, ...]

GOOD_DOCUMENTS = 6
"""Documents that are generated from one schema, in addition to the contract's example."""

_DAYS = (
    (Text("ngày không có thật", "a day that does not exist"), "2026-02-30"),
    (Text("ngày nhuận", "a leap day"), "2024-02-29"),
)
_LETTER, _DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"[0-9]")


@dataclass(frozen=True, slots=True)
class Probe:
    """A document to be judged.

    Args:
        pointer: where it was changed.
        what: what stands there; never a value of a document.
    """

    document: Any
    pointer: str
    what: Text


def probes(schema: Schema, example: Any) -> Iterator[Probe]:
    """Yield the documents for a schema: the example, generated ones, then changed copies of them."""
    good = [example, *samples(schema, GOOD_DOCUMENTS, "agreement")]
    for number, document in enumerate(good):
        yield Probe(
            document,
            "",
            Text("ví dụ", "the example") if number == 0 else Text("tài liệu được sinh ra", "a generated document"),
        )
    # The first change of each document, then the second of each: what ends early has seen every document.
    for changes in itertools.zip_longest(*map(_changed_copies, good)):
        yield from (changed for changed in changes if changed is not None)


def _changed_copies(document: Any) -> Iterator[Probe]:
    """Yield copies of a document, each changed at one position; the same change of all positions before the next change."""
    of_positions = [_at(path, value) for path, value in _values(document, ())]
    for changes in itertools.zip_longest(*of_positions):
        for path, what, value in filter(None, changes):
            yield Probe(_replaced(document, path, value), pointers.join(path), what)


def _at(path: Path, value: Any) -> Iterator[tuple[Path, Text, Any]]:
    for what, other in _replacements(value):
        yield path, what, other


def _values(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _values(child, (*path, key))


def _replacements(value: Any) -> Iterator[tuple[Text, Any]]:
    """Yield what is put in the place of a value, with its description."""
    if isinstance(value, str):
        yield from _texts(value)
    elif isinstance(value, bool):
        yield from ((Text("0", "0"), 0), (Text("1", "1"), 1), (Text("1.0", "1.0"), 1.0))
    elif isinstance(value, int | float):
        yield from _numbers(value)
    elif isinstance(value, list):
        yield from _arrays(value)
    elif isinstance(value, dict):
        yield from _objects(value)
    for what, other in (
        (Text("null", "null"), None),
        (Text("true", "true"), True),
        (Text("đối tượng rỗng", "an empty object"), {}),
        (Text("mảng rỗng", "an empty array"), []),
        (Text("0", "0"), 0),
    ):
        if other != value or type(other) is not type(value):
            yield what, other


def _texts(value: str) -> Iterator[tuple[Text, str]]:
    yield (
        Text("một chữ số của hệ chữ khác", "a digit of another script"),
        _DIGIT.sub("\u0663", value, count=1) if _DIGIT.search(value) else "\u0663",
    )
    yield (
        Text("một chữ cái có dấu", "a letter with an accent"),
        _LETTER.sub("ệ", value, count=1) if _LETTER.search(value) else "ệ",
    )
    yield Text("xuống dòng ở cuối", "a text with a line break at its end"), f"{value}\n"
    yield Text("chuỗi rỗng", "an empty text"), ""
    yield Text("dấu cách không ngắt", "a no-break space"), f"{value[:1]}\u00a0{value[1:]}"
    yield Text("ký tự ngoài 16 bit", "a character beyond 16 bits"), f"{value[:-1]}\U0001f600"
    yield Text("chữ cái với dấu tổ hợp", "a letter with a combining accent"), f"{value[:-1]}e\u0301"
    yield Text("chuỗi dài gấp đôi", "a text twice as long"), value * 2
    yield from _DAYS


def _numbers(value: float) -> Iterator[tuple[Text, Any]]:
    if value == int(value):
        yield Text("số nguyên viết dạng 1.0", "an integer written with a fraction of zero"), float(value)
    yield Text("số lẻ", "a fraction"), value + 0.5
    yield Text("số có hai chữ số thập phân", "a number with two decimals"), 19.99
    yield Text("số âm", "a negative number"), -abs(value) - 1
    yield Text("số nguyên 17 chữ số", "an integer of 17 digits"), 9_007_199_254_740_993
    yield Text("số nguyên 31 chữ số", "an integer of 31 digits"), 10**30
    yield Text("số viết thành chuỗi", "a number as a text"), str(value)


def _arrays(value: list[Any]) -> Iterator[tuple[Text, list[Any]]]:
    if value:
        yield Text("phần tử lặp lại", "an item that comes twice"), [*value, copy.deepcopy(value[0])]
        yield Text("mảng thiếu phần tử cuối", "an array without its last item"), value[:-1]
    yield Text("hai phần tử 1 và 1.0", "1 and 1.0 as items"), [1, 1.0]
    yield Text("hai phần tử 1 và true", "1 and true as items"), [1, True]
    yield Text("hai phần tử 0 và false", "0 and false as items"), [0, False]


def _objects(value: dict[str, Any]) -> Iterator[tuple[Text, dict[str, Any]]]:
    yield Text("một trường lạ", "an unknown field"), {**value, "truongLa": "x"}
    for name in value:
        yield Text("một trường bị thiếu", "a missing field"), {key: item for key, item in value.items() if key != name}


def _replaced(document: Any, path: Path, value: Any) -> Any:
    """Copy a document with another value at a path; what is not on the path is shared."""
    if not path:
        return value
    copied = copy.copy(document)
    copied[path[0]] = _replaced(document[path[0]], path[1:], value)
    return copied
