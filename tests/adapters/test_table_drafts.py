"""`lgsp contract import table`: drafts that pass their own check, trial and test in each database."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from support import social_register
from support.adapters import opened
from support.national import call
from support.postgres import Postgres, name_in
from support.preloaded import run
from support.sql import DRIVERS

from lgsp_adapters import manifest as manifests
from lgsp_adapters.adapter import Declared, UpstreamFailed
from lgsp_adapters.conformance import suite
from lgsp_adapters.scaffolding.column_schemas import NOT_BLANK
from lgsp_adapters.scaffolding.database_tables import from_table
from lgsp_contracts.agreement import comparison
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

ANN = {"soDinhDanh": "022093001000"}


@pytest.fixture
async def register(request: pytest.FixtureRequest, database: str, postgres: Postgres, tmp_path: Path) -> str:
    """The address of the register, in a database of its own."""
    address = {
        "postgresql": await postgres.new_database(),
        "sqlite": f"sqlite:///{tmp_path}/register.db",
        "mariadb": database,
    }[database.partition(":")[0]]
    await social_register.filled(address)
    return address


async def count(address: str) -> int:
    engine = create_async_engine(address.replace(":", f"+{DRIVERS[address.partition(':')[0]]}:", 1))
    async with engine.connect() as connection:
        found = (await connection.execute(text("SELECT COUNT(*) FROM huong_btxh"))).scalar_one()
    await engine.dispose()
    return int(found)


def loaded(draft: Any, folder: Path, address: str, environment: pytest.MonkeyPatch) -> manifests.Manifest:
    environment.setenv(draft["connection"]["url"]["env"], address)
    (folder / "adapter.yaml").write_text(yaml.safe_dump(draft))
    return manifests.load(folder / "adapter.yaml")


async def test_a_draft_passes_its_own_test(register: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an accent in a name, numbers of people kept as numbers, codes, and rows that belong to a row; a write is not kept."""
    contract, manifest, codes, _ = await from_table(register, "huong_btxh", "social-welfare", "btxh", write=True)
    assert codes == ["dm_loai_doi_tuong", "dm_xa"]
    names = [f"lookup-huong-btxh{by}" for by in ("", "-by-so-quyet-dinh", "-by-id")]
    assert list(contract["operations"]) == [*names, "register-huong-btxh"]
    written = contract["operations"]["register-huong-btxh"]
    assert list(written["response"]["properties"]) == ["soDinhDanh"]  # no number that means nothing outside
    amount = {"type": "number", "minimum": -9999999999.99, "maximum": 9999999999.99, "multipleOf": 0.01}
    assert written["request"]["properties"]["mucHuong"] == amount
    shown = written["example"]["request"]
    assert (shown["hoVaTen"], shown["mucHuong"], shown["gioiTinh"]) == ("Nguyễn Văn An", 500000, "Nữ")
    assert {each["ky"] for each in contract["operations"][names[0]]["example"]["response"]["chiTra"]} == {"2026-01"}
    promised = Contract.from_document(contract)
    comparison.check(promised, SourceLocation("draft"))
    results = await suite.run(loaded(manifest, tmp_path, register, monkeypatch), promised, allow_writes=False)
    assert [result for result in results if not result.passed] == []
    assert [result.operation for result in results if result.what == "a sample of the system"] == names
    assert await count(register) == social_register.PEOPLE
    async with opened("sql", register, contract=promised, operations=manifest["operations"]) as adapter:
        method = adapter.method("lookup-huong-btxh")
        assert method
        found = await method(ANN, call())
    assert (found["soDinhDanh"], found["hoVaTen"]) == (ANN["soDinhDanh"], "Nguyễn Thị Số 0")
    assert (found["conSong"], found["capNhatLuc"]) == (True, "2026-01-31T08:00:00+07:00")
    assert [payment["ky"] for payment in found["chiTra"]] == ["2026-02", "2026-01"]


