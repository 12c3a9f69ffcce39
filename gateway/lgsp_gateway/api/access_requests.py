"""`/me/access-requests`: a citizen objects to an entry of their access log, or asks about it, and reads what the agency answers."""

import time
from typing import Any, cast

from aiohttp import web

from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.access_log import AccessLogRoutes
from lgsp_gateway.api.access_log_limiter import REQUESTS_PER_HOUR, AccessLogLimiter
from lgsp_gateway.api.citizen_authentication import CitizenAuthenticator
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.citizens.request_store import RequestStore
from lgsp_gateway.citizens.requests import KINDS, MAX_TEXT, CitizenRequest, DamagedRequest, Kind, days_until
from lgsp_gateway.http import decoded_bodies, json_responses
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Language, Refusal, Text, Violation

ASK = Route(
    "POST",
    "/me/access-requests",
    "askAboutAccess",
    "Object to an entry of the own access log, or ask about it: the agency that read has to answer",
    "person",
    {201: ResponseSpec("The request, with its number and the last day to answer on", json_of("AccessRequest"))},
    body=json_of("NewAccessRequest"),
    problems=(
        *("invalid-document", "not-found", "already-exists", "quota-exceeded", "index-unavailable"),
        "cross-site-request",
    ),
    tag="citizens",
)
LIST = Route(
    "GET",
    "/me/access-requests",
    "listOwnAccessRequests",
    "List the requests of the citizen who asks, with the answers",
    "person",
    {200: ResponseSpec("The requests, the newest first", json_of("AccessRequestList"))},
    problems=("quota-exceeded",),
    tag="citizens",
)

_MEMBERS = ("message", "agency", "kind", "text")


class AccessRequestRoutes:
    """The routes for citizens.

    Args:
        log: finds the entry that a request is about.
    """

    def __init__(
        self, citizens: CitizenAuthenticator, log: AccessLogRoutes, store: RequestStore, registry: RegistrySnapshot
    ) -> None:
        self._citizens = citizens
        self._log = log
        self._store = store
        self._registry = registry
        self._limiter = AccessLogLimiter(REQUESTS_PER_HOUR)

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, ASK, self._ask)
        add_route(app, LIST, self._list)

    async def _ask(self, request: web.Request) -> web.Response:
        pseudonym = await self._citizen(request)
        body = await decoded_bodies.read_json_object(request)
        texts = {name: read_text(body, name, MAX_TEXT) for name in _MEMBERS}
        if set(body) - set(_MEMBERS) or texts["kind"] not in KINDS:
            raise invalid("/kind", f"phải là {' hoặc '.join(KINDS)}", f"must be {' or '.join(KINDS)}")
        await self._store.check_limits(pseudonym)  # before the evidence is searched
        entry = await self._log.entry(pseudonym, texts["message"], texts["agency"])
        kept = await self._store.ask(pseudonym, texts["agency"], cast("Kind", texts["kind"]), texts["text"], entry)
        return json_responses.json_response(self._document(kept, accepted_language(request)), status=201)

    async def _list(self, request: web.Request) -> web.Response:
        pseudonym, language = await self._citizen(request), accepted_language(request)
        own = await self._store.of_citizen(pseudonym)
        items = [self._document(one, language) for one in own.requests]
        damaged = [damaged_summary(one, self._registry, language) for one in own.damaged]
        return json_responses.json_response({"items": items, "damaged": damaged})

    async def _citizen(self, request: web.Request) -> str:
        """Return the pseudonym of the citizen who asks, and count that they do."""
        pseudonym = await self._citizens.pseudonym(request)
        self._limiter.spend(pseudonym)
        return pseudonym

    def _document(self, one: CitizenRequest, language: Language) -> dict[str, Any]:
        document = {**summary(one, self._registry, language), "text": one.text}
        # who of the agency answered is for the agency and the auditors
        for name, said in (("answer", one.answer), ("firstReply", one.first_reply)):
            if said:
                document[name] = {"text": said.text, "at": iso_time(said.at)}
        return document


def summary(one: CitizenRequest, registry: RegistrySnapshot, language: Language) -> dict[str, Any]:
    """Return what a list says of a request."""
    return {
        "number": one.number,
        "kind": one.kind,
        "state": "answered" if one.answer else "waiting",
        "asked": iso_time(one.asked),
        "due": one.due.isoformat(),
        "daysLeft": one.days_left(time.time()),
        "firstReplyDue": one.first_reply_due.isoformat(),
        "firstReplyDaysLeft": days_until(one.first_reply_due, time.time()),
        "waitsForFirstReply": one.waits_for_first_reply,
        "agency": one.agency,
        "agencyTitle": _title_of(one.agency, registry, language),
        "entry": dict(one.entry),
    }


def damaged_summary(one: DamagedRequest, registry: RegistrySnapshot, language: Language) -> dict[str, Any]:
    """Return what a list says of a request that cannot be read."""
    return {
        "number": one.number,
        "state": "answered" if one.answered else "waiting",
        "asked": one.asked.isoformat(),
        "due": one.due.isoformat(),
        "daysLeft": one.days_left(time.time()),
        "agency": one.agency,
        "agencyTitle": _title_of(one.agency, registry, language),
    }


def _title_of(agency: str, registry: RegistrySnapshot, language: Language) -> str:
    title = registry.agencies.get(agency)
    return title.in_language(language) if title else agency


def read_text(body: dict[str, Any], name: str, max_length: int) -> str:
    """Return a member that must be a text that is not blank, without the blanks around it.

    Raises:
        Refusal: `invalid-document`.
    """
    text = body.get(name)
    if not isinstance(text, str) or not text.strip() or len(text) > max_length or "\0" in text:
        raise invalid(
            f"/{name}",
            f"phải là văn bản từ 1 đến {max_length} ký tự",
            f"must be a text of 1 to {max_length} characters",
        )
    return text.strip()


def invalid(pointer: str, vi: str, en: str) -> Refusal:
    """Return the refusal of a member (`invalid-document`).

    Args:
        vi, en: the rest of a sentence about it.
    """
    return Refusal(
        "invalid-document",
        vi=f"{pointer}: {vi}; hãy sửa lại.",
        en=f"{pointer}: {en}; correct it.",
        violations=[Violation(pointer, "", Text(vi, en))],
    )
