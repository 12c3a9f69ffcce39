"""An event is stored once, and one that says something else under its id is found, also where an acknowledgement was lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from support import announcing
from support.jetstream import JetStreamServer, stored

from lgsp_contracts.cloudevents import EventContext
from lgsp_contracts.contract import Contract
from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.events.event_record import EventRecord
from lgsp_gateway.delivery.events.event_store import Acceptance, EventStore
from lgsp_gateway.delivery.storage.group_commit import ACKNOWLEDGEMENT_SECONDS, GroupCommit
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_problems import EventConflict

CONTRACT = Contract.from_document(announcing.contract())
EVENT = CONTRACT.events[announcing.EVENT]

CIPHER = PayloadCipher(lambda: {1: bytes(32)})


def record(message: str, data: bytes = b"{}", event_id: str = "1") -> EventRecord:
    context = EventContext(event_id, "/systems/provider", announcing.TYPE, "2026-11-28T08:00:00Z")
    return EventRecord(context, message, "", data)


@pytest.fixture
async def store(server: JetStreamServer, client: Client) -> AsyncIterator[EventStore]:
    await streams.ensure(client, 1)
    async with server.bus() as (bus, _):
        commits = GroupCommit(bus, streams.EVENTS, CIPHER)
        yield EventStore(commits, client, CIPHER)
        await commits.stop()


@pytest.mark.long  # a server that stands still for longer than an acknowledgement may take
async def test_an_event_is_compared_with_the_first_one_though_an_acknowledgement_was_lost(
    server: JetStreamServer, store: EventStore, client: Client
) -> None:
    assert await store.store(CONTRACT, EVENT, record("first")) == Acceptance("first", repeated=False)
    os.kill(server.process.pid, signal.SIGSTOP)
    again, other, new = (
        asyncio.create_task(store.store(CONTRACT, EVENT, one))
        for one in (record("second"), record("third", b"[]"), record("fourth", event_id="2"))
    )
    await asyncio.sleep(ACKNOWLEDGEMENT_SECONDS + 0.5)  # the sleep is the fault
    os.kill(server.process.pid, signal.SIGCONT)
    assert await again == Acceptance("first", repeated=True)
    with pytest.raises(EventConflict):
        await other
    assert await new == Acceptance("fourth", repeated=False)
    assert len(await stored(client, streams.EVENTS)) == 2


async def test_an_event_is_kept_as_long_as_its_contract_says(store: EventStore, client: Client) -> None:
    await store.store(CONTRACT, EVENT, record("first"))
    message = await client.jetstream().get_msg(streams.EVENTS, 1)
    assert (message.headers or {})["Nats-TTL"] == f"{30 * 86_400}s"
    assert EventRecord.from_bytes(CIPHER.decrypt(str(message.subject), message.data or b"")) == record("first")
