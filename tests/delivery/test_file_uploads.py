"""Files over HTTP: uploaded in parts that may break off, checked, downloaded by whoever may."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator

import pytest
from support.changes import Changes
from support.filings import PDF, PROGRAM, Filings, pdf, sha256
from support.waits import eventually

from lgsp_runtime.nats import streams
from lgsp_runtime.nats.connection import connect

MIB = 1 << 20


async def test_a_file_is_uploaded_in_one_request_and_read_back(filings: Filings) -> None:
    content = pdf(3 * MIB + 7)
    got = await filings.upload(content, name="đơn xin cấp phép.pdf")
    assert got.status == 201, got.body
    file = json.loads(got.body)
    assert file["state"] == "available"
    assert file["sha256"] == sha256(content)
    read = await filings.ask("GET", file["href"])
    assert read.status == 200
    assert read.body == content
    assert read.headers["X-Content-Type-Options"] == "nosniff"
    assert read.headers["Content-Disposition"].startswith("attachment;")
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert read.headers["Repr-Digest"] == f"sha-256=:{digest}:"


async def test_parts_that_break_off_are_kept(filings: Filings) -> None:
    content = pdf(2 * MIB + 123)
    path = await filings.begin(len(content), sha256=sha256(content))
    assert (await filings.send(path, 0, content[: MIB + 5])).status == 204
    assert await filings.offset(path) == MIB + 5
    wrong = await filings.send(path, 0, content)
    assert wrong.status == 409
    assert json.loads(wrong.body)["type"].endswith("upload-conflict")
    cut_at = len(content) - 20_000
    request = filings.tus(
        Upload_Offset=str(MIB + 5),
        Content_Type="application/offset+octet-stream",
        Content_Length=str(len(content) - MIB - 5),
        Host="bus",
    )
    head = f"PATCH {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in request.items()) + "\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", filings.port)
    writer.write(head.encode() + content[MIB + 5 : cut_at])
    await writer.drain()
    await asyncio.sleep(0)
    writer.close()

    async def stored() -> bool:
        return await filings.offset(path) == cut_at

    await eventually(stored)
    last = await filings.send(path, cut_at, content[cut_at:])
    assert last.status == 204, last.body
    assert last.headers["Lgsp-File-State"] == "available"
    assert (await filings.ask("GET", path)).body == content


async def test_wrong_hashes_are_refused(filings: Filings) -> None:
    content = pdf(10_000)
    path = await filings.begin(len(content))
    other = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    changed = await filings.send(path, 0, content, Upload_Checksum=f"sha256 {other}")
    assert (changed.status, changed.json["code"]) == (460, "checksum-mismatch")
    assert await filings.offset(path) == 0, "nothing of a part with a wrong checksum is kept"
    right = base64.b64encode(hashlib.sha1(content).digest()).decode()
    assert (await filings.send(path, 0, content, Upload_Checksum=f"sha1 {right}")).status == 204
    declared = await filings.begin(len(content), sha256=sha256(b"other"))
    refused = await filings.send(declared, 0, content)
    assert (refused.status, refused.json["code"]) == (422, "file-refused")
    assert "SHA-256" in refused.json["detail"]
    assert (await filings.ask("GET", declared)).json["code"] == "file-refused"


@pytest.mark.parametrize(
    ("content", "media_type", "name"),
    [
        (PROGRAM, "application/pdf", "don.pdf"),
        (PROGRAM, "application/octet-stream", "tep"),
        (b"#!/bin/sh\nrm -rf /\n", "text/plain", "ghi-chu.txt"),
        (b"PK\x03\x04" + bytes(100), "application/pdf", "don.pdf"),
        (PDF, "text/plain", "don.txt"),
        (bytes(100), "application/octet-stream", "don.pdf"),
        (b"@echo off\r\ndel *\r\n", "application/octet-stream", "don.pdf.BAT"),
        (b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(100), "application/octet-stream", "don"),
    ],
    ids=["program-pdf", "program", "script", "zip-pdf", "pdf-text", "zeros-pdf", "batch", "shortcut"],
)
async def test_bytes_that_are_not_what_they_are_called_are_quarantined(
    filings: Filings, content: bytes, media_type: str, name: str
) -> None:
    refused = await filings.upload(content, media_type, name)
    assert (refused.status, refused.json["code"]) == (422, "file-refused"), refused.body


async def test_a_range_of_a_file_is_read(filings: Filings) -> None:
    content = pdf(2 * MIB + 3)
    path = (await filings.upload(content)).json["href"]
    for sent, start, end in (
        ("bytes=0-9", 0, 10),
        (f"bytes={MIB - 2}-{MIB + 2}", MIB - 2, MIB + 3),
        ("bytes=-5", len(content) - 5, len(content)),
        (f"bytes={MIB}-", MIB, len(content)),
    ):
        part = await filings.ask("GET", path, headers=filings.authorized(Range=sent))
        assert part.status == 206
        assert part.body == content[start:end]
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(content)}"
    beyond = await filings.ask("GET", path, headers=filings.authorized(Range=f"bytes={len(content)}-"))
    assert (beyond.status, beyond.json["code"]) == (416, "range-not-satisfiable")
    tag = f'"{sha256(content)}"'
    assert (await filings.ask("GET", path, headers=filings.authorized(If_None_Match=tag))).status == 304
    changed = await filings.ask("GET", path, headers=filings.authorized(Range="bytes=0-1", If_Range='"other"'))
    assert changed.body == content


async def test_a_file_is_read_by_those_who_got_its_message_alone(filings: Filings) -> None:
    content, receipt = pdf(5_000), b"bien nhan " * 100
    tep = (await filings.upload(content)).json["href"]
    assert (await filings.ask("GET", tep, headers=filings.authorized("provider"))).status == 404
    read: dict[str, bytes] = {}

    async def submit(request: dict[str, object], _: object) -> dict[str, object]:
        [reference] = request["tep"]  # type: ignore[misc]
        read["tep"] = (await filings.ask("GET", reference, headers=filings.authorized("provider"))).body
        made = [await filings.upload(receipt, "text/plain", f"{name}.txt", system="provider") for name in "ab"]
        read["hidden"] = made[1].json["href"].encode()
        return {"ketQua": "DA_NHAN", "bienNhan": made[0].json["href"], "noiBo": made[1].json["href"]}

    served = await filings.serve("filings", submit=submit)
    answer = await filings.answers(lambda got: got.status == 200, "submit", {"tep": [None, tep][1:]}, service="filings")
    await filings.unserve(served)
    assert read["tep"] == content
    assert (await filings.ask("GET", answer.json["bienNhan"])).body == receipt
    changes = Changes(filings)
    await changes.act("alpha-filings", "suspend", "operator", reason="Kiểm tra")
    assert (await filings.ask("GET", answer.json["bienNhan"])).status == 404, "not while its grant is suspended"
    await changes.act("alpha-filings", "resume", "operator", reason="Xong")
    assert (await filings.ask("GET", answer.json["bienNhan"])).status == 200
    hidden = await filings.ask("GET", read["hidden"].decode())
    assert hidden.status == 404, "a file in a field that the grant hides is not the caller's to read"
    assert (await filings.ask("GET", tep, headers=filings.authorized("beta"))).status == 404
    entries = [one for one in await filings.entries() if one["kind"] == "file" and tep.endswith(one["file"])]
    assert [(one["action"], one["consumer"], one["carrier"]) for one in entries] == [
        ("uploaded", "alpha", ""),
        ("read", "provider", answer.message),
    ]
    bound = await filings.ask("DELETE", tep, headers=filings.tus())
    assert (bound.status, bound.json["code"]) == (409, "in-use")


async def test_a_message_carries_only_files_that_its_sender_may_pass_on(filings: Filings) -> None:
    async def code(system: str, document: dict[str, object]) -> str:
        return (await filings.call("submit", document, service="filings", system=system)).code

    of_alpha = (await filings.upload(pdf(3_000))).json["href"]
    assert await code("beta", {"tep": [of_alpha]}) == "file-not-found"
    unfinished = await filings.begin(100)
    assert await code("alpha", {"tep": [unfinished]}) == "file-not-ready"
    assert await code("alpha", {"anh": of_alpha}) == "file-not-allowed"
    too_large = (await filings.upload(pdf(2 * MIB))).json["href"]
    assert await code("alpha", {"tep": [too_large]}) == "no-adapter"
    refused = await filings.upload(pdf(2 * MIB), system="beta")
    assert refused.json["code"] == "file-not-allowed", "the grant allows less than the contract"
    assert (await filings.upload(b"text", "text/plain", "a.txt", system="beta")).json["code"] == "file-not-allowed"
    assert (await filings.upload(PDF, system="gamma")).json["code"] == "not-granted"
    assert (await filings.upload(PDF, "image/png", "a.png")).json["code"] == "file-refused"


async def test_a_file_is_listed_and_deleted_by_its_owner(filings: Filings) -> None:
    older, path = await filings.begin(1_000), await filings.begin(1_000)
    listed = (await filings.ask("GET", "/files?limit=1")).json
    assert [file["href"] for file in listed["items"]] == [path]
    following = (await filings.ask("GET", f"/files?limit=1&after={listed['next']}")).json
    assert [file["href"] for file in following["items"]] == [older]
    assert (await filings.ask("DELETE", path, headers=filings.tus("beta"))).status == 404
    assert (await filings.ask("DELETE", path, headers=filings.tus())).status == 204
    assert (await filings.ask("HEAD", path, headers=filings.tus())).status == 410
    seen = (await filings.ask("GET", "/files", headers=filings.authorized("operator"))).json["items"]
    assert {file["name"] for file in seen} == {""}, "an operator sees no names, which may tell of people"


async def test_the_protocol_tus_is_announced_and_demanded(filings: Filings) -> None:
    options = await filings.ask("OPTIONS", "/files")
    assert options.headers["Tus-Version"] == "1.0.0"
    assert "checksum" in options.headers["Tus-Extension"].split(",")
    path = await filings.begin(10)
    old = {**filings.tus(), "Tus-Resumable": "0.2.0", "Upload-Offset": "0"}
    assert (await filings.ask("PATCH", path, b"x", old)).status == 412
    longer = await filings.send(path, 0, bytes(11))
    assert (longer.status, longer.json["code"]) == (400, "malformed")
    override = filings.tus(
        Upload_Offset="0", Content_Type="application/offset+octet-stream", X_HTTP_Method_Override="PATCH"
    )
    assert (await filings.ask("POST", path, PDF[:4], override)).status == 204
    assert await filings.offset(path) == 4


async def stored_chunks(filings: Filings, path: str) -> list[str]:
    connection = await connect(filings.endpoint("gateway"), "test stored chunks")
    try:
        found = await streams.subjects(connection, "LGSP_FILES", f"files.chunk.{path.rpartition('/')[2]}.>")
        sizes = [len((await connection.jetstream().get_last_msg("LGSP_FILES", name)).data or b"") for name in found]
    finally:
        await connection.close()
    return [name for name, size in zip(found, sizes, strict=True) if size]


async def test_parts_with_wrong_checksums_leave_nothing_in_the_store(filings: Filings) -> None:
    content = pdf(2 * MIB)
    path = await filings.begin(len(content))
    assert (await filings.send(path, 0, content[: MIB + 5])).status == 204
    before = await stored_chunks(filings, path)
    other = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    for _ in range(3):
        refused = await filings.send(path, MIB + 5, content[MIB + 5 :], Upload_Checksum=f"sha256 {other}")
        assert refused.status == 460
    assert await stored_chunks(filings, path) == before
    assert (await filings.send(path, MIB + 5, content[MIB + 5 :])).headers["Lgsp-File-State"] == "available"
    assert (await filings.ask("GET", path)).body == content


async def test_many_small_parts_take_no_more_space_than_one(filings: Filings) -> None:
    content = pdf(300_000)
    path = await filings.begin(len(content))
    assert (await filings.send(path, 0, content[:-10])).status == 204
    for offset in range(len(content) - 10, len(content) - 1):
        assert (await filings.send(path, offset, content[offset : offset + 1])).status == 204
        assert len(await stored_chunks(filings, path)) == 1
    assert (await filings.send(path, len(content) - 1, content[-1:])).headers["Lgsp-File-State"] == "available"
    assert (await filings.ask("GET", path)).body == content


async def test_another_office_does_not_end_an_upload_that_is_under_way(filings: Filings) -> None:
    content = pdf(MIB)
    path = await filings.begin(len(content))
    rest = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield content[:1000]
        async with asyncio.timeout(20):
            await rest.wait()
        yield content[1000:]

    begun = await _revision(filings, path)
    sending = asyncio.ensure_future(filings.send(path, 0, pieces()))

    async def is_under_way() -> bool:
        return await _revision(filings, path) > begun

    await eventually(is_under_way)
    refused = await filings.ask("DELETE", path, headers=filings.tus("beta"))
    assert refused.status == 404
    rest.set()
    sent = await sending
    assert (sent.status, sent.headers.get("Lgsp-File-State")) == (204, "available"), sent.body


async def _revision(filings: Filings, path: str) -> int:
    """Return the revision of a file's record, which a request that writes takes a lease in."""
    connection = await connect(filings.endpoint("gateway"), "test lease of an upload")
    try:
        subject = f"$KV.LGSP_FILE_RECORDS.{path.rpartition('/')[2]}"
        stored = await connection.jetstream().get_last_msg("KV_LGSP_FILE_RECORDS", subject)
    finally:
        await connection.close()
    return stored.seq or 0
