"""Which gateways are there, and which of them a lane falls to.

Each gateway that delivers says twice a second that it is there, on core NATS, and says so when it leaves; one that does not only listens. A lane falls to the gateway with the highest hash
of both names (rendezvous hashing), so that lanes spread evenly, and only those of a gateway move that comes or goes. It is a preference
alone: gateways that see each other differently for a moment both pull, and the server gives the lane to one of them (`consumer.py`).
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterable

import orjson

from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.request_reply import NatsRequestReply

SUBJECT = "lgsp.delivery.gateways"
BEAT_SECONDS = 0.5
GONE_SECONDS = 2.5
"""After which a gateway that says nothing is taken for gone."""
ACQUAINTANCE_SECONDS = 0.3
"""How long a gateway that has just connected waits for the others to say that they are there."""


def owner(lane: str, gateways: Iterable[str]) -> str:
    """Return the gateway that a lane falls to.

    Args:
        gateways: at least one.
    """
    return max(gateways, key=lambda gateway: hashlib.sha256(f"{lane} {gateway}".encode()).digest())


class GatewayPresence:
    """What one gateway knows of the others.

    Args:
        gateway: its name.
        on_change: called when a gateway has come or gone.
        delivers: whether lanes may fall to it.
    """

    def __init__(
        self,
        gateway: str,
        bus: NatsRequestReply,
        connection: CallClient,
        on_change: Callable[[], None],
        *,
        delivers: bool = True,
    ) -> None:
        self._delivers = delivers
        self.me = f"{gateway}.{secrets.token_hex(4)}"
        self._bus = bus
        self._connection = connection
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._seen: dict[str, float] = {}
        self._known: set[str] = set()
        self._leaving = False

    async def start(self, background: Background, then: Callable[[], None]) -> None:
        """Become acquainted with the other gateways, and stay so.

        Args:
            then: called when the others have had the time to say that they are there.
        """
        await self._connection.subscribe(SUBJECT, self._on_beat)
        self._say("come")
        self._loop.call_later(ACQUAINTANCE_SECONDS, then)
        background.run_every("gateway presence", BEAT_SECONDS, self._beat, within=BEAT_SECONDS * 10)

    def leave(self) -> None:
        """Tell the others that this gateway serves no lane any more."""
        self._leaving = True
        self._say("leave")

    def falls_here(self, lane: str) -> bool:
        """Tell whether a lane falls to this gateway."""
        return self._delivers and not self._leaving and owner(lane, {self.me, *self._known}) == self.me

    @property
    def anybody_delivers(self) -> bool:
        """Tell whether there is a gateway that lanes fall to: this one, or another one that was there of late."""
        return self._delivers or bool(self._known)

    async def _beat(self) -> None:
        if not self._leaving:
            self._say("here")
        self._update()

    def _update(self) -> None:
        now = self._loop.time()
        self._seen = {gateway: at for gateway, at in self._seen.items() if now - at < GONE_SECONDS}
        if self._known != self._seen.keys():
            self._known = set(self._seen)
            self._on_change()

    def _say(self, what: str) -> None:
        if not self._delivers:
            return
        try:
            self._bus.send(SUBJECT, orjson.dumps({"gateway": self.me, "says": what}))
            self._bus.send_now()
        except Refusal:
            return  # without a connection nobody is there for anybody

    def _on_beat(self, _subject: bytes, _reply: bytes, data: bytes, _headers: bytes) -> None:
        beat = orjson.loads(data)
        gateway, says = str(beat["gateway"]), beat["says"]
        if gateway == self.me:
            return
        if says == "leave":
            self._seen.pop(gateway, None)
        else:
            self._seen[gateway] = self._loop.time()
        if says == "come" and not self._leaving:
            self._say("here")
        self._update()
