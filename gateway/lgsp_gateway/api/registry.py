"""`/registry/{agencies,systems,services,grants,…}`: the registry over HTTP.

`ETag` and `If-Match` carry the revision of a document, so that the second of two writers does not overwrite the first: it gets 412
with the current document. `?reason=` is recorded in the history; `?dryRun=true` checks a change without making it.
"""

import datetime
from typing import Any, cast

from aiohttp import web

from lgsp_auth.principal import Principal
from lgsp_contracts import names
from lgsp_contracts.names import DocumentName
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.api import registry_declarations
from lgsp_gateway.api.iso_dates import read_date
from lgsp_gateway.api.registry_declarations import (
    CURSOR,
    DRY_RUN,
    END_TOKENS,
    EXPIRING,
    IF_MATCH,
    IF_NONE_MATCH,
    LIMIT,
    MANIFEST_SET,
    MAX_REASON,
    REASON,
)
from lgsp_gateway.http import decoded_bodies, json_responses, problems
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.routes import add_route
from lgsp_gateway.registry.administration import Administration
from lgsp_gateway.registry.change_writer import ABSENT
from lgsp_gateway.registry.document_pages import Wanted
from lgsp_gateway.registry.documents import PLURALS, DocumentVersion
from lgsp_gateway.registry.lifecycle.grants import Action
from lgsp_problems import Refusal, RevisionConflict

_PLURAL_OF = {kind: plural for plural, kind in PLURALS.items()}


