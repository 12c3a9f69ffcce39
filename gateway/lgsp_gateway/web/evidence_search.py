"""`GET /evidence/messages`: finds messages by anything that the evidence says of them, for auditors."""

import datetime
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from lgsp_gateway.evidence.passage import Pseudonyms
from lgsp_gateway.index.asked import AT_LEAST, EXACT, MAX_PAGE, Search
from lgsp_gateway.registry.kinds import VIETNAM
from lgsp_gateway.web.answers import document
from lgsp_gateway.web.callers import Callers
from lgsp_gateway.web.evidence import AUDITOR
from lgsp_problems import Refusal

if TYPE_CHECKING:
    from lgsp_gateway.index.index import Index

SUBJECT = "Lgsp-Subject"
"""The header with a person's number: addresses end up in histories and logs, so it has no place in one."""

_KNOWN = (*EXACT, *AT_LEAST, "since", "until", "limit", "cursor")


class EvidenceSearch:
    """The door for searching.

    Args:
        index: None where this gateway has none.
    """

    def __init__(self, callers: Callers, index: "Index | None", pseudonyms: Pseudonyms) -> None:
        self._callers = callers
        self._index = index
        self._pseudonyms = pseudonyms

    def add_routes(self, app: web.Application) -> None:
        """Add the path."""
        app.router.add_get("/evidence/messages", self._search)

    async def _search(self, request: web.Request) -> web.Response:
        auditor = await self._callers.with_role(request, AUDITOR)
        search = self._read(request)
        structlog.get_logger().info("evidence searched", by=auditor.name, for_=sorted(search.exact))
        if self._index is None:
            raise no_index()
        page = await self._index.search(search)
        return document({"items": page.items, "cursor": page.cursor})

    def _read(self, request: web.Request) -> Search:
        query = request.query
        unknown = sorted(set(query) - set(_KNOWN))
        if unknown:
            known = ", ".join(_KNOWN)
            raise _malformed(f"{unknown[0][:40]} không phải là tham số", f"{unknown[0][:40]} is no parameter", known)
        exact = {name: query[name] for name in EXACT if name in query}
        if SUBJECT in request.headers:
            exact["subject"] = self._pseudonyms.of(request.headers[SUBJECT])
        return Search(
            exact=exact,
            least={name: _number(query[name], name) for name in AT_LEAST if name in query},
            since=_moment(query["since"], "since") if "since" in query else None,
            until=_moment(query["until"], "until") if "until" in query else None,
            limit=max(1, min(MAX_PAGE, int(_number(query.get("limit", "50"), "limit")))),
            cursor=query.get("cursor", ""),
        )


def _number(text: str, name: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e15:
        raise _malformed(f"{name} phải là số không âm", f"{name} must be a number of zero or more", "1, 250, 2.5")
    return found


def _moment(text: str, name: str) -> int:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise _malformed(
            f"{name} phải là thời điểm ISO 8601", f"{name} must be an ISO 8601 time", "2026-11-25T08:00:00+07:00"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=VIETNAM)
    return int(moment.timestamp() * 1000)


def _malformed(vi: str, en: str, such_as: str) -> Refusal:
    return Refusal("malformed", vi=f"{vi}; chẳng hạn: {such_as}.", en=f"{en}; such as: {such_as}.")


def no_index() -> Refusal:
    """The refusal where nothing can be searched."""
    return Refusal(
        "index-unavailable",
        vi="Gateway này không có chỉ mục tìm kiếm; hãy chạy `lgsp indexer run` rồi khởi động gateway với --index.",
        en="This gateway has no search index; run `lgsp indexer run`, and start the gateway with --index.",
    )
