"""May a new minor version take the place of the last one while its callers stay as they are?

Requests that the last version took must still be taken, answers must still be what its callers expect. The verdict is
jsoncompat's, a library that decides whether one schema admits what another does; the reason in words is found here.

Two things are added to its verdict. It knows nothing of formats, so those are compared here. And an answer may gain an
optional field: a caller who is shown an unknown field ignores it, and most are not shown it before they are granted it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import jsoncompat
import orjson

from lgsp_contracts import pointers
from lgsp_contracts.contract import Contract
from lgsp_problems import Text, Violation

Path = tuple[str, ...]
Schema = Mapping[str, Any]

_LOWER = ("minLength", "minItems", "minimum", "exclusiveMinimum", "minProperties")
_UPPER = ("maxLength", "maxItems", "maximum", "exclusiveMaximum", "maxProperties")


def breaks(old: Contract, new: Contract) -> list[Violation]:
    """What a new version of a contract breaks; empty when it may take the old one's place.

    Returns:
        Violations whose pointers lead into the new contract.
    """
    found: list[Violation] = []
    for name, before in old.operations.items():
        place = ("operations", name)
        after = new.operations.get(name)
        if after is None:
            words = Text(f"thao tác {name} không còn", f"the operation {name} is gone")
            found.append(Violation(pointers.join(place), "", words))
            continue
        found += _request(before.request.document, after.request.document, (*place, "request"))
        found += _response(before.response.document, after.response.document, (*place, "response"))
        if after.key_required and not before.key_required:
            words = Text(
                "yêu cầu Idempotency-Key mà trước đây không cần",
                "demands an Idempotency-Key that it did not demand before",
            )
            found.append(Violation(pointers.join((*place, "idempotencyKey", "required")), "", words))
        if before.deduplicated and not after.deduplicated:
            words = Text(
                "không còn nhận ra lần gọi lặp lại theo call.key",
                "no longer recognises a repeated call by its call.key",
            )
            found.append(Violation(pointers.join((*place, "idempotencyKey", "deduplicated")), "", words))
        if before.idempotent and not after.idempotent:
            words = Text("thao tác không còn lặp lại được", "the operation may no longer be repeated")
            found.append(Violation(pointers.join((*place, "idempotent")), "", words))
        if after.limits.values < before.limits.values or after.limits.members < before.limits.members:
            words = Text("giới hạn của yêu cầu thấp hơn trước", "a request may hold less than before")
            found.append(Violation(pointers.join((*place, "limits")), "", words))
    return found


def _request(old: Schema, new: Schema, place: Path) -> list[Violation]:
    """Everything the old schema takes, the new one must take."""
    reasons = [Violation(pointers.join(path), "", words) for path, words in _narrowed(old, new, place, (old, new))]
    if _admits(old, new, "deserializer"):
        return [found for found in reasons if found.pointer.endswith("/format")]
    return reasons or [_unexplained(place)]


def _response(old: Schema, new: Schema, place: Path) -> list[Violation]:
    """Everything the new schema says, the old one must have promised, but for fields that it did not know."""
    reasons = [Violation(pointers.join(path), "", words) for path, words in _narrowed(new, old, place, (new, old))]
    told = [Violation(found.pointer, "", _turned(found)) for found in reasons]
    if _admits(_opened(old), new, "serializer"):
        return [found for found in told if found.pointer.endswith("/format")]
    known = [found for found in told if not found.message.en.startswith("the field is new")]
    return known or [_unexplained(place)]


def _admits(old: Schema, new: Schema, role: Literal["serializer", "deserializer"]) -> bool:
    try:
        return bool(jsoncompat.check_compat(orjson.dumps(old).decode(), orjson.dumps(new).decode(), role))
    except ValueError:
        return False  # it cannot tell, so nobody is told that it is safe


def _narrowed(wide: Any, narrow: Any, path: Path, roots: tuple[Schema, Schema]) -> Iterator[tuple[Path, Text]]:
    """Where the second schema takes less than the first, as far as it can be said in words."""
    wide, narrow = _followed(roots[0], wide), _followed(roots[1], narrow)
    if not isinstance(wide, Mapping) or not isinstance(narrow, Mapping):
        return
    yield from _fields(wide, narrow, path, roots)
    yield from _values(wide, narrow, path)
    if "items" in wide and "items" in narrow:
        yield from _narrowed(wide["items"], narrow["items"], (*path, "items"), roots)


def _fields(wide: Schema, narrow: Schema, path: Path, roots: tuple[Schema, Schema]) -> Iterator[tuple[Path, Text]]:
    had, has = wide.get("properties", {}), narrow.get("properties", {})
    for name in sorted(set(narrow.get("required", ())) - set(wide.get("required", ()))):
        yield (*path, "properties", name), Text("trường trở thành bắt buộc", "the field becomes required")
    for name, before in had.items():
        if name in has:
            yield from _narrowed(before, has[name], (*path, "properties", name), roots)
        elif narrow.get("additionalProperties") is False:
            yield (*path, "properties", name), Text("trường không còn", "the field is gone")


def _values(wide: Schema, narrow: Schema, path: Path) -> Iterator[tuple[Path, Text]]:
    if _types(wide) - _types(narrow):
        yield (*path, "type"), Text("kiểu dữ liệu hẹp lại", "the type takes less")
    if "enum" in narrow and set(map(str, wide.get("enum", ["*"]))) - set(map(str, narrow["enum"])):
        yield (*path, "enum"), Text("danh sách giá trị ngắn lại", "the list of values is shorter")
    for keyword in ("format", "pattern", "const"):
        if keyword in narrow and narrow[keyword] != wide.get(keyword):
            yield (*path, keyword), Text(f"{keyword} khác trước", f"the {keyword} is another")
    for keyword in _LOWER:
        if narrow.get(keyword, float("-inf")) > wide.get(keyword, float("-inf")):
            yield (*path, keyword), Text(f"{keyword} tăng lên", f"{keyword} is higher")
    for keyword in _UPPER:
        if narrow.get(keyword, float("inf")) < wide.get(keyword, float("inf")):
            yield (*path, keyword), Text(f"{keyword} giảm xuống", f"{keyword} is lower")


_TURNED = {
    "becomes required": Text("trường không còn chắc chắn có trong trả lời", "the field is no longer promised"),
    "is gone": Text("trường mới trong trả lời", "the field is new in the answer"),
    "takes less": Text("kiểu dữ liệu rộng ra", "the type says more"),
    "is shorter": Text("danh sách giá trị dài thêm", "the list of values is longer"),
    "is higher": Text("giới hạn dưới giảm xuống", "the lower bound is lower"),
    "is lower": Text("giới hạn trên tăng lên", "the upper bound is higher"),
}


def _turned(found: Violation) -> Text:
    """The same difference, told of an answer."""
    return next((words for ending, words in _TURNED.items() if found.message.en.endswith(ending)), found.message)


def _types(schema: Schema) -> set[str]:
    named = schema.get("type", ["string", "number", "integer", "boolean", "object", "array", "null"])
    types = {named} if isinstance(named, str) else set(named)
    return types | {"integer"} if "number" in types else types


def _followed(root: Schema, schema: Any) -> Any:
    for _ in range(20):
        if not isinstance(schema, Mapping) or "$ref" not in schema:
            return schema
        schema = pointers.find(root, pointers.split(schema["$ref"][1:]))
    return None


def _opened(schema: Any) -> Any:
    """A schema that says nothing against fields it does not know."""
    if isinstance(schema, Mapping):
        closed = schema.get("additionalProperties") is False
        return {key: _opened(value) for key, value in schema.items() if not (key == "additionalProperties" and closed)}
    return [_opened(item) for item in schema] if isinstance(schema, list) else schema


def _unexplained(place: Path) -> Violation:
    words = Text("không nhận hết những gì bản trước nhận", "does not fit what the last version said")
    return Violation(pointers.join(place), "", words)
