"""Wire protocol 1, on both sides and against bytes that are none of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_contracts import wire
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
