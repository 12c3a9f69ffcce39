"""A search that takes too long is stopped, and nobody else's is the worse for it."""

from pathlib import Path

import pytest
from sqlalchemy import text
from support.postgres import Postgres

from lgsp_gateway.evidence.search import schema
from lgsp_gateway.evidence.search.database import Database
from lgsp_problems import Refusal

FOR_EVER = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_search_that_is_stopped_leaves_the_connections(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    address = str(tmp_path / "index.db")
    if kind == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        address = await server.new_database()
    writer = Database(address, writes=True)
    async with writer.transaction() as connection:
        await connection.execute(text("SELECT 1"))
    reader = Database(address, writes=False, seconds=0.3)
    async with reader.transaction() as beside:
        for _ in range(3):
            with pytest.raises(Refusal, match="took longer") as refused:
                async with reader.transaction() as connection:
                    await connection.execute(text(FOR_EVER))
            assert refused.value.code == "index-unavailable"
        assert (await beside.execute(text("SELECT sequence FROM progress"))).scalar() == 0
    async with reader.transaction() as connection:
        assert (await connection.execute(text("SELECT version FROM progress"))).scalar()
    assert reader.times_opened == 1
    await reader.close()
    await writer.close()


async def test_a_database_that_is_gone_is_opened_anew(tmp_path: Path) -> None:
    """The canary: what is no time limit makes it begin again."""
    file = tmp_path / "index.db"
    writer = Database(str(file), writes=True)
    async with writer.transaction() as connection:
        await connection.run_sync(schema.metadata.drop_all)
    with pytest.raises(Refusal, match="cannot be used"):
        async with writer.transaction() as connection:
            await connection.execute(text("SELECT sequence FROM progress"))
    async with writer.transaction() as connection:
        assert (await connection.execute(text("SELECT sequence FROM progress"))).scalar() == 0
    assert writer.times_opened == 2
    await writer.close()
