"""E-documents between agencies and with the national axis, which verifies what a real one verifies."""

import hmac
import io
import json
import sqlite3
import time
import uuid
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.document_exchange import (
    CREDENTIALS,
    FINANCE,
    HEALTH,
    PDF,
    Axis,
    Exchange,
    KeptFiles,
    PublishedEvents,
    document,
    exchange,
)
from support.edxml_samples import STATUS, document_with
from support.postgres import Postgres
from support.waits import eventually

from lgsp_adapters.adapter import Declared, PublicationRefused, UpstreamFailed
from lgsp_adapters.document_exchange.axis_inbox import READ_AT_ONCE
from lgsp_adapters.document_exchange.calls import own_call
from lgsp_adapters.document_exchange.store import MAX_UNFINISHED, SET_ASIDE_AFTER, DocumentStore
from lgsp_adapters.edxml import attachments, codec
from lgsp_adapters.edxml.attachments import Attachment
from lgsp_adapters.edxml.message import EdxmlMessage
from lgsp_contracts.time_zone import VIETNAM


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[Axis]:
    started = await Axis(tmp_path / "axis").start()
    yield started
    await started.stop()


@pytest.fixture
async def office(tmp_path: Path, axis: Axis) -> AsyncIterator[Exchange]:
    security = str(tmp_path / "security.log")
    async with exchange(tmp_path, axis, PublishedEvents(), KeptFiles(), security) as opened:
        await eventually(lambda: axis.knows(HEALTH))
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
async def office_on_either(request: pytest.FixtureRequest, tmp_path: Path, axis: Axis) -> AsyncIterator[Exchange]:
    """The exchange with its store in SQLite, and in PostgreSQL."""
    database = ""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        database = await server.new_database()
    async with exchange(tmp_path, axis, PublishedEvents(), KeptFiles(), database=database) as opened:
        await eventually(lambda: axis.knows(HEALTH))
        yield opened


def from_outside(receiver: str = HEALTH, name: str = "cv.pdf", attached: bytes = PDF, **changes: str) -> bytes:
    """A document of the Ministry of Finance."""
    content = document_with(attachments.pack(Attachment(name, attached))).decode()
    content = content.replace("<OrganId>H49.1.2</OrganId>", "<OrganId>G12</OrganId>")
    content = content.replace("<OrganId>H49.5</OrganId>", f"<OrganId>{receiver}</OrganId>")
    for old, new in changes.items():
        content = content.replace(f"<{old}/>", f"<{old}>{new}</{old}>")
    return content.encode()


async def test_two_agencies_exchange_a_document(office_on_either: Exchange) -> None:
    office = office_on_either
    file = await office.files.write(PDF, "cv.pdf", "application/pdf", own_call())
    request = document(HEALTH, tepDinhKem=[{"ten": "cv.pdf", "loaiNoiDung": "application/pdf", "tep": file}])
    sent = await office.ask("send-document", request)
    assert sent["noiNhan"] == [{"maDinhDanh": HEALTH, "duongDi": "TRUC_TINH"}]
    assert await office.ask("send-document", request) == sent
    [received] = office.events.of("document-received")
    assert (received["coQuanNhan"], received["maTaiLieu"]) == (HEALTH, request["maTaiLieu"])
    [listed] = (await office.ask("list-received", {}, HEALTH))["thongDiep"]
    assert listed == received
    fetched = await office.ask("get-document", {"maThongDiep": received["maThongDiep"]}, HEALTH)
    assert fetched["vanBan"] == request

    reported = {"maThongDiep": received["maThongDiep"], "trangThai": "TIEP_NHAN", "dienGiai": "Đã nhận"}
    await office.ask("report-status", reported, HEALTH)
    await office.ask("report-status", reported, HEALTH)
    [status] = office.events.of("status-changed")
    assert (status["coQuanGui"], status["coQuanBao"], status["trangThai"]) == (FINANCE, HEALTH, "TIEP_NHAN")
    recalled = await office.ask("recall-document", {"maTaiLieu": request["maTaiLieu"], "lyDo": "Nhầm"})
    assert [event["nghiepVu"] for event in office.events.of("document-received")] == ["MOI", "THU_HOI"]
    agreed = {"maThongDiep": recalled["maThongDiep"], "trangThai": "DONG_Y_LAY_LAI"}
    await office.ask("report-status", agreed, HEALTH)
    seen = await office.ask("get-document", {"maThongDiep": sent["maThongDiep"]})
    assert [(entry["trangThai"], entry.get("dienGiai")) for entry in seen["trangThai"]] == [
        ("TIEP_NHAN", "Đã nhận"),
        ("DONG_Y_LAY_LAI", None),
    ]
    assert office.events.repeated <= 1


