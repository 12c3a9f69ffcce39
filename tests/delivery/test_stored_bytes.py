"""What agencies have stored is counted by all gateways together, and known again after each restart."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from nats.aio.client import Client
from support.jetstream import JetStreamServer, make_stream
from support.waits import eventually

from lgsp_gateway.delivery.storage.stored_bytes import DAY_SECONDS, EACH_BYTES, StoredBytes
from lgsp_gateway.delivery.streams import OWNER
from lgsp_runtime.background import Background

AGENCY, OTHER = "H49.1", "H49.2.7"


@asynccontextmanager
async def counted(server: JetStreamServer, client: Client, name: str) -> AsyncIterator[StoredBytes]:
    """The counts of one gateway."""
    async with AsyncExitStack() as stack:
        bus, _ = await stack.enter_async_context(server.bus())
        background = await stack.enter_async_context(Background())
        stored = StoredBytes(bus, name)
        await stored.start(client, 1, background)
        yield stored


async def test_gateways_count_together_and_remember(server: JetStreamServer, client: Client) -> None:
    now = time.time()
    async with counted(server, client, "one") as one, counted(server, client, "two") as two:
        one.add(AGENCY, 1_000, now + 60)
        two.add(AGENCY, 500, now + 3 * DAY_SECONDS)
        one.add(OTHER, 10, now + 60)
        total = 1_500 + 2 * EACH_BYTES
        await eventually(lambda: (one.bytes_of(AGENCY, now), two.bytes_of(AGENCY, now)) == (total, total))
        two.remove(AGENCY, 1_000, now + 60)
        await eventually(lambda: one.bytes_of(AGENCY, now) == 500 + EACH_BYTES)
        assert one.bytes_of(AGENCY, now + 5 * DAY_SECONDS) == 0, "forgotten with its day"
        assert one.bytes_by_agency(now) == {AGENCY: 500 + EACH_BYTES, OTHER: 10 + EACH_BYTES}
    async with counted(server, client, "one") as again:
        assert again.bytes_by_agency(now) == {AGENCY: 500 + EACH_BYTES, OTHER: 10 + EACH_BYTES}


async def test_dead_letters_are_counted_from_their_stream(server: JetStreamServer, client: Client) -> None:
    await make_stream(client, "LGSP_DEAD", "dead.>", max_msgs_per_subject=1)
    jetstream = client.jetstream()
    for number in range(3):
        await jetstream.publish(f"dead.event.s.{number}", bytes(5_000), headers={OWNER: "alpha"})
    await jetstream.publish("dead.event.s.0", b"", headers={"Nats-TTL": "1s"})  # somebody dealt with it
    async with Background() as background, counted(server, client, "one") as stored:
        stored.follow_dead_letters(lambda system: AGENCY if system == "alpha" else "", background)
        await eventually(lambda: stored.bytes_of(AGENCY, time.time()) == 2 * (5_000 + EACH_BYTES))


async def test_a_dead_letter_counts_at_once_and_once(server: JetStreamServer, client: Client) -> None:
    await make_stream(client, "LGSP_DEAD", "dead.>", max_msgs_per_subject=1)
    await client.jetstream().publish("dead.event.s.0", bytes(5_000), headers={OWNER: "alpha"})
    async with Background() as background, counted(server, client, "one") as stored:
        stored.follow_dead_letters(lambda _: AGENCY, background)
        stored.add_dead_letter("alpha", 4_000)
        assert stored.bytes_by_agency(time.time()) == {AGENCY: 4_000 + EACH_BYTES}, "before they are read"
        await eventually(lambda: stored.bytes_of(AGENCY, time.time()) == 5_000 + EACH_BYTES)
