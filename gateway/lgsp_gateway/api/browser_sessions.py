"""`/console/sign-out`, `/me/sessions`, `/me/session/events`: the sessions of a person, how they end, and what every open tab learns of it."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.schemas import TEXT, json_of
from lgsp_gateway.api.sign_in import principal_document
from lgsp_gateway.api.sign_in_events import SignInEvents
from lgsp_gateway.http import json_responses, streaming
from lgsp_gateway.http.authentication import CALLER, CallerAuthenticator
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.sessions.session_store import Session
from lgsp_gateway.sessions.sign_in import SignedIn, SignIn, is_session_token
from lgsp_problems import NotFound
from lgsp_runtime.async_tasks import Stopped, run_until

CHECK_SECONDS = 10.0
"""How often the stream of a session looks whether it is still there: one that nobody uses expires without anybody saying so."""

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
FOLLOW = Route(
    "GET",
    "/me/session/events",
    "followSession",
    "Follow the session that asks: `session` says who is signed in, at first and after each change of agency or roles; `ended` that it is over",
    "signed-in",
    {200: ResponseSpec("Server-sent events, until the session ends", {streaming.EVENT_STREAM: TEXT})},
    problems=("not-granted", "too-many-streams"),
    tag="account",
)


class BrowserSessionRoutes:
    """The routes for the sessions of a person.

    Args:
        sign_out_url: returns where people sign out at an issuer too (`IssuerRedirects.sign_out_url`).
        stopping: set when the gateway stops; it ends the streams.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        sign_in: SignIn,
        registry: RegistrySnapshot,
        cookie: SessionCookie,
        events: SignInEvents,
        sign_out_url: Callable[[str], Awaitable[str]],
        stopping: asyncio.Event,
    ) -> None:
        self._callers = callers
        self._sign_in = sign_in
        self._registry = registry
        self._cookie = cookie
        self._events = events
        self._sign_out_url = sign_out_url
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, SIGN_OUT, self._sign_out)
        add_route(app, LIST, self._list)
        add_route(app, END, self._end)
        add_route(app, END_OTHERS, self._end_others)
        add_route(app, FOLLOW, self._follow)

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

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        own = await self._callers.signed_in(request)
        changed = asyncio.Event()

        def note_end(session: str) -> None:
            if session == own.id:
                changed.set()

        def note_change(kind: str, name: str) -> None:
            if kind == "Person" and name == own.session.person:
                changed.set()

        self._sign_in.sessions.on_ended(note_end)
        self._registry.on_change(note_change)
        try:
            async with streaming.open_stream(
                request, streaming.EVENT_STREAM, own.principal.name, live_page=True
            ) as answer:
                if not answer.head_only:
                    with contextlib.suppress(Stopped):
                        await run_until(self._stopping.wait(), self._send_changes(request, answer, own, changed))
            return answer.response
        finally:
            self._registry.remove_listener(note_change)
            self._sign_in.sessions.remove_listener(note_end)

    async def _send_changes(
        self, request: web.Request, answer: streaming.StreamedResponse, own: SignedIn, changed: asyncio.Event
    ) -> None:
        """Send what the person may do, now and after each change, until the session has ended."""
        now_own: SignedIn | None = own
        while now_own is not None:
            request[CALLER] = now_own
            await answer.write(_event("session", principal_document(now_own.principal)))
            now_own = await self._next_change(answer, now_own, changed)
        await answer.response.write(_event("ended", {}))

    async def _next_change(
        self, answer: streaming.StreamedResponse, own: SignedIn, changed: asyncio.Event
    ) -> SignedIn | None:
        """Wait until the person has other rights than they had; None where the session has ended."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await changed.wait()
            changed.clear()
            found = await self._sign_in.look(own, time.time())
            if found is None or found.principal != own.principal:
                return found
            await answer.write(b": still here\n\n")


def _event(name: str, document: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(document) + b"\n\n"


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
