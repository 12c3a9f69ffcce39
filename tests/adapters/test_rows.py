"""Files whose rows are calls: none is lost, none is sent twice, whatever dies; what is wrong with a row stands in the report."""

import asyncio
import json
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from support.adapters import ROWS_MANIFEST
from support.preloaded import Preloaded, run
from support.waits import eventually
from support.workbench import Workbench

from lgsp_adapters.adapter import Call, Declared
from lgsp_adapters.connectors.connector_lookup import build
from lgsp_adapters.host.served_adapter import ServedAdapter
from lgsp_adapters.manifest import load
from lgsp_problems import Refusal

ROWS = 240


class Office:
    """Drops files; `received` counts what the provider was asked."""

    def __init__(self, folder: Path, bus: Workbench) -> None:
        self.folder = folder
        self.bus = bus
        self.received: Counter[str] = Counter()
        self.enough = asyncio.Event()
        self.command: list[str] = []
        self.feeder: Preloaded | None = None
        self.served: ServedAdapter | None = None

    async def register(self, request: dict[str, Any], _call: Call) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        self.received[request["soDinhDanh"]] += 1
        if self.received.total() == ROWS // 3:
            self.enough.set()
        if request["soDinhDanh"] == number(7):
            raise Declared("person-not-found")
        return {"ketQua": "DA NHAN"}

    async def serve(self) -> None:
        self.served = await self.bus.serve(register=self.register)

    def begin(self, **changed: Any) -> None:
        (self.folder / "drops").mkdir()
        (self.folder / "keys").mkdir()
        (self.folder / "keys/alpha.pem").write_bytes(self.bus.keys["alpha"].to_pem())
        (self.folder / "adapter.yaml").write_text(yaml.safe_dump({**ROWS_MANIFEST, **changed}, allow_unicode=True))
        self.command = ["adapter", "run", str(self.folder / "adapter.yaml"), "--nats", self.bus.nats_url]
        self.command += ["--gateway", f"http://127.0.0.1:{self.bus.port}", "--keys", str(self.folder / "keys")]
        self.command += ["--catalog", str(self.bus.catalog_folder)]

    async def feed(self) -> Preloaded:
        self.feeder = await Preloaded(self.command, self.folder / "feeder.log").start()
        return self.feeder

    def drop(self, name: str, lines: list[str]) -> None:
        path = self.folder / "drops" / name
        path.write_text("Số,Tên\n" + "\n".join(lines) + "\n")
        os.utime(path, (1, 1))

    async def finished(self, name: str) -> dict[str, Any]:
        path = self.folder / "drops" / f"{name}.report.json"
        async with asyncio.timeout(20):
            while True:
                if path.exists() and (said := json.loads(path.read_text()))["finished"]:
                    return dict(said)
                await asyncio.sleep(0.02)


def number(row: int) -> str:
    return f"0220930{row:05}"


@pytest_asyncio.fixture
async def office(tmp_path: Path, bus: Workbench) -> AsyncIterator[Office]:
    found = Office(tmp_path, bus)
    yield found
    if found.feeder:
        await found.feeder.stop()
    if found.served:
        await bus.unserve(found.served)


async def test_beside_a_sandbox_no_row_is_called(office: Office) -> None:
    office.begin()
    office.drop("a.csv", [f"{number(1)},Nguyễn Văn An"])
    code, _, said = await run(*office.command, "--trials", "only", environment={"LC_ALL": "en_US.UTF-8"})
    assert code != 0
    assert "cannot run with --trials only" in said


