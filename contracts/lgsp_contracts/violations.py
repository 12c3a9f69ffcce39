"""Messages for validation errors: where, which rule, what to do, in Vietnamese and English.

A message never repeats the value that was sent. It may be a person's number, and violations are written to logs.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import jsonschema_rs

from lgsp_contracts import pointers
from lgsp_contracts.formats import FORMAT_WORDS
from lgsp_problems import Text, Violation

MAX_OPTIONS = 50
"""The most values of an `enum` that a message lists."""

MAX_POINTER = 300
"""The most characters of a pointer: the names in it are whatever was sent."""

_TYPES = {
    "string": Text("chuỗi ký tự", "a string"),
    "integer": Text("số nguyên", "an integer"),
    "number": Text("số", "a number"),
    "boolean": Text("true hoặc false", "true or false"),
    "array": Text("mảng", "an array"),
    "object": Text("đối tượng", "an object"),
    "null": Text("null", "null"),
}


def _types(names: Any) -> Text:
    allowed = [names] if isinstance(names, str) else names
    names_of_types = [words for name, words in _TYPES.items() if name in allowed]
    return Text(
        "phải là " + " hoặc ".join(text.vi for text in names_of_types),
        "must be " + " or ".join(text.en for text in names_of_types),
    )


def _options(values: Iterable[Any]) -> Text:
    first = list(islice(values, MAX_OPTIONS + 1))
    listed = ", ".join(str(value) for value in first[:MAX_OPTIONS]) + (", …" if len(first) > MAX_OPTIONS else "")
    return Text(f"phải là một trong: {listed}", f"must be one of: {listed}")


def _format(name: str) -> Text:
    words = FORMAT_WORDS.get(name, Text(f"định dạng {name}", f"the format {name}"))
    return Text(f"phải là {words.vi}", f"must be {words.en}")


def _at_least(least: int, things: Text) -> Text:
    """Return what is said of too few; people say of at least one that nothing is there."""
    if least == 1:
        return Text("không được để trống", "must not be empty")
    return Text(f"cần ít nhất {least} {things.vi}", f"needs at least {least} {things.en}")


_MESSAGES: dict[str, Callable[[Any], Text]] = {
    "type": _types,
    "enum": _options,
    "format": _format,
    "const": lambda value: _options([value]),
    "pattern": lambda value: Text(f"phải khớp mẫu {value}", f"must match the pattern {value}"),
    "minLength": lambda value: _at_least(value, Text("ký tự", "characters")),
    "maxLength": lambda value: Text(f"tối đa {value} ký tự", f"may have at most {value} characters"),
    "minItems": lambda value: _at_least(value, Text("mục", "items")),
    "maxItems": lambda value: Text(f"tối đa {value} mục", f"may have at most {value} items"),
    "minProperties": lambda value: _at_least(value, Text("trường", "fields")),
    "maxProperties": lambda value: Text(f"tối đa {value} trường", f"may have at most {value} fields"),
    "minimum": lambda value: Text(f"phải từ {value} trở lên", f"must be {value} or more"),
    "maximum": lambda value: Text(f"phải từ {value} trở xuống", f"must be {value} or less"),
    "exclusiveMinimum": lambda value: Text(f"phải lớn hơn {value}", f"must be greater than {value}"),
    "exclusiveMaximum": lambda value: Text(f"phải nhỏ hơn {value}", f"must be less than {value}"),
    "multipleOf": lambda value: Text(f"phải là bội số của {value}", f"must be a multiple of {value}"),
    "uniqueItems": lambda _: Text("các mục không được trùng nhau", "the items must differ from each other"),
}


def explain(error: jsonschema_rs.ValidationError) -> Iterator[Violation]:
    """Convert an error of the validator to violations: one for each missing or unknown field."""
    path = tuple(error.instance_path)
    rule = _cut(pointers.join(error.schema_path))
    name = error.kind.name
    value: Any = getattr(error.kind, "value", None)
    if name == "required":
        missing = _cut(pointers.join((*error.schema_path, value)))  # names which of the required fields
        yield Violation(_cut(pointers.join((*path, value))), missing, Text("bắt buộc phải có", "is required"))
    elif name in ("additionalProperties", "unevaluatedProperties"):
        for field in value:
            yield Violation(
                _cut(pointers.join((*path, field))),
                rule,
                Text("không có trong hợp đồng", "is not part of the contract"),
            )
    elif name in ("anyOf", "oneOf", "oneOfNotValid"):
        yield _alternatives(_cut(pointers.join(path)), rule, value)
    elif name in _MESSAGES:
        yield Violation(_cut(pointers.join(path)), rule, _MESSAGES[name](value))
    else:
        yield Violation(_cut(pointers.join(path)), rule, Text(f"trái quy tắc {name}", f"breaks the rule {name}"))


def _cut(pointer: str) -> str:
    return pointer if len(pointer) <= MAX_POINTER else f"{pointer[:MAX_POINTER]}…"


def _alternatives(pointer: str, rule: str, branches: Any) -> Violation:
    """Describe what each branch of an `anyOf` requires, in one message: usually "one of these fields"."""
    if not any(branches):  # oneOf, and more than one branch matches
        return Violation(
            pointer,
            rule,
            Text(
                "khớp nhiều hơn một lựa chọn; chỉ được khớp một",
                "matches more than one of the choices; it must match exactly one",
            ),
        )
    missing = [str(error.kind.value) for branch in branches for error in branch if error.kind.name == "required"]
    if missing:
        listed = ", ".join(dict.fromkeys(missing))
        return Violation(
            pointer, rule, Text(f"cần ít nhất một trong các trường: {listed}", f"needs at least one of: {listed}")
        )
    messages = [violation.message for branch in branches for error in branch for violation in explain(error)]
    return Violation(
        pointer,
        rule,
        Text(
            " hoặc ".join(dict.fromkeys(message.vi for message in messages)),
            " or ".join(dict.fromkeys(message.en for message in messages)),
        ),
    )
