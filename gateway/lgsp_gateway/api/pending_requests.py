"""`/me/requests`, `/registry/grants/{name}/review` and `…/renew`: what waits for the caller's decision, with everything to decide it by.

A decision names the version that was read (`If-Match`), so that nobody approves what was changed meanwhile.
"""

import time
from typing import Any

from aiohttp import web

from lgsp_auth import roles
from lgsp_auth.principal import Principal
from lgsp_contracts import names
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN, DocumentName
from lgsp_gateway.api.grant_parties import approvers_document, parties_document
from lgsp_gateway.api.iso_dates import read_date
from lgsp_gateway.api.registry_declarations import IF_MATCH, MAX_REASON
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http import decoded_bodies, json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import cursor_parameter, integer_parameter, text_parameter
from lgsp_gateway.http.route_access import read_right, write_right
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry import ownership
from lgsp_gateway.registry.administration import Administration
from lgsp_gateway.registry.documents import service_name
from lgsp_gateway.registry.pending_requests import Review, preview
from lgsp_gateway.registry.renewals import successor_of
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Language, NotFound, Refusal

LIMIT = integer_parameter("limit", "the largest number of requests in the page", 1, 200, 50)
CURSOR = cursor_parameter("cursor", max_length=120, pattern="(Grant|Person)/[A-Za-z0-9.-]{1,63}")
NAME = text_parameter("name", "the name of the grant", max_length=MAX_NAME, pattern=NAME_PATTERN, location="path")

REQUESTS = Route(
    "GET",
    "/me/requests",
    "listRequestsForMe",
    "List the requests that the caller may decide on now: grants to approve or deny, people to approve",
    "token",
    {200: ResponseSpec("A page of requests", json_of("PendingRequests"))},
    parameters=(LIMIT, CURSOR),
    tag="registry",
)
REVIEW = Route(
    "GET",
    "/registry/grants/{name}/review",
    "reviewGrant",
    "Read a grant with what it shows on an example, who approved it, and what the caller may do with it",
    "token",
    {200: ResponseSpec("The grant under review", json_of("GrantReview"), ("ETag",))},
    parameters=(NAME,),
    problems=("not-found",),
    right=read_right("Grant"),
    tag="registry",
)
RENEW = Route(
    "POST",
    "/registry/grants/{name}/renew",
    "renewGrant",
    "Make or request the successor of a grant: the same content, from the day after its end",
    "token",
    {201: ResponseSpec("The successor", json_of("Grant"), ("ETag", "Location"))},
    parameters=(NAME, IF_MATCH),
    body=json_of("Renewal"),
    body_required=False,
    problems=("not-found", "step-not-allowed", "already-exists", "invalid-document", "revision-conflict"),
    right=write_right("Grant"),
    tag="registry",
)


class PendingRequestRoutes:
    """The routes for whoever decides on requests."""

    def __init__(
        self, callers: CallerAuthenticator, administration: Administration, registry: RegistrySnapshot
    ) -> None:
        self._callers = callers
        self._administration = administration
        self._registry = registry

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, REQUESTS, self._list)
        add_route(app, REVIEW, self._review)
        add_route(app, RENEW, self._renew)

    async def _list(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        kind, _, name = CURSOR.read_from(request).partition("/")
        page = await self._administration.pending.page(caller, (kind, name), LIMIT.read_from(request))
        language = accepted_language(request)
        last = page.items[-1].version if page.more else None
        return await json_responses.list_response(
            (self._item(one, language) for one in page.items), f"{last.kind}/{last.name}" if last else ""
        )

    async def _review(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        name = names.document_name("Grant", NAME.read_from(request))
        review = self._administration.pending.of_grant(caller, name)
        if review is None:
            raise NotFound(
                vi=f"Không có quyền {name}, hoặc bạn không được đọc.",
                en=f"There is no grant {name}, or you may not read it.",
            )
        item = self._item(review, accepted_language(request))
        spec = item["document"]["spec"]
        item["approvers"] = approvers_document(review.acting_as, spec, self._registry)
        item["shows"] = preview(spec, self._readable_contract(review.acting_as, spec))
        item["renewedBy"] = successor_of(name, self._registry)
        return json_responses.json_response(item, headers={"ETag": review.version.etag})

    def _readable_contract(self, caller: Principal, spec: dict[str, Any]) -> dict[str, Any] | None:
        """Return the contract of a grant's service; None for who may not know of it, as one who asks for a service that is not listed."""
        service, major, registry = str(spec["service"]), int(spec["major"]), self._registry
        name = service_name(service, major)
        owners = ownership.agencies_of(registry.services.provider_of(name), registry)
        known = registry.may_know(str(spec["consumer"]), service, major, time.time())
        if not known and not roles.allowed(caller.roles, caller.agency, "Service", "read", owners):
            return None
        return registry.contract_document(service, major)

    async def _renew(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        body = await decoded_bodies.read_optional_json_object(request)
        texts = {member: body.get(member, "") for member in ("until", "reason")}
        if not all(isinstance(text, str) for text in texts.values()) or set(body) - set(texts):
            raise Refusal(
                "malformed",
                vi="Nội dung chỉ được gồm until và reason, mỗi trường là một chuỗi; hãy sửa lại.",
                en="The body may have until and reason, each a string; correct it.",
            )
        name = DocumentName(names.document_name("Grant", NAME.read_from(request)))
        version = await self._administration.renew_grant(
            caller, name, read_date(texts["until"]), texts["reason"][:MAX_REASON], IF_MATCH.read_from(request)
        )
        headers = {"ETag": version.etag, "Location": f"/registry/grants/{version.name}"}
        return json_responses.json_response(version.document(), status=201, headers=headers)

    def _item(self, review: Review, language: Language) -> dict[str, Any]:
        """Return what waits, with whom it concerns."""
        given = review.approvals
        item: dict[str, Any] = {
            "kind": review.version.kind,
            "document": review.version.document(),
            "steps": list(review.steps),
            "personal": review.personal,
            "approvals": [
                {"by": name, "as": rank, "onBehalfOf": sorted(given.persons.get(name, ()))}
                for name, rank in given.given.items()
            ],
            "missing": given.missing() if review.personal and not given.suffice() else "",
        }
        if review.obstacle is not None:
            item["obstacle"] = review.obstacle.in_language(language)
        if review.acting_as.stands_in_for:
            item["onBehalfOf"] = review.acting_as.stands_in_for
        if review.version.kind == "Grant":
            spec = item["document"]["spec"]
            contract = self._readable_contract(review.acting_as, spec)
            item["parties"] = parties_document(spec, contract, self._registry)
        return item
