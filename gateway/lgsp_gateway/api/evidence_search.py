"""`GET /evidence/messages`: search of the evidence by the members of its entries; `api.message_scope` says who sees which."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web
from nats.aio.client import Client

from lgsp_contracts import dossiers
from lgsp_contracts.entry import SEARCHED
from lgsp_contracts.formats import FORMAT_CHECKS
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_gateway.api.known_names import refuse_unknown
from lgsp_gateway.api.message_scope import READ_MESSAGES, SIDE, MessageScope
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.stored_entries import complete_items
from lgsp_gateway.api.titles import titles_of_messages
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.evidence.search.models import EXACT, MAX_PAGE, Search
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.parameter_types import (
    boolean_parameter,
    choice_parameter,
    integer_parameter,
    message_id_parameter,
    number_parameter,
    text_parameter,
    timestamp_parameter,
)
from lgsp_gateway.http.parameters import Parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

SUBJECT = "Lgsp-Subject"
"""The header with a person's number: URLs end up in browser histories and access logs, so the number is not a query parameter."""

_PERSON_NUMBERS = ("so-dinh-danh", "so-cmnd", "ma-the-bhyt", "ma-so-bhxh")
"""Formats of the numbers that identify people."""

MAX_COMPLETE = 100
"""Entries of a page that are read from the stream: each may take a group commit of its own."""

_AGENCY = "^[A-Z][0-9]{2}(\\.[0-9]{1,3}){0,3}$"


_HEX_ID = "^[0-9a-f]{32}$"
_PRINCIPAL = "^(person/p-[a-z2-7]{26}(@[a-z0-9-]+)?|[a-z][a-z0-9-]*)$"
_SPECIAL = {
    one.name: one
    for one in (
        message_id_parameter("message", "the id of a message or an event"),
        message_id_parameter("file", "the id of a file"),
        choice_parameter("kind", "the kind of the entry", SEARCHED, ""),
        text_parameter("trace", "the id of a trace (W3C Trace Context)", max_length=32, pattern=_HEX_ID),
        text_parameter("subject", "the pseudonym of a person", max_length=32, pattern=_HEX_ID),
        text_parameter("agency", "the agency in the entry", max_length=MAX_NAME, pattern=_AGENCY),
        text_parameter(
            "to",
            "the system, the subscription or the webhook endpoint that something was delivered to",
            max_length=MAX_NAME,
            pattern="^[a-z0-9-]+$",
        ),
        text_parameter(
            "by",
            "the officer who asked, or who decided: `person/` and an opaque id",
            max_length=100,
            pattern=_PRINCIPAL,
        ),
        text_parameter(
            "reference",
            "the number of the dossier that it was asked for",
            max_length=dossiers.MAX_LENGTH,
            pattern=dossiers.PATTERN,
        ),
        text_parameter(
            "outcome",
            "the outcome: answered, accepted, delivered, done, or the code of a problem",
            max_length=MAX_NAME,
            pattern="^[a-z_-]+$",
        ),
    )
}


def _exact_parameter(name: str) -> Parameter[str]:
    named = text_parameter(name, f"the {name} in the entry", max_length=MAX_NAME, pattern=NAME_PATTERN)
    return _SPECIAL.get(name, named)


_EXACT = {name: _exact_parameter(name) for name in EXACT}
_MINIMUM = {
    "minDuration": number_parameter("minDuration", "the least duration of the call in milliseconds", 1e9),
    "minSize": number_parameter("minSize", "the least size of the answer in bytes", 1e9),
}
_SINCE = timestamp_parameter("since", "only messages at or after this time; in Vietnam's time zone where none is given")
_UNTIL = timestamp_parameter("until", "only messages before this time; in Vietnam's time zone where none is given")
_LIMIT = integer_parameter("limit", "the largest number of messages in the page", 1, MAX_PAGE, 50)
_CURSOR = text_parameter("cursor", "`cursor` of a page for the next, or its `newer`", max_length=100)
_FAILED = boolean_parameter("failed", "only what was refused or failed; give `since` too where most messages succeed")
_COMPLETE = boolean_parameter(
    "complete",
    f"return entries as they were written, with their digests, where they are not archived yet; at most {MAX_COMPLETE} in a page",
)
_SUBJECT = text_parameter(
    SUBJECT, "the number of the person whom the messages are about", max_length=64, location="header"
)

