"""The breaking changes of a new contract version, with messages.

Requests that the last version accepted must still be accepted: the new schema must include the old one. Responses must still be what callers
expect: the old schema must include the new one, with one exception. A response may gain an optional field: callers ignore unknown fields,
and most see a field only once it is granted. The data of an event is read by subscribers as a response is by callers; that its publisher
sends as before is no matter, since the provider publishes both the contract and the event.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from lgsp_contracts import pointers
from lgsp_contracts.asynchronous import Asynchronous
from lgsp_contracts.compatibility.comparison import Difference, Kind
from lgsp_contracts.compatibility.inclusion import differences
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.event import Event
from lgsp_problems import Text, Violation

Path = tuple[str, ...]
Affected = Literal["callers", "readers"]
"""Whom a change breaks: those who send requests as before, or those who read responses, or the data of events, as before."""


@dataclass(frozen=True, slots=True)
class BreakingChange:
    """One breaking change of a new version.

    Args:
        pointer: in the new contract.
    """

    pointer: str
    message: Text
    affected: Affected

    @property
    def violation(self) -> Violation:
        """Return the change as an entry of a problem's list of errors."""
        return Violation(self.pointer, "", self.message)


def breaking_changes(old: Contract, new: Contract) -> list[BreakingChange]:
    """Find the breaking changes of a new version of a contract.

    Returns:
        The changes; empty where the new version can replace the old one.
    """
    operations = (_of_operation(name, old.operations, new.operations) for name in old.operations)
    events = (_of_event(name, old.events, new.events) for name in old.events)
    return list(chain.from_iterable((*operations, *events)))


def _of_operation(name: str, old: Mapping[str, Operation], new: Mapping[str, Operation]) -> Iterator[BreakingChange]:
    path, before, after = ("operations", name), old[name], new.get(name)
    if after is None:
        yield _of_callers(path, f"thao tác {name} không còn", f"the operation {name} was removed")
        return
    for difference in differences(before.request.document, after.request.document):
        yield _change((*path, "request"), difference, "callers")
    for difference in _response_differences(before.response.document, after.response.document):
        yield _change((*path, "response"), difference, "readers")
    yield from _of_promises(path, before, after)


def _of_event(name: str, old: Mapping[str, Event], new: Mapping[str, Event]) -> Iterator[BreakingChange]:
    path, before, after = ("events", name), old[name], new.get(name)
    if after is None:
        yield _of_readers(path, f"sự kiện {name} không còn", f"the event {name} was removed")
        return
    for difference in _response_differences(before.data.document, after.data.document):
        yield _change((*path, "data"), difference, "readers")
    if before.type != after.type:
        yield _of_readers((*path, "type"), "kiểu CloudEvents khác trước", "the CloudEvents type has changed")
    if before.ordering_key is not None and before.ordering_key != after.ordering_key:
        yield _of_readers(
            (*path, "orderingKey"),
            "sự kiện không còn được giao theo thứ tự đã công bố",
            "events are no longer delivered in the published order",
        )
    if after.retention < before.retention:
        yield _of_readers(
            (*path, "retention"),
            "sự kiện được lưu ngắn hơn trước",
            "events are kept for a shorter time than before",
        )
    if before.recipient != after.recipient:
        yield _of_readers(
            (*path, "recipient"),
            "cơ quan được nhận sự kiện khác trước",
            "who may receive the event has changed",
        )


