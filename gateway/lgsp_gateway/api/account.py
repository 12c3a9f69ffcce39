"""`/me/account/…`: what a local user sees and changes of how they sign in."""

import time

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

_PROBLEMS = ("not-granted", "not-found", "sign-in-failed", "invalid-document", "revision-conflict", "too-many-attempts")
_DONE = {200: ResponseSpec("Done", json_of("Nothing"))}
_PATH = "/me/account"

READ = Route(
    *("GET", _PATH, "readOwnAccount", "Read how the local user who asks signs in", "signed-in"),
    {200: ResponseSpec("The account; `not-found` for an account of another issuer", json_of("OwnAccount"))},
    problems=("not-granted", "not-found"),
    tag="account",
)
CHANGE_PASSWORD = Route(
    *("PUT", f"{_PATH}/password", "changeOwnPassword", "Change the password; other sessions end", "signed-in"),
    _DONE,
    body=json_of("PasswordChange"),
    problems=_PROBLEMS,
    tag="account",
)
BEGIN_AUTHENTICATOR = Route(
    *("POST", f"{_PATH}/authenticator", "beginAuthenticator", "Begin to set up an authenticator (TOTP)", "signed-in"),
    {200: ResponseSpec("What the authenticator reads, and what to bring back", json_of("NewAuthenticator"))},
    body=json_of("PasswordAgain"),
    problems=_PROBLEMS,
    tag="account",
)
FINISH_AUTHENTICATOR = Route(
    *("PUT", f"{_PATH}/authenticator", "finishAuthenticator", "Take the authenticator into use", "signed-in"),
    {200: ResponseSpec("Recovery codes, which are shown once", json_of("RecoveryCodes"))},
    body=json_of("AuthenticatorCode"),
    problems=_PROBLEMS,
    tag="account",
)
REMOVE_AUTHENTICATOR = Route(
    *("POST", f"{_PATH}/authenticator/remove", "removeAuthenticator", "Take the authenticator out of use", "signed-in"),
    _DONE,
    body=json_of("PasswordAgain"),
    problems=_PROBLEMS,
    tag="account",
)
BEGIN_PASSKEY = Route(
    *("POST", f"{_PATH}/passkeys/options", "beginPasskey", "Begin to add a passkey (WebAuthn)", "signed-in"),
    {200: ResponseSpec("What the browser needs, and what it brings back", json_of("PasskeyCeremony"))},
    body=json_of("PasswordAgain"),
    problems=_PROBLEMS,
    tag="account",
)
ADD_PASSKEY = Route(
    *("POST", f"{_PATH}/passkeys", "addPasskey", "Add the passkey that the browser has made", "signed-in"),
    _DONE,
    body=json_of("NewPasskey"),
    problems=(*_PROBLEMS, "step-not-allowed"),
    tag="account",
)
REMOVE_PASSKEY = Route(
    *("POST", f"{_PATH}/passkeys/remove", "removePasskey", "Remove a passkey", "signed-in"),
    _DONE,
    body=json_of("PasskeyRemoval"),
    problems=_PROBLEMS,
    tag="account",
)


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