async def test_each_row_is_one_call_though_the_feeder_is_killed(office: Office) -> None:
    await office.serve()
    office.begin()
    lines = [f"{number(row)},Nguyễn Văn An" for row in range(1, ROWS + 1)]
    lines[2], lines[4] = "12,Quá Ngắn", ",Không Số"
    office.drop("a.csv", lines)
    first = await office.feed()
    async with asyncio.timeout(20):
        await office.enough.wait()
    await first.kill()
    await office.feed()
    said = await office.finished("a.csv")
    wrong = {fault["row"]: fault["fault"] for fault in said["faults"]}
    assert set(wrong) == {3, 5, 7}
    assert wrong[7] == "person-not-found"
    assert "soDinhDanh" in wrong[3]
    assert (said["rows"], said["sent"]) == (ROWS, ROWS - 3)
    assert office.received == Counter({number(row): 1 for row in range(1, ROWS + 1) if row not in (3, 5)})
    assert "Quá" not in json.dumps(said, ensure_ascii=False)
    shutil.copy(office.folder / "drops/a.csv", office.folder / "drops/again.csv")
    os.utime(office.folder / "drops/again.csv", (2, 2))
    assert (await office.finished("again.csv"))["sameAs"] == "a.csv"
    lines[2] = lines[8] = f"{number(3)},Nguyễn Văn Ba"
    (office.folder / "drops/a.csv.report.json").unlink()
    office.drop("a.csv", lines)
    assert (await office.finished("a.csv"))["sent"] == ROWS - 2
    mended = Counter({number(row): 1 for row in range(1, ROWS + 1) if row != 5}) + Counter([number(3)])
    del office.received[number(7)], mended[number(7)]  # a refusal is asked again
    assert office.received == mended


async def test_a_provider_that_is_away_is_waited_for(office: Office) -> None:
    office.begin()
    office.drop("a.csv", [f"{number(row)},Nguyễn Văn An" for row in range(1, 4)])
    await office.feed()
    log = office.folder / "feeder.log"
    await eventually(lambda: "no-adapter" in log.read_text(), seen=log.read_text)
    await office.serve()
    assert (await office.finished("a.csv"))["sent"] == 3
    assert "Nguyễn" not in log.read_text()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"operation": "enlist"}, "the contract has no such operation; it has: read, read-person"),
        ({"operation": "read-person", "purpose": None}, "purpose"),
        ({"request": {"hoVaTen": "row.Ten"}}, "the contract requires the field soDinhDanh"),
        ({"request": {"soDinhDanh": "rows.So"}}, "there is no variable rows; the available ones are: connection, row"),
    ],
)
async def test_a_manifest_that_could_only_fail(office: Office, changed: dict[str, Any], said: str) -> None:
    told = {**ROWS_MANIFEST, **changed}
    path = office.folder / "adapter.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in told.items() if value is not None}))
    with pytest.raises(Refusal) as refused:
        build(load(path), office.bus.catalog["desk", 1])
    assert said in refused.value.detail.en


async def test_no_file_ends_the_feeding(office: Office) -> None:
    await office.serve()
    office.begin(files={"pattern": "*.csv", "format": "csv", "encoding": "utf-16"})
    folder = office.folder / "drops"
    good = "Số,Tên\n{},Nguyễn Văn An\n"
    drops: dict[str, bytes] = {
        "1.csv": good.format(number(1)).encode(),
        "2.csv": "Số,Họ tên\n1,An\n".encode("utf-16"),
        "3.csv": b"\xff\xfe\x00",
        "Gi\udcca.csv": good.format(number(2)).encode("utf-16"),
        "4.csv": good.format(number(3)).encode("utf-16"),
    }
    (folder / "4.csv.report.json").write_text('{"finished": 0, "done": -1, "sent": null}')
    for late, (name, content) in enumerate(drops.items(), 1):
        (folder / name).write_bytes(content)
        os.utime(folder / name, (late, late))
    os.mkfifo(folder / "pipe.csv")
    (folder / "link.csv").symlink_to(folder / "4.csv")
    await office.feed()
    assert (await office.finished("4.csv"))["sent"] == 1
    assert (await office.finished("Gi\udcca.csv"))["file"] == "Gi\\xca.csv"
    said = {name: (await office.finished(name))["faults"][0]["fault"] for name in ("1.csv", "2.csv", "3.csv")}
    assert said == {
        "1.csv": "it is not utf-16; save it so, or say in the manifest what it is",
        "2.csv": "there is no column Tên; the headings are: Số, Họ tên",
        "3.csv": "it is not utf-16; save it so, or say in the manifest what it is",
    }
    assert office.received == Counter({number(2): 1, number(3): 1})
    log = (office.folder / "feeder.log").read_text()
    assert "pipe.csv" in log
    assert "link.csv" in log
