"""What a cell says: the text that its writer saw, in whatever encoding, workbook or XML it stands."""

import base64
import io
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pytest
from support.workbooks import Cell, formula, number, text, truth, written

from lgsp_adapters.tabular.cell_formats import displayed
from lgsp_adapters.tabular.encodings import UnknownEncodingError, canonical
from lgsp_adapters.tabular.layout import Layout
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.tabular.table import Table
from lgsp_adapters.tabular.tables import read

OLD_WORKBOOK = (
    "c-rk)OK1~O6g_V;`I<IKn+mNELcyxBSjCN-HnpO4W2qu2MbOlQQksv(Y$B-D+NDsa8^ukbDk4<f_!o88g<8>tAPA{0T?vXV+Kl(znF&d)(0~"
    "@SbB1@{{k+ee`@S=;X99(ZJ594#fDYJD)ZB2C=>#RWDfmHlO_QvdyC`WE{wcU!G>{HE9@V^X$}yDVJqrc5)#pTkkCYDK7<w}4M0gp|#XiJ@^"
    "r4-oz!lQeqLIC-V|tWnJ=0rU@-fp+)?8rPPGt+C4>Qr8$TnjZA5@yzRtwqgJ+AYfHCxbtX*r9}j0wH09ow^mvE<4%gj6pkL35)!kxpc#9Kcn"
    "0fz4$IsXknT2Z+bpQmM8)p@1Mwrb&F$!oXK^*LW7T^vkOkApMU@z4JGE7me&<dN&R3VtNlYEvjF|3#(E;uBgB;v?IKjN2$$Msy@+TbLir8MJ"
    "8H>Co(o5mq?R2JrK*2CO1HQe<qV8e&{$^lbJ!HsaQ^h*pDo(hthKPLEp{%6}wptJL4r9hmZLHuXR7Y?%a(pZ}#-}Mh~-Qm`^bMoLej1g@&`T"
    "234+QivshUi!i^D={at74f9P*gS2`mZ|Q9?m|Y`W<~&<lsD-VJx6yTF{CeU?KkvOC8vPXAK>Sqq?8)HNyXXX(DK>GcFP{;#idJ#?lEj0knG0"
    "i2{J^yFm;KSD_zmAR<1qJOo?`}zhlDQ4=!lY}7_rhN8%eg3q>`kTBs)p=lH?%CQIeb_ISn7g0v~J?S;0FxuzNZ-9_*5J1p6W5{Ddrme5gnBQ"
    "-$LCT}VIdii@-=`+8dO@NU(Bn|)rxBKwaBy=~e1sf)Rn#j%GwI+Qxx<w5K$yVrPN!GZ+~7A#n>uyP=bTdj?6bl^LjgYRtmf1P<sMe8@oe~W#"
    "{(37K&wVg;)o<+W@`Lh~!VYVffSjYTdC~<&#&teGu?8i{m^OwGQMEUzHxuXBiEum`rFIMB{U+(`W$5jFq"
)
"""A workbook as xlwt 1.3 writes it: Base85 of its zlib stream."""

