"""edXML: what comes is read whatever its order and additions, written without loss, and refused where it is unsafe or marked as secret."""

import base64
import contextlib
import io
import os
import unicodedata
import zipfile
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.edxml_samples import DOCUMENT, FIELDS, STATUS, document_with
from support.examples import examples

from lgsp_adapters.edxml import attachments, codec, message
from lgsp_adapters.edxml.attachments import Attachment
from lgsp_adapters.edxml.message import EdxmlMessage, InvalidEdxmlError
from lgsp_adapters.edxml.norm import BUSINESS, STATUS_CODES
from lgsp_adapters.edxml.norm import STATUS as STATUS_NAMES
from lgsp_adapters.edxml.secrecy import is_secret

PDF = Attachment("cv.pdf", b"%PDF-1.7 content")


@pytest.mark.parametrize("sample", [DOCUMENT, STATUS], ids=["document", "status"])
def test_samples_are_written_byte_for_byte(sample: bytes) -> None:
    for variant in (
        sample,
        b'<?xml version="1.0" encoding="UTF-8"?>\r\n<!-- e -->\n' + sample + b"\n<!-- end -->\n",
        b"\xef\xbb\xbf" + sample,
        sample.replace(b"<edXMLBody>", '<Them a="1">ý kiến<![CDATA[ <b> ]]><!-- x --></Them><edXMLBody>'.encode()),
    ):
        assert EdxmlMessage.parse(variant).to_bytes() == variant


def test_a_document_is_read_as_fields() -> None:
    read = codec.read_document(EdxmlMessage.parse(document_with(attachments.pack(PDF))))
    assert read.fields == FIELDS
    assert read.attachments == (PDF,)


def test_order_and_additions_do_not_matter() -> None:
    sample = document_with(attachments.pack(PDF)).decode()
    identifier = "<DocumentId>5b0c0000-0000-4000-8000-000000000001</DocumentId>"
    trace = sample[sample.index("<TraceHeader>") : sample.index("<Bussiness>")]
    moved = sample.replace(identifier, "").replace("</MessageHeader>", f"{identifier}</MessageHeader>")
    moved = moved.replace(trace, "").replace("</TraceHeaderList>", f"{trace}</TraceHeaderList>")
    moved = moved.replace("<OtherInfo>", "<OtherInfo><Direction>1</Direction>").replace("cid:1", "cid:5b0c")
    read = codec.read_document(EdxmlMessage.parse(moved.encode()))
    expected = {**FIELDS, "tepDinhKem": [{**FIELDS["tepDinhKem"][0], "maNoiDung": "cid:5b0c"}]}
    assert (read.fields, read.attachments) == (expected, (PDF,))


@pytest.mark.parametrize(("code", "name"), BUSINESS.items())
def test_each_business_is_read_and_written(code: str, name: str) -> None:
    fields = {
        **FIELDS,
        "nghiepVu": name,
        "lyDo": "Nhầm nơi nhận",
        "capNhat": {"noiDung": False, "noiNhan": True, "thayDoiNoiNhan": [{"maDinhDanh": "H49.5", "thayDoi": "BO"}]},
        "thayThe": [{"maTaiLieu": "5b0c0000-0000-4000-8000-000000000009", "noiNhan": ["H49.5", "H49.6"]}],
        "nguoiXuLy": {"donVi": "Văn phòng", "hoVaTen": "Trần Thị B", "dienThoai": "0900000000"},
    }
    written = codec.write_document(fields, [PDF]).to_bytes()
    assert f"<BussinessDocType>{code}</BussinessDocType>".encode() in written
    assert codec.read_document(EdxmlMessage.parse(written)).fields == fields


def test_a_status_is_read_as_fields() -> None:
    parsed = EdxmlMessage.parse(STATUS)
    assert codec.is_status(parsed)
    assert not codec.is_status(EdxmlMessage.parse(DOCUMENT))
    assert codec.read_status(parsed)["trangThai"] == "TIEP_NHAN"


