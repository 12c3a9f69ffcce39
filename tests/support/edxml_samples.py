"""Messages of edXML as document management systems write them, and what they mean."""

from typing import Any

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"

DOCUMENT = f"""<edXML xmlns="{NAMESPACE}"><edXMLEnvelope><edXMLHeader><MessageHeader>
 <From><OrganId>H49.1.2</OrganId><OrganizationInCharge>UBND tỉnh Mẫu</OrganizationInCharge><OrganName>Sở Mẫu</OrganName><OrganAdd/><Email/><Telephone/><Fax/><Website/></From>
 <To><OrganId>H49.5</OrganId><OrganName>Sở Khác</OrganName></To>
 <DocumentId>5b0c0000-0000-4000-8000-000000000001</DocumentId>
 <Code><CodeNumber>12</CodeNumber><CodeNotation>SM-VP</CodeNotation></Code>
 <PromulgationInfo><Place>Mẫu</Place><PromulgationDate>2026/11/27</PromulgationDate></PromulgationInfo>
 <DocumentType><Type>2</Type><TypeDetail>1</TypeDetail><TypeName>Công văn</TypeName></DocumentType><Subject>V/v ví dụ</Subject><Content>…</Content>
 <SignerInfo><Competence/><Position>Giám đốc</Position><FullName>Nguyễn Văn A</FullName></SignerInfo><DueDate/><ToPlaces><Place/></ToPlaces>
 <OtherInfo><Priority>0</Priority><SphereOfPromulgation/><TyperNotation/><PromulgationAmount>1</PromulgationAmount><PageAmount>2</PageAmount><Appendixes><Appendix/></Appendixes></OtherInfo>
 <ResponseFor><OrganId/><Code/><PromulgationDate/><DocumentId/></ResponseFor><SteeringType>1</SteeringType></MessageHeader>
 <TraceHeaderList><TraceHeader><OrganId>H49.1.2</OrganId><Timestamp>2026/11/27 08:00:00</Timestamp></TraceHeader>
  <Bussiness><BussinessDocType>0</BussinessDocType><BussinessDocReason/><Paper>0</Paper><DocumentId/></Bussiness></TraceHeaderList></edXMLHeader>
 <edXMLBody><edXMLManifest version="1.0"><Reference><ContentId>cid:1</ContentId><AttachmentName>cv.pdf</AttachmentName><Description/><ContentType>application/pdf</ContentType></Reference></edXMLManifest></edXMLBody></edXMLEnvelope>
 <AttachmentEncoded><Attachment><ContentId>cid:1</ContentId><AttachmentName>cv.pdf</AttachmentName><ContentType>application/zip</ContentType><ContentTransferEncoded>BASE64(ZIP)</ContentTransferEncoded></Attachment></AttachmentEncoded></edXML>""".encode()

FIELDS: dict[str, Any] = {
    "noiGui": {"maDinhDanh": "H49.1.2", "coQuanChuQuan": "UBND tỉnh Mẫu", "tenCoQuan": "Sở Mẫu"},
    "noiNhan": [{"maDinhDanh": "H49.5", "tenCoQuan": "Sở Khác"}],
    "maTaiLieu": "5b0c0000-0000-4000-8000-000000000001",
    "soVanBan": "12",
    "kyHieu": "SM-VP",
    "noiBanHanh": "Mẫu",
    "ngayBanHanh": "2026-11-27",
    "nhomVanBan": 2,
    "maLoaiVanBan": "1",
    "tenLoaiVanBan": "Công văn",
    "trichYeu": "V/v ví dụ",
    "noiDung": "…",
    "nguoiKy": {"chucVu": "Giám đốc", "hoVaTen": "Nguyễn Văn A"},
    "doKhan": 0,
    "soBan": 1,
    "soTrang": 2,
    "loaiChiDao": 1,
    "nghiepVu": "MOI",
    "coBanGiay": False,
    "hanhTrinh": [{"maDinhDanh": "H49.1.2", "thoiDiem": "2026-11-27T08:00:00+07:00"}],
    "tepDinhKem": [{"maNoiDung": "cid:1", "ten": "cv.pdf", "loaiNoiDung": "application/pdf"}],
}

STATUS = f"""<edXML xmlns="{NAMESPACE}"><edXMLEnvelope><edXMLHeader><MessageHeader>
 <ResponseFor><OrganId>H49.1.2</OrganId><Code>12/SM-VP</Code><PromulgationDate>2026/11/27</PromulgationDate><DocumentId>5b0c0000-0000-4000-8000-000000000001</DocumentId></ResponseFor>
 <From><OrganId>H49.5</OrganId><OrganName>Sở Khác</OrganName></From><StatusCode>03</StatusCode><Description>Đã tiếp nhận</Description>
 <Timestamp>2026/11/27 09:00:00</Timestamp><StaffInfo><Department>Văn phòng</Department><Staff>Trần Thị B</Staff><Mobile/><Email/></StaffInfo>
</MessageHeader></edXMLHeader></edXMLEnvelope></edXML>""".encode()


def document_with(encoded_attachment: str) -> bytes:
    """The document with its attachment."""
    return DOCUMENT.replace(b"BASE64(ZIP)", encoded_attachment.encode())
