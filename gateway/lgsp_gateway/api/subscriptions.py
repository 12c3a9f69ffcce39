"""`/subscriptions`: which events a system receives, and how. Their system and the people of its agency see and steer them; operators see them
without their filters, and may stop them; to others they do not exist."""

from typing import Any

from aiohttp import web

from lgsp_auth.principal import Principal
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_gateway.api.registry_declarations import IF_MATCH, REASON
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.subscription_access import SUBSCRIPTION, SubscriptionAccess
from lgsp_gateway.api.token_binding import refuse_unbound_for_events, refuse_weak_for_events
from lgsp_gateway.delivery.decisions import receiver, require_owner
from lgsp_gateway.delivery.subscriptions.build import Subscriptions
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.http import decoded_bodies
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response, list_response
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import cursor_parameter, integer_parameter, text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_problems import Refusal

MAX_PAGE = 200
_TAG = "subscriptions"
_ONE = "/subscriptions/{subscription}"

AFTER = cursor_parameter("after", max_length=100)
LIMIT = integer_parameter("limit", "the largest number of subscriptions in the page", 1, MAX_PAGE, 50)
SYSTEM = text_parameter("system", "only subscriptions of this system", max_length=MAX_NAME, pattern=NAME_PATTERN)

_RESULT = {200: ResponseSpec("The subscription", json_of("Subscription"), ("ETag",))}
_CHECKED = (
    *("contract-violation", "not-granted", "purpose-not-granted", "grant-suspended", "person-required"),
    *("unknown-service", "service-suspended", "token-not-bound", "sign-in-too-old"),
)

LIST = Route(
    "GET",
    "/subscriptions",
    "listSubscriptions",
    "List the subscriptions of the calling system, oldest first; for people those of their agency's systems, for operators all",
    "token",
    {200: ResponseSpec("A page of subscriptions", json_of("SubscriptionList"))},
    parameters=(SYSTEM, LIMIT, AFTER),
    tag=_TAG,
)
CREATE = Route(
    "POST",
    "/subscriptions",
    "createSubscription",
    "Subscribe a system to events of a service",
    "token",
    {201: ResponseSpec("The subscription", json_of("Subscription"), ("ETag", "Location"))},
    body=json_of("SubscriptionCreation"),
    problems=(*_CHECKED, "not-found", "step-not-allowed", "invalid-document"),
    tag=_TAG,
)
READ = Route(
    "GET",
    _ONE,
    "readSubscription",
    "Read a subscription, why it stands still where it does, and how many events wait",
    "token",
    _RESULT,
    parameters=(SUBSCRIPTION,),
    problems=("not-found",),
    tag=_TAG,
)
CHANGE = Route(
    "PATCH",
    _ONE,
    "changeSubscription",
    "Change the name, the filter or the delivery of a subscription",
    "token",
    _RESULT,
    parameters=(SUBSCRIPTION, IF_MATCH),
    body=json_of("SubscriptionChange"),
    problems=(*_CHECKED, "not-found", "revision-conflict", "invalid-document"),
    tag=_TAG,
)
DELETE = Route(
    "DELETE",
    _ONE,
    "deleteSubscription",
    "Delete a subscription; events that wait for it are not delivered",
    "token",
    {204: ResponseSpec("The subscription is deleted")},
    parameters=(SUBSCRIPTION, IF_MATCH, REASON),
    problems=("not-found", "malformed", "step-not-allowed", "revision-conflict", "token-not-bound"),
    tag=_TAG,
)
PAUSE = Route(
    "POST",
    f"{_ONE}/pause",
    "pauseSubscription",
    "Deliver nothing until the subscription is resumed; events wait for as long as the contract says",
    "token",
    _RESULT,
    parameters=(SUBSCRIPTION, IF_MATCH),
    body=json_of("SubscriptionPause"),
    body_required=False,
    problems=("not-found", "revision-conflict", "step-not-allowed", "token-not-bound", "invalid-document"),
    tag=_TAG,
)
RESUME = Route(
    "POST",
    f"{_ONE}/resume",
    "resumeSubscription",
    "Go on where the subscription was paused, or was ended by its endpoint",
    "token",
    _RESULT,
    parameters=(SUBSCRIPTION, IF_MATCH),
    body=json_of("SubscriptionPause"),
    body_required=False,
    problems=("not-found", "revision-conflict", "step-not-allowed", "token-not-bound", "invalid-document"),
    tag=_TAG,
)
TEST = Route(
    "POST",
    f"{_ONE}/test",
    "testSubscription",
    "Send the example of the contract as a test event (`lgsptest`), through the grant and the filter, and say what became of it",
    "token",
    {200: ResponseSpec("What became of it", json_of("SubscriptionTested"))},
    parameters=(SUBSCRIPTION,),
    body=json_of("SubscriptionTest"),
    body_required=False,
    problems=(*_CHECKED, "not-found", "step-not-allowed", "quota-exceeded", "evidence-unavailable"),
    tag=_TAG,
)
REPLAY = Route(
    "POST",
    f"{_ONE}/replay",
    "replaySubscription",
    "Deliver again from a time or a position on; with `to`, `events` or `filter`, deliver single events again behind those that wait",
    "token",
    _RESULT,
    parameters=(SUBSCRIPTION, IF_MATCH),
    body=json_of("SubscriptionReplay"),
    problems=(*_CHECKED, "not-found", "revision-conflict", "step-not-allowed", "invalid-document"),
    tag=_TAG,
)

