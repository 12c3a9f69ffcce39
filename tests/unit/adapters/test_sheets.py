"""Sheets as offices write them: a title, headings of two lines, merged cells, blank lines and columns, totals, signatures."""

import base64
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.workbooks import merge, open_document, written

from lgsp_adapters.connectors.rows.file_parser import parse
from lgsp_adapters.tabular.layout import Layout
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.tabular.table import MAX_FAULTS, Table
from lgsp_adapters.tabular.tables import read
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

Lines = list[tuple[str | float, ...]]

LINES: Lines = [
    ("DANH SÁCH HƯỞNG TRỢ CẤP",),
    (),
    ("STT", "Số định danh", "Họ và tên", "", "", "Xã", "Trợ cấp", ""),
    ("", "", "", "", "", "", "Mức", "Từ ngày"),
    (1, 22093001234, "Nguyễn Văn", "An", "", "Bãi Cháy", 1250000, "01/02/2025"),
    (2, "022195001235", "Trần Thị", "Bình", "", "", 750000.5, "01/03/2025"),
    (),
    (3, 22093001236, "Lê", "Cường", "", "Hồng Gai", 500000, "01/04/2025"),
    ("Tổng cộng", "", "", "", "", "", 2500000.5),
    (),
    ("", "", "", "", "", "Người lập biểu"),
]
MERGED = ("A1:H1", "A3:A4", "B3:B4", "C3:D4", "F3:F4", "G3:H3", "F5:F6", "A9:F9")
GUIDE: Lines = [("Nhập từ dòng 5",)]
OLD_WORKBOOK = (
    "c-rk)UuauZ82_D{+}xWiP17!&timM>oH{2<QVWXA*i>!7Ez~vW5J9uHG+`whr4#Cd&TV~EggrTY8CFEZIbZz4WI99`R+&0PR3^=e4{p9F3O=lj-}"
    "jx9yR_zE1y?r7x!jZQe1CuEJLh~i_kMk@WB&Mi-Bqk;4<LZ0S{R`Qo}xQkAH+fOT8+v2uS<8W)o!X5c4;9)HcqvD>F^rzdRJlLWbh32z(u;B!hYo"
    "URmPHQ*m8oQs2Ia`6{5Xo(T;qL`WQ9}vQFtoq+c)nyQ2NE^bZQ>CF!@5?!0;u=d$@N_nMu&+u9_u81)Jth|Q0}NuvvAc_+W{iqg6^`X<Z8i5pYk1"
    "*4b+t=+&_Wo)uIF^>c-;w=8EC4oQdr}fihi@&yf1>*m`obNQ@AGLzOLDZg6yb)*6jk3*>uo}ck^^;e@I9ZJ1ZK7t-j!&c_J1CT@mGNYnSzYTIS(z"
    "(%S=~*HTV#8yJW6=S+fPoWaM@#5e?U9!B^C7$`jE#U4To_C{Xz}WQTo}-V}R%acHttK^<&l>q9cgmLLmw@jBkk9q2>ryNdOkXR2YQ&D-u16c?o%m"
    "*mSIRFE~&IOk#m#BY1-V(c>bwP)_!js?%YXeP`x6f**tmK<&h@-U!5!p)+?L(}?h_#&Lki&q+0j#}QBxrmqqKQt54}%(hG_(;KBhCX>FeH<e0fdU"
    "{<A;Z3nA5ZXD9lArsnQZiOOVnu#-T(Y71X#p+>6qjdp-ryUcsg_|Z?h%Wa2E^)R(wHy_-$Qzzc?Vb*y3od#71}l_K2hpNX&IUBkP;N9fLGr7{o9>"
    ";hO$o!=b$`X^&|K;-Z7}*MYbU0m@m=&7O}WX`a|ONR-wD4Pf+2Y-_1i^hIr(#=o}I0W{T4z?R@t32Ko-7XD&bXp*ORTy_4t@1J&meC%(@f$0l0xQ"
    "L^XjFt)0#>e#E?KFZdAl_}L1q~G|jvh7-NgS}?{XS8Ecat6wW{28%2@jk0kS-;xWBCB$;MC)eFs@pWHJmb@Z8j_vH%MnYfiKQi$-0Klr2K<plqo8"
    "<o<x$NtEwPEVeZ3HkLcX5kM+~fp$nt>M0h(5V`!sn8NHmV1B|5^QNZ5baL<@-jh{;B9MTF<Ai10L?0IhgXVgQ3@i$@bV_7Idv>x{pk%q!}TY(Wp>"
    "i6iG8-C<-Lxy?kjn?$xHa>V$uC34IkanyEy#8KlW54M@D_Q5gdUaxj&Jx8*lW4iK4SiXX;#B{|IYc#IC_ULMlUmUxieK<{UJK`f|GUk|!4fz>!1b"
    "e5!?g;kv{)n+BOvW6Eb?As^WQ@McppVE|UXDH@)*FcN3vz_Zm6_PG4z}cscb6l(Pmcrst;`?DtIg3>1+A*msw%Cj(yA)gzpC7jjgKrJKAuESCa%k"
    "!W4`Mw(!JFBO!B{NyReV0DSBCXm|m}@=<R5FRr_ZHY*qKAuF<Ccy^z}z6nzqV=~anw>|OQ#rN@<OoX<5I#{at`wA%PftHF7l<NpKlU)?7"
)
"""The same as xlwt 1.3 writes it: Base85 of its zlib stream."""

