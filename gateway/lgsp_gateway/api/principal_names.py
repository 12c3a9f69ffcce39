"""`/registry/principals`: who stands behind the name of a principal, as approvals and histories have it.

Histories hold opaque ids, since they are kept for ever. Whoever may read the person's document is told what the person is called; everybody
else who reads such histories learns the agency and the roles, which is enough to know whom to ask.
"""

from typing import Any

from aiohttp import web

from lgsp_auth import roles
from lgsp_auth.principal import Principal
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.route_access import list_right
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_problems import Text

NAME = text_parameter(
    "name",
    "the principal: a system, `person/` and a person's id, or that person through a system",
    max_length=200,
    pattern="^[A-Za-z0-9 @/._-]+$",
)

READ = Route(
    "GET",
    "/registry/principals",
    "readPrincipalName",
    "Read who a principal is: the name of a person or the title of a system where the caller may read their document, or else agency and roles",
    "token",
    {200: ResponseSpec("What the caller may know of them", json_of("PrincipalName"))},
    parameters=(NAME,),
    right=list_right("Grant"),
    tag="registry",
)


class PrincipalNameRoute:
    """The route for readers of approvals and histories."""

    def __init__(self, callers: CallerAuthenticator, registry: RegistrySnapshot, people: PeopleStore) -> None:
        self._callers = callers
        self._registry = registry
        self._people = people

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, READ, self._read)

    async def _read(self, request: web.Request) -> web.Response:
        caller, name = await self._callers.identify(request), NAME.read_from(request)
        kind, _, person = name.partition("@")[0].partition("/")
        known = await self._person(caller, person) if kind == "person" else self._system(caller, name)
        return json_responses.json_response({"principal": name, **known})

    async def _person(self, caller: Principal, person_id: str) -> dict[str, Any]:
        person = self._registry.persons.get(person_id)
        if person is None:
            return {}
        found = {"roles": sorted(person.roles), **self._agency(person.agency)}
        readable = roles.allowed(caller.roles, caller.agency, "Person", "read", frozenset({person.agency}))
        if readable or caller.person == person_id:
            profile = await self._people.profile(person_id)
            if profile and profile.name:
                found["name"] = profile.name
        return found

    def _system(self, caller: Principal, name: str) -> dict[str, Any]:
        system = self._registry.consumer(name)
        if system is None or not roles.allowed(
            caller.roles, caller.agency, "System", "read", frozenset({system.agency})
        ):
            return {}
        return {"title": _text(system.title), "roles": sorted(system.roles), **self._agency(system.agency)}

    def _agency(self, code: str) -> dict[str, Any]:
        title = self._registry.agencies.get(code)
        return {"agency": code, **({"agencyTitle": _text(title)} if title else {})}


def _text(text: Text) -> dict[str, str]:
    return {"vi": text.vi, "en": text.en}
