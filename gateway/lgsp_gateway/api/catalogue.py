"""`/catalog`: which services there are, for people as pages and for programs as documents.

A listed service is known to whoever reaches the bus, also without a token: a contract is no secret, and a person with a
browser has none (docs/decisions/014). One that is not listed is known to those who hold a grant on it, and for everybody else
does not exist. Which purposes a system holds, only it is told.
"""

import asyncio
import contextlib
import datetime
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import orjson
import uuid_utils
from aiohttp import hdrs, web

from lgsp_auth.policy import unknown_service
from lgsp_auth.principal import Principal
from lgsp_contracts.contract import Contract
from lgsp_contracts.names import MAX_MAJOR, MAX_NAME, NAME_PATTERN, Major, ServiceName
from lgsp_contracts.summary import ContractSummary
from lgsp_contracts.time_zone import VIETNAM
from lgsp_contracts.tooling.asyncapi import asyncapi
from lgsp_contracts.tooling.openapi import openapi
from lgsp_contracts.tooling.pages import page
from lgsp_gateway.api.registry_declarations import CURSOR, LIMIT
from lgsp_gateway.api.schemas import TEXT, json_of
from lgsp_gateway.http import responses, streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.language import preferred_language
from lgsp_gateway.http.lifecycle_headers import announcement_headers
from lgsp_gateway.http.parameter_types import choice_parameter, integer_parameter, text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.documents import DocumentVersion, service_and_major, service_name
from lgsp_gateway.registry.lifecycle.announcements import Announcement
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.workers.heavy_documents import Description, HeavyDocuments
from lgsp_problems import Language, Text
from lgsp_runtime.pacing import Pace

BEAT_SECONDS = 5.0
MAX_BEHIND = 1000
MAX_WORDS = 100
"""Characters of a search that are looked at."""
SEEN_AT_A_TURN = 500
"""Services of an index that are looked at before others have a turn."""
DESCRIBED_AT_ONCE = 8 * 1024
"""Bytes of a contract that is described on the event loop, in a few turns; larger ones are in a process of their own."""
PARSED_AT_A_TURN = 20
PIECES_AT_A_TURN = 100
"""StreamedResponse of a page that are written before others have a turn."""

SERVICE = text_parameter("service", "the name of a service", max_length=MAX_NAME, pattern=NAME_PATTERN, location="path")
MAJOR = integer_parameter("major", "its major version", 1, MAX_MAJOR, 1, location="path")
LANGUAGE = choice_parameter(
    "lang", "the language of the page; by default the one that Accept-Language prefers", ("vi", "en"), ""
)
WORDS = text_parameter("q", "words to look for among the services")
_HTML = {"text/html": TEXT}

PAGE = Route(
    "GET",
    "/catalog",
    "showCatalogue",
    "Show the services that there are, as a page",
    "optional",
    {200: ResponseSpec("The page", _HTML)},
    parameters=(WORDS, LANGUAGE),
    tag="catalogue",
)
SERVICE_PAGE = Route(
    "GET",
    "/catalog/services/{service}/v{major:[0-9]+}",
    "showService",
    "Show a service, as a page",
    "optional",
    {200: ResponseSpec("The page", _HTML)},
    parameters=(SERVICE, MAJOR, LANGUAGE),
    problems=("unknown-service",),
    tag="catalogue",
)
SERVICES = Route(
    "GET",
    "/catalog/services",
    "readCatalogue",
    "List the services that the caller may know of, and the purposes granted to it",
    "token",
    {200: ResponseSpec("A page of services", json_of("Catalogue"))},
    parameters=(LIMIT, CURSOR),
    tag="catalogue",
)
OPENAPI = Route(
    "GET",
    "/catalog/services/{service}/v{major:[0-9]+}/openapi.json",
    "describeService",
    "Describe a service as OpenAPI 3.1",
    "optional",
    {200: ResponseSpec("The description", json_of("OpenApi"))},
    parameters=(SERVICE, MAJOR),
    problems=("unknown-service",),
    tag="catalogue",
)
ASYNCAPI = Route(
    "GET",
    "/catalog/services/{service}/v{major:[0-9]+}/asyncapi.json",
    "describeAdapter",
    "Describe what an adapter of a service hears and says, as AsyncAPI 3.0",
    "optional",
    {200: ResponseSpec("The description", json_of("AsyncApi"))},
    parameters=(SERVICE, MAJOR),
    problems=("unknown-service",),
    tag="catalogue",
)
EVENTS = Route(
    "GET",
    "/catalog/events",
    "followCatalogue",
    "Follow changes of services that the caller may know of, as server-sent CloudEvents",
    "token",
    {200: ResponseSpec("An event for each change, until the caller leaves", {streaming.EVENT_STREAM: TEXT})},
    tag="catalogue",
)


