"""`/console/sign-out` and `/me/sessions`: the sessions of a person, and how they end."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.sign_in_events import SignInEvents
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.sessions.session_store import Session
from lgsp_gateway.sessions.sign_in import SignIn, is_session_token
from lgsp_problems import NotFound

SESSION = text_parameter("session", "the id of a session", max_length=64, pattern="^[0-9a-f]{64}$", location="path")

SIGN_OUT = Route(
    "POST",
    "/console/sign-out",
    "signOut",
    "End the session in the cookie of a browser, on all gateways at once",
    "anybody",
    {200: ResponseSpec("The session has ended, if there was one", json_of("SignedOut"))},
    problems=("cross-site-request",),
    tag="tokens",
)
LIST = Route(
    "GET",
    "/me/sessions",
    "listOwnSessions",
    "List the sessions of the person who asks",
    "signed-in",
    {200: ResponseSpec("The sessions, the newest first", json_of("SessionList"))},
    problems=("not-granted",),
    tag="account",
)
END = Route(
    "DELETE",
    "/me/sessions/{session}",
    "endOwnSession",
    "End a session of the person who asks",
    "signed-in",
    {200: ResponseSpec("It has ended", json_of("Nothing"))},
    parameters=(SESSION,),
    problems=("not-granted", "not-found"),
    tag="account",
)
END_OTHERS = Route(
    "POST",
    "/me/sessions/end-others",
    "endOtherSessions",
    "End all sessions of the person who asks but the one that asks",
    "signed-in",
    {200: ResponseSpec("They have ended", json_of("Nothing"))},
    problems=("not-granted",),
    tag="account",
)


class BrowserSessionRoutes:
    """The routes for the sessions of a person.

    Args:
        sign_out_url: returns where people sign out at an issuer too (`IssuerRedirects.sign_out_url`).
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        sign_in: SignIn,
        registry: RegistrySnapshot,
        cookie: SessionCookie,
        events: SignInEvents,
        sign_out_url: Callable[[str], Awaitable[str]],
    ) -> None:
        self._callers = callers
        self._sign_in = sign_in
        self._registry = registry
        self._cookie = cookie
        self._events = events
        self._sign_out_url = sign_out_url

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, SIGN_OUT, self._sign_out)
        add_route(app, LIST, self._list)
        add_route(app, END, self._end)
        add_route(app, END_OTHERS, self._end_others)

    async def _sign_out(self, request: web.Request) -> web.Response:
        # Also where no cookie came along, as with a form of another site's page: the answer would take it from the browser.
        self._cookie.require_own_page(request)
        token = self._cookie.token_in(request)
        at_issuer = ""
        if is_session_token(token):
            session = await self._sign_in.sessions.session(token)
            await self._sign_in.end(token)
            self._events.signed_out(request, session.person if session else "")
            at_issuer = await self._sign_out_at_issuer(session) if session else ""
        response = json_responses.json_response({"atIssuer": at_issuer} if at_issuer else {})
        self._cookie.clear(response)
        return response

    async def _sign_out_at_issuer(self, session: Session) -> str:
        person = self._registry.persons.get(session.person)
        return await self._sign_out_url(person.issuer) if person and session.method == "issuer" else ""

    async def _list(self, request: web.Request) -> web.Response:
        own = await self._callers.signed_in(request)
        found = await self._sign_in.sessions.sessions_of(own.session.person)
        newest_first = sorted(found.items(), key=lambda item: -item[1].began)
        items = [_document(key, session, current=key == own.id) for key, session in newest_first]
        return json_responses.json_response({"items": items})

    async def _end(self, request: web.Request) -> web.Response:
        own = await self._callers.signed_in(request)
        if not await self._sign_in.sessions.end_of(own.session.person, SESSION.read_from(request)):
            raise NotFound(
                vi="Bạn không có phiên này, hoặc phiên đã kết thúc.",
                en="You have no such session, or it has ended.",
            )
        return json_responses.json_response({})

    async def _end_others(self, request: web.Request) -> web.Response:
        own = await self._callers.signed_in(request)
        await self._sign_in.sessions.end_others(own.session.person, own.id)
        return json_responses.json_response({})


def _document(key: str, session: Session, *, current: bool) -> dict[str, Any]:
    return {
        "id": key,
        "current": current,
        "method": session.method or "token",
        "agent": session.agent,
        "address": session.address,
        "began": iso_time(session.began),
        "expires": iso_time(session.expires),
    }
