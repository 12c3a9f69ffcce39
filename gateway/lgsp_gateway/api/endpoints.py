"""`/endpoints`: the webhook endpoints of a system, their secrets, and what became of the last requests to them.

An endpoint is changed by its own system, and by the people of its agency; operators see it, and may stop or delete it; to others it does not exist. A secret is in the
response of the request that made it, and in no other.
"""

from typing import Any

from aiohttp import web

from lgsp_auth.principal import Principal
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.registry_declarations import IF_MATCH, REASON
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.token_binding import refuse_unbound_for_events, refuse_weak_for_events
from lgsp_gateway.delivery.delivery_reports import DeliveryReports
from lgsp_gateway.delivery.probe_limiter import ProbeLimiter
from lgsp_gateway.delivery.webhooks.administration import DEFAULT_OVERLAP_HOURS, EndpointChange
from lgsp_gateway.delivery.webhooks.attempts import describe
from lgsp_gateway.delivery.webhooks.build import Webhooks
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint, Secret
from lgsp_gateway.delivery.webhooks.probe_event import new_test_event
from lgsp_gateway.delivery.webhooks.send_result import Failed, Refused
from lgsp_gateway.http import decoded_bodies
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response, list_response
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import cursor_parameter, integer_parameter, text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

MAX_PAGE = 1000
MAX_ID = 63
_TAG = "endpoints"

AFTER = cursor_parameter("after", max_length=200, pattern=r"[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}")
LIMIT = integer_parameter("limit", "the largest number of endpoints in the page", 1, MAX_PAGE, 100)
SYSTEM = text_parameter("system", "only endpoints of this system", max_length=MAX_NAME, pattern=NAME_PATTERN)
ENDPOINT = text_parameter(
    "endpoint",
    "the id of the endpoint; the system that it belongs to may use its name",
    max_length=MAX_ID,
    pattern="^[a-z0-9-]+$",
    location="path",
)
SECRET = text_parameter("secret", "the id of the secret", max_length=MAX_ID, pattern="^[a-z0-9-]+$", location="path")

_ONE = "/endpoints/{endpoint}"
_CHANGED = {200: ResponseSpec("The endpoint", json_of("Endpoint"), ("ETag",))}
_WITH_SECRET = ResponseSpec("The endpoint, with its new secret", json_of("EndpointWithSecret"), ("ETag",))
_CONFLICTS = ("not-found", "malformed", "revision-conflict")