class CatalogueRoutes:
    """The door for whoever looks for a service."""

    def __init__(
        self,
        callers: CallerAuthenticator,
        registry: RegistrySnapshot,
        heavy: HeavyDocuments,
        stopping: asyncio.Event,
        url: str,
        nats: str,
    ) -> None:
        self._stopping = stopping
        self._heavy = heavy
        self._registry = registry
        self._callers = callers
        self._url = url
        self._nats = nats

    def add_routes(self, app: web.Application) -> None:
        """Add the paths."""
        add_route(app, PAGE, self._page)
        add_route(app, SERVICE_PAGE, self._service_page)
        add_route(app, SERVICES, self._services)
        add_route(app, OPENAPI, self._openapi)
        add_route(app, ASYNCAPI, self._asyncapi)
        add_route(app, EVENTS, self._events)

    async def _services(self, request: web.Request) -> web.Response:
        registry, caller = self._registry, await self._callers.identify(request)
        now, limit, found = time.time(), LIMIT.read_from(request), []
        async for service, major in self._known(caller.system, now, CURSOR.read_from(request)):
            found.append((service, major))
            if len(found) > limit:
                break
        shown = (registry.summary(*named) for named in found[:limit])
        items = (_service(contract, registry, caller, now) for contract in shown if contract)
        return await responses.list_response(items, service_name(*found[limit - 1]) if len(found) > limit else "")

    async def _page(self, request: web.Request) -> web.Response:
        system, now, words = await self._system(request), time.time(), WORDS.read_from(request)[:MAX_WORDS]
        sought = [word.encode() for word in words.casefold().split()]
        count, found, pace = 0, [], Pace(PARSED_AT_A_TURN)
        async for service, major in self._known(system, now):
            if self._registry.services.holds(service_name(service, major), sought):
                count += 1
                if count <= page.MAX_LISTED:
                    found.append((service, major))
        shown = []
        for named in found:
            await pace.spend()
            contract = self._registry.summary(*named)
            if contract:
                shown.append(contract)
        return _html(await _written(page.catalogue(shown, count, words, _language(request))))

    async def _known(self, system: str, now: float, after: str = "") -> AsyncIterator[tuple[ServiceName, Major]]:
        """The services in force that a system may know of, by name."""
        registry, pace = self._registry, Pace(SEEN_AT_A_TURN)
        for name in registry.index["Service"].names(after=after):
            await pace.spend()
            if name in registry.services:
                service, major = service_and_major(name)
                if registry.may_know(system, service, major, now):
                    yield service, major

    async def _service_page(self, request: web.Request) -> web.Response:
        contract, language = await self._asked(request), _language(request)
        service, major = SERVICE.read_from(request), MAJOR.read_from(request)
        notices = _notices(self._registry.announced(service, major, time.time()))
        if _is_large(contract):
            told = {"language": language, "notices": [[notice.vi, notice.en] for notice in notices]}
            return _html((await self._describe(request, "page", contract, url=self._url, **told)).decode())
        compiled = self._compiled(service, major)
        return _html(
            await _written(page.service_in_pieces(compiled, self._url, language, inside=True, notices=notices))
        )

    async def _openapi(self, request: web.Request) -> web.Response:
        contract = await self._asked(request)
        if _is_large(contract):
            return responses.encoded_json_response(await self._describe(request, "openapi", contract, url=self._url))
        return responses.json_response(
            openapi(self._compiled(SERVICE.read_from(request), MAJOR.read_from(request)), self._url)
        )

    async def _asyncapi(self, request: web.Request) -> web.Response:
        contract = await self._asked(request)
        if _is_large(contract):
            return responses.encoded_json_response(await self._describe(request, "asyncapi", contract, nats=self._nats))
        return responses.json_response(
            asyncapi(self._compiled(SERVICE.read_from(request), MAJOR.read_from(request)), self._nats)
        )

    async def _describe(self, request: web.Request, what: Description, contract: DocumentVersion, **told: Any) -> bytes:
        """Describe a large contract where nobody else waits."""
        by, spec = await self._system(request) or request.remote or "", contract.spec or {}
        return await self._heavy.describe(by, what, orjson.dumps(spec["contract"]), **told)

    def _compiled(self, service: str, major: int) -> Contract:
        contract = self._registry.contract(service, major)
        if contract is None:
            raise unknown_service(service, major)
        return contract

    async def _asked(self, request: web.Request) -> DocumentVersion:
        """The document of the service that a path names.

        Raises:
            Refusal: `unknown-service`, also for one that the caller may not know of.
        """
        system = await self._system(request)
        service, major = SERVICE.read_from(request), MAJOR.read_from(request)
        found = self._registry.service_in_force(service_name(service, major))
        if found is None or not self._registry.may_know(system, service, major, time.time()):
            raise unknown_service(service, major)
        return found

    async def _system(self, request: web.Request) -> str:
        """The system whose token the request carries, or that a person acts through; "" without one.

        Raises:
            Refusal: `token-invalid`, for a token that does not hold.
        """
        if hdrs.AUTHORIZATION not in request.headers:
            return ""
        return (await self._callers.identify(request)).system

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent CloudEvents: a service that the caller may know of has changed, or is to be suspended."""
        caller = await self._callers.identify(request)
        changed: asyncio.Queue[str] = asyncio.Queue(MAX_BEHIND)

        def note(kind: str, name: str) -> None:
            if kind == "Service" and not changed.full():
                changed.put_nowait(name)

        async with streaming.open_stream(request, streaming.EVENT_STREAM, caller.name) as answer:
            self._registry.on_change(note)
            try:
                while not (answer.head_only or self._stopping.is_set()):
                    await answer.write(await self._next_event(caller, changed))
            finally:
                self._registry.remove_listener(note)
        return answer.response

    async def _next_event(self, caller: Principal, changed: asyncio.Queue[str]) -> bytes:
        """The next change that the caller may know of; a comment where there is none for a while, so that all know it is alive."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT_SECONDS):
                while True:
                    event = self._event(caller, await changed.get())
                    if event:
                        return b"event: service\ndata: " + orjson.dumps(event) + b"\n\n"
        return b": still here\n\n"

    def _event(self, caller: Principal, name: str) -> dict[str, object] | None:
        service, _, major = name.rpartition("-v")
        contract, now = self._registry.summary(service, int(major)), time.time()
        if contract is None or not self._registry.may_know(caller.system, service, int(major), now):
            return None
        return {
            "specversion": "1.0",
            "id": str(uuid_utils.uuid7()),
            "source": f"/catalog/services/{service}/v{major}",
            "type": "lgsp.service.changed",
            "time": datetime.datetime.fromtimestamp(now, datetime.UTC).isoformat(),
            "datacontenttype": "application/json",
            "data": _service(contract, self._registry, caller, now),
        }