async def test_a_document_is_for_its_sender_and_receivers_alone(office: Exchange) -> None:
    request = document(HEALTH)
    sent = await office.ask("send-document", request)
    stranger = "H49.35"
    for operation, asked, agency in (
        ("get-document", {"maThongDiep": sent["maThongDiep"]}, stranger),
        ("report-status", {"maThongDiep": sent["maThongDiep"], "trangThai": "DA_DEN"}, stranger),
        ("report-status", {"maThongDiep": sent["maThongDiep"], "trangThai": "DA_DEN"}, FINANCE),
        ("recall-document", {"maTaiLieu": request["maTaiLieu"], "lyDo": "x"}, stranger),
        ("update-document", {"vanBan": request, "lyDo": "x"}, stranger),
    ):
        with pytest.raises(Declared) as declared:
            await office.ask(operation, asked, agency)
        assert declared.value.code == "document-not-found"
    assert (await office.ask("list-received", {}, stranger))["thongDiep"] == []
    assert (await office.ask("list-received", {}, "H49.3"))["thongDiep"] == []
    with pytest.raises(Declared) as declared:
        await office.ask("send-document", document(HEALTH, sender="H49.35"))
    assert declared.value.code == "sender-not-allowed"
    with pytest.raises(Declared) as declared:
        await office.ask("send-document", {**request, "trichYeu": "Khác"})
    assert declared.value.code == "document-exists"


async def test_updates_and_replacements_arrive_as_such(office: Exchange) -> None:
    request = document(HEALTH)
    await office.ask("send-document", request)
    removed = [{"maDinhDanh": HEALTH, "thayDoi": "BO"}]
    update = {"vanBan": {**request, "noiNhan": [{"maDinhDanh": "H49.35"}]}, "lyDo": "Đổi", "thayDoiNoiNhan": removed}
    updated = await office.ask("update-document", update)
    assert [receiver["maDinhDanh"] for receiver in updated["noiNhan"]] == ["H49.35", HEALTH]
    fetched = await office.ask("get-document", {"maThongDiep": updated["maThongDiep"]}, HEALTH)
    assert (fetched["nghiepVu"], fetched["capNhat"]["thayDoiNoiNhan"]) == ("CAP_NHAT", removed)
    recall = await office.ask("recall-document", {"maTaiLieu": request["maTaiLieu"], "lyDo": "Nhầm"})
    assert {receiver["maDinhDanh"] for receiver in recall["noiNhan"]} == {"H49.35", HEALTH}
    new = document(HEALTH)
    replaced = [{"maTaiLieu": request["maTaiLieu"]}]
    sent = await office.ask("replace-document", {"vanBan": new, "lyDo": "Sai", "thayThe": replaced})
    fetched = await office.ask("get-document", {"maThongDiep": sent["maThongDiep"]}, HEALTH)
    assert (fetched["nghiepVu"], fetched["thayThe"], fetched["vanBan"]) == ("THAY_THE", replaced, new)


