"""`/me/account/…`: what a local user sees and changes of how they sign in."""

import time
from typing import Literal

import segno
from aiohttp import web

from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.member_texts import read_members
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.sign_in_events import SignInEvents
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.sessions.local_users.own_account import OwnAccount
from lgsp_gateway.sessions.session_store import Session
from lgsp_gateway.sessions.sign_in import SignedIn

_PATH = "/me/account"
_DONE = ResponseSpec("Done", json_of("Nothing"))
_PROBLEMS = ("not-granted", "not-found", "sign-in-failed", "invalid-document", "revision-conflict", "too-many-attempts")


def _change(
    method: Literal["POST", "PUT"],
    path: str,
    name: str,
    summary: str,
    body: str,
    success: ResponseSpec = _DONE,
    *problems: str,
) -> Route:
    """Declare a route by which a local user changes how they sign in.

    Args:
        body: the name of the schema of the request's body.
        success: what is answered.
        problems: codes beside those that each change may have.
    """
    return Route(
        method,
        f"{_PATH}{path}",
        name,
        summary,
        "signed-in",
        {200: success},
        body=json_of(body),
        problems=(*_PROBLEMS, *problems),
        tag="account",
    )


READ = Route(
    *("GET", _PATH, "readOwnAccount", "Read how the local user who asks signs in", "signed-in"),
    {200: ResponseSpec("The account; `not-found` for an account of another issuer", json_of("OwnAccount"))},
    problems=("not-granted", "not-found"),
    tag="account",
)
CHANGE_PASSWORD = _change(
    "PUT", "/password", "changeOwnPassword", "Change the password; other sessions end", "PasswordChange"
)
BEGIN_AUTHENTICATOR = _change(
    *("POST", "/authenticator", "beginAuthenticator", "Begin to set up an authenticator (TOTP)", "PasswordAgain"),
    ResponseSpec("What the authenticator reads, and what to bring back", json_of("NewAuthenticator")),
)
FINISH_AUTHENTICATOR = _change(
    *("PUT", "/authenticator", "finishAuthenticator", "Take the authenticator into use", "AuthenticatorCode"),
    ResponseSpec("Recovery codes, which are shown once", json_of("RecoveryCodes")),
)
REMOVE_AUTHENTICATOR = _change(
    "POST", "/authenticator/remove", "removeAuthenticator", "Take the authenticator out of use", "PasswordAgain"
)
BEGIN_PASSKEY = _change(
    *("POST", "/passkeys/options", "beginPasskey", "Begin to add a passkey (WebAuthn)", "PasswordAgain"),
    ResponseSpec("What the browser needs, and what it brings back", json_of("PasskeyCeremony")),
)
ADD_PASSKEY = _change(
    "POST",
    "/passkeys",
    "addPasskey",
    "Add the passkey that the browser has made",
    "NewPasskey",
    _DONE,
    "step-not-allowed",
)
REMOVE_PASSKEY = _change("POST", "/passkeys/remove", "removePasskey", "Remove a passkey", "PasskeyRemoval")


class AccountRoutes:
    """The routes of a person's own account."""

    def __init__(self, callers: CallerAuthenticator, account: OwnAccount, events: SignInEvents) -> None:
        self._callers = callers
        self._account = account
        self._events = events

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, READ, self._read)
        add_route(app, CHANGE_PASSWORD, self._change_password)
        add_route(app, BEGIN_AUTHENTICATOR, self._begin_authenticator)
        add_route(app, FINISH_AUTHENTICATOR, self._finish_authenticator)
        add_route(app, REMOVE_AUTHENTICATOR, self._remove_authenticator)
        add_route(app, BEGIN_PASSKEY, self._begin_passkey)
        add_route(app, ADD_PASSKEY, self._add_passkey)
        add_route(app, REMOVE_PASSKEY, self._remove_passkey)

    async def _read(self, request: web.Request) -> web.Response:
        user, _ = await self._account.user_of(await self._session(request))
        passkeys = [{"id": one.id, "name": one.name, "made": iso_time(one.made)} for one in user.passkeys]
        return json_responses.json_response(
            {
                "user": user.name,
                "authenticator": bool(user.totp),
                "recoveryCodes": len(user.recovery),
                "passkeys": passkeys,
            }
        )

    async def _change_password(self, request: web.Request) -> web.Response:
        own = await self._callers.signed_in(request)
        body = await read_members(request, "password", "newPassword")
        await self._account.change_password(own.session, own.id, body["password"], body["newPassword"], time.time())
        return self._done(request, own, "a person has changed their password")

    async def _begin_authenticator(self, request: web.Request) -> web.Response:
        session = await self._session(request)
        body = await read_members(request, "password")
        begun = await self._account.begin_authenticator(session, body["password"], time.time())
        drawn = segno.make(begun.uri, error="m").svg_data_uri(scale=4, border=4, light="#ffffff")
        return json_responses.json_response({"secret": begun.secret, "picture": drawn, "state": begun.state})

    async def _finish_authenticator(self, request: web.Request) -> web.Response:
        own = await self._callers.signed_in(request)
        body = await read_members(request, "state", "code")
        codes = await self._account.finish_authenticator(own.session, body["state"], body["code"], time.time())
        self._events.account_changed(request, str(own.principal), "a person has set up an authenticator")
        return json_responses.json_response({"codes": codes})

    async def _remove_authenticator(self, request: web.Request) -> web.Response:
        own = await self._callers.signed_in(request)
        body = await read_members(request, "password")
        await self._account.remove_authenticator(own.session, body["password"], time.time())
        return self._done(request, own, "a person has removed their authenticator")

    async def _begin_passkey(self, request: web.Request) -> web.Response:
        session = await self._session(request)
        body = await read_members(request, "password")
        return json_responses.json_response(await self._account.begin_passkey(session, body["password"], time.time()))

    async def _add_passkey(self, request: web.Request) -> web.Response:
        own = await self._callers.signed_in(request)
        body = await read_members(request, "state", "name", objects=("credential",))
        await self._account.finish_passkey(own.session, body["state"], body["credential"], body["name"], time.time())
        return self._done(request, own, "a person has added a passkey")

    async def _remove_passkey(self, request: web.Request) -> web.Response:
        own = await self._callers.signed_in(request)
        body = await read_members(request, "id", "password")
        await self._account.remove_passkey(own.session, body["id"], body["password"], time.time())
        return self._done(request, own, "a person has removed a passkey")

    async def _session(self, request: web.Request) -> Session:
        return (await self._callers.signed_in(request)).session

    def _done(self, request: web.Request, own: SignedIn, change: str) -> web.Response:
        self._events.account_changed(request, str(own.principal), change)
        return json_responses.json_response({})
