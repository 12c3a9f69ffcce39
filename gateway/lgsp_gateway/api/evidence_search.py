"""`GET /evidence/messages`: finds messages by anything that the evidence says of them, for auditors."""

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
from lgsp_gateway.http.parameter_types import (
    integer_parameter,
    message_id_parameter,
    number_parameter,
    text_parameter,
    timestamp_parameter,
)
from lgsp_gateway.http.parameters import Parameter
from lgsp_gateway.http.responses import json_response
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

SUBJECT = "Lgsp-Subject"
"""The header with a person's number: addresses end up in histories and logs, so it has no place in one."""

_PEOPLE = ("so-dinh-danh", "so-cmnd", "ma-the-bhyt", "ma-so-bhxh")
"""Formats of the numbers by which people are known."""

_AGENCY = "^[A-Z][0-9]{2}(\\.[0-9]{1,3}){0,3}$"


def _exact(name: str) -> Parameter[str]:
    if name == "message":
        return message_id_parameter(name, "the id of a message")
    if name == "subject":
        return text_parameter(name, "the pseudonym of a person", max_length=32, pattern="^[0-9a-f]{32}$")
    if name == "outcome":
        return text_parameter(
            name, "how it ended: answered, or the code of a problem", max_length=MAX_NAME, pattern="^[a-z_-]+$"
        )
    pattern = _AGENCY if name == "agency" else NAME_PATTERN
    return text_parameter(name, f"the {name} that the evidence names", max_length=MAX_NAME, pattern=pattern)


_EXACT = {name: _exact(name) for name in EXACT}
_LEAST = {
    "minDuration": number_parameter("minDuration", "milliseconds that it took at least", 1e9),
    "minSize": number_parameter("minSize", "bytes that its answer had at least", 1e9),
}
_SINCE = timestamp_parameter("since", "not before this time; in Vietnam's time where no zone is given")
_UNTIL = timestamp_parameter("until", "before this time; in Vietnam's time where no zone is given")
_LIMIT = integer_parameter("limit", "how many", 1, MAX_PAGE, 50)
_CURSOR = text_parameter("cursor", "where the page before ended", max_length=100)
_SUBJECT = text_parameter(SUBJECT, "the number of a person whom messages are about", max_length=64, location="header")

SEARCH = Route(
    "GET",
    "/evidence/messages",
    "searchMessages",
    "Find messages by anything that the evidence says of them, the newest first",
    "token",
    {200: ResponseSpec("A page of what is found", json_of("EntryPage"))},
    roles=(AUDITOR,),
    parameters=(*_EXACT.values(), *_LEAST.values(), _SINCE, _UNTIL, _LIMIT, _CURSOR, _SUBJECT),
    problems=("index-unavailable",),
    tag="evidence",
)


class EvidenceSearchRoutes:
    """The door for searching.

    Args:
        index: None where this gateway has none.
    """

    def __init__(
        self, callers: CallerAuthenticator, index: "Index | None", pseudonyms: Pseudonyms, registry: RegistrySnapshot
    ) -> None:
        self._callers = callers
        self._index = index
        self._pseudonyms = pseudonyms
        self._registry = registry

    def add_routes(self, app: web.Application) -> None:
        """Add the path."""
        add_route(app, SEARCH, self._search)

    async def _search(self, request: web.Request) -> web.Response:
        auditor = await self._callers.identify(request)
        search = self._read(request)
        structlog.get_logger().info("evidence searched", by=str(auditor), for_=sorted(search.exact))
        if self._index is None:
            raise index_unavailable()
        await refuse_unknown(search.exact, self._registry, self._index)
        page = await self._index.search(search)
        return json_response({"items": page.items, "cursor": page.cursor})

    def _read(self, request: web.Request) -> Search:
        exact = {name: one.read_from(request) for name, one in _EXACT.items() if name in request.query}
        number = _SUBJECT.read_from(request)
        if number:
            exact["subject"] = self._pseudonyms.of(_held(number))
        least = {name: one.read_from(request) for name, one in _LEAST.items()}
        return Search(
            exact=exact,
            least={name: found for name, found in least.items() if found is not None},
            since=_SINCE.read_from(request),
            until=_UNTIL.read_from(request),
            limit=_LIMIT.read_from(request),
            cursor=_CURSOR.read_from(request),
        )


def _held(number: str) -> str:
    """The number of a person. One of digits alone must be as long as such numbers are; contracts may know people by other texts.

    Raises:
        Refusal: `malformed`.
    """
    if re.fullmatch("[0-9]+", number) and not any(FORMAT_CHECKS[name](number) for name in _PEOPLE):
        raise Refusal(
            "malformed",
            vi="Số của một người phải là số định danh 12 chữ số, số CMND 9 chữ số, hoặc mã BHYT, BHXH 10 chữ số; hãy kiểm tra lại.",
            en="The number of a person has 12 digits, 9 where it is an old identity card, 10 where it is one of insurance; check it.",
        )
    return number


def index_unavailable() -> Refusal:
    """The refusal where nothing can be searched."""
    return Refusal(
        "index-unavailable",
        vi="Gateway này không có chỉ mục tìm kiếm; hãy chạy `lgsp indexer run` rồi khởi động gateway với --index.",
        en="This gateway has no search index; run `lgsp indexer run`, and start the gateway with --index.",
    )
