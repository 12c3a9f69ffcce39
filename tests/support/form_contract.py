"""A contract with everything that a form can ask for, and grants that open it to officers."""

from typing import Any

from support.workbench import ALL, grant

AGENCY = "H49.2"
SERVICE = "cards"
NUMBER = "022093001234"


def _titled(vi: str, en: str, **schema: Any) -> dict[str, Any]:
    return {"x-lgsp-title": {"vi": vi, "en": en}, **schema}


_SEX = _titled(
    "Giới tính",
    "Sex",
    enum=["NAM", "NU"],
    **{"x-lgsp-titles": {"NAM": {"vi": "Nam", "en": "Male"}, "NU": {"vi": "Nữ", "en": "Female"}}},
)
_NAME = _titled("Họ và tên", "Full name", type="string", minLength=2, maxLength=120)
REQUEST = {
    "type": "object",
    "required": ["soDinhDanh", "hoVaTen", "ngaySinh", "nguoiThan"],
    "additionalProperties": False,
    "properties": {
        "soDinhDanh": {"type": "string", "format": "so-dinh-danh"},
        "hoVaTen": _NAME,
        "ngaySinh": _titled("Ngày sinh", "Date of birth", type="string", format="date"),
        "gioiTinh": _SEX,
        "tuThang": _titled("Từ tháng", "From month", type="string", pattern="^[0-9]{4}-(0[1-9]|1[0-2])$"),
        "soTien": _titled("Số tiền", "Amount", type="number", minimum=0),
        "khanCap": _titled("Khẩn cấp", "Urgent", type="boolean"),
        "ghiChu": _titled("Ghi chú", "Note", type="string", maxLength=500),
        "diaChi": _titled(
            "Địa chỉ",
            "Address",
            type="object",
            required=["chiTiet"],
            additionalProperties=False,
            properties={"chiTiet": _titled("Số nhà, đường", "Street", type="string", maxLength=200)},
        ),
        "nguoiThan": _titled(
            "Người thân",
            "Relative",
            type="array",
            maxItems=3,
            items={"$ref": "#/$defs/relative"},
        ),
        "giayTo": _titled("Giấy tờ", "Paper", type="string", format="file-reference"),
    },
    "$defs": {
        "relative": {
            "type": "object",
            "required": ["hoVaTen", "soDinhDanh"],
            "additionalProperties": False,
            "properties": {"hoVaTen": _NAME, "soDinhDanh": {"type": "string", "format": "so-dinh-danh"}},
        }
    },
}
RESPONSE = {
    "type": "object",
    "required": ["hopLe"],
    "additionalProperties": False,
    "properties": {
        "hopLe": _titled("Thẻ hợp lệ", "The card is valid", type="boolean"),
        "denNgay": _titled("Giá trị đến ngày", "Valid until", type="string", format="date"),
        "gioiTinh": _SEX,
        "ghiChu": _titled("Ghi chú", "Note", type="string", maxLength=20_000),
        "quaTrinh": _titled(
            "Quá trình tham gia",
            "Participation",
            type="array",
            items={
                "type": "object",
                "properties": {
                    "tuThang": _titled("Từ tháng", "From month", type="string", pattern="^[0-9]{4}-[0-9]{2}$"),
                    "donVi": _titled("Đơn vị", "Employer", type="string"),
                },
            },
        ),
    },
}
ANSWER = {
    "hopLe": True,
    "denNgay": "2026-12-31",
    "gioiTinh": "NU",
    "quaTrinh": [{"tuThang": "2018-04", "donVi": "Du lịch Hạ Long"}, {"tuThang": "2021-01", "donVi": "Than Cẩm Phả"}],
}
_QUESTION = {"soDinhDanh": NUMBER, "hoVaTen": "Nguyễn Văn An", "ngaySinh": "1993-05-17", "nguoiThan": []}
CONTRACT = {
    "service": SERVICE,
    "version": "1.0.0",
    "title": {"vi": "Cơ sở dữ liệu bảo hiểm", "en": "Insurance database"},
    "provider": "provider",
    "classification": "personal",
    "operations": {
        "check-card": {
            "title": {"vi": "Kiểm tra thẻ bảo hiểm y tế", "en": "Check a health card"},
            "subject": "/soDinhDanh",
            "timeout": "5s",
            "idempotent": True,
            "request": REQUEST,
            "response": RESPONSE,
            "errors": {"card-not-found": {"status": 404, "title": {"vi": "Không có thẻ", "en": "No such card"}}},
            "example": {"request": _QUESTION, "response": ANSWER},
        },
        "look-up": {
            "title": {"vi": "Tra cứu quá trình", "en": "Look up participation"},
            "subject": "/soDinhDanh",
            "timeout": "5s",
            "idempotent": True,
            "request": REQUEST,
            "response": RESPONSE,
            "example": {"request": _QUESTION, "response": ANSWER},
        },
        "report-loss": {
            "title": {"vi": "Báo mất thẻ", "en": "Report a lost card"},
            "subject": "/soDinhDanh",
            "timeout": "1s",
            "idempotent": False,
            "request": {
                "type": "object",
                "required": ["soDinhDanh"],
                "additionalProperties": False,
                "properties": {"soDinhDanh": {"type": "string", "format": "so-dinh-danh"}},
            },
            "response": RESPONSE,
            "example": {"request": {"soDinhDanh": NUMBER}, "response": ANSWER},
        },
    },
}


def officers_grant() -> dict[str, Any]:
    """The grant that opens the operations to all officers of the agency, for a dossier."""
    made = grant("officers-cards", "forms-h49-2", SERVICE, check_card=ALL, look_up=ALL, report_loss=ALL)
    made["spec"] |= {"officers": {}, "referenceRequired": True, "purposes": ["giai-quyet-tthc", "kham-chua-benh"]}
    return made
