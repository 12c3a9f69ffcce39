"""The entries that delivery writes: each keeps its schema, and has every field of it."""

import dataclasses
from typing import Any

import orjson
import pytest

from lgsp_contracts import entry
from lgsp_gateway.delivery.entries import AcceptedEntry, DeliveryEntry, EventEntry, FileEntry

MESSAGE = "01a21fb3-1012-70d4-8d94-0bea7bf434a4"
PSEUDONYM = "22259302f675756150295f16e366b0a9"
DIGEST = entry.digest(bytes(16), b"{}")
COMMON: dict[str, Any] = {"message": MESSAGE, "time": 1795828158482, "gateway": "gw-1", "trace": PSEUDONYM}
PARTIES: dict[str, Any] = dict.fromkeys(
    ("consumer", "agency", "provider", "service", "version", "purpose", "grant"), "x"
)
PERSONS = {"subject": PSEUDONYM, "on_behalf_of": ""}

ENTRIES = {
    "accepted": AcceptedEntry(
        **COMMON,
        **PARTIES,
        **PERSONS,
        operation="o",
        deadline=1795828158482,
        ordering_key=PSEUDONYM,
        callback=MESSAGE,
        files=(MESSAGE,),
        request_digest=DIGEST,
        request_size=2,
    ),
    "delivery of a message": DeliveryEntry(
        **COMMON,
        **PARTIES,
        **PERSONS,
        to="csdl",
        channel="adapter",
        operation="o",
        attempt=1,
        outcome="provider-timeout",
        state="delivering",
        status=504,
    ),
    "delivery of an event": DeliveryEntry(
        **COMMON,
        **PARTIES,
        to=MESSAGE,
        channel="webhook",
        event="e",
        attempt=2,
        outcome="delivered",
        state="delivered",
        status=204,
        request_digest=DIGEST,
        request_size=2,
        provider_ms=1.5,
        adapter_ms=1.25,
        upstream_ms=1.0,
    ),
    "a decision": DeliveryEntry(
        **COMMON,
        **PARTIES,
        to="csdl",
        channel="adapter",
        operation="o",
        attempt=0,
        outcome="delivered",
        state="given-up",
        by="p-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        status=200,
    ),
    "event": EventEntry(
        **COMMON,
        provider="x",
        agency="x",
        service="s",
        version="1.0.0",
        event="e",
        subject=PSEUDONYM,
        request_digest=DIGEST,
    ),
    "refused event": EventEntry(**COMMON, provider="x", agency="x", outcome="unknown-service", status=404),
    "file": FileEntry(**COMMON, file=MESSAGE, action="uploaded", consumer="x", agency="x", digest=DIGEST, size=5),
    "expired file": FileEntry(**COMMON, file=MESSAGE, action="expired", carrier=MESSAGE),
}


@pytest.mark.parametrize("written", ENTRIES.values(), ids=ENTRIES)
def test_an_entry_keeps_its_schema(written: AcceptedEntry | DeliveryEntry | EventEntry | FileEntry) -> None:
    line = written.to_bytes()
    document = orjson.loads(line)
    assert b"\n" not in line
    assert entry.faults(document) == []
    claims = {"adapterMs", "upstreamMs"}  # of an adapter that answered; absent where none did
    assert set(document) | claims == set(entry.schema(document["kind"])["properties"]) | claims
    assert not entry.is_call(document)


def test_a_person_s_number_is_no_pseudonym() -> None:
    written = dataclasses.replace(ENTRIES["event"], subject="022093001234")
    assert entry.faults(orjson.loads(written.to_bytes())) != []