class RegistryRoutes:
    """The routes of the registry."""

    def __init__(self, callers: CallerAuthenticator, administration: Administration) -> None:
        self._callers = callers
        self._administration = administration

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        for plural in PLURALS:
            routes = registry_declarations.KindRoutes(plural)
            add_route(app, routes.list, self._list)
            add_route(app, routes.create, self._create)
            add_route(app, routes.get, self._get)
            add_route(app, routes.replace, self._replace)
            add_route(app, routes.delete, self._delete)
            add_route(app, routes.history, self._history)
        handlers = {
            "act": self._act,
            "end-tokens": self._end_tokens,
            "suspend": self._suspend,
            "resume": self._resume,
        }
        for step, route in registry_declarations.step_routes():
            add_route(app, route, handlers[step])

    async def _list(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        filters = {
            one.name: one.read_from(request)
            for one in registry_declarations.filter_parameters(_kind(request))
            if one.read_from(request)
        }
        page = await self._administration.reader.page(
            caller,
            _kind(request),
            _document_filter(filters, EXPIRING.read_from(request)),
            CURSOR.read_from(request),
            LIMIT.read_from(request),
        )
        documents = (version.document() for version in page.versions)
        return await json_responses.list_response(documents, page.versions[-1].name if page.more else "")

    async def _get(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        return _document_response(self._administration.reader.find(caller, _kind(request), _name(request)))

    async def _history(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        versions = await self._administration.reader.history(caller, _kind(request), _name(request))
        return await json_responses.list_response(version.document() for version in versions)

    async def _create(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        document = await self._document(request)
        version = await self._put(request, caller, document, None)
        response = _document_response(version, status=201)
        response.headers["Location"] = f"/registry/{_PLURAL_OF[version.kind]}/{version.name}"
        return response

    async def _replace(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        document = await self._document(request)
        name = _name(request)
        if not isinstance(document.get("metadata"), dict) or document["metadata"].get("name") != name:
            raise Refusal(
                "invalid-document",
                vi=f"metadata.name phải là {name}, như trong đường dẫn; hãy sửa lại.",
                en=f"metadata.name must be {name}, as in the path; correct it.",
            )
        if IF_NONE_MATCH.read_from(request) == "*":
            return _document_response(await self._put(request, caller, document, ABSENT), status=201)
        try:
            return _document_response(await self._put(request, caller, document, _if_match(request)))
        except RevisionConflict as conflict:
            return self._conflict_response(conflict, request, caller)

    async def _delete(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        kind, name = _kind(request), _name(request)
        try:
            await self._administration.delete(
                caller, kind, name, _if_match(request), REASON.read_from(request), MANIFEST_SET.read_from(request)
            )
        except RevisionConflict as conflict:
            return self._conflict_response(conflict, request, caller)
        return web.Response(status=204)

    async def _act(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        step = await read_step(request)
        name = names.document_name("Grant", request.match_info["name"])
        action = cast("Action", request.match_info["action"])
        until, expected = read_date(step["until"]), IF_MATCH.read_from(request)
        try:
            return _document_response(
                await self._administration.act_on_grant(caller, name, action, step["reason"], until, expected)
            )
        except RevisionConflict as conflict:
            return self._conflict_response(conflict, request, caller, "Grant")

    async def _end_tokens(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        step = await read_step(request)
        name = names.document_name("System", request.match_info["name"])
        return _document_response(await self._administration.end_tokens(caller, name, step["reason"]))

    async def _suspend(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        step = await read_step(request)
        name = names.document_name("Service", request.match_info["name"])
        version = await self._administration.suspend_service(caller, name, step["since"], step["until"], step["reason"])
        return _document_response(version)

    async def _resume(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        step = await read_step(request)
        name = names.document_name("Service", request.match_info["name"])
        return _document_response(await self._administration.resume_service(caller, name, step["reason"]))

    async def _put(
        self, request: web.Request, caller: Principal, document: Any, expected: int | None
    ) -> DocumentVersion:
        if not isinstance(document, dict) or document.get("kind") != _kind(request):
            raise Refusal(
                "invalid-document",
                vi=f"kind phải là {_kind(request)}, như trong đường dẫn; hãy sửa lại.",
                en=f"kind must be {_kind(request)}, as in the path; correct it.",
            )
        reason, dry_run = REASON.read_from(request), DRY_RUN.read_from(request)
        end_tokens = _kind(request) == "System" and END_TOKENS.read_from(request)
        return await self._administration.put(
            caller,
            document,
            expected,
            reason,
            dry_run=dry_run,
            end_tokens=end_tokens,
            manifest_set=MANIFEST_SET.read_from(request),
        )

    async def _document(self, request: web.Request) -> dict[str, Any]:
        return await decoded_bodies.read_json_object(request)

    def _conflict_response(
        self, conflict: RevisionConflict, request: web.Request, caller: Principal, kind: str = ""
    ) -> web.Response:
        """Return the response to a revision conflict, with the current document to go on from."""
        kind = kind or _kind(request)
        name = names.document_name(kind, request.match_info["name"])
        current = self._administration.reader.find(caller, kind, name)
        response = problems.problem_response(conflict, request, extension={"current": current.document()})
        response.headers["ETag"] = current.etag
        return response


async def read_step(request: web.Request) -> dict[str, str]:
    """Read reason, since and until from the body of a request, which may be empty; "" for each that is not sent.

    Raises:
        Refusal: `malformed`.
    """
    body = await decoded_bodies.read_optional_json_object(request)
    texts = {name: body.get(name, "") for name in ("reason", "since", "until")}
    if not all(isinstance(text, str) for text in texts.values()) or set(body) - set(texts):
        raise Refusal(
            "malformed",
            vi="Nội dung chỉ được gồm reason, since và until, mỗi trường là một chuỗi; hãy sửa lại.",
            en="The body may have reason, since and until, each a string; correct it.",
        )
    return {**texts, "reason": texts["reason"][:MAX_REASON]}


def _document_response(version: DocumentVersion, status: int = 200) -> web.Response:
    return json_responses.json_response(version.document(), status=status, headers={"ETag": version.etag})


def _kind(request: web.Request) -> str:
    return PLURALS[request.match_info["kind"]]


def _name(request: web.Request) -> DocumentName:
    return names.document_name(_kind(request), request.match_info["name"])


def _document_filter(facts: dict[str, str], within: int | None) -> Wanted:
    """Return the filter of a list: by facts, and by the number of days within which a grant ends."""
    if within is None:
        return Wanted(facts)
    today = datetime.datetime.now(VIETNAM).date()
    return Wanted(facts, today.isoformat(), (today + datetime.timedelta(days=within)).isoformat())


def _if_match(request: web.Request) -> int:
    revision = IF_MATCH.read_from(request)
    if revision is None:
        raise Refusal(
            "precondition-required",
            vi="Hãy gửi If-Match với ETag của bản đang sửa, hoặc gửi If-None-Match: * để tạo mới.",
            en="Send If-Match with the ETag of the version that you change, or If-None-Match: * to create the document.",
        )
    return revision
