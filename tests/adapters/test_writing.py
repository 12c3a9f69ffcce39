"""A test writes nothing into a provider's system unless it is told to; what is known of a call's key reaches the system."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from aiohttp import web
from support.postgres import Postgres, name_in
from support.preloaded import run
from support.upstreams import served
from support.workbench import CONTRACTS, NUMBER

Tried = Callable[..., Awaitable[tuple[int, str, str]]]

SQL = {
    "statement": "INSERT INTO so (cccd, khoa) VALUES (:s, CAST(:k AS uuid)) ON CONFLICT (khoa) DO UPDATE SET cccd = so.cccd RETURNING id",
    "parameters": {"s": "request.soDinhDanh", "k": "call.key"},
    "write": True,
    "answer": {"ketQua": "text(row.id)"},
}


@pytest.fixture
def tried(tmp_path: Path) -> Tried:
    """Run a command of `lgsp` over an adapter for `register`, which is not idempotent unless it is said to be."""

    async def run_it(
        command: str, told: dict[str, Any], *more: str, idempotent: bool = False, **environment: str
    ) -> tuple[int, str, str]:
        operations: Any = CONTRACTS[0]["operations"]
        contract = {**CONTRACTS[0], "operations": {"register": {**operations["register"], "idempotent": idempotent}}}
        (tmp_path / "desk.yaml").write_text(yaml.safe_dump(contract, allow_unicode=True))
        head = {"service": "desk", "major": 1, "system": "provider"}
        (tmp_path / "adapter.yaml").write_text(yaml.safe_dump({**head, **told}, allow_unicode=True))
        operation = ["register"] if command == "adapter try" else []
        contracts = ["--contract", str(tmp_path / "desk.yaml")]
        return await run(
            *command.split(), str(tmp_path / "adapter.yaml"), *operation, *more, *contracts, environment=environment
        )

    return run_it


@pytest.mark.parametrize("idempotent", [False, True])
async def test_what_a_test_writes_into_a_database_is_rolled_back(
    tried: Tried, postgres: Postgres, idempotent: bool
) -> None:
    address = await postgres.new_database()
    name = name_in(address)
    await postgres.sql("CREATE TABLE so (id serial PRIMARY KEY, cccd text NOT NULL, khoa uuid UNIQUE)", name)
    told = {"kind": "sql", "connection": {"url": {"env": "URL"}}, "operations": {"register": SQL}}

    async def rows() -> int:
        connection = await asyncpg.connect(user="postgres", database=name, host=str(postgres.folder))
        try:
            return int(await connection.fetchval("SELECT count(*) FROM so"))
        finally:
            await connection.close()

    code, out, err = await tried("adapter try", told, idempotent=idempotent, URL=address)
    assert (code, '"ketQua"' in out, "rolled back" in err, await rows()) == (0, True, True, 0), err
    code, out, err = await tried("contract test", told, idempotent=idempotent, URL=address)
    assert (code, "register: rolled back" in out, await rows()) == (0, True, 0), out + err
    code, out, err = await tried("adapter try", told, "--allow-writes", idempotent=idempotent, URL=address)
    assert (code, "rolled back" in err, await rows()) == (0, False, 1), err
    code, out, err = await tried("contract test", told, "--allow-writes", idempotent=idempotent, URL=address)
    assert (code, "rolled back" in out) == (0, False), out + err
    assert await rows() > 10


@pytest.mark.parametrize(
    ("method", "idempotent"), [("POST", False), ("GET", False), ("PUT", True), ("PATCH", True), ("DELETE", True)]
)
async def test_what_cannot_be_undone_is_not_done(tried: Tried, method: str, idempotent: bool) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.method)
        return web.json_response({"a": "X"})

    async with served(answer) as url:
        operation = {"path": "/so/{request.soDinhDanh}", "method": method, "answer": {"ketQua": "answer.a"}}
        told = {"kind": "http", "connection": {"url": url}, "operations": {"register": operation}}
        code, _, err = await tried("adapter try", told, idempotent=idempotent)
        assert (code, "--allow-writes" in err, asked) == (1, True, [])
        _, out, _ = await tried("contract test", told, idempotent=idempotent)
        assert ("register: skipped" in out, asked) == (True, [])
        code, out, err = await tried("adapter try", told, "--allow-writes", idempotent=idempotent)
        assert (code, asked) == (0, [method]), err
        await tried("contract test", told, "--allow-writes", idempotent=idempotent)
        assert len(asked) > 10


async def test_a_question_is_asked(tried: Tried) -> None:
    """A POST that its contract calls idempotent is a search."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.method)
        return web.json_response({"a": NUMBER})

    async with served(answer) as url:
        operation = {"path": "/tim", "method": "POST", "body": {"so": "request.soDinhDanh"}}
        told = {
            "kind": "http",
            "connection": {"url": url},
            "operations": {"register": {**operation, "answer": {"ketQua": "answer.a"}}},
        }
        assert (await tried("adapter try", told, idempotent=True))[0] == 0
    assert asked == ["POST"]