OLD_WORKBOOK_WITH_HIDDEN = (
    "c-rk)J!lj`6#m}aZthN#%O+lgL^+OtQDYjhu}L-xCY2%DC?e?Pa>bG4P7W=!F&eKF1S`cRkj5rz;}2SBXCX$k2t<TCEv*Cvi{#cfFS~NlE3#mM"
    "%6!YbdHa5L-p;&v`}1a@tup(dtBPMRfCy?{98GmH;ua519I)Q=G#m6WZl1wEg?Nk?vdPBNmRC`|hI+lLP`GcsU<!QXb{gj}QY_@sn~1{_Lxyw="
    "{bX_ODcs?fK&QmjE;K82o6vh=`%LJdNUjU*XWI&$!h$=}dyucAkCUofbP1+}N8+<2lKtqwOP$A;Z_sMa+c;FpXD0tnMapW%9C+o1bA?<fGg(2B"
    "mv9c>yfpAN*sIUeM!van0?WUzl}8)MZz>CzhIf{9B9^fQuOpCT&t52FD~4=s7r|69zl@!*<U}fQh8?oVQv@`H_o+O)a&?y7?5x?%Et2ESOvlkG"
    "e4Avt!}WUk?w7Ym$41>VBAJ#7zFOyZ>A>LOiuPdVglN=HeXsEQgkF`a?hw99Xp-}j`<~GbpBb7Fn`@%&;c*TK-nqN$_&v;*KOcLXDt~hKGCx0D"
    "y_B3^bZ61c&z*69@6Mo)`sns8jVEr<lV1@&2<`l>I>eOY$L{$LvsSFgoPp;9z6CX~AhFPNK(*tcs0Qnvie}z7a^6)i@2b(f8yFZE7#J8B7=#7+"
    "Z<qS3Lce+1{@ZKR|F5&ct!93c{I@ucA|L1Zv-AiG+?Q}MRQ_y-O~JKjoj$?;LX8tVdI=L4lQ<?q=P!SKQ2qU^+tK-RTPW=KwJ>pR@c2IfK?Ca="
)
"""Another one, whose first sheet is hidden."""


def table(content: bytes | str, layout: Layout) -> Table:
    return read(io.BytesIO(content if isinstance(content, bytes) else content.encode()), layout)


def csv(content: bytes, encoding: str) -> Table:
    return table(content, Layout("csv", encoding=canonical(encoding)))


def one(path: Path, *cells: Cell) -> list[str | None]:
    """What cells of a workbook say."""
    names = [f"c{number}" for number in range(len(cells))]
    with written(path, tuple(names), cells).open("rb") as file:
        found = read(file, Layout("xlsx"))
    assert found.faults == []
    return [found.rows[0][name] for name in names]


def test_a_cell_is_what_excel_shows(tmp_path: Path) -> None:
    assert one(
        tmp_path / "a.xlsx",
        number("22093001234", 1), number("22093001234"), number("2024.1", 2), number("2024.123", 2), number("1250000.5"),
        number("0.30000000000000004"), number("1.25", 3), number("45000", 4), number("0.354166666666667", 5),
        number("93001234", 6), number("1250000", 7), number("45000.5", 8), truth(1), truth(0), formula("1+1", "2"),
        text("  a_x000D_b "), number("3.0"), number("-12"), number("1E3"), number("999999999999999"), number("61", 4),
        number("59", 4), Cell('<c t="str"><f>""</f><v></v></c>'),
    ) == [
        "022093001234", "22093001234", "2024.10", "2024.123", "1250000.5",
        "0.3", "30:00:00", "2023-03-15", "08:30:00",
        "022093001234", "1250000", "2023-03-15T12:00:00", "TRUE", "FALSE", "2",
        "a\rb", "3", "-12", "1000", "999999999999999", "1900-03-01",
        "1900-02-28", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        # "Hà Nội, Đắk Lắk, Nguyễn Văn Hùng, Quảng Ninh" as glibc's `iconv -t TCVN5712-1` writes it
        ("tcvn3", b"c\nH\xb5 N\xe9i; \xa7\xbek L\xbek; Nguy\xd4n V\xa8n H\xefng; Qu\xb6ng Ninh\n"),
        # the same as UniKey writes it in VNI Windows
        ("vni", b"c\nHa\xf8 No\xe4i; \xd1a\xe9k La\xe9k; Nguye\xe3n Va\xean Hu\xf8ng; Qua\xfbng Ninh\n"),
        ("VNI", b"c\r\nHa\xf8 No\xe4i; \xd1a\xe9k La\xe9k; Nguye\xe3n Va\xean Hu\xf8ng; Qua\xfbng Ninh\r\n"),
    ],
)
def test_encodings_of_before_unicode(encoding: str, content: bytes) -> None:
    assert csv(content, encoding).rows == [{"c": "Hà Nội; Đắk Lắk; Nguyễn Văn Hùng; Quảng Ninh"}]


