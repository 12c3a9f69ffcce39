"""The civil registration office registers a birth: a row in its own database, nothing of the bus. Standard library only.

python3 register_birth.py civil-registration.sqlite birth.json
"""

import datetime
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

INSERT = """
INSERT INTO khai_sinh (so_dang_ky, ngay_dang_ky, noi_dang_ky, so_dinh_danh, ho_ten, ngay_sinh, gioi_tinh, noi_sinh,
                       me_ho_ten, me_so_dinh_danh, cha_ho_ten, cha_so_dinh_danh, cap_nhat)
VALUES (:so_dang_ky, :ngay_dang_ky, :noi_dang_ky, :so_dinh_danh, :ho_ten, :ngay_sinh, :gioi_tinh, :noi_sinh,
        :me_ho_ten, :me_so_dinh_danh, :cha_ho_ten, :cha_so_dinh_danh, :cap_nhat)
"""
PLACE = datetime.timezone(datetime.timedelta(hours=7))


def register(database: Path, birth: dict[str, Any]) -> None:
    """Add the row; the adapter of the office sees it and announces it."""
    now = datetime.datetime.now(PLACE)
    row = {
        "so_dang_ky": birth["soDangKy"],
        "ngay_dang_ky": now.date().isoformat(),
        "noi_dang_ky": birth["noiDangKy"],
        "so_dinh_danh": birth["tre"]["soDinhDanh"],
        "ho_ten": birth["tre"]["hoTen"],
        "ngay_sinh": birth["tre"]["ngaySinh"],
        "gioi_tinh": birth["tre"]["gioiTinh"],
        "noi_sinh": birth["tre"].get("noiSinh"),
        "me_ho_ten": birth["me"]["hoTen"],
        "me_so_dinh_danh": birth["me"].get("soDinhDanh"),
        "cha_ho_ten": birth.get("cha", {}).get("hoTen"),
        "cha_so_dinh_danh": birth.get("cha", {}).get("soDinhDanh"),
        "cap_nhat": now.strftime("%Y-%m-%d %H:%M:%S"),
    }
    with sqlite3.connect(database) as connection:
        connection.execute(INSERT, row)


if __name__ == "__main__":
    register(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
