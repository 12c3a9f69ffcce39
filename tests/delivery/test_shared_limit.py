"""A gateway that only delivers keeps to the limit of those whose calls suffer, for as long as they say so."""

from nats.aio.client import Client
from support.jetstream import JetStreamServer
from support.waits import eventually

from lgsp_gateway.calls.background_work import MAXIMUM
from lgsp_gateway.delivery.shared_limit import COUNTS_SECONDS, SharedLimit
from lgsp_runtime.background import Background


async def test_one_that_only_delivers_yields_to_the_calls_of_the_others(
    server: JetStreamServer, client: Client
) -> None:
    now, of_calls = 1000.0, {"gw-1": 8, "gw-2": MAXIMUM}

    def clock() -> float:
        return now

    async with Background() as background, server.client() as other, server.client() as third:
        delivering = SharedLimit("gw-3", None, clock)
        await delivering.start(client, background)
        await client.flush()
        assert delivering.limit() == MAXIMUM
        for connection, name in ((other, "gw-1"), (third, "gw-2")):
            await SharedLimit(name, lambda name=name: of_calls[name], clock).start(connection, background)  # type: ignore[misc]
        await eventually(lambda: delivering.limit() == 8)
        of_calls["gw-2"] = 3
        await eventually(lambda: delivering.limit() == 3)
        of_calls.update({"gw-1": MAXIMUM, "gw-2": MAXIMUM})
        now += COUNTS_SECONDS
        await eventually(lambda: delivering.limit() == MAXIMUM)


async def test_one_that_answers_calls_keeps_to_its_own_limit(server: JetStreamServer, client: Client) -> None:
    async with Background() as background, server.client() as other:
        mine = SharedLimit("gw-1", lambda: 5)
        await mine.start(client, background)
        await SharedLimit("gw-2", lambda: 1).start(other, background)
        assert mine.limit() == 5