FROM = text_parameter(
    "from", "an ISO 8601 time within the retention of the events, the position of an event, or `now`", max_length=40
)
TO = text_parameter(
    "to", "only events before this time, or up to this position; `now` where it is not sent", max_length=40
)
PREVIEW = Route(
    "GET",
    f"{_ONE}/replay",
    "previewReplay",
    "Count the events that a replay would deliver again, before the filter; nothing is delivered",
    "token",
    {200: ResponseSpec("How many", json_of("ReplayPreview"))},
    parameters=(SUBSCRIPTION, FROM, TO),
    problems=("not-found", "not-granted", "malformed"),
    tag=_TAG,
)
HISTORY = Route(
    *("GET", f"{_ONE}/history", "readSubscriptionHistory"),
    "Read who changed a subscription, when and what, the oldest first; also of one that was deleted in the last 30 days",
    access="token",
    responses={200: ResponseSpec("Its changes", json_of("ChangeHistory"))},
    parameters=(SUBSCRIPTION,),
    problems=("not-found",),
    tag=_TAG,
)


class SubscriptionRoutes:
    """The routes of subscriptions."""

    def __init__(self, callers: CallerAuthenticator, subscriptions: Subscriptions) -> None:
        self._access = SubscriptionAccess(callers, subscriptions.store, subscriptions.parts.registry)
        self._subscriptions = subscriptions
        self._administration = subscriptions.administration

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LIST, self._list)
        add_route(app, CREATE, self._create)
        add_route(app, READ, self._read)
        add_route(app, CHANGE, self._change)
        add_route(app, DELETE, self._delete)
        add_route(app, PAUSE, self._pause)
        add_route(app, RESUME, self._resume)
        add_route(app, REPLAY, self._replay)
        add_route(app, PREVIEW, self._preview)
        add_route(app, TEST, self._test)
        add_route(app, HISTORY, self._history)

    async def _list(self, request: web.Request) -> web.Response:
        after, limit = AFTER.read_from(request), LIMIT.read_from(request)
        caller, visible = await self._access.visible(request, SYSTEM.read_from(request))
        following = [one for one in visible if one.id > after]
        page = following[:limit]
        last = page[-1].id if len(following) > limit else ""
        return await list_response((self._document(caller, one) for one in page), last)

    async def _create(self, request: web.Request) -> web.Response:
        caller = await self._access.identify(request)
        refuse_weak_for_events(request, caller.own_system, self._subscriptions.parts.registry)
        body = await decoded_bodies.read_json_object(request)
        created = await self._administration.create(caller, body)
        response = self._response(caller, created, status=201)
        response.headers["Location"] = f"/subscriptions/{created.id}"
        return response

    async def _read(self, request: web.Request) -> web.Response:
        caller, subscription = await self._access.find(request)
        backlog = await self._subscriptions.statuses.backlog(self._subscriptions.connection, subscription)
        return self._response(caller, subscription, {"backlog": backlog} if backlog else {})

    async def _history(self, request: web.Request) -> web.Response:
        history = await self._access.history(request)
        return await list_response((change.document() for change in history), "")

    async def _change(self, request: web.Request) -> web.Response:
        caller, subscription = await self._access.find(request)
        refuse_weak_for_events(request, subscription.consumer, self._subscriptions.parts.registry)
        body = await decoded_bodies.read_json_object(request)
        expected = IF_MATCH.read_from(request)
        return self._response(caller, await self._administration.change(caller, subscription, body, expected))

    async def _delete(self, request: web.Request) -> web.Response:
        caller, subscription = await self._changing(request)
        reason, expected = REASON.read_from(request), IF_MATCH.read_from(request)
        await self._administration.delete(caller, subscription, reason, expected)
        return web.Response(status=204)

    async def _pause(self, request: web.Request) -> web.Response:
        caller, subscription = await self._changing(request)
        reason, expected = await _read_reason(request), IF_MATCH.read_from(request)
        return self._response(caller, await self._administration.pause(caller, subscription, reason, expected))

    async def _resume(self, request: web.Request) -> web.Response:
        caller, subscription = await self._changing(request)
        reason, expected = await _read_reason(request), IF_MATCH.read_from(request)
        return self._response(caller, await self._administration.resume(caller, subscription, reason, expected))

    async def _replay(self, request: web.Request) -> web.Response:
        caller, subscription = await self._changing(request)
        body, expected = await _read_members(request, "from", "to", "events", "filter"), IF_MATCH.read_from(request)
        if set(body) <= {"from"}:
            replayed = await self._administration.replay(caller, subscription, body.get("from"), expected)
            return self._response(caller, replayed)
        refuse_weak_for_events(request, subscription.consumer, self._subscriptions.parts.registry)
        batch = await self._administration.replay_some(caller, subscription, body)
        shown = {"events": batch.replayed, "read": batch.read, "to": batch.end}
        if batch.next:
            shown["next"] = batch.next
        return self._response(caller, subscription, {"replayed": shown})

    async def _preview(self, request: web.Request) -> web.Response:
        caller, subscription = await self._access.find(request)
        start, end = (_position(one.read_from(request)) for one in (FROM, TO))
        preview = await self._administration.preview_replay(caller, subscription, start, end)
        return json_response({"events": preview.events, "from": preview.start, "to": preview.end})

    async def _test(self, request: web.Request) -> web.Response:
        caller, subscription = await self._changing(request)
        require_owner(caller, receiver(self._subscriptions.parts.registry, subscription.consumer))
        name = (await _read_members(request, "event")).get("event", "")
        if not isinstance(name, str):
            raise _malformed("event")
        result = await self._subscriptions.probe.send(subscription, name)
        shown: dict[str, Any] = {
            "message": result.message,
            "event": result.event,
            "filter": result.filter,
            "outcome": result.outcome,
        }
        if result.status:
            shown |= {"status": result.status, "ms": result.ms}
        if result.detail:
            shown["detail"] = result.detail.text.in_language(accepted_language(request))
        return json_response(shown)

    async def _changing(self, request: web.Request) -> tuple[Principal, Subscription]:
        """Return the caller and the subscription that it is to change; see `SubscriptionAccess.find`.

        Raises:
            Refusal: `not-found` or `token-not-bound`.
        """
        caller, subscription = await self._access.find(request)
        refuse_unbound_for_events(request, subscription.consumer, self._subscriptions.parts.registry)
        return caller, subscription

    def _document(self, caller: Principal, subscription: Subscription) -> dict[str, Any]:
        """Return a subscription as its caller may see it: a filter may hold values of people's data, so it is its owner's alone."""
        document = self._subscriptions.statuses.document(subscription)
        if not self._access.is_owner(caller, subscription) and document.pop("filter", ""):
            document["filtered"] = True
        return document

    def _response(
        self, caller: Principal, subscription: Subscription, more: dict[str, Any] | None = None, status: int = 200
    ) -> web.Response:
        document = {**self._document(caller, subscription), **(more or {})}
        return json_response(document, status=status, headers={"ETag": f'"{subscription.revision}"'})


def _position(text: str) -> int | str:
    """Return a position as the body of a replay has it: a number where the text is one, now where there is none."""
    return int(text) if text.isdecimal() else text or "now"


async def _read_members(request: web.Request, *names: str) -> dict[str, Any]:
    body = await decoded_bodies.read_optional_json_object(request)
    if set(body) - set(names):
        raise _malformed(", ".join(names))
    return body


async def _read_reason(request: web.Request) -> str:
    reason = (await _read_members(request, "reason")).get("reason", "")
    if not isinstance(reason, str):
        raise _malformed("reason")
    return reason


def _malformed(names: str) -> Refusal:
    return Refusal(
        "malformed",
        vi=f"Nội dung chỉ được gồm: {names}; hãy sửa lại theo mô tả API.",
        en=f"The body may have these members alone: {names}; correct it as the API's description says.",
    )
