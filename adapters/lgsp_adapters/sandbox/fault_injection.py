"""Faults that a sandbox server produces on request.

POST /_sandbox/faults {"delayMs": 3000}         answer late
                      {"garbage": "<html>…"}    answer this instead, with HTTP 200; "times": so often
                      {"status": 500}           answer with this status
                      {"drop": true}            close the connection without an answer
                      {"swallow": true}         do what is asked, and close the connection without an answer
                      {"expireTokens": true}    forget every token, once
                      {"delayMs": 3000, "after": true}   do what is asked, and answer late
                      {"path": "/getEdoc", …}   the others, for this path alone
DELETE /_sandbox/faults                         behave again
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

PATH = "/_sandbox/faults"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Faults:
    """The faults of one server, as a middleware and two routes.

    Args:
        forget_tokens: called on the request to expire its tokens.
    """

    def __init__(self, forget_tokens: Callable[[], None]) -> None:
        self._forget_tokens = forget_tokens
        self._delay = 0.0
        self._garbage: str | None = None
        self._status = 0
        self._drop = False
        self._swallow = False
        self._path = ""
        self._after = False

    def install(self, app: web.Application) -> None:
        """Add them to a server."""
        app.middlewares.append(self._middleware())
        app.router.add_post(PATH, self._set)
        app.router.add_delete(PATH, self._clear)

    def _middleware(self) -> Middleware:
        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path == PATH or self._path not in ("", request.path):
                return await handler(request)
            if self._delay and not self._after:
                await asyncio.sleep(self._delay)
            if self._drop and request.transport:
                request.transport.close()
            if self._garbage is not None:
                return web.Response(text=self._garbage, content_type="text/html")
            if self._status:
                return web.Response(status=self._status, text="Internal Server Error")
            answer = await handler(request)
            if self._delay and self._after:
                await asyncio.sleep(self._delay)
            if self._swallow and request.transport:
                request.transport.close()
            return answer

        return middleware

    async def _set(self, request: web.Request) -> web.Response:
        settings = await request.json()
        self._delay = float(settings.get("delayMs", 0)) / 1000
        garbage = settings.get("garbage")
        self._garbage = garbage and garbage * int(settings.get("times", 1))
        self._status = int(settings.get("status", 0))
        self._drop = bool(settings.get("drop"))
        self._swallow = bool(settings.get("swallow"))
        self._path = str(settings.get("path", ""))
        self._after = bool(settings.get("after"))
        if settings.get("expireTokens"):
            self._forget_tokens()
        return web.json_response(settings)

    async def _clear(self, _: web.Request) -> web.Response:
        self._delay, self._garbage, self._status, self._path = 0.0, None, 0, ""
        self._drop = self._swallow = self._after = False
        return web.Response(status=204)