@pytest.mark.parametrize(("code", "name"), STATUS_NAMES.items())
def test_each_status_is_read_and_written(code: str, name: str) -> None:
    fields = {
        "traLoiCho": {"maDinhDanh": "H49.1.2", "soKyHieu": "12/SM-VP", "maTaiLieu": FIELDS["maTaiLieu"]},
        "noiGui": {"maDinhDanh": "H49.5", "tenCoQuan": "Sở Khác"},
        "trangThai": name,
        "thoiDiem": "2026-11-27T09:00:00+07:00",
    }
    written = codec.write_status(fields).to_bytes()
    assert f"<StatusCode>{STATUS_CODES[name]}</StatusCode>".encode() in written
    assert codec.read_status(EdxmlMessage.parse(written)) == fields
    assert codec.read_status(EdxmlMessage.parse(written.replace(b"de>0", b"de>"))) == fields


TEXTS = (
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
    .map(lambda text: text.strip() or "x")
    .filter(lambda text: not {"\ufffe", "\uffff"} & set(text))
)
DAYS = st.dates(min_value=date(1000, 1, 1)).map(str)
ORGANS = st.fixed_dictionaries({"maDinhDanh": TEXTS}, optional={"tenCoQuan": TEXTS, "diaChi": TEXTS, "fax": TEXTS})
DOCUMENTS = st.fixed_dictionaries(
    {
        "noiGui": ORGANS,
        "noiNhan": st.lists(ORGANS, min_size=1, max_size=3),
        "nghiepVu": st.sampled_from([*BUSINESS.values()]),
    },
    optional={
        "trichYeu": TEXTS,
        "soVanBan": TEXTS,
        "ngayBanHanh": DAYS,
        "nguoiKy": st.fixed_dictionaries({"hoVaTen": TEXTS}),
        "phuLuc": st.lists(TEXTS, min_size=1, max_size=3),
        "doKhan": st.integers(0, 4),
        "traLoiCho": st.lists(st.fixed_dictionaries({"maTaiLieu": TEXTS, "ngayBanHanh": DAYS}), min_size=1, max_size=2),
        "hanhTrinh": st.lists(st.fixed_dictionaries({"maDinhDanh": TEXTS}), min_size=1, max_size=2),
    },
)


@settings(max_examples=examples(300), deadline=None)
@given(DOCUMENTS)
def test_whatever_is_written_is_read_again(fields: dict[str, Any]) -> None:
    written = codec.write_document(fields)
    read = codec.read_document(EdxmlMessage.parse(written.to_bytes()))
    assert read.fields == {"coBanGiay": False, **fields}
    assert EdxmlMessage.parse(written.to_bytes()).to_bytes() == written.to_bytes()


@settings(max_examples=examples(300), deadline=None)
@given(st.binary(max_size=400) | st.binary(max_size=60).map(lambda cut: DOCUMENT[: len(DOCUMENT) - len(cut)] + cut))
def test_what_is_no_edxml_is_refused_in_one_way(content: bytes) -> None:
    try:
        parsed = EdxmlMessage.parse(content)
        codec.read_document(parsed)
    except InvalidEdxmlError:
        return
    assert parsed.to_bytes()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'<!DOCTYPE edXML [<!ENTITY a "b">]><edXML>&a;</edXML>', "document type"),
        (b'<!DOCTYPE edXML SYSTEM "file:///etc/passwd"><edXML/>', "document type"),
        (b"<edXML>" + b"<a>" * 40 + b"</a>" * 40 + b"</edXML>", "levels"),
        (b"<edXML>" + b"<a/>" * 50_000 + b"</edXML>", "elements"),
        (b'<?xml version="1.0" encoding="windows-1258"?><edXML/>', "UTF-8"),
        ("<edXML/>".encode("utf-16"), "UTF-8"),
        (b"<khac/>", "root"),
        (b"<edXML>", "not XML"),
    ],
)
def test_unsafe_xml_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(InvalidEdxmlError, match=why):
        EdxmlMessage.parse(content)


def zipped(*entries: tuple[str, bytes]) -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return base64.b64encode(buffer.getvalue()).decode()


