"""Passes what workers of pull subscriptions ask on to the gateway that has the lane of their subscription.

Every gateway hears each request, and the one that has the lane answers. Where none does (a lane moves for some seconds when its gateway
is gone), there are no events, and the worker asks again.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_gateway.delivery.lanes.lanes import Lanes
from lgsp_gateway.delivery.subscriptions.model import Subscription, SubscriptionId
from lgsp_gateway.delivery.subscriptions.pull import GivenBack, PulledEvent, PullQueues
from lgsp_gateway.delivery.subscriptions.pull_tokens import Token
from lgsp_problems import Refusal, refusal_with_code
from lgsp_runtime.background import Background
from lgsp_runtime.nats.request_reply import bus_unavailable

SUBJECT = "delivery.pull"
ROUND_SECONDS = 2.0
"""How long another gateway is asked at a time, so that a worker that leaves, and a lane that moves, are noticed."""
REPLY_SECONDS = 12.0
"""Beyond what it waits for events, how long the other gateway may take to write the evidence."""


class PullRouting:
    """Answers workers, by this gateway's queues or those of another one."""

    def __init__(self, queues: PullQueues, lanes: Lanes, connection: Client, background: Background) -> None:
        self._queues = queues
        self._lanes = lanes
        self._connection = connection
        self._background = background

    async def start(self) -> None:
        """Answer other gateways from now on."""
        answer = self._background.guard("workers of other gateways", self._on_request)
        await self._connection.subscribe(SUBJECT, cb=answer)

    async def take(
        self, subscription: Subscription, limit: int, seconds: float, is_there: Callable[[], bool]
    ) -> list[PulledEvent]:
        """Hand out events to a worker, at most `limit`, as soon as there are any.

        Args:
            seconds: how long to wait for the first.
            is_there: whether the worker is still there, and may still have them.

        Raises:
            Refusal: what `authorize` says; `evidence-unavailable` or `bus-unavailable`.
        """
        clock = self._queues.clock
        until = clock() + seconds
        while True:
            within = min(ROUND_SECONDS, max(0.0, until - clock()))
            if self._queues.is_served(subscription):
                pulled = await self._take_here(subscription, limit, within, is_there)
            else:
                pulled = await self._take_elsewhere(subscription, limit, within)
            if pulled or clock() >= until or not is_there():
                return pulled

    async def settle(self, subscription: Subscription, acknowledged: list[Token], given_back: list[GivenBack]) -> None:
        """Take what a worker says of events that it has; returns when the acknowledgements are in the evidence.

        Raises:
            Refusal: `bus-unavailable`, where no gateway has the lane now.
        """
        if self._queues.is_served(subscription):
            await self._queues.settle(subscription.id, acknowledged, given_back)
            return
        request = {
            "settle": subscription.id,
            "acknowledged": [list(token) for token in acknowledged],
            "given_back": [[list(token), seconds] for token, seconds in given_back],
        }
        if await self._ask(request, 0.0) is None:
            raise bus_unavailable()

    async def _take_here(
        self, subscription: Subscription, limit: int, seconds: float, is_there: Callable[[], bool]
    ) -> list[PulledEvent]:
        queue = self._queues.of(subscription.id)
        queue.note_worker()
        if queue.lane_paused:
            self._lanes.resume(subscription.consumer_name)
        return await self._queues.take(subscription, limit, seconds, is_there)

    async def _take_elsewhere(self, subscription: Subscription, limit: int, seconds: float) -> list[PulledEvent]:
        reply = await self._ask({"take": subscription.id, "limit": limit, "seconds": seconds}, seconds)
        if reply is None:
            await asyncio.sleep(min(seconds, 0.2))
            return []
        if "refusal" in reply:
            raise refusal_with_code(**reply["refusal"])
        return [PulledEvent(token, attempt, event.encode()) for token, attempt, event in reply["events"]]

    async def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """Ask the gateway that has the lane; None where none answers.

        Raises:
            Refusal: `bus-unavailable`.
        """
        if not self._connection.is_connected:
            raise bus_unavailable()
        inbox = self._connection.new_inbox()
        replies = await self._connection.subscribe(inbox, max_msgs=2)
        try:
            await self._connection.publish(SUBJECT, orjson.dumps(request), reply=inbox)
            announced = await replies.next_msg(timeout=1.0)  # that it has the lane, at once
            del announced
            return dict(orjson.loads((await replies.next_msg(timeout=seconds + REPLY_SECONDS)).data))
        except (NatsError, OSError, TimeoutError):
            return None
        finally:
            with contextlib.suppress(NatsError, OSError):
                await replies.unsubscribe()

    async def _on_request(self, message: Msg) -> None:
        request = orjson.loads(message.data)
        subscription = self._queues.parts.store.get(SubscriptionId(request.get("take") or request.get("settle") or ""))
        if subscription is None or subscription.state != "active" or not self._queues.is_served(subscription):
            return
        await message.respond(b"{}")
        self._background.run_once("pull for another gateway", self._answer(message, subscription, request))

    async def _answer(self, message: Msg, subscription: Subscription, request: dict[str, Any]) -> None:
        reply: dict[str, Any] = {}
        try:
            if "take" in request:
                pulled = await self._take_here(subscription, request["limit"], request["seconds"], lambda: True)
                reply["events"] = [[token, attempt, event.decode()] for token, attempt, event in pulled]
            else:
                acknowledged = [Token(*token) for token in request["acknowledged"]]
                given_back = [GivenBack(Token(*token), seconds) for token, seconds in request["given_back"]]
                await self._queues.settle(subscription.id, acknowledged, given_back)
        except Refusal as refusal:
            reply["refusal"] = {"code": refusal.code, "vi": refusal.detail.vi, "en": refusal.detail.en}
        await message.respond(orjson.dumps(reply))
