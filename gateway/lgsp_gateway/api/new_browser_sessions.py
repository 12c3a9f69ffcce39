"""Gives browsers the sessions that have begun, in place of the ones that they held.

A new sign-in ends the session of before (OWASP ASVS 5.0, 7.2.4): whoever copied its token, or had planted it, goes on with nothing. The
cookie does not come along with an issuer's redirect, which is another site's; so its session is noted when the sign-in begins.
"""

from aiohttp import web

from lgsp_gateway.api.sign_in_events import SignInEvents
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.sessions.session_store import BROWSER_SECONDS, SessionStore, id_of
from lgsp_gateway.sessions.sign_in import BegunSession, is_session_token


class NewBrowserSessions:
    """Puts sessions into the cookies of browsers.

    Args:
        cookie: carries the sessions of browsers.
    """

    def __init__(self, sessions: SessionStore, cookie: SessionCookie, events: SignInEvents) -> None:
        self._sessions = sessions
        self._cookie = cookie
        self._events = events

    def held(self, request: web.Request) -> str:
        """Return the id of the session that a browser holds; "" for none.

        Raises:
            Refusal: `cross-site-request`, as `SessionCookie.token_in`.
        """
        token = self._cookie.token_in(request)
        return id_of(token) if is_session_token(token) else ""

    async def give(
        self, request: web.Request, response: web.Response, begun: BegunSession, method: str, replaced: str
    ) -> None:
        """Give a browser a session that has begun, and end the one that it held.

        Args:
            method: how its person has signed in: `issuer`, `password`, `passkey` or `link`.
            replaced: the id of the session that the browser held; "" for none.

        Raises:
            Refusal: `bus-unavailable`.
        """
        if replaced:
            await self._sessions.end_by_id(replaced)
        self._events.signed_in(request, method, begun.person)
        self._cookie.set(response, begun.token, BROWSER_SECONDS)
