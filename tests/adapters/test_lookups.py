"""A look-up in dropped files: what is absent is never found and finds nothing, and no row answers for another."""

import asyncio
import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from support.office import FIELDS, HEADING, loaded, office, written
from support.preloaded import run
from support.workbooks import error, formula, merge, number
from support.workbooks import written as workbook

from lgsp_adapters.connectors import connector_lookup
from lgsp_adapters.inboxes import shrink_guard
from lgsp_adapters.text.comparison import lookup_key
from lgsp_problems import Refusal

BINH = "A1,Trần Văn Bình,022093001235\n"
NOBODY = ",Người Không Số,022093009999\n"
NOTHING: list[dict[str, Any]] = [
    {},
    {"so": None},
    {"so": ""},
    {"so": "  "},
    {"so": "None"},
    {"so": "NaN"},
    {"so": "#REF!"},
    {"so": "\u00a0"},
    *(
        {"so": written}
        for written in ("NONE", "\\N", "undefined", "(null)", "<NULL>", "N/A", "-", "Err:502", "\u202a\u202c", "\u00ad")
    ),
]


async def test_what_is_absent_finds_nothing(tmp_path: Path) -> None:
    async with office(tmp_path) as there:
        rows = [BINH, NOBODY, "None,Tên Một,1\n", "nan,Tên Hai,2\n", "   ,Tên Ba,3\n"]
        rows += [
            f"{written},Tên Bốn,4\n"
            for written in ("NONE", "\\N", "undefined", "(null)", "<NULL>", "N/A", "-", "\u202a\u202c")
        ]
        report = await there.drop("1.csv", HEADING + "".join(rows))
        assert (report["taken"], report["rows"], report["withoutKey"]) == (True, 13, {"find": 12})
        for request in NOTHING:
            assert await there.find(**request) == "not-found-here"
        assert (await there.find(so="A1"))["ten"] == "Trần Văn Bình"


async def test_a_key_of_two_columns_needs_both(tmp_path: Path) -> None:
    async with office(tmp_path, find={"Số": "request.so", "CCCD": "request.cccd"}) as there:
        await there.drop("1.csv", HEADING + BINH + "A2,Lê Thị Cúc,\n")
        assert await there.find(so="A2") == "not-found-here"
        assert await there.find(so="A2", cccd="") == "not-found-here"
        assert (await there.find(so="A1", cccd="022093001235"))["ten"] == "Trần Văn Bình"


@pytest.mark.parametrize(
    ("row", "asked", "same"),
    [
        ("1", 1, True), ("1", 1.0, True), ("1", "1", True), ("1", True, False), ("1", "1.0", False), ("1.0", 1, False),
        ("TRUE", True, True), ("True", True, False), ("0", False, False), ("5", 5.0, True), ("2.5", 2.5, True),
        ("\u202aA1\u202c", "A1", True), ("A\u200e1", "A1", True), ("Đắk-1", unicodedata.normalize("NFD", "Đắk-1"), True), ("a  b", "a\u00a0b", True), ("A1", "a1", False),
        ("12345678901234567", 12345678901234567, True), ("1e3", 1000, False), ("1000", 1e3, True),
        ("1", [1], False),
    ],
)  # fmt: skip
def test_keys_are_compared_as_what_they_are(row: str, asked: Any, same: bool) -> None:
    try:
        assert (lookup_key(row) == lookup_key(asked)) is same
    except ValueError:
        assert isinstance(asked, list)


async def test_the_manifest_maps_the_side_of_the_row(tmp_path: Path) -> None:
    find = [{"row": "restore_zeros(row.CCCD, `12`)", "equals": "request.cccd"}]
    async with office(tmp_path, find=find) as there:
        await there.drop("1.csv", HEADING + "A1,Bình,22093001235\nA2,Cúc,022093001236\nA3,Dũng,\n")
        assert (await there.find(cccd="022093001235"))["so"] == "A1"
        assert (await there.find(cccd="022093001236"))["so"] == "A2"
        assert await there.find(cccd="22093001235") == "not-found-here"
        assert await there.find() == "not-found-here"
        same = await there.drop("2.csv", HEADING + "A1,Bình,22093001235\nA2,Cúc,022093001235\n")
        assert (same["taken"], same["faults"][0]["row"], same["faults"][0]["line"]) == (False, 2, 3)
        assert (same["faults"][0]["column"], "line 2" in same["faults"][0]["fault"]) == ("CCCD", True)
        assert (await there.find(cccd="022093001236"))["so"] == "A2"


