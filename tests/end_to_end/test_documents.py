"""Two agencies exchange documents through the bus, and one goes out to the national axis and one comes in: each once."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.document_exchange import FINANCE, HEALTH, PDF
from support.documents_bus import FROM_FINANCE, FROM_HEALTH, FROM_STRANGER, DocumentsBus
from support.edxml_samples import document_with
from support.waits import eventually

from lgsp_adapters.edxml import attachments, codec
from lgsp_adapters.edxml.attachments import Attachment
from lgsp_adapters.edxml.message import EdxmlMessage


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[DocumentsBus]:
    started = await DocumentsBus(tmp_path).start()
    yield started
    await started.stop()


def document(*receivers: str, **more: Any) -> dict[str, Any]:
    """Return a document to send."""
    return {
        "maTaiLieu": str(uuid.uuid4()),
        "noiGui": {"maDinhDanh": FINANCE, "tenCoQuan": "Sở Tài chính"},
        "noiNhan": [{"maDinhDanh": code} for code in receivers],
        "soVanBan": "12",
        "kyHieu": "STC-VP",
        "trichYeu": "V/v lập dự toán năm 2027",
        **more,
    }


def from_outside(name: str = "cv.pdf", subject: str = "V/v ví dụ") -> bytes:
    """Return a document of a ministry for the Department of Health."""
    content = document_with(attachments.pack(Attachment(name, PDF))).decode()
    content = content.replace("<OrganId>H49.1.2</OrganId>", "<OrganId>G12</OrganId>").replace("H49.5", HEALTH)
    content = content.replace("5b0c0000-0000-4000-8000-000000000001", str(uuid.uuid4()))
    return content.replace("V/v ví dụ", subject).encode()


async def is_answered(bus: DocumentsBus, path: str, system: str) -> bool:
    """Tell whether an accepted message was answered with success."""
    got = await bus.request("GET", path, system)
    assert got.status == 200, got.body
    assert got.json["state"] in ("accepted", "delivering", "answered"), got.body
    return bool(got.json["state"] == "answered")


async def test_documents_between_agencies_and_with_the_axis(bus: DocumentsBus) -> None:
    arrived = await bus.subscribe(FROM_HEALTH, "document-received")
    reported = await bus.subscribe(FROM_FINANCE, "status-changed")
    of_a_stranger = await bus.subscribe(FROM_STRANGER, "document-received")
    stream_of_a_stranger = await bus.subscribe(FROM_STRANGER, "document-received", "sse")

    # Accepted now and delivered later: to an agency of the province and to the axis, with a PDF.
    file = await bus.upload(PDF, "cong-van.pdf")
    attached = [{"ten": "công văn.pdf", "loaiNoiDung": "application/pdf", "tep": file}]
    request = document(HEALTH, "G12", tepDinhKem=attached)
    accepted = await bus.ask("send-document", request, Prefer="respond-async")
    assert accepted.status == 202, accepted.body
    await eventually(lambda: is_answered(bus, accepted.headers["Location"], FROM_FINANCE))
    [received] = await bus.pull(arrived, FROM_HEALTH, 1)
    assert (received["coQuanGui"], received["maTaiLieu"]) == (FINANCE, request["maTaiLieu"])
    about = {"maThongDiep": received["maThongDiep"]}
    fetched = await bus.ask("get-document", about, FROM_HEALTH)
    assert fetched.json["vanBan"] == request
    assert (await bus.request("GET", file, FROM_HEALTH)).body == PDF
    of_stranger = [await bus.request("GET", file, FROM_STRANGER), await bus.ask("get-document", about, FROM_STRANGER)]
    assert [got.status for got in of_stranger] == [404, 404]
    [sent] = await bus.axis.kept()
    outgoing = codec.read_document(EdxmlMessage.parse(await bus.axis.content(sent["id"])))
    assert outgoing.attachments == (Attachment("công văn.pdf", PDF),)

    # Its status comes back, it is recalled, and the receiver agrees.
    assert (await bus.ask("report-status", {**about, "trangThai": "TIEP_NHAN"}, FROM_HEALTH)).status == 200
    recall = {"maTaiLieu": request["maTaiLieu"], "lyDo": "Nhầm nơi nhận", "noiNhan": [HEALTH]}
    recalled = await bus.ask("recall-document", recall)
    [recall_event] = await bus.pull(arrived, FROM_HEALTH, 1)
    assert (recall_event["nghiepVu"], recall_event["maThongDiep"]) == ("THU_HOI", recalled.json["maThongDiep"])
    agreed = {"maThongDiep": recall_event["maThongDiep"], "trangThai": "DONG_Y_LAY_LAI"}
    assert (await bus.ask("report-status", agreed, FROM_HEALTH)).status == 200
    states = [event["trangThai"] for event in await bus.pull(reported, FROM_FINANCE, 2)]
    assert states == ["TIEP_NHAN", "DONG_Y_LAY_LAI"]

    # One comes in from the axis; one that is marked as secret does not, and neither goes out.
    await bus.axis.bring(from_outside(subject="V/v nhân sự (Mật)"))
    await bus.axis.bring(from_outside())
    [incoming] = await bus.pull(arrived, FROM_HEALTH, 1)
    document_of_g12 = (await bus.ask("get-document", {"maThongDiep": incoming["maThongDiep"]}, FROM_HEALTH)).json
    [scan] = document_of_g12["vanBan"]["tepDinhKem"]
    assert (await bus.request("GET", scan["tep"], FROM_HEALTH)).body == PDF

    async def is_settled() -> bool:
        return {row["status"] for row in await bus.axis.kept() if row["receiver"] == HEALTH} == {"done", "fail"}

    await eventually(is_settled)
    assert "secret-document-refused" in bus.security_log.read_text()
    secret = await bus.ask("send-document", document(HEALTH, trichYeu="TOI MAT: nhan su"))
    assert (secret.status, secret.json["code"]) == (451, "secret-document")
    marked = document(HEALTH, tepDinhKem=[{**attached[0], "ten": "MẬT.pdf"}])
    assert (await bus.ask("send-document", marked)).status == 451

    # An agency hears of its own documents alone.
    own = document("H49.35")
    assert (await bus.ask("send-document", own)).status == 200
    [first] = await bus.pull(of_a_stranger, FROM_STRANGER, 1)
    assert first["maTaiLieu"] == own["maTaiLieu"]
    assert await bus.first_of_stream(stream_of_a_stranger, FROM_STRANGER) == first
    kinds = {entry["kind"] for entry in await bus.entries() if entry.get("service") == "documents"}
    assert {"call", "accepted", "delivery", "event"} <= kinds


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_each_document_comes_and_goes_once_though_the_exchange_is_killed(bus: DocumentsBus) -> None:
    arrived = await bus.subscribe(FROM_HEALTH, "document-received")
    found: list[str] = []

    # Killed when the document was fetched and announced, and before the axis was told.
    await bus.axis.fail(delayMs=60_000, path="/updateStatus")
    await bus.axis.bring(from_outside())
    found += [event["maThongDiep"] for event in await bus.pull(arrived, FROM_HEALTH, 1)]
    await bus.exchange.kill()
    await bus.axis.fail()
    assert [row["status"] for row in await bus.axis.kept()] == ["initial"]
    await bus.exchange.start()

    # Killed when the axis had taken a document, and before that was recorded.
    async def is_done(count: int) -> bool:
        return [row["status"] for row in await bus.axis.kept() if row["receiver"] == HEALTH] == ["done"] * count

    await eventually(lambda: is_done(1), within=60)
    await bus.axis.fail(delayMs=60_000, path="/sendEdoc", after=True)
    request = document("G12", HEALTH)
    accepted = await bus.ask("send-document", request, Prefer="respond-async")

    async def has_taken() -> bool:
        return len([row for row in await bus.axis.kept() if row["sender"] == FINANCE]) == 1

    await eventually(has_taken)
    await bus.exchange.kill()
    await bus.axis.fail()
    await bus.exchange.start()
    await eventually(lambda: is_answered(bus, accepted.headers["Location"], FROM_FINANCE), within=90)
    assert len([row for row in await bus.axis.kept() if row["sender"] == FINANCE]) == 1

    # What comes last shows that nothing else came twice before it.
    await bus.axis.bring(from_outside())
    await eventually(lambda: is_done(2), within=60)
    found += [event["maThongDiep"] for event in await bus.pull(arrived, FROM_HEALTH, 2)]
    assert len(found) == len(set(found)) == 3
    listed = (await bus.ask("list-received", {}, FROM_HEALTH)).json["thongDiep"]
    assert {entry["maThongDiep"] for entry in listed} == set(found)  # events of two documents come in any order
    assert len(listed) == len(found)
