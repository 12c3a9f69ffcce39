"""An index of an earlier release goes on in place: its rows stay, and what is indexed from then on has the durations of adapters."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
import uuid_utils
from sqlalchemy import select, text
from support.postgres import Postgres

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.search import schema
from lgsp_gateway.evidence.search.database import Database
from lgsp_gateway.evidence.search.models import Search
from lgsp_gateway.evidence.search.store import Index

TIME = 1_790_000_000_000


class FormerIndex:
    """An index without the columns that were added to it, and the messages that it has."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.batches = 0

    async def add(self, index: Index, **durations: Any) -> str:
        """Index a call, and return its id."""
        message = str(uuid_utils.uuid7())
        texts = dict.fromkeys(("agency", "purpose", "grant", "subject", "onBehalfOf", "trace"), "")
        entry = {
            "message": message,
            "time": TIME + self.batches,
            "gateway": "gw-1",
            "consumer": "alpha",
            **texts,
            "service": "desk",
            "version": "1.0.0",
            "operation": "read",
            "outcome": "answered",
            "status": 200,
            "requestSize": 10,
            "answerSize": 20,
            "providerMs": 30.5,
            "totalMs": 40.25,
            "provider": "provider",
            **durations,
        }
        batch = Batch(self.batches + 1, GatewayName("gw-1"), orjson.dumps(entry))
        assert await index.add(self.batches, [batch]) == 1
        self.batches += 1
        return message


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def former(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[FormerIndex]:
    address = str(tmp_path / "index.db")
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        address = await server.new_database()
    former = FormerIndex(address)
    index = Index(address, writes=True)
    await former.add(index, adapterMs=1, upstreamMs=1)
    await index.close()
    database = Database(address, writes=True)
    async with database.transaction() as connection:
        for name in schema.ADDED:
            await connection.execute(text(f'ALTER TABLE messages DROP COLUMN "{name}"'))
    await database.close()
    yield former


async def durations_in(index: Index, **exact: str) -> list[tuple[Any, ...]]:
    """What a page says of each message, the newest first."""
    search = Search(exact, {"minDuration": 1})
    items = (await index.search(search)).items
    return [(item["providerMs"], item.get("adapterMs"), item.get("upstreamMs")) for item in items]


async def test_an_index_of_an_earlier_release_keeps_its_rows_and_goes_on(former: FormerIndex) -> None:
    reader = Index(former.address, writes=False)
    assert await durations_in(reader) == [(30.5, None, None)]  # a gateway that is upgraded before the indexer
    writer = Index(former.address, writes=True)
    assert await writer.progress() == 1
    told = await former.add(writer, adapterMs=20.25, upstreamMs=10.5)
    unmeasured = await former.add(writer, adapterMs=20.25)
    silent = await former.add(writer)
    split, own, none = (30.5, 20.25, 10.5), (30.5, 20.25, None), (30.5, None, None)
    assert await durations_in(reader) == [none, own, split, none]
    for message, expected in ((told, split), (unmeasured, own), (silent, none)):
        assert await durations_in(reader, message=message) == [expected]
    await writer.close()
    await reader.close()


async def test_an_earlier_indexer_goes_on_with_an_upgraded_index(former: FormerIndex) -> None:
    """It names the columns that it knows, and drops an index of another version alone."""
    writer, database = Index(former.address, writes=True), Database(former.address, writes=True)
    assert await durations_in(writer) == [(30.5, None, None)]
    columns = [column for column in schema.messages.c if column.name not in schema.ADDED]
    async with database.transaction() as connection:
        assert (await connection.execute(text("SELECT version FROM progress"))).scalar() == 4
        row = (await connection.execute(select(*columns))).one()._asdict()
        new = {**row, "place": row["place"] + 1}
        names = ", ".join(f'"{name}"' for name in new)
        values = ", ".join(f":{name}" for name in new)
        await connection.execute(text(f"INSERT INTO messages ({names}) VALUES ({values})"), new)
    assert await durations_in(writer) == [(30.5, None, None)] * 2
    await database.close()
    await writer.close()


@pytest.mark.parametrize("claimed", ["20", True, -1, 1e300, [], None])
async def test_a_duration_that_cannot_be_true_is_left_out(former: FormerIndex, claimed: Any) -> None:
    writer = Index(former.address, writes=True)
    message = await former.add(writer, adapterMs=claimed, upstreamMs=claimed)
    assert await durations_in(writer, message=message) == [(30.5, None, None)]
    await writer.close()


async def test_searches_go_on_while_the_columns_are_added(former: FormerIndex) -> None:
    """Their statements were prepared for the former table."""
    readers = [Index(former.address, writes=False) for _ in range(3)]
    for reader in readers:
        assert await durations_in(reader) == [(30.5, None, None)]
    writer = Index(former.address, writes=True)
    added, *found = await asyncio.gather(
        former.add(writer, adapterMs=20.25), *(durations_in(reader) for reader in readers)
    )
    assert added
    assert all(one[-1] == (30.5, None, None) for one in found)
    for index in (writer, *readers):
        assert await durations_in(index) == [(30.5, 20.25, None), (30.5, None, None)]
        await index.close()