async def test_an_integrator_goes_from_a_table_to_a_tested_adapter(postgres: Postgres, tmp_path: Path) -> None:
    address = await postgres.new_database()
    await social_register.filled(address)
    contract, manifest = tmp_path / "contract.yaml", tmp_path / "adapter.yaml"
    command = [
        "contract",
        "import",
        "table",
        "--url",
        address,
        "--table",
        "huong_btxh",
        "--by",
        "so_dinh_danh",
        "--write",
    ]
    command += ["--service", "social-welfare", "--provider", "btxh", "-o", str(contract), "--manifest", str(manifest)]
    code, out, _ = await run(*command)
    assert (code, "contains the codes of dm_loai_doi_tuong, dm_xa; check" in out) == (0, True)
    assert "  export LGSP_SOCIAL_WELFARE_URL=…\n" in out
    written = contract.read_text()
    assert "# TODO: write a description that says what true and false mean.\n        conSong:" in written
    assert "Nguyễn Thị Số" not in written  # nobody's data is in a contract
    assert (
        "maXa:\n          enum: ['06652', '06673', '07192']\n          description: '06652: Phường Hồng Gai" in written
    )
    assert len([*written.splitlines(), *manifest.read_text().splitlines()]) < 150
    both = (str(manifest), "--contract", str(contract))
    environment = {"LGSP_SOCIAL_WELFARE_URL": address}
    assert (await run("adapter", "check", *both, environment=environment))[0] == 0
    code, out, err = await run("adapter", "try", both[0], "lookup-huong-btxh", *both[1:], environment=environment)
    assert (code, err) == (0, "")
    assert json.loads(out)["hoVaTen"].startswith("Nguyễn Thị Số")
    request = json.loads(out)["soDinhDanh"]
    (tmp_path / "request.json").write_text(json.dumps({"soDinhDanh": request}))
    again = (both[0], "lookup-huong-btxh", *both[1:], "-d", f"@{tmp_path / 'request.json'}")
    assert (await run("adapter", "try", *again, environment=environment))[1] == out
    missing = await run("adapter", "try", *again[:-1], "@none.json", environment=environment)
    assert "Cannot read the file none.json: No such file or directory; name another." in missing[2]
    (tmp_path / "contracts").mkdir()
    code, _, err = await run("contract", "check", str(tmp_path / "contracts"))
    assert (code, "has no .yaml file; name the contract" in err) == (1, True)
    contract.rename(tmp_path / "contracts" / "contract.yaml")
    code, checked, _ = await run("contract", "check", str(tmp_path / "contracts"))
    assert (code, "social-welfare 1.0.0 is valid" in checked) == (0, True)
    both = (str(manifest), "--contract", str(tmp_path / "contracts"))
    code, out, _ = await run("contract", "test", *both, environment=environment)
    assert (code, "0 failed" in out) == (0, True)


async def drafted(postgres: Postgres, statements: str, table: str = "ho_so", *keys: list[str]) -> tuple[Any, Any, str]:
    address = await postgres.new_database()
    await postgres.sql(statements, name_in(address))
    contract, manifest, *_ = await from_table(address, table, "poor", "provider", keys)
    Contract.from_document(contract)
    return contract["operations"], manifest["operations"], address


async def test_what_a_row_refers_to_is_an_object_or_a_code(postgres: Postgres) -> None:
    contract, manifest, address = await drafted(
        postgres,
        "CREATE TABLE ho (id SERIAL PRIMARY KEY, chu_ho TEXT NOT NULL, cccd CHAR(12) NOT NULL);"
        "CREATE TABLE muc (ma SMALLINT PRIMARY KEY, ten TEXT);"
        'CREATE TABLE ho_so (so TEXT PRIMARY KEY, ho_id INTEGER NOT NULL REFERENCES ho, "Mức" SMALLINT REFERENCES muc, cha TEXT REFERENCES ho_so);'
        "INSERT INTO ho (chu_ho, cccd) VALUES ('Nguyễn Văn An', '022093001234'); INSERT INTO muc VALUES (1, 'Nghèo'), (2, 'Cận nghèo');"
        "INSERT INTO ho_so VALUES ('A1', 1, 2, NULL)",
    )
    fields = contract["lookup-ho-so"]["response"]["properties"]
    assert fields["muc"] == {"type": "integer", "description": "1: Nghèo; 2: Cận nghèo"}
    assert list(fields) == ["so", "muc", "cha", "ho"]
    assert list(fields["ho"]["properties"]) == ["chuHo", "cccd"]
    promised = Contract.from_document({**social_contract(contract), "service": "poor"})
    async with opened("sql", address, contract=promised, operations=manifest) as adapter:
        method = adapter.method("lookup-ho-so")
        assert method
        found = await method({"so": "A1"}, call())
        assert found == {"so": "A1", "muc": 2, "ho": {"chuHo": "Nguyễn Văn An", "cccd": "022093001234"}}
        await postgres.sql("INSERT INTO muc VALUES (3, 'Thoát nghèo'); UPDATE ho_so SET \"Mức\" = 3", name_in(address))
        found = await method({"so": "A1"}, call())
    assert (
        promised.operations["lookup-ho-so"].response.violations(found) == []
    )  # the table of codes has got another row


