"""Wire protocol 1, on both sides and against bytes that are none of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_contracts import names, wire, wire_events
from lgsp_problems import Refusal

CONTEXT = wire.Context("01", "mot-cua", "H49.12", "giai-quyet-tthc", "1.0.0", 1_795_000_000_000, "00-a-b-01")


@pytest.mark.parametrize("key", ["", "0192f0c1-2b3d-8e4f-8a5b-6c7d8e9fa0b1"])
def test_a_request_arrives_as_it_was_sent(key: str) -> None:
    sent = CONTEXT._replace(key=key)
    context, document = wire.parse_request(wire.request(sent, b'{"a":\n"b\\nc"}'))
    assert context == sent
    assert document == {"a": "b\nc"}


def test_a_request_without_a_key_is_as_it_was_in_wire_1() -> None:
    assert b'"key"' not in wire.request(CONTEXT, b"{}")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (wire.answered({"a": 1}), ("answered", "", b'{"a":1}')),
        (wire.declared_error("not-found"), ("error", "not-found", b"")),
        (wire.failed("unreachable"), ("failed", "unreachable", b"")),
        (wire.late(), ("late", "", b"")),
        (b'{"status": "answered"}\n{}', ("answered", "", b"{}")),
    ],
)
def test_replies(data: bytes, expected: tuple[str, str, bytes]) -> None:
    reply = wire.parse_reply(data)
    assert reply is not None
    assert (reply.status, reply.code, reply.body) == expected


@pytest.mark.parametrize(
    "reply", [wire.answered({"a": 1}), wire.declared_error("not-found"), wire.limited(3), wire.late()]
)
@pytest.mark.parametrize("upstream", [None, 0.0, 39.8])
def test_a_reply_says_how_long_it_took(reply: bytes, upstream: float | None) -> None:
    before, after = wire.parse_reply(reply), wire.parse_reply(wire.with_durations(reply, 41.518, upstream))
    assert before is not None
    assert (before.adapter, before.upstream) == (None, None)
    assert after == before._replace(adapter=41.52, upstream=upstream)


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_anything_else_is_no_message(data: bytes) -> None:
    if not data.startswith(b'{"status":'):
        assert wire.parse_reply(data) is None
    with pytest.raises(Refusal):
        wire.parse_request(data)


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b"null", b"3", b'{"status":3}', b'{"status":"done"}', b'{"status":"error","code":[]}']
)
def test_a_line_of_another_shape_is_no_reply(line: bytes) -> None:
    assert wire.parse_reply(line + b"\n{}") is None


@pytest.mark.parametrize(
    ("announced", "version"),
    [
        *(("1", (1, 0)), ("1.0", (1, 0)), ("1.1", (1, 1)), ("2.13", (2, 13))),
        *((bad, None) for bad in ("", "0", "1.", "01", "1.01", "1.1.1", " 1", "1\n", "１", "x")),
    ],
)
def test_what_an_adapter_announces(announced: str, version: tuple[int, int] | None) -> None:
    assert wire.parse_version(announced) == version


EVENT = wire_events.EventContext(
    "01a2", "/systems/dat-dai", "lgsp.land-parcels.v1.parcel-changed", "2026-11-28T08:00:00.5+07:00"
)


@pytest.mark.parametrize(
    "event", [EVENT, EVENT._replace(traceparent=f"00-{'a' * 32}-{'b' * 16}-01", time="2026-11-28T01:00:00Z")]
)
def test_an_event_arrives_as_it_was_published(event: wire_events.EventContext) -> None:
    assert wire_events.parse_event(wire_events.publish(event, b'{"a":\n1}')) == (event, b'{"a":\n1}')


def test_an_event_has_its_subject_and_the_attributes_of_cloudevents() -> None:
    subject = wire_events.event_subject(
        names.service_name("land-parcels"), names.major("1"), names.event_name("parcel-changed")
    )
    assert subject == "evt.land-parcels.v1.parcel-changed"
    assert json.loads(wire_events.publish(EVENT, b"{}").split(b"\n")[0]) == {
        "wire": 1,
        "specversion": "1.0",
        "id": "01a2",
        "source": "/systems/dat-dai",
        "type": "lgsp.land-parcels.v1.parcel-changed",
        "time": "2026-11-28T08:00:00.5+07:00",
    }


LINE = json.loads(wire_events.publish(EVENT, b"").partition(b"\n")[0])


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\n", b"{}\n{}", b"[]\n", b"null\n", json.dumps(LINE).encode()),
        *(json.dumps({k: v for k, v in LINE.items() if k != name}).encode() + b"\n{}" for name in LINE),
        *(json.dumps(LINE | {name: 3}).encode() + b"\n{}" for name in LINE),
        json.dumps(LINE | {"time": "yesterday"}).encode() + b"\n{}",
    ],
)
def test_anything_else_is_no_event(data: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        wire_events.parse_event(data)
    assert refused.value.code == "malformed"