async def test_a_document_goes_out_to_the_axis(office: Exchange, axis: Axis) -> None:
    file = await office.files.write(PDF, "cv.pdf", "application/pdf", own_call())
    attached = [{"ten": "công văn.pdf", "loaiNoiDung": "application/pdf", "tep": file}]
    request = document("G12", "G01", HEALTH, tepDinhKem=attached)
    sent = await office.ask("send-document", request)
    assert [receiver["duongDi"] for receiver in sent["noiNhan"]] == ["TRUC_QUOC_GIA", "TRUC_QUOC_GIA", "TRUC_TINH"]
    assert await office.ask("send-document", request) == sent
    kept = await axis.kept()
    assert [(row["sender"], row["receiver"], row["notation"]) for row in kept] == [
        (FINANCE, "G12", "12/STC-VP"),
        (FINANCE, "G01", "12/STC-VP"),
    ]
    read = codec.read_document(EdxmlMessage.parse(await axis.content(kept[0]["id"])))
    assert read.attachments == (Attachment("công văn.pdf", PDF),)
    assert (read.fields["maTaiLieu"], read.fields["nghiepVu"]) == (request["maTaiLieu"], "MOI")

    answer = STATUS.decode().replace("5b0c0000-0000-4000-8000-000000000001", request["maTaiLieu"])
    answer = answer.replace("H49.1.2", FINANCE).replace("H49.5", "G12")
    await axis.bring(answer.encode())
    assert await office.look("status-changed") == 1
    [status] = office.events.of("status-changed")
    assert (status["coQuanBao"], status["trangThai"], status["maThongDiep"]) == (
        "G12",
        "TIEP_NHAN",
        sent["maThongDiep"],
    )
    seen = await office.ask("get-document", {"maThongDiep": sent["maThongDiep"]})
    assert seen["trangThai"][0]["nguoiXuLy"]["hoVaTen"] == "Trần Thị B"
    await office.ask("recall-document", {"maTaiLieu": request["maTaiLieu"], "lyDo": "Nhầm", "noiNhan": ["G12"]})
    recalled = codec.read_document(EdxmlMessage.parse(await axis.content((await axis.kept())[-1]["id"])))
    assert (recalled.fields["nghiepVu"], recalled.fields["maTaiLieuGoc"]) == ("THU_HOI", request["maTaiLieu"])


async def test_a_document_comes_in_from_the_axis(office: Exchange, axis: Axis) -> None:
    content = from_outside()
    await axis.bring(content)
    assert await office.look() == 1
    [received] = office.events.of("document-received")
    assert (received["coQuanGui"], received["coQuanNhan"], received["duongDi"]) == ("G12", HEALTH, "TRUC_QUOC_GIA")
    fetched = await office.ask("get-document", {"maThongDiep": received["maThongDiep"]}, HEALTH)
    [attached] = fetched["vanBan"]["tepDinhKem"]
    assert (attached["ten"], office.files.contents[attached["tep"]]) == ("cv.pdf", PDF)
    assert office.files.contents[fetched["banGoc"]] == content
    assert [row["status"] for row in await axis.kept()] == ["done"]
    await office.ask("report-status", {"maThongDiep": received["maThongDiep"], "trangThai": "HOAN_THANH"}, HEALTH)
    answer = (await axis.kept())[-1]
    assert (answer["message_type"], answer["sender"], answer["receiver"]) == ("status", HEALTH, "G12")
    status = codec.read_status(EdxmlMessage.parse(await axis.content(answer["id"])))
    assert (status["trangThai"], status["traLoiCho"]["maTaiLieu"]) == ("HOAN_THANH", received["maTaiLieu"])


@pytest.mark.parametrize(
    "content",
    [
        from_outside(TyperNotation="MẬT"),
        from_outside(BussinessDocReason="Tài liệu tối mật"),
        from_outside(name="TUYỆT MẬT.pdf"),
        from_outside().replace(b"<OtherInfo>", b"<OtherInfo><SecurityLevel>2</SecurityLevel>"),
    ],
    ids=["notation", "reason", "inside a zip", "own element"],
)
async def test_a_secret_document_of_the_axis_is_refused(
    office: Exchange, axis: Axis, tmp_path: Path, content: bytes
) -> None:
    await axis.bring(content)
    await axis.bring(from_outside())
    assert await office.look() == 1
    assert [row["status"] for row in await axis.kept() if row["message_type"] == "edoc"] == ["fail", "done"]
    assert len(office.events.of("document-received")) == 1
    refusal = next(row for row in await axis.kept() if row["message_type"] == "status")
    status = codec.read_status(EdxmlMessage.parse(await axis.content(refusal["id"])))
    assert (status["trangThai"], refusal["receiver"]) == ("TU_CHOI", "G12")

    async def is_reported() -> bool:
        return "secret-document-refused" in (tmp_path / "security.log").read_text()

    await eventually(is_reported)