def social_contract(operations: Any) -> dict[str, Any]:
    title = {"vi": "x", "en": "x"}
    head = {"service": "poor", "version": "1.0.0", "title": title, "provider": "provider", "classification": "personal"}
    return {**head, "operations": operations}


async def test_rows_belong_to_a_row_whose_column_has_another_name_in_the_contract(postgres: Postgres) -> None:
    statements = (
        'CREATE TABLE ho_so ("1ma" text PRIMARY KEY, ghi_chu text);'
        "CREATE TABLE con (id serial PRIMARY KEY, cha text NOT NULL REFERENCES ho_so, ten text);"
        "INSERT INTO ho_so VALUES ('X1', 'a'); INSERT INTO con (cha, ten) VALUES ('X1', 'Bé')"
    )
    contract, operations, address = await drafted(postgres, statements)
    promised = Contract.from_document(social_contract(contract))
    async with opened("sql", address, contract=promised, operations=operations) as adapter:
        method = adapter.method("lookup-ho-so")
        assert method
        assert (await method({"cot1": "X1"}, call()))["con"] == [{"ten": "Bé"}]


async def test_what_the_rows_do_not_keep_is_not_promised(postgres: Postgres) -> None:
    """Old numbers of 9 digits in a column called cccd, an empty text where there is never NULL, a text that is long."""
    contract, _, _ = await drafted(
        postgres,
        "CREATE TABLE ho_so (so INTEGER PRIMARY KEY, cccd VARCHAR(12), ghi_chu TEXT NOT NULL, email TEXT, so_bhxh CHAR(10));"
        "INSERT INTO ho_so VALUES (1, '022093001234', 'x', 'a@b.vn', '0123456789'), (2, '100200300', '', 'khong co', NULL)",
    )
    response = contract["lookup-ho-so"]["response"]
    assert response["required"] == ["so"]
    assert response["properties"] == {
        "so": {"type": "integer"},
        "cccd": {"type": "string", "maxLength": 100},
        "ghiChu": {"type": "string", "maxLength": 4000},
        "email": {"type": "string", "maxLength": 100},
        "soBhxh": {"type": "string", "format": "ma-so-bhxh"},
    }


async def test_keys_are_what_the_database_or_the_integrator_says(postgres: Postgres) -> None:
    table = (
        "CREATE TABLE ho_so (id SERIAL PRIMARY KEY, ma_ho_so TEXT, nam INTEGER, so INTEGER, cccd TEXT, ma_xa TEXT, tam TEXT, UNIQUE (nam, so));"
        "CREATE INDEX ON ho_so (ma_ho_so); CREATE INDEX ON ho_so (ma_xa); CREATE UNIQUE INDEX ON ho_so (tam) WHERE tam <> '';"
        "INSERT INTO ho_so (ma_ho_so, nam, so, ma_xa) VALUES ('A', 2026, 1, '1'), ('B', 2026, 2, '1')"
    )
    contract, _, address = await drafted(postgres, table)
    assert {name: list(part["request"]["properties"]) for name, part in contract.items()} == {
        "lookup-ho-so": ["nam", "so"],
        "lookup-ho-so-by-ma-ho-so": ["maHoSo"],
        "lookup-ho-so-by-id": ["id"],
    }
    chosen = (await from_table(address, "ho_so", "poor", "provider", [["cccd"]])).contract
    assert list(chosen["operations"]["lookup-ho-so"]["response"]["properties"]) == [
        *("maHoSo", "nam", "so", "cccd", "maXa", "tam")  # a counter that nobody looks up by means nothing outside
    ]
    await postgres.sql("CREATE VIEW danh_sach AS SELECT cccd, ma_xa FROM ho_so", name_in(address))
    with pytest.raises(Refusal, match=r"name its columns with --by, among: cccd, ma_xa"):
        await from_table(address, "danh_sach", "poor", "provider")
    with pytest.raises(Refusal, match="has no column so_xa; it has: cccd, ma_xa"):
        await from_table(address, "danh_sach", "poor", "provider", [["so_xa"]])
    assert list((await from_table(address, "danh_sach", "poor", "provider", [["cccd"]])).contract["operations"]) == [
        "lookup-danh-sach"
    ]


