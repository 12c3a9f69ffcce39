"""The kind `sql` against real databases: exact values, typed parameters, errors by their SQLSTATE, and nothing left for the next call."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.adapters import CONTRACT, manifest_of, opened, reading
from support.national import call
from support.postgres import Postgres, name_in
from support.preloaded import run
from support.sql import MONEY, ask, rows
from support.workbench import CONTRACTS

from lgsp_adapters.adapter import Declared, UnfitRequest, UpstreamFailed
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.scaffolding import manifests as drafts
from lgsp_adapters.scaffolding.database_tables import from_table
from lgsp_contracts import exact_json
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal


async def test_money_keeps_its_digits(in_postgresql: str, in_mariadb: str) -> None:
    for address in (in_postgresql, in_mariadb):
        assert await rows(address, "SELECT tien FROM ho_so ORDER BY so DESC") == f'[{{"tien":{MONEY}}},{{"tien":5.00}}]'
        found = await rows(
            address,
            "SELECT tien FROM ho_so WHERE tien = :t",
            {"t": exact_json.loads(MONEY)},
            parameters={"t": "request.t"},
        )
        assert found == f'[{{"tien":{MONEY}}}]'


async def test_a_number_that_sqlite_cannot_keep_is_refused(in_sqlite: str) -> None:
    found = await rows(in_sqlite, "SELECT :t AS t", {"t": exact_json.loads("12.50")}, parameters={"t": "request.t"})
    assert found == '[{"t":12.5}]'
    for large in (MONEY, "99999999999999999999"):
        with pytest.raises(UnfitRequest, match=r"/parameters/t: .*SQLite"):
            await rows(in_sqlite, "SELECT :t AS t", {"t": exact_json.loads(large)}, parameters={"t": "request.t"})
    with pytest.raises(UpstreamFailed, match="the column a holds NaN or an infinite number"):
        await rows(in_sqlite, "SELECT 9e999 AS a")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("interval '1 month 2 days 03:04:05.5'", '"P1M2DT3H4M5.5S"'),
        ("interval '-1 month'", '"P-1M"'),
        ("interval '0'", '"PT0S"'),
        ("'10.0.0.1/24'::inet", '"10.0.0.1/24"'),
        ("'10.0.0.0/8'::cidr", '"10.0.0.0/8"'),
        ("'08:30'::time", '"08:30:00"'),
        ("'24:00'::time", '"24:00:00"'),
        ("'08:30:00.5'::time", '"08:30:00.5"'),
        ("85.2::real", "85.2"),
        ("0.1::float8", "0.1"),
        ("1e30::numeric", "1000000000000000000000000000000"),
        ("'{1.50,2}'::numeric[]", "[1.50,2]"),
        ("array['10.0.0.1'::inet]", '["10.0.0.1"]'),
        ("array['1993-05-17'::date]", '["1993-05-17"]'),
        ("""'{"a": [1.10, 12345678901234567.89]}'::jsonb""", '{"a":[1.10,12345678901234567.89]}'),
        ("""'{"a": 1.10}'::json""", '{"a":1.10}'),
        ("'1993-05-17'::date", '"1993-05-17"'),
        ("'1993-05-17 08:00'::timestamp", '"1993-05-17T08:00:00"'),
        ("'1993-05-17 00:00+07'::timestamptz", '"1993-05-16T17:00:00+00:00"'),
        ("'a1b2c3d4-0000-4000-8000-000000000000'::uuid", '"a1b2c3d4-0000-4000-8000-000000000000"'),
        ("row(1, '1993-05-17'::date, 2.50)", '[1,"1993-05-17",2.50]'),
        ("9223372036854775807::bigint", "9223372036854775807"),
    ],
)
async def test_what_columns_of_postgresql_become(in_postgresql: str, value: str, said: str) -> None:
    assert (
        await rows(in_postgresql, "SELECT " + value.replace(":", r"\:").replace(r"\:\:", "::") + " AS a")
        == f'[{{"a":{said}}}]'
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("'NaN'::numeric", "NaN"),
        ("'Infinity'::numeric", "infinite"),
        ("'NaN'::float8", "NaN"),
        ("'Infinity'::real", "infinite"),
        ("'0044-03-15 BC'::date", "outside the years 1 to 9999"),
        ("'infinity'::date", "infinite"),
        ("'-infinity'::timestamptz", "infinite"),
        ("array['infinity'::date]", "infinite"),
        ("int4range(1, 5)", "a range"),
        ("B'101'", "a bit string"),
        ("'\\x01'::bytea", "bytes"),
        ("point(1, 2)", "a Point"),
        ("'5.10'::money", "CAST(… AS numeric)"),
        ("array[B'101']", "a bit string"),
    ],
)
async def test_what_json_cannot_hold_is_said_by_its_column(in_postgresql: str, value: str, said: str) -> None:
    with pytest.raises(UpstreamFailed) as failed:
        await rows(in_postgresql, f"SELECT 1 AS tot, {value} AS hong")
    assert failed.value.why == "unintelligible"
    assert "the column hong holds" in (failed.value.private or "")
    assert said in (failed.value.private or "")


async def test_what_columns_of_mariadb_become(in_mariadb: str) -> None:
    found = await rows(
        in_mariadb,
        r"SELECT CAST('-838\:59\:59' AS TIME) AS a, CAST('10\:11\:12' AS TIME) AS b, CAST(85.2 AS FLOAT) AS c",
    )
    assert found == '[{"a":"-838:59:59","b":"10:11:12","c":85.2}]'
    for value, said in (("X'01'", "bytes"), ("CAST('0000-00-00' AS DATE)", "no calendar")):
        with pytest.raises(UpstreamFailed, match=f"the column hong holds .*{said}"):
            await rows(in_mariadb, f"SELECT {value} AS hong")


async def test_a_date_parameter_is_a_text(database: str) -> None:
    day = {"d": "1993-05-17"}
    found = await rows(database, "SELECT so FROM ho_so WHERE ngay = :d", day, parameters={"d": "request.d"})
    assert found == '[{"so":"Đắk-1"}]'
    if database.startswith("sqlite"):
        with pytest.raises(Refusal, match=r"write date\(…\)"):
            await rows(
                database, "SELECT so FROM ho_so WHERE ngay = CAST(:d AS date)", day, parameters={"d": "request.d"}
            )
        return
    found = await rows(
        database, "SELECT so FROM ho_so WHERE ngay = CAST(:d AS date)", day, parameters={"d": "request.d"}
    )
    assert found == '[{"so":"Đắk-1"}]'
    optional = "SELECT so FROM ho_so WHERE CAST(:d AS date) IS NULL OR ngay = CAST(:d AS date)"
    assert await rows(database, optional, day, parameters={"d": "request.d"}) == '[{"so":"Đắk-1"}]'


async def test_a_time_parameter_is_a_text(in_postgresql: str, in_mariadb: str) -> None:
    asked = {"t": "08:30", "l": "2026-01-31T08:00:00"}
    parameters = {"t": "request.t", "l": "request.l"}
    for address in (in_postgresql, in_mariadb):
        type_ = "timestamp" if address == in_postgresql else "datetime"
        statement = f"SELECT CAST(:t AS time) AS t, CAST(:l AS {type_}) AS l"
        assert (
            await rows(address, statement, asked, parameters=parameters)
            == '[{"t":"08:30:00","l":"2026-01-31T08:00:00"}]'
        )
    with pytest.raises(UpstreamFailed) as failed:
        await rows(in_postgresql, "SELECT CAST(:l AS timestamptz) AS l", asked, parameters={"l": "request.l"})
    assert r"write instant(…) in the mapping" in failed.value.upstream_message
    asked = {"l": "2026-01-31T08:00:00"}
    zoned = await rows(
        in_postgresql, "SELECT CAST(:l AS timestamptz) AS l", asked, parameters={"l": "instant(request.l)"}
    )
    assert zoned == '[{"l":"2026-01-31T01:00:00+00:00"}]'


async def test_a_key_that_is_absent_finds_nothing_and_a_text_finds_a_number(database: str) -> None:
    statement = "SELECT so FROM ho_so WHERE id = :i"
    assert await rows(database, statement, {}, parameters={"i": "request.i"}) == "[]"
    assert await rows(database, statement, {"i": "2"}, parameters={"i": "request.i"}) == '[{"so":"A2"}]'


async def test_letters_are_composed_before_they_are_looked_for(database: str) -> None:
    decomposed = {"so": "Đa\u0306\u0301k-1"}
    found = await rows(database, "SELECT so FROM ho_so WHERE so = :so", decomposed, parameters={"so": "request.so"})
    assert found == '[{"so":"Đắk-1"}]'


REGISTER = "INSERT INTO ho_so (so, id, cha) VALUES (:so, :id, :cha)"
PARAMETERS = {"so": "request.so", "id": "request.id", "cha": "request.cha"}
ERRORS = [{"sqlstate": "23505", "is": "person-not-found"}, {"sqlstate": "23", "failed": "refused"}]


async def test_a_refusal_of_the_database_is_an_error_of_the_contract(database: str) -> None:
    told = {"parameters": PARAMETERS, "write": True, "errors": ERRORS, "answer": {"ketQua": "'ghi'"}}
    async with opened("sql", database, **reading(REGISTER, **told)) as adapter:
        with pytest.raises(Declared) as declared:
            await ask(adapter, {"so": "A2", "id": 77})
        assert declared.value.code == "person-not-found"
        with pytest.raises(UpstreamFailed) as failed:  # NOT NULL: the class says what it is
            await ask(adapter, {"id": 78})
        assert failed.value.why == "refused"
        assert "SQLSTATE 23502" in (failed.value.private or "")
        if not database.startswith("sqlite"):  # SQLite looks at foreign keys only where it is told to
            with pytest.raises(UpstreamFailed, match="SQLSTATE 23503"):
                await ask(adapter, {"so": "A3", "id": 79, "cha": "không có"})


async def test_the_databases_own_words_are_for_the_terminal_alone(database: str) -> None:
    told = {"parameters": PARAMETERS, "write": True, "answer": {"ketQua": "'ghi'"}}
    async with opened("sql", database, **reading(REGISTER, **told)) as adapter:
        with pytest.raises(UpstreamFailed) as failed:
            await ask(adapter, {"so": "A2", "id": 77})
    assert "SQLSTATE 23505" in (failed.value.private or "")
    assert failed.value.upstream_message
    for words in (failed.value.private or "", failed.value.detail.en, failed.value.detail.vi):
        assert "A2" not in words


async def test_an_error_that_the_contract_does_not_declare_is_refused_at_the_start(in_sqlite: str) -> None:
    told = reading("SELECT 1 AS a", errors=[{"sqlstate": "23505", "is": "already-there"}], answer={"ketQua": "row.a"})
    with pytest.raises(Refusal, match="declares no error already-there"):
        build_adapter(manifest_of("sql", in_sqlite, **told), CONTRACT)


async def test_a_row_can_say_what_is_wrong(database: str) -> None:
    errors = [{"when": "row.loi == 'KHONG_CO'", "is": "person-not-found"}]
    with pytest.raises(Declared):
        await rows(database, "SELECT 'KHONG_CO' AS loi", errors=errors)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT so FROM ho_so WHERE id = :d::int", r"write CAST\(:d AS int\) for :d::int"),
        ("SELECT so FROM ho_so WHERE so = ANY(:d::text[])", r"write CAST\(:d AS text\[\]\)"),
        ("SELECT so FROM ho_so WHERE so = ':x' OR so = :d", r"do not agree on: x.*write a colon in a text as"),
        ("SELECT so FROM ho_so", "do not agree on: d"),
        ("SELECT 1 WHERE :d = ''; DROP TABLE ho_so", "an operation has one statement"),
        ("SET TRANSACTION READ WRITE; DELETE FROM ho_so -- :d", "an operation has one statement"),
    ],
)
async def test_a_statement_that_cannot_work_is_refused_at_the_start(
    in_postgresql: str, statement: str, said: str
) -> None:
    with pytest.raises(Refusal, match=said):
        await rows(in_postgresql, statement, parameters={"d": "request.d"})


async def test_a_semicolon_ends_no_statement_in_a_text(in_sqlite: str) -> None:
    statement = """SELECT ';' AS a, "b;" FROM (SELECT 2 AS "b;") /* ; */ -- it's; one
    ;"""
    assert await rows(in_sqlite, statement) == '[{"a":";","b;":2}]'


async def test_two_columns_of_one_name_are_refused(database: str) -> None:
    with pytest.raises(UpstreamFailed, match="two columns are called so"):
        await rows(database, "SELECT a.so, b.so FROM ho_so a JOIN ho_so b ON b.id = a.id")


async def test_why_a_database_is_not_reached(in_postgresql: str, in_mariadb: str, postgres: Postgres) -> None:
    wrong = {
        f"postgresql://ai-do:@/postgres?host={postgres.folder}": ("refused", "28000"),
        "postgresql://a:b@127.0.0.1:1/c": ("unreachable", "ConnectionRefusedError"),
        in_mariadb.replace("bi mat", "sai"): ("refused", "28000"),
        "mariadb://a:b@127.0.0.1:1/c": ("unreachable", "08001"),
    }
    for address, (why, note) in wrong.items():
        with pytest.raises(UpstreamFailed) as failed:
            await rows(address, "SELECT 1 AS a")
        assert failed.value.why == why
        assert note in (failed.value.private or "")
        assert failed.value.upstream_message


async def test_an_integrator_reads_the_drivers_words_and_the_report_does_not(
    tmp_path: Path, in_postgresql: str
) -> None:
    """`adapter try` shows what the database says, exact digits in the answer, and a sentence where there is no answer."""
    contract = {**CONTRACTS[0], "operations": {"read": CONTRACTS[0]["operations"]["read"]}}  # type: ignore[index]
    properties = {"ketQua": {}, "tien": {"type": "number"}, "so": {"type": "integer"}}
    contract["operations"]["read"] = {
        **contract["operations"]["read"],
        "response": {"type": "object", "additionalProperties": False, "properties": properties},
        "example": {"request": {"soDinhDanh": "022093001234"}, "response": {"ketQua": "A2"}},
    }
    (tmp_path / "desk.yaml").write_text(yaml.safe_dump(contract))
    manifest = {"service": "desk", "major": 1, "system": "x", "kind": "sql", "connection": {"url": {"env": "URL"}}}

    async def tried(statement: str, answer: Any, command: tuple[str, ...] = ("adapter", "try")) -> tuple[int, str, str]:
        told = reading(statement, parameters={"s": "request.soDinhDanh"}, answer=answer)
        (tmp_path / "adapter.yaml").write_text(yaml.safe_dump({**manifest, **told}))
        operation = ("read",) if command[1] == "try" else ("--report", str(tmp_path / "report.json"))
        contracts = ("--contract", str(tmp_path / "desk.yaml"))
        return await run(
            *command, str(tmp_path / "adapter.yaml"), *operation, *contracts, environment={"URL": in_postgresql}
        )

    exact = {"tien": "row.tien", "so": "row.tron"}
    money = f"SELECT CAST({MONEY} AS numeric(20, 2)) AS tien, CAST(5 AS numeric(20, 2)) AS tron WHERE :s <> ''"
    code, out, _ = await tried(money, exact)
    assert (code, MONEY in out, '"so": 5,' in out) == (0, True, True)
    broken = "SELECT CAST('x' || :s AS integer) AS tien"
    code, _, err = await tried(broken, {"tien": "row.tien"})
    assert (
        code,
        "SQLSTATE 22P02" in err,
        'Its message: invalid input syntax for type integer: "x022093001234"' in err,
    ) == (1, True, True)
    code, _, err = await tried("SELECT CAST('Infinity' AS numeric) AS tien WHERE :s <> ''", {"tien": "row.tien"})
    assert (code, "the column tien holds NaN or an infinite number" in err, "Traceback" in err) == (1, True, False)
    code, out, _ = await tried(broken, {"tien": "row.tien"}, ("contract", "test"))
    assert (code, "x022093001234" in out, "x022093001234" in (tmp_path / "report.json").read_text()) == (1, True, False)


async def test_a_draft_of_a_table_answers_as_it_stands(postgres: Postgres) -> None:
    """Numbers of people that are kept as numbers, times without a zone, money, documents and lists; bytes are left out."""
    address = await postgres.new_database()
    await postgres.sql(
        "CREATE TABLE ho (so_dinh_danh BIGINT, nam DATE, tien NUMERIC(20, 2), luc TIMESTAMP, tt JSONB, ds TEXT[], anh BYTEA,"
        " PRIMARY KEY (so_dinh_danh, nam)); INSERT INTO ho VALUES"
        f" (22093001234, '2026-01-31', {MONEY}, '2026-01-31 08:00', '{{\"a\": 1.10}}', ARRAY['x'], '\\x01')",
        name_in(address),
    )
    contract, manifest, *_ = await from_table(address, "ho", "poor", "provider")
    promised = Contract.from_document(contract)
    told = {"operations": manifest["operations"]}
    async with opened("sql", address, contract=promised, **told) as adapter:
        method = adapter.method("lookup-ho")
        assert method
        asked = {"soDinhDanh": "022093001234", "nam": "2026-01-31"}
        answer = await method(asked, call())
    assert promised.operations["lookup-ho"].response.violations(answer) == []
    said = f'"tien":{MONEY},"luc":"2026-01-31T08:00:00+07:00","tt":{{"a":1.10}},"ds":["x"]'
    assert exact_json.dumps(answer).decode() == f'{{"soDinhDanh":"022093001234","nam":"2026-01-31",{said}}}'


def test_a_draft_asks_for_what_is_always_there() -> None:
    request = {
        "type": "object",
        "required": ["so"],
        "properties": {"so": {"type": "string"}, "tuNgay": {"type": "string"}},
    }
    document = {**CONTRACTS[0], "operations": {"read": {**CONTRACTS[0]["operations"]["read"], "request": request}}}  # type: ignore[index]
    document["operations"]["read"]["example"] = {"request": {"so": "1"}, "response": {"ketQua": "x"}}
    document["operations"]["read"]["subject"] = "/so"
    drafted = drafts.manifest(Contract.from_document(document), "sql")["operations"]["read"]
    assert drafted["statement"].endswith("WHERE so = :so")
    assert drafted["parameters"] == {"so": "request.so"}


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT so FROM ho_so WHERE so = :x", 0),
        ("SELECT so FROM ho_so WHERE id = :x", "2abc"),
        ("SELECT so FROM ho_so WHERE id = :x", "2_0"),
        ("SELECT so FROM ho_so WHERE id = :x", "2.5"),
        ("SELECT so FROM ho_so WHERE ngay = :x", "17/05/1993"),
    ],
)
async def test_a_key_is_never_cut_to_fit(database: str, statement: str, value: Any) -> None:
    """To MariaDB 'A2' is 0 and '2abc' is 2: the record of another."""
    with contextlib.suppress(UpstreamFailed):
        assert await rows(database, statement, {"x": value}, parameters={"x": "request.x"}) == "[]"


@pytest.mark.parametrize("asked", [None, "", "  ", "\u00a0"])
async def test_what_is_blank_never_finds_the_row_without_a_key(database: str, asked: str | None) -> None:
    statement = "SELECT t.so FROM (SELECT '' AS so UNION SELECT 'A2' AS so) t WHERE t.so = :x"
    assert await rows(database, statement, {"x": asked}, parameters={"x": "request.x"}) == "[]"


async def test_one_of_several_rows_is_no_answer(database: str) -> None:
    statement = "SELECT t.so FROM (SELECT 'A1' AS so UNION SELECT 'A2' AS so) t"
    async with opened("sql", database, **reading(statement, answer={"ketQua": "row.so"})) as adapter:
        with pytest.raises(UpstreamFailed, match="provider-failed") as failed:
            await ask(adapter)
        assert "use rows in the answer" in failed.value.private
    first = reading(f"{statement} ORDER BY t.so LIMIT 1", answer={"ketQua": "row.so"})
    async with opened("sql", database, **first) as adapter:
        assert await ask(adapter) == '"A1"'


async def test_a_warning_of_the_server_goes_into_no_log(in_mariadb: str, caplog: pytest.LogCaptureFixture) -> None:
    """It quotes the value that it is about."""
    with pytest.raises(UpstreamFailed):
        await rows(in_mariadb, "SELECT so FROM ho_so WHERE so = :x", {"x": 0}, parameters={"x": "request.x"})
    assert caplog.records == []


async def test_what_is_no_key_can_be_an_error_of_the_contract(in_postgresql: str, in_mariadb: str) -> None:
    errors = [{"sqlstate": "22", "is": "person-not-found"}]
    for address in (in_postgresql, in_mariadb):
        for statement in ("SELECT so FROM ho_so WHERE id = :x", "SELECT so FROM ho_so WHERE ngay = CAST(:x AS date)"):
            with pytest.raises(Declared):
                await rows(address, statement, {"x": "2abc"}, parameters={"x": "request.x"}, errors=errors)
