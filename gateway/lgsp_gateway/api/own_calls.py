"""`/me/calls` and `/me/quotas`: what became of a system's own calls, and how much is left of its quotas and of its agency's storage quota.

A system sees its own calls alone, and of them neither whom they were about nor on whose behalf they were made: the developer of a
program needs the reason of a refusal, and the person is none of their business. What it sees it has sent itself. Of agencies it sees the storage of its own.
"""

import time
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from lgsp_auth.policy import Grant
from lgsp_auth.principal import Principal
from lgsp_contracts.entry import ENDINGS
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.evidence_search import index_unavailable
from lgsp_gateway.api.outcome_texts import help_of, title_of
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.calls.quotas import Quotas, QuotaUsage
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.evidence.search.models import Search
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import (
    boolean_parameter,
    integer_parameter,
    text_parameter,
    timestamp_parameter,
)
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Language, Refusal

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

MAX_PAGE = 200
DEFAULT_SECONDS = 86_400
"""How far back a search goes where `since` is not given."""
MAX_SECONDS = 31 * 86_400

FAILED = boolean_parameter("failed", "only calls that were refused or failed")
SERVICE = text_parameter("service", "only calls of this service", max_length=MAX_NAME, pattern=NAME_PATTERN)
SINCE = timestamp_parameter(
    "since", "only calls at or after this time; by default of the last 24 hours, of the last 31 days at most"
)
UNTIL = timestamp_parameter("until", "only calls before this time; in Vietnam's time zone where none is given")
LIMIT = integer_parameter("limit", "the largest number of calls in the page", 1, MAX_PAGE, 50)
CURSOR = text_parameter("cursor", "the cursor of the previous page", max_length=100)

CALLS = Route(
    "GET",
    "/me/calls",
    "readOwnCalls",
    "Read the calls of the calling system, the newest first, with the reason of each refusal",
    "token",
    {200: ResponseSpec("A page of calls", json_of("OwnCalls"))},
    parameters=(FAILED, SERVICE, SINCE, UNTIL, LIMIT, CURSOR),
    problems=("not-granted", "index-unavailable"),
    tag="systems",
)
QUOTAS = Route(
    "GET",
    "/me/quotas",
    "readOwnQuotas",
    "Read how much of its quotas the calling system has used, and its agency of its storage quota",
    "token",
    {200: ResponseSpec("The quotas of its grants in force, and the storage of its agency", json_of("OwnQuotas"))},
    problems=("not-granted",),
    tag="systems",
)


class OwnCallRoutes:
    """The routes for the developers of a system.

    Args:
        storage: what agencies have stored.
        index: None where this gateway has no search index.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        registry: RegistrySnapshot,
        quotas: Quotas,
        storage: StorageBounds,
        index: "Index | None",
    ) -> None:
        self._callers = callers
        self._registry = registry
        self._quotas = quotas
        self._storage = storage
        self._index = index

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, CALLS, self._read_calls)
        add_route(app, QUOTAS, self._read_quotas)

    async def _read_calls(self, request: web.Request) -> web.Response:
        system = (await self._calling_system(request)).system
        language = accepted_language(request)
        search = _search_of(request, system)
        if self._index is None:
            raise index_unavailable()
        page = await self._index.search(search)
        items = [self._item(entry, language) for entry in page.items]
        headers = {hdrs.CONTENT_LANGUAGE: language, "Vary": "Accept-Language"}
        return json_response({"items": items, "cursor": page.cursor}, headers=headers)

    async def _read_quotas(self, request: web.Request) -> web.Response:
        caller, now = await self._calling_system(request), time.time()
        items = []
        for grant in self._registry.grants.held_by(caller.system):
            if grant.in_force(now) and grant.suspended is None:
                items += [_quota(grant, usage) for usage in await self._quotas.usage(grant, now)]
        return json_response({"items": items, "storage": self._storage.usage_of(caller.agency).document()})

    async def _calling_system(self, request: web.Request) -> Principal:
        caller = await self._callers.identify(request)
        if not caller.own_system:
            raise Refusal(
                "not-granted",
                vi="Chỉ hệ thống xem được lời gọi và hạn mức của chính nó; hãy dùng mã truy cập của hệ thống.",
                en="A system alone sees its own calls and quotas; use an access token of the system.",
            )
        return caller

    def _item(self, entry: dict[str, Any], language: Language) -> dict[str, Any]:
        item = {
            "message": entry["message"],
            "time": iso_time(entry["time"] / 1000),
            **{
                name: entry[name]
                for name in ("service", "version", "operation", "purpose", "grant", "outcome", "status")
            },
            "providerMs": entry["providerMs"],
            "totalMs": entry["totalMs"],
        }
        if entry["outcome"] in ENDINGS:
            return item
        return {**item, "reason": title_of(entry, self._registry, language), "help": help_of(entry)}


def _search_of(request: web.Request, system: str) -> Search:
    now = int(time.time() * 1000)
    since = SINCE.read_from(request)
    service = SERVICE.read_from(request)
    oldest = now - MAX_SECONDS * 1000
    return Search(
        {"kind": "call", "consumer": system, **({"service": service} if service else {})},
        {},
        since=max(since, oldest) if since is not None else now - DEFAULT_SECONDS * 1000,
        until=UNTIL.read_from(request),
        limit=LIMIT.read_from(request),
        cursor=CURSOR.read_from(request),
        failed=FAILED.read_from(request),
    )


def _quota(grant: Grant, usage: QuotaUsage) -> dict[str, Any]:
    return {
        "grant": grant.name,
        "service": grant.service,
        "major": grant.major,
        "requests": usage.quota.requests,
        "seconds": usage.quota.seconds,
        "used": usage.used,
        "left": usage.quota.requests - usage.used,
        "resets": iso_time(usage.ends),
    }