async def test_a_call_that_is_sent_again_inserts_nothing(postgres: Postgres) -> None:
    address = await postgres.new_database()
    await social_register.filled(address)
    await postgres.sql("ALTER TABLE huong_btxh ADD khoa_truc UUID UNIQUE", name_in(address))
    drafts = await from_table(
        address, "huong_btxh", "social-welfare", "btxh", [["so_dinh_danh"]], write=True, call_key="khoa_truc"
    )
    promised = Contract.from_document(drafts.contract)
    operation = promised.operations["register-huong-btxh"]
    assert operation.deduplicated
    assert "khoaTruc" not in str(drafts.contract)
    async with opened("sql", address, contract=promised, operations=drafts.manifest["operations"]) as adapter:
        method = adapter.method("register-huong-btxh")
        assert method
        once = suite.conformance_call(promised, operation)
        first = await method(operation.example.request, once)
        assert await method(operation.example.request, once) == first
        other = {**operation.example.request, "soDinhDanh": "022093008888", "soQuyetDinh": "8/QĐ"}
        for another in (other, {**operation.example.request, "diaChi": "nơi khác"}):
            with pytest.raises(Declared, match="key-used-before"):
                await method(another, once)
        assert await method(operation.example.request, once) == first
        with pytest.raises(Declared, match="already-registered"):
            await method(operation.example.request, suite.conformance_call(promised, operation))
        unknown = {**operation.example.request, "soDinhDanh": "022093009999", "soQuyetDinh": "9/QĐ", "maXa": "99999"}
        with pytest.raises(Declared, match="unknown-reference"):
            await method(unknown, suite.conformance_call(promised, operation))
    assert await count(address) == social_register.PEOPLE + 1
    less = await from_table(address, "huong_btxh", "social-welfare", "btxh", without=["he_so", "so_quyet_dinh"])
    assert list(less.contract["operations"])[:2] == ["lookup-huong-btxh", "lookup-huong-btxh-by-khoa-truc"]
    assert "heSo" not in str(less)
    with pytest.raises(Refusal, match="has no column khoa; it has: id,"):
        await from_table(address, "huong_btxh", "social-welfare", "btxh", write=True, call_key="khoa")


async def test_what_could_not_be_read_is_not_written(postgres: Postgres, tmp_path: Path) -> None:
    """A blank name, which every later look-up of the person would miss; both validators refuse it."""
    address = await postgres.new_database()
    await postgres.sql("CREATE TABLE ho_so (so TEXT PRIMARY KEY, ho_ten TEXT NOT NULL, dan_toc TEXT)", name_in(address))
    drafts = await from_table(address, "ho_so", "poor", "provider", write=True)
    promised = Contract.from_document(drafts.contract)
    comparison.check(promised, SourceLocation("draft"))
    request = promised.operations["register-ho-so"].request
    for blank in ("", "   ", "\u00a0\t", "\u3000\u2028"):
        assert request.violations({"so": "1", "hoTen": blank})
        assert request.violations({"so": "1", "hoTen": "An", "danToc": blank})
    for text_ in (" An ", "Ỷ", "李", "-"):
        assert request.violations({"so": "1", "hoTen": text_}) == []
    spaces = [character for character in map(chr, range(0x10000)) if not character.strip()]
    assert [character for character in spaces if re.search(NOT_BLANK, character)] == []


