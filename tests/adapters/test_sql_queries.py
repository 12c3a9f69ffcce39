"""The connector `sql`: parameters and answers by name, several queries in one snapshot, lists, and types out of the contract."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from support.adapters import manifest_of, opened
from support.national import call
from support.sql import DRIVERS
from support.workbench import CONTRACTS

from lgsp_adapters.adapter import Adapter, Declared, UpstreamFailed
from lgsp_adapters.conformance.suite import conformance_call
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_contracts import exact_json
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal

TABLES = (
    "DROP TABLE IF EXISTS chi_tra",
    "DROP TABLE IF EXISTS doi_tuong",
    "CREATE TABLE doi_tuong (id INTEGER PRIMARY KEY, so_dinh_danh BIGINT UNIQUE, ho_va_ten VARCHAR(100), con_song SMALLINT, luc TIMESTAMP NULL)",
    "CREATE TABLE chi_tra (doi_tuong_id INTEGER, ky VARCHAR(7), so_tien NUMERIC(12, 2), ngay_chi DATE)",
    "INSERT INTO doi_tuong VALUES (1, 22093001234, 'Nguyễn Văn An', 1, '2026-01-31 08:00:00'), (2, 22093001235, 'Trần Thị Bình', 0, NULL)",
    "INSERT INTO chi_tra VALUES (1, '2026-01', 500000.00, '2026-01-15'), (1, '2026-02', 550000.50, '2026-02-15')",
)
PAYMENT = {
    "type": "object",
    "required": ["ky", "soTien"],
    "additionalProperties": False,
    "properties": {
        "ky": {"type": "string", "maxLength": 7},
        "soTien": {"type": "number"},
        "ngayChi": {"type": "string", "format": "date"},
    },
}
PERSON = {
    "soDinhDanh": {"type": "string", "format": "so-dinh-danh"},
    "hoVaTen": {"type": "string", "maxLength": 100},
    "conSong": {"type": "boolean"},
    "luc": {"type": "string", "format": "date-time"},
    "chiTra": {"type": "array", "maxItems": 100, "items": PAYMENT},
    "lanDau": PAYMENT,
    "x": {},
}
FIELDS = {
    "soDinhDanh": {"type": "string", "format": "so-dinh-danh"},
    "tuNgay": {"type": "string", "format": "date"},
    "muc": {"type": "number"},
    "cac": {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 7}},
    "cacSo": {"type": "array", "maxItems": 10, "items": {"type": "integer"}},
}
LOOK_UP = "SELECT id, so_dinh_danh, ho_va_ten, con_song, luc FROM doi_tuong WHERE so_dinh_danh = :soDinhDanh"
PAYMENTS = "SELECT ky, so_tien, ngay_chi FROM chi_tra WHERE doi_tuong_id = :id ORDER BY ky"
AN = {"soDinhDanh": "022093001234"}


@pytest.fixture
async def register(database: str) -> str:
    """The address of a database of each kind with the register in it."""
    engine = create_async_engine(database.replace(":", f"+{DRIVERS[database.partition(':')[0]]}:", 1))
    async with engine.begin() as connection:
        for statement in TABLES:
            await connection.execute(text(statement))
    await engine.dispose()
    return database


def contract_of(*required: str) -> Contract:
    read = {
        **CONTRACTS[0]["operations"]["read"],  # type: ignore[index]
        "request": {"type": "object", "additionalProperties": False, "properties": FIELDS},
        "response": {"type": "object", "required": [*required], "additionalProperties": False, "properties": PERSON},
        "example": {"request": AN, "response": {"hoVaTen": "x"}},
    }
    read["errors"] = {**read["errors"], "key-used-before": {"status": 409, "title": {"vi": "x", "en": "x"}}}
    return Contract.from_document({**CONTRACTS[0], "operations": {"read": read}})


@asynccontextmanager
async def register_adapter(address: str, **told: Any) -> AsyncIterator[Adapter]:
    async with opened(
        "sql", address, contract=contract_of(*(() if "answer" in told else ("hoVaTen",))), operations={"read": told}
    ) as adapter:
        yield adapter


async def answer(address: str, request: Any, **told: Any) -> Any:
    """What the operation answers, with the numbers as they are written."""
    async with register_adapter(address, **told) as adapter:
        method = adapter.method("read")
        assert method
        return exact_json.loads(exact_json.dumps(await method(request, call())))


async def names(address: str, where: str, request: Any, **told: Any) -> list[str]:
    """Whose rows a condition finds."""
    statement = f"SELECT ho_va_ten FROM doi_tuong WHERE {where} ORDER BY id"
    found = await answer(address, request, statement=statement, answer={"x": "rows[].ho_va_ten"}, **told)
    return found.get("x", [])


async def test_names_alone_make_request_and_answer(register: str) -> None:
    """Zeros that a number has lost, a truth value that is a number, a time without a zone, a list and a first row."""
    payments = {"statement": PAYMENTS, "parameters": {"id": "row.id"}}
    first = {"statement": f"{PAYMENTS} LIMIT 1", "parameters": {"id": "row.id"}}
    found = await answer(register, AN, statement=LOOK_UP, **{"with": {"chiTra": payments, "lanDau": first}})
    january = {"ky": "2026-01", "soTien": 500000, "ngayChi": "2026-01-15"}
    assert exact_json.loads(exact_json.dumps(found)) == {
        "soDinhDanh": "022093001234",
        "hoVaTen": "Nguyễn Văn An",
        "conSong": True,
        "luc": "2026-01-31T08:00:00+07:00",
        "chiTra": [january, {"ky": "2026-02", "soTien": exact_json.loads("550000.50"), "ngayChi": "2026-02-15"}],
        "lanDau": january,
    }
    other = await answer(
        register, {"soDinhDanh": "022093001235"}, statement=LOOK_UP, **{"with": {"chiTra": payments, "lanDau": first}}
    )
    assert other == {"soDinhDanh": "022093001235", "hoVaTen": "Trần Thị Bình", "conSong": False, "chiTra": []}


async def test_rows_of_a_further_query_are_a_variable(register: str) -> None:
    payments = {"statement": PAYMENTS, "parameters": {"id": "row.id"}}
    mapping = {
        "hoVaTen": "row.ho_va_ten",
        "chiTra": {"$each": "chiTra", "$as": {"ky": "item.ky", "soTien": "item.so_tien"}},
    }
    found = await answer(register, AN, statement=LOOK_UP, answer=mapping, **{"with": {"chiTra": payments}})
    assert [each["ky"] for each in found["chiTra"]] == ["2026-01", "2026-02"]
    rule = {"when": "length(chiTra) > `1`", "is": "person-not-found"}
    with pytest.raises(Declared):
        await answer(register, AN, statement=LOOK_UP, errors=[rule], **{"with": {"chiTra": payments}})
    with pytest.raises(UpstreamFailed, match="more than 1 rows"):
        await answer(register, AN, statement=LOOK_UP, **{"with": {"chiTra": {**payments, "limit": 1}}})


async def test_further_queries_are_not_asked_where_nothing_is_found(register: str) -> None:
    broken = {"statement": "SELECT nothing FROM no_table"}
    with pytest.raises(Declared):
        await answer(
            register, {"soDinhDanh": "0"}, statement=LOOK_UP, none="person-not-found", **{"with": {"x": broken}}
        )


async def test_several_rows_of_one_statement_are_grouped_by_the_database(register: str) -> None:
    """One statement: a list out of `json_agg`, or whatever the database calls it, read by the names of its columns."""
    build = {
        "postgresql": "SELECT json_agg(c ORDER BY c.ky) FROM chi_tra c",
        "mariadb": "SELECT JSON_ARRAYAGG(JSON_OBJECT('ky', c.ky, 'so_tien', c.so_tien) ORDER BY c.ky) FROM chi_tra c",
        "sqlite": "SELECT json_group_array(json_object('ky', ky, 'so_tien', so_tien)) FROM (SELECT * FROM chi_tra ORDER BY ky) c",
    }[register.partition(":")[0]]
    statement = f"SELECT ho_va_ten, ({build} WHERE c.doi_tuong_id = d.id) AS chi_tra FROM doi_tuong d WHERE so_dinh_danh = :soDinhDanh"
    found = await answer(register, AN, statement=statement)
    assert [(each["ky"], float(each["soTien"])) for each in found["chiTra"]] == [
        ("2026-01", 500000),
        ("2026-02", 550000.5),
    ]


async def test_queries_of_one_call_see_one_state(in_postgresql: str, in_mariadb: str, tmp_path: Path) -> None:
    """Between two queries somebody else adds a row; the second does not see it."""
    for address, pause in ((in_postgresql, "pg_sleep(0.5)"), (in_mariadb, "SLEEP(0.5)")):
        engine = create_async_engine(address.replace(":", f"+{DRIVERS[address.partition(':')[0]]}:", 1))
        async with engine.begin() as connection:
            await connection.execute(text("DROP TABLE IF EXISTS dem"))
            await connection.execute(text("CREATE TABLE dem (so INTEGER)"))
            await connection.execute(text("INSERT INTO dem VALUES (1)"))
        count = "SELECT COUNT(*) AS so FROM dem"
        told = {
            "statement": count,
            "with": {
                "cho": {"statement": f"SELECT {pause}"},
                "sau": {"statement": f"{count} WHERE :truoc > 0", "parameters": {"truoc": "row.so"}},
            },
            "answer": {"x": "[row.so, sau[0].so]"},
        }
        async with register_adapter(address, **told) as adapter, engine.connect() as other:
            method = adapter.method("read")
            assert method
            asked = asyncio.create_task(method({}, call()))
            async with asyncio.timeout(20):
                while not asked.done():  # as many as fit in while it works
                    await other.execute(text("INSERT INTO dem VALUES (1)"))
                    await other.commit()
                found = await asked
        assert found["x"][0] == found["x"][1]
        await engine.dispose()


async def test_a_list_is_looked_for_in_every_database(register: str) -> None:
    assert await names(
        register, "ho_va_ten IN :ten", {"cac": ["Trần Thị Bình", "x"]}, parameters={"ten": "request.cac"}
    ) == ["Trần Thị Bình"]
    assert await names(register, "so_dinh_danh IN :cacSo", {"cacSo": [22093001234, 22093001235]}) == [
        "Nguyễn Văn An",
        "Trần Thị Bình",
    ]
    for nothing in ({"cac": []}, {}, {"cac": ["", " "]}):
        assert await names(register, "ho_va_ten IN :cac", nothing) == []


OPTIONAL = "(:tuNgay IS NULL OR luc >= :tuNgay) AND (:muc IS NULL OR id * 100 > :muc)"


async def test_the_contract_says_the_types_that_postgresql_cannot_infer(in_postgresql: str, register: str) -> None:
    if not register.startswith("postgresql"):
        return
    assert await names(register, OPTIONAL, {}) == ["Nguyễn Văn An", "Trần Thị Bình"]
    assert await names(register, OPTIONAL, {"tuNgay": "2026-01-01"}) == ["Nguyễn Văn An"]
    assert await names(register, OPTIONAL, {"muc": exact_json.loads("150.5")}) == ["Trần Thị Bình"]
    assert await names(register, "id = ANY(:cacSo)", {"cacSo": [2]}) == ["Trần Thị Bình"]
    assert await names(register, "CAST(id AS text) IN (SELECT unnest(:cac))", {"cac": ["1"]}) == ["Nguyễn Văn An"]
    # What the server infers stays: a day that is compared with a text is a text.
    assert await names(register, "'2026-01-01' || '' = :tuNgay AND id = 1", {"tuNgay": "2026-01-01"}) == [
        "Nguyễn Văn An"
    ]


async def test_what_a_statement_names_must_be_somewhere(in_sqlite: str) -> None:
    for told, said in (
        ({"statement": "SELECT :khac AS x"}, "do not agree on: khac"),
        ({"statement": "SELECT 1 AS x", "with": {"row": {"statement": "SELECT 1"}}}, "row is a variable already"),
        ({"statement": "SELECT 1 AS x", "with": {"b": {"statement": "SELECT :id"}}}, "do not agree on: id"),
        ({"statement": "SELECT 1 AS x", "with": {"b": {"statement": "SELECT 1; SELECT 2"}}}, "has one statement"),
    ):
        with pytest.raises(Refusal, match=said):
            build_adapter(manifest_of("sql", in_sqlite, operations={"read": told}), contract_of())


async def test_a_column_that_is_missing_or_there_twice_is_named(in_sqlite: str) -> None:
    for statement, said in (
        ("SELECT 1 AS x", "no column is called like the required field hoVaTen"),
        ("SELECT 'x' AS ho_va_ten, 'y' AS \"Họ và tên\"", "the same name but for accents"),
        ("SELECT 'x' AS hoVaTen, 'a' AS chi_tra", "the column of chiTra holds a text that is not JSON"),
        ("SELECT 'x' AS hoVaTen, '2026-01-31' AS luc", "the column of luc: a day without a time"),
    ):
        with pytest.raises(UpstreamFailed) as failed:
            await answer(in_sqlite, {}, statement=statement)
        assert failed.value.why == "unintelligible"
        assert said in (failed.value.private or "")


async def test_a_repeated_write_without_returning_finds_its_own_row(in_mariadb: str) -> None:
    """As the page about operations that write says for MariaDB and MySQL."""
    engine = create_async_engine(in_mariadb.replace("mariadb:", "mariadb+asyncmy:"))
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE IF EXISTS ghi"))
        columns = "ma INTEGER AUTO_INCREMENT PRIMARY KEY, khoa CHAR(36) UNIQUE, so_dinh_danh BIGINT UNIQUE"
        await connection.execute(text(f"CREATE TABLE ghi ({columns})"))
    await engine.dispose()
    insert = "INSERT INTO ghi (khoa, so_dinh_danh) SELECT :khoa, :soDinhDanh FROM DUAL"
    key = {"khoa": "call.key"}
    told = {
        "write": True,
        "statement": f"{insert} WHERE NOT EXISTS (SELECT 1 FROM ghi WHERE khoa = :khoa)",
        "parameters": key,
        "errors": [{"sqlstate": "23505", "is": "person-not-found"}, {"when": "!moi", "is": "key-used-before"}],
        "with": {
            "moi": {
                "statement": "SELECT ma FROM ghi WHERE khoa = :khoa AND so_dinh_danh <=> :soDinhDanh",
                "parameters": key,
            }
        },
        "answer": {"x": "moi[0].ma"},
    }
    operation = contract_of().operations["read"]
    once = conformance_call(contract_of(), operation)
    async with register_adapter(in_mariadb, **told) as adapter:
        method = adapter.method("read")
        assert method
        first = await method(AN, once)
        assert await method(AN, once) == first
        with pytest.raises(Declared, match="key-used-before"):
            await method({**AN, "soDinhDanh": "022093009999"}, once)
        with pytest.raises(Declared, match="person-not-found"):
            await method(AN, conformance_call(contract_of(), operation))
