"""The right to read a file ends with the message or event that gave it, and with the grant of its reader."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from nats.aio.client import Client
from support.filings import GRANTS
from support.jetstream import JetStreamServer
from support.waits import eventually

from lgsp_auth.policy import Officer
from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.files.access import Carrier, FileAccess
from lgsp_gateway.registry.indexed_documents import read_grant
from lgsp_gateway.registry.snapshot import RegistrySnapshot

ALPHA, BETA, FILE = SystemName("alpha"), SystemName("beta"), "01a2b3c4-0000-7000-8000-00000000abcd"


@pytest.fixture
async def access(server: JetStreamServer, client: Client) -> AsyncIterator[FileAccess]:
    registry = RegistrySnapshot()
    registry.grants.put(read_grant("alpha-filings", GRANTS[0]["spec"], {"phase": "in-force"}))
    async with server.bus() as (bus, _):
        access = FileAccess(bus, registry)
        await access.start(client, 1)
        yield access


def carrier(message: str, seconds: float, name: str = "submit") -> Carrier:
    return Carrier(message, "filings", 1, name, time.time() + seconds)


async def test_a_right_ends_with_what_gave_it(access: FileAccess) -> None:
    await access.give(FILE, ALPHA, carrier("first", 2))
    await access.give(FILE, ALPHA, carrier("second", 0))
    assert await access.carrier_for(FILE, ALPHA) == "second", "a shorter one takes nothing away"
    assert await access.carrier_for(FILE, BETA) is None

    async def has_ended() -> bool:
        return await access.carrier_for(FILE, ALPHA) is None

    await eventually(has_ended)


async def test_a_right_is_worth_nothing_without_a_grant(access: FileAccess) -> None:
    await access.give(FILE, BETA, carrier("m", 60))
    await access.give(FILE, ALPHA, carrier("m", 60, "withdraw"))
    assert await access.carrier_for(FILE, BETA) is None
    assert await access.carrier_for(FILE, ALPHA) is None
    await access.give(FILE, ALPHA, carrier("n", 60))
    assert await access.carrier_for(FILE, ALPHA) == "n", "what another operation gave counts by itself"


async def test_what_an_answer_gave_an_officer_is_that_officers_alone(server: JetStreamServer, client: Client) -> None:
    forms, registrar, clerk = SystemName("forms-h49-2"), Officer("p-a", frozenset({"registrar"})), Officer("p-b")
    registry = RegistrySnapshot()
    spec = {**GRANTS[0]["spec"], "consumer": forms, "officers": {"positions": ["registrar"]}}
    registry.grants.put(read_grant("forms-filings", spec, {"phase": "in-force"}))
    async with server.bus() as (bus, _):
        access = FileAccess(bus, registry)
        await access.start(client, 1)
        await access.give(FILE, forms, replace(carrier("asked", 60), officer=registrar.person))
        assert await access.carrier_for(FILE, forms, registrar) == "asked"
        assert await access.carrier_for(FILE, forms, Officer("p-c", registrar.positions)) is None, "another officer"
        assert await access.carrier_for(FILE, forms) is None, "no system"
        assert await access.carrier_for(FILE, forms, Officer(registrar.person)) is None, "the position was taken away"
        await access.give(FILE, forms, replace(carrier("asked too", 60), officer=clerk.person))
        assert await access.carrier_for(FILE, forms, clerk) is None, "the grant is not for them"
        assert await access.carrier_for(FILE, forms, registrar) == "asked", "and nothing of another officer is replaced"