LIST = Route(
    *(
        "GET",
        "/endpoints",
        "listEndpoints",
        "List the webhook endpoints of the calling system; for people those of their agency's systems, for operators all",
    ),
    access="token",
    responses={200: ResponseSpec("A page of endpoints", json_of("EndpointList"))},
    parameters=(SYSTEM, LIMIT, AFTER),
    tag=_TAG,
)
CREATE = Route(
    *("POST", "/endpoints", "createEndpoint", "Create a webhook endpoint; its secret is shown this once"),
    access="token",
    responses={201: _WITH_SECRET},
    body=json_of("NewEndpoint"),
    problems=(
        "malformed",
        "not-granted",
        "url-not-allowed",
        "already-exists",
        "step-not-allowed",
        "token-not-bound",
        "sign-in-too-old",
    ),
    tag=_TAG,
)
READ = Route(
    *("GET", _ONE, "readEndpoint", "Read a webhook endpoint"),
    access="token",
    responses=_CHANGED,
    parameters=(ENDPOINT,),
    problems=("not-found",),
    tag=_TAG,
)
CHANGE = Route(
    *("PATCH", _ONE, "changeEndpoint", "Change the URL or the limits of a webhook endpoint"),
    access="token",
    responses=_CHANGED,
    parameters=(ENDPOINT, IF_MATCH),
    body=json_of("EndpointChange"),
    problems=(*_CONFLICTS, "not-granted", "url-not-allowed", "step-not-allowed", "token-not-bound", "sign-in-too-old"),
    tag=_TAG,
)
DELETE = Route(
    *("DELETE", _ONE, "deleteEndpoint", "Delete a webhook endpoint"),
    access="token",
    responses={204: ResponseSpec("It is deleted")},
    parameters=(ENDPOINT, IF_MATCH, REASON),
    problems=("not-found", "malformed", "in-use", "step-not-allowed", "revision-conflict", "token-not-bound"),
    tag=_TAG,
)
ROTATE = Route(
    *(
        "POST",
        f"{_ONE}/secrets",
        "rotateEndpointSecret",
        "Make a new secret; the former ones sign beside it for a while",
    ),
    access="token",
    responses={201: _WITH_SECRET},
    parameters=(ENDPOINT,),
    body=json_of("SecretRotation"),
    body_required=False,
    problems=(*_CONFLICTS, "not-granted", "step-not-allowed", "token-not-bound", "sign-in-too-old"),
    tag=_TAG,
)
REMOVE_SECRET = Route(
    *("DELETE", f"{_ONE}/secrets/{{secret}}", "removeEndpointSecret", "End a former secret at once"),
    access="token",
    responses=_CHANGED,
    parameters=(ENDPOINT, SECRET),
    problems=(*_CONFLICTS, "not-granted", "token-not-bound"),
    tag=_TAG,
)
TEST = Route(
    *(
        "POST",
        f"{_ONE}/test",
        "testEndpoint",
        "Send a test event, also to a paused endpoint, and say what became of it",
    ),
    access="token",
    responses={200: ResponseSpec("What became of the request", json_of("EndpointTest"))},
    parameters=(ENDPOINT,),
    problems=("not-found", "quota-exceeded", "token-not-bound"),
    tag=_TAG,
)
PAUSE = Route(
    *("POST", f"{_ONE}/pause", "pauseEndpoint", "Stop sending to an endpoint; what is due waits"),
    access="token",
    responses=_CHANGED,
    parameters=(ENDPOINT,),
    body=json_of("EndpointPause"),
    body_required=False,
    problems=(*_CONFLICTS, "step-not-allowed", "token-not-bound"),
    tag=_TAG,
)
RESUME = Route(
    *("POST", f"{_ONE}/resume", "resumeEndpoint", "Send to a paused endpoint again"),
    access="token",
    responses=_CHANGED,
    parameters=(ENDPOINT,),
    body=json_of("EndpointPause"),
    body_required=False,
    problems=(*_CONFLICTS, "step-not-allowed", "token-not-bound"),
    tag=_TAG,
)
ATTEMPTS = Route(
    *("GET", f"{_ONE}/attempts", "listEndpointAttempts", "List the last requests to an endpoint, the newest first"),
    access="token",
    responses={200: ResponseSpec("The last attempts", json_of("EndpointAttempts"))},
    parameters=(ENDPOINT,),
    problems=("not-found",),
    tag=_TAG,
)

HISTORY = Route(
    *("GET", f"{_ONE}/history", "readEndpointHistory"),
    "Read who changed an endpoint, when and what, the oldest first; also of one that was deleted in the last 30 days, by its id",
    access="token",
    responses={200: ResponseSpec("Its changes", json_of("ChangeHistory"))},
    parameters=(ENDPOINT,),
    problems=("not-found",),
    tag=_TAG,
)


