"""Oracle and SQL Server as far as that goes without their servers: real drivers, the address they dial, and the statements they would send."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import literal_column, select, text
from support.processes import apt_install
from support.sql import rows

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.connectors.sql.databases import Database
from lgsp_contracts.source_location import SourceLocation

ORACLE = "oracle://lgsp:mat@127.0.0.1:{port}/?service_name=DATDAI"
SQL_SERVER = "mssql://lgsp:mat@127.0.0.1:{port}/dat_dai?driver=FreeTDS&TDS_Version=7.4"


@pytest.fixture(scope="module", autouse=True)
def odbc() -> None:
    """unixODBC and FreeTDS, a driver of SQL Server for it."""
    if not Path("/usr/bin/odbcinst").exists():
        apt_install("unixodbc", "odbcinst", "tdsodbc")
    drivers = subprocess.run(["odbcinst", "-q", "-d"], capture_output=True, text=True, check=True)
    assert "FreeTDS" in drivers.stdout, "apt-get install odbcinst tdsodbc"


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A port, and the first packet of each connection to it."""
    packets: list[bytes] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packets.append(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], packets


@pytest.mark.parametrize(("address", "packet"), [(ORACLE, b"(SERVICE_NAME=DATDAI)"), (SQL_SERVER, b"\x12\x01")])
async def test_an_address_is_understood_and_dialled(address: str, packet: bytes) -> None:
    async with listening() as (port, packets):
        with pytest.raises(UpstreamFailed) as failed:
            await rows(address.format(port=port), "SELECT 1 AS a")
    assert failed.value.why == "unreachable"
    assert packet in packets[0]  # TNS with the service's name, TDS before its login
    with pytest.raises(UpstreamFailed) as failed:
        await rows(address.format(port=1), "SELECT 1 AS a")
    assert failed.value.why == "unreachable"
    assert "SQLSTATE 08" in (failed.value.private or "")


@pytest.mark.parametrize(
    ("address", "first"),
    [
        (ORACLE, "SELECT so FROM ho_so FETCH FIRST 1 ROWS ONLY"),
        (SQL_SERVER, "SELECT TOP 1 so FROM ho_so"),
        ("mysql://a:b@127.0.0.1/c", "SELECT so FROM ho_so LIMIT 1"),
        ("postgresql://a:b@127.0.0.1/c", "SELECT so FROM ho_so LIMIT 1"),
    ],
)
def test_the_first_row_is_asked_for_in_each_dialect(address: str, first: str) -> None:
    database = Database(address.format(port=1), Path(), SourceLocation("test"))
    found = database.compiled(select(literal_column("so")).select_from(text("ho_so")).limit(1))
    assert " ".join(found.split()) == first
