"""An office whose system is a folder: drops are taken whole or not at all, and read once."""

import asyncio
import json
import os
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.national import CATALOG, call
from support.office import polled_often
from support.waits import eventually

from lgsp_adapters import manifest
from lgsp_adapters.adapter import Adapter, Declared, UpstreamFailed
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.tabular import tables
from lgsp_adapters.tabular.layout import Layout
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.tabular.table import Row

HEADING = "Số giấy phép;Chủ đầu tư;Địa điểm xây dựng;Số tầng;Ngày cấp;Tình trạng\n"
GOOD = "7/2025/GPXD;Trần Thị Bình;Phường Bãi Cháy;{};01/02/2025;Còn hiệu lực\n"


class Folder:
    def __init__(self, path: Path, adapter: Adapter) -> None:
        self.path = path
        self.adapter = adapter
        self.dropped = 0

    async def ask(self, number: str = "7/2025/GPXD") -> Any:
        method = self.adapter.method("lookup-permit")
        assert method
        return await method({"soGiayPhep": number}, call())

    async def drop(self, name: str, content: str | bytes) -> dict[str, Any]:
        """Drop a file; the report on it."""
        data = content if isinstance(content, bytes) else content.encode()
        (self.path / "unfinished").write_bytes(data)
        self.dropped += 1
        lately = time.time() - 100 + self.dropped
        os.utime(self.path / "unfinished", (lately, lately))
        (self.path / "unfinished").rename(self.path / name)
        report = self.path / f"{name}.report.json"
        await eventually(report.exists)
        found: dict[str, Any] = json.loads(report.read_text())
        return found


@pytest_asyncio.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Folder]:
    monkeypatch.setenv("LGSP_CONSTRUCTION_PERMITS_FOLDER", str(tmp_path))
    permits = polled_often(manifest.load(manifest.find_manifest("construction-permits")))
    adapter = build_adapter(permits, CATALOG["construction-permits", 1])
    await adapter.open()
    yield Folder(tmp_path, adapter)
    await adapter.close()


async def test_the_newest_drop_answers_and_a_bad_one_changes_nothing(folder: Folder) -> None:
    with pytest.raises(UpstreamFailed) as failed:
        await folder.ask()
    assert failed.value.why == "unreachable"
    assert (await folder.drop("a.csv", HEADING + GOOD.format(3)))["taken"]
    assert (await folder.ask())["soTang"] == 3
    with pytest.raises(Declared):
        await folder.ask("8/2025/GPXD")
    assert (await folder.drop("b.csv", "\ufeff" + HEADING + GOOD.format(5)))["rows"] == 1
    assert (await folder.ask())["soTang"] == 5
    bad = {
        "c.csv": (HEADING + GOOD.format(6) + GOOD.format(900).replace("7/", "8/"), "/properties/soTang/maximum"),
        "d.csv": (HEADING + GOOD.format(6).replace("01/02/2025", "1/2/2025"), "a date is not in the form dd/MM/yyyy"),
        "e.csv": (HEADING + GOOD.format(6).replace("Còn hiệu lực", "Lạ"), "/required"),
        "f.csv": (HEADING + "7/2025/GPXD;một\n", "line 2 has 2 columns, the heading 6"),
        "g.csv": ((HEADING + GOOD.format(6)).encode("utf-16"), "it is not utf-8"),
        "h.csv": (HEADING.replace("Số giấy phép", "Số") + GOOD.format(6), "there is no column Số giấy phép"),
        "i.csv": ("", "its first line is not a heading"),
    }
    for name, (content, said) in bad.items():
        report = await folder.drop(name, content)
        assert not report["taken"]
        assert said in report["faults"][0]["fault"]
        assert "Bình" not in json.dumps(report, ensure_ascii=False)
    assert (await folder.ask())["soTang"] == 5


async def test_a_file_that_still_grows_is_not_taken(folder: Folder) -> None:
    growing = folder.path / "a.csv"
    with growing.open("w") as file:
        for part in (HEADING, GOOD.format(3), GOOD.format(4).replace("7/", "8/")):
            file.write(part)
            file.flush()
            await asyncio.sleep(0.6)
    assert not (folder.path / "a.csv.report.json").exists()


async def test_a_file_is_read_once(folder: Folder) -> None:
    await folder.drop("a.csv", HEADING + GOOD.format(3))
    report = folder.path / "a.csv.report.json"
    report.unlink()
    assert (await folder.drop("b.csv", HEADING + GOOD.format(4)))["taken"]
    assert not report.exists()


def read(path: Path, layout: str) -> list[Row]:
    with path.open("rb") as file:
        return tables.read(file, Layout(layout, row="giayPhep")).rows


def sheet(path: Path, *lines: tuple[str | float, ...]) -> Path:
    """The smallest workbook that Excel would open."""
    cells = [
        [f'<c t="inlineStr"><is><t>{v}</t></is></c>' if isinstance(v, str) else f"<c><v>{v}</v></c>" for v in line]
        for line in lines
    ]
    rows = "".join(f'<row r="{number}">{"".join(line)}</row>' for number, line in enumerate(cells, 1))
    main, rels = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org"
    office = f"{rels}/officeDocument/2006/relationships"
    package = f"{rels}/package/2006/relationships"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", f'<Types xmlns="{rels}/package/2006/content-types"/>')
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
        )
    return path


def test_excel_and_xml(tmp_path: Path) -> None:
    book = sheet(tmp_path / "a.xlsx", ("Số giấy phép", "Số tầng"), ("7/2025/GPXD", 3.0), ("8/2025/GPXD", 4.5))
    assert read(book, "xlsx") == [
        {"Số giấy phép": "7/2025/GPXD", "Số tầng": "3"},
        {"Số giấy phép": "8/2025/GPXD", "Số tầng": "4.5"},
    ]
    document = tmp_path / "a.xml"
    document.write_text(
        "<ds xmlns='urn:x'><giayPhep><so> 7 </so><tang/></giayPhep><giayPhep><so>8</so></giayPhep></ds>"
    )
    assert read(document, "xml") == [{"so": "7", "tang": None}, {"so": "8"}]
    for content in (
        "<a><giayPhep>",
        "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a><giayPhep><so>&e;</so></giayPhep></a>",
    ):
        document.write_text(content)
        with pytest.raises(UnreadableFileError):
            read(document, "xml")
    document.write_text("no workbook")
    with pytest.raises(UnreadableFileError):
        read(document, "xlsx")