class EndpointRoutes:
    """The routes of webhook endpoints."""

    def __init__(
        self, callers: CallerAuthenticator, webhooks: Webhooks, reports: DeliveryReports, registry: RegistrySnapshot
    ) -> None:
        self._callers = callers
        self._webhooks = webhooks
        self._reports = reports
        self._registry = registry
        self._administration = webhooks.administration
        self._tests = ProbeLimiter()

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LIST, self._list)
        add_route(app, CREATE, self._create)
        add_route(app, READ, self._read)
        add_route(app, CHANGE, self._change)
        add_route(app, DELETE, self._delete)
        add_route(app, ROTATE, self._rotate)
        add_route(app, REMOVE_SECRET, self._remove_secret)
        add_route(app, TEST, self._test)
        add_route(app, PAUSE, self._pause)
        add_route(app, RESUME, self._resume)
        add_route(app, ATTEMPTS, self._attempts)
        add_route(app, HISTORY, self._history)

    async def _list(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        after, limit = AFTER.read_from(request), LIMIT.read_from(request)
        visible = self._administration.visible_to(caller, SYSTEM.read_from(request))
        following = (
            [one for one in visible if (one.system, one.name) > tuple(after.split(".", 1))] if after else visible
        )
        page = following[:limit]
        last = f"{page[-1].system}.{page[-1].name}" if len(following) > limit else ""
        return await list_response(map(self._document, page), last)

    async def _create(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        refuse_weak_for_events(request, caller.own_system, self._registry)
        body = await decoded_bodies.read_json_object(request)
        members = _Members(body, {"system", "name", "url", "concurrency", "rate"})
        system, name = members.text("system", ""), members.text("name")
        endpoint = await self._administration.create(caller, system, name, members.change())
        headers = {"Location": f"/endpoints/{endpoint.id}", "ETag": _etag(endpoint)}
        return json_response(self._with_secret(endpoint), status=201, headers=headers)

    async def _read(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        return self._response(self._administration.find(caller, ENDPOINT.read_from(request)))

    async def _change(self, request: web.Request) -> web.Response:
        caller, endpoint = await self._callers.identify(request), ENDPOINT.read_from(request)
        refuse_weak_for_events(request, self._administration.find(caller, endpoint).system, self._registry)
        members = _Members(await decoded_bodies.read_json_object(request), {"url", "concurrency", "rate"})
        revision = IF_MATCH.read_from(request)
        return self._response(await self._administration.change(caller, endpoint, members.change(), revision))

    async def _delete(self, request: web.Request) -> web.Response:
        caller, endpoint = await self._callers.identify(request), ENDPOINT.read_from(request)
        self._refuse_unbound(request, caller, endpoint)
        reason, revision = REASON.read_from(request), IF_MATCH.read_from(request)
        await self._administration.delete(caller, endpoint, reason, revision)
        return web.Response(status=204)

    async def _rotate(self, request: web.Request) -> web.Response:
        caller, endpoint = await self._callers.identify(request), ENDPOINT.read_from(request)
        refuse_weak_for_events(request, self._administration.find(caller, endpoint).system, self._registry)
        hours = (await _optional_body(request, {"overlapHours"})).number("overlapHours", DEFAULT_OVERLAP_HOURS)
        assert hours is not None
        rotated = await self._administration.rotate_secret(caller, endpoint, hours)
        return json_response(self._with_secret(rotated), status=201, headers={"ETag": _etag(rotated)})

    async def _remove_secret(self, request: web.Request) -> web.Response:
        caller, endpoint = await self._callers.identify(request), ENDPOINT.read_from(request)
        self._refuse_unbound(request, caller, endpoint)
        return self._response(await self._administration.remove_secret(caller, endpoint, SECRET.read_from(request)))

    async def _test(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        endpoint = self._administration.find(caller, ENDPOINT.read_from(request))
        self._refuse_unbound(request, caller, endpoint.id)
        self._tests.take(endpoint.id)
        event, content = new_test_event(endpoint)
        result = await self._webhooks.sender.send_test(endpoint, event, content)
        shown = {"message": event.id, **describe(result)}
        if isinstance(result, (Failed, Refused)):
            shown["detail"] = result.detail.in_language(accepted_language(request))
        return json_response(shown)

    async def _pause(self, request: web.Request) -> web.Response:
        caller, endpoint = await self._callers.identify(request), ENDPOINT.read_from(request)
        self._refuse_unbound(request, caller, endpoint)
        return self._response(await self._administration.pause(caller, endpoint, await _read_reason(request)))

    async def _resume(self, request: web.Request) -> web.Response:
        caller, endpoint = await self._callers.identify(request), ENDPOINT.read_from(request)
        self._refuse_unbound(request, caller, endpoint)
        return self._response(await self._administration.resume(caller, endpoint, await _read_reason(request)))

    async def _attempts(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        endpoint = self._administration.find(caller, ENDPOINT.read_from(request))
        attempts = await self._webhooks.attempts.of(endpoint.id)
        return json_response({"items": [{**one, "at": iso_time(one["at"])} for one in attempts]})

    async def _history(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        history = self._administration.history(caller, ENDPOINT.read_from(request))
        return await list_response((change.document() for change in history), "")

    def _refuse_unbound(self, request: web.Request, caller: Principal, endpoint: str) -> None:
        system = self._administration.find(caller, endpoint).system
        refuse_unbound_for_events(request, system, self._registry)

    def _response(self, endpoint: Endpoint) -> web.Response:
        return json_response(self._document(endpoint), headers={"ETag": _etag(endpoint)})

    def _document(self, endpoint: Endpoint) -> dict[str, Any]:
        decision = {"decision": endpoint.decision.document()} if endpoint.decision else {}
        return {
            "id": endpoint.id,
            "name": endpoint.name,
            "system": endpoint.system,
            "url": endpoint.url,
            "concurrency": endpoint.concurrency,
            "rate": endpoint.rate,
            "state": endpoint.state,
            **decision,
            "failing": self._reports.is_failing(endpoint.id),
            "createdAt": iso_time(endpoint.created_at),
            "secrets": [_secret(one) for one in endpoint.secrets],
        }

    def _with_secret(self, endpoint: Endpoint) -> dict[str, Any]:
        return {**self._document(endpoint), "secret": endpoint.secrets[0].value}


class _Members:
    """The members of the body of a request.

    Raises:
        Refusal: `malformed`, where there is another one than `known`.
    """

    def __init__(self, body: dict[str, Any], known: set[str]) -> None:
        self._body = body
        self._known = ", ".join(sorted(known))
        if set(body) - known:
            raise self._refusal()

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; the default where it is not sent, which it must be where there is none."""
        value = self._body.get(name, default)
        if not isinstance(value, str):
            raise self._refusal()
        return value

    def number(self, name: str, default: float | None = None) -> float | None:
        """Return a number, or the default where it is not sent."""
        value = self._body.get(name, default)
        if isinstance(value, bool) or not (value is None or isinstance(value, (int, float))):
            raise self._refusal()
        return value

    def change(self) -> EndpointChange:
        """Return what is said of an endpoint's URL and limits."""
        concurrency = self.number("concurrency")
        if concurrency is not None and not isinstance(concurrency, int):
            raise self._refusal()
        url = self.text("url") if "url" in self._body else None
        return EndpointChange(url, concurrency, self.number("rate"))

    def _refusal(self) -> Refusal:
        return Refusal(
            "malformed",
            vi=f"Nội dung chỉ gồm các trường {self._known}, đúng kiểu như mô tả API; hãy sửa lại.",
            en=f"The body may have the members {self._known}, of the types that the API's description says; correct it.",
        )


async def _optional_body(request: web.Request, known: set[str]) -> _Members:
    return _Members(await decoded_bodies.read_optional_json_object(request), known)


async def _read_reason(request: web.Request) -> str:
    return (await _optional_body(request, {"reason"})).text("reason", "")


def _secret(secret: Secret) -> dict[str, Any]:
    ends = {"expiresAt": iso_time(secret.expires_at)} if secret.expires_at is not None else {}
    return {"id": secret.id, "createdAt": iso_time(secret.created_at), **ends}


def _etag(endpoint: Endpoint) -> str:
    return f'"{endpoint.revision}"'
