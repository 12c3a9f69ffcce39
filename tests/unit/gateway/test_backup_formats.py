"""What backups are made of: JetStream's archives, S2, manifests, which ones are kept, and what a restored log is called."""

import os
from datetime import UTC, datetime, timedelta

import cramjam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from lgsp_gateway.evidence.verify.restored_origin import current_origin, next_origin, original_origin
from lgsp_gateway.evidence.verify.signers import FileLogKey
from lgsp_gateway.operate.backup import catalog, manifest, order
from lgsp_gateway.operate.backup.manifest import Chunk, Manifest, StoredFile, StoredStream
from lgsp_gateway.operate.backup.registry_time import PointInTime
from lgsp_gateway.operate.backup.s2_decoder import BrokenS2Error, S2Decoder, decode_block
from lgsp_gateway.operate.backup.stream_archive import (
    END,
    MAGIC,
    BrokenStreamArchiveError,
    EntryParser,
    StreamEntry,
    entries,
)
from lgsp_problems import Refusal

ENTRY = st.builds(
    StreamEntry,
    name=st.text(min_size=1, max_size=20).filter(str.isprintable),
    time=st.integers(-(2**62), 2**62),
    sequence=st.integers(0, 2**63),
    headers=st.binary(max_size=40),
    body=st.binary(max_size=200),
)


@given(st.lists(ENTRY, max_size=5), st.integers(1, 50))
@settings(max_examples=examples(200))
def test_entries_are_read_as_they_were_written(written: list[StreamEntry], piece: int) -> None:
    data = MAGIC + b"".join(entry.data() for entry in [*written, END])
    parser = EntryParser(with_magic=True)
    read = [entry for at in range(0, len(data), piece) for entry in parser.feed(data[at : at + piece])]
    assert read == [*written, END]
    assert not parser.unfinished


@pytest.mark.parametrize("data", [b"\x05\x00", b"\xff" * 20, b"\x01\x00\x00\x00\x00\xff"])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenStreamArchiveError):
        list(entries(data))


def test_snappy_is_s2() -> None:
    content = os.urandom(100_000) + b"lgsp " * 50_000
    compressed, decoder = bytes(cramjam.snappy.compress(content)), S2Decoder()
    pieces = [b"".join(decoder.feed(compressed[at : at + 999])) for at in range(0, len(compressed), 999)]
    assert b"".join(pieces) == content


@pytest.mark.parametrize(
    ("block", "content"),
    [
        (b"\x04\x0cabcd", b"abcd"),
        (b"\x08\x0cabcd\x0e\x04\x00", b"abcdabcd"),  # a copy of four bytes, four back
        (b"\x0c\x0cabcd\x0e\x04\x00\x01\x00", b"abcdabcdabcd"),  # S2: the same offset again
        (b"\x14\x0cabcd\x0e\x04\x00\x15\x00\x04", b"abcd" * 5),  # S2: again, twelve bytes
    ],
)
def test_blocks_of_s2(block: bytes, content: bytes) -> None:
    assert decode_block(block) == content


@pytest.mark.parametrize(
    "block", [b"", b"\x04\x0cabc", b"\x08\x0cabcd\x0e\x09\x00", b"\xff\xff\xff\xff\x7f\x00", b"\x09\x0cabcd"]
)
def test_broken_blocks_of_s2_are_refused(block: bytes) -> None:
    with pytest.raises(BrokenS2Error):
        decode_block(block)


def _manifest(made: str = "20261129T013000Z") -> Manifest:
    chunk = Chunk("aa", "bb", 3, 1, 2)
    stream = StoredStream(
        "LGSP_EVIDENCE", {"name": "LGSP_EVIDENCE"}, {"messages": 2}, [], [chunk], {"evidence.gw-1": 1}
    )
    return Manifest(
        made, "0.2.0", ["age1x"], [stream], [StoredFile("keys/evidence-log.key", 0o600, [chunk])], {"gw-1": 2}
    )


def test_a_manifest_is_what_the_bus_has_signed() -> None:
    written = _manifest()
    data = written.signed(FileLogKey(b"k" * 32))
    read, public = manifest.parse(written.name, data, None)
    assert read == written
    assert manifest.parse(written.name, data, (public,))[0] == written
    for name, content, key in (
        (written.name, data.replace(b"0.2.0", b"0.2.1"), None),
        (written.name, data, (b"x" * 32,)),
        ("backup-20261130T013000Z.json", data, None),
        (written.name, b"{}", None),
    ):
        with pytest.raises(Refusal, match="The backup is not whole"):
            manifest.parse(name, content, key)


def test_which_backups_are_kept() -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    hourly = [now - timedelta(hours=hours) for hours in range(24 * 90)]
    kept = catalog.to_keep(hourly, now, days=30, months=3)
    assert {time for time in hourly if now - time < timedelta(days=2)} <= kept
    days = {time.date() for time in kept}
    assert {now.date() - timedelta(days=back) for back in range(30)} <= days
    assert len(kept) == 48 + 27 + 1, "27 more days, and September; the last of October is one of the days"
    assert catalog.to_keep(hourly[2000:], now, days=0, months=0) == {hourly[2000]}, "the newest, always"


def test_the_order_in_which_streams_are_read() -> None:
    names = order.in_order(
        [
            "LGSP_EVIDENCE",
            "LGSP_WORK",
            "KV_LGSP_SESSIONS",
            "OTHERS",
            "LGSP_MESSAGES",
            "KV_LGSP_LIMITS",
            "KV_LGSP_IDEMPOTENCY",
            "LGSP_CHECKPOINTS",
            "KV_LGSP_REGISTRY",
        ]
    )
    assert names == [
        "KV_LGSP_IDEMPOTENCY",
        "KV_LGSP_LIMITS",
        "LGSP_WORK",
        "LGSP_MESSAGES",
        "KV_LGSP_REGISTRY",
        "LGSP_CHECKPOINTS",
        "LGSP_EVIDENCE",
    ]


def test_what_a_restored_log_is_called() -> None:
    origin = "lgsp.example.gov.vn/gw-1"
    assert next_origin(origin) == f"restored-1.{origin}"
    assert next_origin(f"restored-1.{origin}") == f"restored-2.{origin}"
    assert original_origin(f"restored-12.{origin}") == origin
    assert current_origin(origin, f"restored-2.{origin}") == f"restored-2.{origin}"
    assert current_origin("other.gov.vn/gw-1", f"restored-2.{origin}") == "other.gov.vn/gw-1"


@pytest.mark.parametrize("text", ["2026-11-29", "2026-11-29T08:00:00", "0", "-3", ""])
def test_a_point_in_time_has_a_zone(text: str) -> None:
    with pytest.raises(Refusal, match="neither a time nor a revision"):
        PointInTime.parse(text)
