"""What all HTML pages of the gateway share: the language they are in, and the headers they are sent with."""

from collections.abc import Iterable

from aiohttp import hdrs, web

from lgsp_contracts.tooling.pages import page
from lgsp_gateway.api.schemas import TEXT
from lgsp_gateway.http.language import preferred_language
from lgsp_gateway.http.parameter_types import choice_parameter
from lgsp_problems import Language
from lgsp_runtime.pacing import Pace

PIECES_PER_TURN = 100
"""Pieces of a page that are produced before the event loop serves other requests."""

HTML = {"text/html": TEXT}
LANGUAGE = choice_parameter(
    "lang", "the language of the page; by default the one that Accept-Language prefers", ("vi", "en"), ""
)


def language_of(request: web.Request) -> Language:
    """Return the language that a request asks for, by its parameter `lang` or else by `Accept-Language`."""
    return preferred_language(LANGUAGE.read_from(request) or request.headers.get(hdrs.ACCEPT_LANGUAGE))


async def html_response(pieces: Iterable[str], *, vary: str = "Accept-Language") -> web.Response:
    """Return a response with a page. The event loop serves other requests while it is joined.

    Args:
        pieces: of the page, as its template produces them.
        vary: the request headers that the page depends on.
    """
    produced, pace = [], Pace(PIECES_PER_TURN)
    for piece in pieces:
        await pace.spend()
        produced.append(piece)
    return web.Response(
        text="".join(produced),
        content_type="text/html",
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": page.POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Vary": vary,
        },
    )