def test_attachments_are_packed_and_unpacked() -> None:
    assert attachments.unpack(attachments.pack(PDF), "khac.pdf") == [PDF]
    several = [Attachment("công văn.pdf", b"1"), Attachment("phụ lục.xlsx", b"2")]
    assert attachments.unpack(zipped(*((file.name, file.content) for file in several)), "x.zip") == several
    assert attachments.unpack("JVBERi0x\nLjc=", "cv.pdf") == [Attachment("cv.pdf", b"%PDF-1.7")]
    word = zipped(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>"))
    assert attachments.unpack(word, "cv.docx") == [Attachment("cv.docx", base64.b64decode(word))]


@pytest.mark.parametrize("size", [0, 1, 1_000_000])
def test_size_of_an_attachment_does_not_matter(size: int) -> None:
    file = Attachment("a.bin", bytes(range(256)) * (size // 256) + b"z" * (size % 256))
    assert attachments.unpack(attachments.pack(file), "") == [file]


@pytest.mark.parametrize(
    ("encoded", "why"),
    [
        (zipped(("a.txt", b"0" * 20_000_000)), "too large"),
        (zipped(*((f"{number}.txt", b"0" * 500_000) for number in range(90))), "too large"),
        (zipped(*((f"{number}.txt", b"") for number in range(2_000))), "more than 100"),
        (zipped(("../../etc/cron.d/a", b"x")), "plain name"),
        (zipped(("a\\b.pdf", b"x")), "plain name"),
        (zipped(("/a.pdf", b"x")), "plain name"),
        (zipped(("C:a.pdf", b"x")), "plain name"),
        (zipped(("a\u202efdp.exe", b"x")), "plain name"),
        (zipped(("..", b"x")), "plain name"),
        (zipped(), "base64|no entry|damaged|plain"),
        ("%%%", "base64"),
        (base64.b64encode(b"PK\x03\x04 cut").decode(), "damaged"),
    ],
)
def test_unsafe_attachments_are_refused(encoded: str, why: str) -> None:
    with pytest.raises(InvalidEdxmlError, match=why):
        attachments.unpack(encoded, "")


@settings(max_examples=examples(200), deadline=None)
@given(st.data())
def test_a_damaged_zip_is_refused_in_one_way(data: st.DataObject) -> None:
    good = bytearray(base64.b64decode(zipped(("a.txt", b"abc" * 100), ("b.txt", b"xyz"))))
    for _ in range(data.draw(st.integers(1, 8))):
        good[data.draw(st.integers(4, len(good) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidEdxmlError):
        assert len(attachments.unpack(base64.b64encode(good).decode(), "a.bin")) <= attachments.MAX_ENTRIES


def with_attachments(*encoded: str) -> EdxmlMessage:
    content = DOCUMENT.decode()
    one = content[content.index("<Attachment>") : content.index("</AttachmentEncoded>")]
    return EdxmlMessage.parse(
        content.replace(one, "".join(one.replace("BASE64(ZIP)", part) for part in encoded)).encode()
    )


def test_many_attachments_are_no_bomb_together() -> None:
    size = 60 << 20
    bomb = zipped(("a.bin", bytes(size) + os.urandom(300_000)))
    assert len(attachments.unpack(bomb, "a")[0].content) > size, "one alone is let through"
    with pytest.raises(InvalidEdxmlError, match="too large"):
        codec.read_document(with_attachments(*[bomb] * 20))


def test_many_files_in_many_attachments_are_refused() -> None:
    many = zipped(*((f"{number}.txt", b"a") for number in range(60)))
    assert len(codec.read_document(with_attachments(*[many] * 8)).attachments) == 480
    with pytest.raises(InvalidEdxmlError, match="more than 500 files"):
        codec.read_document(with_attachments(*[many] * 9))


SECRETS = [
    ("<Subject>V/v ví dụ</Subject>", "<Subject>V/v nhân sự (Mật)</Subject>"),
    ("<Subject>V/v ví dụ</Subject>", "<Subject>TOI MAT: nhan su</Subject>"),
    ("<TyperNotation/>", "<TyperNotation>MAT</TyperNotation>"),
    ("<CodeNotation>SM-VP</CodeNotation>", "<CodeNotation>SM-VP/MẬT</CodeNotation>"),
    ("<OtherInfo>", "<OtherInfo><SecurityLevel>2</SecurityLevel>"),
    ("<OtherInfo>", '<OtherInfo doMat="Tuyệt mật">'),
    ("<OtherInfo>", "<OtherInfo><DoMat>A</DoMat>"),
    ("<OtherInfo>", "<OtherInfo><!-- TUYỆT MẬT -->"),
    ("<TypeName>Công văn</TypeName>", "<TypeName>Công văn Tối mật</TypeName>"),
    ("<AttachmentName>cv.pdf</AttachmentName>", "<AttachmentName>cv-MẬT.pdf</AttachmentName>"),
    ("<Description/>", "<Description>Độ mật: B</Description>"),
    ("<BussinessDocReason/>", "<BussinessDocReason>Văn bản tối mật</BussinessDocReason>"),
    ("<Subject>V/v ví dụ</Subject>", "<Subject>TUYỆT M<!-- -->ẬT V/v ví dụ</Subject>"),
    ("<Subject>V/v ví dụ</Subject>", "<Subject><b>(M<i>Ậ</i></b>T) V/v ví dụ</Subject>"),
    ("<Subject>V/v ví dụ</Subject>", "<Subject>(M<ContentId>Ậ</ContentId>T) V/v ví dụ</Subject>"),
    ("<CodeNotation>SM-VP</CodeNotation>", "<CodeNotation>SM-M<?x?>AT</CodeNotation>"),
    ("<ContentId>cid:1</ContentId>", '<ContentId doMat="2">cid:1</ContentId>'),
    ("<ContentId>cid:1</ContentId>", "<ContentId>cid:1</ContentId>TỐI MẬT"),
    ("<OtherInfo>", '<OtherInfo><Property name="DoMat" value="2"/>'),
    ("<OtherInfo>", '<OtherInfo><Property name="Độ mật">A</Property>'),
    ("<OtherInfo>", "<OtherInfo><DoMat><Ma>2</Ma></DoMat>"),
    ("<OtherInfo>", "<OtherInfo><LoaiMat>A</LoaiMat>"),
    ("<Description/>", "<Description>Ðộ mật: B</Description>"),
]


@pytest.mark.parametrize(("part", "marked"), SECRETS)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_secret_message_is_recognised(part: str, marked: str, form: Any) -> None:
    assert part in DOCUMENT.decode()
    changed = unicodedata.normalize(form, DOCUMENT.decode().replace(part, marked))
    assert is_secret(EdxmlMessage.parse(changed.encode()))


def test_an_innocent_message_is_not() -> None:
    innocent = DOCUMENT.decode().replace("V/v ví dụ", "Về bảo vệ bí mật nhà nước")
    innocent = innocent.replace("<OtherInfo>", "<OtherInfo><DoMat>Thường</DoMat><SecurityLevel>0</SecurityLevel>")
    innocent = innocent.replace("<OtherInfo>", '<OtherInfo><Property name="DoMat" value="0"/>')
    innocent = innocent.replace("<OtherInfo>", "<OtherInfo><DoMat><Ma>0</Ma> <Ten>Thường</Ten></DoMat>")
    innocent = innocent.replace("Nguyễn Văn A", "Trần Mật").replace("Giám đốc", "Phó<b/> Giám đốc")
    assert not is_secret(EdxmlMessage.parse(innocent.encode()))
    assert not is_secret(EdxmlMessage.parse(STATUS))
    assert is_secret(EdxmlMessage.parse(STATUS), ["TUYỆT MẬT.pdf"])


def test_names_inside_a_zip_are_read_in_utf_8_without_its_flag() -> None:
    packed = bytearray(base64.b64decode(zipped(("MẬT.pdf", b"x"))))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = packed.index(signature) + offset
        packed[position + 1] &= ~0x08
    [file] = attachments.unpack(base64.b64encode(packed).decode(), "")
    assert file.name == "MẬT.pdf"


def test_the_limits_are_those_of_the_documentation() -> None:
    assert (message.MAX_BYTES, attachments.MAX_UNPACKED_BYTES) == (64 << 20, 256 << 20)
    assert (attachments.MAX_ENTRIES, codec.MAX_FILES) == (100, 500)