def test_windows_1258_is_composed() -> None:
    apart = unicodedata.normalize("NFD", "Nguyễn Thị Hằng, Đắk Lắk").replace("e\u0302", "ê").replace("a\u0306", "ă")
    assert csv(b"c;d\n".replace(b";d", b"") + apart.replace(",", "").encode("cp1258") + b"\n", "windows-1258").rows == [
        {"c": "Nguyễn Thị Hằng Đắk Lắk"}
    ]


@pytest.mark.parametrize("width", ["utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["-le", "-be", ""])
@pytest.mark.parametrize("marked", [True, False])
def test_wide_encodings_with_and_without_a_mark(width: str, end: str, marked: bool) -> None:
    written_as = f"{width}{end or '-le'}"
    content = ("\ufeff" if marked else "") + "Số,Tên\nA1,Đặng Thị Ỷ\n"
    for told in {width, written_as}:
        assert csv(content.encode(written_as), told).rows == [{"Số": "A1", "Tên": "Đặng Thị Ỷ"}]


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-16", "Số,Tên\nA1,Bình\n".encode()),
        ("utf-16-le", "Số,Tên\nA1,Bình.\n".encode()),
        ("utf-8", "Số,Tên\n".encode("utf-16")),
        ("vni", "Số,Tên\nA1,Nguyễn\n".encode()),
        ("tcvn3", b"S\x90,T\n"),
        ("ascii", "Số\n1\n".encode()),
        ("utf-32", b"S\x00o\x00\n\x00"),
    ],
)
def test_another_encoding_than_was_said(encoding: str, content: bytes) -> None:
    with pytest.raises(UnreadableFileError, match=f"it is not {encoding}"):
        csv(content, encoding)


@pytest.mark.parametrize(
    "name", ["base64", "zip", "rot13", "idna", "punycode", "unicode_escape", "tcvn", "", "utf-9", "x" * 5000, "utf-7"]
)
def test_what_is_no_encoding(name: str) -> None:
    with pytest.raises(UnknownEncodingError):
        canonical(name)


def test_rows_of_xml_as_documents() -> None:
    found = table(
        """<?xml version="1.0"?><?x y?><ds xmlns:q="urn:q" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><!-- a -->
        <row id="7" q:loai="x"><So>A1<!-- b --></So><!-- nhap lai --><?x y?><Ten>Chủ 1</Ten><Ten>Chủ 2</Ten></row>
        <row><Ten>Trần <b>Văn</b> Bình</Ten><Gia tien="VND">5</Gia><Trong/><Khong i:nil="true">x</Khong></row>
        <q:row>lạc<DiaChi><Xa ma="1">Bãi Cháy</Xa><row><So>2</So></row></DiaChi></q:row><row/></ds>""",
        Layout("xml"),
    )
    assert found.rows == [
        {"@id": "7", "@loai": "x", "So": "A1", "Ten": ["Chủ 1", "Chủ 2"]},
        {"Ten": "Trần Văn Bình", "Gia": {"@tien": "VND", "#text": "5"}, "Trong": None, "Khong": None},
        {"DiaChi": {"Xa": {"@ma": "1", "#text": "Bãi Cháy"}, "row": {"So": "2"}}, "#text": "lạc"},
        {},
    ]
    assert found.lines[0] == 2


def test_an_open_document(tmp_path: Path) -> None:
    def cell(kind: str, displayed: str, **values: str) -> str:
        told = "".join(f' office:{name.replace("_", "-")}="{value}"' for name, value in values.items())
        return f'<table:table-cell office:value-type="{kind}"{told}><text:p>{displayed}</text:p></table:table-cell>'

    cells = [
        cell("string", "Bình"), cell("float", "022093001234", value="22093001234"), cell("float", "2024,10", value="2024.1"),
        cell("float", "1.250.000", value="1250000"), cell("date", "15/03/23", date_value="2023-03-15"),
        cell("boolean", "ĐÚNG", boolean_value="true"), cell("time", "30:00", time_value="PT30H00M00S"),
    ]  # fmt: skip
    names = "".join(f"<table:table-cell><text:p>c{n}</text:p></table:table-cell>" for n in range(len(cells) + 1))
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    last = '<table:table-cell office:value-type="string"><text:p>#DIV/0!</text:p></table:table-cell>'
    far = '<table:table-row table:number-rows-repeated="1048574"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    rows = f"<table:table-row>{names}</table:table-row><table:table-row>{''.join(cells)}{last}</table:table-row>{far}"
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr(
            "content.xml",
            f'<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="a">{rows}</table:table></office:spreadsheet></office:body></office:document-content>',
        )
    with path.open("rb") as file:
        found = read(file, Layout("xlsx"))
    assert list(found.rows[0].values()) == [
        "Bình",
        "022093001234",
        "2024.10",
        "1250000",
        "2023-03-15",
        "TRUE",
        "30:00:00",
        None,
    ]
    assert [fault["column"] for fault in found.faults] == ["c7"]


