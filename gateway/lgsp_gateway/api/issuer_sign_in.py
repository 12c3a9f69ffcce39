"""`/console/sign-in/…`, `/console/callback`: people sign in with an issuer in their browser.

The pages themselves are the console's. What went wrong at the callback is kept in a sealed cookie of that browser and read by the page
once: in the address anybody could put an account code of their own, for somebody else to tell an operator.
"""

import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from aiohttp import hdrs, web

from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.sign_in_events import SignInEvents
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.problems import refusal_of
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.http.sign_in_cookie import SECONDS, SignInCookie
from lgsp_gateway.sessions.accounts import AccountNotRegistered
from lgsp_gateway.sessions.issuer_sign_in import CALLBACK, FinishedSignIn, IssuerSignIn, own_path
from lgsp_gateway.sessions.sealing import Sealer
from lgsp_gateway.sessions.session_store import BROWSER_SECONDS, Origin
from lgsp_problems import Refusal

PAGE = "/console/sign-in"
MAX_AGENT = 200
"""Characters of what a browser says of itself that are kept with a session."""

ISSUER = text_parameter("issuer", "the issuer to sign in with, as `/oauth2/issuers` names it", max_length=500)
RETURN = text_parameter("return", "the page of the console to open afterwards", max_length=2000)

BEGIN = Route(
    "GET",
    "/console/sign-in/issuer",
    "signInWithIssuer",
    "Send a browser to an issuer to sign in (authorization code with PKCE)",
    "anybody",
    {303: ResponseSpec("To the issuer; back to the page where that is not possible", headers=("Location",))},
    parameters=(ISSUER, RETURN),
    tag="tokens",
)
FINISH = Route(
    "GET",
    CALLBACK,
    "finishSignIn",
    "Receive the redirect of an issuer, and begin a session in the cookie of the browser",
    "anybody",
    {
        303: ResponseSpec(
            "To the page that the person came from, or back to the page of the sign-in", headers=("Location",)
        )
    },
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
    """The routes for signing in with an issuer."""

    def __init__(
        self,
        sign_in: IssuerSignIn,
        session_cookie: SessionCookie,
        cookie: SignInCookie,
        outcomes: Sealer,
        events: SignInEvents,
    ) -> None:
        self._sign_in = sign_in
        self._session_cookie = session_cookie
        self._cookie = cookie
        self._outcomes = outcomes
        self._events = events

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, BEGIN, self._begin)
        add_route(app, FINISH, self._finish)
        add_route(app, OUTCOME, self._read_outcome)

    async def _begin(self, request: web.Request) -> web.Response:
        issuer, return_path = ISSUER.read_from(request) or "", own_path(RETURN.read_from(request) or "")
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return see_other(f"{PAGE}?{urlencode({'return': return_path})}")  # another page may not begin a sign-in
        try:
            self._session_cookie.require_usable()
            begun = await self._sign_in.begin(issuer, return_path, time.time())
        except Refusal as refusal:
            return self._failed(request, refusal, return_path)
        response = see_other(begun.url)
        self._cookie.set(response, begun.sealed)
        return response

    async def _finish(self, request: web.Request) -> web.Response:
        sealed, now = self._cookie.read(request), time.time()
        try:
            self._session_cookie.require_usable()
            finished = await self._sign_in.finish(
                sealed, redirect_parameters(request), origin_of(request, "issuer"), now
            )
        except Exception as error:  # whatever it is: the person sees a page, not a problem document
            refusal = refusal_of(error, "")
            return self._failed(request, refusal, self._sign_in.return_path_of(sealed, now))
        return self._signed_in(request, finished)

    def _signed_in(self, request: web.Request, finished: FinishedSignIn) -> web.Response:
        self._events.signed_in(request, "issuer")
        response = see_other(finished.return_path)
        self._session_cookie.set(response, finished.token, BROWSER_SECONDS)
        self._cookie.clear(response)
        return response

    def _failed(self, request: web.Request, refusal: Refusal, return_path: str) -> web.Response:
        self._events.not_signed_in(request, "issuer", refusal)
        outcome = {"vi": refusal.detail.vi, "en": refusal.detail.en, "code": refusal.code}
        if isinstance(refusal, AccountNotRegistered):
            outcome["account"] = refusal.account
        response = see_other(f"{PAGE}?{urlencode({'return': return_path})}")
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


def redirect_parameters(request: web.Request) -> dict[str, str]:
    """Return the parameters of a redirect that count; one that came twice counts as none."""
    names = ("state", "code", "iss", "error")
    return {name: request.query[name] for name in names if len(request.query.getall(name, ())) == 1}


def see_other(location: str) -> web.Response:
    """Return a redirect to another page, which no cache keeps and which does not say where it came from."""
    headers = {hdrs.LOCATION: location, hdrs.CACHE_CONTROL: "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)
