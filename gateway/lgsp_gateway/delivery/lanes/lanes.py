"""All lanes of one gateway, and which of them it serves."""

import asyncio
import contextlib
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson
import structlog

from lgsp_gateway.delivery.lanes.consumer import API_SECONDS, read_arrival, read_pull_end
from lgsp_gateway.delivery.lanes.gateway_presence import GatewayPresence
from lgsp_gateway.delivery.lanes.lane import LaneConfig, LaneHandler, LaneState
from lgsp_gateway.delivery.lanes.lane_runner import LaneRunner
from lgsp_gateway.delivery.lanes.turns import Turns
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable

LaneFactory = Callable[[str], tuple[LaneConfig, LaneHandler] | None]
"""Makes configuration and handler of a lane from its name; None for a name that is no lane of this kind."""

TICK_SECONDS = 0.25
DISCOVERY_SECONDS = 10.0
"""How often the server is asked for lanes that nobody announced here."""
RELEASE_SECONDS = 10.0
"""How long what runs may take when a lane moves or its gateway stops; then it is cancelled, and tried again."""
MAX_STARTING = 16
"""Lanes that make their consumers at the same time."""
LANES = "lgsp.delivery.lanes"
"""The subject on which a gateway says that a lane is new, or that its pause is over."""


@dataclass(frozen=True, slots=True)
class _Discovery:
    stream: str
    prefix: str
    make: LaneFactory


