"""CloudEvents 1.0 over HTTP: binary, structured and batched content mode, read strictly.

Own code in place of the official `cloudevents` package (2.2.0, tried in November 2026), which reads what two parties may understand
differently: duplicate keys and `NaN` in the data, data that is no JSON (it becomes text), `2026-W48-6T08Z` as a time, an attribute of any
length; it knows no batches. It also parses the data and writes it again, so that digits of numbers are lost and the bytes are not those
that the evidence has a digest of. What it writes is read here (`tests/unit/contracts/test_cloudevents.py`).

An event carries nothing but its data to a subscriber, who sees of it what a grant shows. So attributes in which more could be written
(`subject`, `dataschema` and extensions) are refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import orjson

from lgsp_contracts import json_slices, pointers, strict_json
from lgsp_contracts.strict_json import Limits
from lgsp_problems import Refusal, Text, Violation, refusal_with_code

SPEC_VERSION = "1.0"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"

MAX_ATTRIBUTE = 255
"""The most characters of an attribute."""
MAX_BATCH = 1_000
"""The most events of one batch."""

_REQUIRED = ("specversion", "id", "source", "type")
_IGNORED = frozenset({"tracestate"})
_KNOWN = frozenset({*_REQUIRED, "time", "datacontenttype", "traceparent"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):([0-5]\d|60)(?:\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_JSON_TYPE = re.compile(r'application/json\s*(;\s*charset\s*=\s*"?(utf-8|utf8|us-ascii|ascii)"?\s*)?', re.IGNORECASE)


class EventContext(NamedTuple):
    """The attributes of an event, as CloudEvents names them.

    Args:
        id: the same each time this event is published; unique together with the source.
        source: the system that publishes it: `/systems/{system}`.
        type: as in the contract.
        time: when it happened, by RFC 3339; may be empty over HTTP.
        traceparent: W3C trace context; may be empty.
    """

    id: str
    source: str
    type: str
    time: str
    traceparent: str = ""


class ReceivedEvent(NamedTuple):
    """An event as its publisher sent it; its data, as JSON, is not checked against the contract yet."""

    context: EventContext
    data: bytes


def source_of(system: str) -> str:
    """Return the `source` of the events of a system."""
    return f"/systems/{system}"


def read_events(
    content_type: str, headers: Iterable[tuple[str, str]], body: bytes, limits: Limits
) -> list[ReceivedEvent]:
    """Read the events of a request.

    Args:
        content_type: the `Content-Type` header; "" where there is none.
        headers: all headers, each as often as it was sent.
        limits: of the data of one event.

    Returns:
        One event in binary and structured mode; in batched mode as many as were sent, perhaps none.

    Raises:
        Refusal: `unsupported-media-type`, `malformed` or `too-large`.
    """
    media_type = check_media_type(content_type)
    if media_type == BATCH:
        return list(_read_batch(body))
    if media_type == STRUCTURED:
        strict_json.loads(body, _of_envelope(limits))
        return [_read_structured(_decoded(body))]
    return [_read_binary(content_type, headers, body)]


def check_media_type(content_type: str) -> str:
    """Return the media type of a `Content-Type` in which events may be sent.

    Raises:
        Refusal: `unsupported-media-type`.
    """
    media_type = _media_type(content_type)
    if media_type not in (STRUCTURED, BATCH, JSON):
        raise Refusal(
            "unsupported-media-type",
            vi=f"Sự kiện phải gửi theo CloudEvents 1.0 dạng JSON; hãy gửi Content-Type: {STRUCTURED}, {BATCH}, hoặc {JSON} kèm các tiêu đề ce-.",
            en=f"An event is sent as CloudEvents 1.0 in JSON; send Content-Type: {STRUCTURED}, {BATCH}, or {JSON} with headers ce-.",
        )
    return media_type


def read_context(attributes: Mapping[str, Any], *, time_required: bool = False) -> EventContext:
    """Check the attributes of an event, and return them.

    Args:
        attributes: by name, without the data.

    Raises:
        Refusal: `malformed`, saying which attribute is wrong, and never its value.
    """
    _check_version(attributes.get("specversion"))
    for name in (*_REQUIRED, *(("time",) if time_required else ())):
        if attributes.get(name) in (None, ""):
            raise _malformed(f"thiếu thuộc tính {name}; hãy thêm vào", f"has no {name}; add it")
    for name, value in attributes.items():
        _check_attribute(name, value)
    time, content_type = attributes.get("time", ""), attributes.get("datacontenttype", JSON)
    if time and not _is_time(time):
        raise _malformed(
            "có time không theo RFC 3339; hãy gửi ví dụ 2026-11-28T08:00:00+07:00",
            "has a time that is not RFC 3339; send for example 2026-11-28T08:00:00+07:00",
        )
    if not _JSON_TYPE.fullmatch(content_type):
        raise _malformed(
            f"có datacontenttype khác {JSON}; trục chỉ nhận dữ liệu JSON",
            f"has a datacontenttype other than {JSON}; the bus takes data in JSON alone",
        )
    traceparent = attributes.get("traceparent", "")
    return EventContext(
        attributes["id"], attributes["source"], attributes["type"], time, readable_traceparent(traceparent)
    )


def readable_traceparent(text: str) -> str:
    """Return a W3C `traceparent`; "" where it cannot be read, as if none had been sent."""
    return text if _TRACEPARENT.fullmatch(text) else ""


def check_context(context: EventContext, event_type: str, system: str) -> None:
    """Check that an event is the one of the contract, and that its publisher speaks for itself.

    Args:
        event_type: as in the contract.
        system: the publisher.

    Raises:
        Refusal: `malformed`.
    """
    if context.type != event_type:
        raise _malformed(
            f"có type khác với hợp đồng; hãy gửi type {event_type}",
            f"has another type than in the contract; send the type {event_type}",
        )
    if context.source != source_of(system):
        raise _malformed(
            f"có source không phải của hệ thống gửi; hãy gửi source {source_of(system)}",
            f"has a source that is not the system that sends it; send the source {source_of(system)}",
        )


def structured(attributes: Mapping[str, str], data: bytes) -> bytes:
    """Serialise an event in structured mode.

    Args:
        attributes: those that are empty are left out.
        data: JSON, which is kept as it is written.
    """
    present = {name: value for name, value in attributes.items() if value}
    document = {"specversion": SPEC_VERSION, **present, "datacontenttype": JSON, "data": orjson.Fragment(data)}
    return orjson.dumps(document)


def _read_batch(body: bytes) -> Iterator[ReceivedEvent]:
    batch = strict_json.loads(body, _OF_BATCH)
    if not isinstance(batch, list):
        raise Refusal(
            "malformed",
            vi="Lô sự kiện phải là một mảng JSON các sự kiện CloudEvents; hãy sửa lại.",
            en="A batch is a JSON array of CloudEvents; correct it.",
        )
    if len(batch) > MAX_BATCH:
        raise Refusal(
            "too-large",
            vi=f"Lô có hơn {MAX_BATCH} sự kiện; hãy chia thành nhiều lô.",
            en=f"The batch has more than {MAX_BATCH} events; send several batches.",
        )
    for number, text in enumerate(json_slices.items(_decoded(body))):
        try:
            yield _read_structured(text)
        except Refusal as refusal:
            raise in_batch(refusal, number) from refusal


def in_batch(refusal: Refusal, number: int) -> Refusal:
    """Return a refusal that says which event of a batch it is about.

    Args:
        number: counted from 0.
    """
    return refusal_with_code(
        refusal.code,
        vi=f"Sự kiện thứ {number + 1} của lô: {refusal.detail.vi}",
        en=f"Event {number + 1} of the batch: {refusal.detail.en}",
        violations=refusal.violations,
        retry_after=refusal.retry_after,
        private=refusal.private,
    )


def _read_structured(text: str) -> ReceivedEvent:
    if not text.lstrip().startswith("{"):
        raise _malformed("phải là một đối tượng JSON; hãy sửa lại", "must be a JSON object; correct it")
    attributes: dict[str, Any] = {}
    data: bytes | None = None
    for name, value, written in json_slices.members(text):
        if name == "data":
            data = written.encode()
        elif name == "data_base64":
            raise _malformed(
                "có data_base64; trục chỉ nhận dữ liệu JSON trong data", "has data_base64; send JSON in data instead"
            )
        elif value is not None:  # as CloudEvents' JSON format says of null
            attributes[name] = value
    context = read_context(attributes)
    if data is None:
        raise _malformed("thiếu data; hãy thêm vào", "has no data; add it")
    return ReceivedEvent(context, data)


def _read_binary(content_type: str, headers: Iterable[tuple[str, str]], body: bytes) -> ReceivedEvent:
    attributes: dict[str, Any] = {"datacontenttype": content_type}
    for header, value in headers:
        name = header.lower()
        if not name.startswith("ce-"):
            continue
        name = name.removeprefix("ce-")
        if name in attributes:
            raise _malformed(
                "có một thuộc tính hai lần; hãy gửi mỗi thuộc tính một lần",
                "has an attribute twice; send each attribute once",
                name,
            )
        attributes[name] = _decoded_header(name, value)
    return ReceivedEvent(read_context(attributes), body)


def _decoded_header(name: str, value: str) -> str:
    """Decode the value of a header (CloudEvents' HTTP binding, section 3.1.3.2)."""
    try:
        if len(value) <= 3 * MAX_ATTRIBUTE:
            return unquote_to_bytes(value.encode("ascii")).decode()
    except UnicodeError as error:
        raise _malformed(
            "có tiêu đề ce- không đọc được; hãy mã hóa phần trăm ký tự ngoài ASCII theo UTF-8",
            "has a header ce- that cannot be read; percent-encode characters outside ASCII as UTF-8",
            name,
        ) from error
    return value  # too long; refused with the others


def _check_version(version: Any) -> None:
    if version is None:
        raise _malformed(
            f"thiếu specversion; hãy gửi specversion {SPEC_VERSION}",
            f"has no specversion; send specversion {SPEC_VERSION}",
        )
    if version != SPEC_VERSION:
        raise _malformed(
            f"có specversion mà trục không biết; hãy gửi specversion {SPEC_VERSION}",
            f"has a specversion that is not known; send specversion {SPEC_VERSION}",
        )


def _check_attribute(name: str, value: Any) -> None:
    if name in _IGNORED:
        return
    if name not in _KNOWN:
        raise _malformed(
            "có thuộc tính mà trục không chuyển đi; hãy bỏ đi, hoặc đưa vào data nếu hợp đồng có trường này",
            "has an attribute that is not passed on; remove it, or put it into data if the contract has such a field",
            name,
        )
    if not isinstance(value, str) or _UNPRINTABLE.search(value[: MAX_ATTRIBUTE + 1]):
        raise _malformed(
            f"có thuộc tính {name} không phải là chuỗi ký tự in được; hãy sửa lại",
            f"has an attribute {name} that is no string of printable characters; correct it",
        )
    if len(value) > MAX_ATTRIBUTE:
        raise _malformed(
            f"có thuộc tính {name} dài hơn {MAX_ATTRIBUTE} ký tự; hãy rút ngắn",
            f"has an attribute {name} of more than {MAX_ATTRIBUTE} characters; shorten it",
        )


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if not found:
        return False
    day, minute, _, zone = found.groups()
    try:
        datetime.fromisoformat(f"{day}T{minute}:00{zone.upper().replace('Z', '+00:00')}")
    except ValueError:
        return False
    return True


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _decoded(body: bytes) -> str:
    return body.decode()  # UTF-8, since orjson has parsed it


_ATTRIBUTE_VALUES = 64
"""Values beside the data that an event may have before they are looked at one by one."""

_OF_BATCH = Limits(values=1_000_000, members=100_000)
"""Of all events of a batch; the data of each is held against the limits of its contract afterwards."""


def _of_envelope(limits: Limits) -> Limits:
    return Limits(values=limits.values + _ATTRIBUTE_VALUES, members=max(limits.members, _ATTRIBUTE_VALUES))


def _malformed(vi: str, en: str, name: str = "") -> Refusal:
    """Create the refusal of an event.

    Args:
        vi, en: what is wrong and what to do.
        name: of an attribute, where its publisher chose the name; it is shown to the publisher alone.
    """
    pointer = pointers.join([name[:MAX_ATTRIBUTE]])
    violations = [Violation(pointer, "attributes", Text(vi, en))] if name else []
    return Refusal("malformed", vi=f"Sự kiện {vi}.", en=f"The event {en}.", violations=violations)
