"""`/console/sign-in/password`, `…/passkey`, `…/link`: local users sign in, and set the password that a link lets them choose."""

import time
from http import HTTPStatus
from typing import Any

from aiohttp import web

from lgsp_gateway.api.issuer_sign_in import origin_of
from lgsp_gateway.api.member_texts import read_members
from lgsp_gateway.api.new_browser_sessions import NewBrowserSessions
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.sign_in_events import SignInEvents
from lgsp_gateway.calls.auth_failure_limiter import AuthFailureLimiter
from lgsp_gateway.http import json_responses, problems
from lgsp_gateway.http.device_cookie import DeviceCookie
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.sessions.accounts import AccountNotRegistered, shown_code
from lgsp_gateway.sessions.demo_sign_in import DemoSignIn
from lgsp_gateway.sessions.local_users.local_sign_in import LocalSignIn
from lgsp_gateway.sessions.oidc_client import failed
from lgsp_gateway.sessions.sign_in import BegunSession
from lgsp_problems import Refusal, SecondFactorRequired

_SIGNED_IN = ResponseSpec("The session has begun, in the cookie of the browser", json_of("Nothing"))
_PROBLEMS = ("cross-site-request", "sign-in-failed", "too-many-attempts", "invalid_grant", "invalid-document")

BY_PASSWORD = Route(
    "POST",
    "/console/sign-in/password",
    "signInWithPassword",
    "Sign in as a local user by a password, and a code where the user has set up an authenticator",
    "anybody",
    {200: _SIGNED_IN},
    body=json_of("PasswordSignIn"),
    problems=(*_PROBLEMS, "second-factor-required"),
    tag="account",
)
BEGIN_PASSKEY = Route(
    "POST",
    "/console/sign-in/passkey/options",
    "beginPasskeySignIn",
    "Begin to sign in by a passkey (WebAuthn)",
    "anybody",
    {200: ResponseSpec("What the browser needs, and what it brings back", json_of("PasskeyCeremony"))},
    problems=("cross-site-request",),
    tag="account",
)
BY_PASSKEY = Route(
    "POST",
    "/console/sign-in/passkey",
    "signInWithPasskey",
    "Sign in as a local user by a passkey",
    "anybody",
    {200: _SIGNED_IN},
    body=json_of("PasskeySignIn"),
    problems=_PROBLEMS,
    tag="account",
)
BY_LINK = Route(
    "POST",
    "/console/sign-in/link",
    "setPasswordByLink",
    "Set the password of a local user, once, by the link that an operator gave them",
    "anybody",
    {200: ResponseSpec("The password is set; the code of the account", json_of("LocalAccountCode"))},
    body=json_of("PasswordLink"),
    problems=_PROBLEMS,
    tag="account",
)
BY_LINK_OF_UP = Route(
    "POST",
    "/console/sign-in/once",
    "signInOnce",
    "Sign in once by the link that `lgsp up` has printed, on the same machine",
    "anybody",
    {200: _SIGNED_IN},
    body=json_of("OneTimeLink"),
    problems=_PROBLEMS,
    tag="account",
)


class LocalSignInRoutes:
    """The routes for signing in as a local user.

    Args:
        demo: signs in by the link of `lgsp up`; None where browsers reach the bus from elsewhere.
        failures: limits how often an address may try wrong passwords and links, whichever names it tries.
    """

    def __init__(
        self,
        sign_in: LocalSignIn,
        demo: DemoSignIn | None,
        new_sessions: NewBrowserSessions,
        session_cookie: SessionCookie,
        devices: DeviceCookie,
        failures: AuthFailureLimiter,
        events: SignInEvents,
    ) -> None:
        self._sign_in = sign_in
        self._demo = demo
        self._new_sessions = new_sessions
        self._session_cookie = session_cookie
        self._devices = devices
        self._failures = failures
        self._events = events

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, BY_PASSWORD, self._by_password)
        add_route(app, BEGIN_PASSKEY, self._begin_passkey)
        add_route(app, BY_PASSKEY, self._by_passkey)
        add_route(app, BY_LINK, self._by_link)
        add_route(app, BY_LINK_OF_UP, self._by_link_of_up)

    async def _by_password(self, request: web.Request) -> web.Response:
        body = await self._body(request, "user", "password", "code")
        name, now = body["user"].strip().lower(), time.time()
        device = self._devices.read(request, name, now)
        try:
            begun, user = await self._sign_in.by_password(
                name, body["password"], body["code"], device, origin_of(request, "password"), now
            )
        except SecondFactorRequired:
            raise
        except Refusal as refusal:
            return self._refused(request, "password", refusal, await self._sign_in.person_by_name(name))
        response = await self._begun(request, "password", begun)
        self._devices.set(response, user.name, now)
        return response

    async def _begin_passkey(self, request: web.Request) -> web.Response:
        self._check(request)
        return json_responses.json_response(self._sign_in.parts.passkeys.authentication(time.time()))

    async def _by_passkey(self, request: web.Request) -> web.Response:
        self._check(request)
        body = await read_members(request, "state", objects=("credential",))
        credential, origin = body["credential"], origin_of(request, "passkey")
        try:
            begun = await self._sign_in.by_passkey(body["state"], credential, origin, time.time())
        except Refusal as refusal:
            return self._refused(request, "passkey", refusal, await self._sign_in.person_by_passkey(credential))
        return await self._begun(request, "passkey", begun)

    async def _by_link(self, request: web.Request) -> web.Response:
        body = await self._body(request, "user", "link", "password")
        name = body["user"]
        try:
            code = await self._sign_in.set_password(name, body["link"], body["password"], time.time())
        except Refusal as refusal:
            return self._refused(request, "link", refusal, await self._sign_in.person_by_name(name))
        person = await self._sign_in.person_by_name(name)
        self._events.password_chosen(request, person)
        return json_responses.json_response({"account": shown_code(code), "registered": bool(person)})

    async def _by_link_of_up(self, request: web.Request) -> web.Response:
        body = await self._body(request, "link")
        try:
            if self._demo is None:
                raise failed("liên kết này chỉ dùng trên chính máy đó", "this link counts on the same machine alone")
            begun = await self._demo.by_link(body["link"], origin_of(request, "link"), time.time())
        except Refusal as refusal:
            return self._refused(request, "link", refusal)
        return await self._begun(request, "link", begun)

    async def _body(self, request: web.Request, *names: str) -> dict[str, Any]:
        self._check(request)
        if not self._failures.may_try(request.remote or ""):
            raise await self._failures.delayed_refusal()
        return await read_members(request, *names)

    def _check(self, request: web.Request) -> None:
        self._session_cookie.require_usable()
        self._session_cookie.require_own_page(request)

    async def _begun(self, request: web.Request, method: str, begun: BegunSession) -> web.Response:
        response = json_responses.json_response({})
        await self._new_sessions.give(request, response, begun, method, self._new_sessions.held(request))
        return response

    def _refused(self, request: web.Request, method: str, refusal: Refusal, person: str = "") -> web.Response:
        """Return the response to a refusal, with the code of an account that is not registered.

        Passkeys are not counted: a wrong one says nothing about the next, and behind one address a whole office signs in.
        """
        self._events.not_signed_in(request, method, refusal, person)
        if isinstance(refusal, AccountNotRegistered):
            return problems.problem_response(refusal, request, extension={"account": refusal.account})
        if refusal.kind.status == HTTPStatus.UNAUTHORIZED and method != "passkey":
            self._failures.record_failure(request.remote or "")
        raise refusal