async def test_what_is_no_edxml_does_not_hold_up_others(office: Exchange, axis: Axis) -> None:
    await axis.bring(from_outside().replace(b"BussinessDocType", b"Khac"))
    await axis.bring(from_outside(), **{"from": "G01"})
    await axis.bring(from_outside())
    assert await office.look() == 1
    assert [row["status"] for row in await axis.kept()] == ["fail", "fail", "done"]


async def test_a_secret_name_inside_a_zip_is_refused_in_both_directions(office: Exchange, axis: Axis) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hồ sơ/TỐI MẬT/1.pdf", PDF)
    file = await office.files.write(buffer.getvalue(), "ho-so.zip", "application/zip", own_call())
    attached = [{"ten": "ho-so.zip", "loaiNoiDung": "application/zip", "tep": file}]
    with pytest.raises(Declared) as declared:
        await office.ask("send-document", document("G12", HEALTH, tepDinhKem=attached))
    assert declared.value.code == "attachment-secret"
    assert office.events.of("document-received") == []
    await axis.bring(from_outside(name="ho-so.zip", attached=buffer.getvalue()))
    assert await office.look() == 0
    assert [row["status"] for row in await axis.kept() if row["message_type"] == "edoc"] == ["fail"]


async def test_an_attachment_that_is_a_program_is_refused_and_its_sender_is_told(office: Exchange, axis: Axis) -> None:
    await axis.bring(from_outside(attached=b"MZ\x90\x00"))
    await axis.bring(from_outside())
    assert await office.look() == 1
    assert [row["status"] for row in await axis.kept() if row["message_type"] == "edoc"] == ["fail", "done"]
    refusal = next(row for row in await axis.kept() if row["message_type"] == "status")
    status = codec.read_status(EdxmlMessage.parse(await axis.content(refusal["id"])))
    assert (status["trangThai"], refusal["receiver"]) == ("TU_CHOI", "G12")
    assert "Tệp đính kèm" in status["dienGiai"]


async def test_an_attachment_whose_name_is_wrong_arrives(office: Exchange, axis: Axis) -> None:
    await axis.bring(from_outside(attached=b"no PDF"))
    assert await office.look() == 1
    [received] = office.events.of("document-received")
    fetched = await office.ask("get-document", {"maThongDiep": received["maThongDiep"]}, HEALTH)
    [attached] = fetched["vanBan"]["tepDinhKem"]
    assert (attached["ten"], office.files.contents[attached["tep"]]) == ("cv.pdf", b"no PDF")


async def test_what_was_fetched_before_a_process_ended_comes_once(tmp_path: Path, axis: Axis) -> None:
    events, files = PublishedEvents(), KeptFiles()
    async with exchange(tmp_path, axis, events, files) as first:
        await eventually(lambda: axis.knows(HEALTH))
        await axis.bring(from_outside())
        source = first.adapter.event_sources()["document-received"]
        [occurrence] = (await source.read(None)).occurrences
        await first.adapter.publish("document-received", occurrence.data, id=occurrence.id)  # and the axis is not told
    async with exchange(tmp_path, axis, events, files) as second:
        assert (await second.look(), await second.look()) == (1, 0)
        assert (len(events.of("document-received")), events.repeated, len(files.contents)) == (1, 1, 2)
        assert len((await second.ask("list-received", {}, HEALTH))["thongDiep"]) == 1


async def test_what_the_axis_took_without_an_answer_is_not_sent_again(office_on_either: Exchange, axis: Axis) -> None:
    office = office_on_either
    await office.ask("send-document", document("G12"))
    await axis.fail(swallow=True)
    request = document("G12", trichYeu="V/v khác")
    for _ in range(2):
        with pytest.raises(UpstreamFailed):
            await office.ask("send-document", request)
    await axis.fail()
    await office.ask("send-document", request)
    await office.ask("send-document", request)
    assert [row["title"] for row in await axis.kept()] == ["V/v lập dự toán năm 2027", "V/v khác"]


