"""A birth that five systems receive, each in its own way: the example's own programs, one of them refusing, one slow, one down."""

import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest_asyncio
import yaml
from support.preloaded import Preloaded
from support.processes import ROOT, Process, free_port
from support.waits import eventually
from support.workbench import ALL, CONTRACTS, TEXT, Workbench, document

from lgsp_adapters.sandbox import offices, people
from lgsp_auth.signing_keys import SigningKey
from lgsp_contracts import catalog

EXAMPLE = ROOT / "examples" / "birth_registration"
BIRTH = json.loads((EXAMPLE / "birth.json").read_text(encoding="utf-8"))
CHILD = [f"/tre/{name}" for name in ("soDinhDanh", "hoTen", "ngaySinh", "gioiTinh")]
FIELDS = {
    "csdl-dan-cu": ALL,
    "csdl-bao-hiem": ["/soDangKy", *CHILD],
    "mot-cua": ["/soDangKy", "/ngayDangKy"],
    "truong-hoc": ["/soDangKy", *CHILD],
    "tiem-chung": ["/soDangKy", *CHILD, "/me/hoTen"],
}
"""What each subscriber may see."""


def shipped(service: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((catalog.shipped_folder() / f"provincial/{service}.yaml").read_text())
    return found


def grant(consumer: str) -> dict[str, Any]:
    return document(
        "Grant",
        f"{consumer}-births",
        consumer=consumer,
        service="civil-registration",
        major=1,
        events={"birth-registered": {"fields": FIELDS[consumer]}},
        purposes=["lien-thong-khai-sinh"],
        legalBasis="Nghị định 63/2024/NĐ-CP",
        quota={"requests": 1000, "per": "minute"},
        validFrom="2020-01-01",
        validUntil="2040-01-01",
    )


class Province:
    """The bus, two adapters with their databases, and the programs of the example."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = {name: SigningKey.generate() for name in ("ho-tich", *FIELDS)}
        systems = [
            document("System", name, agency="H49.1", title=TEXT, jwks=[key.public_jwk()])
            for name, key in self.keys.items()
        ]
        contracts = [*CONTRACTS, shipped("civil-registration"), shipped("vaccination")]
        self.bus = Workbench(folder / "bus", contracts=contracts, documents=[*systems, *map(grant, FIELDS)])
        self.programs: dict[str, Process] = {}

    async def start(self) -> "Province":
        await self.bus.start()
        databases = offices.tables(people.make())
        for service in ("civil-registration", "vaccination"):
            with closing(sqlite3.connect(self.folder / f"{service}.sqlite")) as connection:
                connection.execute(databases[service][0].create)
        for name, key in self.keys.items():
            (self.folder / f"{name}.pem").write_bytes(key.to_pem())
        return self

    async def stop(self) -> None:
        for program in self.programs.values():
            await program.stop()
        await self.bus.stop()

    async def adapter(self, service: str) -> Process:
        command = ["adapter", "run", service, "--nats", self.bus.nats_url, "--keys", str(self.folder)]
        command += ["--gateway", f"http://127.0.0.1:{self.bus.port}", "--catalog", str(self.bus.catalog_folder)]
        variable = f"LGSP_{service.upper().replace('-', '_')}_URL"
        address = {variable: f"sqlite:///{self.folder / service}.sqlite"}
        self.programs[service] = await Preloaded(command, self.folder / f"{service}.log", address).start()
        return self.programs[service]

    async def program(self, system: str, file: str, *arguments: str) -> Process:
        command = [sys.executable, str(EXAMPLE / file), f"http://127.0.0.1:{self.bus.port}"]
        command += [str(self.folder / f"{system}.jsonl"), *arguments]
        token = {**os.environ, "LGSP_TOKEN": self.bus.token(system)}
        self.programs[system] = await Process(command, self.folder / f"{system}.log", token).start()
        return self.programs[system]

    async def register(self, *numbers: str) -> None:
        """Register births, by the program of the office."""
        for number in numbers:
            birth = self.folder / "birth.json"
            birth.write_text(json.dumps({**BIRTH, "soDangKy": number}))
            command = [sys.executable, str(EXAMPLE / "register_birth.py")]
            command += [str(self.folder / "civil-registration.sqlite"), str(birth)]
            assert await (await Process(command, self.folder / "register.log").start(wait_ready=False)).ended() == 0

    def ledger(self, system: str) -> list[dict[str, Any]]:
        """What a program wrote down."""
        path = self.folder / f"{system}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def children(self) -> list[tuple[Any, ...]]:
        """What stands in the vaccination register."""
        with closing(sqlite3.connect(self.folder / "vaccination.sqlite")) as connection:
            return list(connection.execute("SELECT so_dang_ky, ho_ten, ho_ten_me FROM tre_em ORDER BY so_dang_ky"))


@pytest_asyncio.fixture
async def province(tmp_path: Path) -> AsyncIterator[Province]:
    found = Province(tmp_path)
    yield await found.start()
    await found.stop()


async def test_five_systems_receive_a_birth_once_each(province: Province) -> None:
    await province.program("csdl-dan-cu", "webhook.py", "--port", str(free_port()), "--slow", "0.5")
    await province.program("csdl-bao-hiem", "webhook.py", "--port", str(free_port()), "--refuse", "1")
    await province.program("mot-cua", "follow.py")
    await province.program("truong-hoc", "fetch.py")
    subscribe = {"kind": "adapter", "service": "vaccination", "major": 1, "operation": "register-child"}
    wish = {"name": "births", "service": "civil-registration", "major": 1, "events": ["birth-registered"]}
    made = await province.bus.ask(
        *("POST", "/subscriptions", {**wish, "purpose": "lien-thong-khai-sinh", "delivery": subscribe}),
        system="tiem-chung",
    )
    assert made.status == 201, made.body
    await province.adapter("civil-registration")
    await province.register("KS-1", "KS-2")

    def received(system: str) -> list[str]:
        return sorted(line["soDangKy"] for line in province.ledger(system) if not line["repeated"])

    for system in ("csdl-dan-cu", "mot-cua", "truong-hoc"):
        await eventually(lambda system=system: received(system) == ["KS-1", "KS-2"])
    assert province.children() == [], "its adapter is down, and nobody waits for it"
    await province.adapter("vaccination")
    await eventually(lambda: received("csdl-bao-hiem") == ["KS-1", "KS-2"])
    await eventually(lambda: len(province.children()) == 2)
    assert province.children()[0] == ("KS-1", BIRTH["tre"]["hoTen"], BIRTH["me"]["hoTen"])
    for system in ("csdl-dan-cu", "csdl-bao-hiem", "mot-cua", "truong-hoc"):
        assert len({line["id"] for line in province.ledger(system)}) == 2
