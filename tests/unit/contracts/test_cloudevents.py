"""CloudEvents as others write them is read, byte for byte; anything that two parties could understand differently is refused."""

import json
from datetime import datetime
from typing import Any

import hypothesis
import pytest
from cloudevents.core.bindings import http as others
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import strategies as st
from support.examples import examples

from lgsp_contracts import cloudevents, json_slices, strict_json
from lgsp_contracts.cloudevents import BATCH, JSON, STRUCTURED, EventContext, ReceivedEvent
from lgsp_problems import Refusal

ATTRIBUTES: dict[str, Any] = {
    "specversion": "1.0",
    "id": "hồ sơ 1",
    "source": "/systems/kho-ho-so",
    "type": "lgsp.dossiers.v1.dossier-closed",
    "time": "2026-11-28T08:00:00+07:00",
}
CONTEXT = EventContext(*(ATTRIBUTES[name] for name in ("id", "source", "type", "time")))
DATA = '{"soTien": 12345678901234567.890,\n "maHoSo":"H49-1"}'
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def read(content_type: str, body: str | bytes, headers: Any = ()) -> list[ReceivedEvent]:
    raw = body.encode() if isinstance(body, str) else body
    return cloudevents.read_events(content_type, headers, raw, strict_json.DEFAULT)


def structured(data: str = DATA, **changed: Any) -> str:
    attributes = {name: value for name, value in {**ATTRIBUTES, **changed}.items() if value is not ...}
    return json.dumps(attributes)[:-1] + f', "data" : {data} }}'


def binary(**changed: Any) -> list[tuple[str, str]]:
    return [
        (f"ce-{name}", value) for name, value in {**ATTRIBUTES, "id": "ho-so-1", **changed}.items() if value is not ...
    ]


def test_the_data_is_kept_as_its_publisher_wrote_it() -> None:
    expected = [ReceivedEvent(CONTEXT, DATA.encode())]
    assert read(STRUCTURED, structured()) == expected
    assert read(f"{STRUCTURED}; charset=UTF-8", f" {structured()}\n") == expected
    assert read(BATCH, f"[{structured()} ,{structured()}]") == expected * 2
    assert read(BATCH, "[ ]") == []
    headers = [*binary(id="h%E1%BB%93%20s%C6%A1%201"), ("Content-Type", JSON), ("Host", "bus")]
    assert read(JSON, DATA, headers) == expected


@pytest.mark.parametrize("mode", [others.to_binary_event, others.to_structured_event])
def test_what_the_official_library_writes_is_read(mode: Any) -> None:
    time = datetime.fromisoformat(ATTRIBUTES["time"])
    event = CloudEvent({**ATTRIBUTES, "time": time, "datacontenttype": JSON}, {"tên": "An"})
    message = mode(event)
    [(context, data)] = read(message.headers["content-type"], message.body, message.headers.items())
    assert context == CONTEXT
    assert json.loads(data) == {"tên": "An"}


def test_the_official_library_reads_what_is_written() -> None:
    written = cloudevents.structured({**ATTRIBUTES, "traceparent": ""}, DATA.encode())
    assert DATA.encode() in written
    event = others.from_structured_event(others.HTTPMessage({"content-type": STRUCTURED}, written))
    assert (event.get_id(), event.get_source(), event.get_datacontenttype()) == (CONTEXT.id, CONTEXT.source, JSON)
    assert event.get_extension("traceparent") is None


@pytest.mark.parametrize(
    "body",
    [
        structured('{"a":1,"a":2}'),
        structured('{"a":NaN}'),
        structured(time="2026-W48-6T08Z"),
        structured(id="x" * 1_000_000),
    ],
)
def test_the_official_library_reads_what_others_understand_differently(body: str) -> None:
    """The canary of our own codec: once it fails, look at the library again."""
    assert JSONFormat().read(CloudEvent, body)
    with pytest.raises(Refusal):
        read(STRUCTURED, body)


def test_a_trace_context_is_kept_and_one_that_cannot_be_read_is_none() -> None:
    for sent, kept in ((TRACE, TRACE), ("00-x", ""), (TRACE.upper(), "")):
        [(context, _)] = read(STRUCTURED, structured(traceparent=sent, tracestate="a=b"))
        assert context.traceparent == kept


