"""`/console/sign-in/…`, `/console/callback`: people sign in with an issuer in their browser.

The pages themselves are the console's. What went wrong at the callback is kept in a sealed cookie of that browser and read by the page
once: in the address anybody could put an account code of their own, for somebody else to tell an operator.
"""

import re
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from aiohttp import hdrs, web

from lgsp_gateway.api.issuer_callback import CALLBACK_NAME, IssuerCallback
from lgsp_gateway.api.new_browser_sessions import NewBrowserSessions
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.sign_in_events import SignInEvents
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import boolean_parameter, text_parameter
from lgsp_gateway.http.problems import refusal_of
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.http.sign_in_cookie import SECONDS, SignInCookie
from lgsp_gateway.sessions.accounts import AccountNotRegistered
from lgsp_gateway.sessions.issuer_redirects import IssuerRedirects, SignInPage
from lgsp_gateway.sessions.sealing import Sealer
from lgsp_gateway.sessions.session_store import Origin
from lgsp_gateway.sessions.sign_in import PersonNotActive, SignIn
from lgsp_problems import Refusal

PAGE = "/console/sign-in"
CALLBACK = "/console/callback"
MAX_PATH = 1500
"""Characters of a path to return to: sealed, it must fit into a cookie of 4096 bytes with what else a sign-in must find again."""
MAX_AGENT = 200
"""Characters of what a browser says of itself that are kept with a session."""

ISSUER = text_parameter("issuer", "the issuer to sign in with, as `/oauth2/issuers` names it", max_length=500)
RETURN = text_parameter("return", "the page of the console to open afterwards", max_length=2000)
AGAIN = boolean_parameter(
    "again", "have the issuer ask for the person's credentials, also where they are signed in there"
)
_PATH = re.compile(r"/console([/?#][!-\[\]-~]*)?")

BEGIN = Route(
    "GET",
    "/console/sign-in/issuer",
    "signInWithIssuer",
    "Send a browser to an issuer to sign in (authorization code with PKCE)",
    "anybody",
    {303: ResponseSpec("To the issuer; back to the page where that is not possible", headers=("Location",))},
    parameters=(ISSUER, RETURN, AGAIN),
    tag="tokens",
)
_FINISHED = {
    303: ResponseSpec(
        "To the page that the person came from, or back to the page of the sign-in", headers=("Location",)
    )
}
FINISH = Route(
    "GET",
    CALLBACK,
    "finishSignIn",
    "Receive the redirect of an issuer, and begin a session in the cookie of the browser",
    "anybody",
    _FINISHED,
    open_query=True,
    tag="tokens",
)
FINISH_OF_ISSUER = Route(
    "GET",
    f"{CALLBACK}/{{callback}}",
    "finishSignInOfIssuer",
    "Receive the redirect of an issuer that does not name itself in its redirects, and begin a session",
    "anybody",
    _FINISHED,
    parameters=(CALLBACK_NAME,),
    open_query=True,
    tag="tokens",
)
OUTCOME = Route(
    "GET",
    "/console/sign-in/outcome",
    "readSignInOutcome",
    "Read once why the last sign-in of this browser did not succeed",
    "anybody",
    {200: ResponseSpec("What went wrong; nothing, where nothing did", json_of("SignInOutcome"))},
    tag="tokens",
)


