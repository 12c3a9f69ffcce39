"""What a gateway remembers of files: quotas that cannot be evaded, and what is to be done next."""

from dataclasses import replace

from lgsp_contracts.names import AgencyCode, SystemName
from lgsp_gateway.delivery.files.model import FileRecord, FileState, Lease
from lgsp_gateway.delivery.files.record_index import (
    LEAST_BYTES,
    TOMBSTONE_SECONDS,
    UNBOUND_TOMBSTONE_SECONDS,
    RecordIndex,
)

HEALTH = AgencyCode("H49.31")


def record(number: int, size: int = 1 << 20, state: FileState = "available", *, bound: bool = False) -> FileRecord:
    return FileRecord(
        id=f"01a2b3c4-0000-7000-8000-{number:012}",
        owner=SystemName("alpha"),
        agency=HEALTH,
        name="",
        media_type="text/plain",
        size=size,
        declared_sha256="",
        created_at=0,
        expires_at=100,
        wrapped_key=b"",
        chunk_bytes=1,
        state=state,
        bound=bound,
    )


def test_empty_files_count_for_the_quota() -> None:
    index = RecordIndex()
    for number in range(10):
        index.put(record(number, size=0))
        index.put(record(number, size=0))
    assert index.bytes_of_agency(HEALTH) == 10 * LEAST_BYTES
    index.put(record(0, size=0, state="expired"))
    index.remove(record(1).id)
    index.put(record(10, size=1 << 20))
    assert index.bytes_of_agency(HEALTH) == 8 * LEAST_BYTES + (1 << 20)


def test_what_has_expired_is_not_due_again_until_it_is_forgotten() -> None:
    index = RecordIndex()
    files = [record(1), record(2, bound=True), record(3, state="uploading")]
    for one in files:
        index.put(one)
    assert index.due(99) == []
    assert set(index.due(100)) == set(index.due(101)) == {one.id for one in files}, "until it is done"
    for one in files:
        index.put(replace(one, state="expired"))
    assert index.due(101) == []
    assert set(index.due(100 + UNBOUND_TOMBSTONE_SECONDS)) == {files[0].id, files[2].id}
    for one in (files[0], files[2]):
        index.remove(one.id)
    assert index.due(100 + UNBOUND_TOMBSTONE_SECONDS) == []
    assert index.due(100 + TOMBSTONE_SECONDS) == [files[1].id]


def test_a_file_that_is_kept_longer_is_due_later() -> None:
    index = RecordIndex()
    index.put(record(1))
    index.put(replace(record(1), expires_at=200))
    assert index.due(150) == []
    assert index.due(200) == [record(1).id]


def test_files_that_are_deleted_early_leave_nothing_behind() -> None:
    index = RecordIndex()
    index.put(record(0))
    for number in range(1, 3_000):
        index.put(record(number))
        index.remove(record(number).id)
    assert index.due(100) == [record(0).id]
    assert len(index) == 1


def test_what_is_verified_is_no_longer_listed() -> None:
    index = RecordIndex()
    index.put(replace(record(1, state="scanning"), lease=Lease(1, 50)))
    assert index.unverified(49) == []
    assert index.unverified(50) == [record(1).id]
    index.put(record(1))
    assert index.unverified(50) == []
