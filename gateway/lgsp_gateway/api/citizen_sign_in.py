"""`/my-data/…`, `/me/citizen-session`: citizens sign in with an issuer of people in their browser.

The redirects are those of `api.issuer_sign_in`, but what begins is a session of another kind, in a cookie of its own: it gives no role,
and the number of the citizen is kept nowhere.
"""

import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from lgsp_auth.id_token import SignInIssuer
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.citizen_authentication import CitizenAuthenticator
from lgsp_gateway.api.issuer_callback import CALLBACK_NAME, IssuerCallback
from lgsp_gateway.api.issuer_sign_in import see_other
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.sign_in_events import SignInEvents
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.problems import refusal_of
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.http.sign_in_cookie import SECONDS, SignInCookie
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.sessions.citizen_sessions import CITIZEN_SECONDS, CitizenSessions
from lgsp_gateway.sessions.issuer_redirects import IssuerRedirects, SignInPage
from lgsp_gateway.sessions.sealing import Sealer
from lgsp_problems import Refusal

PAGE = "/my-data"
CALLBACK = "/my-data/callback"

ISSUER = text_parameter("issuer", "the issuer to sign in with, as `/me/citizen-session` names it", max_length=500)
BEGIN = Route(
    "GET",
    "/my-data/sign-in",
    "signInAsCitizen",
    "Send a citizen's browser to an issuer to sign in (authorization code with PKCE)",
    "anybody",
    {303: ResponseSpec("To the issuer; back to the page where that is not possible", headers=("Location",))},
    parameters=(ISSUER,),
    tag="citizens",
)
_FINISHED = {303: ResponseSpec("To the citizens' page", headers=("Location",))}
FINISH = Route(
    "GET",
    CALLBACK,
    "finishSignInAsCitizen",
    "Receive the redirect of an issuer, and begin a citizen's session in the cookie of the browser",
    "anybody",
    _FINISHED,
    open_query=True,
    tag="citizens",
)
FINISH_OF_ISSUER = Route(
    "GET",
    f"{CALLBACK}/{{callback}}",
    "finishSignInAsCitizenOfIssuer",
    "Receive the redirect of an issuer that does not name itself in its redirects, and begin a citizen's session",
    "anybody",
    _FINISHED,
    parameters=(CALLBACK_NAME,),
    open_query=True,
    tag="citizens",
)
SESSION = Route(
    "GET",
    "/me/citizen-session",
    "readCitizenSession",
    "Read whether a citizen is signed in in this browser, until when, and which issuers citizens sign in with",
    "anybody",
    {200: ResponseSpec("The session", json_of("CitizenSession"))},
    tag="citizens",
)
SIGN_OUT = Route(
    "POST",
    "/my-data/sign-out",
    "signOutAsCitizen",
    "End the citizen's session in the cookie of a browser, on all gateways at once",
    "anybody",
    {200: ResponseSpec("The session has ended, if there was one", json_of("SignedOut"))},
    problems=("cross-site-request",),
    tag="citizens",
)


class CitizenSignInRoutes:
    """The routes by which citizens sign in and out.

    Args:
        issuers: that citizens sign in with.
        cookie: carries the sessions of citizens.
        registry: knows what the province is called.
        failures: seals why a sign-in did not succeed.
    """

    def __init__(
        self,
        issuers: Sequence[SignInIssuer],
        redirects: IssuerRedirects,
        sessions: CitizenSessions,
        citizens: CitizenAuthenticator,
        cookie: SessionCookie,
        registry: RegistrySnapshot,
        failures: Sealer,
        events: SignInEvents,
    ) -> None:
        self._issuers = issuers
        self._redirects = redirects
        self._callback = IssuerCallback(redirects)
        self._sessions = sessions
        self._citizens = citizens
        self._cookie = cookie
        self._short_cookie = SignInCookie(secure=cookie.secure)
        self._registry = registry
        self._failures = failures
        self._events = events

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, BEGIN, self._begin)
        add_route(app, FINISH, self._finish)
        add_route(app, FINISH_OF_ISSUER, self._finish)
        add_route(app, SESSION, self._read_session)
        add_route(app, SIGN_OUT, self._sign_out)

    async def _begin(self, request: web.Request) -> web.Response:
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return see_other(PAGE)  # another page may not begin a sign-in
        try:
            self._cookie.require_usable()
            held = self._sessions.id_of(self._cookie.token_in(request))
            begun = await self._redirects.begin(ISSUER.read_from(request), SignInPage(PAGE), time.time(), replaced=held)
        except Refusal as refusal:
            return self._failed(request, refusal)
        response = see_other(begun.url)
        self._short_cookie.set(response, begun.sealed)
        return response

    async def _finish(self, request: web.Request) -> web.Response:
        sealed, now = self._short_cookie.read(request), time.time()
        try:
            self._cookie.require_usable()
            verified = await self._callback.verified(request, sealed, now)
            token = await self._sessions.begin(verified.identity, now)
            await self._sessions.end_by_id(verified.replaced)
        except Exception as error:  # whatever it is: the citizen sees a page, not a problem document
            return self._failed(request, refusal_of(error, ""))
        self._events.signed_in(request, "citizen")
        response = see_other(PAGE)
        self._cookie.set(response, token, CITIZEN_SECONDS)
        self._short_cookie.clear(response)
        return response

    def _failed(self, request: web.Request, refusal: Refusal) -> web.Response:
        self._events.not_signed_in(request, "citizen", refusal)
        response = see_other(PAGE)
        failure = {"vi": refusal.detail.vi, "en": refusal.detail.en}
        self._short_cookie.set(response, self._failures.seal(failure, time.time()))
        return response

    async def _read_session(self, request: web.Request) -> web.Response:
        session = await self._citizens.session(request)
        issuers = [{"issuer": one.issuer.name, "title": dict(one.title)} for one in self._issuers]
        instance, language = self._registry.instance, accepted_language(request)
        province = instance.title.in_language(language) if instance and instance.title else ""
        document: dict[str, Any] = {"signedIn": session is not None, "province": province, "issuers": issuers}
        if session:
            document |= {"expires": iso_time(session.expires), "numberEnd": session.number_end}
        sealed = self._short_cookie.read(request)
        failure = self._failures.open(sealed, time.time(), SECONDS) if sealed else None
        if failure:
            document["failure"] = failure[language]
        response = json_responses.json_response(document, headers={"Vary": "Accept-Language, Cookie"})
        if failure:
            self._short_cookie.clear(response)
        return response

    async def _sign_out(self, request: web.Request) -> web.Response:
        self._cookie.require_own_page(request)
        token = self._cookie.token_in(request)
        session = await self._sessions.find(token, time.time())
        await self._sessions.end(token)
        if token:
            self._events.signed_out(request)
        at_issuer = await self._redirects.sign_out_url(session.issuer) if session else ""
        response = json_responses.json_response({"atIssuer": at_issuer} if at_issuer else {})
        self._cookie.clear(response)
        return response
