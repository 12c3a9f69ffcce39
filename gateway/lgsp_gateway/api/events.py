"""`POST /events/{service}/v{major}/{event}`: publishes events as CloudEvents 1.0, in binary, structured or batched mode."""

from collections.abc import Callable
from functools import partial
from typing import Any

import uuid_utils
from aiohttp import hdrs, web

from lgsp_contracts import cloudevents
from lgsp_contracts.cloudevents import BATCH, JSON, MAX_BATCH, STRUCTURED, ReceivedEvent
from lgsp_contracts.entry import SALT_HEADER
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_contracts.strict_json import Limits
from lgsp_gateway.api.catalogue_access import MAJOR, SERVICE
from lgsp_gateway.api.schemas import json_of, ref
from lgsp_gateway.delivery.events.publication import (
    EventPublication,
    EventTarget,
    PublicationRequest,
    PublishedEvent,
)
from lgsp_gateway.http import problems
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.request_body import read_body
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.indexed_documents import System
from lgsp_problems import Refusal
from lgsp_runtime.nats.request_reply import bus_unavailable

EVENT = text_parameter("event", "the name of an event", max_length=MAX_NAME, pattern=NAME_PATTERN, location="path")

PUBLISH = Route(
    "POST",
    "/events/{service}/v{major:[0-9]+}/{event}",
    "publishEvents",
    "Publish an event, or a batch of events, of a service that the calling system provides",
    "token",
    {
        202: ResponseSpec(
            "The events are on disk; one that comes again counts once",
            json_of("PublishedEvents"),
            ("Lgsp-Message-Id", SALT_HEADER, "traceparent"),
        )
    },
    parameters=(SERVICE, MAJOR, EVENT),
    body={
        STRUCTURED: ref("CloudEvent"),
        BATCH: {"type": "array", "items": ref("CloudEvent"), "maxItems": MAX_BATCH},
        JSON: {"description": "The data of an event, whose attributes are in headers `ce-…`"},
    },
    problems=(
        "unknown-service",
        "not-granted",
        "event-conflict",
        "unsupported-media-type",
        "contract-violation",
        "secret-document",
        "quota-exceeded",
        "service-suspended",
        "bus-unavailable",
        "evidence-unavailable",
    ),
    tag="events",
)


class EventRoutes:
    """The route for publishers.

    Args:
        is_stale: returns whether the gateway's copy of the registry is too old to decide by.
    """

    def __init__(
        self, callers: CallerAuthenticator, publication: EventPublication, is_stale: Callable[[], bool]
    ) -> None:
        self._callers = callers
        self._publication = publication
        self._is_stale = is_stale

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, PUBLISH, self._publish)

    async def _publish(self, request: web.Request) -> web.Response:
        publisher = await self._publisher(request)
        message, salt = str(uuid_utils.uuid7()), self._publication.salts.take()
        parent = cloudevents.readable_traceparent(request.headers.get("traceparent", ""))
        trace = self._publication.traceparent(message, parent)
        target = EventTarget(SERVICE.read_from(request), MAJOR.read_from(request), EVENT.read_from(request))
        asked = PublicationRequest(message, salt, publisher, target, "http", trace, partial(_read, request))
        headers = {SALT_HEADER: salt.hex(), "traceparent": trace}
        try:
            published = await self._publication.publish(asked)
        except Refusal as refusal:
            response = problems.problem_response(problems.refusal_of(refusal, message), request, message)
            response.headers.update(headers)
            return response
        if len(published) == 1:
            headers["Lgsp-Message-Id"] = published[0].message
        else:
            del headers[SALT_HEADER]
        return json_response({"items": list(map(_item, published))}, status=202, headers=headers)

    async def _publisher(self, request: web.Request) -> System:
        """Return the system that publishes.

        Raises:
            Refusal: `not-granted` for a person; `bus-unavailable` while the registry is too old.
        """
        caller = await self._callers.identify(request)
        if self._is_stale():
            raise bus_unavailable()
        publisher = self._publication.registry.systems.get(caller.own_system)
        if publisher is None:
            raise Refusal(
                "not-granted",
                vi="Chỉ hệ thống cung cấp dịch vụ mới công bố sự kiện; hãy dùng mã truy cập của hệ thống đó.",
                en="A system alone publishes events, that which provides the service; use an access token of it.",
            )
        return publisher


async def _read(request: web.Request, limits: Limits) -> list[ReceivedEvent]:
    """Read the events of a request."""
    content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
    cloudevents.check_media_type(content_type)
    return cloudevents.read_events(content_type, request.headers.items(), await read_body(request), limits)


def _item(published: PublishedEvent) -> dict[str, Any]:
    return {
        "id": published.id,
        "message": published.message,
        "salt": published.salt.hex(),
        "repeated": published.repeated,
    }