HEADINGS = ["STT", "Số định danh", "Họ và tên", "Xã", "Trợ cấp / Mức", "Trợ cấp / Từ ngày"]
ROWS = [
    ["1", "22093001234", "Nguyễn Văn An", "Bãi Cháy", "1250000", "01/02/2025"],
    ["2", "022195001235", "Trần Thị Bình", "Bãi Cháy", "750000.5", "01/03/2025"],
    ["3", "22093001236", "Lê Cường", "Hồng Gai", "500000", "01/04/2025"],
]
END = "row.STT == 'Tổng cộng'"


def excel(path: Path, lines: Lines = LINES, merged: tuple[str, ...] = MERGED) -> bytes:
    written(path, *GUIDE, **{"Tháng 1": lines, "Tháng 2": lines})
    for number in (2, 3):
        merge(path, *merged, sheet_number=number)
    return path.read_bytes()


def libre_office(path: Path, lines: Lines = LINES, merged: tuple[str, ...] = MERGED) -> bytes:
    return open_document(path, merged, **{"Hướng dẫn": GUIDE, "Tháng 1": lines, "Tháng 2": lines}).read_bytes()


def old_excel(path: Path) -> bytes:
    return zlib.decompress(base64.b85decode(OLD_WORKBOOK))


def table(content: bytes | str, layout: Layout, *needed: str) -> Table:
    return read(io.BytesIO(content if isinstance(content, bytes) else content.encode()), layout, needed)


def one_sheet(path: Path, *lines: tuple[str | float, ...], merged: tuple[str, ...] = ()) -> bytes:
    return merge(written(path, *lines), *merged).read_bytes()


def faults(found: Table) -> list[tuple[Any, Any, str]]:
    return [(fault["line"], fault["column"], fault["fault"][:29]) for fault in found.faults]


@pytest.mark.parametrize("make", [excel, libre_office, old_excel])
def test_sheets_of_one_form_are_read_as_they_are_seen(make: Callable[[Path], bytes], tmp_path: Path) -> None:
    layout = Layout("xlsx", sheet="Tháng *", heading=[3, 4], fill=["Xã"], join=["Họ và tên"], end=END)
    found = table(make(tmp_path / "book"), layout, *HEADINGS, "@sheet")
    assert found.heading == HEADINGS
    assert found.faults == []
    assert found.rows == [
        {**dict(zip(HEADINGS, row, strict=True)), "@sheet": sheet} for sheet in ("Tháng 1", "Tháng 2") for row in ROWS
    ]
    assert [found.reference(index) for index in (2, 3)] == [
        {"row": 3, "sheet": "Tháng 1", "line": 8},
        {"row": 4, "sheet": "Tháng 2", "line": 5},
    ]
    assert found.skipped == 4
    assert [line["line"] for line in found.skipped_lines] == [9, 11, 9, 11]


def test_the_same_as_csv_has_no_merged_cells() -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerows([["sep="], *([*line, *[""] * (8 - len(line))] for line in LINES)])
    content = text.getvalue().replace("sep=", "sep=;", 1)
    layout = Layout("csv", delimiter=";", heading=[3, 4], join=["Họ và tên"], end=END)
    found = table(content, layout, "Họ và tên", "Xã")
    assert found.heading == HEADINGS
    assert [list(row.values()) for row in found.rows] == [
        [value if (row, column) != (1, 3) else None for column, value in enumerate(values)]
        for row, values in enumerate(ROWS)
    ]
    assert found.lines == [5, 6, 8]
    with pytest.raises(Refusal, match="csv has no merged cells"):
        Layout.of({"format": "csv", "fill": ["Xã"]}, SourceLocation("adapter.yaml"))


