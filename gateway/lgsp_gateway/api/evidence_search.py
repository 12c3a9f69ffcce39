"""`GET /evidence/messages`: search of the evidence by the members of its entries, for auditors."""

import re
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from lgsp_contracts.formats import FORMAT_CHECKS
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_gateway.api.evidence_stream import AUDITOR
from lgsp_gateway.api.known_names import refuse_unknown
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.evidence.search.models import EXACT, MAX_PAGE, Search
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.parameter_types import (
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

_AGENCY = "^[A-Z][0-9]{2}(\\.[0-9]{1,3}){0,3}$"


def _exact_parameter(name: str) -> Parameter[str]:
    if name == "message":
        return message_id_parameter(name, "the id of a message")
    if name == "trace":
        return text_parameter(name, "the id of a trace (W3C Trace Context)", max_length=32, pattern="^[0-9a-f]{32}$")
    if name == "subject":
        return text_parameter(name, "the pseudonym of a person", max_length=32, pattern="^[0-9a-f]{32}$")
    if name == "outcome":
        return text_parameter(
            name,
            "the outcome of the call: answered, or the code of a problem",
            max_length=MAX_NAME,
            pattern="^[a-z_-]+$",
        )
    pattern = _AGENCY if name == "agency" else NAME_PATTERN
    return text_parameter(name, f"the {name} in the entry", max_length=MAX_NAME, pattern=pattern)


_EXACT = {name: _exact_parameter(name) for name in EXACT}
_MINIMUM = {
    "minDuration": number_parameter("minDuration", "the least duration of the call in milliseconds", 1e9),
    "minSize": number_parameter("minSize", "the least size of the answer in bytes", 1e9),
}
_SINCE = timestamp_parameter("since", "only messages at or after this time; in Vietnam's time zone where none is given")
_UNTIL = timestamp_parameter("until", "only messages before this time; in Vietnam's time zone where none is given")
_LIMIT = integer_parameter("limit", "the largest number of messages in the page", 1, MAX_PAGE, 50)
_CURSOR = text_parameter("cursor", "the cursor of the previous page", max_length=100)
_SUBJECT = text_parameter(
    SUBJECT, "the number of the person whom the messages are about", max_length=64, location="header"
)

SEARCH = Route(
    "GET",
    "/evidence/messages",
    "searchMessages",
    "Find messages by the members of their entries, the newest first",
    "token",
    {200: ResponseSpec("A page of matching entries", json_of("EntryPage"))},
    roles=(AUDITOR,),
    parameters=(*_EXACT.values(), *_MINIMUM.values(), _SINCE, _UNTIL, _LIMIT, _CURSOR, _SUBJECT),
    problems=("index-unavailable",),
    tag="evidence",
)


class EvidenceSearchRoutes:
    """The route of the search.

    Args:
        index: None where this gateway has no search index.
    """

    def __init__(
        self, callers: CallerAuthenticator, index: "Index | None", pseudonyms: Pseudonyms, registry: RegistrySnapshot
    ) -> None:
        self._callers = callers
        self._index = index
        self._pseudonyms = pseudonyms
        self._registry = registry

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, SEARCH, self._search)

    async def _search(self, request: web.Request) -> web.Response:
        auditor = await self._callers.identify(request)
        search = self._read_search(request)
        structlog.get_logger().info("evidence searched", by=str(auditor), for_=sorted(search.exact))
        if self._index is None:
            raise index_unavailable()
        await refuse_unknown(search.exact, self._registry, self._index)
        page = await self._index.search(search)
        return json_response({"items": page.items, "cursor": page.cursor})

    def _read_search(self, request: web.Request) -> Search:
        exact = {name: one.read_from(request) for name, one in _EXACT.items() if name in request.query}
        number = _SUBJECT.read_from(request)
        if number:
            exact["subject"] = self._pseudonyms.of(_checked_number(number))
        minimum = {name: one.read_from(request) for name, one in _MINIMUM.items()}
        return Search(
            exact=exact,
            least={name: bound for name, bound in minimum.items() if bound is not None},
            since=_SINCE.read_from(request),
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