REFUSED = {
    "an unknown version": (structured(specversion="1.1"), "has a specversion that is not known; send specversion 1.0"),
    "an old version": (structured(specversion="0.3"), "specversion that is not known"),
    "no version": (structured(specversion=...), "has no specversion"),
    "no id": (structured(id=...), "has no id; add it"),
    "an empty id": (structured(id=""), "has no id; add it"),
    "a null as source": (structured(source=None), "has no source; add it"),
    "no type": (structured(type=...), "has no type; add it"),
    "a number as id": (structured(id=1), "an attribute id that is no string"),
    "an object as id": (structured(id={}), "an attribute id that is no string"),
    "a control character": (structured(id="a\nb"), "an attribute id that is no string of printable"),
    "half a character": (structured(id="\ud800"), ""),
    "a long id": (structured(id="x" * 256), "an attribute id of more than 255 characters"),
    "an id of a megabyte": (structured(id="x" * 1_000_000), "an attribute id of more than 255 characters"),
    "a foreign attribute": (structured(mucdich="022093001234"), "has an attribute that is not passed on"),
    "a subject": (structured(subject="022093001234"), "has an attribute that is not passed on"),
    "a name of a megabyte": (structured(**{"x" * 1_000_000: "1"}), "has an attribute that is not passed on"),
    "a time that is none": (structured(time="yesterday"), "has a time that is not RFC 3339"),
    "a day that is none": (structured(time="2026-02-30T08:00:00Z"), "not RFC 3339"),
    "a time without a zone": (structured(time="2026-11-28T08:00:00"), "not RFC 3339"),
    "base64": (structured(data_base64="e30="), "has data_base64; send JSON in data instead"),
    "no data": (json.dumps(ATTRIBUTES), "has no data; add it"),
    "XML": (structured(datacontenttype="application/xml"), "has a datacontenttype other than application/json"),
    "an array": ("[]", "must be a JSON object"),
    "a text": ('"x"', "must be a JSON object"),
    "nothing": ("", ""),
    "no JSON": ("{", ""),
    "no UTF-8": (b"\xff{}", ""),
    "an attribute twice": (structured()[:-1] + ',"id":"2"}', ""),
    "deep data": (structured("[" * 1000 + "]" * 1000), ""),
}


@pytest.mark.parametrize(("body", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(body: str | bytes, words: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(STRUCTURED, body)
    assert refused.value.code == "malformed"
    for text in (refused.value.detail.en, refused.value.detail.vi):
        assert len(text) < 300
        assert "022093001234" not in text
    assert words in refused.value.detail.en
    assert all(len(violation.pointer) < 300 for violation in refused.value.violations)


@pytest.mark.parametrize(
    ("content_type", "headers", "code", "words"),
    [
        ("text/plain", binary(), "unsupported-media-type", f"Content-Type: {STRUCTURED}"),
        ("", binary(), "unsupported-media-type", "Content-Type"),
        ("application/cloudevents+xml", [], "unsupported-media-type", "Content-Type"),
        ("application/json; charset=utf-16", binary(), "malformed", "datacontenttype"),
        (JSON, [], "malformed", "has no specversion"),
        (JSON, [*binary(), ("CE-ID", "2")], "malformed", "has an attribute twice"),
        (JSON, binary(id="%ff"), "malformed", "cannot be read"),
        (JSON, binary(id="hồ"), "malformed", "cannot be read"),
        (JSON, binary(id="x" * 100_000), "malformed", "more than 255"),
        (JSON, binary(subject="x"), "malformed", "not passed on"),
        (JSON, binary(datacontenttype=JSON), "malformed", "twice"),
    ],
)
def test_what_is_refused_in_headers(content_type: str, headers: Any, code: str, words: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(content_type, "{}", headers)
    assert (refused.value.code, words in refused.value.detail.en) == (code, True)


def test_a_batch_says_which_event_is_wrong() -> None:
    with pytest.raises(Refusal, match="Event 2 of the batch: The event has no id"):
        read(BATCH, f"[{structured()},{structured(id=...)}]")
    with pytest.raises(Refusal, match="a JSON array"):
        read(BATCH, structured())
    with pytest.raises(Refusal, match="more than 1000 events") as refused:
        read(BATCH, f"[{','.join(['{}'] * 1001)}]")
    assert refused.value.code == "too-large"


def test_an_event_is_that_of_the_contract_and_of_its_publisher() -> None:
    cloudevents.check_context(CONTEXT, CONTEXT.type, "kho-ho-so")
    with pytest.raises(Refusal, match="send the type lgsp-x"):
        cloudevents.check_context(CONTEXT, "lgsp-x", "kho-ho-so")
    with pytest.raises(Refusal, match="send the source /systems/khac"):
        cloudevents.check_context(CONTEXT, CONTEXT.type, "khac")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@hypothesis.given(JSON_VALUES, st.sampled_from([None, 1]), st.booleans())
@hypothesis.settings(max_examples=examples(300))
def test_the_slices_of_a_text_are_its_parts(value: Any, indent: int | None, escaped: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    if isinstance(value, dict):
        assert {name: json.loads(written) for name, _, written in json_slices.members(text)} == value
        assert all(written in text for _, _, written in json_slices.members(text))
    elif isinstance(value, list):
        assert [json.loads(written) for written in json_slices.items(text)] == value
