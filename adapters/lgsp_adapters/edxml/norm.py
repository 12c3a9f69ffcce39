"""The elements of QCVN 102:2016 and the fields they are in the contract `documents`.

Of a message this is what a document management system reads; what a maker added stays in the original, which is kept beside it.
"""

from lgsp_adapters.edxml.fields import (
    DATE,
    FLAG,
    TEXT,
    TIME,
    WHOLE,
    Each,
    Elements,
    Flat,
    Listed,
    Part,
    Value,
    choice,
)

BUSINESS = {"0": "MOI", "1": "THU_HOI", "2": "CAP_NHAT", "3": "THAY_THE"}
"""`BussinessDocType`: a new document, a recall, an update, a replacement."""
STATUS = {
    "1": "DA_DEN",
    "2": "TU_CHOI",
    "3": "TIEP_NHAN",
    "4": "PHAN_CONG",
    "5": "DANG_XU_LY",
    "6": "HOAN_THANH",
    "13": "LAY_LAI",
    "15": "DONG_Y_LAY_LAI",
    "16": "TU_CHOI_LAY_LAI",
}
"""`StatusCode`, without a leading zero."""
STATUS_CODES = {name: code.zfill(2) for code, name in STATUS.items()}

ORGAN: Elements = {
    "OrganId": Value("maDinhDanh", TEXT, is_required=True),
    "OrganizationInCharge": Value("coQuanChuQuan", TEXT),
    "OrganName": Value("tenCoQuan", TEXT, is_required=True),
    "OrganAdd": Value("diaChi", TEXT),
    "Email": Value("thuDienTu", TEXT),
    "Telephone": Value("dienThoai", TEXT),
    "Fax": Value("fax", TEXT),
    "Website": Value("trangTin", TEXT),
}
CODE: Elements = {
    "CodeNumber": Value("soVanBan", TEXT, is_required=True),
    "CodeNotation": Value("kyHieu", TEXT, is_required=True),
}
RESPONSE_FOR: Elements = {
    "OrganId": Value("maDinhDanh", TEXT),
    "Code": Value("soKyHieu", TEXT),
    "PromulgationDate": Value("ngayBanHanh", DATE),
    "DocumentId": Value("maTaiLieu", TEXT),
}
STAFF: Elements = {
    "Department": Value("donVi", TEXT),
    "Staff": Value("hoVaTen", TEXT),
    "Mobile": Value("dienThoai", TEXT),
    "Email": Value("thuDienTu", TEXT),
}

DOCUMENT: Elements = {
    "From": Part("noiGui", ORGAN),
    "To": Each("noiNhan", ORGAN),
    "DocumentId": Value("maTaiLieu", TEXT, is_required=True),
    "Code": Flat(CODE),
    "PromulgationInfo": Flat({"Place": Value("noiBanHanh", TEXT), "PromulgationDate": Value("ngayBanHanh", DATE)}),
    "DocumentType": Flat(
        {
            "Type": Value("nhomVanBan", WHOLE),
            "TypeDetail": Value("maLoaiVanBan", TEXT),
            "TypeName": Value("tenLoaiVanBan", TEXT),
        }
    ),
    "Subject": Value("trichYeu", TEXT, is_required=True),
    "Content": Value("noiDung", TEXT),
    "SignerInfo": Part(
        "nguoiKy",
        {
            "Competence": Value("thamQuyen", TEXT),
            "Position": Value("chucVu", TEXT),
            "FullName": Value("hoVaTen", TEXT),
        },
    ),
    "DueDate": Value("hanXuLy", DATE),
    "ToPlaces": Listed("noiNhanBanGiay", "Place", TEXT),
    "OtherInfo": Flat(
        {
            "Priority": Value("doKhan", WHOLE),
            "SphereOfPromulgation": Value("phamViBanHanh", TEXT),
            "TyperNotation": Value("kyHieuNguoiSoan", TEXT),
            "PromulgationAmount": Value("soBan", WHOLE),
            "PageAmount": Value("soTrang", WHOLE),
            "Appendixes": Listed("phuLuc", "Appendix", TEXT),
        }
    ),
    "ResponseFor": Each("traLoiCho", RESPONSE_FOR),
    "SteeringType": Value("loaiChiDao", WHOLE),
}
"""`MessageHeader` of a document."""

RECEIVER: Elements = {
    "OrganId": Value("maDinhDanh", TEXT, is_required=True),
    "ReceiverType": Value("thayDoi", choice({"0": "BO", "1": "THEM"}), is_required=True),
}
BUSINESS_FIELDS: Elements = {
    "BussinessDocType": Value("nghiepVu", choice(BUSINESS), is_required=True),
    "BussinessDocReason": Value("lyDo", TEXT, is_required=True),
    "BussinessDocumentInfo": Part(
        "capNhat",
        {
            "DocumentInfo": Value("noiDung", FLAG),
            "DocumentReceiver": Value("noiNhan", FLAG),
            "ReceiverList": Listed("thayDoiNoiNhan", "Receiver", RECEIVER),
        },
    ),
    "DocumentId": Value("maTaiLieuGoc", TEXT),
    "StaffInfo": Part("nguoiXuLy", STAFF),
    "Paper": Value("coBanGiay", FLAG, is_required=True),
    "ReplacementInfoList": Listed(
        "thayThe",
        "ReplacementInfo",
        {"DocumentId": Value("maTaiLieu", TEXT), "OrganIdList": Listed("noiNhan", "OrganId", TEXT)},
    ),
}
"""`Bussiness`, spelt so in the norm."""
TRACE: Elements = {"OrganId": Value("maDinhDanh", TEXT), "Timestamp": Value("thoiDiem", TIME)}

STATUS_FIELDS: Elements = {
    "ResponseFor": Part("traLoiCho", RESPONSE_FOR),
    "From": Part("noiGui", ORGAN),
    "StatusCode": Value("trangThai", choice(STATUS), is_required=True),
    "Description": Value("dienGiai", TEXT, is_required=True),
    "Timestamp": Value("thoiDiem", TIME, is_required=True),
    "StaffInfo": Part("nguoiXuLy", STAFF),
}
"""`MessageHeader` of a status."""

REFERENCE: Elements = {
    "ContentId": Value("maNoiDung", TEXT, is_required=True),
    "AttachmentName": Value("ten", TEXT, is_required=True),
    "Description": Value("moTa", TEXT),
    "ContentType": Value("loaiNoiDung", TEXT, is_required=True),
}
"""`Reference` of the manifest: an attachment."""