async def test_an_old_number_in_a_column_of_integers_is_no_other_person(postgres: Postgres) -> None:
    """Three zeros in front of a number of 9 digits would make it a number of 12; two can be lost, since 001 is the code of Hà Nội."""
    contract, manifest, address = await drafted(
        postgres,
        "CREATE TABLE ho_so (so INTEGER PRIMARY KEY, so_dinh_danh BIGINT);"
        "INSERT INTO ho_so VALUES (1, 220400001), (2, 1093001234), (3, 22093001234)",
        "ho_so",
        ["so"],
    )
    promised = Contract.from_document({**social_contract(contract), "service": "poor"})
    async with opened("sql", address, contract=promised, operations=manifest) as adapter:
        method = adapter.method("lookup-ho-so")
        assert method
        found = [(await method({"so": so}, call()))["soDinhDanh"] for so in (2, 3)]
        with pytest.raises(UpstreamFailed, match="at most 2 zeros can be lost"):
            await method({"so": 1}, call())
    assert found == ["001093001234", "022093001234"]


UNUSUAL = {
    "postgresql": (
        "CREATE SCHEMA btxh",
        "CREATE TYPE btxh.muc AS ENUM ('A', 'B')",
        'CREATE TABLE btxh."Danh mục" ("Mã" INTEGER PRIMARY KEY, "Tên" TEXT)',
        (
            'CREATE TABLE btxh."Hồ sơ" ("Số hồ sơ" VARCHAR(20) PRIMARY KEY, "Mã" INTEGER REFERENCES btxh."Danh mục", muc btxh.muc,'
            ' ds TEXT[], tt JSONB, gio TIME, luc TIMESTAMP NOT NULL, ts TIMESTAMPTZ, khoang INTERVAL, anh BYTEA, "%tỷ lệ" REAL,'
            ' "2024" INTEGER, u UUID, "a:b" TEXT)'
        ),
        """INSERT INTO btxh."Danh mục" VALUES (1, 'Một')""",
        """INSERT INTO btxh."Hồ sơ" VALUES ('A-1', 1, 'A', ARRAY['x'], '{"a":1}', '08:00', '2026-01-01 08:00', '2026-01-01 00:00+07',
        '1 day', NULL, 0.5, 7, 'a1b2c3d4-0000-4000-8000-000000000000', 'z')""",
    ),
    "mariadb": (
        "DROP TABLE IF EXISTS `Hồ sơ`",
        (
            "CREATE TABLE `Hồ sơ` (`Số hồ sơ` VARCHAR(20) PRIMARY KEY, muc ENUM('A', 'B'), co TINYINT(1) NOT NULL, nho TINYINT, gio TIME,"
            " luc DATETIME NOT NULL, ts TIMESTAMP NULL, tt JSON, nam YEAR, d DOUBLE, f FLOAT, dai LONGTEXT, b BLOB, bg BIGINT UNSIGNED)"
        ),
        """INSERT INTO `Hồ sơ` VALUES ('A-1', 'A', 1, 5, '08:00', '2026-01-01 08:00', NULL, '{"a":1}', 2026, 1.5, 2.5, 'x', 'y', 12)""",
    ),
}


@pytest.mark.parametrize("kind", UNUSUAL)
async def test_unusual_names_and_types_pass_their_own_test(
    kind: str, request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await postgres.new_database() if kind == "postgresql" else request.getfixturevalue("in_mariadb")
    engine = create_async_engine(address.replace(":", f"+{DRIVERS[kind]}:", 1))
    async with engine.begin() as connection:
        for statement in UNUSUAL[kind]:
            await connection.exec_driver_sql(statement)
    await engine.dispose()
    table = "btxh.Hồ sơ" if kind == "postgresql" else "Hồ sơ"
    contract, manifest, *_ = await from_table(address, table, "ho-so", "btxh", write=True)
    assert list(contract["operations"]) == ["lookup-ho-so", "register-ho-so"]
    loaded_manifest = loaded(manifest, tmp_path, address, monkeypatch)
    results = await suite.run(loaded_manifest, Contract.from_document(contract), allow_writes=False)
    assert [result for result in results if not result.passed] == []
    async with opened(
        "sql", address, contract=Contract.from_document(contract), operations=manifest["operations"]
    ) as adapter:
        method = adapter.method("lookup-ho-so")
        assert method
        found = await method({"soHoSo": "A-1"}, call())
    assert (found["muc"], found["tt"], found["luc"]) == ("A", {"a": 1}, "2026-01-01T08:00:00+07:00")
