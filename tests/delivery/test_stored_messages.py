"""Pages of a stream are found in bounded work, whatever stands in it."""

import pytest
from nats.aio.client import Client
from support.jetstream import JetStreamServer, make_stream

from lgsp_gateway.delivery.storage.last_message import LastMessages
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.stored_messages import MAX_READ_BYTES, NARROW, StoredMessage, StoredMessages
from lgsp_problems import Refusal

CIPHER = PayloadCipher(lambda: {1: bytes(32)})
SIZE = 300_000
NUMBER = 100


async def test_a_page_of_large_messages_ends_early_and_the_next_one_goes_on(client: Client) -> None:
    await make_stream(client, "S", "s.>")
    payload = CIPHER.encrypt("s.a", bytes(SIZE))
    for _ in range(NUMBER):
        await client.jetstream().publish("s.a", payload)
    looked_at: list[int] = []

    def is_last_of_all(message: StoredMessage) -> int | None:
        looked_at.append(message.sequence)
        return message.sequence if message.sequence == 1 else None

    messages = StoredMessages(client, "S", CIPHER)
    page = await messages.newest("s.a", 0, 10, is_last_of_all)
    assert page.items == []
    assert page.before > 1
    assert len(looked_at) <= MAX_READ_BYTES // SIZE + NARROW
    for _ in range(NUMBER):
        if page.before:
            page = await messages.newest("s.a", page.before, 10, is_last_of_all)
    assert page.items == [(1, 1)]
    assert sorted(set(looked_at)) == list(range(1, NUMBER + 1))


async def test_the_last_message_of_a_subject_is_read_and_refused_where_it_cannot_be(
    server: JetStreamServer, client: Client
) -> None:
    await make_stream(client, "S", "s.>")
    for payload in (b"1", b"2"):
        await client.jetstream().publish("s.a", CIPHER.encrypt("s.a", payload))
    await client.jetstream().publish("s.b", CIPHER.encrypt("s.a", b"moved"))
    async with server.bus() as (bus, _):
        messages = LastMessages(bus, "S", CIPHER)
        assert await messages.last("s.none") is None
        found = await messages.last("s.a")
        assert found
        assert (found.subject, found.sequence, found.payload) == ("s.a", 2, b"2")
        moved = await messages.last("s.b")
        assert moved
        assert (moved.is_damaged, moved.payload) == (True, b"")
        with pytest.raises(Refusal):
            await LastMessages(bus, "NONE", CIPHER).last("s.a")