async def test_two_rows_answer_only_where_the_manifest_wants_rows(tmp_path: Path) -> None:
    async with office(tmp_path, answer={"ten": {"$each": "rows", "$as": 'item."Họ tên"'}}) as there:
        report = await there.drop("1.csv", HEADING + BINH + BINH.replace("Bình", "Cúc"))
        assert report["taken"]
        assert (await there.find(so="A1"))["ten"] == ["Trần Văn Bình", "Trần Văn Cúc"]


WRONG: list[str | bytes] = [
    "Ghi chú\n",
    "Số,Họ và tên,CCCD\n" + BINH,
    "Số,Họ tên\nA2,Lê Thị Cúc\n",
    "Hướng dẫn,,\nĐiền vào trang sau,,\n",
    "",
    HEADING.encode() + b"A2,\xff\xfe,1\n",
    HEADING,
    HEADING + ",,\n\n",
    HEADING + "A1,Trần Văn Bình,#N/A\n",
]


async def test_no_wrong_file_empties_a_register(tmp_path: Path) -> None:
    async with office(tmp_path) as there:
        assert (await there.drop("good.csv", HEADING + BINH))["taken"]
        for number, content in enumerate(WRONG):
            report = await there.drop(f"{number}.csv", content)
            assert not report["taken"]
            assert report["faults"]
            assert (await there.find(so="A1"))["ten"] == "Trần Văn Bình"
        assert (await there.drop("mended.csv", HEADING + BINH.replace("Bình", "Ba")))["taken"]


@pytest.mark.parametrize(
    ("rows", "before", "share", "held"),
    [
        (4, 8, 0.5, False), (3, 8, 0.5, True), (3, 8, 0.7, False), (7, 8, 0.0, True), (1, 8, 1.0, False), (0, 8, 1.0, True),
        (0, 0, 0.5, True), (5, 0, 0.5, False), (9, 8, 0.0, False),
    ],
)  # fmt: skip
def test_how_much_a_register_may_lose(rows: int, before: int, share: float, held: bool) -> None:
    known = {"find": before} if before else {}
    assert bool(shrink_guard.reason_to_hold({"find": rows}, rows, known, share)) is held


async def test_a_share_of_its_own(tmp_path: Path) -> None:
    async with office(tmp_path, files={"shrink": 0.9}) as there:
        await there.drop("1.csv", HEADING + "".join(f"A{row},Bình,{row}\n" for row in range(6)))
        assert (await there.drop("2.csv", HEADING + BINH))["taken"]


async def test_the_headings_that_were_found_are_named(tmp_path: Path) -> None:
    async with office(tmp_path) as there:
        report = await there.drop("1.csv", "Số,Họ và tên,CCCD\n" + BINH)
        assert report["faults"][0]["fault"] == "there is no column Họ tên; the headings are: Số, Họ và tên, CCCD"
        odd = unicodedata.normalize("NFD", "\ufeffSố\u00a0,Họ \u00a0tên,CC\u200bCD\n")
        assert (await there.drop("2.csv", odd + unicodedata.normalize("NFD", BINH)))["taken"]
        assert await there.find(so="A1") == {"so": "A1", "ten": "Trần Văn Bình", "cccd": "022093001235"}


async def test_a_manifest_in_another_spelling_of_letters(tmp_path: Path) -> None:
    def apart(told: Any) -> Any:
        return json.loads(unicodedata.normalize("NFD", json.dumps(told, ensure_ascii=False)))

    async with office(tmp_path, find=apart({"Số": "request.so"}), answer=apart(FIELDS)) as there:
        assert (await there.drop("1.csv", HEADING + BINH))["taken"]
        assert (await there.find(so="A1"))["ten"] == "Trần Văn Bình"


