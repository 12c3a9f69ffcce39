"""One document takes no process with it: whatever a file does to its reader, a report says so, and calls are answered as before."""

import asyncio
import io
import os
import signal
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support.office import HEADING, office
from support.waits import WORK_SECONDS
from support.workbooks import sheet, written

from lgsp_adapters.subprocess_reader import reader

HEADS = ("Số", "Họ tên", "CCCD")
GOOD: list[tuple[str | float, ...]] = [HEADS, ("A1", "Bình", "1")]


def with_sheet(folder: Path, xml: str | bytes) -> bytes:
    """A workbook with this as its sheet."""
    path, found = written(folder / "book.xlsx", *GOOD), io.BytesIO()
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, xml if name.endswith("sheet1.xml") else before.read(name))
    return found.getvalue()


def far_apart(folder: Path) -> bytes:
    good = sheet(*GOOD)
    far = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    return with_sheet(folder, good.replace("</sheetData>", far))


def far_down(folder: Path) -> bytes:
    """Takes no memory, so it is taken: the row stands where it stands."""
    far = '<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>A2</t></is></c></row></sheetData>'
    return with_sheet(folder, sheet(*GOOD).replace("</sheetData>", far))


def one_huge_cell(folder: Path) -> bytes:
    head, tail = sheet(*GOOD).split("Bình")
    return with_sheet(folder, head + "x" * 300_000_000 + tail)


def many_cells_in_a_row(folder: Path) -> bytes:
    return with_sheet(folder, sheet(*GOOD).replace("</row></sheetData>", "<c/>" * 40_000_000 + "</row></sheetData>"))


def entities(folder: Path) -> bytes:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return with_sheet(folder, f'<!DOCTYPE w [<!ENTITY e0 "x">{bomb}]>' + sheet(*GOOD).replace("Bình", "&e11;"))


def deep(folder: Path) -> bytes:
    return with_sheet(folder, "<a>" * 100_000)


def no_workbook(folder: Path) -> bytes:
    return with_sheet(folder, b"\x00\xff" * 1000)


def old_and_broken(folder: Path) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + os.urandom(5000)


async def test_a_hostile_workbook_is_a_report(tmp_path: Path) -> None:
    await _are_reports(tmp_path, far_apart, entities, deep, no_workbook, old_and_broken)


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_a_huge_workbook_is_a_report(tmp_path: Path) -> None:
    await _are_reports(tmp_path, one_huge_cell, many_cells_in_a_row)


async def _are_reports(tmp_path: Path, *makes: Callable[[Path], bytes]) -> None:
    async with office(tmp_path, files={"pattern": "*.xlsx", "format": "xlsx"}) as there:
        await there.drop("1.xlsx", written(tmp_path / "a.xlsx", *GOOD).read_bytes())
        for make in makes:
            there.put(f"{make.__name__}.xlsx", await asyncio.to_thread(make, tmp_path))
            report = await there.report(f"{make.__name__}.xlsx", within=WORK_SECONDS)
            assert not report["taken"]
            assert report["faults"][0]["row"] == 0
            assert (await there.find(so="A1"))["ten"] == "Bình"
    async with office(tmp_path, files={"pattern": "*.xlsx", "format": "xlsx"}) as there:  # they are still there
        assert (await there.find_when_read(so="A1"))["ten"] == "Bình"


async def test_a_row_far_down_costs_nothing(tmp_path: Path) -> None:
    async with office(tmp_path, files={"pattern": "*.xlsx", "format": "xlsx"}) as there:
        assert (await there.drop("1.xlsx", far_down(tmp_path)))["rows"] == 2


async def test_a_reader_that_takes_too_long_or_too_much_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with office(tmp_path) as there:
        await there.drop("1.csv", HEADING + "A1,Bình,1\n")
        large = HEADING + "".join(f"B{number},{'x' * 100},{number}\n" for number in range(300_000))
        monkeypatch.setattr(reader, "SECONDS", 1.0)
        slow = await there.drop("2.csv", large)
        assert "it was not read within 1 seconds" in slow["faults"][0]["fault"]
        monkeypatch.setattr(reader, "SECONDS", 120.0)
        monkeypatch.setattr(reader, "MEMORY", 120 * 1024 * 1024)
        assert "memory" in (await there.drop("3.csv", large))["faults"][0]["fault"]
        monkeypatch.setattr(reader, "MEMORY", 1024**3)
        monkeypatch.setattr(reader, "MAX_OUTPUT", 10_000)
        assert "MiB" in (await there.drop("4.csv", large[:100_000].rpartition("\n")[0]))["faults"][0]["fault"]
        assert (await there.find(so="A1"))["ten"] == "Bình"


async def test_a_reader_that_crashes_is_told_of(tmp_path: Path) -> None:
    """As a library written in C does it, on its way through a file."""
    async with office(tmp_path) as there:
        await there.drop("1.csv", HEADING + "A1,Bình,1\n")
        large = HEADING + "".join(f"B{number},{'x' * 100},{number}\n" for number in range(100_000))
        for number, said in (
            (signal.SIGABRT, "SIGABRT"),
            (signal.SIGKILL, "by the system"),
            (signal.SIGSEGV, "SIGSEGV"),
        ):
            name = f"{said.replace(' ', '-')}.csv"
            there.put(name, large)
            async with asyncio.timeout(20):
                while not (found := _readers()):
                    await asyncio.sleep(0.01)
            os.kill(found[0], number)
            assert said in (await there.report(name))["faults"][0]["fault"]
            assert (await there.find(so="A1"))["ten"] == "Bình"
        there.put("good.csv", HEADING + "A1,Cúc,1\n")
        assert (await there.report("good.csv"))["taken"]


def _readers() -> list[int]:
    """The readers that this process has started."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            with suppress(OSError):  # it has ended
                found += [int(pid)] if b"subprocess_reader.child" in Path(f"/proc/{pid}/cmdline").read_bytes() else []
    return found