FILTERS: tuple[Parameter[Any], ...] = (*_EXACT.values(), *_MINIMUM.values(), _SINCE, _FAILED, SIDE)
"""What a search and the stream of what it finds are asked by alike."""


def filters_of(request: web.Request) -> Search:
    """Return the search for what passes the `FILTERS` of a request."""
    minimum = {name: one.read_from(request) for name, one in _MINIMUM.items()}
    return Search(
        exact={name: one.read_from(request) for name, one in _EXACT.items() if name in request.query},
        least={name: bound for name, bound in minimum.items() if bound is not None},
        since=_SINCE.read_from(request),
        failed=_FAILED.read_from(request),
    )


SEARCH = Route(
    "GET",
    "/evidence/messages",
    "searchMessages",
    "Find messages by the members of their entries, the newest first",
    "token",
    {200: ResponseSpec("A page of matching entries", json_of("EntryPage"))},
    right=READ_MESSAGES,
    parameters=(*FILTERS, _UNTIL, _LIMIT, _CURSOR, _COMPLETE, _SUBJECT),
    problems=("not-granted", "index-unavailable"),
    tag="evidence",
)


class EvidenceSearchRoutes:
    """The route of the search.

    Args:
        index: None where this gateway has no search index.
        connection: reads entries as they were written.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        index: "Index | None",
        connection: Client,
        pseudonyms: Pseudonyms,
        registry: RegistrySnapshot,
    ) -> None:
        self._callers = callers
        self._index = index
        self._connection = connection
        self._pseudonyms = pseudonyms
        self._registry = registry

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, SEARCH, self._search)

    async def _search(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        scope = MessageScope.of(caller)
        search, complete = self._read_search(request), _COMPLETE.read_from(request)
        structlog.get_logger().info("evidence searched", by=str(caller), for_=sorted(search.exact))
        visible = scope.restrict(search, SIDE.read_from(request), self._registry)
        if self._index is None:
            raise index_unavailable()
        if scope.sees_all:  # to others, whether a name is known says whether it exists at another agency
            await refuse_unknown(search.exact, self._registry, self._index)
        if visible is None:
            return json_response(
                {"items": [], "cursor": "", "newer": "", "titles": await titles_of_messages(self._registry, [])}
            )
        limit = min(visible.limit, MAX_COMPLETE) if complete else visible.limit
        page = await self._index.search(replace(visible, limit=limit))
        items = await complete_items(self._connection, page) if complete else page.items
        found = list(map(scope.visible, items))
        titles = await titles_of_messages(self._registry, found)
        return json_response({"items": found, "cursor": page.cursor, "newer": page.newer, "titles": titles})

    def _read_search(self, request: web.Request) -> Search:
        search, number = filters_of(request), _SUBJECT.read_from(request)
        subject = {"subject": self._pseudonyms.of(_checked_number(number))} if number else {}
        return replace(
            search,
            exact={**search.exact, **subject},
            until=_UNTIL.read_from(request),
            limit=_LIMIT.read_from(request),
            cursor=_CURSOR.read_from(request),
        )


def _checked_number(number: str) -> str:
    """Return the number of a person. One of digits only must have a known format; contracts may identify people by other texts.

    Raises:
        Refusal: `malformed`.
    """
    if re.fullmatch("[0-9]+", number) and not any(FORMAT_CHECKS[name](number) for name in _PERSON_NUMBERS):
        raise Refusal(
            "malformed",
            vi="Số của một người phải là số định danh 12 chữ số, số CMND 9 chữ số, hoặc mã BHYT, BHXH 10 chữ số; hãy kiểm tra lại.",
            en="A person's number has 12 digits, or 9 on an old identity card, or 10 on a health or social insurance card; check it.",
        )
    return number


def index_unavailable() -> Refusal:
    """Return the refusal of a request that needs the search index, on a gateway without one (`index-unavailable`)."""
    return Refusal(
        "index-unavailable",
        vi="Gateway này không có chỉ mục tìm kiếm; hãy chạy `lgsp indexer run` rồi khởi động gateway với --index.",
        en="This gateway has no search index; run `lgsp indexer run`, and start the gateway with --index.",
    )
