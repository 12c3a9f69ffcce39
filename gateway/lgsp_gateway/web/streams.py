"""Answers that are sent piece by piece: their headers in one place, so that nothing between holds a piece back."""

from collections.abc import Mapping

from aiohttp import hdrs, web

EVENTS = "text/event-stream"


async def begin(request: web.Request, media: str, headers: Mapping[str, str] | None = None) -> web.StreamResponse:
    """Send the head of an answer. Nothing more follows where `is_head` says that the caller asked for no more."""
    response = web.StreamResponse(headers={"Content-Type": media, **unbuffered(), **(headers or {})})
    await response.prepare(request)
    return response


def is_head(request: web.Request) -> bool:
    """Does the caller ask for the head of the answer alone?"""
    return request.method == hdrs.METH_HEAD


def unbuffered() -> dict[str, str]:
    """Keep proxies from collecting (nginx: `X-Accel-Buffering`) and from keeping what passes."""
    return {hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no"}
