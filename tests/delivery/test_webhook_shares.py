"""Gateways that send to the same endpoint divide its limits, and stop doing so when one sends no more."""

from nats.aio.client import Client
from support.jetstream import JetStreamServer
from support.waits import eventually

from lgsp_gateway.delivery.webhooks.shares import COUNTS_SECONDS, EndpointShares
from lgsp_runtime.background import Background


async def test_limits_are_divided_among_those_that_send_to_an_endpoint(server: JetStreamServer, client: Client) -> None:
    now = 1000.0

    def clock() -> float:
        return now

    async with Background() as background, server.client() as other:
        first, second = EndpointShares("gw-1", clock), EndpointShares("gw-2", clock)
        await first.start(client, background)
        await second.start(other, background)
        await client.flush()
        await other.flush()
        assert (first.among("shared"), second.among("shared"), first.among("own")) == (1, 1, 1)
        await first.announce()
        await second.announce()
        await eventually(lambda: (first.among("shared"), second.among("shared")) == (2, 2))
        assert (first.among("own"), second.among("another")) == (1, 1)
        now += COUNTS_SECONDS + 1
        assert first.among("shared") == 1
