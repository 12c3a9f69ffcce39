"""`/users`: operators make local users, reset them and end them.

A reset makes a new account under the same name: whoever has the link could sign in as its person otherwise, and be two pairs of eyes. The
person is linked to the new account as to any other one, in a role that approves by two.
"""

import time
from typing import Any
from urllib.parse import quote

from aiohttp import web

from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.member_texts import read_members
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.sign_in_events import SignInEvents
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.sessions.accounts import shown_code
from lgsp_gateway.sessions.local_users.local_sign_in import LINK_SECONDS, LocalSignIn, new_link
from lgsp_gateway.sessions.local_users.user_store import MAX_NAME, LocalUser, read_name

USER = text_parameter("user", "the name of a local user", max_length=MAX_NAME, location="path")
_MADE = ResponseSpec("The user: the code of the account, and the link that sets the password", json_of("NewLocalUser"))

LIST = Route(
    *("GET", "/users", "listLocalUsers", "List the names of local users", "token"),
    {200: ResponseSpec("The users", json_of("LocalUserList"))},
    roles=("operator",),
    tag="account",
)
CREATE = Route(
    *("POST", "/users", "createLocalUser", "Make a local user, who chooses a password by a link", "token"),
    {201: _MADE},
    body=json_of("LocalUserName"),
    problems=("already-exists", "malformed", "invalid-document"),
    roles=("operator",),
    tag="account",
)
RESET = Route(
    *("POST", "/users/{user}/reset", "resetLocalUser", "Give a local user a new account and a new link", "token"),
    {200: _MADE},
    parameters=(USER,),
    problems=("not-found",),
    roles=("operator",),
    tag="account",
)
END = Route(
    *("DELETE", "/users/{user}", "endLocalUser", "Forget a local user", "token"),
    {200: ResponseSpec("The user is forgotten", json_of("Nothing"))},
    parameters=(USER,),
    problems=("not-found",),
    roles=("operator",),
    tag="account",
)


class UserRoutes:
    """The routes for operators.

    Args:
        public_url: the address under which browsers reach the bus.
    """

    def __init__(
        self, callers: CallerAuthenticator, sign_in: LocalSignIn, events: SignInEvents, public_url: str
    ) -> None:
        self._callers = callers
        self._sign_in = sign_in
        self._users = sign_in.parts.users
        self._events = events
        self._public_url = public_url

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LIST, self._list)
        add_route(app, CREATE, self._create)
        add_route(app, RESET, self._reset)
        add_route(app, END, self._end)

    async def _list(self, _: web.Request) -> web.Response:
        return json_responses.json_response({"items": [{"user": name} for name in await self._users.names()]})

    async def _create(self, request: web.Request) -> web.Response:
        body = await read_members(request, "user")
        made = await self._add(read_name(body["user"]))
        await self._report(request, "an operator has made a local user")
        return json_responses.json_response(made, status=201)

    async def _reset(self, request: web.Request) -> web.Response:
        before = await self._forget(request)
        made = await self._add(before.name)
        await self._report(request, "an operator has reset a local user")
        return json_responses.json_response(made)

    async def _end(self, request: web.Request) -> web.Response:
        await self._forget(request)
        await self._report(request, "an operator has ended a local user")
        return json_responses.json_response({})

    async def _forget(self, request: web.Request) -> LocalUser:
        """Forget a user, who is signed in no more."""
        forgotten = await self._users.remove(USER.read_from(request))
        await self._sign_in.end_sessions(forgotten)
        return forgotten

    async def _add(self, name: str) -> dict[str, Any]:
        link, digest = new_link()
        expires = time.time() + LINK_SECONDS
        user = LocalUser.create(name).with_(link=digest, link_expires=expires)
        await self._users.add(user)
        # After the #, which browsers send to nobody: not into a log, not to another page.
        address = f"{self._public_url}/console/sign-in/password#{quote(name)}/{link}"
        account = shown_code(self._sign_in.account_code(user))
        return {"user": name, "account": account, "link": address, "expires": iso_time(expires)}

    async def _report(self, request: web.Request, change: str) -> None:
        self._events.account_changed(request, str(await self._callers.identify(request)), change)