def test_headings_and_widths() -> None:
    found = table("a;b;;\n1;2;;\n;;;\n3;4\n", Layout("csv", delimiter=";"))
    assert (found.rows, found.lines) == ([{"a": "1", "b": "2"}, {"a": "3", "b": "4"}], [2, 4])
    found = table("DANH SÁCH,\n,\na,b\n1,2\n", Layout("csv", heading=3))
    assert found.rows == [{"a": "1", "b": "2"}]
    for content, said in {
        "a,b\n1\n": "line 2 has 1 columns, the heading 2",
        "a,b\n1,2,3\n": "line 2 has 3 columns, the heading 2",
        "so,diaChi,ghiChu\n1,Tổ 1, khu 2,\n": "line 2 has 4 columns, the heading 3; write a field that has the delimiter",
        "a,a\n": "its first line is not a heading",
        ",\n": "its first line is not a heading",
        'a\n"1\n': "a line is not CSV",
    }.items():
        with pytest.raises(UnreadableFileError, match=said):
            table(content, Layout("csv"))


def test_a_workbook_of_before_2007() -> None:
    found = table(zlib.decompress(base64.b85decode(OLD_WORKBOOK)), Layout("xlsx"))
    assert list(found.rows[0].values()) == [
        "022093001234",
        "Trần",
        "2023-03-15",
        "30:00:00",
        "TRUE",
        "2024.10",
        None,
        None,
    ]
    assert [fault["column"] for fault in found.faults] == ["loi", "mat"]


@pytest.mark.parametrize("encoding", ["windows-1258", "tcvn3", "vni", "latin-1", "cp1252"])
def test_utf_8_under_another_name_is_refused(encoding: str) -> None:
    layout = Layout("csv", encoding=canonical(encoding))
    for name in ("Trần Văn Bình", "Đỗ", "\ufeffAn"):
        with pytest.raises(UnreadableFileError, match="it is not"):
            table(f"So,Ten\nA1,{name}\n", layout)
    assert table("So,Ten\nA1,An\n", layout).rows == [{"So": "A1", "Ten": "An"}]


def test_the_line_that_tells_excel_the_delimiter_is_no_heading() -> None:
    for line in ("sep=;", "SEP=;", "\ufeffsep=;", "sep=,"):
        found = table(f"{line}\na;b\n1;2\n", Layout("csv", delimiter=";"))
        assert (found.rows, found.lines) == ([{"a": "1", "b": "2"}], [2])


_OPEN_DOCUMENT = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style")
)
_HIDDEN = (
    '<office:automatic-styles><style:style style:name="h" style:family="table"><style:table-properties table:display="false"/>'
    '</style:style><style:style style:name="v" style:family="table"><style:table-properties table:display="true"/></style:style>'
    "</office:automatic-styles>"
)


def open_document(**sheets: tuple[str, list[str]]) -> bytes:
    """A workbook of LibreOffice: of each sheet the style, and its lines of one cell."""
    told = "".join(
        f'<table:table table:name="{name}" table:style-name="{style}">'
        + "".join(f"<table:table-row><table:table-cell>{cell}</table:table-cell></table:table-row>" for cell in cells)
        + "</table:table>"
        for name, (style, cells) in sheets.items()
    )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as book:
        body = f"<office:body><office:spreadsheet>{told}</office:spreadsheet></office:body>"
        book.writestr(
            "content.xml", f"<office:document-content {_OPEN_DOCUMENT}>{_HIDDEN}{body}</office:document-content>"
        )
    return written.getvalue()


