"""What is guessed of a file that nobody has described yet: encoding, delimiter, headings, kinds of columns; never a value."""

import io
import json

import pytest

from lgsp_adapters.tabular.inspection import inspect

VNI = b"Ho\xef te\xe2n;Xa\xf5\r\nTra\xe0n Va\xean Hu\xf8ng;Ba\xf5i Cha\xf9y\r\n"
TCVN3 = b"H\xe4 t\xaan;X\xb7\nTr\xc7n V\xa8n H\xefng;B\xb7i Ch\xb8y\n"
CP1258 = "Ho\u0323 tên;Xa\u0303\nTrâ\u0300n Văn Hu\u0300ng;Ba\u0303i Cha\u0301y\n".encode("cp1258")
UNICODE = "Họ tên;Xã\nTrần Văn Hùng;Bãi Cháy\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (VNI, "vni"),
        (TCVN3, "tcvn3"),
        (CP1258, "windows-1258"),
        (UNICODE.encode(), "utf-8"),
        (UNICODE.encode("utf-16"), "utf-16"),
    ],
)
def test_the_encoding_is_the_one_in_which_words_are_vietnamese(content: bytes, encoding: str) -> None:
    found = inspect(io.BytesIO(content))
    assert found["files"] == {"format": "csv", "delimiter": ";", "encoding": encoding}
    assert [column["heading"] for column in found["sheets"][0]["columns"]] == ["Họ tên", "Xã"]
    assert "Bãi" not in json.dumps(found, ensure_ascii=False)


def test_headings_of_two_lines_without_merged_cells() -> None:
    text = (
        "sep=,\nDANH SÁCH,,,\n,,,\nSTT,Số,Trợ cấp,\n,,Mức,Từ ngày\n1,022093001234,5,01/02/2026\n"
        "2,22093001235,1.250.000,1/3/2026\nCộng,,6,\n3,022093001236,7,01/04/2026\n"
    )
    found = inspect(io.BytesIO(text.encode()))
    assert found["files"] == {
        "format": "csv",
        "delimiter": ",",
        "encoding": "utf-8",
        "heading": [3, 4],
        "skip": "starts_with(row.STT || '', 'Cộng')",
    }
    [sheet] = found["sheets"]
    assert (sheet["rows"], sheet["faults"], sheet["skipped"]) == (3, 0, [7])
    kinds = {column["heading"]: column["kinds"] for column in sheet["columns"]}
    assert kinds["Trợ cấp / Mức"] == {"digits": 2, "number": 1}
    assert kinds["Trợ cấp / Từ ngày"] == {"date dd/MM/yyyy": 2, "date d/M/yyyy": 1}
    assert sheet["columns"][1]["hint"].endswith("""restore_zeros(row."Số", `12`)""")


def test_rows_of_xml_are_what_comes_most_often_with_elements_inside() -> None:
    text = "<ds><nguon><ten>x</ten></nguon><hoSo><so>1</so></hoSo><hoSo><so>2</so></hoSo></ds>"
    found = inspect(io.BytesIO(text.encode()))
    assert found["files"] == {"format": "xml", "row": "hoSo"}
    assert found["sheets"][0]["columns"] == [{"heading": "so", "kinds": {"digits": 2}, "absent": 0}]