def _service(contract: ContractSummary, registry: RegistrySnapshot, caller: Principal, now: float) -> dict[str, object]:
    held = registry.grants_held(caller.system, contract.service, contract.major)
    grants = [grant for grant in held if grant.in_force(now)]
    return {
        "service": contract.service,
        "version": contract.version,
        "title": {"vi": contract.title.vi, "en": contract.title.en},
        "provider": contract.provider,
        "notice": announcement_headers(registry.announced(contract.service, contract.major, now)),
        "operations": [
            {
                "operation": name,
                "path": f"/services/{contract.service}/v{contract.major}/{name}",
                "title": {"vi": operation.title.vi, "en": operation.title.en},
                "classification": operation.classification,
                "purposes": sorted({p for grant in grants if name in grant.operations for p in grant.purposes}),
                "example": {"request": operation.request},
            }
            for name, operation in contract.operations.items()
        ],
    }


def _notices(announced: Announcement | None) -> list[Text]:
    found = []
    if announced and announced.sunset:
        day = datetime.datetime.fromtimestamp(announced.sunset - 1, VIETNAM).date().isoformat()
        found.append(
            Text(
                f"Phiên bản này sẽ ngừng phục vụ sau ngày {day}; hãy chuyển sang phiên bản mới hơn.",
                f"This version is served until {day}; move to a newer one.",
            )
        )
    if announced and announced.suspension:
        begin, _, end = announced.suspension.notice().partition("/")
        vi, en = (end, end) if announced.suspension.until else ("khi có thông báo", "further notice")
        found.append(Text(f"Tạm ngừng phục vụ từ {begin} đến {vi}.", f"Suspended from {begin} until {en}."))
    return found


def _language(request: web.Request) -> Language:
    return preferred_language(LANGUAGE.read_from(request) or request.headers.get(hdrs.ACCEPT_LANGUAGE))


def _is_large(contract: DocumentVersion) -> bool:
    return len(contract.data) > DESCRIBED_AT_ONCE


async def _written(pieces: Iterable[str]) -> str:
    """A page, written in pieces between which others have their turn."""
    written, pace = [], Pace(PIECES_AT_A_TURN)
    for piece in pieces:
        await pace.spend()
        written.append(piece)
    return "".join(written)


def _html(text: str) -> web.Response:
    return web.Response(
        text=text,
        content_type="text/html",
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": page.POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept-Language",
        },
    )