async def test_attachments_outlive_the_files_of_the_bus(office: Exchange, axis: Axis, tmp_path: Path) -> None:
    file = await office.files.write(PDF, "cv.pdf", "application/pdf", own_call())
    attached = [{"ten": "cv.pdf", "loaiNoiDung": "application/pdf", "tep": file}]
    sent = await office.ask("send-document", document(HEALTH, tepDinhKem=attached))
    content = from_outside()
    await axis.bring(content)
    await office.look()
    office.files.contents.clear()  # what the bus does after a week
    office.files.facts.clear()
    database = sqlite3.connect(tmp_path / "documents.db")
    database.execute("UPDATE files SET time = time - 8 * 86400")
    database.commit()
    database.close()
    of_axis = office.events.of("document-received")[1]["maThongDiep"]
    for message in (sent["maThongDiep"], of_axis):
        fetched = await office.ask("get-document", {"maThongDiep": message}, HEALTH)
        [found] = fetched["vanBan"]["tepDinhKem"]
        assert office.files.contents[found["tep"]] == PDF
        again = await office.ask("get-document", {"maThongDiep": message}, HEALTH)
        assert again["vanBan"]["tepDinhKem"] == [found]
    assert office.files.contents[fetched["banGoc"]] == content
    assert len(office.files.contents) == 3


async def test_an_attachment_that_cannot_be_sent_is_said_before_anything_is_stored(
    office: Exchange, tmp_path: Path
) -> None:
    missing = f"/files/{uuid.uuid4()}"
    secret = await office.files.write(PDF, "TỐI MẬT.pdf", "application/pdf", own_call())
    for reference, code in ((missing, "attachment-unusable"), (secret, "attachment-secret")):
        attached = [{"ten": "cv.pdf", "loaiNoiDung": "application/pdf", "tep": reference}]
        with pytest.raises(Declared) as declared:
            await office.ask("send-document", document(HEALTH, tepDinhKem=attached))
        assert declared.value.code == code
    assert (await office.ask("list-received", {}, HEALTH))["thongDiep"] == []
    await eventually(lambda: "secret-document-refused" in (tmp_path / "security.log").read_text())


async def test_what_a_caller_left_unfinished_is_finished_by_the_exchange(
    office_on_either: Exchange, axis: Axis
) -> None:
    office = office_on_either
    await office.ask("send-document", document("G12"))
    await axis.fail(status=500, path="/sendEdoc")
    request = document("G12", HEALTH)
    with pytest.raises(UpstreamFailed):
        await office.ask("send-document", request)
    await office.adapter.finish_unfinished(-1)
    assert len(await axis.kept()) == 1
    await axis.fail()
    await office.adapter.finish_unfinished(-1)
    await office.adapter.finish_unfinished(-1)
    assert [row["receiver"] for row in await axis.kept()] == ["G12", "G12"]
    assert len(office.events.of("document-received")) == 1


async def test_documents_of_the_axis_whose_events_are_refused_keep_no_others_back(office: Exchange, axis: Axis) -> None:
    office.events.refused = {FINANCE}
    for _ in range(READ_AT_ONCE + 1):
        await axis.bring(from_outside(FINANCE))
    for _ in range(2):
        await axis.bring(from_outside(HEALTH))
    assert [await office.look(), await office.look(), await office.look()] == [0, 2, 0]
    assert {row["receiver"] for row in await axis.kept() if row["status"] == "done"} == {HEALTH}
    office.events.refused.clear()
    assert await office.look() == READ_AT_ONCE + 1
    assert {row["status"] for row in await axis.kept()} == {"done"}


