"""`/me/session/events`: what every open tab learns of its session, and of what waits for whoever is signed in.

One stream carries both, since each console holds it open already: the menu asks for nothing of its own.
"""

import asyncio
import contextlib
import time
from typing import Any, Final

import orjson
from aiohttp import web

from lgsp_gateway.api.schemas import TEXT
from lgsp_gateway.api.sign_in import principal_document
from lgsp_gateway.api.waiting_counts import WaitingCounts
from lgsp_gateway.http import streaming
from lgsp_gateway.http.authentication import CALLER, CallerAuthenticator
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.waiting_documents import KINDS
from lgsp_gateway.sessions.sign_in import SignedIn, SignIn
from lgsp_problems import Refusal
from lgsp_runtime.async_tasks import Stopped, run_until

CHECK_SECONDS: Final = 10.0
"""How often the stream of a session looks whether it is still there: one that nobody uses expires without anybody saying so."""
COALESCE_SECONDS: Final = 0.5
"""How long changes of the registry are gathered before what waits is counted again."""

FOLLOW = Route(
    "GET",
    "/me/session/events",
    "followSession",
    "Follow the session that asks: `session` says who is signed in, at first and after each change of agency or roles; `waiting` how much"
    " waits for them; `ended` that it is over",
    "signed-in",
    {200: ResponseSpec("Server-sent events, until the session ends", {streaming.EVENT_STREAM: TEXT})},
    problems=("not-granted", "too-many-streams"),
    tag="account",
)


class _Changes:
    """What happened since the stream last looked."""

    def __init__(self, own: SignedIn) -> None:
        self._own = own
        self.happened = asyncio.Event()
        self.own_session = False
        """Whether it concerns the session or the person, and not what waits for them alone."""

    def note_end(self, session: str) -> None:
        if session == self._own.id:
            self._note_own()

    def note_change(self, kind: str, name: str) -> None:
        if kind == "Person" and name == self._own.session.person:
            self._note_own()
        elif kind in KINDS:
            self.happened.set()

    def take(self) -> bool:
        """Forget what happened; tell whether the session or the person was concerned."""
        own, self.own_session = self.own_session, False
        self.happened.clear()
        return own

    def _note_own(self) -> None:
        self.own_session = True
        self.happened.set()


class SessionEventRoute:
    """The stream of a session.

    Args:
        stopping: set when the gateway stops; it ends the streams.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        sign_in: SignIn,
        registry: RegistrySnapshot,
        waiting: WaitingCounts,
        stopping: asyncio.Event,
    ) -> None:
        self._callers = callers
        self._sign_in = sign_in
        self._registry = registry
        self._waiting = waiting
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, FOLLOW, self._follow)

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        own = await self._callers.signed_in(request)
        changes = _Changes(own)
        self._sign_in.sessions.on_ended(changes.note_end)
        self._registry.on_change(changes.note_change)
        try:
            async with streaming.open_stream(
                request, streaming.EVENT_STREAM, own.principal.name, live_page=True
            ) as answer:
                if not answer.head_only:
                    with contextlib.suppress(Stopped):
                        await run_until(self._stopping.wait(), self._send_changes(request, answer, own, changes))
            return answer.response
        finally:
            self._registry.remove_listener(changes.note_change)
            self._sign_in.sessions.remove_listener(changes.note_end)

    async def _send_changes(
        self, request: web.Request, answer: streaming.StreamedResponse, own: SignedIn, changes: _Changes
    ) -> None:
        """Send what the person may do and what waits for them, now and after each change, until the session has ended."""
        now_own: SignedIn | None = own
        while now_own is not None:
            request[CALLER] = now_own
            await answer.write(_event("session", principal_document(now_own.principal, self._registry)))
            now_own = await self._next_change(answer, now_own, changes)
        await answer.response.write(_event("ended", {}))

    async def _next_change(
        self, answer: streaming.StreamedResponse, own: SignedIn, changes: _Changes
    ) -> SignedIn | None:
        """Wait until the person has other rights than they had, and say meanwhile what waits; None where the session has ended."""
        told: dict[str, int] | None = None
        look_at = time.monotonic() + CHECK_SECONDS
        while True:
            told = await self._tell_waiting(answer, own, told)
            if not await self._wait(changes, look_at):
                continue
            look_at = time.monotonic() + CHECK_SECONDS
            found = await self._sign_in.look(own, time.time())
            if found is None or found.principal != own.principal:
                return found
            await answer.write(b": still here\n\n")

    async def _wait(self, changes: _Changes, look_at: float) -> bool:
        """Wait for a change; tell whether to look at the session, and not at what waits alone.

        Args:
            look_at: when that is done anyway (`time.monotonic`): other people's changes, one after the other, put it off no further.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, look_at - time.monotonic())):
                await changes.happened.wait()
                if not changes.own_session:
                    await asyncio.sleep(COALESCE_SECONDS)
        return changes.take() or time.monotonic() >= look_at

    async def _tell_waiting(
        self, answer: streaming.StreamedResponse, own: SignedIn, told: dict[str, int] | None
    ) -> dict[str, int] | None:
        """Send what waits where it is not what was told; return what is told now."""
        try:
            counts = await self._waiting.of(own.principal)
        except Refusal:  # NATS is away: the next look counts again
            return told
        if counts != told:
            await answer.write(_event("waiting", counts))
        return counts


def _event(name: str, document: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(document) + b"\n\n"