class Lanes:
    """The lanes that a gateway knows.

    Every gateway knows each lane; they spread over the gateways that are there, and each is served by one of them at a time.

    Args:
        gateway: the name of this gateway.
        bus, connection: of delivery.
        cipher: decrypts what is stored; None where it is not encrypted.
        limit: returns how many messages of a lane may be tried at the same time now.
        delivers: whether lanes may fall to this gateway; one that does not knows them, and makes their consumers, all the same.
    """

    def __init__(
        self,
        gateway: str,
        bus: NatsRequestReply,
        connection: CallClient,
        background: Background,
        cipher: PayloadCipher | None = None,
        limit: Callable[[], int] = lambda: sys.maxsize,
        *,
        delivers: bool = True,
    ) -> None:
        self._bus = bus
        self._cipher = cipher
        self._connection = connection
        self._background = background
        self._presence = GatewayPresence(gateway, bus, connection, self._assign_all, delivers=delivers)
        self._inbox = f"_INBOX.{secrets.token_hex(11)}."
        self._loop = asyncio.get_running_loop()
        self._numbers: dict[bytes, LaneRunner] = {}
        self._next_number = 0
        self._lanes: dict[str, LaneRunner] = {}
        self._by_consumer: dict[tuple[str, str], LaneRunner] = {}
        self._releasing: dict[str, asyncio.Task[None]] = {}
        self._discoveries: list[_Discovery] = []
        self._slots = asyncio.Semaphore(MAX_STARTING)
        self._turns = Turns(limit)
        self._started = False

    async def start(self) -> None:
        """Begin to serve lanes."""
        await self._connection.subscribe(f"{self._inbox}*.*", self._on_message)
        await self._connection.subscribe(LANES, self._on_announcement)
        await self._presence.start(self._background, self._begin)
        self._background.run_every("delivery lanes", TICK_SECONDS, self._tick, within=None)
        self._background.run_every("lane discovery", DISCOVERY_SECONDS, self._discover, within=60)

    async def stop(self) -> None:
        """Finish what runs, hand the rest back, and serve no lane any more."""
        self._started = False
        self._presence.leave()
        await asyncio.gather(*(lane.release(RELEASE_SECONDS) for lane in self._lanes.values()))
        with contextlib.suppress(Refusal):
            self._bus.send_now()

    def serve(self, config: LaneConfig, handler: LaneHandler) -> None:
        """Serve a lane from now on, when it falls to this gateway; its consumer is made where there is none.

        Every gateway calls this for each lane, also again with a changed configuration. Where only one gateway learns that a lane is
        needed, it calls `announce` instead, and all have called `discover`.
        """
        lane = self._lanes.get(config.name)
        if lane is not None and lane.config == config:
            lane.attempts.handler = handler
            return
        if lane is not None:
            self._release(lane)
            self._forget(lane)
        self._next_number += 1
        inbox = f"{self._inbox}{self._next_number}."
        lane = LaneRunner(config, handler, self._bus, inbox, self._background, self._slots, self._turns, self._cipher)
        self._numbers[b"%d" % self._next_number] = lane
        self._lanes[config.name] = self._by_consumer[config.stream, config.name] = lane
        self._assign(lane)

    async def stop_serving(self, name: str, *, delete: bool = False) -> None:
        """Finish what runs in a lane, hand the rest back, and do not serve it any more.

        Args:
            delete: delete its consumer too, and with it the place that the lane had in its stream.

        Raises:
            Refusal: `bus-unavailable`; its consumer is there still.
        """
        lane = self._lanes.get(name)
        if lane is None:
            return
        self._forget(lane)
        await self._release(lane)
        if delete:
            await lane.delete()

    def discover(self, stream: str, prefix: str, make: LaneFactory) -> None:
        """Serve each lane of a stream whose name begins with a prefix: those that are there now or at any later time.

        Args:
            make: called with the name of each.
        """
        self._discoveries.append(_Discovery(stream, prefix, make))

    async def announce(self, stream: str, name: str) -> None:
        """Serve a lane that `discover` finds: here at once, at the other gateways as soon as they hear of it.

        When this returns the server knows its consumer, so what is stored for it now is delivered even if every gateway is killed.

        Raises:
            Refusal: `bus-unavailable`.
        """
        if name not in self._lanes and self._serve_discovered(stream, name):
            self._announce({"stream": stream, "lane": name})
        if lane := self._lanes.get(name):
            await lane.ensure()

    def resume(self, name: str) -> None:
        """End the pause of a lane, here and at all gateways: whatever it waited for is there again."""
        self._announce({"resume": name})

    @property
    def anybody_delivers(self) -> bool:
        """Tell whether there is a gateway that lanes fall to."""
        return self._presence.anybody_delivers

    def states(self) -> Iterator[LaneState]:
        """Iterate over the lanes."""
        return (lane.state() for lane in self._lanes.values())

    def state_of(self, name: str) -> LaneState | None:
        """Return the state of a lane; None where this gateway knows none of that name."""
        lane = self._lanes.get(name)
        return lane.state() if lane else None

    def connection_lost(self) -> None:
        """Record that the connection of delivery is lost."""
        for lane in self._lanes.values():
            lane.connection_lost()

    def connection_back(self) -> None:
        """Go on with the connection of delivery."""
        for lane in self._lanes.values():
            lane.connection_back()

    def _begin(self) -> None:
        self._started = True
        self._assign_all()

    def _assign_all(self) -> None:
        for lane in list(self._lanes.values()):
            self._assign(lane)

    def _assign(self, lane: LaneRunner) -> None:
        """Serve a lane, or leave it to another gateway."""
        if not self._started or lane.config.name in self._releasing:
            return  # `_on_released` looks again
        if self._presence.falls_here(lane.config.name):
            lane.activate()
        elif lane.is_serving:
            self._release(lane)

    def _release(self, lane: LaneRunner) -> "asyncio.Task[None]":
        name = lane.config.name
        task = self._background.run_once(f"leave lane {name}", lane.release(RELEASE_SECONDS))
        self._releasing[name] = task
        task.add_done_callback(lambda _: self._on_released(name, task))
        return task

    def _on_released(self, name: str, task: "asyncio.Task[None]") -> None:
        if self._releasing.get(name) is task:
            del self._releasing[name]
        if lane := self._lanes.get(name):
            self._assign(lane)

    def _forget(self, lane: LaneRunner) -> None:
        del self._lanes[lane.config.name]
        del self._by_consumer[lane.config.stream, lane.config.name]
        del self._numbers[lane.inbox.removeprefix(self._inbox)[:-1].encode()]

    async def _tick(self) -> None:
        now = self._loop.time()
        for lane in list(self._lanes.values()):
            lane.tick(now)

    async def _discover(self) -> None:
        for discovery in self._discoveries:
            for name in await self._consumer_names(discovery.stream):
                if name not in self._lanes and name.startswith(discovery.prefix):
                    self._serve_discovered(discovery.stream, name)

    def _serve_discovered(self, stream: str, name: str) -> bool:
        for discovery in self._discoveries:
            if discovery.stream == stream and name.startswith(discovery.prefix) and (made := discovery.make(name)):
                self.serve(*made)
                return True
        return False

    async def _consumer_names(self, stream: str) -> list[str]:
        names: list[str] = []
        while True:
            request = orjson.dumps({"offset": len(names)})
            api = f"$JS.API.CONSUMER.NAMES.{stream}"
            page = orjson.loads(await self._bus.request(api, request, API_SECONDS, repeatable=False))
            if "error" in page:
                raise bus_unavailable(str(page["error"].get("description", "")))
            names += page.get("consumers") or []
            if not page.get("consumers") or len(names) >= page["total"]:
                return names

    def _announce(self, document: dict[str, str]) -> None:
        try:
            self._bus.send(LANES, orjson.dumps(document))
        except Refusal:
            structlog.get_logger().info("lanes not announced")  # `_discover` finds new ones

    def _on_announcement(self, _subject: bytes, _reply: bytes, data: bytes, _headers: bytes) -> None:
        announcement = orjson.loads(data)
        if (name := announcement.get("resume")) and (lane := self._lanes.get(name)):
            lane.resume()
        elif (name := announcement.get("lane")) and name not in self._lanes:
            self._serve_discovered(announcement["stream"], name)

    def _on_message(self, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        if reply:
            arrival = read_arrival(reply)
            lane = self._by_consumer.get(arrival.consumer) if arrival else None
            if arrival and lane:
                lane.on_message(arrival, reply.decode(), subject, data, headers)
        elif end := read_pull_end(headers):
            number, _, pull = subject.rpartition(b".")
            lane = self._numbers.get(number.rpartition(b".")[2])
            if lane:
                lane.on_pull_end(int(pull), end)