async def test_documents_whose_events_are_refused_keep_no_others_unfinished(
    office: Exchange, axis: Axis, tmp_path: Path
) -> None:
    office.events.refused = {FINANCE, HEALTH}
    for _ in range(MAX_UNFINISHED):
        with pytest.raises(PublicationRefused):
            await office.ask("send-document", document(FINANCE, sender=HEALTH), HEALTH)
    with pytest.raises(PublicationRefused):
        await office.ask("send-document", document(HEALTH))
    office.events.refused = {FINANCE}
    await office.adapter.finish_unfinished(-1)
    await office.adapter.finish_unfinished(-1)
    assert [event["coQuanNhan"] for event in office.events.of("document-received")] == [HEALTH]


async def test_what_fails_again_and_again_is_set_aside_shown_and_tried_now_and_then(
    office: Exchange, tmp_path: Path
) -> None:
    office.events.refused = {FINANCE}
    with pytest.raises(PublicationRefused):
        await office.ask("send-document", document(FINANCE, HEALTH, sender=HEALTH), HEALTH)
    [told] = office.events.of("document-received")
    assert told["coQuanNhan"] == HEALTH, "who is not refused does not wait"
    assert office.adapter.standing() == {}
    store = DocumentStore(f"sqlite:///{tmp_path}/documents.db", (tmp_path / "key").read_text())
    await store.open()
    yesterday = time.time() - 86_400
    for _ in range(SET_ASIDE_AFTER - 1):
        await store.record_failure(told["maThongDiep"], yesterday, "late")
    await store.close()
    await office.adapter.finish_unfinished(-1)
    aside: Any = office.adapter.standing()["setAside"]
    assert (aside["count"], aside["since"], "refused" in aside["reason"]) == (1, round(yesterday, 3), True)
    office.events.refused.clear()
    await office.adapter.finish_unfinished(-1)
    assert len(office.events.of("document-received")) == 1, "it waits for its time"


async def test_an_unknown_agency_and_an_unreachable_axis_are_told_apart(office: Exchange, axis: Axis) -> None:
    with pytest.raises(Declared) as declared:
        await office.ask("send-document", document("G99"))
    assert declared.value.code == "agency-unknown"
    await axis.fail(status=500)
    with pytest.raises(UpstreamFailed):
        await office.ask("send-document", document("G98"))
    await axis.fail()
    listed = (await office.ask("list-agencies", {}))["donVi"]
    assert {"maDinhDanh": "G12", "ten": "Bộ Tài chính"} in listed


async def test_nothing_of_a_document_is_readable_on_disk(office: Exchange, tmp_path: Path) -> None:
    await office.ask("send-document", document(HEALTH, trichYeu="Kỷ luật ông Nguyễn Văn Riêng"))
    stored: Any = b"".join(path.read_bytes() for path in tmp_path.glob("documents.db*"))
    assert HEALTH.encode() in stored
    assert "Riêng".encode() not in stored
    assert b"STC-VP" not in stored


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"XroadVnpt-timestamp": "01012020T000000+0000"}, "15"),
        ({"XroadVnpt-hash-header": "0" * 64}, "15"),
        ({"XroadVnpt-docId": "x"}, "15"),
        ({}, "18"),
    ],
    ids=["changed after signing", "another secret", "unsigned parameter", "signed long ago"],
)
async def test_the_axis_refuses_what_is_not_signed_well(axis: Axis, changed: dict[str, str], code: str) -> None:
    stamp = f"{datetime.now(VIETNAM):%d%m%YT%H%M%S}+0000" if changed else "01012020T000000+0000"
    named = {"XroadVnpt-systemid": CREDENTIALS["system"], "XroadVnpt-timestamp": stamp}
    signed = json.dumps(named)
    headers = {
        **named,
        "XroadVnpt-sign-header-key": "systemid;timestamp",
        "XroadVnpt-sign-header": signed,
        "XroadVnpt-hash-header": hmac.digest(CREDENTIALS["secret"].encode(), signed.encode(), "sha256").hex(),
        **changed,
    }
    async with aiohttp.ClientSession() as session, session.post(f"{axis.url}/getAgenciesList", headers=headers) as got:
        answer = await got.json()
        assert (answer["status"], answer["ErrorCode"]) == ("FAIL", code)
