"""What a new version of a contract breaks, in words.

Requests that the last version took must still be taken: the old schema must be included in the new one. Answers must still be what callers
expect: the new schema in the old one, but for one freedom. An answer may gain an optional field: a caller who is shown an unknown field
ignores it, and most are not shown it before they are granted it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from lgsp_contracts import pointers
from lgsp_contracts.compatibility.comparison import Difference, Kind
from lgsp_contracts.compatibility.inclusion import differences
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.event import Event
from lgsp_problems import Text, Violation

Path = tuple[str, ...]
Affected = Literal["callers", "readers"]
"""Whom a change breaks: those who ask as they did before, or those who read the answer as they did before."""


@dataclass(frozen=True, slots=True)
class BreakingChange:
    """One thing that a new version breaks.

    Args:
        pointer: into the new contract.
    """

    pointer: str
    message: Text
    affected: Affected

    @property
    def violation(self) -> Violation:
        """Give the change as one entry of a problem's list of errors."""
        return Violation(self.pointer, "", self.message)


def breaking_changes(old: Contract, new: Contract) -> list[BreakingChange]:
    """Find what a new version of a contract breaks.

    Returns:
        The changes; empty when the new version may take the old one's place.
    """
    operations = (_of_operation(name, old.operations, new.operations) for name in old.operations)
    events = (_of_event(name, old.events, new.events) for name in old.events)
    return list(chain.from_iterable((*operations, *events)))


def _of_operation(name: str, old: Mapping[str, Operation], new: Mapping[str, Operation]) -> Iterator[BreakingChange]:
    path, before, after = ("operations", name), old[name], new.get(name)
    if after is None:
        yield _of_callers(path, f"thao tác {name} không còn", f"the operation {name} is gone")
        return
    for difference in differences(before.request.document, after.request.document):
        yield _change((*path, "request"), difference, "callers")
    for difference in _answer_differences(before.response.document, after.response.document):
        yield _change((*path, "response"), difference, "readers")
    yield from _of_promises(path, before, after)


def _of_event(name: str, old: Mapping[str, Event], new: Mapping[str, Event]) -> Iterator[BreakingChange]:
    path, before, after = ("events", name), old[name], new.get(name)
    if after is None:
        yield _of_readers(path, f"sự kiện {name} không còn", f"the event {name} is gone")
        return
    for difference in _answer_differences(before.data.document, after.data.document):
        yield _change((*path, "data"), difference, "readers")
    if before.type != after.type:
        yield _of_readers((*path, "type"), "kiểu CloudEvents khác trước", "the type of CloudEvents is another")


def _of_promises(path: Path, before: Operation, after: Operation) -> Iterator[BreakingChange]:
    """Compare what an operation promises beside its schemas."""
    if after.key_required and not before.key_required:
        yield _of_callers(
            (*path, "idempotencyKey", "required"),
            "yêu cầu Idempotency-Key mà trước đây không cần",
            "demands an Idempotency-Key that it did not demand before",
        )
    if before.deduplicated and not after.deduplicated:
        yield _of_callers(
            (*path, "idempotencyKey", "deduplicated"),
            "không còn nhận ra lần gọi lặp lại theo call.key",
            "no longer recognises a repeated call by its call.key",
        )
    if before.idempotent and not after.idempotent:
        yield _of_callers(
            (*path, "idempotent"), "thao tác không còn lặp lại được", "the operation may no longer be repeated"
        )
    if before.http is not None and before.http != after.http:
        yield _of_callers(
            (*path, "http"), "cách gọi HTTP đã công bố khác trước", "the HTTP binding that was promised is another"
        )
    if after.limits.values < before.limits.values or after.limits.members < before.limits.members:
        yield _of_callers(
            (*path, "limits"), "giới hạn của yêu cầu thấp hơn trước", "a request may hold less than before"
        )


def _answer_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    tolerant = differences(new, _open(old))
    return tolerant if tolerant and differences(new, old) else []


_SCHEMAS = frozenset({"items", "then", "else"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})


def _open(schema: Any) -> Any:
    """Copy a schema without what it says against unknown fields; what it refuses by `not`, and its conditions, stay as they are."""
    if not isinstance(schema, Mapping):
        return schema
    opened: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "additionalProperties":
            if value is not False:
                opened[keyword] = _open(value)
        elif keyword in _SCHEMAS:
            opened[keyword] = _open(value)
        elif keyword in _LISTS:
            opened[keyword] = [_open(part) for part in value]
        elif keyword in _MAPS:
            opened[keyword] = {name: _open(part) for name, part in value.items()}
        else:
            opened[keyword] = value
    return opened


def _of_callers(path: Path, vi: str, en: str) -> BreakingChange:
    return BreakingChange(pointers.join(path), Text(vi, en), "callers")


def _of_readers(path: Path, vi: str, en: str) -> BreakingChange:
    return BreakingChange(pointers.join(path), Text(vi, en), "readers")


def _change(path: Path, difference: Difference, affected: Affected) -> BreakingChange:
    words = (_REQUEST_WORDS if affected == "callers" else _ANSWER_WORDS)[difference.kind]
    named = {"keyword": difference.keyword or "$ref"}
    message = Text(words.vi.format_map(named), words.en.format_map(named))
    return BreakingChange(pointers.join((*path, *difference.path)), message, affected)


_REQUEST_WORDS = {
    Kind.REQUIRED: Text("trường trở thành bắt buộc", "the field becomes required"),
    Kind.FIELD_GONE: Text("trường không còn", "the field is gone"),
    Kind.OTHER_FIELDS: Text("không còn nhận các trường không nêu tên", "fields that are not named are no longer taken"),
    Kind.TYPE: Text("kiểu dữ liệu hẹp lại", "the type takes less"),
    Kind.VALUES: Text("danh sách giá trị ngắn lại", "the list of values is shorter"),
    Kind.RULE: Text("{keyword} khác trước", "the {keyword} is another"),
    Kind.LOWER: Text("{keyword} tăng lên", "{keyword} is higher"),
    Kind.UPPER: Text("{keyword} giảm xuống", "{keyword} is lower"),
    Kind.UNKNOWN: Text(
        "{keyword} khác trước và có thể từ chối những gì bản trước nhận",
        "{keyword} has changed and may refuse what the last version took",
    ),
}
_ANSWER_WORDS = {
    Kind.REQUIRED: Text("trường không còn chắc chắn có trong trả lời", "the field is no longer promised"),
    Kind.FIELD_GONE: Text("trường mới trong trả lời", "the field is new in the answer"),
    Kind.OTHER_FIELDS: Text("trả lời có thể có trường không nêu tên", "the answer may hold fields that are not named"),
    Kind.TYPE: Text("kiểu dữ liệu rộng ra", "the type says more"),
    Kind.VALUES: Text("danh sách giá trị dài thêm", "the list of values is longer"),
    Kind.RULE: Text("{keyword} khác trước", "the {keyword} is another"),
    Kind.LOWER: Text("giới hạn dưới giảm xuống", "the lower bound is lower"),
    Kind.UPPER: Text("giới hạn trên tăng lên", "the upper bound is higher"),
    Kind.UNKNOWN: Text(
        "{keyword} khác trước và có thể cho qua những gì bản trước không trả lời",
        "{keyword} has changed and may let through what the last version did not answer",
    ),
}
