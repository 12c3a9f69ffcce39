"""Values of examples that a reader believes, by what columns are called: generated texts would make `ky: Cẩm Phả`.

They belong to nobody: everybody reads a contract.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lgsp_adapters.scaffolding.column_schemas import Column, Document
from lgsp_contracts.field_names import comparable
from lgsp_contracts.schemas import Schema

_TEXTS = {
    "hovaten": "Nguyễn Văn An",
    "hoten": "Nguyễn Văn An",
    "chuho": "Trần Thị Bình",
    "nguoigiamho": "Trần Thị Bình",
    "gioitinh": "Nữ",
    "dantoc": "Kinh",
    "quoctich": "Việt Nam",
    "diachi": "Tổ 1, phường Hồng Gai",
    "dienthoai": "02033000000",
    "sodienthoai": "02033000000",
    "ky": "2026-01",
    "kychitra": "2026-01",
    "thangnam": "2026-01",
    "nam": "2026",
    "soquyetdinh": "VD-0001/QĐ-UBND",
    "sohoso": "VD-0001",
    "sotaikhoan": "0000000001",
    "nganhang": "Ngân hàng A",
    "ghichu": "Không có ghi chú",
    "trangthai": "1",
    "hinhthuc": "1",
}
_OF_MONEY = ("sotien", "muchuong", "trocap", "thanhtien", "giatri")


def with_believable_values(example: Document, schema: Mapping[str, Any], columns: Sequence[Column]) -> Document:
    """Replace generated values of an example, wherever the schema allows the better one.

    Args:
        example: an object that keeps the schema.
        columns: whose codes may be used.
    """
    codes = {column.field: column.codes["enum"][0] for column in columns if column.codes}
    better = dict(example)
    for name, value in example.items():
        replaced = better | {name: codes.get(name, _believable(name, value))}
        if Schema(schema, "example").is_valid(replaced):
            better = replaced
    return better


def _believable(name: str, value: Any) -> Any:
    known = comparable(name)
    if isinstance(value, list):
        return [_believable(name, each) for each in value]
    if isinstance(value, dict):
        return {field: _believable(field, part) for field, part in value.items()}
    if isinstance(value, str):
        return _TEXTS.get(known, value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 500000 if known.startswith(_OF_MONEY) else abs(value)
    return value
