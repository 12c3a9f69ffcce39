"""`/subscriptions/{id}/events`: the events themselves, for the subscriber alone: pulled and acknowledged, or as server-sent events.

Server-sent events carry the position of each event as their id, so a client that reconnects with `Last-Event-ID`, to whichever gateway,
gets what comes after it. A stream ends when its token, its grant or its subscription does.
"""

import asyncio
import contextlib
import time
from contextlib import aclosing
from typing import Any

import orjson
from aiohttp import hdrs, web

from lgsp_contracts.schemas import Schema
from lgsp_gateway.api.schemas import TEXT, json_of
from lgsp_gateway.api.subscription_access import SUBSCRIPTION, SubscriptionAccess
from lgsp_gateway.api.subscription_schemas import ACKNOWLEDGEMENTS
from lgsp_gateway.api.token_binding import refuse_unbound, refuse_unbound_for_events
from lgsp_gateway.delivery.subscriptions.authorization import DECIDING_KINDS, authorize_all, refusal_of_any
from lgsp_gateway.delivery.subscriptions.build import Subscriptions
from lgsp_gateway.delivery.subscriptions.follow import SubscriptionChanged, follow
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.delivery.subscriptions.pull import GivenBack, PulledEvent
from lgsp_gateway.delivery.subscriptions.pull_tokens import PullTokens, Token
from lgsp_gateway.delivery.subscriptions.reader import refuse_position_to_come
from lgsp_gateway.delivery.subscriptions.subscription_lanes import PULL_WINDOW
from lgsp_gateway.http import decoded_bodies, streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import encoded_json_response, json_response
from lgsp_gateway.http.parameter_types import integer_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.http.streaming import StreamedResponse
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal
from lgsp_runtime.async_tasks import Stopped, run_until

MAX_WAIT_SECONDS = 30
MAX_POSITION = 2**53 - 1
"""The largest number that every JSON parser reads exactly."""
KEEPALIVE = b": still here\n\n"
_ONE = "/subscriptions/{subscription}"
_TAG = "subscriptions"

LIMIT = integer_parameter("limit", "the largest number of events", 1, PULL_WINDOW, 10)
WAIT = integer_parameter("wait", "seconds to wait for the first event", 0, MAX_WAIT_SECONDS, 0)
LAST_EVENT = integer_parameter(
    "Last-Event-ID", "the id of the last event that was received", 0, MAX_POSITION, None, location="header"
)
AFTER_POSITION = integer_parameter(
    "position", "the same for clients that cannot send the header: only events after it", 0, MAX_POSITION, None
)

EVENTS = Route(
    "GET",
    f"{_ONE}/events",
    "receiveEvents",
    "Fetch events of a pull subscription, or (Accept: text/event-stream) follow those of one for server-sent events",
    "token",
    {
        200: ResponseSpec(
            "Events with the tokens that acknowledge them; or an event for each, whose `id` is its position",
            {**json_of("PulledEvents"), streaming.EVENT_STREAM: TEXT},
        )
    },
    parameters=(SUBSCRIPTION, LIMIT, WAIT, LAST_EVENT, AFTER_POSITION),
    problems=(
        *("not-found", "not-granted", "purpose-not-granted", "grant-suspended", "person-required", "unknown-service"),
        *("service-suspended", "token-not-bound", "step-not-allowed", "too-many-streams", "evidence-unavailable"),
    ),
    tag=_TAG,
)
ACKNOWLEDGE = Route(
    "POST",
    f"{_ONE}/acknowledgements",
    "acknowledgeEvents",
    "Acknowledge events that were fetched, or give them back",
    "token",
    {200: ResponseSpec("What was taken", json_of("AcknowledgementResult"))},
    parameters=(SUBSCRIPTION,),
    body=json_of("Acknowledgements"),
    problems=("not-found", "step-not-allowed", "token-not-bound", "contract-violation", "invalid-document"),
    tag=_TAG,
)

_ACKNOWLEDGEMENTS = Schema(ACKNOWLEDGEMENTS, "acknowledgements")