@pytest.mark.parametrize("make", [excel, libre_office, old_excel])
def test_what_could_belong_to_another_row_is_a_fault(make: Callable[[Path], bytes], tmp_path: Path) -> None:
    layout = Layout("xlsx", sheet="Tháng 1", heading=[3, 4], end=END)
    found = table(make(tmp_path / "book"), layout, *HEADINGS)
    assert faults(found) == [
        (5, "Họ và tên", "several cells under this head"),
        (5, "Xã", "its cell is merged over sever"),
        (6, "Họ và tên", "several cells under this head"),
        (6, "Xã", "its cell is merged over sever"),
        (8, "Họ và tên", "several cells under this head"),
    ]
    assert table(make(tmp_path / "book"), layout, "Số định danh").faults == []


def test_a_cell_that_is_merged_over_two_columns_is_of_neither(tmp_path: Path) -> None:
    book = one_sheet(tmp_path / "a.xlsx", ("a", "b", "c"), ("x", "", "1"), ("y", "z", "2"), merged=("A2:B2",))
    found = table(book, Layout("xlsx"), "a", "b")
    assert faults(found) == [(2, name, "its cell is merged with anoth") for name in ("a", "b")]


def test_what_a_merged_cell_hides_is_not_read(tmp_path: Path) -> None:
    book = one_sheet(tmp_path / "a.xlsx", ("a", "b"), ("x", "1"), ("hidden", "2"), merged=("A2:A3",))
    assert table(book, Layout("xlsx", fill=["a"]), "a").rows == [{"a": "x", "b": "1"}, {"a": "x", "b": "2"}]
    assert table(book, Layout("xlsx")).rows == [{"a": "x", "b": "1"}, {"a": None, "b": "2"}]


@pytest.mark.parametrize("layout", [Layout("csv"), Layout("csv", heading=[1, 2])])
def test_a_value_without_a_heading_beside_a_needed_column_is_a_fault(layout: Layout) -> None:
    lines = "Họ và tên,,Số\n" + (",,\n" if layout.heading != 1 else "")
    found = table(f"{lines}Nguyễn Văn,An,1\nTrần,,2\n", layout, "Họ và tên")
    assert [(fault["row"], fault["column"]) for fault in found.faults] == [(1, "Họ và tên")]
    assert table(f"{lines}Nguyễn Văn,An,1\n", layout, "Số").rows == [{"Họ và tên": "Nguyễn Văn", "Số": "1"}]


def test_groups_of_headings_without_merged_cells() -> None:
    lines = "STT;Cha;;Mẹ;;Xã\n;Họ tên;Năm sinh;Họ tên;Năm sinh;\n1;An;1950;Bình;1952;Bãi Cháy\n"
    found = table(lines, Layout("csv", delimiter=";", heading=[1, 2]))
    assert found.heading == ["STT", "Cha / Họ tên", "Cha / Năm sinh", "Mẹ / Họ tên", "Mẹ / Năm sinh", "Xã"]
    with pytest.raises(UnreadableFileError, match="there are two columns Họ tên, Năm sinh"):
        table(lines.partition("\n")[2], Layout("csv", delimiter=";"))


def test_the_line_of_the_headings_is_that_line(tmp_path: Path) -> None:
    book = one_sheet(tmp_path / "a.xlsx", ("DANH SÁCH",), (), ("a",), ("1",))
    assert table(book, Layout("xlsx", heading=3)).rows == [{"a": "1"}]
    with pytest.raises(UnreadableFileError, match="sheet a: line 2 is not a heading"):
        table(book, Layout("xlsx", heading=2))
    with pytest.raises(UnreadableFileError, match="sheet a: lines 8 to 9 is not a heading"):
        table(book, Layout("xlsx", heading=[8, 9]))


@pytest.mark.parametrize("sheet", ["Tháng 3", "Năm *", ["Tháng 1", "Tháng 3"]])
def test_a_sheet_that_is_missing(sheet: str | list[str], tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"it has no sheet .*; it has: a, Tháng 1, Tháng 2"):
        table(excel(tmp_path / "a.xlsx"), Layout("xlsx", sheet=sheet, heading=[3, 4]))


