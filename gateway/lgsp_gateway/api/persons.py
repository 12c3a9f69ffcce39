"""`/registry/persons/{name}/…`: the steps in a person's life, and what the person is called.

The document itself is read and written as those of other kinds are (`api.registry`).
"""

from typing import cast

from aiohttp import web

from lgsp_contracts import names
from lgsp_contracts.names import DocumentName
from lgsp_gateway.api.registry_declarations import IF_MATCH, MAX_REASON
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http import decoded_bodies, json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import choice_parameter, text_parameter
from lgsp_gateway.http.route_access import read_right, step_right
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.lifecycle.persons import ACTIONS, Action
from lgsp_gateway.sessions.accounts import read_code, shown_code
from lgsp_gateway.sessions.person_administration import PersonAdministration
from lgsp_gateway.sessions.store import Profile
from lgsp_problems import Refusal

MAX_NAME = 200
"""Characters of what a person is called."""

NAME = text_parameter(
    "name", "the id of the person", max_length=names.MAX_NAME, pattern=names.NAME_PATTERN, location="path"
)
STEPS = tuple(step for step in ACTIONS if step != "link")

LINK = Route(
    *("POST", "/registry/persons/{name}/link", "linkPerson", "Link an account of the issuer to a person", "token"),
    {200: ResponseSpec("The person", json_of("Person"), ("ETag",))},
    parameters=(NAME,),
    body=json_of("PersonLink"),
    problems=("not-found", "step-not-allowed", "already-exists", "invalid-document"),
    right=step_right("Person"),
    tag="registry",
)
ACT = Route(
    "POST",
    f"/registry/persons/{{name}}/{{action:{'|'.join(STEPS)}}}",
    "actOnPerson",
    "Take another step in the life of a person",
    "token",
    {200: ResponseSpec("The person", json_of("Person"), ("ETag",))},
    parameters=(NAME, choice_parameter("action", "the step", STEPS, "", location="path"), IF_MATCH),
    body=json_of("PersonStep"),
    body_required=False,
    problems=("not-found", "step-not-allowed", "invalid-document", "revision-conflict"),
    right=step_right("Person"),
    tag="registry",
)
PROFILE = Route(
    *("GET", "/registry/persons/{name}/profile", "readPersonProfile", "Read what a person is called", "token"),
    {200: ResponseSpec("What they are called, and the code of their account", json_of("PersonProfile"))},
    parameters=(NAME,),
    problems=("not-found",),
    right=read_right("Person"),
    tag="registry",
)


class PersonRoutes:
    """The paths for whoever administers people."""

    def __init__(self, callers: CallerAuthenticator, administration: PersonAdministration) -> None:
        self._callers = callers
        self._administration = administration

    def add_routes(self, app: web.Application) -> None:
        """Add the paths."""
        add_route(app, LINK, self._link)
        add_route(app, ACT, self._act)
        add_route(app, PROFILE, self._profile)

    async def _link(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        body = await _texts(request, "account", "name", "reason")
        profile = Profile(read_code(body["account"]), body["name"][:MAX_NAME])
        reason = body["reason"][:MAX_REASON]
        return _document(await self._administration.link(caller, _name(request), profile, reason))

    async def _act(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        body = await _texts(request, "reason")
        action = cast("Action", request.match_info["action"])
        reason, read = body["reason"][:MAX_REASON], IF_MATCH.read_from(request)
        return _document(await self._administration.act(caller, _name(request), action, reason, read))

    async def _profile(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        profile = await self._administration.profile(caller, _name(request))
        members = {"account": shown_code(profile.account), "name": profile.name} if profile else {}
        return json_responses.json_response(members, headers={"Cache-Control": "no-store"})


def _name(request: web.Request) -> DocumentName:
    return names.document_name("Person", request.match_info["name"])


def _document(version: DocumentVersion) -> web.Response:
    return json_responses.json_response(version.document(), headers={"ETag": version.etag})


async def _texts(request: web.Request, *wanted: str) -> dict[str, str]:
    """The members of the body, each a text, empty where it is not sent.

    Raises:
        Refusal: `malformed`.
    """
    body = await decoded_bodies.read_optional_json_object(request)
    texts = {name: body.get(name, "") for name in wanted}
    if not all(isinstance(value, str) for value in texts.values()) or set(body) - set(texts):
        members = ", ".join(wanted)
        raise Refusal(
            "malformed",
            vi=f"Nội dung chỉ gồm {members}, mỗi trường là một chuỗi.",
            en=f"The body may hold {members}, each a string; correct it.",
        )
    return texts
