"""`/me/deputy`: an approver sees who stands in for them and consents to it; a deputy sees in whose place they decide.

An operator names the deputy, in the approver's document.
"""

from typing import Any, cast

from aiohttp import web

from lgsp_auth.principal import Principal
from lgsp_contracts import names
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_gateway.api.registry import read_step
from lgsp_gateway.api.registry_declarations import IF_MATCH
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import choice_parameter, text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.administration import Administration
from lgsp_gateway.registry.deputies import Deputy, today
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.lifecycle.grants import Action
from lgsp_gateway.registry.pending_requests import DEPUTY_STEPS
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

READ = Route(
    *(
        "GET",
        "/me/deputy",
        "readOwnDeputy",
        "Read who stands in for the caller, and for whom the caller does",
        "signed-in",
    ),
    {200: ResponseSpec("The deputies", json_of("OwnDeputy"), ("ETag",))},
    problems=("not-granted",),
    tag="registry",
)
CONSENT = Route(
    *(
        "POST",
        "/me/deputy/consent",
        "consentToDeputy",
        "Consent to the deputy that one's own document names",
        "signed-in",
    ),
    {200: ResponseSpec("The deputies", json_of("OwnDeputy"), ("ETag",))},
    parameters=(IF_MATCH,),
    problems=("not-granted", "step-not-allowed", "precondition-required", "revision-conflict"),
    tag="registry",
)
WITHDRAW = Route(
    *(
        "POST",
        "/me/deputy/withdraw",
        "withdrawDeputy",
        "Take back one's consent: the deputy decides no more",
        "signed-in",
    ),
    {200: ResponseSpec("The deputies", json_of("OwnDeputy"), ("ETag",))},
    parameters=(IF_MATCH,),
    problems=("not-granted", "precondition-required", "revision-conflict"),
    tag="registry",
)
DECIDE = Route(
    "POST",
    f"/me/deputy/{{person}}/grants/{{name}}/{{action:{'|'.join(DEPUTY_STEPS)}}}",
    "decideAsDeputy",
    "Approve or deny a grant in the place of an absent approver",
    "signed-in",
    {200: ResponseSpec("The grant", json_of("Grant"), ("ETag",))},
    parameters=(
        text_parameter(
            *("person", "the id of the absent approver"),
            max_length=MAX_NAME,
            pattern=NAME_PATTERN,
            location="path",
        ),
        text_parameter("name", "the name of the grant", max_length=MAX_NAME, pattern=NAME_PATTERN, location="path"),
        choice_parameter("action", "the step", DEPUTY_STEPS, "", location="path"),
        IF_MATCH,
    ),
    body=json_of("Step"),
    body_required=False,
    problems=("not-granted", "not-found", "step-not-allowed", "invalid-document", "revision-conflict"),
    tag="registry",
)


class DeputyRoutes:
    """The routes for approvers who are absent, and for their deputies."""

    def __init__(
        self, callers: CallerAuthenticator, administration: Administration, registry: RegistrySnapshot
    ) -> None:
        self._callers = callers
        self._administration = administration
        self._registry = registry

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, READ, self._read)
        add_route(app, CONSENT, self._consent)
        add_route(app, WITHDRAW, self._withdraw)
        add_route(app, DECIDE, self._decide_on_grant)

    async def _read(self, request: web.Request) -> web.Response:
        return self._response(await self._callers.identify(request))

    async def _consent(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        return self._response(caller, await self._decide(request, caller, consents=True))

    async def _withdraw(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        return self._response(caller, await self._decide(request, caller, consents=False))

    async def _decide(self, request: web.Request, caller: Principal, *, consents: bool) -> DocumentVersion:
        expected = IF_MATCH.read_from(request)
        if expected is None:
            raise Refusal(
                "precondition-required",
                vi="Hãy gửi If-Match với ETag mà GET /me/deputy vừa trả về.",
                en="Send If-Match with the ETag that GET /me/deputy returned.",
            )
        return await self._administration.consent_to_deputy(caller, expected, consents=consents)

    async def _decide_on_grant(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        step = await read_step(request)
        name = names.document_name("Grant", request.match_info["name"])
        deputy = self._administration.as_deputy(caller, request.match_info["person"])
        action, expected = cast("Action", request.match_info["action"]), IF_MATCH.read_from(request)
        version = await self._administration.act_on_grant(deputy, name, action, step["reason"], "", expected)
        return json_responses.json_response(version.document(), headers={"ETag": version.etag})

    def _response(self, caller: Principal, version: DocumentVersion | None = None) -> web.Response:
        people, day = self._registry.persons, today()
        own = version or self._registry.versions["Person"].get(caller.person)  # type: ignore[call-overload]
        me = people.get(caller.person)
        body: dict[str, Any] = {
            "standsInFor": [
                {"person": one.name, "agency": one.agency, **_days(one.deputy), "state": one.deputy.state(people, day)}
                for one in people.values()
                if one.deputy is not None and one.deputy.person == caller.person
            ]
        }
        if me is not None and me.deputy is not None:
            body["deputy"] = {
                "person": me.deputy.person,
                **_days(me.deputy),
                "state": me.deputy.state(people, day),
            }
        return json_responses.json_response(body, headers={"ETag": own.etag} if own else {})


def _days(deputy: Deputy) -> dict[str, str]:
    return {"from": deputy.since, "until": deputy.until}