BAD_CELLS = [
    *(error(name) for name in ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")),
    formula('CONCATENATE("0","22093001234")'),
    number("1914310000010100016"),
    number("1E21"),
    number("1e999999999"),
    number("-5", 4),
    number("60", 4),
]


async def test_a_cell_that_says_nothing_is_a_fault_of_its_row(tmp_path: Path) -> None:
    async with office(tmp_path, files={"pattern": "*.xlsx", "format": "xlsx"}) as there:
        heads = ("Số", "Họ tên", "CCCD")
        book = workbook(tmp_path / "a.xlsx", heads, ("A1", "Bình", number("22093001235", 1)))
        assert (await there.drop("1.xlsx", book.read_bytes()))["taken"]
        assert (await there.find(so="A1"))["cccd"] == "022093001235"
        lines: list[tuple[str | float, ...]] = [(f"A{row}", "Cúc", cell) for row, cell in enumerate(BAD_CELLS)]
        book = workbook(tmp_path / "b.xlsx", heads, ("A99", "Bình", "1"), *lines, (error("#REF!"), "Dũng", "2"))
        report = await there.drop("2.xlsx", book.read_bytes())
        assert not report["taken"]
        assert [fault["line"] for fault in report["faults"]] == list(range(3, 4 + len(BAD_CELLS)))
        assert {fault["column"] for fault in report["faults"][:-1]} == {"CCCD"}
        assert report["faults"][-1]["column"] == "Số"
        assert (await there.find(so="A1"))["cccd"] == "022093001235"


async def test_a_workbook_that_begins_with_a_guide(tmp_path: Path) -> None:
    rows: list[tuple[str | float, ...]] = [("Số", "Họ tên", "CCCD"), ("A1", "Bình", "1")]
    book = workbook(tmp_path / "a.xlsx", ("Hướng dẫn",), ("",), **{"Danh sách": rows})
    async with office(tmp_path, files={"pattern": "*.xlsx", "format": "xlsx"}) as there:
        report = await there.drop("1.xlsx", book.read_bytes())
        assert report["faults"][0]["fault"].startswith(
            "sheet a: there is no column CCCD, Họ tên, Số; the headings are: Hướng dẫn"
        )
    async with office(tmp_path, files={"pattern": "*.xlsx", "format": "xlsx", "sheet": "Danh sách"}) as there:
        assert (await there.drop("1.xlsx", book.read_bytes()))["taken"]
        assert (await there.find(so="A1"))["ten"] == "Bình"


async def test_sheets_of_one_form_are_one_register(tmp_path: Path) -> None:
    heads: list[tuple[str | float, ...]] = [("DANH SÁCH",), ("Số", "Họ tên", "", "CCCD", "Xã")]
    first = [*heads, ("A1", "Văn", "Bình", 22093001235, "Bãi Cháy"), ("A2", "Thị", "Cúc", "022195001236", "")]
    second = [*heads, ("A3", "Lê", "Dũng", "", "Hồng Gai"), ("Tổng cộng", "", "", "2")]
    book = workbook(tmp_path / "a.xlsx", ("Hướng dẫn",), **{"Tháng 1": first, "Tháng 2": second})
    merge(book, "B2:C2", "E3:E4", sheet_number=2)
    merge(book, "B2:C2", sheet_number=3)
    files = {"pattern": "*.xlsx", "format": "xlsx", "sheet": "Tháng *", "heading": 2, "join": ["Họ tên"]}
    files |= {"fill": ["Xã"], "skip": "starts_with(row.\"Số\" || '', 'Tổng')"}
    answer = {**FIELDS, "cccd": "restore_zeros(row.CCCD, `12`)", "xa": 'row."Xã"', "sheet": 'row."@sheet"'}
    find = [{"row": 'row."Số"', "equals": "request.so"}]
    async with office(tmp_path, files=files, find=find, answer=answer) as there:
        report = await there.drop("1.xlsx", book.read_bytes())
        assert (report["taken"], report["rows"], report["skipped"]) == (True, 3, 1)
        assert report["skippedLines"] == [{"sheet": "Tháng 2", "line": 4}]
        assert await there.find(so="A2") == {
            "so": "A2", "ten": "Thị Cúc", "cccd": "022195001236", "xa": "Bãi Cháy", "sheet": "Tháng 1",
        }  # fmt: skip
        assert (await there.find(so="A1"))["cccd"] == "022093001235"
        assert (await there.find(so="A3"))["sheet"] == "Tháng 2"
        workbook(book, ("Hướng dẫn",), **{"Tháng 1": first, "Tháng 2": [*heads, ("A1", "Lê", "", "1", "x")]})
        merge(book, "E3:E4", sheet_number=2)
        report = await there.drop("2.xlsx", book.read_bytes())
        [fault] = report["faults"]
        assert (fault["sheet"], fault["line"], fault["column"]) == ("Tháng 2", 3, "Số")
        assert fault["fault"].startswith("the row in line 3 of sheet Tháng 1 has the same key")
        assert (await there.find(so="A1"))["ten"] == "Văn Bình"


async def test_what_the_fault_is_about_is_named(tmp_path: Path) -> None:
    response = {
        "type": "object",
        "required": ["so"],
        "properties": {"so": {"type": "string", "maxLength": 3}, "ngay": {"type": "string"}},
    }
    answer = {"so": 'row."Số"', "ngay": "iso_date(row.CCCD, 'dd/MM/yyyy')"}
    async with office(tmp_path, answer=answer, response=response) as there:
        report = await there.drop("1.csv", "Tên,Số,CCCD\na,A1,01/02/2020\nb,A2,2020\n\nc,A3456,01/02/2020\n")
        assert [(fault["row"], fault["line"], fault["column"]) for fault in report["faults"]] == [
            (2, 3, "CCCD"),
            (3, 5, "Số"),
        ]
        assert "A3456" not in json.dumps(report)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"files": {"encoding": "base64"}}, "there is no such encoding"),
        ({"files": {"encoding": "tcvn33"}}, "there is no such encoding"),
        ({"find": [{"row": "rows.So", "equals": "request.so"}]}, "there is no variable rows"),
        ({"find": [{"row": "row.So", "equals": "row.So"}]}, "there is no variable row"),
    ],
)
def test_a_manifest_that_could_only_fail_is_refused(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        connector_lookup.build_adapter(*loaded(written(tmp_path, **changed)))


async def test_a_file_that_is_older_than_the_one_in_use_is_reported(tmp_path: Path) -> None:
    async with office(tmp_path) as there:
        await there.drop("2.csv", HEADING + BINH)
        (tmp_path / "unfinished").write_text(HEADING + BINH.replace("Bình", "Cúc"))
        os.utime(tmp_path / "unfinished", (1_700_000_000, 1_700_000_000))
        (tmp_path / "unfinished").rename(tmp_path / "drops" / "1.csv")
        report = await there.report("1.csv")
        assert (report["taken"], report["faults"]) == (False, [])
        assert report["why"].startswith("not taken: 2.csv is newer (modified ")
        assert report["why"].endswith(", this file 2023-11-15 05:13:20+07:00); to use this file, save it again")
        assert (await there.find(so="A1"))["ten"] == "Trần Văn Bình"
        assert there.adapter.standing()["data"]["current"] is True
        (tmp_path / "drops" / "2.csv").unlink()
        async with asyncio.timeout(20):  # the older one is the newest now
            while (await there.find(so="A1"))["ten"] != "Trần Văn Cúc":
                await asyncio.sleep(0.02)


async def test_an_adapter_that_is_tried_writes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "drops" / "1.csv").write_text(HEADING + BINH)
    contract = str(tmp_path / "contract.yaml")
    code, out, err = await run("adapter", "try", str(path), "find", "--contract", contract, "-d", '{"so":"A1"}')
    assert (code, "Trần Văn Bình" in out) == (0, True), err
    assert [file.name for file in (tmp_path / "drops").iterdir()] == ["1.csv"]