def test_totals_between_rows_are_skipped_and_an_early_end_is_refused() -> None:
    lines = "STT,Xã,Mức\n1,A,5\nCộng,,5\n2,B,6\nCộng,,6\n"
    found = table(lines, Layout("csv", skip="row.STT == 'Cộng'"))
    assert [row["STT"] for row in found.rows] == ["1", "2"]
    assert (found.skipped, found.skipped_lines) == (2, [{"line": 3}, {"line": 5}])
    with pytest.raises(UnreadableFileError, match="line 4 stands below the end of the table and is filled as a row is"):
        table(lines, Layout("csv", end="row.STT == 'Cộng'"))
    with pytest.raises(UnreadableFileError, match="there is no column TT; the headings are: STT, Xã, Mức"):
        table(lines, Layout("csv", skip="row.TT == 'Cộng'"))
    [fault] = table("STT,Xã\n,A\n", Layout("csv", skip="starts_with(row.STT, 'Cộng')")).faults
    assert (fault["row"], re.sub(".*: ", "", fault["fault"])) == (1, "starts_with takes string, not null")


@pytest.mark.parametrize("layout", [Layout("csv", skip="!(row.So)"), Layout("csv", end="!(row.So)")])
def test_a_row_whose_faulty_cell_reads_as_absent_is_a_fault_and_not_skipped(layout: Layout) -> None:
    found = table("So,Ten,Xa\n1,A,a\n2.21E+11,B,b\n#REF!,C,c\n,Cộng,\n", layout)
    assert [(fault["line"], fault["column"]) for fault in found.faults] == [(3, "So"), (4, "So")]
    assert found.skipped_lines == [{"line": 5}]


def test_a_row_below_a_merged_cell_is_a_fault_and_not_skipped(tmp_path: Path) -> None:
    book = one_sheet(tmp_path / "a.xlsx", ("So", "Ten"), ("1", "A"), ("", "B"), merged=("A2:A3",))
    found = table(book, Layout("xlsx", skip="!(row.So)"), "So", "Ten")
    assert [fault["line"] for fault in found.faults] == [2, 3]


def test_a_row_below_the_end_counts_as_filled_where_its_cells_are_faulty() -> None:
    with pytest.raises(UnreadableFileError, match="line 3 stands below the end of the table"):
        table("So,Ten,Xa\nCộng,,\n2.21E+11,#REF!,\n", Layout("csv", end="row.So == 'Cộng'"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"heading": [4, 3]}, "write the first and the last line of the headings"),
        ({"heading": [1, 9]}, "at most 5 lines"),
        ({"skip": "row.STT =="}, "not a JMESPath expression"),
        ({"end": "request.so"}, "there is no variable request"),
    ],
)
def test_a_layout_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        Layout.of({"format": "xlsx", **settings}, SourceLocation("adapter.yaml"))


def test_a_web_page_under_the_name_of_a_workbook() -> None:
    with pytest.raises(UnreadableFileError, match="it is a web page"):
        table("\ufeff<html><table><tr><td>a</td></tr></table></html>", Layout("xlsx"))


def test_a_cell_that_names_another_line_than_its_own_is_refused(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1" t="str"><v>So</v></c></row><row r="2"><c r="A3" t="str"><v>1</v></c></row>'
    written(tmp_path / "a.xlsx", ("So",), ("1",))
    displaced = io.BytesIO()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book, zipfile.ZipFile(displaced, "w") as copy:
        for name in book.namelist():
            text = book.read(name).decode()
            copy.writestr(name, re.sub("(?<=<sheetData>).*(?=</sheetData>)", rows, text, flags=re.DOTALL))
    with pytest.raises(UnreadableFileError, match="line 2 has a cell of line 3"):
        table(displaced.getvalue(), Layout("xlsx"))


def test_too_many_merged_cells_are_refused(tmp_path: Path) -> None:
    book = one_sheet(tmp_path / "a.xlsx", ("a",), ("1",), merged=tuple(f"A{n}:B{n}" for n in range(2, 100_003)))
    assert zipfile.is_zipfile(io.BytesIO(book))
    with pytest.raises(UnreadableFileError, match="more than 100000 merged cells"):
        table(book, Layout("xlsx"))


def test_no_faulty_row_is_sent_however_many_there_are() -> None:
    lines = "a,b\n" + "1,#REF!\n" * (MAX_FAULTS + 100)
    sent: list[dict[str, Any]] = []
    job = {
        "name": "adapter.yaml",
        "text": "",
        "request": {"a": "row.a", "b": "row.b"},
        "schema": {"type": "object"},
        "connection": {},
        "layout": {"format": "csv"},
    }
    parse(job, io.BytesIO(lines.encode()), lambda part: sent.extend(part["requests"]))
    assert len(sent) == MAX_FAULTS + 100
    assert all("fault" in row and "body" not in row for row in sent)
