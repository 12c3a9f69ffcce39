"""Identifies the citizen who asks: by a token of an issuer of people, or by the session in the cookie of their browser.

A citizen is never a caller with a role (`http.authentication`), and neither a person's session nor a system's token is one of a citizen.
"""

import time

from aiohttp import hdrs, web

from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.http.authentication import BY_COOKIE, credentials_in
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.sessions.citizen_sessions import CitizenSession, CitizenSessions
from lgsp_problems import Refusal


class CitizenAuthenticator:
    """Identifies citizens.

    Args:
        cookie: carries the sessions of citizens.
    """

    def __init__(
        self,
        identification: Identification,
        pseudonyms: Pseudonyms,
        sessions: CitizenSessions,
        cookie: SessionCookie,
    ) -> None:
        self._identification = identification
        self._pseudonyms = pseudonyms
        self._sessions = sessions
        self._cookie = cookie

    async def pseudonym(self, request: web.Request) -> str:
        """Return the pseudonym of the citizen who asks.

        Raises:
            Refusal: `token-invalid`, `invalid_dpop_proof`, `too-many-attempts`, `cross-site-request` or `bus-unavailable`.
        """
        if hdrs.AUTHORIZATION not in request.headers and self._cookie.name in request.cookies:
            session = await self.session(request)
            if session is None:
                raise _session_ended()
            return session.pseudonym
        citizen = await self._identification.citizen(credentials_in(request), time.time())
        return self._pseudonyms.of(citizen.number)

    async def session(self, request: web.Request) -> CitizenSession | None:
        """Return the session in the cookie of a request; None where there is none that counts.

        Raises:
            Refusal: `cross-site-request` or `bus-unavailable`.
        """
        token = self._cookie.token_in(request)
        if not token:
            return None
        request[BY_COOKIE] = True
        return await self._sessions.find(token, time.time())


def _session_ended() -> Refusal:
    return Refusal(
        "token-invalid",
        vi="Bạn chưa đăng nhập hoặc phiên đã hết hạn; hãy đăng nhập lại.",
        en="You have not signed in, or your session has ended; sign in again.",
        headers={"WWW-Authenticate": 'Bearer realm="lgsp", error="invalid_token"'},
    )