def _of_promises(path: Path, before: Operation, after: Operation) -> Iterator[BreakingChange]:
    """Compare the properties of an operation other than its schemas."""
    if after.key_required and not before.key_required:
        yield _of_callers(
            (*path, "idempotencyKey", "required"),
            "yêu cầu Idempotency-Key mà trước đây không cần",
            "requires an Idempotency-Key, which it did not before",
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
    yield from _of_asynchronous_calls((*path, "async"), before.asynchronous, after.asynchronous)
    if before.http is not None and before.http != after.http:
        yield _of_callers(
            (*path, "http"), "cách gọi HTTP đã công bố khác trước", "the published HTTP binding has changed"
        )
    lowered = any(getattr(after.limits, part) < getattr(before.limits, part) for part in ("values", "members", "bytes"))
    if lowered:
        yield _of_callers(
            (*path, "limits"), "giới hạn của yêu cầu thấp hơn trước", "the limits of a request are lower than before"
        )


def _of_asynchronous_calls(
    path: Path, before: Asynchronous | None, after: Asynchronous | None
) -> Iterator[BreakingChange]:
    if before is None:
        return
    if after is None:
        yield _of_callers(
            path, "không còn nhận Prefer: respond-async", "calls with Prefer: respond-async are no longer accepted"
        )
        return
    if after.delivery_deadline < before.delivery_deadline:
        yield _of_callers(
            (*path, "deliveryDeadline"),
            "thời gian cố giao ngắn hơn trước",
            "delivery is tried for a shorter time than before",
        )
    if after.answer_retention < before.answer_retention:
        yield _of_callers(
            (*path, "answerRetention"),
            "câu trả lời được giữ ngắn hơn trước",
            "answers are kept for a shorter time than before",
        )


def _response_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    without_new_fields = differences(new, _open(old))
    return without_new_fields if without_new_fields and differences(new, old) else []


_SCHEMAS = frozenset({"items", "then", "else"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})


def _open(schema: Any) -> Any:
    """Copy a schema that allows unknown fields; `not` and conditions stay unchanged."""
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
    template = (_REQUEST_MESSAGES if affected == "callers" else _RESPONSE_MESSAGES)[difference.kind]
    fields = {"keyword": difference.keyword or "$ref"}
    message = Text(template.vi.format_map(fields), template.en.format_map(fields))
    return BreakingChange(pointers.join((*path, *difference.path)), message, affected)


_REQUEST_MESSAGES = {
    Kind.REQUIRED: Text("trường trở thành bắt buộc", "the field becomes required"),
    Kind.FIELD_GONE: Text("trường không còn", "the field was removed"),
    Kind.OTHER_FIELDS: Text("không còn nhận các trường không nêu tên", "unnamed fields are no longer accepted"),
    Kind.TYPE: Text("kiểu dữ liệu hẹp lại", "the type accepts less"),
    Kind.VALUES: Text("danh sách giá trị ngắn lại", "values were removed from the list"),
    Kind.RULE: Text("{keyword} khác trước", "the {keyword} has changed"),
    Kind.LOWER: Text("{keyword} tăng lên", "{keyword} is higher"),
    Kind.UPPER: Text("{keyword} giảm xuống", "{keyword} is lower"),
    Kind.UNKNOWN: Text(
        "{keyword} khác trước và có thể từ chối những gì bản trước nhận",
        "{keyword} has changed and may reject what the last version accepted",
    ),
}
_RESPONSE_MESSAGES = {
    Kind.REQUIRED: Text("trường không còn bắt buộc có trong trả lời", "the field is no longer required"),
    Kind.FIELD_GONE: Text("trường mới trong trả lời", "the field is new in the response"),
    Kind.OTHER_FIELDS: Text("trả lời có thể có trường không nêu tên", "the response may contain unnamed fields"),
    Kind.TYPE: Text("kiểu dữ liệu rộng ra", "the type allows more"),
    Kind.VALUES: Text("danh sách giá trị dài thêm", "values were added to the list"),
    Kind.RULE: Text("{keyword} khác trước", "the {keyword} has changed"),
    Kind.LOWER: Text("giới hạn dưới giảm xuống", "the lower bound is lower"),
    Kind.UPPER: Text("giới hạn trên tăng lên", "the upper bound is higher"),
    Kind.UNKNOWN: Text(
        "{keyword} khác trước và có thể cho qua những gì bản trước không trả lời",
        "{keyword} has changed and may allow what the last version did not return",
    ),
}
