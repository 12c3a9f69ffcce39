"""Four services of a province's own offices, over the kinds `sql` and `http`: on SQLite and on a real PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from support import mariadb
from support.national import CATALOG, National, call
from support.postgres import Postgres
from support.processes import free_port

from lgsp_adapters import manifest
from lgsp_adapters.adapter import Adapter, Declared, UnfitRequest, UpstreamFailed, UpstreamLate
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.sandbox import offices, people, server
from lgsp_problems import Refusal

AN = "022093001234"
PARCEL = {"maXa": "06685", "soTo": 1, "soThua": 1}
PROVINCE = people.make()
OFFICES = (
    *("land-parcels", "civil-servants", "health-records", "student-records", "construction-permits"),
    "vaccination",
)
HARMFUL = (
    "x' OR '1'='1",
    "'; DROP TABLE thua_dat; --",
    "022093001234'/*",
    "\\'; SELECT pg_sleep(10); --",
    "%",
    ":so",
)


@pytest_asyncio.fixture(scope="module")
async def asked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, National]]:
    folder = tmp_path_factory.mktemp("offices")
    make, needed = server.SERVERS["provincial"]
    credentials = {name: f"provincial-{name}" for name in needed}
    runner = web.AppRunner(make(folder, credentials).app(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    found: dict[str, National] = {}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in credentials.items():
            environment.setenv(server.variable("provincial", name), value)
        for service in OFFICES:
            file = folder / f"{service}.sqlite"
            where = f"sqlite:///{file}" if file.exists() else url
            environment.setenv(server.variable(service, "url"), where)
            environment.setenv(server.variable(service, "folder"), str(folder / service))
            loaded = manifest.load(manifest.find_manifest(service))
            adapter = build_adapter(loaded, CATALOG[service, 1])
            await adapter.open()
            found[service] = National(loaded, adapter, url)
        yield found
    for national in found.values():
        await national.adapter.close()
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module")
async def land_in_postgres(asked: dict[str, National], postgres: Postgres) -> AsyncIterator[National]:
    address = await postgres.new_database()
    connection = await asyncpg.connect(address.replace("+asyncpg", ""))
    for table in offices.tables(PROVINCE)["land-parcels"]:
        await connection.execute(table.create.replace("ngay_cap VARCHAR(10)", "ngay_cap DATE"))
        places = ", ".join(f"${number}" for number in range(1, table.width + 1))
        if table.name == "thua_dat":
            places = places.replace("$9", "$9::text::date")
        await connection.executemany(f"INSERT INTO {table.name} VALUES ({places})", table.rows)
    await connection.close()
    found = await asked["land-parcels"].otherwise(url=address)
    yield found
    await found.adapter.close()


@pytest_asyncio.fixture(scope="module")
async def land_in_mariadb(
    asked: dict[str, National], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[National]:
    async with mariadb.server(tmp_path_factory.mktemp("mariadb"), free_port()) as address:
        engine = create_async_engine(address.replace("mariadb:", "mariadb+asyncmy:"))
        async with engine.begin() as connection:
            for table in offices.tables(PROVINCE)["land-parcels"]:
                await connection.execute(text(table.create.replace("ngay_cap VARCHAR(10)", "ngay_cap DATE")))
                names = [f"v{number}" for number in range(table.width)]
                insert = text(f"INSERT INTO {table.name} VALUES ({', '.join(f':{name}' for name in names)})")
                await connection.execute(insert, [dict(zip(names, row, strict=True)) for row in table.rows])
        await engine.dispose()
        found = await asked["land-parcels"].otherwise(url=address)
        yield found
        await found.adapter.close()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def land(request: pytest.FixtureRequest, asked: dict[str, National]) -> National:
    fixtures = {"postgresql": "land_in_postgres", "mariadb": "land_in_mariadb"}
    found: National = (
        asked["land-parcels"] if request.param == "sqlite" else request.getfixturevalue(fixtures[request.param])
    )
    return found


EXAMPLES = [
    pytest.param(service, name, id=f"{service}/{name}")
    for service in OFFICES
    for name in CATALOG[service, 1].operations
]


@pytest.mark.parametrize(("service", "operation"), EXAMPLES)
async def test_the_sandbox_answers_as_the_examples_say(
    asked: dict[str, National], service: str, operation: str
) -> None:
    example = CATALOG[service, 1].operations[operation].example
    answer = await asked[service].ask(operation, example.request)
    if service == "student-records":
        assert answer["ketQua"][:2] == example.response["ketQua"]
    else:
        assert answer == example.response


async def test_a_parcel_with_its_owners(land: National) -> None:
    found = await land.ask("lookup-parcel", PARCEL)
    assert (found["dienTich"], found["loaiDat"]) == (120.5, "ODT")
    assert found["chuSuDung"] == [{"hoVaTen": "Nguyễn Văn An", "soDinhDanh": AN}]
    with pytest.raises(Declared) as declared:
        await land.ask("lookup-parcel", {**PARCEL, "soThua": 99999})
    assert declared.value.code == "parcel-not-found"
    assert await land.ask("list-parcels", {"soDinhDanh": "022093009999"}) == {"thuaDat": []}


async def test_sql_in_a_parameter_is_data(land: National) -> None:
    method = land.adapter.method("list-parcels")
    assert method
    for harmful in HARMFUL:
        assert await method({"soDinhDanh": harmful}, call()) == {"thuaDat": []}
    assert await land.ask("lookup-parcel", PARCEL)


async def other_statement(land: National, statement: str, **more: Any) -> Adapter:
    told = {"statement": statement, "parameters": {}, "answer": {"thuaDat": "rows"}, **more}
    document = {**land.manifest.document, "operations": {**land.manifest.operations, "list-parcels": told}}
    adapter = build_adapter(replace(land.manifest, document=document), CATALOG["land-parcels", 1])
    await adapter.open()
    return adapter


async def ask(adapter: Adapter, seconds: float = 5) -> Any:
    method = adapter.method("list-parcels")
    assert method
    try:
        return await method({"soDinhDanh": AN}, call(seconds))
    finally:
        await adapter.close()


async def test_an_operation_reads_only_unless_it_says_otherwise(land: National) -> None:
    change = "UPDATE thua_dat SET dia_chi = 'nowhere' WHERE so_thua = 1"
    with pytest.raises(UpstreamFailed):
        await ask(await other_statement(land, change))
    assert (await land.ask("lookup-parcel", PARCEL))["diaChi"] != "nowhere"
    await ask(await other_statement(land, change.replace("nowhere", "Tổ 4"), write=True))
    assert (await land.ask("lookup-parcel", PARCEL))["diaChi"] == "Tổ 4"


async def test_a_statement_ends_with_the_deadline_and_the_pool_lives_on(land: National) -> None:
    slow = "SELECT count(*) AS c FROM thua_dat a, thua_dat b, thua_dat c, thua_dat d WHERE a.so_to + b.so_to > c.so_to + d.so_to"
    with pytest.raises(UpstreamLate):
        await ask(await other_statement(land, slow), seconds=0.3)
    assert await land.ask("lookup-parcel", PARCEL)


async def test_more_rows_than_the_limit_are_a_failure_and_not_a_part(land: National) -> None:
    with pytest.raises(UpstreamFailed) as failed:
        await ask(await other_statement(land, "SELECT so_thua FROM thua_dat", limit=10))
    assert failed.value.private == "more than 10 rows"


async def test_a_database_that_is_not_there_or_says_no_tells_nobody_its_password(land_in_postgres: National) -> None:
    for address in ("postgresql://u:geheim@127.0.0.1:9/x", land_in_postgres.manifest.connection["url"] + "-none"):
        wrong = await land_in_postgres.otherwise(url=address)
        with pytest.raises(UpstreamFailed) as failed:
            await wrong.ask("lookup-parcel", PARCEL)
        await wrong.adapter.close()
        assert "geheim" not in failed.value.private


async def test_a_summary_and_nobody(asked: dict[str, National]) -> None:
    health = asked["health-records"]
    for citizen in list(PROVINCE.citizens.values())[::100]:
        assert (await health.ask("lookup-summary", {"soDinhDanh": citizen.number}))["hoVaTen"] == citizen.name
    with pytest.raises(Declared):
        await health.ask("lookup-summary", {"soDinhDanh": "022093009999"})
    await health.tell(expireTokens=True)
    assert await health.ask("lookup-summary", {"soDinhDanh": AN})
    wrong = await health.otherwise(secret="wrong")
    with pytest.raises(UpstreamFailed) as failed:
        await wrong.ask("lookup-summary", {"soDinhDanh": AN})
    await wrong.adapter.close()
    assert failed.value.why == "refused"


async def test_all_pages_are_read(asked: dict[str, National]) -> None:
    found = await asked["student-records"].ask("lookup-results", {"soDinhDanh": "022220001236", "namHoc": "2026-2027"})
    assert len(found["ketQua"]) == 22


async def test_a_value_never_becomes_another_path(asked: dict[str, National]) -> None:
    method = asked["health-records"].adapter.method("lookup-summary")
    assert method
    for number in ("../../results", "a/b", "?x=1", "#", "..", "%2e%2e"):
        with pytest.raises((Declared, UnfitRequest)):
            await method({"soDinhDanh": number}, call())


async def test_garbage_and_faults(asked: dict[str, National]) -> None:
    health = asked["health-records"]
    for faults in (
        {"garbage": "<html>"},
        {"garbage": "x", "times": 5_000_000},
        {"garbage": '{"lastVisit": "2026-99-99"}'},
        {"status": 302},
        {"status": 500},
        {"drop": True},
    ):
        await health.tell(**faults)
        with pytest.raises(UpstreamFailed) as failed:
            await health.ask("lookup-summary", {"soDinhDanh": AN})
        assert "2026-99" not in failed.value.private
    await health.tell()
    assert await health.ask("lookup-summary", {"soDinhDanh": AN})


def written(folder: Path, change: dict[str, str]) -> Path:
    """The manifest of the land parcels with other words in it."""
    text = manifest.find_manifest("land-parcels").read_text()
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "adapter.yaml"
    path.write_text(text)
    return path


WRONG = [
    ({"row.ma_xa": "rov.ma_xa"}, "adapter.yaml:20, /operations/lookup-parcel/answer/maXa: there is no variable rov"),
    (
        {"xa: request.maXa, ": ""},
        "adapter.yaml:16, /operations/lookup-parcel/parameters: statement and parameters do not agree on: xa",
    ),
    (
        {"none: parcel-not-found": "none: nobody"},
        "adapter.yaml:18, /operations/lookup-parcel/none: the contract declares no error nobody",
    ),
    (
        {"      dienTich: row.dien_tich\n": ""},
        "adapter.yaml:19, /operations/lookup-parcel/answer: the contract requires the field dienTich",
    ),
    (
        {"diaChi: row": "diachi: row"},
        "adapter.yaml:25, /operations/lookup-parcel/answer/diachi: the contract has no field diachi",
    ),
    ({"limit: 100": "limit: many"}, "adapter.yaml:17, /operations/lookup-parcel/limit: must be an integer"),
    ({"row.so_to": "row.so_to("}, "adapter.yaml:21, /operations/lookup-parcel/answer/soTo: not a JMESPath expression"),
    ({"kind: sql": "kind: sqll"}, "adapter.yaml:5, /kind: must be one of"),
    (
        {"url: {env: LGSP_LAND_PARCELS_URL}": "url: land"},
        "adapter.yaml:7, /connection/url: not the address of a database",
    ),
]


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_a_wrong_manifest_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], said: str
) -> None:
    monkeypatch.setenv("LGSP_LAND_PARCELS_URL", "sqlite://")
    with pytest.raises(Refusal) as refused:
        build_adapter(manifest.load(written(tmp_path, change)), CATALOG["land-parcels", 1])
    assert said in refused.value.detail.en
