"""The entry of the evidence: its kinds and schemas, and digests that nobody finds by trying."""

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lgsp_contracts import entry
from lgsp_problems import Refusal

PAGE = Path(__file__).parents[3] / "docs/protocol/entry-1.md"
SALT = bytes(range(16))
CALL: dict[str, Any] = {
    "v": 1,
    "kind": "call",
    "message": "01a21fb3-1012-70d4-8d94-0bea7bf434a4",
    "time": 1795828158482,
    "gateway": "gw-1",
    **dict.fromkeys(("consumer", "agency", "provider", "service", "version", "operation", "purpose", "grant"), "x"),
    "subject": "22259302f675756150295f16e366b0a9",
    "onBehalfOf": "",
    "outcome": "answered",
    "status": 200,
    "requestDigest": entry.digest(SALT, b"{}"),
    "requestSize": 2,
    "answerDigest": "",
    "answerSize": 0,
    "providerMs": 0.87,
    "totalMs": 1.17,
    "trace": "01a21fb3101270d48d940bea7bf434a4",
}


@pytest.mark.parametrize("kind", [*entry.WRITTEN, *entry.RESERVED])
def test_each_kind_has_a_schema_and_stands_in_the_document(kind: entry.Kind) -> None:
    schema = entry.schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["kind"] == {"const": kind}
    assert schema["properties"]["v"] == {"const": entry.VERSION}
    assert {"v", "kind", "message", "time", "gateway"} <= set(schema["required"])
    assert ("$comment" in schema) == (kind in entry.RESERVED)
    page = PAGE.read_text()
    for name in schema["properties"]:
        assert f"`{name}`" in page, name
    assert f"`{kind}`" in page


def test_a_call_keeps_its_schema_and_nothing_else_does() -> None:
    assert entry.faults(CALL) == []
    for change in (
        {"requestSha256": "0" * 64},  # no document's plain digest
        {"salt": SALT.hex()},
        {"subject": "022093001234"},
        {"requestDigest": "0" * 63},
        {"message": "1"},
        {"status": "200"},
    ):
        assert len(entry.faults(CALL | change)) == 1, change
    for name in CALL.keys() - {"v", "kind"}:
        assert entry.faults({key: value for key, value in CALL.items() if key != name}), name


@pytest.mark.parametrize(
    ("change", "known"), [({}, True), ({"kind": "accepted"}, False), ({"kind": "later"}, False), ({"v": 2}, False)]
)
def test_readers_pass_over_what_they_do_not_know(change: dict[str, Any], known: bool) -> None:
    assert entry.is_call(CALL | change) is known


def test_an_entry_without_a_version_is_a_call() -> None:
    old = {"message": CALL["message"], "requestSha256": hashlib.sha256(b"{}").hexdigest(), "answerSha256": ""}
    assert entry.is_call(old)
    assert entry.faults(old) == []
    assert entry.holds(old, "request", b"{}", None)
    assert not entry.holds(old, "request", b"{ }", None)
    assert not entry.holds(old, "answer", b"", None)


def test_a_digest_is_what_sha256sum_computes_of_salt_and_document() -> None:
    assert entry.digest(SALT, b"{}") == hashlib.sha256(SALT + b"{}").hexdigest()
    assert entry.holds(CALL, "request", b"{}", SALT)
    assert not entry.holds(CALL, "request", b"{}", SALT[::-1])
    assert not entry.holds(CALL, "request", SALT + b"{}", b"")
    with pytest.raises(Refusal, match="salted"):
        entry.holds(CALL, "request", b"{}", None)


def test_who_has_the_entry_alone_finds_no_document_by_trying() -> None:
    """Every number of a province, a sex and a year; the canary finds it in an entry of before."""
    numbers = [f"022093{number:06}" for number in range(2000)]
    asked = json.dumps({"soDinhDanh": "022093001234"}).encode()
    before = {"requestSha256": hashlib.sha256(asked).hexdigest()}
    now = CALL | {"requestDigest": entry.digest(SALT, asked)}
    tries = [json.dumps({"soDinhDanh": number}).encode() for number in numbers]
    assert [one for one in tries if entry.holds(before, "request", one, None)] == [asked]
    for one, salt in itertools.product(tries, (b"", bytes(16))):
        assert not entry.holds(now, "request", one, salt)
    assert entry.holds(now, "request", asked, SALT)


@pytest.mark.parametrize("text", ["", "00", "x" * 32, "00" * 17, "00" * 15])
def test_what_is_no_salt_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="32 hexadecimal digits") as refused:
        entry.parse_salt(text)
    assert refused.value.code == "malformed"
    assert entry.parse_salt(SALT.hex()) == SALT