def test_a_hidden_sheet_of_libreoffice_is_not_the_first() -> None:
    lines = ["<text:p>a</text:p>", "<text:p>cũ</text:p>"]
    book = open_document(old=("h", lines), new=("v", ["<text:p>a</text:p>", "<text:p>mới</text:p>"]), more=("v", lines))
    assert table(book, Layout("xlsx")).rows == [{"a": "mới"}]
    assert table(book, Layout("xlsx", sheet="old")).rows == [{"a": "cũ"}]


def test_a_hidden_sheet_of_before_2007_is_not_the_first() -> None:
    book = zlib.decompress(base64.b85decode(OLD_WORKBOOK_WITH_HIDDEN))
    assert table(book, Layout("xlsx")).rows == [{"a": "mới"}]
    assert table(book, Layout("xlsx", sheet="cu")).rows == [{"a": "cũ"}]


def test_blanks_of_libreoffice_stand_between_words() -> None:
    said = '<text:p>Trần<text:tab/>Văn<text:s text:c="2"/><text:span>An</text:span><text:line-break/>B</text:p><text:p>C</text:p>'
    [row] = table(open_document(a=("v", ["<text:p>a</text:p>", said])), Layout("xlsx")).rows
    assert row == {"a": "Trần\tVăn  An\nB\nC"}


@pytest.mark.parametrize(
    ("form", "raw", "said"),
    [
        ("[Red]000000000000", "22093001234", "022093001234"), ("[$-42A]000000000000", "22093001234", "022093001234"),
        ("0000_)", "12", "0012"), ("* 0000", "12", "0012"), ("[Color 5]0000;@", "12", "0012"), ("[<1]0;0000", "12", "12"),
    ],
)  # fmt: skip
def test_what_only_colours_a_number_hides_no_zeros(form: str, raw: str, said: str) -> None:
    assert displayed(raw, form) == said


@pytest.mark.parametrize("prolog", ["windows-1258", "iso-8859-1", "utf-16", "tcvn3", "utf-8"])
@pytest.mark.parametrize("name", ["Trần Văn Bình", "An"])
def test_rows_of_xml_are_in_their_bytes_whatever_the_prolog_says(prolog: str, name: str) -> None:
    told = f"<?xml version='1.0' encoding='{prolog}'?><ds><row><So>A1</So><Ten>{name}</Ten></row></ds>"
    for mark in ("", "\ufeff"):
        assert table(mark + told, Layout("xml")).rows == [{"So": "A1", "Ten": name}]


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-16", "Trần"), ("cp1258", "Tr\u00e2\u0300n"), ("iso-8859-1", "Trân")]
)
def test_rows_of_xml_in_another_encoding(encoding: str, name: str) -> None:
    told = f"<?xml version='1.0' encoding='{encoding}'?><ds><row><Ten>{name}</Ten></row></ds>".encode(encoding)
    assert table(told, Layout("xml")).rows == [{"Ten": unicodedata.normalize("NFC", name)}]


@pytest.mark.parametrize("written", ["2.2093E+11", "2,2093E+11", "1E+12", "-1.5E+15"])
def test_a_number_that_excel_shortened_is_a_fault(written: str) -> None:
    found = table(f"a;b\n{written};x\n", Layout("csv", delimiter=";"))
    assert found.rows == [{"a": None, "b": "x"}]
    [fault] = found.faults
    assert (fault["row"], fault["line"], fault["column"]) == (1, 2, "a")
    assert written not in fault["fault"]


def test_a_text_that_is_kept_from_excel_is_that_text() -> None:
    found = table('a,b\n="022093001234","=""1"""\n="A"&"B",=""\n2E+1,1e+15\n', Layout("csv"))
    assert [list(row.values()) for row in found.rows] == [["022093001234", "1"], ['="A"&"B"', None], ["2E+1", "1e+15"]]
