"""Gateways ask each other what ends of theirs, so that one page shows the certificates of all of them."""

import asyncio
import contextlib

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_gateway.observability.expirations.expiration import Expiration
from lgsp_runtime.background import Background

SUBJECT = "lgsp.gateways.expirations"
ANSWER_SECONDS = 1.0
MAX_ITEMS = 100
"""Things that one gateway tells of."""


class GatewayExchange:
    """Answers other gateways, and asks them.

    Args:
        connection: of the gateway's own user, whom alone the servers let use this subject.
    """

    def __init__(self, connection: Client) -> None:
        self.own: list[Expiration] = []
        """What this gateway tells of itself."""
        self._connection = connection

    async def start(self, background: Background) -> None:
        """Answer from now on."""
        await self._connection.subscribe(SUBJECT, cb=background.guard("expirations of a gateway", self._answer))

    async def ask(self) -> list[Expiration]:
        """Return what all gateways tell within a second, this one too.

        Raises:
            NatsError, OSError: NATS cannot be reached.
        """
        found: dict[tuple[str, str], Expiration] = {(one.kind, one.name): one for one in self.own}

        async def take(message: Msg) -> None:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                for document in orjson.loads(message.data)["items"][:MAX_ITEMS]:
                    one = Expiration.parse(document)
                    found[one.kind, one.name] = one

        inbox = self._connection.new_inbox()
        answers = await self._connection.subscribe(inbox, cb=take)
        try:
            await self._connection.publish(SUBJECT, b"", reply=inbox)
            await asyncio.sleep(ANSWER_SECONDS)
        finally:
            await answers.unsubscribe()
        return list(found.values())

    async def _answer(self, message: Msg) -> None:
        try:
            await message.respond(orjson.dumps({"items": [one.document() for one in self.own]}))
        except (NatsError, OSError) as error:
            structlog.get_logger().warning("expirations not told", error=type(error).__name__)