class IssuerSignInRoutes:
    """The routes for signing in with an issuer.

    Args:
        redirects: of the issuers that staff sign in with.
        short_cookie: of a browser that is signing in.
        outcomes: seals why a sign-in did not succeed.
    """

    def __init__(
        self,
        sign_in: SignIn,
        redirects: IssuerRedirects,
        new_sessions: NewBrowserSessions,
        session_cookie: SessionCookie,
        short_cookie: SignInCookie,
        outcomes: Sealer,
        events: SignInEvents,
    ) -> None:
        self._sign_in = sign_in
        self._redirects = redirects
        self._callback = IssuerCallback(redirects)
        self._new_sessions = new_sessions
        self._session_cookie = session_cookie
        self._cookie = short_cookie
        self._outcomes = outcomes
        self._events = events

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, BEGIN, self._begin)
        add_route(app, FINISH, self._finish)
        add_route(app, FINISH_OF_ISSUER, self._finish)
        add_route(app, OUTCOME, self._read_outcome)

    async def _begin(self, request: web.Request) -> web.Response:
        page = SignInPage(own_path(RETURN.read_from(request)), AGAIN.read_from(request))
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return see_other(_address(page))  # another page may not begin a sign-in
        try:
            self._session_cookie.require_usable()
            begun = await self._redirects.begin(
                *(ISSUER.read_from(request), page, time.time()), replaced=self._new_sessions.held(request)
            )
        except Refusal as refusal:
            return self._failed(request, refusal, page)
        response = see_other(begun.url)
        self._cookie.set(response, begun.sealed)
        return response

    async def _finish(self, request: web.Request) -> web.Response:
        sealed, now = self._cookie.read(request), time.time()
        try:
            self._session_cookie.require_usable()
            verified = await self._callback.verified(request, sealed, now)
            begun = await self._sign_in.begin_verified(verified.identity, origin_of(request, "issuer"), now)
            response = see_other(own_path(verified.return_path))
            await self._new_sessions.give(request, response, begun, "issuer", verified.replaced)
        except Exception as error:  # whatever it is: the person sees a page, not a problem document
            page = self._redirects.page_of(sealed, now)
            return self._failed(request, refusal_of(error, ""), page._replace(return_path=own_path(page.return_path)))
        self._cookie.clear(response)
        return response

    def _failed(self, request: web.Request, refusal: Refusal, page: SignInPage) -> web.Response:
        person = refusal.person if isinstance(refusal, PersonNotActive) else ""
        self._events.not_signed_in(request, "issuer", refusal, person)
        outcome = {"vi": refusal.detail.vi, "en": refusal.detail.en, "code": refusal.code}
        if isinstance(refusal, AccountNotRegistered):
            outcome["account"] = refusal.account
        response = see_other(_address(page))
        self._cookie.set(response, self._outcomes.seal(outcome, time.time()))
        return response

    async def _read_outcome(self, request: web.Request) -> web.Response:
        sealed = self._cookie.read(request)
        outcome = self._outcomes.open(sealed, time.time(), SECONDS) if sealed else None
        if outcome is None:
            return json_responses.json_response({})
        language = accepted_language(request)
        document: dict[str, Any] = {"code": outcome["code"], "detail": outcome[language]}
        if "account" in outcome:
            document["account"] = outcome["account"]
        headers = {"Content-Language": str(language), "Vary": "Accept-Language, Cookie"}
        response = json_responses.json_response(document, headers=headers)
        self._cookie.clear(response)
        return response


def origin_of(request: web.BaseRequest, method: str, user: str = "") -> Origin:
    """Return where a session comes from that a request begins.

    Args:
        method: how its person signs in: `issuer`, `password`, `passkey` or `link`.
        user: the id of a local user; "" for an account of another issuer.
    """
    agent = request.headers.get(hdrs.USER_AGENT, "")[:MAX_AGENT]
    return Origin(method, agent.encode("ascii", "replace").decode(), request.remote or "", user)


def _address(page: SignInPage) -> str:
    again = {"again": "true"} if page.again else {}
    return f"{PAGE}?{urlencode({'return': page.return_path, **again})}"


def own_path(path: str) -> str:
    """Return a path of the console; `/console` for anything else, so that nobody is led away."""
    return path if _PATH.fullmatch(path) and len(path) <= MAX_PATH else "/console"


def see_other(location: str) -> web.Response:
    """Return a redirect to another page, which no cache keeps and which does not say where it came from."""
    headers = {hdrs.LOCATION: location, hdrs.CACHE_CONTROL: "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)
