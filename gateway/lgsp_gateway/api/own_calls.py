"""`/me/calls` and `/me/quotas`: what became of a system's own calls, and how much of its quotas is left.

A system sees its own calls alone, and of them neither whom they were about nor on whose behalf they were made: the developer of a
program needs the reason of a refusal, and the person is none of their business. What it sees it has sent itself.
"""

import datetime
import time
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from lgsp_auth.policy import Grant
from lgsp_contracts.entry import ENDINGS
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.api.evidence_search import index_unavailable
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.calls.quotas import Quotas, QuotaUsage
from lgsp_gateway.evidence.search.models import Search
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.language import preferred_language
from lgsp_gateway.http.parameter_types import (
    boolean_parameter,
    integer_parameter,
    text_parameter,
    timestamp_parameter,
)
from lgsp_gateway.http.problems import help_path
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import CODES, Language, Refusal

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
    "Read how much of its quotas the calling system has used",
    "token",
    {200: ResponseSpec("The quotas of its grants in force", json_of("OwnQuotas"))},
    problems=("not-granted",),
    tag="systems",
)


class OwnCallRoutes:
    """The routes for the developers of a system.

    Args:
        index: None where this gateway has no search index.
    """

    def __init__(
        self, callers: CallerAuthenticator, registry: RegistrySnapshot, quotas: Quotas, index: "Index | None"
    ) -> None:
        self._callers = callers
        self._registry = registry
        self._quotas = quotas
        self._index = index

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, CALLS, self._read_calls)
        add_route(app, QUOTAS, self._read_quotas)

    async def _read_calls(self, request: web.Request) -> web.Response:
        system = await self._calling_system(request)
        language = preferred_language(request.headers.get(hdrs.ACCEPT_LANGUAGE))
        search = _search_of(request, system)
        if self._index is None:
            raise index_unavailable()
        page = await self._index.search(search)
        items = [self._item(entry, language) for entry in page.items]
        headers = {hdrs.CONTENT_LANGUAGE: language, "Vary": "Accept-Language"}
        return json_response({"items": items, "cursor": page.cursor}, headers=headers)

    async def _read_quotas(self, request: web.Request) -> web.Response:
        system, now = await self._calling_system(request), time.time()
        items = []
        for grant in self._registry.grants.held_by(system):
            if grant.in_force(now) and grant.suspended is None:
                items += [_quota(grant, usage) for usage in await self._quotas.usage(grant, now)]
        return json_response({"items": items})

    async def _calling_system(self, request: web.Request) -> str:
        caller = await self._callers.identify(request)
        if caller.person or not caller.system:
            raise Refusal(
                "not-granted",
                vi="Chỉ hệ thống xem được lời gọi và hạn mức của chính nó; hãy dùng mã truy cập của hệ thống.",
                en="A system alone sees its own calls and quotas; use an access token of the system.",
            )
        return caller.system

    def _item(self, entry: dict[str, Any], language: Language) -> dict[str, Any]:
        outcome = entry["outcome"]
        major = int(entry["version"].split(".")[0] or 0)
        item = {
            "message": entry["message"],
            "time": _time(entry["time"] / 1000),
            **{
                name: entry[name]
                for name in ("service", "version", "operation", "purpose", "grant", "outcome", "status")
            },
            "providerMs": entry["providerMs"],
            "totalMs": entry["totalMs"],
        }
        if outcome in ENDINGS:
            return item
        item["reason"] = self._reason(entry["service"], major, entry["operation"], outcome, language)
        declared_at = f"/catalog/services/{entry['service']}/v{major}#{entry['operation']}-errors"
        return {**item, "help": help_path(outcome, declared_at)}

    def _reason(self, service: str, major: int, operation: str, code: str, language: Language) -> str:
        """Return the title of a problem code: of the bus, or of the contract that declares it."""
        kind = CODES.get(code)
        if kind is None:
            contract = self._registry.contract(service, major)
            declared = contract.operations.get(operation) if contract else None
            kind = declared.errors.get(code) if declared else None
        return kind.title.in_language(language) if kind else code


def _search_of(request: web.Request, system: str) -> Search:
    now = int(time.time() * 1000)
    since = SINCE.read_from(request)
    service = SERVICE.read_from(request)
    oldest = now - MAX_SECONDS * 1000
    return Search(
        {"consumer": system, **({"service": service} if service else {})},
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
        "resets": _time(usage.ends),
    }


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, VIETNAM).isoformat(timespec="milliseconds")