class SubscriptionEventRoutes:
    """The routes by which subscribers receive.

    Args:
        stopping: set when the gateway stops; it ends streams and waits.
    """

    def __init__(self, callers: CallerAuthenticator, subscriptions: Subscriptions, stopping: asyncio.Event) -> None:
        self._callers = callers
        self._access = SubscriptionAccess(callers, subscriptions.store, subscriptions.parts.registry)
        self._subscriptions = subscriptions
        self._tokens = PullTokens(subscriptions.cipher)
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, EVENTS, self._receive)
        add_route(app, ACKNOWLEDGE, self._acknowledge)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        subscription = await self._access.find_own(request)
        self._check_caller(request, subscription)
        if streaming.EVENT_STREAM in request.headers.get(hdrs.ACCEPT, ""):
            _require_kind(subscription, "sse")
            return await self._stream(request, subscription)
        _require_kind(subscription, "pull")
        return await self._pull(request, subscription)

    def _check_caller(self, request: web.Request, subscription: Subscription) -> None:
        """Check that the subscription may receive now, and that its reader's token is bound where a grant asks for that.

        Raises:
            Refusal: as `authorize_all`; `token-not-bound`.
        """
        refuse_unbound(request, authorize_all(subscription, self._subscriptions.parts.registry, time.time()))

    async def _pull(self, request: web.Request, subscription: Subscription) -> web.Response:
        limit, wait = LIMIT.read_from(request), WAIT.read_from(request)

        def is_there() -> bool:
            connected = request.transport is not None and not request.transport.is_closing()
            return connected and self._callers.is_still_valid(request)

        pulled: list[PulledEvent] = []
        with contextlib.suppress(Stopped):
            taking = self._subscriptions.pulls.take(subscription, limit, wait, is_there)
            pulled = await run_until(self._stopping.wait(), taking)
        items = [{"token": one.token, "attempt": one.attempt, "event": orjson.Fragment(one.event)} for one in pulled]
        return encoded_json_response(orjson.dumps({"items": items}))

    async def _acknowledge(self, request: web.Request) -> web.Response:
        subscription = await self._access.find_own(request)
        refuse_unbound_for_events(request, subscription.consumer, self._subscriptions.parts.registry)
        _require_kind(subscription, "pull")
        body = await decoded_bodies.read_json_object(request)
        if violations := _ACKNOWLEDGEMENTS.violations(body):
            raise Refusal(
                "contract-violation",
                vi="Nội dung xác nhận chưa đúng; hãy sửa theo danh sách lỗi.",
                en="The acknowledgements are not valid; correct them according to the list of errors.",
                violations=violations,
            )
        acknowledged, unknown = self._read_tokens(subscription, body.get("acknowledge", ()))
        given_back = []
        for item in body.get("giveBack", ()):
            tokens, strange = self._read_tokens(subscription, [item["token"]])
            given_back += [GivenBack(token, item.get("after", 0)) for token in tokens]
            unknown += strange
        await self._subscriptions.pulls.settle(subscription, acknowledged, given_back)
        result: dict[str, Any] = {"acknowledged": len(acknowledged), "givenBack": len(given_back), "unknown": unknown}
        return json_response(result)

    def _read_tokens(self, subscription: Subscription, sent: Any) -> tuple[list[Token], list[str]]:
        """Return the tokens of a subscription, and what is none of them."""
        tokens, unknown = [], []
        for text in sent:
            token = self._tokens.decode(text)
            if token is None or token.subscription != subscription.id:
                unknown.append(text)
            else:
                tokens.append(token)
        return tokens, unknown

    async def _stream(self, request: web.Request, subscription: Subscription) -> web.StreamResponse:
        received, position = LAST_EVENT.read_from(request), AFTER_POSITION.read_from(request)
        asked = position if received is None else received
        after = subscription.start - 1 if asked is None else max(asked, subscription.start - 1)
        if asked is not None:
            await refuse_position_to_come(self._subscriptions.connection, asked)
        lost = _AccessWatch(self._subscriptions.parts.registry, subscription)
        async with streaming.open_stream(request, streaming.EVENT_STREAM, subscription.consumer) as answer:
            if answer.head_only:
                return answer.response
            with lost, contextlib.suppress(Stopped, SubscriptionChanged, Refusal):
                await run_until(self._ended(lost), self._send(answer, subscription, after))
        return answer.response

    async def _ended(self, lost: "_AccessWatch") -> None:
        """Return when the gateway stops or the subscription may not receive any more."""
        waits = [asyncio.ensure_future(one.wait()) for one in (self._stopping, lost.changed)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _send(self, answer: StreamedResponse, subscription: Subscription, after: int) -> None:
        events = follow(
            self._subscriptions.parts,
            self._subscriptions.connection,
            self._subscriptions.cipher,
            subscription.id,
            after,
        )
        await answer.write(KEEPALIVE)
        async with aclosing(events):
            async for event in events:
                if event is None:
                    await answer.write(KEEPALIVE)
                else:
                    await answer.write(b"id: %d\ndata: %b\n\n" % (event.position, event.structured))


class _AccessWatch:
    """Sets `changed` when a change of the registry takes a subscription's access."""

    def __init__(self, registry: RegistrySnapshot, subscription: Subscription) -> None:
        self._registry = registry
        self._subscription = subscription
        self.changed = asyncio.Event()

    def __enter__(self) -> "_AccessWatch":
        self._registry.on_change(self._on_registry_change)
        return self

    def __exit__(self, *_: object) -> None:
        self._registry.remove_listener(self._on_registry_change)

    def _on_registry_change(self, kind: str, _: str) -> None:
        if kind in DECIDING_KINDS and refusal_of_any(self._subscription, self._registry, time.time()):
            self.changed.set()


def _require_kind(subscription: Subscription, kind: str) -> None:
    if subscription.state != "active":
        raise Refusal(
            "step-not-allowed",
            vi="Đăng ký nhận này đang tạm dừng hoặc đã kết thúc; hãy tiếp tục (resume) trước.",
            en="This subscription is paused or has ended; resume it first.",
        )
    if subscription.delivery.kind != kind:
        raise Refusal(
            "step-not-allowed",
            vi=f"Đăng ký này nhận bằng {subscription.delivery.kind}, không phải {kind}; hãy nhận theo cách đó hoặc tạo đăng ký khác.",
            en=f"This subscription receives by {subscription.delivery.kind}, not by {kind}; receive that way, or make another one.",
        )
