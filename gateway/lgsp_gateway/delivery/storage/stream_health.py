"""Which streams a NATS server cannot write any more, as the server itself says.

A server whose disk was full does not write a stream again on which a write has failed, also when its disk has room again, until it is restarted
(nats-server 2.15). Neither the free space nor the server's usage tells of that.
"""

import time

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

from lgsp_runtime.background import Background

ASK_SECONDS = 5.0
OUTDATED_SECONDS = 20.0
"""After which a server that does not answer is taken for gone."""
_STREAM = "STREAM"


class StreamHealth:
    """The streams that servers report as broken, as one gateway knows them."""

    def __init__(self) -> None:
        self._broken: dict[str, tuple[list[str], float]] = {}

    async def start(self, system: Client, background: Background) -> None:
        """Ask in the background from now on.

        Args:
            system: a connection to the system account.
        """
        inbox = system.new_inbox()
        await system.subscribe(inbox, cb=background.guard("health of streams", self._on_server))

        async def ask() -> None:
            if system.is_connected:
                await system.publish("$SYS.REQ.SERVER.PING.HEALTHZ", b'{"details":true}', reply=inbox)

        background.run_every("health of streams", ASK_SECONDS, ask, within=30)

    def broken(self) -> dict[str, list[str]]:
        """Return the streams that are broken, by the name of the server; without servers where none is."""
        oldest = time.monotonic() - OUTDATED_SECONDS
        return {name: streams for name, (streams, at) in self._broken.items() if streams and at >= oldest}

    async def _on_server(self, message: Msg) -> None:
        answer = orjson.loads(message.data)
        errors = (answer.get("data") or {}).get("errors") or []
        streams = {error.get("stream", "?") for error in errors if error.get("type") == _STREAM}
        self._broken[answer.get("server", {}).get("name", "?")] = (sorted(streams), time.monotonic())
